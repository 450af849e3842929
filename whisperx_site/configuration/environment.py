"""Settings from the environment or a `.env` file, parsed by each option's kind."""

import ipaddress
import json
import re
import zoneinfo
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from uploads.conf import Option, declared

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
BYTES = {"": 1, "b": 1} | {
    prefix + suffix: 1024**power
    for power, prefix in enumerate("kmgt", start=1)
    for suffix in ("", "b", "ib")
}


def _measure(text: str, units: dict[str, int]) -> int:
    """A whole number with an optional unit: `90`, `24h`, `5 GiB`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if not match or match[2] not in units:
        raise ValueError(f"a number, optionally with a unit ({', '.join(filter(None, units))})")
    return int(float(match[1]) * units[match[2]])


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"": False, "0": False, "false": False, "no": False, "off": False}
    if text.strip().lower() not in words:
        raise ValueError("1 or 0 (true, false, yes, no, on, off)")
    return words[text.strip().lower()]


def _port(text: str) -> int:
    if not re.fullmatch(r"\s*\d{1,5}\s*", text) or not 0 < int(text) < 65536:
        raise ValueError("a port, 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"\s*\d{1,4}\s*", text) or not int(text):
        raise ValueError("a whole number from 1")
    return int(text)


def _url(text: str) -> str:
    """A site's address: scheme, host and port, without a trailing slash."""
    address = text.strip().rstrip("/")
    parts = urlsplit(address)  # ValueError: malformed brackets or port
    whole = f"{parts.scheme}://{parts.netloc}"
    if (
        parts.port == 0
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or address.lower() != whole
    ):
        raise ValueError("http:// or https:// with a host name in lower case, and no path")
    return address


def _list(text: str) -> list[str]:
    """Texts separated by commas, or a JSON list as other services use."""
    if not text.strip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return [part.strip() for part in json.loads(text)]
    except (ValueError, AttributeError) as problem:
        raise ValueError("words with commas between them, or a list of words as JSON") from problem


def _networks(text: str) -> list[str]:
    """IP addresses or networks, in their usual spelling."""
    try:
        return [str(ipaddress.ip_network(part, strict=False)) for part in _list(text)]
    except ValueError as problem:
        raise ValueError("networks such as 10.0.0.0/8, with commas between them") from problem


def _map(text: str) -> dict[str, str]:
    problem = 'JSON such as {"lv": "owner/name"}'
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(problem) from error
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise ValueError(problem)
    return {name.strip(): value.strip() for name, value in found.items()}


def _word(*words: str) -> Callable[[str], str]:
    known = {word.lower(): word for word in words}

    def parse(text: str) -> str:
        if text.strip().lower() not in known:
            raise ValueError(f"one of {', '.join(words)}")
        return known[text.strip().lower()]

    return parse


def _time_zone(text: str) -> str:
    try:
        return zoneinfo.ZoneInfo(text.strip()).key
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError) as problem:
        raise ValueError("a time zone's name, such as Europe/Riga") from problem


PARSERS: dict[str, Callable[[str], Any]] = {
    "text": str.strip,
    "flag": _flag,
    "number": lambda text: _measure(text, {"": 1}),
    "seconds": lambda text: _measure(text, SECONDS),
    "bytes": lambda text: _measure(text, BYTES),
    "list": _list,
    "networks": _networks,
    "map": _map,
    "path": str.strip,
    "port": _port,
    "count": _count,
    "url": _url,
    "level": _word("DEBUG", "INFO", "WARNING", "ERROR"),
    "log format": _word("text", "json"),
    "server": _word("auto", "gunicorn", "granian"),
    "time zone": _time_zone,
}


def given(environment: environ.Env, option: Option[Any]) -> tuple[str, str]:
    """The name under which `option` is set, current or old, and its text; "" if not set."""
    for name in filter(None, (option.name, option.old_name)):
        text = environment.str(name, default="")
        if text.strip():
            return name, text
    return option.name, ""


def read(environment: environ.Env, option: Option[Any]) -> Any:
    """The value of `option` in the environment, or its default.

    Raises:
        ImproperlyConfigured: The text is not valid for the option's kind.
    """
    name, text = given(environment, option)
    if not text:
        return option.default
    try:
        return PARSERS[option.kind](text)
    except ValueError as problem:
        raise ImproperlyConfigured(
            f"{name}={text!r} is not valid: it must be {problem}."
        ) from problem


def read_all(
    environment: environ.Env, owner: type, defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All options that the class `owner` declares, by name.

    Args:
        environment: The variables.
        owner: The class.
        defaults: Overrides of declared defaults, by name.
    """
    found = {option.name: read(environment, option) for option in declared(owner)}
    for name, value in (defaults or {}).items():
        if name in found and not environment.str(name, default="").strip():
            found[name] = value
    return found


def old_names_in(environment: environ.Env, *owners: type) -> dict[str, str]:
    """Old names of settings that are still set, with the current names."""
    options = (option for owner in owners for option in declared(owner) if option.old_name)
    return {
        option.old_name: option.name
        for option in options
        if environment.str(option.old_name, default="").strip()
    }


def open_environment(base_dir: Path) -> environ.Env:
    """The process environment, completed by `base_dir/.env`."""
    environment = environ.Env()
    if (base_dir / ".env").is_file():
        environment.read_env(str(base_dir / ".env"))
    return environment
