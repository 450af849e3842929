"""The link that signs a browser in as the first staff user, without a password.

Whoever reads the terminal of the site, or may run its commands, owns the machine's site anyway. A
link works once and not for long, and only the newest one does.
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
    """A new link; the ones before it end.

    Args:
        address: Of the site, as people enter it.

    Returns:
        The link, or None where no active staff user is left.
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
    """End all links."""
    LoginLink.objects.all().delete()


def find(token: str) -> LoginLink | None:
    """The link with this token that still works; it is not spent by this."""
    return (
        LoginLink.objects.select_related("user")
        .filter(digest=digest_of(token), expires__gt=timezone.now(), user__is_active=True)
        .first()
    )


def spend(token: str) -> User | None:
    """The user whom this token signs in, once: of two who come at the same time one gets in."""
    link = find(token)
    if link is None:
        return None
    spent, _ = LoginLink.objects.filter(pk=link.pk).delete()
    return link.user if spent else None
