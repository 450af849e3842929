"""Settings from the environment or a `.env` file, read by the kind that each option declares."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


PARSERS: dict[str, Callable[[str], Any]] = {
    "text": str.strip,
    "flag": _flag,
    "number": lambda text: _measure(text, {"": 1}),
    "seconds": lambda text: _measure(text, SECONDS),
    "bytes": lambda text: _measure(text, BYTES),
    "list": lambda text: [part.strip() for part in text.split(",") if part.strip()],
    "path": str.strip,
}


def read(environment: environ.Env, option: Option[Any]) -> Any:
    """The value of `option` in the environment, or its default.

    Raises:
        ImproperlyConfigured: The text there is not of the option's kind.
    """
    text = environment.str(option.name, default="")
    if text == "":
        return option.default
    try:
        return PARSERS[option.kind](text)
    except ValueError as problem:
        raise ImproperlyConfigured(
            f"{option.name}={text!r} must be {problem}. It says: {option.help}"
        ) from problem


def read_all(environment: environ.Env, owner: type) -> dict[str, Any]:
    """All options that the class `owner` declares, by name."""
    return {option.name: read(environment, option) for option in declared(owner)}


def open_environment(base_dir: Path) -> environ.Env:
    """The process environment, completed by `base_dir/.env` where it has nothing to say."""
    environment = environ.Env()
    if (base_dir / ".env").is_file():
        environment.read_env(str(base_dir / ".env"))
    return environment
