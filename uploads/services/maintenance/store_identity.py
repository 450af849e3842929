"""Store and database know each other, so neither is ever taken for another's.

Both hold the same identity. Where they do not, files that this database does not know are another
database's, and rows without files are another store's: nothing may be removed then, nothing ended
as lost, and nothing new be mixed in. See docs/decisions/0009.
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
"""Seconds for which a process does not look again: where all is well, and at files and rows."""
RETRY_AFTER = 60
"""Seconds after which a refused client may try again: people have to act first."""


@dataclass(frozen=True)
class StoreProblem:
    """Why the store cannot be used with this database.

    Attributes:
        reason: One sentence, without paths and names: for monitors and clients, too.
        remedy: What staff can do about it.
    """

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}"


_JOIN = "`manage.py join_store` shows what joining the two would cost, and joins them."
AWAY = StoreProblem(
    "The store of uploads is away: its folder is missing, or its disk is not mounted.",
    f"Mount it, or set UPLOADS_DIR. If its files are gone for good: {_JOIN}",
)
FOREIGN = StoreProblem(
    "The store of uploads belongs to another database than the one in use.",
    "Nothing is removed and nothing new is taken. Set DATABASE_URL or UPLOADS_DIR so that they "
    f"belong together (`manage.py move_database` moves a database with its store); else {_JOIN}",
)
UNKNOWN_FILES = StoreProblem(
    "The store of uploads holds files that the database in use does not know.",
    FOREIGN.remedy,
)
UNWRITABLE = StoreProblem(
    "The store of uploads takes no writes.",
    "Let the user that runs the site write in UPLOADS_DIR, or mount its disk for writing.",
)

# What this process found well last, and when that ends, in seconds of the monotonic clock.
_believed: tuple[Store, float] | None = None
# What comparing files and rows led to last, for which identities, and until when.
_compared: tuple[tuple[object, ...], float, StoreProblem | None] | None = None


def store_problem(join: bool = True) -> StoreProblem | None:
    """Why requests of uploads fail at this moment, or None; looked at anew with each call.

    Where nothing speaks against it, store and database are joined by that: a new site's, and those
    of a site that was made before they had identities.

    Args:
        join: Whether to do so; else that they are not joined yet is no problem.

    Raises:
        DatabaseError: The database does not answer, or has no tables yet.
    """
    problem = identity_problem(join)
    if problem is None:
        try:
            store().check_writable()
        except OSError as fault:
            logger.warning("the store takes no writes: %s", fault)
            return UNWRITABLE
    return problem


def identity_problem(join: bool = True) -> StoreProblem | None:
    """The same, whether or not the store takes writes."""
    global _believed
    problem, has_joined = _look()
    if problem is None and not has_joined and join:
        try:
            join_store()
        except OSError as fault:
            logger.warning("the store cannot be given its identity: %s", fault)
            # What makes room on a full disk must work before; the next look tries again.
            return None if fault.errno in FULL else UNWRITABLE
        problem = _look()[0]
    if problem is not None:
        _believed = None
    return problem


def require_own(place: Store) -> None:
    """Refuse what would put a file into a store that is not this database's.

    A process that found all well believes so for some seconds: this is asked with each creation.

    Args:
        place: The site's store.

    Raises:
        Unavailable: The store is away, or another's.
    """
    global _believed
    if _believed and _believed[0] is place and time.monotonic() < _believed[1]:
        return
    problem = identity_problem()
    if problem is not None:
        raise Unavailable(f"Uploads cannot be taken now. {problem.reason}", RETRY_AFTER)
    _believed = (place, time.monotonic() + BELIEVED_FOR)


def may_remove() -> bool:
    """Whether the store is known to be this database's, so that its bytes may be removed."""
    try:
        require_own(store())
    except Unavailable as refusal:
        logger.warning("no bytes are removed: %s", refusal.message)
    except DatabaseError as fault:
        logger.warning("no bytes are removed, as the database does not answer: %s", fault)
    else:
        return True
    return False


