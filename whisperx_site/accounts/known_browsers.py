"""Browsers in which a user has logged in before: they have their own login limits.

Without this, attackers who try passwords for a name from many addresses would lock its owner out. A
browser is known until the user's password changes.
"""

import secrets
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from whisperx_site.accounts.models import digest_of

SALT = "whisperx_site.accounts.known_browsers"
KEPT_FOR = 180 * 86400  # seconds
View = Callable[..., HttpResponseBase]


def name_digest(username: str) -> str:
    """A digest of the typed name: it may be a password in the wrong field."""
    return digest_of(username.lower())


def known_browser(request: HttpRequest | None, username: str) -> str:
    """Identifies this browser, if this name has logged in there; else empty."""
    said = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME) if request else None
    if not said:
        return ""
    user = User.objects.filter(username=username).first()
    if user is None:
        return ""
    try:
        digest, browser = signing.loads(said, salt=salt_of(user), max_age=KEPT_FOR)
    except (signing.BadSignature, ValueError):
        return ""
    return str(browser) if digest == name_digest(username) else ""


def salt_of(user: User) -> str:
    """The salt of the cookie's signature; changes with the password."""
    return f"{SALT}.{user.get_session_auth_hash()}"


def remembering_browsers(login: View) -> View:
    """A login view that remembers the browser after a successful login.

    Only a login does that; otherwise a session could create any number of known browsers.
    """

    @wraps(login)
    def view(request: HttpRequest, *arguments: object, **named: object) -> HttpResponseBase:
        was_in = request.user.is_authenticated
        response = login(request, *arguments, **named)
        if request.method == "POST" and request.user.is_authenticated and not was_in:
            name = request.user.get_username()
            facts = (name_digest(name), known_browser(request, name) or secrets.token_hex(16))
            response.set_cookie(
                settings.KNOWN_BROWSER_COOKIE_NAME,
                signing.dumps(facts, salt=salt_of(request.user)),
                max_age=KEPT_FOR,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    return view
