"""Going through many rows without holding anything open in between."""

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)

BATCH = 500


def in_batches(rows: "QuerySet[Row]", size: int = BATCH) -> Iterator[Row]:
    """All rows of a query by their key, read `size` at a time.

    Unlike `iterator()` no cursor lives on from one row to the next. Behind PgBouncer in transaction
    mode it would not be found again, and SQLite's log could not be emptied meanwhile. Rows may be
    changed and removed on the way; one that is added meanwhile may be missed.
    """
    for batch in batches_of(rows, size):
        yield from batch


def batches_of(rows: "QuerySet[Row]", size: int = BATCH) -> Iterator[list[Row]]:
    """The same, batch by batch: for changes of many rows, each batch a transaction of its own."""
    ordered = rows.order_by("pk")
    batch = list(ordered[:size])
    while batch:
        yield batch
        batch = list(ordered.filter(pk__gt=batch[-1].pk)[:size])
