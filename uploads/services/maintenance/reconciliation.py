"""Shows where rows and files differ, and mends that by the rules of the cleanup."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from django.db.models import TextChoices

from uploads.errors import Unavailable
from uploads.models import CleanupRun, Upload
from uploads.services.maintenance.cleanup import (
    Step,
    may_compare,
    perform,
    remove_leftovers,
    remove_orphans,
)
from uploads.services.maintenance.inventory import Inventory, take_inventory
from uploads.services.maintenance.losses import note_losses
from uploads.services.maintenance.store_identity import identity_problem
from uploads.services.maintenance.verification import verify
from uploads.stores.base import Entry


class Kind(TextChoices):
    """How a row and a file differ."""

    MISSING = "missing", "no file"
    SHORTER = "shorter", "bytes missing"
    LONGER = "longer", "longer than its length"
    RETURNED = "returned", "marked as lost, but all bytes are there"
    LEFTOVER = "leftover", "ended, but its bytes are there"
    ORPHAN = "orphan", "no upload"
    YOUNG = "young", "no upload, and less than an hour old"


@dataclass(frozen=True)
class Difference:
    """One upload, or file without an upload, that differs.

    Attributes:
        kind: How.
        name: The upload's id, which is also the name of its file.
        state: The upload's; "" without one.
        file_name: As the client calls it; "" without an upload.
        expected: The bytes that the row says; None: none.
        held: The bytes in the store; None: there is no file.
    """

    kind: Kind
    name: str
    state: str
    file_name: str
    expected: int | None
    held: int | None


def reconcile(on_row: Callable[[], None] = lambda: None) -> tuple[Inventory, list[Difference]]:
    """Compares all rows with all files; changes nothing.

    Args:
        on_row: Called for each row.

    Raises:
        Unavailable: The store is unavailable, or belongs to another database.
        OSError: The store can't be read.
    """
    problem = identity_problem(join=False)
    if problem is not None:
        raise Unavailable(str(problem))
    found = take_inventory(on_row=on_row)
    return found, list(differences_in(found))


def differences_in(found: Inventory) -> Iterator[Difference]:
    """All differences, those of uploads first."""
    for upload in found.missing:
        one = of_upload(Kind.MISSING, upload)
        yield one if one.held is None else replace(one, kind=Kind.SHORTER)
    for kind, uploads in (
        (Kind.LONGER, found.longer),
        (Kind.RETURNED, found.whole_again),
        (Kind.LEFTOVER, found.leftovers),
    ):
        yield from (of_upload(kind, upload) for upload in uploads)
    yield from of_files(Kind.ORPHAN, found.orphans)
    yield from of_files(Kind.YOUNG, found.young)


def of_upload(kind: Kind, upload: Upload) -> Difference:
    now = verify(upload)
    return Difference(kind, upload.id.hex, upload.state, upload.file_name, now.expected, now.held)


def of_files(kind: Kind, entries: Iterable[Entry]) -> Iterator[Difference]:
    for entry in entries:
        held = None if entry.is_rest else entry.size
        yield Difference(kind, entry.name, "", "", None, held)


def mend(mark_lost: bool, confirmed: int | None) -> CleanupRun:
    """Mends differences as a cleanup does, after a new comparison; leaves a `CleanupRun`.

    Args:
        mark_lost: Make rows say what is held, see `note_losses`.
        confirmed: Orphans that staff agreed to remove; None: leave them, and what is left of ended
            uploads.
    """

    def compare(run: CleanupRun) -> None:
        inventory = take_inventory()
        if mark_lost:
            note_losses(run, inventory)
        if confirmed is not None:
            remove_orphans(run, inventory, confirmed)

    def plan(run: CleanupRun) -> list[Step]:
        if not may_compare(run):
            return []
        return [compare] if confirmed is None else [remove_leftovers, compare]

    return perform(CleanupRun(trigger=CleanupRun.Trigger.COMMAND), plan)
