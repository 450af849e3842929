"""The cleanup: removes what has expired, and finishes what a crash interrupted.

`manage.py cleanup_uploads`, the schedule and the admin all call `clean_up`.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.utils import timezone

from uploads.conf import conf
from uploads.errors import UploadError
from uploads.models import CleanupRun, Concat, Part, State, Upload
from uploads.services.concatenate import has_all_parts
from uploads.services.error_mapping import DISK_IS_FULL, is_disk_full
from uploads.services.finish import finish, finish_final, notify_finished
from uploads.services.maintenance import ballast, heartbeat
from uploads.services.maintenance.batches import batches_of, in_batches
from uploads.services.maintenance.heartbeat import MAY_EXPIRE
from uploads.services.maintenance.inventory import GRACE, Inventory, take_inventory
from uploads.services.maintenance.losses import end_lost, note_losses
from uploads.services.maintenance.store_identity import identity_problem
from uploads.services.maintenance.trim import forget_addresses, trim_headers
from uploads.services.termination import delete_bytes, expire
from uploads.stores.base import Missing, StoreError
from uploads.stores.registry import store

logger = logging.getLogger(__name__)

MOST_DETAILS = 1000  # lines in a run's record
Step = Callable[[CleanupRun], None]


def clean_up(trigger: str, dry_run: bool = False, confirmed: int = 0) -> CleanupRun:
    """Expires, recovers, removes orphans and prunes old rows; leaves a `CleanupRun`.

    If store and database don't belong together, only old rows are pruned.

    Args:
        trigger: One of `CleanupRun.Trigger`.
        dry_run: Change nothing, only list what would be removed.
        confirmed: Orphans that staff agreed to remove. Without it, large numbers are kept; see
            `Inventory.orphans_need_consent`.
    """
    run = CleanupRun(trigger=trigger, dry_run=dry_run)
    return perform(run, lambda run: steps(run, confirmed))


def perform(run: CleanupRun, plan: Callable[[CleanupRun], list[Step]]) -> CleanupRun:
    """Runs steps of a cleanup, and saves the record of what they did."""
    ballast.make_room()
    begin_record(run)
    with noting_faults(run, "identity"):
        for step in plan(run):
            with noting_faults(run, step.__name__):  # the other steps continue
                step(run)
    run.ended = timezone.now()
    run.details = first_of(run.details)
    run.save()
    ballast.keep()
    logger.info(
        "cleanup (%s): %s expired, %s recovered, %s orphans, %s bytes freed, %s errors",
        run.trigger,
        run.expired,
        run.recovered,
        run.strays,
        run.bytes_freed,
        len(run.errors),
    )
    return run


@contextmanager
def noting_faults(run: CleanupRun, what: str) -> Iterator[None]:
    """Adds an error of this step to the record of the run."""
    try:
        yield
    except (OSError, StoreError, DatabaseError) as problem:
        logger.exception("cleanup: %s", what)
        run.errors.append(f"{what}: {sentence(problem)}")


def begin_record(run: CleanupRun) -> None:
    """Saves the record at the start; on a full disk that may have to wait until the end.

    The count of kept orphans carries over until this run has compared rows and files.
    """
    try:
        before = orphans_kept()
        if before is not None:
            run.orphans_kept = before.orphans_kept
            run.orphans_kept_bytes = before.orphans_kept_bytes
        run.save()
    except DatabaseError as problem:
        if not is_disk_full(problem):
            raise
        logger.warning("the disk is full: the record of this cleanup is written at its end")


def sentence(problem: Exception) -> str:
    return DISK_IS_FULL if is_disk_full(problem) else str(problem)


def first_of(lines: list[str]) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - MOST_DETAILS
    return lines if more <= 0 else [*lines[:MOST_DETAILS], f"and {more} more"]


def may_compare(run: CleanupRun) -> bool:
    """Whether store and database belong together; if not, the record says why."""
    problem = identity_problem(join=not run.dry_run)
    if problem is not None:
        logger.error("cleanup: %s", problem)
        run.errors.append(str(problem))
    return problem is None


def steps(run: CleanupRun, confirmed: int) -> list[Step]:
    """The steps, in order."""
    if not may_compare(run):
        return [prune, trim_headers, forget_addresses]

    def compare(run: CleanupRun) -> None:
        """Marks uploads whose bytes are lost, and removes files without a row."""
        inventory = take_inventory()
        note_losses(run, inventory)
        remove_orphans(run, inventory, confirmed)

    return [
        *(look_for_gap, expire_overdue, remove_leftovers, compare, recover),
        *(prune, trim_headers, forget_addresses),
    ]


def look_for_gap(run: CleanupRun) -> None:
    """Makes up for time when the site was off or its clock jumped, before anything expires."""
    if not run.dry_run:
        heartbeat.look_for_gap()
        heartbeat.look_for_future()


def expire_overdue(run: CleanupRun) -> None:
    """Expires uploads without activity for UPLOADS_EXPIRE_AFTER while the site was running."""
    now = heartbeat.counts_until(timezone.now())
    for upload in in_batches(Upload.objects.filter(MAY_EXPIRE, expires__lte=now)):
        try:
            freed = _held(upload.id.hex) if run.dry_run else _expire(upload, now)
        except DatabaseError as problem:
            if not is_disk_full(problem):
                raise
            run.errors.append(f"{upload.id}: {DISK_IS_FULL}")
            continue  # others may have more bytes; removing them frees space
        if freed is None:
            continue
        run.expired += 1
        run.bytes_freed += freed
        run.details.append(f"expired {upload.id} {upload.file_name!r}, {freed} bytes")


def _expire(upload: Upload, now: datetime) -> int | None:
    return expire(upload, now, reason="No activity.")


def remove_leftovers(run: CleanupRun) -> None:
    """Removes the bytes of ended uploads that could not be removed at the time."""
    ended = Upload.objects.exclude(state__in=(State.RECEIVING, State.FINISHED))
    for upload in in_batches(ended.filter(has_bytes=True)):
        freed = _held(upload.id.hex) if run.dry_run else delete_bytes(upload)
        if upload.has_bytes and not run.dry_run:
            run.errors.append(f"{upload.id}: its bytes can't be removed yet; see the log.")
            continue
        run.bytes_freed += freed
        run.details.append(f"removed the bytes of {upload.state} {upload.id}, {freed} bytes")


def recover(run: CleanupRun) -> None:
    """Finishes complete uploads, sends missing notifications, ends uploads that lost their file."""
    quiet = timezone.now() - GRACE
    receiving = Upload.objects.filter(state=State.RECEIVING, last_activity__lt=quiet)
    for upload in in_batches(receiving):
        try:
            held = store().held(upload.id.hex)
        except Missing:
            # A kill while it was ending left the row, or the file was lost since the comparison.
            end_lost(run, upload)
            continue
        if upload.concat == Concat.FINAL and has_all_parts(upload):
            _recover(run, upload, finish_final)
        elif held == upload.length:
            _recover(run, upload, finish)
    unheard = Upload.objects.filter(
        state=State.FINISHED, notified_at=None, finished__lt=timezone.now() - GRACE
    )
    for upload in in_batches(unheard):
        _recover(run, upload, notify_finished)


def _recover(run: CleanupRun, upload: Upload, step: Callable[[Upload], object]) -> None:
    run.recovered += 1
    run.details.append(f"recovered {upload.id} {upload.file_name!r}")
    if run.dry_run:
        return
    try:
        step(upload)
    except UploadError as refusal:
        run.errors.append(f"{upload.id}: {refusal.message}")


def remove_orphans(run: CleanupRun, inventory: Inventory, confirmed: int) -> None:
    """Removes files that belong to no upload, as a crash between file and row leaves.

    Many of them are no crash: the database may be older than the files. They are kept until staff
    confirm.
    """
    need_consent = inventory.orphans_need_consent(were_kept=run.orphans_kept > 0)
    going = inventory.orphans
    if need_consent and len(going) > confirmed:
        going = []
    for entry in going:
        freed = entry.size if run.dry_run else store().remove(entry.name)
        run.strays += 1
        run.bytes_freed += freed
        run.details.append(f"removed the orphaned file {entry.name}, {freed} bytes")
    run.orphans_kept = run.orphans_kept_bytes = 0
    if need_consent and inventory.unknown > len(going):
        run.orphans_kept = inventory.unknown - len(going)
        run.orphans_kept_bytes = inventory.unknown_bytes - sum(entry.size for entry in going)
        run.details.append(
            f"kept {run.orphans_kept} files ({run.orphans_kept_bytes} bytes) that belong to no "
            "upload: a number this large is only removed when staff confirm"
        )


def orphans_kept() -> CleanupRun | None:
    """The last cleanup, if orphans wait for staff to confirm."""
    runs = CleanupRun.objects.filter(dry_run=False, ended__isnull=False)
    last = runs.order_by("-started").first()
    return last if last is not None and last.orphans_kept else None


def prune(run: CleanupRun) -> None:
    """Deletes rows of ended uploads and old runs after UPLOADS_RECORD_RETENTION."""
    if run.dry_run:
        return
    before = timezone.now() - timedelta(seconds=conf.UPLOADS_RECORD_RETENTION)
    ended = Upload.objects.exclude(state__in=(State.RECEIVING, State.FINISHED))
    waited_for = Part.objects.filter(final__state=State.RECEIVING).values("part")
    ended = ended.exclude(pk__in=waited_for)  # its parts are still needed
    ended = ended.filter(has_bytes=False, last_activity__lt=before)
    # A single transaction would make SQLite's log as large as all their pages.
    for batch in batches_of(ended.only("pk")):
        ended.filter(pk__in=[upload.pk for upload in batch]).delete()
    CleanupRun.objects.filter(started__lt=before).exclude(pk=run.pk).delete()


def _held(name: str) -> int:
    try:
        return store().held(name)
    except Missing:
        return 0
