"""Open to this machine, closed to everybody else: the one place that decides who is served."""

import re
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from corsheaders.conf import conf as cors
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from whisperx_site.accounts.models import find_key
from whisperx_site.loopback import host_of, is_loopback

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
PUBLIC_PATHS = frozenset(("/health", "/health/live", "/health/ready", "/login", "/logout"))
# Forms that check their token also for people who are not signed in.
FORM_PATHS = ("/login", "/logout", "/admin")


class AccessMiddleware:
    """Sets `request.user`, and refuses who may not be served.

    Without login a request is served only when nothing says that it comes from elsewhere: the site
    listens on loopback, the peer and the Host header are loopback, and no proxy or tunnel (which
    connects from loopback, too) left its mark; or when ALLOW_ANONYMOUS says so.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.refusal(request) or self.get_response(request)

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        """The answer to a request that must not be served, else None."""
        bearer = bearer_secret(request)
        if bearer:
            key = find_key(bearer)
            if key is None:
                return unauthorized("This key is unknown or has expired.")
            request.user = key.user
        elif not has_session(request) and not served_without_login(request):
            if request.path_info.rstrip("/") not in PUBLIC_PATHS:
                return login_redirect(request) or unauthorized(
                    "Sign in at /login, or send a key made in the admin as Authorization: Bearer."
                )
        try:
            request.get_host()
        except DisallowedHost:
            return refused(400, "This host name is not answered here; add it to ALLOWED_HOSTS.")
        if request.method not in SAFE_METHODS and from_foreign_origin(request):
            return refused(403, "Pages of this origin may not change anything here.")
        # A browser sends the session cookie by itself: only there a token must prove the page.
        if bearer or not (has_session(request) or request.path_info.startswith(FORM_PATHS)):
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return None


def bearer_secret(request: HttpRequest) -> str:
    """The secret of `Authorization: Bearer …`, else an empty string."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def has_session(request: HttpRequest) -> bool:
    """Whether the request carries a signed-in session; no query where it carries no cookie."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated


def served_without_login(request: HttpRequest) -> bool:
    """Whether an anonymous request is served: see AccessMiddleware."""
    if settings.ALLOW_ANONYMOUS:
        return True
    meta = request.META
    if not (is_loopback(settings.HOST) and is_loopback(meta.get("REMOTE_ADDR") or "127.0.0.1")):
        return False
    if not is_loopback(host_of(meta.get("HTTP_HOST", ""))):
        return False
    return not any(
        name == "HTTP_FORWARDED" or name.startswith(("HTTP_X_FORWARDED_", "HTTP_CF_"))
        for name in meta
    )


def from_foreign_origin(request: HttpRequest) -> bool:
    """Whether a page of an origin that is neither ours nor allowed by CORS sent the request."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or cors.CORS_ALLOW_ALL_ORIGINS:
        return False
    if origin == "null":
        return True
    if urlsplit(origin).netloc == request.get_host() or origin in settings.CSRF_TRUSTED_ORIGINS:
        return False
    if origin in cors.CORS_ALLOWED_ORIGINS:
        return False
    return not any(re.match(pattern, origin) for pattern in cors.CORS_ALLOWED_ORIGIN_REGEXES)


def login_redirect(request: HttpRequest) -> HttpResponse | None:
    """People who open a page are led to the login, and back to the page."""
    wants_page = "text/html" in request.META.get("HTTP_ACCEPT", "")
    if request.method != "GET" or not wants_page or request.path_info.startswith("/uploads/files"):
        return None
    return HttpResponseRedirect(
        f"{settings.LOGIN_URL}?{urlencode({'next': request.get_full_path()})}"
    )


def unauthorized(detail: str) -> HttpResponse:
    """401, which names the way in."""
    response = refused(401, detail)
    response["WWW-Authenticate"] = 'Bearer realm="whisperx"'
    return response


def refused(status: int, detail: str) -> HttpResponse:
    """A refusal in the shape that clients of the API know."""
    return JsonResponse({"detail": detail}, status=status)
