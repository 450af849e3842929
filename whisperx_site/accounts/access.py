"""Access: users with a session, programs with a key. Decided only here."""

import logging
import re
from collections.abc import Callable
from urllib.parse import urlencode

from corsheaders.conf import conf as cors
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from transcription.api.openai.errors import is_openai, to_openai_error
from uploads.services.error_mapping import DISK_IS_FULL, is_disk_full
from whisperx_site.accounts.models import PREFIX, find_key
from whisperx_site.accounts.recent_keys import user_of_upload
from whisperx_site.monitoring import networks

logger = logging.getLogger(__name__)

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
MONITOR_PATHS = frozenset(("/health", "/health/live", "/health/ready"))
PUBLIC_PATHS = MONITOR_PATHS | {"/login"}
# Forms that check their CSRF token even for anonymous users.
FORM_PATHS = ("/login", "/logout", "/admin")
# Below these, OPTIONS returns the server's capabilities (tus core), nothing about any upload.
UPLOADS_PATH = "/uploads/files"
WAYS_IN = (
    "Log in at /login, or send a key as `Authorization: Bearer ...`: the one for programs on this "
    "machine is in the file local_key of the data folder, others are created in the admin, and "
    "ALLOW_ANONYMOUS=1 opens everything to everyone without login."
)
FIGURES = (
    "The figures are for staff: send the key of a staff user as `Authorization: Bearer ...`, or "
    "name the network of the monitoring system in METRICS_ALLOWED_NETWORKS."
)
NO_DATABASE = "The database doesn't answer at the moment. Try again shortly."


