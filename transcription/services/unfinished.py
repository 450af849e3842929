"""Unfinished uploads, as shown in the list of recordings."""

from django.db.models import Q

from transcription.services.options.default_language import comparable
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.services.lookup import VIEW, User, has_staff_permission, is_overdue, owner_id

SHOWN = 100  # more than one user usually has; others are found by name
LOOKED_THROUGH = 500  # rows that a search goes through


def unfinished_uploads(user: User, part: str = "") -> list[Upload]:
    """A user's uploads that still wait for bytes; for staff who may see all, also those without
    owner.

    Args:
        person: The user.
        part: Only uploads with this in their file's name, whatever the case.
    """
    whose = Q(owner_id=owner_id(user))
    if has_staff_permission(user, VIEW):
        whose |= Q(owner=None)
    receiving = Upload.objects.filter(whose, state=UploadState.RECEIVING).order_by("-last_activity")
    looked = receiving[: LOOKED_THROUGH if part else SHOWN]
    wanted = comparable(part)
    return [
        upload
        for upload in looked
        if wanted in comparable(upload.file_name) and not is_overdue(upload)
    ][:SHOWN]
