"""Marks uploads whose bytes are missing from the store, and unmarks them when they return."""

from django.utils import timezone

from uploads.models import CleanupRun, Concat, State, Upload
from uploads.services.finish import HEAD_BYTES
from uploads.services.maintenance.inventory import Inventory
from uploads.services.termination import expire
from uploads.stores.base import Missing
from uploads.stores.registry import store

LOST = "The file is missing from the store, or is shorter than it was. A backup may have it."
GONE = "The bytes are lost: the file isn't in the store."


def note_losses(run: CleanupRun, inventory: Inventory) -> None:
    """Updates rows to match the bytes that are left, for example after a backup was restored.

    A finished upload stays finished, because the site may have used it, but half a file is never
    served. An unfinished one resumes at the bytes that are left; without its file it ends, and so
    does a part.
    """
    for upload in inventory.missing:
        if upload.state == State.FINISHED and upload.concat != Concat.PARTIAL:
            _note_lost(run, upload)
        elif upload.state == State.FINISHED:
            end_lost(run, upload)
        else:
            _go_back(run, upload)
    for upload in inventory.whole_again:
        run.details.append(f"found the bytes of {upload.id} {upload.file_name!r} again")
        if not run.dry_run:
            Upload.objects.filter(pk=upload.pk).update(lost=None, failure="")


def end_lost(run: CleanupRun, upload: Upload) -> None:
    """Ends an upload that can't continue without the lost bytes."""
    if run.dry_run or expire(upload, reason=GONE) is not None:
        run.expired += 1
        run.details.append(f"expired {upload.id} {upload.file_name!r}, whose bytes are lost")


def _note_lost(run: CleanupRun, upload: Upload) -> None:
    finished = Upload.objects.filter(pk=upload.pk, state=State.FINISHED)
    # Without its key, the same final upload is created again when a client requests it again.
    changes = {"lost": timezone.now(), "failure": LOST, "final_key": None}
    if run.dry_run or finished.update(**changes):
        run.lost += 1
        run.details.append(f"lost bytes of finished {upload.id} {upload.file_name!r}")


def _go_back(run: CleanupRun, upload: Upload) -> None:
    try:
        held = store().held(upload.id.hex)
    except Missing:
        end_lost(run, upload)
        return
    run.details.append(f"went back to {held} bytes of {upload.id} {upload.file_name!r}")
    if run.dry_run:
        return
    # New first bytes were not checked yet; parts never are.
    is_checked = held >= HEAD_BYTES or upload.concat == Concat.PARTIAL
    unchecked = {} if is_checked else {"header_checked": False}
    still = Upload.objects.filter(pk=upload.pk, state=State.RECEIVING, offset=upload.offset)
    still.update(offset=held, failure=f"Of {upload.offset} bytes {held} are left.", **unchecked)
