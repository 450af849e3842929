"""Numbers in words."""

from datetime import timedelta

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def counted(count: int, one: str, several: str) -> str:
    """The number with what is counted."""
    return f"{count:,} {one if count == 1 else several}"


def duration(span: timedelta) -> str:
    """Its largest unit, such as "3 hours"; rounded down."""
    seconds = int(span.total_seconds())
    for unit, size in UNITS:
        if seconds >= size:
            return counted(seconds // size, unit, f"{unit}s")
    return "0 seconds"
