"""Rows and files side by side: what the store holds that nobody knows, and what it has lost."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from uploads.models import State, Upload
from uploads.services.batches import in_batches
from uploads.stores.base import Entry, Missing
from uploads.stores.registry import store

# A file without a row may be that of a request at work.
ORPHAN_GRACE = timedelta(hours=1)
# An upload with activity may be that of a request at work, which takes back or finishes.
GRACE = timedelta(minutes=2)
KEPT_ABOVE = 10
"""So many orphans go without a word, however few files there are."""
KEPT_ABOVE_SHARE = 0.05
"""Such a share of all files goes without a word, however many that are."""
STARTS = [f"{number:02x}" for number in range(256)]


@dataclass
class Inventory:
    """What was found.

    Attributes:
        files: How many files the store holds.
        orphans: Files that belong to no upload, old enough to be no request's.
        missing: Uploads, finished or quiet, of whose bytes some are gone.
        whole_again: Uploads noted as lost whose bytes are all there.
    """

    files: int = 0
    orphans: list[Entry] = field(default_factory=list)
    missing: list[Upload] = field(default_factory=list)
    whole_again: list[Upload] = field(default_factory=list)

    @property
    def orphan_bytes(self) -> int:
        """Bytes of the orphans."""
        return sum(entry.size for entry in self.orphans)

    def orphans_need_consent(self, confirmed: int = 0) -> bool:
        """Whether so many orphans are rather a fault than the rest of a crash.

        Args:
            confirmed: How many staff agreed to lose.
        """
        count = len(self.orphans)
        return count > max(KEPT_ABOVE, KEPT_ABOVE_SHARE * self.files, confirmed)


def take_inventory(is_own: bool = True) -> Inventory:
    """Compare all rows with all files, a 256th of them at a time.

    Args:
        is_own: Whether the store is this database's; else both are at rest, if it is there at all.

    Raises:
        OSError: The own store is out of reach.
    """
    oldest = (timezone.now() - ORPHAN_GRACE).timestamp()
    found = Inventory()
    for start in STARTS:
        held = {entry.name: entry for entry in store().entries(start) if _is_ours(entry.name)}
        found.files += len(held)
        known = set()
        for upload in _rows(start):
            known.add(upload.id.hex)
            _compare(upload, held.get(upload.id.hex), found, is_own)
        found.orphans += [
            entry for name, entry in held.items() if name not in known and entry.changed < oldest
        ]
    found.orphans.sort(key=lambda entry: entry.name)
    return found


def _rows(start: str) -> Iterator[Upload]:
    first, last = (uuid.UUID(hex=start + digit * 30) for digit in "0f")
    known = Upload.objects.filter(has_bytes=True, pk__gte=first, pk__lte=last)
    fields = ("state", "length", "offset", "last_activity", "file_name", "concat", "lost")
    yield from in_batches(known.only(*fields))


def _compare(upload: Upload, entry: Entry | None, found: Inventory, is_own: bool) -> None:
    if upload.state == State.FINISHED:
        is_whole = entry is not None and entry.size >= (upload.length or 0)
    elif upload.state == State.RECEIVING and upload.last_activity < timezone.now() - GRACE:
        is_whole = entry is not None and entry.size >= upload.offset
    else:
        return
    if not is_whole:
        if not is_own or not _is_whole_by_now(upload):  # it may be younger than the look at files
            found.missing.append(upload)
    elif upload.lost:
        found.whole_again.append(upload)


def _is_whole_by_now(upload: Upload) -> bool:
    expected = (upload.length or 0) if upload.state == State.FINISHED else upload.offset
    try:
        return store().held(upload.id.hex) >= expected
    except Missing:
        return False


def _is_ours(name: str) -> bool:
    try:
        return uuid.UUID(hex=name).hex == name
    except ValueError:
        return False
