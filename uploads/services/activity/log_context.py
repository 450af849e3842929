"""What a line of the log is about: ids that the formatter of a site can add to it.

A site calls `begin` for each request; views and services add what they find out. Any app may use
this; it imports nothing of ours.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, object] = MappingProxyType({})
_ids: ContextVar[Mapping[str, object]] = ContextVar("log_context", default=_NOTHING)


def begin(**ids: object) -> None:
    """Forgets what was before: a thread or a greenlet serves one request after the other.

    Args:
        ids: By the names that the log has for them. Only a line that is written asks for their
            texts, so an id may be an object that finds out what it is.
    """
    _ids.set(ids)


def add(**ids: object) -> None:
    """Adds ids to all lines until the next `begin`, or the end of the block of `about`."""
    _ids.set({**_ids.get(), **ids})


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Adds ids to the lines of a block."""
    before = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(before)


def current() -> Mapping[str, object]:
    """The ids of this request or task."""
    return _ids.get()
