"""Iterating over many rows without keeping a cursor or transaction open."""

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)

BATCH = 500


def in_batches(rows: "QuerySet[Row]", size: int = BATCH) -> Iterator[Row]:
    """All rows of a query, ordered by primary key, read `size` at a time.

    Unlike `iterator()`, no cursor stays open between rows: behind PgBouncer in transaction mode it
    would be lost, and SQLite's log could not be emptied meanwhile. Rows may be changed and removed
    on the way; a row added meanwhile may be missed.
    """
    for batch in batches_of(rows, size):
        yield from batch


def batches_of(rows: "QuerySet[Row]", size: int = BATCH) -> Iterator[list[Row]]:
    """The same in lists, for changing many rows with a transaction for each batch."""
    ordered = rows.order_by("pk")
    batch = list(ordered[:size])
    while batch:
        yield batch
        batch = list(ordered.filter(pk__gt=batch[-1].pk)[:size])
