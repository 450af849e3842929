"""Browsers in which a person has signed in before: bars that strangers run into do not count there.

Without this, strangers who try passwords for a name from many addresses would keep its owner out.
"""

import secrets
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from whisperx_site.accounts.models import digest_of

SALT = "whisperx_site.accounts.known_browsers"
KEPT_FOR = 180 * 86400  # seconds
View = Callable[..., HttpResponseBase]


def name_digest(username: str) -> str:
    """What we keep of a name that was typed: it may be a password in the wrong field."""
    return digest_of(username.lower())


def known_browser(request: HttpRequest | None, username: str) -> str:
    """What tells this browser from others, if this name has signed in there; else empty."""
    said = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME) if request else None
    if not said:
        return ""
    try:
        digest, browser = signing.loads(said, salt=SALT, max_age=KEPT_FOR)
    except (signing.BadSignature, ValueError):
        return ""
    return str(browser) if digest == name_digest(username) else ""


def remembering_browsers(login: View) -> View:
    """A login view that lets the browser of a person who has signed in be known."""

    @wraps(login)
    def view(request: HttpRequest, *arguments: object, **named: object) -> HttpResponseBase:
        response = login(request, *arguments, **named)
        if request.method == "POST" and request.user.is_authenticated:
            facts = (name_digest(request.user.get_username()), secrets.token_hex(16))
            response.set_cookie(
                settings.KNOWN_BROWSER_COOKIE_NAME,
                signing.dumps(facts, salt=SALT),
                max_age=KEPT_FOR,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    return view
