"""Ties store and database together, so that neither is mistaken for another one.

Both hold the same identity. If they don't, unknown files belong to another database, and rows
without files to another store: then nothing may be removed or marked as lost, and nothing new may
be stored. See docs/decisions/0009.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.db.models import F
from django.utils import timezone

from uploads.cooperative import Pacer
from uploads.errors import Unavailable
from uploads.models import State, StoreIdentity, Upload
from uploads.services.maintenance.batches import in_batches
from uploads.services.maintenance.inventory import KEPT_ABOVE, OURS
from uploads.stores.base import FULL, Store
from uploads.stores.registry import store

logger = logging.getLogger(__name__)

BELIEVED_FOR = 5.0
"""Seconds for which a process trusts a good check, and the comparison of files and rows."""
RETRY_AFTER = 60
"""Seconds after which a refused client may try again: staff have to act first."""


@dataclass(frozen=True)
class StoreProblem:
    """Why the store can't be used with this database.

    Attributes:
        reason: One sentence without paths and names, also for monitors and clients.
        remedy: What staff can do.
    """

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}"


_JOIN = "run `manage.py join_store`, which shows the consequences first."
AWAY = StoreProblem(
    "The upload store is unavailable: its folder is missing, or its disk isn't mounted.",
    f"Mount it, or correct UPLOADS_DIR. If its files are lost: {_JOIN}",
)
FOREIGN = StoreProblem(
    "The upload store belongs to another database than the one in use.",
    "Nothing is removed and nothing new is stored. Correct UPLOADS_DIR or the database settings, "
    f"or {_JOIN}",
)
UNKNOWN_FILES = StoreProblem(
    "The upload store has files that the database in use doesn't know.",
    FOREIGN.remedy,
)
UNWRITABLE = StoreProblem(
    "The upload store isn't writable.",
    "Give the user that runs the site write access to UPLOADS_DIR, or mount its disk for writing.",
)

# Until when this process trusts its last good check, in seconds of the monotonic clock.
_believed: tuple[Store, float] | None = None
# The last comparison of files and rows: its result, the identities, and until when it is trusted.
_compared: tuple[tuple[object, ...], float, StoreProblem | None] | None = None


def store_problem(join: bool = True) -> StoreProblem | None:
    """Why upload requests fail right now, or None; checked again at each call.

    If nothing prevents it, this joins store and database: those of a new site, and of a site from
    before identities existed.

    Args:
        join: Whether to join them; if not, not being joined is no problem.

    Raises:
        DatabaseError: The database doesn't answer, or has no tables yet.
    """
    problem = identity_problem(join)
    if problem is None:
        try:
            store().check_writable()
        except OSError as fault:
            logger.warning("the store isn't writable: %s", fault)
            return UNWRITABLE
    return problem


def identity_problem(join: bool = True) -> StoreProblem | None:
    """The same, without checking that the store is writable."""
    global _believed
    problem, has_joined = _look()
    if problem is None and not has_joined and join:
        try:
            join_store()
        except OSError as fault:
            logger.warning("the store's identity can't be written: %s", fault)
            # Freeing space on a full disk must work first; the next check tries again.
            return None if fault.errno in FULL else UNWRITABLE
        problem = _look()[0]
    if problem is not None:
        _believed = None
    return problem


def require_own(place: Store) -> None:
    """Refuses to store a file unless the store belongs to this database.

    Called at each creation; a good result is trusted for some seconds.

    Args:
        place: The site's store.

    Raises:
        Unavailable: The store is unavailable, or belongs to another database.
    """
    global _believed
    if _believed and _believed[0] is place and time.monotonic() < _believed[1]:
        return
    problem = identity_problem()
    if problem is not None:
        raise Unavailable(f"Uploads can't be accepted now. {problem.reason}", RETRY_AFTER)
    _believed = (place, time.monotonic() + BELIEVED_FOR)


def may_remove() -> bool:
    """Whether the store is known to be this database's, so that bytes may be removed."""
    try:
        require_own(store())
    except Unavailable as refusal:
        logger.warning("no bytes are removed: %s", refusal.message)
    except DatabaseError as fault:
        logger.warning("no bytes are removed because the database doesn't answer: %s", fault)
    else:
        return True
    return False


