"""The addresses of the API, derived from the URL configuration."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from transcription.api.base import ApiView


def is_api_view(view: Any) -> bool:
    """Whether a view belongs to the API."""
    made_by = getattr(view, "cls", None)
    return isinstance(made_by, type) and issubclass(made_by, ApiView)


def is_api_path(path: str) -> bool:
    """Whether an address, known or not, begins like one of the API; its errors are JSON."""
    return path.lstrip("/").partition("/")[0] in api_roots()


@cache
def api_roots() -> frozenset[str]:
    """The first path segments of the API."""
    return frozenset(_roots(get_resolver().url_patterns))


def _roots(patterns: Sequence[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for item in patterns:
        route = before + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from _roots(item.url_patterns, route)
        elif is_api_view(item.callback):
            yield route.partition("/")[0]


def without_slash(request: HttpRequest, path: str) -> HttpResponse:
    """Redirects (307) an API address with a trailing slash to the address without it.

    Method, body and query stay the same.

    Raises:
        Http404: There is no such address without the slash either.
    """
    try:
        match = resolve("/" + path.rstrip("/"))
    except Resolver404:
        raise Http404 from None
    if not is_api_view(match.func):
        raise Http404
    address, mark, query = request.get_full_path().partition("?")
    response = HttpResponse(status=307, headers={"Location": address.rstrip("/") + mark + query})
    del response["Content-Type"]  # it has no content
    return response
