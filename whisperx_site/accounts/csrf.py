"""CSRF tokens for all requests with a session, on every route."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, QueryDict
from django.middleware.csrf import CsrfViewMiddleware

from whisperx_site.accounts.access import SAFE_METHODS


def _any_view(*args: Any) -> HttpResponse:
    """Passed to Django's check, which asks whether the view is exempt: none is."""
    raise NotImplementedError


class SessionCsrfMiddleware(CsrfViewMiddleware):
    """Checks the views that Django's own middleware skips: REST framework exempts all of its views.

    It comes after Django's middleware and doesn't repeat its checks. AccessMiddleware has decided
    before which requests need no token (those with a key, or without a session).
    """

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., Any] | None,
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        if getattr(getattr(callback, "cls", None), "reads_body_itself", False):
            # Looking for the token in the form would read the whole body, so it must be in the
            # header.
            request.POST = QueryDict()
        real = request.method
        if real in SAFE_METHODS and "HTTP_X_HTTP_METHOD_OVERRIDE" in request.META:
            # Django checks the real method; uploads may override it.
            request.csrf_processing_done = False  # type: ignore[attr-defined]
            request.method = "PATCH"
        try:
            return super().process_view(request, _any_view, callback_args, callback_kwargs)
        finally:
            request.method = real