def renew_identity() -> None:
    """Joins the store and this database, whatever either was joined with before.

    If writing the store fails, the database still accepts its previous identity.

    Raises:
        OSError: The store is unavailable.
    """
    joined = StoreIdentity.objects.filter(pk=StoreIdentity.THE_ROW, joined=True)
    new = {"identity": uuid.uuid4(), "since": timezone.now()}
    # A row whose new identity is not in the store yet keeps both.
    joined.filter(previous=None).update(previous=F("identity"), **new)
    if not joined.exists():
        part_store()
    join_store()


def part_store(using: str = DEFAULT_DB_ALIAS, moved_from: uuid.UUID | None = None) -> None:
    """Gives a database an identity that no store has; `join_store` writes it to the store.

    Args:
        using: The alias of the database.
        moved_from: The identity of the database that its rows came from.
    """
    new = {"identity": uuid.uuid4(), "joined": False, "since": timezone.now()}
    StoreIdentity.objects.using(using).update_or_create(
        pk=StoreIdentity.THE_ROW, defaults={**new, "previous": moved_from}
    )


def join_store(using: str = DEFAULT_DB_ALIAS) -> None:
    """Writes a database's identity to the store, so that it belongs to no other database.

    Safe to repeat after a crash, and in several processes.

    Args:
        using: The alias of the database.

    Raises:
        OSError: The store can't be written.
    """
    rows = StoreIdentity.objects.using(using)
    rows.bulk_create([StoreIdentity(pk=StoreIdentity.THE_ROW)], ignore_conflicts=True)
    own = rows.get(pk=StoreIdentity.THE_ROW)
    store().identify(own.identity.hex)
    rows.filter(pk=own.pk, identity=own.identity).update(joined=True, previous=None)
    logger.info("the store of uploads and the database are joined")


def _look() -> tuple[StoreProblem | None, bool]:
    """What prevents using the store, and whether both are joined already."""
    own = StoreIdentity.objects.filter(pk=StoreIdentity.THE_ROW).first()
    try:
        carried = store().identity()
        if own and carried == own.identity.hex:
            return None, own.joined and own.previous is None
        if own and own.joined and own.previous and carried == own.previous.hex:
            return None, False  # its new identity was not in the store yet
        return _compare(own, carried), False
    except (OSError, ValueError) as fault:  # ValueError: its identity is not a UUID
        logger.warning("the store can't be read: %s", fault)
        return AWAY, False


def _compare(own: StoreIdentity | None, carried: str | None) -> StoreProblem | None:
    """Decides by files and rows if the identities don't; slow with many files."""
    global _compared
    was_joined = own is not None and own.joined
    facts = (store(), own and own.identity, was_joined, carried)
    if _compared and _compared[0] == facts and time.monotonic() < _compared[1]:
        return _compared[2]
    problem = _look_at_other() if carried else _look_at_unmarked(was_joined)
    _compared = (facts, time.monotonic() + BELIEVED_FOR, problem)
    return problem


def _look_at_unmarked(was_joined: bool) -> StoreProblem | None:
    """A store without an identity: a new one, an old one, or a folder whose disk isn't mounted."""
    if not _holds_files():
        return AWAY if was_joined or _expects_files() else None
    return None if _rows_and_files_agree() else UNKNOWN_FILES


def _look_at_other() -> StoreProblem | None:
    """A store with another identity: this database may have it if neither has anything to lose."""
    return FOREIGN if _expects_files() or _holds_files() else None


def _holds_files() -> bool:
    return next(_names(), None) is not None


def _names() -> Iterator[str]:
    """Files named like uploads; other requests run in between."""
    let_others_in_at_times = Pacer()
    for entry in store().entries():
        if OURS.fullmatch(entry.name) and not entry.is_rest:
            yield entry.name
        let_others_in_at_times()


def _expects_files() -> bool:
    living = (State.RECEIVING, State.FINISHED)
    return Upload.objects.filter(has_bytes=True, state__in=living).exists()


def _rows_and_files_agree() -> bool:
    """Whether more than half of the files that the database expects are there.

    A database that had uploads and expects no files may find a few: a crash leaves some.
    """
    names = set(_names())
    known = in_batches(Upload.objects.filter(has_bytes=True).only("pk"), 5000)
    found = [upload.id.hex in names for upload in known]
    if sum(found) * 2 > len(found):
        return True
    few = len(names) - sum(found) <= KEPT_ABOVE
    return few and not _expects_files() and Upload.objects.exists()
