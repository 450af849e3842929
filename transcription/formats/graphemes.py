"""How wide a text is where it is shown, and what in it is one letter to its readers."""

from collections.abc import Iterator
from itertools import accumulate

from wcwidth import iter_graphemes
from wcwidth import width as columns

LONG = 256


def width(text: str) -> int:
    """How many columns a text takes: wide letters and emoji two each, combining marks none."""
    if text.isascii():
        return len(text)
    # The library looks back to where flags in a row begin: very many would take very long.
    parts = (text,) if len(text) < LONG else graphemes(text)
    return sum(columns(part, control_codes="ignore") for part in parts)


def graphemes(text: str) -> Iterator[str]:
    """The letters of a text as readers see them (UAX 29), each with its marks and joiners."""
    return iter(text) if text.isascii() else iter_graphemes(text)


def bounds(text: str) -> list[int]:
    """Where in a text a letter begins, in order, and where the last one ends."""
    return [0, *accumulate(map(len, graphemes(text)))]


def shortened(text: str, limit: int) -> str:
    """The text, or as much of its beginning as fits into so many columns with an ellipsis."""
    if width(text) <= limit:
        return text
    kept, used = [], 1
    for letter in graphemes(text):
        used += width(letter)
        if used > limit:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"
