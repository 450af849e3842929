"""NLTK's sentence data where there is some, and data that know no abbreviations where not.

whisperx would download what it misses, in the middle of its work.
"""

from __future__ import annotations

from pathlib import Path

from transcription.engines.base import Request
from transcription.engines.model_files import assets

FILES = ("abbrev_types.txt", "collocations.tab", "sent_starters.txt", "ortho_context.tab")
NOTE = (
    "Sentences were split without a list of abbreviations: "
    "NLTK's sentence data (punkt_tab) are not in the models folder."
)


def prepare(request: Request) -> str:
    """See to it that NLTK finds data for the request's language; what to say of them, or ""."""
    import nltk
    from whisperx.utils import PUNKT_LANGUAGES

    language = PUNKT_LANGUAGES.get(request.language, "english")
    brought = assets.directory(request.models_dir, assets.punkt())
    plain = Path(request.work_dir or ".") / "sentences"  # goes with the run
    own = [path for path in nltk.data.path if Path(path).name not in (brought.name, plain.name)]
    nltk.data.path[:] = [str(brought), *own]
    place = f"tokenizers/punkt_tab/{language}"
    if any((Path(path) / place / FILES[0]).is_file() for path in nltk.data.path):
        return ""
    (plain / place).mkdir(parents=True, exist_ok=True)
    for name in FILES:  # nothing has been learned: every full stop ends a sentence
        (plain / place / name).touch()
    nltk.data.path.append(str(plain))
    return NOTE
