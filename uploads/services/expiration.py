"""When an unfinished upload expires (tus: expiration): Upload-Expires is decided here alone.

The time slides: any activity restarts UPLOADS_EXPIRE_AFTER. `termination.expire` ends what is
overdue; `maintenance.heartbeat` gives back the time in which the site was off.
"""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from uploads.conf import conf
from uploads.models import Part, State, Upload

KEEP_PARTS = timedelta(hours=1)  # joined parts are hardly ever used again


def next_expiry(now: datetime) -> datetime:
    """When an upload expires that has activity now."""
    return now + timedelta(seconds=conf.UPLOADS_EXPIRE_AFTER)


def extend(upload: Upload) -> bool:
    """Restarts the expiration time of an unfinished upload.

    Returns:
        Whether it was still unfinished.
    """
    changed = Upload.objects.filter(pk=upload.pk, state=State.RECEIVING).update(
        expires=next_expiry(timezone.now())
    )
    return bool(changed)


def extend_finals_of(part: Upload, expires: datetime) -> None:
    """Activity in a part extends the final uploads that wait for it, and their other parts."""
    waiting = Part.objects.filter(part=part, final__state=State.RECEIVING).values("final")
    either = Q(pk__in=waiting) | Q(finals__final__in=waiting)
    Upload.objects.filter(either, expires__lt=expires).update(expires=expires)


def shorten_parts(parts: list[Upload]) -> None:
    """Lets joined parts expire soon."""
    soon = timezone.now() + KEEP_PARTS
    Upload.objects.filter(pk__in=[part.pk for part in parts], expires__gt=soon).update(expires=soon)
