"""Few guesses per person and place: against passwords found by trying.

Attempts are rows, so every process of the site counts the same ones. An attempt is counted before
its password is looked at: many at once do not slip through together.
"""

from datetime import timedelta

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from whisperx_site.accounts.models import LoginAttempt, digest_of

MOST_ATTEMPTS = 10
WINDOW = timedelta(minutes=5)


def begin_attempt(request: HttpRequest | None, username: str) -> LoginAttempt | None:
    """Count an attempt to sign in; None: there were too many, so it must not be looked at.

    The address is that of the connection. What a proxy says of its clients could be made up, so
    behind one all share its address, and ten wrong passwords of one name bar that name for
    everybody there for five minutes; sessions and keys go on.
    """
    now = timezone.now()
    LoginAttempt.objects.filter(at__lt=now - WINDOW).delete()
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    attempt = LoginAttempt.objects.create(address=address, name_digest=digest_of(username.lower()))
    if alike(attempt).count() <= MOST_ATTEMPTS:
        return attempt
    attempt.delete()  # refused attempts do not make the wait longer
    return None


def forgive(attempt: LoginAttempt) -> None:
    """The password was right: what came before is forgotten."""
    alike(attempt).delete()


def alike(attempt: LoginAttempt) -> QuerySet[LoginAttempt]:
    """The attempts with this name from this address."""
    return LoginAttempt.objects.filter(address=attempt.address, name_digest=attempt.name_digest)
