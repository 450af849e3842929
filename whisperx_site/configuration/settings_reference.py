"""All settings, for `manage.py doctor`, the README's table and `.env.example`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from transcription.conf import TranscriptionConf
from uploads.conf import Option, UploadsConf, declared
from whisperx_site.configuration.options import FIXED, SITE_DEFAULTS, SITE_HELP, SiteOptions

GROUPS: dict[str, type] = {
    "Site": SiteOptions,
    "Uploads": UploadsConf,
    "Transcription": TranscriptionConf,
}
SECRETS = frozenset(("SECRET_KEY", "ADMIN_PASSWORD", "HF_TOKEN"))
WITH_PASSWORDS = frozenset(("DATABASE_URL", "CACHE_URL"))
UNITS = {
    "bytes": ((1024**4, "TiB"), (1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")),
    "seconds": ((86400, "d"), (3600, "h"), (60, "m")),
}


@dataclass(frozen=True)
class Setting:
    """One setting for display; all values are texts as in the environment."""

    group: str
    name: str
    value: str
    default: str
    help: str


def all_settings() -> Iterator[Setting]:
    """All settings that can be set from outside, in the order of declaration."""
    for group, owner in GROUPS.items():
        for option in declared(owner):
            if option.name not in FIXED:
                default = SITE_DEFAULTS.get(option.name, option.default)
                value = shown(option, present_value(option))
                help_text = SITE_HELP.get(option.name, option.help)
                yield Setting(group, option.name, value, written(option, default), help_text)


def present_value(option: Option[Any]) -> Any:
    """The current value; the site's own options as read, not as derived."""
    return settings.SITE.get(option.name, getattr(settings, option.name, option.default))


def shown(option: Option[Any], value: Any) -> str:
    """A value for display, without secrets."""
    text = written(option, value)
    if option.name in SECRETS:
        return "(set)" if text else ""
    if option.name in WITH_PASSWORDS:
        return without_password(text)
    return text


def without_password(address: str) -> str:
    """The address of a database or cache with its password hidden."""
    try:
        password = urlsplit(address).password
    except ValueError:
        return "(set, and not an address)"
    return address.replace(f":{password}@", ":***@") if password else address


def written(option: Option[Any], value: Any) -> str:
    """A value as written in the environment."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list | tuple):
        return ",".join(value)
    if isinstance(value, dict):
        return json.dumps(value) if value else ""
    for size, unit in UNITS.get(option.kind, ()):
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return str(value)


def settings_table() -> str:
    lines = ["| Setting | Default | Meaning |", "|---|---|---|"]
    group = ""
    for setting in all_settings():
        if setting.group != group:
            group = setting.group
            lines.append(f"| **{group}** | | |")
        default = f"`{setting.default}`" if setting.default else ""
        lines.append(f"| `{setting.name}` | {default} | {setting.help.replace('|', '&#124;')} |")
    return "\n".join(lines) + "\n"


def env_example() -> str:
    lines = [
        "# Copy this file to .env and change what you need; environment variables take precedence.",
        "# Sizes take units (500MiB, 5GiB), times too (90s, 24h, 7d), flags 1 or 0.",
    ]
    group = ""
    for setting in all_settings():
        if setting.group != group:
            group = setting.group
            lines += ["", f"# {group} {'-' * (80 - len(group))}"]
        lines += ["", f"# {setting.help}", f"#{setting.name}={setting.default}"]
    return "\n".join(lines) + "\n"