class AccessMiddleware:
    """Sets `request.user`, and refuses requests without access.

    A request's address doesn't identify its sender: behind a proxy all clients seem to be on this
    machine. So each request needs a session or a key, unless ALLOW_ANONYMOUS is set. Public are the
    health addresses, the login, and OPTIONS of the tus server. The figures for monitoring are for
    staff, and for METRICS_ALLOWED_NETWORKS; also under ALLOW_ANONYMOUS.

    Under ALLOW_ANONYMOUS a key that cannot be one of this site's (those begin with `wxs_`) counts
    as no key: OpenAI's clients always send something. It gives no access beyond that of anonymous
    clients, and a session beside it still needs its CSRF token. An unknown or expired key of this
    site is refused even then: a script whose key was revoked must not continue anonymously and
    leave its recordings where all anonymous clients find them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            refusal = self.refusal(request)
        except DatabaseError as problem:
            # One line: while the database is down, every request logs it.
            logger.warning(
                "the user of a request for %s can't be looked up: %s", request.path, problem
            )
            full = is_disk_full(problem)
            connection.close()
            refusal = refused(507 if full else 503, DISK_IS_FULL if full else NO_DATABASE)
            refusal["Retry-After"] = "5"
        if refusal is None:
            return self.get_response(request)
        return to_openai_error(refusal) if is_openai(request) else refusal

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        """The response to a request without access, else None."""
        monitor = request.path_info in MONITOR_PATHS  # answered even without the database
        bearer = "" if monitor else bearer_secret(request)
        if settings.ALLOW_ANONYMOUS and not bearer.startswith(PREFIX):
            bearer = ""
        if bearer:
            user = user_of_key(request, bearer)
            if user is None:
                return unauthorized("This key is unknown or has expired.")
            if is_of_admin(request):  # a leaked script key must not create keys and users
                return refused(403, "Keys don't open the admin. Log in at /login.")
            request.user = user
        elif not (settings.ALLOW_ANONYMOUS or is_public(request) or has_session(request)):
            return login_redirect(request) or unauthorized(WAYS_IN)
        if request.path_info == networks.PATH and not may_see_figures(request):
            if request.user.is_authenticated:
                return refused(403, "Only staff may read the figures.")
            return login_redirect(request) or unauthorized(FIGURES)
        try:
            request.get_host()
        except DisallowedHost:
            return refused(400, "This host name isn't served here; add it to ALLOWED_HOSTS.")
        if may_change_something(request) and from_foreign_origin(request):
            return refused(403, "Pages of this origin may not change anything here.")
        # Browsers send the session cookie by themselves: only then a token must prove the page.
        by_itself = request.path_info.startswith(FORM_PATHS) or not monitor and has_session(request)
        if bearer or not by_itself:
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return None


def may_change_something(request: HttpRequest) -> bool:
    """False if the request only reads; upload clients may override the real method."""
    return request.method not in SAFE_METHODS or "HTTP_X_HTTP_METHOD_OVERRIDE" in request.META


def is_of_admin(request: HttpRequest) -> bool:
    return f"{request.path_info}/".startswith("/admin/")


def bearer_secret(request: HttpRequest) -> str:
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def user_of_key(request: HttpRequest, secret: str) -> User | None:
    """The key's user; None if it isn't valid."""
    if request.path_info.startswith(UPLOADS_PATH):
        return user_of_upload(secret)
    key = find_key(secret)
    return key.user if key else None


def has_session(request: HttpRequest) -> bool:
    """Whether the request has a logged-in session; no query if there is no cookie."""
    if "HTTP_COOKIE" not in request.META:
        return False
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated


def may_see_figures(request: HttpRequest) -> bool:
    """Whether the client may read the figures for monitoring."""
    return networks.is_from_monitor(request) or request.user.is_staff


def is_public(request: HttpRequest) -> bool:
    """Whether the request is served without login."""
    if request.path_info.rstrip("/") in PUBLIC_PATHS or networks.is_from_monitor(request):
        return True
    # The real method may be overridden, so OPTIONS alone isn't enough.
    asks_what_can_be_done = request.method == "OPTIONS" and not may_change_something(request)
    return asks_what_can_be_done and request.path_info.startswith(UPLOADS_PATH)


def from_foreign_origin(request: HttpRequest) -> bool:
    """Whether the request is from a page of an origin that is neither ours nor allowed by CORS."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None:
        # Browsers that omit Origin still send this header, which scripts can't change.
        return (
            request.META.get("HTTP_SEC_FETCH_SITE") == "cross-site"
            and not cors.CORS_ALLOW_ALL_ORIGINS
        )
    if cors.CORS_ALLOW_ALL_ORIGINS or origin in cors.CORS_ALLOWED_ORIGINS:
        return False
    if is_ours(origin, request) or origin in settings.CSRF_TRUSTED_ORIGINS:
        return False
    return not any(re.match(pattern, origin) for pattern in cors.CORS_ALLOWED_ORIGIN_REGEXES)


def is_ours(origin: str, request: HttpRequest) -> bool:
    """Whether the origin could have served the page itself.

    A proxy may have terminated TLS, so a page on https may call what looks like http, but not the
    other way round.
    """
    scheme, _, authority = origin.partition("://")
    schemes = ("https",) if request.is_secure() else ("http", "https")
    return scheme in schemes and authority.lower() == request.get_host().lower()


def login_redirect(request: HttpRequest) -> HttpResponse | None:
    """Redirects browsers to the login, and from there back to the page."""
    wants_page = "text/html" in request.META.get("HTTP_ACCEPT", "")
    if not wants_page or request.path_info.startswith(UPLOADS_PATH):
        return None
    if request.method == "GET":
        back = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?{back}")
    if request.method == "POST":  # a form on a page whose session has expired
        return HttpResponse(status=303, headers={"Location": settings.LOGIN_URL})
    return None


def unauthorized(detail: str) -> HttpResponse:
    """401, with the ways to log in."""
    response = refused(401, detail)
    response["WWW-Authenticate"] = 'Bearer realm="whisperx"'
    return response


def refused(status: int, detail: str) -> HttpResponse:
    """A refusal in the shape that API clients know."""
    return JsonResponse({"detail": detail}, status=status)
