"""Who is served: people with a session, programs with a key. Decided in this one place."""

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

logger = logging.getLogger(__name__)

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
MONITOR_PATHS = frozenset(("/health", "/health/live", "/health/ready"))
PUBLIC_PATHS = MONITOR_PATHS | {"/login"}
# Forms that check their token also for people who are not signed in.
FORM_PATHS = ("/login", "/logout", "/admin")
# Below these an OPTIONS tells what the server can do (tus core), and nothing of any upload.
UPLOADS_PATH = "/uploads/files"
WAYS_IN = (
    "Log in at /login, or send a key as `Authorization: Bearer ...`: the one for programs on this "
    "machine lies in the file local_key of the data folder, others are made in the admin, and "
    "ALLOW_ANONYMOUS=1 opens everything to everyone without login."
)
NO_DATABASE = "The database does not answer at the moment. Try again shortly."


class AccessMiddleware:
    """Sets `request.user`, and refuses who may not be served.

    Where a request comes from says nothing about who sends it: behind a proxy everybody seems to
    be on this machine. So each needs a session or a key, unless ALLOW_ANONYMOUS says otherwise.
    Open are the addresses of monitors, the login, and what an OPTIONS tells of the server.

    Under ALLOW_ANONYMOUS a key that cannot be one of this site's (those begin with `wxs_`) counts
    as no key: OpenAI's clients always send something. It opens nothing that sending none would not
    open, and a session beside it still has to prove its page. One of our own kind that is unknown
    or has expired is refused there, too: a script whose key was taken away must not go on as
    nobody, and leave its recordings where all who need no login find them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            refusal = self.refusal(request)
        except DatabaseError as problem:
            # One line: where the database is away there is one for each request.
            logger.warning("who asks for %s cannot be looked up: %s", request.path, problem)
            full = is_disk_full(problem)
            connection.close()
            refusal = refused(507 if full else 503, DISK_IS_FULL if full else NO_DATABASE)
            refusal["Retry-After"] = "5"
        if refusal is None:
            return self.get_response(request)
        return to_openai_error(refusal) if is_openai(request) else refusal

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        """The answer to a request that must not be served, else None."""
        monitor = request.path_info in MONITOR_PATHS  # answered also when the database does not
        bearer = "" if monitor else bearer_secret(request)
        if settings.ALLOW_ANONYMOUS and not bearer.startswith(PREFIX):
            bearer = ""
        if bearer:
            user = user_of_key(request, bearer)
            if user is None:
                return unauthorized("This key is unknown or has expired.")
            if is_of_admin(request):  # a script's key that leaks must not make keys and users
                return refused(403, "Keys do not open the admin. Sign in at /login.")
            request.user = user
        elif not (settings.ALLOW_ANONYMOUS or is_public(request) or has_session(request)):
            return login_redirect(request) or unauthorized(WAYS_IN)
        try:
            request.get_host()
        except DisallowedHost:
            return refused(400, "This host name is not answered here; add it to ALLOWED_HOSTS.")
        if may_change_something(request) and from_foreign_origin(request):
            return refused(403, "Pages of this origin may not change anything here.")
        # A browser sends the session cookie by itself: only there a token must prove the page.
        by_itself = request.path_info.startswith(FORM_PATHS) or not monitor and has_session(request)
        if bearer or not by_itself:
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return None


def may_change_something(request: HttpRequest) -> bool:
    """Whether it is not known to only read; uploads go by another method than the real one."""
    return request.method not in SAFE_METHODS or "HTTP_X_HTTP_METHOD_OVERRIDE" in request.META


def is_of_admin(request: HttpRequest) -> bool:
    """Whether the address is one of the admin's."""
    return f"{request.path_info}/".startswith("/admin/")


def bearer_secret(request: HttpRequest) -> str:
    """The secret of `Authorization: Bearer …`, else an empty string."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def user_of_key(request: HttpRequest, secret: str) -> User | None:
    """Who sends this key; None where it is not valid."""
    if request.path_info.startswith(UPLOADS_PATH):
        return user_of_upload(secret)
    key = find_key(secret)
    return key.user if key else None


def has_session(request: HttpRequest) -> bool:
    """Whether the request carries a signed-in session; no query where it carries no cookie."""
    if "HTTP_COOKIE" not in request.META:
        return False
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated


def is_public(request: HttpRequest) -> bool:
    """Whether the request is answered whoever sends it."""
    if request.path_info.rstrip("/") in PUBLIC_PATHS:
        return True
    # Another method may be meant than the real one, so OPTIONS alone is not enough.
    asks_what_can_be_done = request.method == "OPTIONS" and not may_change_something(request)
    return asks_what_can_be_done and request.path_info.startswith(UPLOADS_PATH)


def from_foreign_origin(request: HttpRequest) -> bool:
    """Whether a page of an origin that is neither ours nor allowed by CORS sent the request."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None:
        # Browsers that leave Origin out still say this, which no script can change.
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
    """Whether the request comes from a page that it would itself have been served from.

    A proxy may have taken the encryption off, so a page on https may call what looks like http;
    never the other way.
    """
    scheme, _, authority = origin.partition("://")
    schemes = ("https",) if request.is_secure() else ("http", "https")
    return scheme in schemes and authority.lower() == request.get_host().lower()


def login_redirect(request: HttpRequest) -> HttpResponse | None:
    """People who open a page are led to the login, and back to the page."""
    wants_page = "text/html" in request.META.get("HTTP_ACCEPT", "")
    if not wants_page or request.path_info.startswith(UPLOADS_PATH):
        return None
    if request.method == "GET":
        back = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?{back}")
    if request.method == "POST":  # a form of a page whose session has ended meanwhile
        return HttpResponse(status=303, headers={"Location": settings.LOGIN_URL})
    return None


def unauthorized(detail: str) -> HttpResponse:
    """401, which names the way in."""
    response = refused(401, detail)
    response["WWW-Authenticate"] = 'Bearer realm="whisperx"'
    return response


def refused(status: int, detail: str) -> HttpResponse:
    """A refusal in the shape that clients of the API know."""
    return JsonResponse({"detail": detail}, status=status)
