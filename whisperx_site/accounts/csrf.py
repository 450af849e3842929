"""CSRF tokens for everybody who comes with a session, on every route."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, QueryDict
from django.middleware.csrf import CsrfViewMiddleware

from whisperx_site.accounts.access import SAFE_METHODS


def _any_view(*args: Any) -> HttpResponse:
    """Stands for the view where Django asks whether it calls itself exempt: none is."""
    raise NotImplementedError


class SessionCsrfMiddleware(CsrfViewMiddleware):
    """Checks the views that Django's own lets pass: REST framework calls all of its views exempt.

    It comes after Django's and does not check again what that has checked. Who needs no token
    (keys, and people without a session) AccessMiddleware has decided before.
    """

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., Any] | None,
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        if getattr(getattr(callback, "cls", None), "reads_body_itself", False):
            # Looking for the token in the form would read the whole body: the header must have it.
            request.POST = QueryDict()
        real = request.method
        if real in SAFE_METHODS and "HTTP_X_HTTP_METHOD_OVERRIDE" in request.META:
            # Django goes by the real method, uploads by the one that is meant.
            request.csrf_processing_done = False  # type: ignore[attr-defined]
            request.method = "PATCH"
        try:
            return super().process_view(request, _any_view, callback_args, callback_kwargs)
        finally:
            request.method = real
