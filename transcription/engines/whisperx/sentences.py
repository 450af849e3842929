"""NLTK's sentence data if it is there, else data without abbreviations.

whisperx would otherwise download missing data during its work.
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
    """Makes NLTK find data for the request's language; returns a remark, or ""."""
    import nltk
    from whisperx.utils import PUNKT_LANGUAGES

    language = PUNKT_LANGUAGES.get(request.language, "english")
    brought = assets.directory(request.models_dir, assets.punkt())
    plain = Path(request.work_dir or ".") / "sentences"  # removed with the run's folder
    own = [path for path in nltk.data.path if Path(path).name not in (brought.name, plain.name)]
    nltk.data.path[:] = [str(brought), *own]
    place = f"tokenizers/punkt_tab/{language}"
    if any((Path(path) / place / FILES[0]).is_file() for path in nltk.data.path):
        return ""
    (plain / place).mkdir(parents=True, exist_ok=True)
    for name in FILES:  # without training, every full stop ends a sentence
        (plain / place / name).touch()
    nltk.data.path.append(str(plain))
    return NOTE
