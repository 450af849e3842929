"""Uploads whose bytes the store no longer holds: their rows say so, and bytes that return count."""

from django.utils import timezone

from uploads.models import CleanupRun, Concat, State, Upload
from uploads.services.finish import HEAD_BYTES
from uploads.services.maintenance.inventory import Inventory
from uploads.services.termination import expire
from uploads.stores.base import Missing
from uploads.stores.registry import store

LOST = "The file is missing from the store, or is shorter than it was. A backup may have it."
GONE = "The bytes are lost: the file is not in the store."


def note_losses(run: CleanupRun, inventory: Inventory) -> None:
    """Let the rows tell what became of their bytes, such as after a backup was restored.

    What is finished stays so, since its transcript does, but nobody is served half a file. What is
    being received goes on from what is held; without its file it has ended, as a part has.
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
    """End an upload that cannot go on without the bytes that are lost."""
    if run.dry_run or expire(upload, reason=GONE) is not None:
        run.expired += 1
        run.details.append(f"expired {upload.id} {upload.file_name!r}, whose bytes are lost")


def _note_lost(run: CleanupRun, upload: Upload) -> None:
    finished = Upload.objects.filter(pk=upload.pk, state=State.FINISHED)
    # The same final upload, ordered again, is made anew: without its key it is not found for that.
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
    # What is to come at the beginning was not looked at yet; parts never are.
    is_checked = held >= HEAD_BYTES or upload.concat == Concat.PARTIAL
    unchecked = {} if is_checked else {"header_checked": False}
    still = Upload.objects.filter(pk=upload.pk, state=State.RECEIVING, offset=upload.offset)
    still.update(offset=held, failure=f"Of {upload.offset} bytes {held} are left.", **unchecked)
