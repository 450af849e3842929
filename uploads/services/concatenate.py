"""Joining finished parts into one upload (tus: concatenation, concatenation-unfinished)."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from uploads.errors import Malformed, UploadError
from uploads.models import Concat, Part, State, Upload
from uploads.services.create import Order, create
from uploads.services.faults import store_faults
from uploads.services.finish import finish
from uploads.services.length import check_length
from uploads.stores.registry import store
from uploads.stores.waiting import let_others_in

logger = logging.getLogger(__name__)

KEEP_PARTS = timedelta(hours=1)  # parts that have been joined are hardly ever used again


def create_final(order: Order, parts: list[Upload]) -> Upload:
    """Make a final upload, and join its parts if they are all finished.

    Args:
        order: As for any upload; its length follows from the parts.
        parts: In their order; each the caller's own.

    Raises:
        Malformed: One of them is no part.
        UploadError: As for any upload.
    """
    if any(part.concat != Concat.PARTIAL for part in parts):
        raise Malformed("Upload-Concat names an upload that is no part (Upload-Concat: partial).")
    known = [part.length for part in parts]
    length = None if None in known else sum(filter(None, known))
    if length is not None:
        check_length(length)
    with transaction.atomic():
        final = create(order, length, Concat.FINAL)
        Part.objects.bulk_create(
            Part(final=final, position=position, part=part) for position, part in enumerate(parts)
        )
    join(final)
    return final


def join(final: Upload) -> bool:
    """Join the parts of a final upload, if they are all finished, and finish it.

    Safe to repeat: a second caller takes over where the first one stands.

    Returns:
        Whether it is finished now.

    Raises:
        UploadError: The site does not want the joined upload, or the store failed.
    """
    if final.state == State.FINISHED:
        return True
    parts = [row.part for row in final.parts.select_related("part")]
    if not parts or any(part.state != State.FINISHED for part in parts):
        return False
    total = sum(part.length or 0 for part in parts)
    if final.length != total:
        check_length(total)
        Upload.objects.filter(pk=final.pk, state=State.RECEIVING).update(length=total)
        final.length = total
    copy_parts(final, parts)
    finish(final)
    soon = timezone.now() + KEEP_PARTS
    Upload.objects.filter(pk__in=[part.pk for part in parts], expires__gt=soon).update(expires=soon)
    return True


def has_all_parts(final: Upload) -> bool:
    """Whether every part of a final upload is finished."""
    states = list(final.parts.values_list("part__state", flat=True))
    return bool(states) and set(states) == {State.FINISHED}


def copy_parts(final: Upload, parts: list[Upload]) -> None:
    """Bring the bytes together, going on from what is there: at the speed of one file copy."""
    with store_faults():
        writing = store().take(final.id.hex, store().settle(final.id.hex))
        try:
            start = 0
            for part in parts:
                end = start + (part.length or 0)
                if writing.offset < end:
                    with store().open(part.id.hex) as source:
                        source.seek(writing.offset - start)
                        while writing.offset < end:
                            writing.copy(source, end - writing.offset)
                            let_others_in()
                start = end
        finally:
            writing.end()


def complete(upload: Upload, requests: int = 0) -> None:
    """Finish an upload that has all its bytes, and whatever waits for it.

    Args:
        upload: All of its bytes are held.
        requests: How many requests to add to its count.

    Raises:
        UploadError: See `finish`.
    """
    finish(upload, requests)
    if upload.concat == Concat.PARTIAL:
        join_finals_of(upload)


def join_finals_of(part: Upload) -> None:
    """A part is finished: the finals that waited for it may be complete."""
    waiting = Upload.objects.filter(
        parts__part=part, state=State.RECEIVING, concat=Concat.FINAL
    ).distinct()
    for final in waiting:
        try:
            join(final)
        except UploadError as refusal:  # not the fault of who sent the part
            logger.warning("%s could not be joined: %s", final.id, refusal.message)
