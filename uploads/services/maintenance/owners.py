"""What becomes of uploads whose owner is deleted: they go along, and leave no file behind.

In the transaction that deletes the owner the rows become terminated, nameless ones; when it is
committed bytes go, and then their rows. So a deletion that fails has removed nothing, and what a
crash leaves is a terminated row with bytes, which the cleanup removes as it does any other.
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

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # rows of then are pruned as soon as they hold nothing
NAMELESS = {"metadata": "", "file_name": "", "file_type": "", "concat_header": "", "failure": ""}
NAMELESS |= {"client_address": "", "client_agent": ""}
BATCH = 100  # rows deleted at once: others wait for the database meanwhile


def holdings_of(owners: Collection[int]) -> tuple[int, int]:
    """How many uploads of these people hold bytes, and how many bytes together."""
    held = Upload.objects.filter(owner__in=owners, has_bytes=True)
    found = held.aggregate(count=Count("pk"), size=Sum("offset"))
    return found["count"], found["size"] or 0


def terminate_all_of(owner_id: int) -> None:
    """End all uploads of somebody who is being deleted; call it within that transaction.

    Raises:
        Unavailable: The store is out of reach, so the bytes could not go with their owner.
    """
    ballast.make_room()
    # An upload that is made meanwhile would keep its owner from being deleted, or stay without one.
    get_user_model()._default_manager.select_for_update().filter(pk=owner_id).first()
    theirs = Upload.objects.filter(owner=owner_id)
    check_store(theirs.filter(has_bytes=True).first())
    theirs.update(
        state=State.TERMINATED, owner=None, last_activity=LONG_AGO, expires=None, **NAMELESS
    )
    transaction.on_commit(remove_terminated)


def check_store(upload: Upload | None) -> None:
    """Refuse while the store does not answer, or is another database's."""
    if upload is None:
        return
    reason: StoreProblem | OSError | None = identity_problem()
    try:
        if reason is None:
            store().held(upload.id.hex)
    except Missing:
        logger.info("%s has lost its bytes, so none remain", upload)
    except OSError as problem:
        reason = problem
    if reason is not None:
        raise Unavailable(
            f"The recordings of this user cannot be removed now ({reason}). Nothing was deleted; "
            "try again once the store is there."
        )


def remove_terminated() -> None:
    """Remove the bytes of uploads whose owner is gone, and then their rows, some at a time.

    What cannot be removed now is left to the cleanup.
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
    except DatabaseError as problem:  # the owner is gone, so people must not hear that it is not
        logger.warning("rows of a deleted user's uploads are left to the cleanup: %s", problem)


def delete_rows(keys: Collection[uuid.UUID]) -> None:
    """Forget uploads that hold no bytes any more."""
    Upload.objects.filter(pk__in=keys).delete()
