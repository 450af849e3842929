"""Joins finished parts into one upload (tus: concatenation, concatenation-unfinished).

`finish.finish_final` says when.
"""

import time

from django.utils import timezone

from uploads.conf import conf
from uploads.cooperative import let_others_in
from uploads.errors import DiskFull, Gone, TooLarge
from uploads.models import State, Upload
from uploads.services import queries
from uploads.services.error_mapping import map_store_errors
from uploads.services.expiration import next_expiry
from uploads.services.limits.free_space import gauge
from uploads.services.limits.length import check_disk, check_size
from uploads.services.termination import refuse
from uploads.stores.base import Missing, Writer
from uploads.stores.registry import store

NOTE_PROGRESS_EVERY = 1.0  # seconds between writes of the current offset to the row
COPY_BYTES = 4 * 1024 * 1024  # bytes copied between two checks of the free space


def total_of(parts: list[Upload]) -> int | None:
    """The length of all parts together; None while a part's length is unknown."""
    known = [part.length for part in parts if part.length is not None]
    return sum(known) if len(known) == len(parts) else None


def parts_of(final: Upload) -> list[Upload]:
    return [row.part for row in final.parts.select_related("part")]


def refuse_without_part(final: Upload, parts: list[Upload]) -> None:
    """Ends a final upload if one of its parts has ended, because it can never be joined.

    Raises:
        Gone: A part has ended.
    """
    if any(part.state not in (State.RECEIVING, State.FINISHED) for part in parts):
        refuse(final, "One of its parts has ended.")
        raise Gone("One of this upload's parts has ended. Start a new one.")


def learn_length(final: Upload, parts: list[Upload]) -> None:
    """Sets the length as soon as it is known: a part may have had none.

    Raises:
        TooLarge: Longer than UPLOADS_MAX_SIZE.
    """
    length = total_of(parts) if final.length is None else None
    if length is None:
        return
    try:
        check_size(length)
    except TooLarge as problem:
        refuse(final, problem.message)
        raise
    final.length = length
    unset = Upload.objects.filter(pk=final.pk, length=None, state=State.RECEIVING)
    unset.update(length=length)


def has_all_parts(final: Upload) -> bool:
    states = list(final.parts.values_list("part__state", flat=True))
    return bool(states) and set(states) == {State.FINISHED}


def copy_parts(final: Upload, parts: list[Upload]) -> None:
    """Copies the parts, resuming after the bytes already there, at the speed of a file copy."""
    with map_store_errors():
        held = store().fence_and_get_offset(final.id.hex)
        check_disk((final.length or 0) - held)
        writing = store().acquire_writer(final.id.hex, held)
        try:
            with map_store_errors():
                copy_each(final, parts, writing)
        except DiskFull:  # counted already when it waited for room
            writing.withdraw(0)
            raise
        finally:
            writing.end()


def copy_each(final: Upload, parts: list[Upload], writing: Writer) -> None:
    noted = float("-inf")
    start = 0
    for part in parts:
        end = start + (part.length or 0)
        noted = copy_part(final, part, writing, (start, end), noted)
        start = end
    if conf.UPLOADS_DURABILITY == "power":
        writing.secure()


def copy_part(
    final: Upload, part: Upload, writing: Writer, span: tuple[int, int], noted: float
) -> float:
    """Appends the missing bytes of one part.

    Args:
        final: The final upload.
        part: A finished part.
        writing: The right to append.
        span: The part's first and last position in the final upload, in bytes.
        noted: When the row was last updated, in seconds of the monotonic clock.

    Returns:
        The new value of `noted`.
    """
    start, end = span
    if writing.offset >= end:
        return noted
    with store().open(part.id.hex) as source:
        source.seek(writing.offset - start)
        while writing.offset < end:
            if time.monotonic() - noted >= NOTE_PROGRESS_EVERY:
                noted = time.monotonic()
                now = timezone.now()
                checked, expires = final.header_checked, next_expiry(now)
                queries.record_progress(final, writing.offset, now, expires, checked)
                queries.release_connection()  # other requests need it meanwhile
            count = min(end - writing.offset, COPY_BYTES)
            gauge.take(count)
            if not writing.copy(source, count):
                raise Missing(part.id.hex)  # some acknowledged bytes are lost
            let_others_in()
    return noted
