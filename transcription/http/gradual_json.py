"""Reads and writes megabytes of JSON in small steps, between which other requests run.

Python's own functions take one step, half a second for the words of a long day. Large documents
have many items, so each step handles one item.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from json import JSONDecodeError
from typing import Any

from uploads.cooperative import Pacer

WINDOW = 64 * 1024
"""Characters that are read in one step: most items are shorter."""
DEEPEST = 8
"""The maximum nesting of containers longer than a window: each level is tried as a whole, so a
window is read once per level. Documents of the API have four levels.
"""
BLANKS = re.compile("[ \t\n\r]*")
SPAN = 3
"""Levels of containers whose items are written one by one; deeper ones are short."""

_decoder = json.JSONDecoder()
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class GradualReader:
    """Reads one document from start to end.

    Args:
        text: The document.
        pause: Called between two steps; its exceptions end the reading.

    Its methods raise JSONDecodeError or RecursionError if the document isn't JSON.
    """

    def __init__(self, text: str, pause: Callable[[], None] | None = None) -> None:
        self.text = text
        self.pause = pause or Pacer()
        self.found: Any = None
        self.place = 0
        self.depth = 0
        self._window = text[:WINDOW]
        self._begin = 0

    def kind(self) -> str:
        """The first character of the next value."""
        blanks = BLANKS.match(self.text, self.place)
        if blanks is None or blanks.end() == len(self.text):
            raise self.fault()
        self.place = blanks.end()
        return self.text[self.place]

    def is_short(self) -> bool:
        """Whether the next value was read in one step, into `found`."""
        self.pause()
        self.kind()
        return self._read_in_window()

    def value(self) -> Any:
        """The next value, complete."""
        if self.is_short():
            return self.found
        kind = self.kind()
        if kind == "{":
            return {key: self.value() for key in self.entries()}
        if kind == "[":
            return [self.value() for _ in self.items()]
        self.found, self.place = _decoder.raw_decode(self.text, self.place)  # text or number
        return self.found

    def skip(self) -> None:
        """Skips the next value."""
        if self.is_short():
            self.found = None
        elif (kind := self.kind()) == "{":
            for _ in self.entries():
                self.skip()
        elif kind == "[":
            for _ in self.items():
                self.skip()
        else:
            self.value()

    def entries(self) -> Iterator[str]:
        """The keys of the object that starts here; the caller reads each value."""
        for _ in self._within("{", "}"):
            if self.kind() != '"':
                raise self.fault()
            key, self.place = _decoder.raw_decode(self.text, self.place)
            if self.kind() != ":":
                raise self.fault()
            self.place += 1
            yield key

    def items(self) -> Iterator[None]:
        """The indexes of the list that starts here; the caller reads each value."""
        return self._within("[", "]")

    def end(self) -> None:
        """Checks that nothing follows."""
        blanks = BLANKS.match(self.text, self.place)
        if blanks is None or blanks.end() < len(self.text):
            raise self.fault()

    def _within(self, first: str, last: str) -> Iterator[None]:
        if self.kind() != first:
            raise self.fault()
        self.depth += 1
        if self.depth > DEEPEST:
            raise RecursionError
        self.place += 1
        if self.kind() != last:
            yield
            while (mark := self.kind()) == ",":
                self.place += 1
                yield
            if mark != last:
                raise self.fault()
        self.place += 1
        self.depth -= 1

    def _read_in_window(self) -> bool:
        """Whether the next value is short enough to be read in one step."""
        if self._try():
            return True
        if self._begin == self.place:
            return False
        self._begin = self.place
        self._window = self.text[self.place : self.place + WINDOW]
        return self._try()

    def _try(self) -> bool:
        start = self.place - self._begin
        if start >= len(self._window):
            return False
        try:
            self.found, end = _decoder.raw_decode(self._window, start)
        except JSONDecodeError:
            return False
        # A number at the end of the window may continue after it, such as 1e+5.
        if end + 3 > len(self._window) and self._begin + len(self._window) < len(self.text):
            return False
        self.place = self._begin + end
        return True

    def fault(self) -> JSONDecodeError:
        return JSONDecodeError("Unexpected character", self.text, self.place)


def read_gradually(text: str) -> Any:
    """The value of a document.

    Raises:
        ValueError, RecursionError: It isn't JSON.
    """
    reader = GradualReader(text)
    value = reader.value()
    reader.end()
    return value


def write_gradually(value: Any, pause: Callable[[], None] | None = None) -> Iterator[str]:
    """A value as JSON, in pieces. Iterators in it are written as lists and used up."""
    return _pieces(value, pause or Pacer(), SPAN)


def _pieces(value: Any, pause: Callable[[], None], levels: int) -> Iterator[str]:
    pause()
    if levels and isinstance(value, Mapping):
        mark = "{"
        for key, entry in value.items():
            yield f"{mark}{_dumps(str(key))}:"
            yield from _pieces(entry, pause, levels - 1)
            mark = ","
        yield "{}" if mark == "{" else "}"
    elif isinstance(value, Iterator) or levels and isinstance(value, list | tuple):
        mark = "["
        for item in value:
            yield mark
            yield from _pieces(item, pause, levels - 1)
            mark = ","
        yield "[]" if mark == "[" else "]"
    else:
        yield _dumps(value)


class GradualDecoder(json.JSONDecoder):
    """For model fields: `json.loads` in steps."""

    def decode(self, s: str, *unused: Any) -> Any:
        return json.loads(s) if len(s) <= WINDOW else read_gradually(s)


class Encoded:
    """Encoded JSON, for a model field.

    Encoding yields to other requests, so it happens before a transaction begins: SQLite has one
    writer at a time.
    """

    def __init__(self, value: Any) -> None:
        self.text = "".join(write_gradually(value))


class GradualEncoder(json.JSONEncoder):
    """For model fields: `json.dumps` in steps."""

    def encode(self, o: Any) -> str:
        return (o if isinstance(o, Encoded) else Encoded(o)).text
