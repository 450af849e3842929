"""Creates final uploads (tus: concatenation): one, however often the same request is repeated.

Joining takes as long as copying the file. A client that disconnected meanwhile, lost the response,
or sits behind an impatient proxy repeats the request, and so do clients that resume.
"""

import hashlib
import logging
from collections.abc import Iterable

from django.db import DatabaseError, IntegrityError, transaction

from uploads.cooperative import Pacer
from uploads.errors import (
    BadRequest,
    Conflict,
    Gone,
    NotFound,
    OffsetConflict,
    Unavailable,
    UploadError,
)
from uploads.models import Concat, Part, State, Upload
from uploads.services import queries
from uploads.services.activity import log_context
from uploads.services.concatenate import total_of
from uploads.services.create import CreationRequest, keep, prepare
from uploads.services.finish import announce_once, finish_final
from uploads.services.limits.length import check_length
from uploads.services.limits.part_uses import check_uses
from uploads.services.lookup import get_for_user, owner_id
from uploads.services.termination import abort_creation
from uploads.stores.registry import store

logger = logging.getLogger(__name__)

NO_PART = "Upload-Concat names an upload that isn't a part (Upload-Concat: partial)."


def create_final(order: CreationRequest, part_ids: list[str]) -> Upload:
    """Creates a final upload and joins its parts if all are finished, or continues the living
    upload that the same request created before."""
    key = key_of(order, part_ids)
    final = made_before(key)
    try:
        parts = list(own_parts(order, part_ids))
    except Gone:
        if final is None:
            raise
        parts = []  # joined before, and the parts expired since: the final upload has their bytes
    if final is None:
        final = make(order, parts, key)
    log_context.add(upload_id=final.id.hex)
    try:
        finish_final(final)
    except OffsetConflict:
        logger.debug("%s is being joined by another request", final.id)
    except Unavailable:
        raise  # all bytes are stored: it is joined when that is possible again
    except UploadError:
        abort_creation(final)
        raise
    if final.state == State.FINISHED:
        announce_once(final)  # the request that finished it may have died before responding
    return final


def key_of(order: CreationRequest, part_ids: Iterable[str]) -> str:
    """Equal for requests that mean the same final upload: owner, metadata and parts."""
    asked = [repr(owner_id(order.user)), order.metadata, *part_ids]
    return hashlib.sha256("\n".join(asked).encode("utf-8", "surrogateescape")).hexdigest()


def own_parts(order: CreationRequest, part_ids: Iterable[str]) -> Iterable[Upload]:
    """The parts, in their order; other requests run in between.

    Raises:
        NotFound, Gone, BadRequest: See `create_final`.
    """
    pause = Pacer(before=queries.release_connection)
    for part_id in part_ids:
        part = get_for_user(part_id, order.user)
        if part.owner_id != owner_id(order.user):
            raise NotFound  # staff can see other users' uploads, but not join them
        if part.concat != Concat.PARTIAL:
            raise BadRequest(NO_PART)
        yield part
        pause()


def made_before(key: str) -> Upload | None:
    """The living upload that the same request created before."""
    return Upload.objects.filter(final_key=key, state__in=(State.RECEIVING, State.FINISHED)).first()


def make(order: CreationRequest, parts: list[Upload], key: str) -> Upload:
    """Creates the row of a final upload and its empty file.

    Returns:
        The upload, or the one that an identical request created at the same time.
    """
    check_uses(parts)
    length = total_of(parts)
    if length is not None:
        check_length(length)
    try:
        final = prepare(order, length, Concat.FINAL)
    except Conflict:  # perhaps with what the other request copied
        twin = made_before(key)
        if twin is None:
            raise
        return twin
    final.final_key = key
    try:
        with transaction.atomic():
            keep(final)
            Part.objects.bulk_create(
                Part(final=final, position=position, part=part)
                for position, part in enumerate(parts)
            )
    except DatabaseError as problem:
        store().remove(final.id.hex)
        twin = made_before(key) if isinstance(problem, IntegrityError) else None
        if twin is None:
            raise
        return twin
    return final
