"""When this site was last seen alive: time that it slept through does not count against uploads.

Housekeeping says twice a minute that the site lives (`beat`). A moment that is much later than the
one before means that the site was off, or that its clock has jumped: what had not expired by then
gets an hour. One that is earlier means that the clock was ahead, or is behind now: what waits for a
later moment no longer does, and gets its full time should the clock have been behind. Rows alone
say when an upload expires, so all who read them agree.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from uploads.conf import conf
from uploads.models import CleanupRun, Concat, Heartbeat, State, Upload

logger = logging.getLogger(__name__)

ONLY = 1  # the key of the one row
GRACE = timedelta(hours=1)  # what clients have to come back, at least
GAP = timedelta(minutes=5)  # without a beat: housekeeping waits for nothing else so long
SLACK = timedelta(minutes=1)  # clocks are set back by a little all the time
MAY_EXPIRE = Q(state=State.RECEIVING) | Q(state=State.FINISHED, concat=Concat.PARTIAL)
UNHEARD = Q(state=State.FINISHED, notified_at=None)


def beat(starting: bool = False) -> None:
    """Note that the site lives.

    Args:
        starting: It did not until now, for however short a time.
    """
    now = timezone.now()
    last = last_seen()
    if last is None:
        with transaction.atomic():
            Heartbeat.objects.get_or_create(pk=ONLY, defaults={"at": now})
            latest = CleanupRun.objects.filter(dry_run=False).order_by("-started").first()
            if latest and starting:  # of a version that noted nothing else
                give_grace(latest.started, now)
    elif starting or not is_in_step(last, now):
        catch_up(last, now)
    else:
        Heartbeat.objects.filter(pk=ONLY, at=last).update(at=now)


def look_for_gap() -> None:
    """The same for who is about to expire something, where the site keeps a heartbeat at all."""
    last, now = last_seen(), timezone.now()
    if last is not None and not is_in_step(last, now):
        catch_up(last, now)


def counts_until(now: datetime) -> datetime:
    """Until when time counts against uploads: now, unless the site has slept."""
    last = last_seen()
    return now if last is None or is_in_step(last, now) else min(last, now)


def last_seen() -> datetime | None:
    """When the site was last known to live."""
    return Heartbeat.objects.filter(pk=ONLY).values_list("at", flat=True).first()


def is_in_step(last: datetime, now: datetime) -> bool:
    """Whether so little lies between two moments that the site has lived from one to the other."""
    return -SLACK <= now - last <= GAP


def catch_up(last: datetime, now: datetime) -> None:
    """Make good what a gap has done, once, whichever processes find it."""
    with transaction.atomic():
        if not Heartbeat.objects.filter(pk=ONLY, at=last).update(at=now):
            return
        if last > now:
            bring_back(now)
        else:
            give_grace(last, now)


def give_grace(last: datetime, now: datetime) -> None:
    """Let what had not expired by `last` live for another hour."""
    until = latest_expiry(now) if was_behind(last, now) else now + GRACE
    slept = Upload.objects.filter(MAY_EXPIRE, expires__gt=last, expires__lt=until)
    if given := slept.update(expires=until):
        logger.info(
            "not seen alive since %s: %s unfinished uploads have until %s",
            last.isoformat(timespec="seconds"),
            given,
            until.isoformat(timespec="seconds"),
        )


def was_behind(last: datetime, now: datetime) -> bool:
    """Whether the clock was behind when it noted `last`: uploads know of activity after that.

    Their time was cut short then, as if it were the clock of before that had been wrong.
    """
    between = (last + SLACK, now)
    return Upload.objects.filter(
        Q(created__range=between) | Q(last_activity__range=between)
    ).exists()


def look_for_future() -> None:
    """Bring back what a clock has dated that was ahead for less than a beat."""
    now = timezone.now()
    ahead = Upload.objects.filter(MAY_EXPIRE, expires__gt=latest_expiry(now) + SLACK)
    if ahead.filter(last_activity__gt=now + SLACK).exists():
        bring_back(now)


def latest_expiry(now: datetime) -> datetime:
    """Later than this no upload expires by the rules."""
    return now + max(timedelta(seconds=conf.UPLOADS_EXPIRE_AFTER), GRACE)


def bring_back(now: datetime) -> None:
    """Bring back what waits for moments of a clock that was ahead: it would live, or rest, until
    then.

    It may as well be this clock that is behind, as before it has asked for the time. So nothing
    changes that is only remembered: when uploads were made, and those that have ended.
    """
    latest = latest_expiry(now)
    Upload.objects.filter(MAY_EXPIRE, expires__gt=latest).update(expires=latest)
    Upload.objects.filter(MAY_EXPIRE, last_activity__gt=now).update(last_activity=now)
    Upload.objects.filter(UNHEARD, finished__gt=now).update(finished=now)
    logger.warning("the clock was ahead, or is behind; nothing waits for what it dated later")
