"""Compares rows and files: orphaned files, and uploads whose bytes are lost."""

import itertools
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone

from uploads.cooperative import Pacer
from uploads.models import State, Upload
from uploads.services.maintenance.verification import Verification, expected_bytes, verify
from uploads.stores.base import Entry
from uploads.stores.registry import store

# A file without a row is removed only when it is this old:
ORPHAN_GRACE = timedelta(hours=1)
# a younger one may belong to a request that is about to create its row or remove the file.
GRACE = timedelta(minutes=2)
KEPT_ABOVE = 10
"""Up to this many orphans need no confirmation, however few files there are."""
KEPT_ABOVE_SHARE = 0.05
"""Up to this share of all files needs no confirmation, however many orphans that is."""
ROWS_AT_ONCE = 5_000
DIGITS = "0123456789abcdef"
OURS = re.compile(f"[{DIGITS}]{{32}}")


class Facts(NamedTuple):
    """What the comparison reads of a row."""

    key: uuid.UUID
    state: str
    length: int | None
    offset: int
    lost: datetime | None

    @property
    def expected(self) -> int | None:
        return expected_bytes(self.state, self.length, self.offset)


@dataclass
class Inventory:
    """The result of the comparison.

    Attributes:
        files: Files in the store.
        uploads: Uploads that have not ended.
        orphans: Files that belong to no upload and are old enough to be removed.
        young: Those that are too young to be removed.
        missing: Finished or inactive uploads that lost bytes and are not marked as lost yet.
        whole_again: Uploads marked as lost whose bytes are all there again.
        longer: Uploads with more bytes than their length.
        leftovers: Ended uploads whose bytes are still there.
    """

    files: int = 0
    uploads: int = 0
    orphans: list[Entry] = field(default_factory=list)
    young: list[Entry] = field(default_factory=list)
    missing: list[Upload] = field(default_factory=list)
    whole_again: list[Upload] = field(default_factory=list)
    longer: list[Upload] = field(default_factory=list)
    leftovers: list[Upload] = field(default_factory=list)

    @property
    def orphan_bytes(self) -> int:
        return sum(entry.size for entry in self.orphans)

    @property
    def unknown(self) -> int:
        """Files that belong to no upload."""
        return len(self.orphans) + len(self.young)

    @property
    def unknown_bytes(self) -> int:
        return self.orphan_bytes + sum(entry.size for entry in self.young)

    def orphans_need_consent(self, were_kept: bool) -> bool:
        """Whether there are too many orphans to be the result of a crash.

        Young files count, too: after a restore they become old enough one by one.

        Args:
            were_kept: Whether orphans wait for consent already; they wait however the site grows.
        """
        share = 0 if were_kept else KEPT_ABOVE_SHARE * self.files
        return self.unknown > max(KEPT_ABOVE, share)


def take_inventory(is_own: bool = True, on_row: Callable[[], None] = lambda: None) -> Inventory:
    """Compares all rows with all files, some thousands at a time.

    Args:
        is_own: Whether the store belongs to this database; otherwise nothing else changes either.
        on_row: Called for each row.

    Raises:
        OSError: This database's store is unavailable.
    """
    at_rest = (timezone.now() - GRACE).timestamp()
    oldest = (timezone.now() - ORPHAN_GRACE).timestamp()
    found = Inventory()
    for facts, entry in pairs():
        found.files += entry is not None
        if facts is not None:
            _compare(facts, entry, found, is_own)
            on_row()
        elif entry is not None and entry.changed < at_rest:
            (found.orphans if entry.changed < oldest else found.young).append(entry)
    found.orphans.sort(key=lambda entry: entry.name)
    return found


def verify_all() -> Iterator[tuple[uuid.UUID, Verification]]:
    """Verifies all uploads that have not ended; looks closer only where the file list differs.

    Raises:
        OSError: The store can't be read.
    """
    for facts, entry in pairs():
        if facts is None or facts.expected is None:
            continue
        found = Verification(facts.expected, entry.size if entry else None)
        if not found.is_good:
            upload = Upload.objects.filter(pk=facts.key, has_bytes=True).first()
            if upload is None:
                continue
            found = verify(upload)
        yield facts.key, found


def pairs() -> Iterator[tuple[Facts | None, Entry | None]]:
    """Each row that may have bytes with its file, and each file without such a row."""
    let_others_in_at_times = Pacer()
    for start in _starts():
        held = {}
        for found in store().entries(start):
            if OURS.fullmatch(found.name):
                held[found.name] = found
            let_others_in_at_times()
        for values in _rows(start).values_list("pk", "state", "length", "offset", "lost"):
            facts = Facts(*values)
            entry = held.pop(facts.key.hex, None)
            yield facts, None if entry is None or entry.is_rest else entry
            let_others_in_at_times()
        for unknown in held.values():
            yield None, unknown


def _starts() -> list[str]:
    """Name prefixes that split the store into parts."""
    count = Upload.objects.filter(has_bytes=True).count()
    digits = sum(count > ROWS_AT_ONCE * 16**power for power in range(2))
    return ["".join(start) for start in itertools.product(DIGITS, repeat=digits)]


def _rows(start: str) -> "QuerySet[Upload]":
    first, last = (uuid.UUID(hex=start.ljust(32, digit)) for digit in "0f")
    return Upload.objects.filter(has_bytes=True, pk__gte=first, pk__lte=last).order_by()


def _compare(facts: Facts, entry: Entry | None, found: Inventory, is_own: bool) -> None:
    key, expected = facts.key, facts.expected
    if expected is None:
        if entry is not None:
            found.leftovers += Upload.objects.filter(quiet(), pk=key, has_bytes=True)
        return
    found.uploads += 1
    if entry is not None and entry.size >= expected:
        if facts.lost:
            found.whole_again += Upload.objects.filter(pk=key)
        if facts.length is not None and entry.size > facts.length and _is_longer(key):
            found.longer += Upload.objects.filter(pk=key)
    elif not is_own or (not facts.lost and _is_missing(key)):  # else it is marked already
        found.missing += Upload.objects.filter(pk=key)


def quiet() -> Q:
    """The uploads that no request is about to change."""
    return Q(state=State.FINISHED) | Q(last_activity__lt=timezone.now() - GRACE)


def _is_missing(key: uuid.UUID) -> bool:
    """A closer look: the upload may be newer than the file list, or a request may be writing."""
    upload = Upload.objects.filter(quiet(), pk=key, has_bytes=True).first()
    return upload is not None and not verify(upload).is_good


def _is_longer(key: uuid.UUID) -> bool:
    """The same: a file list also counts bytes that a writer may still withdraw."""
    upload = Upload.objects.filter(quiet(), pk=key, has_bytes=True).first()
    if upload is None or upload.length is None:
        return False
    return (verify(upload).held or 0) > upload.length