def renew_identity() -> None:
    """Join the store and this database, whatever either was joined with before.

    Where the store cannot be told of it, the one that carries the previous identity is still known.

    Raises:
        OSError: The store cannot be reached.
    """
    joined = StoreIdentity.objects.filter(pk=StoreIdentity.THE_ROW, joined=True)
    new = {"identity": uuid.uuid4(), "since": timezone.now()}
    # A row that waits for the store to be told of a new identity keeps both.
    joined.filter(previous=None).update(previous=F("identity"), **new)
    if not joined.exists():
        part_store()
    join_store()


def part_store(using: str = DEFAULT_DB_ALIAS, moved_from: uuid.UUID | None = None) -> None:
    """Give a database an identity that no store has; `join_store` gives it to the store.

    Args:
        using: The alias of the database.
        moved_from: The identity of the database whose rows it got.
    """
    new = {"identity": uuid.uuid4(), "joined": False, "since": timezone.now()}
    StoreIdentity.objects.using(using).update_or_create(
        pk=StoreIdentity.THE_ROW, defaults={**new, "previous": moved_from}
    )


def join_store(using: str = DEFAULT_DB_ALIAS) -> None:
    """Let the store hold a database's identity, so that it belongs to no other any more.

    Safe to repeat wherever a crash came, by several processes.

    Args:
        using: The alias of the database.

    Raises:
        OSError: The store cannot be told.
    """
    rows = StoreIdentity.objects.using(using)
    rows.bulk_create([StoreIdentity(pk=StoreIdentity.THE_ROW)], ignore_conflicts=True)
    own = rows.get(pk=StoreIdentity.THE_ROW)
    store().identify(own.identity.hex)
    rows.filter(pk=own.pk, identity=own.identity).update(joined=True, previous=None)
    logger.info("the store of uploads and the database are joined")


def _look() -> tuple[StoreProblem | None, bool]:
    """What speaks against using the store, and whether both are joined already."""
    own = StoreIdentity.objects.filter(pk=StoreIdentity.THE_ROW).first()
    try:
        carried = store().identity()
        if own and carried == own.identity.hex:
            return None, own.joined and own.previous is None
        if own and own.joined and own.previous and carried == own.previous.hex:
            return None, False  # it was to be told of a new one
        return _compare(own, carried), False
    except (OSError, ValueError) as fault:  # ValueError: what it carries is no text
        logger.warning("the store cannot be read: %s", fault)
        return AWAY, False


def _compare(own: StoreIdentity | None, carried: str | None) -> StoreProblem | None:
    """What files and rows say where identities do not settle it: it may take long with many."""
    global _compared
    was_joined = own is not None and own.joined
    facts = (store(), own and own.identity, was_joined, carried)
    if _compared and _compared[0] == facts and time.monotonic() < _compared[1]:
        return _compared[2]
    problem = _look_at_other() if carried else _look_at_unmarked(was_joined)
    _compared = (facts, time.monotonic() + BELIEVED_FOR, problem)
    return problem


def _look_at_unmarked(was_joined: bool) -> StoreProblem | None:
    """A store without an identity: a new one, one of before, or a folder without its disk."""
    if not _holds_files():
        return AWAY if was_joined or _expects_files() else None
    return None if _rows_and_files_agree() else UNKNOWN_FILES


def _look_at_other() -> StoreProblem | None:
    """A store with another identity: a database may have it where neither has anything to lose."""
    return FOREIGN if _expects_files() or _holds_files() else None


def _holds_files() -> bool:
    return next(_names(), None) is not None


def _names() -> Iterator[str]:
    """The files that can be an upload's; others are served in between."""
    let_others_in_at_times = Pacer()
    for entry in store().entries():
        if OURS.fullmatch(entry.name) and not entry.is_rest:
            yield entry.name
        let_others_in_at_times()


def _expects_files() -> bool:
    living = (State.RECEIVING, State.FINISHED)
    return Upload.objects.filter(has_bytes=True, state__in=living).exists()


def _rows_and_files_agree() -> bool:
    """Whether more than half of what the database believes to be there is there.

    One that has had uploads and expects none to be there may find a few: a crash leaves such.
    """
    names = set(_names())
    known = in_batches(Upload.objects.filter(has_bytes=True).only("pk"), 5000)
    found = [upload.id.hex in names for upload in known]
    if sum(found) * 2 > len(found):
        return True
    few = len(names) - sum(found) <= KEPT_ABOVE
    return few and not _expects_files() and Upload.objects.exists()
