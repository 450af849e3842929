"""Predicts before an upload whether recordings will become transcripts or drafts.

A missing model is downloaded with the first recording that needs it; if that fails, the built-in
model is the fallback. At the start, and now and then while it is missing, `look_ahead` checks
whether it can be downloaded; requests read the result.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass

from transcription.conf import conf
from transcription.engines import registry
from transcription.engines.base import EngineError
from transcription.engines.fallbacks.transcription import built_in_problem
from transcription.engines.model_files import assets, built_in, ensure_downloaded
from transcription.engines.model_files.assets import WHISPER, Asset, directory
from transcription.services.stages.requirements import needed, needs_of_site, unusable_folders

logger = logging.getLogger(__name__)

FETCH = "python manage.py fetch_models"
FORECAST_REFRESH_SECONDS = 600.0
"""Seconds between two checks for a missing model."""
COUNTS_FOR = 86400.0
"""Seconds for which the last check is valid: the site may have been off, or its worker busy."""
INSTALL = "Install its requirements, or set ENGINE to another one."
NAME_A_FOLDER = "Set WHISPER_MODEL or LANGUAGE_MODEL_OVERRIDES to a folder that holds a model."
DRAFTS = "Results will be drafts."
FAILURES = "Recordings will fail."
BUILT_IN_MODEL = (
    f"Meanwhile the built-in model ({built_in.NAME}) is used: in English, which is assumed where "
    "no language is given; other languages fail."
)


@dataclass(frozen=True)
class Outlook:
    """The prediction, shown before a recording is uploaded.

    Attributes:
        headline: That results will be drafts, or recordings will fail; empty: neither.
        sentence: Why, for all users.
        remedy: For administrators; empty if nothing needs doing.
    """

    headline: str
    sentence: str
    remedy: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether results will be drafts, or recordings will fail."""
        return bool(self.headline)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.headline, self.sentence)))


def outlook() -> Outlook | None:
    """The prediction from the disk and the last check; None: transcripts will be as requested."""
    if registry.find(conf.ENGINE) is None:
        return None  # a system check reports it
    if reason := registry.get(conf.ENGINE).installation_error():
        return without_model(ended(reason), INSTALL)
    for model, reason in unusable_folders(needs_of_site()).items():
        return Outlook(FAILURES, no_model(model, reason), NAME_A_FOLDER)
    found = sorted(map(of_missing, missing_models()), key=lambda one: not one.is_bad)
    return found[0] if found else None  # the worst


def of_missing(asset: Asset) -> Outlook:
    """The outlook if this model is missing."""
    label = label_of(asset)
    if directory(conf.MODELS_DIR, asset).exists():
        said = f"{label} is damaged."
    elif reason := known_reason(asset):
        said = f"{label} is not on this machine and can't be downloaded: {ended(reason)}"
    else:
        size = f" ({asset.size / 1e6:,.0f} MB)" if asset.size else ""
        said = f"{label}{size} is downloaded with the first recording, which then takes longer."
        return Outlook("", said, f"To download it now: {FETCH}")
    return without_model(said, remedy_for(asset))


def without_model(reason: str, remedy: str) -> Outlook:
    """The outlook if the built-in model has to do all the work, or can't."""
    if problem := built_in_problem(conf.MODELS_DIR):
        return Outlook(FAILURES, f"{reason} {problem}", remedy)
    return Outlook(DRAFTS, f"{reason} {BUILT_IN_MODEL}", remedy)


def label_of(asset: Asset) -> str:
    """The model's name at the start of a sentence."""
    return f"{asset.label[:1].upper()}{asset.label[1:]}"


def no_model(folder: str, reason: str) -> str:
    """The sentence about a configured model folder that isn't a model."""
    return f"{folder} is not a model: {reason}."


def ended(reason: str) -> str:
    return reason if reason.endswith((".", "?", "!")) else f"{reason}."


def known_reason(asset: Asset) -> str:
    """Why it can't be downloaded, by the last try or check; "" if it can."""
    failed = assets.recent_failure(conf.MODELS_DIR, asset)
    return failed or assets.last_look(conf.MODELS_DIR, asset, COUNTS_FOR) or ""


def missing_models() -> list[Asset]:
    """The Whisper models in the settings that are missing or incomplete."""
    try:
        wanted = [asset for asset in needed(needs_of_site()) if asset.kind == WHISPER]
    except EngineError:  # jobs and `manage.py check --tag models` report the wrong setting
        return []
    return assets.missing(conf.MODELS_DIR, wanted)


def look_ahead(within: float = 0) -> Outlook | None:
    """Checks whether missing models can be downloaded; stores and returns the result.

    Args:
        within: Seconds; more recent checks are not repeated.
    """
    for asset in missing_models():
        if assets.last_look(conf.MODELS_DIR, asset, within) is None:
            reason = ensure_downloaded.look(asset, conf.MODELS_DIR, conf.MODEL_STALL_SECONDS)
            with suppress(OSError):  # if the folder isn't writable, downloads report it
                assets.remember_look(conf.MODELS_DIR, asset, reason)
    engine = registry.find(conf.ENGINE)
    if engine and engine.capabilities().needs_download:
        built_in.problem(conf.MODELS_DIR)  # the check is remembered, so that no page has to wait
    return outlook()


def look_again() -> None:
    """Calls `look_ahead` now and then; logs a changed result."""
    before = outlook()
    if before is None:
        return
    if (now := look_ahead(FORECAST_REFRESH_SECONDS)) != before:
        tell(now)


def tell(found: Outlook | None) -> None:
    """Logs it."""
    if found is None:
        logger.info("all models of this site are available")
    else:
        level = logging.WARNING if found.is_bad else logging.INFO
        logger.log(level, "%s %s", found, found.remedy)


def remedy_for(asset: Asset) -> str:
    folder = directory(conf.MODELS_DIR, asset)
    if folder.exists():  # a download doesn't change it
        return f"Remove {folder}; then run: {FETCH}"
    if not asset.page:
        return f"Run: {FETCH}"
    account = "with the account of HF_TOKEN" if conf.HF_TOKEN else "and set HF_TOKEN to a key"
    return f"Accept the conditions on {asset.page} {account}; then run: {FETCH}"
