"""Warnings about settings that open the site widely, and old names of settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from whisperx_site.configuration.environment import old_names_in
from whisperx_site.configuration.settings_reference import GROUPS


@register("security")
def open_to_all_origins(**kwargs: Any) -> list[CheckMessage]:
    """CORS_ALLOWED_ORIGINS=* lets pages of every website call this site."""
    if not settings.CORS_ALLOW_ALL_ORIGINS:
        return []
    return [
        Warning(
            "CORS_ALLOWED_ORIGINS=* lets the pages of every website call this site.",
            hint="Name the origins that need it.",
            id="site.W001",
        )
    ]


@register("security")
def open_to_everybody(**kwargs: Any) -> list[CheckMessage]:
    if not settings.ALLOW_ANONYMOUS:
        return []
    return [
        Warning(
            "ALLOW_ANONYMOUS=1 lets everyone who reaches this site upload recordings and start "
            "jobs without login, and read and delete all recordings that were sent without login.",
            hint="Without it, programs on this machine send the key in DATA_DIR/local_key, and "
            "other keys are created in the admin.",
            id="site.W002",
        )
    ]


@register("settings")
def old_names(**kwargs: Any) -> list[CheckMessage]:
    """Renamed environment settings; the old names work for one release."""
    return [
        Warning(
            f"The setting {old} is called {new} now.",
            hint=f"Rename it in .env or the environment. {old} works until the next release.",
            id="site.W003",
        )
        for old, new in old_names_in(settings.ENVIRONMENT, *GROUPS.values()).items()
    ]
