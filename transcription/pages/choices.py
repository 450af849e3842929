"""The options that the page offers, from the engine's capabilities."""

from copy import copy
from typing import Any

from transcription.conf import conf
from transcription.engines import models, registry
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    TRANSCRIBE,
    Capabilities,
    EngineError,
    Request,
)
from transcription.engines.interface import Engine
from transcription.engines.model_files import assets
from transcription.languages import LANGUAGES
from transcription.models import Job, TaskType
from transcription.services.options.default_language import patterns
from transcription.services.options.vocabulary import MODELS, OFFERED_MODELS
from transcription.services.stages import plan

MOST_TRACKS = 100
ENGLISH_ONLY = ".en"
MEGABYTE, GIGABYTE = 10**6, 10**9


def offer(job: Job | None = None) -> dict[str, Any]:
    """Everything for the options form.

    Args:
        job: The job to run again, whose options are preselected; None: the form is for new
            recordings.
    """
    engine = registry.get(conf.ENGINE)
    able = engine.capabilities()
    whole = job is None or job.task_type == TaskType.FULL
    diarizes = whole and DIARIZE in able.stages
    return {
        "engine": able.label,
        "quality": able.quality,
        "cannot": cannot(able),
        "languages": languages(able),
        "patterns": [(part, LANGUAGES[language]) for part, language in patterns()],
        "models": offered_models(engine, job.model if job else ""),
        "translates": able.translation,
        "aligns": whole and ALIGN in able.stages and not able.words,
        "diarizes": diarizes,
        "diarizer": gated(engine) if diarizes else None,
        "audio_tracks": audio_tracks(job) if job else (),
        "chosen": chosen(job or Job(engine=conf.ENGINE)),
    }


def cannot(able: Capabilities) -> str:
    """What the engine can't do, as the end of a sentence; empty: nothing."""
    lacks = {"translate": able.translation, "tell speakers apart": DIARIZE in able.stages}
    return " or ".join(what for what, can in lacks.items() if not can)


def languages(able: Capabilities) -> list[tuple[str, str]]:
    """Codes and names of the engine's languages, sorted by name."""
    known = LANGUAGES if able.languages is None else able.languages
    return sorted(((code, LANGUAGES.get(code, code)) for code in known), key=lambda pair: pair[1])


def chosen(job: Job) -> dict[str, Any]:
    """The preselected values."""
    usual = copy(job)
    usual.engine = conf.ENGINE
    return {
        "language": job.language,
        "translate": job.task == "translate",
        "align": plan.wants_words(usual),
        "diarize": plan.wants_speakers(usual),
        "min_speakers": job.options.get("min_speakers") or "",
        "max_speakers": job.options.get("max_speakers") or "",
        "audio_track": job.options.get("audio_track") or "",
    }


def audio_tracks(job: Job) -> range:
    """The numbers of a recording's audio tracks, if several can be read."""
    count = min(job.audio_tracks or 0, MOST_TRACKS)
    return range(1, count + 1) if count > 1 else range(0)


# Models -----------------------------------------------------------------------------------------


def offered_models(engine: Engine, model: str = "") -> list[dict[str, Any]]:
    """Groups of models, the first one without a name; empty if the engine has no models.

    Args:
        engine: The engine.
        model: The chosen one; empty: the site's own.
    """
    able = engine.capabilities()
    known = [name for name in MODELS if name in able.models and name not in models.ALIASES]
    if not known and not able.needs_download:
        return []
    selected = model or conf.WHISPER_MODEL
    usual = {name: note for name, note in OFFERED_MODELS.items() if name in able.models}
    for name, note in ((conf.WHISPER_MODEL, "this site's own"), (selected, "as before")):
        if name not in usual and models.canonical(name) not in map(models.canonical, usual):
            usual = {name: note, **usual}
    shown = {models.canonical(name) for name in usual}
    rest = [name for name in known if name not in shown]
    english = [name for name in rest if name.endswith(ENGLISH_ONLY)]
    groups = {"": list(usual), "English only": english, "Others": sorted({*rest} - {*english})}
    return [
        {
            "label": label,
            "models": [described(engine, name, usual.get(name, ""), selected) for name in names],
        }
        for label, names in groups.items()
        if names
    ]


def described(engine: Engine, name: str, note: str, selected: str) -> dict[str, Any]:
    """A model with its size, and whether it must be downloaded."""
    label = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return {
        "name": name,
        "label": " · ".join(
            part for part in (f"{label} – {note}" if note else label, *facts(engine, name)) if part
        ),
        "selected": models.canonical(name) == models.canonical(selected),
    }


def facts(engine: Engine, model: str) -> list[str]:
    """The size of a model, if known, and whether it is downloaded."""
    try:
        needed = engine.assets(Request("", engine.name, model=model), TRANSCRIBE)
    except EngineError:  # the setting may name an unknown model; jobs report that
        return []
    sizes = [asset.size for asset in needed]
    whole = size(sum(filter(None, sizes))) if sizes and all(sizes) else ""
    there = bool(needed) and not assets.missing(conf.MODELS_DIR, needed)
    return [whole, "ready" if there else ""]


def size(count: int) -> str:
    """Bytes in decimal units, as on download pages."""
    if count >= GIGABYTE:
        return f"{count / GIGABYTE:.1f} GB"
    return f"{max(1, round(count / MEGABYTE))} MB"


def gated(engine: Engine) -> assets.Asset | None:
    """The diarization model, if it is gated and can't be downloaded yet."""
    if conf.HF_TOKEN:
        return None
    needed = engine.assets(Request("", engine.name, model=conf.WHISPER_MODEL), DIARIZE)
    lacking = assets.missing(conf.MODELS_DIR, needed)
    return next((asset for asset in lacking if asset.page), None)
