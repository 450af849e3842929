"""The width of displayed text, and its letters as readers see them."""

from collections.abc import Iterator
from itertools import accumulate

from wcwidth import iter_graphemes
from wcwidth import width as columns

LONG = 256


def width(text: str) -> int:
    """The columns of a text: wide letters and emoji take two, combining marks none."""
    if text.isascii():
        return len(text)
    # The library looks back over flags in a row: very many would take very long.
    parts = (text,) if len(text) < LONG else graphemes(text)
    return sum(columns(part, control_codes="ignore") for part in parts)


def graphemes(text: str) -> Iterator[str]:
    """The letters of a text as readers see them (UAX 29), each with its marks and joiners."""
    return iter(text) if text.isascii() else iter_graphemes(text)


def bounds(text: str) -> list[int]:
    """The positions in a text at which letters begin, in order, and the end of the last one."""
    return [0, *accumulate(map(len, graphemes(text)))]


def shortened(text: str, limit: int) -> str:
    """The text, shortened with an ellipsis if it is wider than so many columns."""
    if width(text) <= limit:
        return text
    kept, used = [], 1
    for letter in graphemes(text):
        used += width(letter)
        if used > limit:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"
