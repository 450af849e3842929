"""Compares rows and files: orphaned files, and uploads whose bytes are lost."""

import itertools
import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from uploads.cooperative import Pacer
from uploads.models import State, Upload
from uploads.stores.base import Entry, Missing
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


@dataclass
class Inventory:
    """The result of the comparison.

    Attributes:
        files: Files in the store.
        unknown: Files that belong to no upload, including those too young to be removed.
        unknown_bytes: Their bytes.
        orphans: Those old enough to be removed.
        missing: Finished or inactive uploads that lost bytes and are not marked as lost yet.
        whole_again: Uploads marked as lost whose bytes are all there again.
    """

    files: int = 0
    unknown: int = 0
    unknown_bytes: int = 0
    orphans: list[Entry] = field(default_factory=list)
    missing: list[Upload] = field(default_factory=list)
    whole_again: list[Upload] = field(default_factory=list)

    @property
    def orphan_bytes(self) -> int:
        return sum(entry.size for entry in self.orphans)

    def orphans_need_consent(self, were_kept: bool) -> bool:
        """Whether there are too many orphans to be the result of a crash.

        Young files count, too: after a restore they become old enough one by one.

        Args:
            were_kept: Whether orphans wait for consent already; they wait however the site grows.
        """
        share = 0 if were_kept else KEPT_ABOVE_SHARE * self.files
        return self.unknown > max(KEPT_ABOVE, share)


def take_inventory(is_own: bool = True) -> Inventory:
    """Compares all rows with all files, some thousands at a time.

    Args:
        is_own: Whether the store belongs to this database; otherwise nothing else changes either.

    Raises:
        OSError: This database's store is unavailable.
    """
    at_rest = (timezone.now() - GRACE).timestamp()
    oldest = (timezone.now() - ORPHAN_GRACE).timestamp()
    found = Inventory()
    let_others_in_at_times = Pacer()
    for start in _starts():
        entries = store().entries(start)
        held = {}
        for entry in entries:
            if OURS.fullmatch(entry.name):
                held[entry.name] = entry
            let_others_in_at_times()
        found.files += len(held)
        rows = _rows(start)
        for key, *facts in rows.values_list("pk", "state", "length", "offset", "lost"):
            _compare(key, facts, held.pop(key.hex, None), found, is_own)
            let_others_in_at_times()
        unknown = [entry for entry in held.values() if entry.changed < at_rest]
        found.unknown += len(unknown)
        found.unknown_bytes += sum(entry.size for entry in unknown)
        found.orphans += [entry for entry in unknown if entry.changed < oldest]
    found.orphans.sort(key=lambda entry: entry.name)
    return found


def _starts() -> list[str]:
    """Name prefixes that split the store into parts."""
    count = Upload.objects.filter(has_bytes=True).count()
    digits = sum(count > ROWS_AT_ONCE * 16**power for power in range(2))
    return ["".join(start) for start in itertools.product(DIGITS, repeat=digits)]


def _rows(start: str) -> "QuerySet[Upload]":
    first, last = (uuid.UUID(hex=start.ljust(32, digit)) for digit in "0f")
    return Upload.objects.filter(has_bytes=True, pk__gte=first, pk__lte=last).order_by()


def _compare(
    key: uuid.UUID, facts: list[Any], entry: Entry | None, found: Inventory, is_own: bool
) -> None:
    state, length, offset, lost = facts
    if state not in (State.FINISHED, State.RECEIVING):
        return
    expected = (length or 0) if state == State.FINISHED else offset
    if entry is not None and entry.size >= expected:
        if lost:
            found.whole_again += Upload.objects.filter(pk=key)
    elif not is_own or (not lost and _is_missing(key)):  # already marked: no closer look needed
        found.missing += Upload.objects.filter(pk=key)


def _is_missing(key: uuid.UUID) -> bool:
    """A closer look: the upload may be newer than the file list, or a request may be writing."""
    quiet = Q(state=State.FINISHED) | Q(last_activity__lt=timezone.now() - GRACE)
    upload = Upload.objects.filter(quiet, pk=key, has_bytes=True).first()
    if upload is None or upload.state not in (State.FINISHED, State.RECEIVING):
        return False
    expected = (upload.length or 0) if upload.state == State.FINISHED else upload.offset
    try:
        return store().held(key.hex) < expected
    except Missing:
        return True
