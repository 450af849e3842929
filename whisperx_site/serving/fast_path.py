"""Django's handler in two shorter versions, for upload addresses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import setting_changed
from django.db import connections
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.request import HttpHeaders
from django.http.response import HttpResponseBase
from django.urls import URLResolver
from django.urls.resolvers import RegexPattern
from django.utils.log import log_response

UPLOADS_ROOT = "/uploads/files"
# Headers that the browser middleware needs. Without any of them CORS, sessions and CSRF have
# nothing to do. SCRIPT_NAME is never empty if the site is below a path.
BROWSER_HEADERS = frozenset(
    ("HTTP_COOKIE", "HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD", "SCRIPT_URL")
)
HOSTS_KEPT = 64


@receiver(setting_changed)
def forget_hosts(setting: str, **_: Any) -> None:
    """Clears the cache of hosts."""
    if setting == "ALLOWED_HOSTS":
        ToolsRequest.allowed.clear()


class UploadsHandler(WSGIHandler):
    """Django with only the middleware that uploads need."""

    middleware = "UPLOADS_MIDDLEWARE"

    def load_middleware(self, is_async: bool = False) -> None:
        """Builds the chain from our list; Django knows only one list."""
        whole = settings.MIDDLEWARE
        settings.MIDDLEWARE = getattr(settings, self.middleware)
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = whole


class Headers(Mapping[str, str]):
    """Like `request.headers`, without building two dictionaries of all headers first."""

    def __init__(self, meta: dict[str, Any]) -> None:
        self.meta = meta

    def __getitem__(self, name: str) -> str:
        value: str = self.meta[_variable(name)]
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Without an exception for each absent header; most are absent."""
        return self.meta.get(_variable(name), default)

    def __iter__(self) -> Iterator[str]:
        return iter(HttpHeaders(self.meta))

    def __len__(self) -> int:
        return len(HttpHeaders(self.meta))


@cache
def _variable(name: str) -> str:
    variable = name.upper().replace("-", "_")
    return variable if variable in HttpHeaders.UNPREFIXED_HEADERS else f"HTTP_{variable}"


class ToolsRequest(WSGIRequest):
    """A request whose headers are read from the WSGI environment one by one."""

    allowed: ClassVar[set[str]] = set()  # accepted Host headers

    @cached_property
    def headers(self) -> Headers:  # type: ignore[override]
        return Headers(self.META)

    def get_host(self) -> str:
        """The Host header, if it is allowed. Clients send the same one again and again, so it is
        cached.

        Raises:
            DisallowedHost: It is not allowed.
        """
        said: str = self.META.get("HTTP_HOST", "")
        if said in self.allowed:
            return said
        host = super().get_host()
        if host == said and len(self.allowed) < HOSTS_KEPT:
            self.allowed.add(said)
        return host


class FastPathHandler(UploadsHandler):
    """For requests that no browser sends; see `fits`.

    Measured, a HEAD costs a third less than through the whole chain. It skips what has no effect on
    these requests: sessions, CSRF tokens and CORS (see `NoBrowserMiddleware`), the URLs of pages,
    the signals request_started and request_finished (this class closes database connections
    itself), and Django's checks of each view: whether it is a coroutine, needs a transaction, or
    returns a template.
    """

    middleware = "TOOLS_MIDDLEWARE"
    request_class = ToolsRequest

    def __init__(self) -> None:
        super().__init__()
        self.resolver = URLResolver(RegexPattern(f"^{UPLOADS_ROOT}/"), "uploads.urls")

    @staticmethod
    def fits(environ: dict[str, Any]) -> bool:
        """Whether this handler and the full one would give the same response. GET may serve a
        file."""
        return (
            environ["REQUEST_METHOD"] != "GET"
            and not environ.get("SCRIPT_NAME")
            and BROWSER_HEADERS.isdisjoint(environ)
        )

    def __call__(  # type: ignore[override]
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        response = self.get_response(self.request_class(environ))
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, list(response.items()))
        return Answer(response)

    def get_response(self, request: HttpRequest) -> Any:
        """Logs server errors as Django does."""
        response = self._middleware_chain(request)  # type: ignore[attr-defined]
        if response.status_code >= 400:
            log_response(
                "%s: %s", response.reason_phrase, request.path, response=response, request=request
            )
        return response

    def _get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Calls the view. The two most frequent addresses are matched directly."""
        root, _, name = request.path_info.rpartition("/")
        if request.path_info == UPLOADS_ROOT:
            return self.uploads_view(request)
        if root != UPLOADS_ROOT:
            view, arguments, named = self.resolver.resolve(request.path_info)
            answer: HttpResponseBase = view(request, *arguments, **named)
            return answer
        return self.upload_view(request, upload_id=name) if name else self.uploads_view(request)

    @cached_property
    def uploads_view(self) -> Callable[..., HttpResponseBase]:
        return self.resolver.resolve(f"{UPLOADS_ROOT}/").func

    @cached_property
    def upload_view(self) -> Callable[..., HttpResponseBase]:
        return self.resolver.resolve(f"{UPLOADS_ROOT}/-").func


class Answer:
    """A response on its way out. Does once what Django does at its end by signals."""

    def __init__(self, response: Any) -> None:
        self.response = response

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.response)

    def close(self) -> None:
        """Called by the server after the response is sent."""
        try:
            for closer in self.response._resource_closers:
                closer()
        finally:
            for connection in connections.all(initialized_only=True):
                connection.close_if_unusable_or_obsolete()


class NoBrowserMiddleware:
    """Replaces the browser middleware for requests that don't need it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = AnonymousUser()  # AccessMiddleware may set it
        response = self.get_response(request)
        response.headers["Vary"] = "origin, Cookie"
        return response
