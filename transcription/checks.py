"""System checks: settings that cannot work, each with a hint."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from transcription.conf import conf
from transcription.engines import registry


@register("transcription")
def known_engine(**kwargs: Any) -> list[CheckMessage]:
    """ENGINE names one of ours."""
    if conf.ENGINE in registry.names():
        return []
    return [
        Error(
            f"ENGINE={conf.ENGINE!r} is not known.",
            hint=f"Use one of: {', '.join(registry.names())}.",
            id="transcription.E001",
        )
    ]
