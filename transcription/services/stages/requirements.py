"""The models that the settings or options require on the disk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transcription.conf import conf
from transcription.engines import models, registry
from transcription.engines.base import ALIGN, ANY, DIARIZE, TRANSCRIBE, Request
from transcription.engines.interface import Engine
from transcription.engines.model_files.assets import Asset
from transcription.services.options.default_language import DEFAULT_LANGUAGE, patterns


@dataclass(frozen=True)
class Requirements:
    """What must work without a network.

    Attributes:
        engine: Its name.
        models: Names, repositories or directories.
        languages: Codes; also requires the models that the site prefers for them.
        align: Whether to align words.
        diarize: Whether to tell speakers apart.
        aligners: Alignment models besides those of the languages: names or repositories.
    """

    engine: str
    models: Sequence[str]
    languages: Sequence[str]
    align: bool = True
    diarize: bool = True
    aligners: Sequence[str] = ()


def needs_of_site() -> Requirements:
    """The requirements of uploads without options, in the languages of the settings."""
    named = [DEFAULT_LANGUAGE, *(language for _, language in patterns())]
    languages = dict.fromkeys((*named, *conf.LANGUAGE_MODEL_OVERRIDES))
    aligners = [model for model in conf.ALIGN_MODELS if model != ANY]
    return Requirements(conf.ENGINE, [conf.WHISPER_MODEL], list(languages), aligners=aligners)


def model_for(language: str, model: str) -> str:
    """The model for a language; both may be empty: the default."""
    return conf.LANGUAGE_MODEL_OVERRIDES.get(language) or model or conf.WHISPER_MODEL


def needed(needs: Requirements) -> list[Asset]:
    """All assets, each once.

    Raises:
        EngineError: The engine or a model is unknown.
    """
    return list(dict.fromkeys(_needed(registry.get(needs.engine), needs)))


def _needed(engine: Engine, needs: Requirements) -> Iterator[Asset]:
    for model in wanted_models(needs):
        yield from engine.assets(Request("", engine.name, model=model), TRANSCRIBE)
    for language in needs.languages if needs.align else ():
        yield from engine.assets(Request("", engine.name, language=language), ALIGN)
    for model in needs.aligners if needs.align else ():
        asked = {"align_model": model}
        yield from engine.assets(Request("", engine.name, options=asked, aligners=(model,)), ALIGN)
    if needs.diarize:
        yield from engine.assets(Request("", engine.name), DIARIZE)


def wanted_models(needs: Requirements) -> list[str]:
    """The named models, and those that the site prefers for the languages."""
    preferred = conf.LANGUAGE_MODEL_OVERRIDES
    return list(
        dict.fromkeys(
            (*needs.models, *(preferred[one] for one in needs.languages if one in preferred))
        )
    )


def languages_without_aligner(needs: Requirements) -> list[str]:
    """The languages whose words the engine can't align, if it can align others."""
    engine = registry.get(needs.engine)
    able = engine.capabilities()
    if not needs.align or not able.needs_download or ALIGN not in able.stages:
        return []
    without = [Request("", engine.name, language=language) for language in needs.languages]
    return [one.language or "" for one in without if not engine.assets(one, ALIGN)]


def unusable_folders(needs: Requirements) -> dict[str, str]:
    """The model directories without a model, each with the reason."""
    if not registry.get(needs.engine).capabilities().needs_download:
        return {}
    folders = [model for model in wanted_models(needs) if models.is_path(model)]
    problems = {model: models.folder_problem(models.folder_of(model)) for model in folders}
    return {model: problem for model, problem in problems.items() if problem}
