"""Finding an upload, for people who may see it."""

import re
import uuid
from typing import Any

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.utils import timezone

from uploads.errors import Gone, NotFound
from uploads.models import State, Upload
from uploads.services import heartbeat, rows

IDENTIFIER = re.compile("[0-9a-f]{32}")
Person = AbstractUser | AnonymousUser | Any


def owner_id(person: Person) -> int | None:
    """Whose uploads these are; anonymous people share one space."""
    return person.pk if person.is_authenticated else None


def may_see(person: Person, upload: Upload) -> bool:
    """People see their own uploads, staff see all."""
    return upload.owner_id == owner_id(person) or bool(person.is_authenticated and person.is_staff)


def find(upload_id: str, person: Person) -> Upload:
    """The upload that is being received or is finished.

    Args:
        upload_id: 32 hexadecimal digits, from the address.
        person: Who asks.

    Raises:
        NotFound: There is none, it was terminated, or it is another person's.
        Gone: It expired or was refused.
    """
    if not IDENTIFIER.fullmatch(upload_id):
        raise NotFound
    upload = rows.fetch(uuid.UUID(hex=upload_id))
    if upload is None or upload.state == State.TERMINATED or not may_see(person, upload):
        raise NotFound
    if upload.state == State.REFUSED:
        raise Gone(f"This upload was refused: {upload.failure}")
    if upload.state == State.EXPIRED or is_overdue(upload) and not has_grace(upload):
        raise Gone("This upload has expired and its bytes are gone. Start a new one.")
    return upload


def has_grace(upload: Upload) -> bool:
    """Whether its time is over only because the site was off, or its clock has jumped."""
    heartbeat.look_for_gap()
    upload.expires = Upload.objects.filter(pk=upload.pk).values_list("expires", flat=True).first()
    return not is_overdue(upload)


def is_overdue(upload: Upload) -> bool:
    """Whether it has outlived its time, though no cleanup has come by yet."""
    return bool(
        upload.state in (State.RECEIVING, State.FINISHED)
        and upload.expires
        and upload.expires <= timezone.now()
    )
