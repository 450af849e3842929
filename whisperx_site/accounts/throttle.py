"""The login throttle: few guesses for each person, each place and in all.

Within `WINDOW` as many passwords may be wrong as `MOST_ALIKE` says of one name from one address,
`MOST_OF_ADDRESS` of whatever names from there, `MOST_OF_NAME` of one name from wherever, and
`MOST_IN_ALL`. Sessions, keys and login links go on whatever is barred.

The address is that of the connection: what a proxy says of its clients could be made up. So behind
a proxy all share one, and the bar of an address holds for all of them together; it is far above the
one of a name for that reason. An address of IPv6 stands for its whole /64, which one client has.

A name, or the site, that strangers try from many addresses must not be closed to its people: a
browser in which a person has signed in before counts by itself, with `MOST_ALIKE`,
and all such of one name together with `MOST_OF_NAME`.

Attempts are rows, so every process of the site counts the same ones. An attempt is counted before
its password is looked at: many at once do not slip through together. Those that are refused are not
kept, so they make no wait longer, and there are never more rows than `MOST_IN_ALL` and some.
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
KNOWN = "browser "  # begins the place of attempts from a known browser


def begin_attempt(request: HttpRequest | None, username: str) -> LoginAttempt | None:
    """Count an attempt to sign in; None: there were too many, so it must not be looked at."""
    now = timezone.now()
    # Those of the future are of a clock that was ahead: they would bar for as long as it was.
    LoginAttempt.objects.exclude(at__range=(now - WINDOW, now + WINDOW)).delete()
    attempt = LoginAttempt.objects.create(
        address=place_of(request, username), name_digest=name_digest(username)
    )
    if is_within_bounds(attempt):
        return attempt
    attempt.delete()
    return None


def forgive(attempt: LoginAttempt) -> None:
    """The password was right: what came before it of this name from this place is forgotten."""
    LoginAttempt.objects.filter(alike(attempt)).delete()


def place_of(request: HttpRequest | None, username: str) -> str:
    """Where an attempt comes from: a known browser, or an address."""
    browser = known_browser(request, username)
    if browser:
        return KNOWN + browser
    return network_of(request.META.get("REMOTE_ADDR", "") if request else "")


def is_within_bounds(attempt: LoginAttempt) -> bool:
    """Whether no bar is reached, this attempt among those that count."""
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
    """The attempts with this name from this place."""
    return Q(address=attempt.address, name_digest=attempt.name_digest)
