"""When this site was last running: time off does not count against uploads.

Housekeeping calls `beat` twice a minute. If a beat is much later than the one before, the site was
off, or its clock jumped ahead: uploads that had not expired by then get an hour. If it is earlier,
the clock was ahead, or is behind now: later times in rows are set back, and uploads get their full
time if the clock had been behind. Only rows say when an upload expires, so all readers agree.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from uploads.conf import conf
from uploads.models import CleanupRun, Concat, Heartbeat, State, Upload

logger = logging.getLogger(__name__)

ONLY = 1  # the primary key of the only row
GRACE = timedelta(hours=1)  # the least time that clients have to come back
GAP = timedelta(minutes=5)  # seconds without a beat: housekeeping is never busy for longer
SLACK = timedelta(minutes=1)  # clocks are often set back by a little
MAY_EXPIRE = Q(state=State.RECEIVING) | Q(state=State.FINISHED, concat=Concat.PARTIAL)
UNHEARD = Q(state=State.FINISHED, notified_at=None)


def beat(starting: bool = False) -> None:
    """Records that the site is running.

    Args:
        starting: The site was off until now, however briefly.
    """
    now = timezone.now()
    last = last_seen()
    if last is None:
        with transaction.atomic():
            Heartbeat.objects.get_or_create(pk=ONLY, defaults={"at": now})
            latest = CleanupRun.objects.filter(dry_run=False).order_by("-started").first()
            if latest and starting:  # an older version recorded nothing else
                give_grace(latest.started, now)
    elif starting or not is_in_step(last, now):
        catch_up(last, now)
    else:
        Heartbeat.objects.filter(pk=ONLY, at=last).update(at=now)


def look_for_gap() -> None:
    """The same for code about to expire uploads, if the site records a heartbeat at all."""
    last, now = last_seen(), timezone.now()
    if last is not None and not is_in_step(last, now):
        catch_up(last, now)


def counts_until(now: datetime) -> datetime:
    """Time counts against uploads until then: now, unless the site was off."""
    last = last_seen()
    return now if last is None or is_in_step(last, now) else min(last, now)


def last_seen() -> datetime | None:
    return Heartbeat.objects.filter(pk=ONLY).values_list("at", flat=True).first()


def is_in_step(last: datetime, now: datetime) -> bool:
    """Whether the site was running all the time between the two moments."""
    return -SLACK <= now - last <= GAP


def catch_up(last: datetime, now: datetime) -> None:
    """Makes up for a gap, once, whichever process finds it."""
    with transaction.atomic():
        if not Heartbeat.objects.filter(pk=ONLY, at=last).update(at=now):
            return
        if last > now:
            bring_back(now)
        else:
            give_grace(last, now)


def give_grace(last: datetime, now: datetime) -> None:
    """Extends by an hour whatever had not expired at `last`."""
    until = latest_expiry(now) if was_behind(last, now) else now + GRACE
    slept = Upload.objects.filter(MAY_EXPIRE, expires__gt=last, expires__lt=until)
    if given := slept.update(expires=until):
        logger.info(
            "no heartbeat since %s: %s unfinished uploads are extended until %s",
            last.isoformat(timespec="seconds"),
            given,
            until.isoformat(timespec="seconds"),
        )


def was_behind(last: datetime, now: datetime) -> bool:
    """Whether the clock was behind at `last`: uploads have activity after it.

    Their time was then cut short, as if the earlier clock had been wrong.
    """
    between = (last + SLACK, now)
    return Upload.objects.filter(
        Q(created__range=between) | Q(last_activity__range=between)
    ).exists()


def look_for_future() -> None:
    """Corrects times from a clock that was ahead for less than a beat."""
    now = timezone.now()
    ahead = Upload.objects.filter(MAY_EXPIRE, expires__gt=latest_expiry(now) + SLACK)
    if ahead.filter(last_activity__gt=now + SLACK).exists():
        bring_back(now)


def latest_expiry(now: datetime) -> datetime:
    """No upload can expire later than this."""
    return now + max(timedelta(seconds=conf.UPLOADS_EXPIRE_AFTER), GRACE)


def bring_back(now: datetime) -> None:
    """Corrects times in rows that were set too late by a clock that was ahead.

    This clock may also be behind, for instance before it has synchronised. So past times stay:
    when uploads were created, and those of ended ones.
    """
    latest = latest_expiry(now)
    Upload.objects.filter(MAY_EXPIRE, expires__gt=latest).update(expires=latest)
    Upload.objects.filter(MAY_EXPIRE, last_activity__gt=now).update(last_activity=now)
    Upload.objects.filter(UNHEARD, finished__gt=now).update(finished=now)
    logger.warning("the clock was ahead, or is behind: times that were too late are corrected")
