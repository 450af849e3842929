"""Finds an upload for a user who may see it."""

import re
import uuid
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from uploads.errors import Forbidden, Gone, NotFound
from uploads.models import State, Upload
from uploads.services import queries
from uploads.services.maintenance import heartbeat

IDENTIFIER = re.compile("[0-9a-f]{32}")
VIEW = "uploads.view_upload"
CHANGE = "uploads.change_upload"

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

    User = AbstractUser | AnonymousUser | Any
else:
    User = Any


def owner_id(user: User | None) -> int | None:
    """The owner of a user's uploads; all anonymous users share None."""
    return user.pk if user and user.is_authenticated else None


def may(user: User | None, permission: str, owned_by: int | None) -> bool:
    """Whether the user owns it, or is staff with that permission in the admin.

    Args:
        user: None if no middleware of the site sets one.
        permission: Its name, such as `uploads.view_upload`.
        owned_by: The owner's id; None for anonymous users' objects.
    """
    return owned_by == owner_id(user) or has_staff_permission(user, permission)


def has_staff_permission(user: User | None, permission: str) -> bool:
    """Whether the admin would allow it; superusers have every permission."""
    if not user or not user.is_authenticated:
        return False
    return bool(getattr(user, "is_staff", False) and user.has_perm(permission))


def get_for_user(upload_id: str, user: User | None, to_change: bool = False) -> Upload:
    """The upload with this id, if it is being received or finished.

    Args:
        upload_id: 32 hexadecimal digits, from the address.
        user: Its owner, or staff who may see uploads in the admin.
        to_change: Whether the request will change or end it; staff need the change permission.

    Raises:
        NotFound: It doesn't exist, was terminated, or belongs to another user.
        Forbidden: It belongs to another user, and this staff user may only view it.
        Gone: It expired or was refused.
    """
    if not IDENTIFIER.fullmatch(upload_id):
        raise NotFound
    upload = queries.fetch(uuid.UUID(hex=upload_id))
    if upload is None or upload.state == State.TERMINATED:
        raise NotFound
    if not may(user, VIEW, upload.owner_id):
        raise NotFound
    if to_change and not may(user, CHANGE, upload.owner_id):
        raise Forbidden("You may view this upload, but not change it.")
    if upload.state == State.REFUSED:
        raise Gone(f"This upload was refused: {upload.failure}")
    if upload.state == State.EXPIRED or is_overdue(upload) and not has_grace(upload):
        raise Gone("This upload has expired and its bytes are gone. Start a new one.")
    return upload


def has_grace(upload: Upload) -> bool:
    """Whether it only seems expired because the site was off or its clock jumped."""
    heartbeat.look_for_gap()
    upload.expires = Upload.objects.filter(pk=upload.pk).values_list("expires", flat=True).first()
    return not is_overdue(upload)


def is_overdue(upload: Upload) -> bool:
    """Whether it has expired, though no cleanup has run yet."""
    return bool(
        upload.state in (State.RECEIVING, State.FINISHED)
        and upload.expires
        and upload.expires <= timezone.now()
    )
