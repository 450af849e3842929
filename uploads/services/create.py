"""Creates uploads (tus: creation)."""

import re
import unicodedata
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from uploads.hooks import hooks
from uploads.http.protocol import parse_metadata
from uploads.models import Concat, Upload
from uploads.services import queries
from uploads.services.error_mapping import map_store_errors
from uploads.services.expiration import next_expiry
from uploads.services.limits.length import check_length
from uploads.services.limits.open_uploads import check_open
from uploads.services.lookup import User, owner_id
from uploads.services.maintenance.store_identity import require_own
from uploads.signals import upload_created
from uploads.stores.registry import store

LONGEST_NAME = 255
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class CreationRequest:
    """What a client asks for when it creates an upload.

    Attributes:
        person: The user; anonymous if there is none.
        metadata: Upload-Metadata as it was sent.
        concat: Upload-Concat as it was sent.
        address: The client's address, for staff.
        agent: The client's User-Agent, for staff.
    """

    user: User | None
    metadata: str = ""
    concat: str = ""
    address: str = ""
    agent: str = ""


def create(order: CreationRequest, length: int | None, concat: Concat = Concat.NONE) -> Upload:
    """Creates an upload without bytes; arguments and errors as for `prepare`."""
    upload = prepare(order, length, concat)
    keep(upload)
    return upload


def prepare(order: CreationRequest, length: int | None, concat: Concat = Concat.NONE) -> Upload:
    """Checks a new upload and creates its file, but not its row.

    Args:
        order: The client's request.
        length: In bytes; None if deferred.
        concat: Its role in a concatenation. Parts are checked when they are joined.

    Raises:
        BadRequest: The metadata is malformed.
        TooLarge: Longer than UPLOADS_MAX_SIZE.
        TooManyRequests: The client has too many open uploads without bytes.
        DiskFull: Less than UPLOADS_MIN_FREE_SPACE would remain.
        Unavailable: The store failed.
        UploadError: The site's hook refuses it.
    """
    metadata = parse_metadata(order.metadata)
    now = timezone.now()
    upload = Upload(
        owner_id=owner_id(order.user),
        length=length,
        metadata=order.metadata,
        concat=concat,
        concat_header=order.concat,
        header_checked=concat == Concat.PARTIAL,
        file_name=plain_name(metadata.get("filename") or metadata.get("name") or b""),
        file_type=as_text(metadata.get("filetype") or metadata.get("type") or b"")[:LONGEST_NAME],
        client_address=order.address[:64],
        client_agent=as_text(order.agent.encode("utf-8", "replace"))[:LONGEST_NAME],
        created=now,
        last_activity=now,
        expires=next_expiry(now),
    )
    check_open(upload.owner_id, order.address)
    check_length(length or 0)
    if concat != Concat.PARTIAL:
        hooks().pre_create(upload, metadata)
    with map_store_errors():
        # A crash in between leaves an empty file without a row, which the cleanup removes.
        create_file(upload)
    return upload


def keep(upload: Upload) -> None:
    """Creates the row of a prepared upload."""
    queries.insert(upload)
    transaction.on_commit(
        lambda: upload_created.send_robust(Upload, upload_id=upload.id, upload=upload)
    )


def create_file(upload: Upload) -> None:
    """Creates the upload's empty file, and the store itself for the first upload.

    Raises:
        Unavailable: The store is unavailable, or belongs to another database.
    """
    place = store()
    require_own(place)
    place.create(upload.id.hex)


def as_text(value: bytes) -> str:
    """Client bytes as text that every database can store: no control characters or surrogates."""
    return CONTROLS.sub("", value.decode("utf-8", "replace"))


def plain_name(value: bytes) -> str:
    """The last part of a client's file name: for display, never used as a path.

    Its letters are composed (NFC): macOS sends "ö" as "o" and two dots.
    """
    last = as_text(value).replace("\\", "/").rpartition("/")[2].strip()
    # The time to compose grows with the square of the number of marks on a letter.
    name = unicodedata.normalize("NFC", last[-4 * LONGEST_NAME :])[-LONGEST_NAME:]
    return name if name.strip(". ") else ""
