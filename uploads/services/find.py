"""Finding an upload, for people who may see it."""

import re
import uuid
from typing import Any

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import QuerySet
from django.utils import timezone

from uploads.errors import Gone, NotFound
from uploads.models import State, Upload

Person = AbstractUser | AnonymousUser | Any


def owner_id(person: Person) -> int | None:
    """Whose uploads these are; anonymous people share one space."""
    return person.pk if person.is_authenticated else None


def visible_to(person: Person) -> QuerySet[Upload]:
    """People see their own uploads, staff see all."""
    if person.is_authenticated and person.is_staff:
        return Upload.objects.all()
    return Upload.objects.filter(owner_id=owner_id(person))


def find(upload_id: str, person: Person) -> Upload:
    """The upload that is being received or is finished.

    Args:
        upload_id: 32 hexadecimal digits, from the address.
        person: Who asks.

    Raises:
        NotFound: There is none, it was terminated, or it is another person's.
        Gone: It expired or was refused.
    """
    if not re.fullmatch("[0-9a-f]{32}", upload_id):
        raise NotFound
    upload = visible_to(person).filter(pk=uuid.UUID(hex=upload_id)).first()
    if upload is None or upload.state == State.TERMINATED:
        raise NotFound
    if upload.state == State.REFUSED:
        raise Gone(f"This upload was refused: {upload.failure}")
    if upload.state == State.EXPIRED or is_overdue(upload):
        raise Gone("This upload has expired and its bytes are gone. Start a new one.")
    return upload


def is_overdue(upload: Upload) -> bool:
    """Whether it has outlived its time, though no cleanup has come by yet."""
    return bool(
        upload.state == State.RECEIVING and upload.expires and upload.expires <= timezone.now()
    )
