"""Deletes the uploads of deleted users, and leaves no file behind.

The transaction that deletes the user marks the rows as terminated and removes their names; after
the commit the bytes are removed, then the rows. So a failed deletion removes nothing, and a crash
leaves terminated rows with bytes, which the cleanup removes.
"""

import logging
import uuid
from collections.abc import Collection
from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.db.models import Count, Sum

from uploads.cooperative import let_others_in
from uploads.errors import Unavailable
from uploads.models import State, Upload
from uploads.services.maintenance import ballast
from uploads.services.maintenance.batches import in_batches
from uploads.services.maintenance.store_identity import StoreProblem, identity_problem
from uploads.services.termination import announce_end, free_bytes
from uploads.signals import upload_terminated
from uploads.stores.base import Missing
from uploads.stores.registry import store

logger = logging.getLogger(__name__)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # prunes rows once they are empty
NAMELESS = {"metadata": "", "file_name": "", "file_type": "", "concat_header": "", "failure": ""}
NAMELESS |= {"client_address": "", "client_agent": ""}
BATCH = 100  # rows deleted at once: other transactions wait meanwhile


def holdings_of(owners: Collection[int]) -> tuple[int, int]:
    """The number of these users' uploads that hold bytes, and their bytes in total."""
    held = Upload.objects.filter(owner__in=owners, has_bytes=True)
    found = held.aggregate(count=Count("pk"), size=Sum("offset"))
    return found["count"], found["size"] or 0


def terminate_all_of(owner_id: int) -> None:
    """Ends all uploads of a user who is being deleted; call it within that transaction.

    Raises:
        Unavailable: The store is unavailable, so the bytes could not be removed.
    """
    ballast.make_room()
    # An upload created meanwhile would block the deletion, or lose its owner.
    get_user_model()._default_manager.select_for_update().filter(pk=owner_id).first()
    theirs = Upload.objects.filter(owner=owner_id)
    check_store(theirs.filter(has_bytes=True).first())
    theirs.update(
        state=State.TERMINATED, owner=None, last_activity=LONG_AGO, expires=None, **NAMELESS
    )
    transaction.on_commit(remove_terminated)


def check_store(upload: Upload | None) -> None:
    """Refuses if the store is unavailable or belongs to another database."""
    if upload is None:
        return
    reason: StoreProblem | OSError | None = identity_problem()
    try:
        if reason is None:
            store().held(upload.id.hex)
    except Missing:
        about = {"upload_id": upload.id.hex}
        logger.info("%s has lost its bytes, so none remain", upload, extra=about)
    except OSError as problem:
        reason = problem
    if reason is not None:
        raise Unavailable(
            f"This user's uploads can't be removed now ({reason}). Nothing was deleted; "
            "try again when the store is available."
        )


def remove_terminated() -> None:
    """Removes the bytes of deleted users' uploads, and then the rows, in batches.

    Whatever can't be removed now is left to the cleanup.
    """
    left = Upload.objects.filter(state=State.TERMINATED, owner=None, last_activity=LONG_AGO)
    gone = []
    try:
        for upload in in_batches(left):
            if free_bytes(upload) is None:
                continue
            announce_end(upload_terminated, upload)
            gone.append(upload.pk)
            if len(gone) == BATCH:
                delete_rows(gone)
                gone = []
            let_others_in()
        delete_rows(gone)
    except DatabaseError as problem:  # the user is deleted already
        logger.warning("rows of a deleted user's uploads are left to the cleanup: %s", problem)


def delete_rows(keys: Collection[uuid.UUID]) -> None:
    """Deletes the rows of uploads that hold no bytes."""
    Upload.objects.filter(pk__in=keys).delete()
