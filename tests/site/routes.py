"""All addresses of the site, found by walking its URL patterns, so that no new one is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from django.urls import URLPattern, URLResolver, get_resolver

SAMPLES = {"uuid": "6f1c1c46-3f0b-4b5e-9d9e-0a8f5a1d2c3b", "int": "1", "str": "x", "path": "1"}


def samples_of(pattern: str) -> Iterator[str]:
    """Paths that the pattern, a route or a regular expression, matches: one of each alternative."""
    group = re.search(r"\((?:\?P<\w+>)?([^()]*)\)", pattern)
    if group:
        for alternative in group[1].split("|"):
            yield from samples_of(pattern[: group.start()] + alternative + pattern[group.end() :])
        return
    path = re.sub(r"\[[^]]+\]\+|\.\*", "x", pattern)
    path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], path)
    yield path.replace("^", "").replace("$", "").replace("\\Z", "")


def all_paths(
    patterns: Sequence[URLPattern | URLResolver] | None = None, before: str = "/"
) -> Iterator[str]:
    """A sample path of every route."""
    for item in get_resolver().url_patterns if patterns is None else patterns:
        for path in samples_of(str(item.pattern)):
            if isinstance(item, URLResolver):
                yield from all_paths(item.url_patterns, before + path)
            else:
                yield before + path
