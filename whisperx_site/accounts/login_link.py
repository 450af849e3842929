"""The link that logs a browser in as the first staff user, without a password.

A user who can read the site's terminal, or run its commands, controls the site anyway. A link works
once and not for long, and only the newest one works.
"""

import secrets
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from whisperx_site.accounts.local_key import first_staff_user
from whisperx_site.accounts.models import LoginLink, digest_of

LIFETIME = timedelta(minutes=15)


def make(address: str) -> str | None:
    """Creates a link and invalidates earlier ones.

    Args:
        address: The site's public address.

    Returns:
        The link, or None if there is no active staff user.
    """
    user = first_staff_user()
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        forget()
        if user is None:
            return None
        expires = timezone.now() + LIFETIME
        LoginLink.objects.create(digest=digest_of(token), user=user, expires=expires)
    return f"{address}{settings.LOGIN_URL}?{urlencode({'token': token})}"


def forget() -> None:
    LoginLink.objects.all().delete()


def find(token: str) -> LoginLink | None:
    """The valid link with this token, without using it up."""
    return (
        LoginLink.objects.select_related("user")
        .filter(digest=digest_of(token), expires__gt=timezone.now(), user__is_active=True)
        .first()
    )


def spend(token: str) -> User | None:
    """The user of this token, once: of two simultaneous requests only one succeeds."""
    link = find(token)
    if link is None:
        return None
    spent, _ = LoginLink.objects.filter(pk=link.pk).delete()
    return link.user if spent else None
