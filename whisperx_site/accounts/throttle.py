"""The login throttle: limits wrong passwords per name, per address and in total.

Within `WINDOW` as many passwords may be wrong as `MOST_ALIKE` says of one name from one address,
`MOST_OF_ADDRESS` of whatever names from there, `MOST_OF_NAME` of one name from wherever, and
`MOST_IN_ALL`. Sessions, keys and login links keep working.

The address is that of the connection, because forwarded addresses can be forged. Behind a proxy all
clients share one address and its limit, which is therefore far above that of a name. An IPv6
address stands for its /64, which one client usually has.

Attackers with many addresses must not lock users out: a browser in which a user has logged in
before is counted separately, with `MOST_ALIKE`, and all such browsers of one name with
`MOST_OF_NAME`.

Attempts are rows, so every process of the site counts the same ones. An attempt is counted before
its password is checked, so many at once can't slip through. Refused attempts are not stored: they
don't prolong the wait, and there are never many more rows than `MOST_IN_ALL`.
"""

from datetime import timedelta

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from uploads.services.client_address import network_of
from whisperx_site.accounts.known_browsers import known_browser, name_digest
from whisperx_site.accounts.models import LoginAttempt

WINDOW = timedelta(minutes=5)
MOST_ALIKE = 10
MOST_OF_ADDRESS = 50
MOST_OF_NAME = 50
MOST_IN_ALL = 300
KNOWN = "browser "  # prefix of the place of attempts from a known browser


def begin_attempt(request: HttpRequest | None, username: str) -> LoginAttempt | None:
    """Counts a login attempt; None: over a limit, so the password must not be checked."""
    now = timezone.now()
    # Attempts with a later time are from a clock that was ahead: they would count for too long.
    LoginAttempt.objects.exclude(at__range=(now - WINDOW, now + WINDOW)).delete()
    attempt = LoginAttempt.objects.create(
        address=place_of(request, username), name_digest=name_digest(username)
    )
    if is_within_bounds(attempt):
        return attempt
    attempt.delete()
    return None


def forgive(attempt: LoginAttempt) -> None:
    """After the right password: deletes earlier attempts of this name from this place."""
    LoginAttempt.objects.filter(alike(attempt)).delete()


def place_of(request: HttpRequest | None, username: str) -> str:
    """The place of an attempt: a known browser, or an address."""
    browser = known_browser(request, username)
    if browser:
        return KNOWN + browser
    return network_of(request.META.get("REMOTE_ADDR", "") if request else "")


def is_within_bounds(attempt: LoginAttempt) -> bool:
    """Whether no limit is exceeded, counting this attempt."""
    known = attempt.address.startswith(KNOWN)
    strangers = ~Q(address__startswith=KNOWN)
    of_its_kind = Q(address__startswith=KNOWN) if known else strangers
    counts = LoginAttempt.objects.aggregate(
        alike=Count("pk", filter=alike(attempt)),
        of_address=Count("pk", filter=Q(address=attempt.address)),
        of_name=Count("pk", filter=of_its_kind & Q(name_digest=attempt.name_digest)),
        in_all=Count("pk", filter=strangers),
    )
    if counts["alike"] > MOST_ALIKE or counts["of_name"] > MOST_OF_NAME:
        return False
    if known:
        return True
    return bool(counts["of_address"] <= MOST_OF_ADDRESS and counts["in_all"] <= MOST_IN_ALL)


def alike(attempt: LoginAttempt) -> Q:
    return Q(address=attempt.address, name_digest=attempt.name_digest)
