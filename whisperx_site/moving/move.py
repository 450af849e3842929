"""Moves a database to another one: all or nothing, with every row compared.

Everything is written in one transaction of the target, so an interrupted move can be repeated. The
upload store moves along: afterwards it belongs to the target only, and the cleanup of the old
database, started again by mistake, removes nothing.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from uploads.models import StoreIdentity
from uploads.services.maintenance.store_identity import join_store, part_store
from whisperx_site.moving.cleaning import storable
from whisperx_site.moving.tables import Row, Table, all_tables

# `migrate` fills these.
MADE_BY_MIGRATE = {"django_content_type", "auth_permission"}
Tell = Callable[[str], None]


class CannotMove(Exception):
    """The move was not done; the message says why and what to do."""


def move(source: str, target: str, replace: bool, tell: Tell) -> int:
    """Copies and compares all rows, and joins the upload store to the target.

    Args:
        source: The alias of a database with all tables, joined with the store.
        target: The alias of another database.
        replace: Whether existing rows may be deleted.
        tell: Called with progress messages, line by line.

    Returns:
        The number of rows in the target.

    Raises:
        CannotMove: See its message; the store still belongs to the source.
    """
    tables = all_tables()
    refuse_foreign_tables(target, tables)
    tell("Creating the tables …")
    call_command("migrate", database=target, interactive=False, verbosity=0)
    refuse_rows(source, target, tables, replace)
    for name in unknown_tables(source, tables):
        tell(f"Not copied: the table {name}, which this site doesn't know.")
    with unchanging(source, tables), transaction.atomic(using=target):
        empty(target, tables)
        moved = sum(copy(table, source, target, tell) for table in tables)
        tell("Comparing all rows …")
        for table in tables:
            compare(table, source, target)
        connections[target].check_constraints()
        reset_sequences(target, tables)
        part_store(using=target, moved_from=identity_of(source))
    try:
        join_store(using=target)
    except OSError as fault:
        raise CannotMove(
            "All rows are copied, but the upload store can't be joined to the new database: "
            f"{fault}. Fix that, and run the same command again."
        ) from fault
    return moved


def refuse_foreign_tables(target: str, tables: list[Table]) -> None:
    """Refuses a database that another program uses."""
    names = unknown_tables(target, tables)
    if names:
        raise CannotMove(
            f"The target has tables of another program ({', '.join(names[:5])}). "
            "Create a database for this site alone."
        )


def unknown_tables(alias: str, tables: list[Table]) -> list[str]:
    known = {table.name for table in tables} | {MigrationRecorder.Migration._meta.db_table}
    with connections[alias].cursor() as cursor:
        found = connections[alias].introspection.table_names(cursor)
    return sorted(set(found) - known)


def identity_of(alias: str) -> uuid.UUID | None:
    """The identity that the database expects in the store."""
    return StoreIdentity.objects.using(alias).values_list("identity", flat=True).first()


def refuse_rows(source: str, target: str, tables: list[Table], replace: bool) -> None:
    """Existing rows are only deleted with --replace, or if this move was interrupted before."""
    theirs = StoreIdentity.objects.using(target).filter(joined=False, previous__isnull=False)
    if replace or theirs.filter(previous=identity_of(source)).exists():
        return
    counts = {table.name: table.count(target) for table in tables}
    filled = {name: rows for name, rows in counts.items() if rows and name not in MADE_BY_MIGRATE}
    if filled:
        listed = ", ".join(f"{name}: {rows}" for name, rows in list(filled.items())[:8])
        raise CannotMove(
            f"The target is not empty ({listed}). Name another database, or use --replace "
            "to delete its content."
        )


@contextmanager
def unchanging(source: str, tables: list[Table]) -> Iterator[None]:
    """Keeps the source unchanged: all reads see one moment, and writers wait."""
    connection = connections[source]
    with transaction.atomic(using=source):  # SQLite: IMMEDIATE, which blocks writers
        if connection.vendor == "postgresql":
            names = ", ".join(connection.ops.quote_name(table.name) for table in tables)
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {names} IN SHARE MODE")
        yield


def empty(target: str, tables: list[Table]) -> None:
    """Deletes all rows, including those that `migrate` created."""
    connection = connections[target]
    names = [table.name for table in tables]
    for statement in connection.ops.sql_flush(no_style(), names, allow_cascade=False):
        with connection.cursor() as cursor:
            cursor.execute(statement)


def copy(table: Table, source: str, target: str, tell: Tell) -> int:
    """Copies one table; returns the number of rows."""
    done = 0
    for batch in table.rows(source):
        fitting = [fitted(table, row, target, tell) for row in batch]
        try:
            with transaction.atomic(using=target):
                table.insert(target, fitting)
        except DatabaseError as problem:
            raise culprit(table, target, fitting, problem) from problem
        done += len(batch)
    tell(f"{table.name}: {done} rows")
    return done


def fitted(table: Table, row: Row, target: str, tell: Tell | None = None) -> Row:
    """The row as the target can store it; changes are reported."""
    if connections[target].vendor != "postgresql":
        return row
    kept = tuple(storable(value) for value in row)
    if kept != row and tell is not None:
        changed = [
            str(field.column)
            for field, old, new in zip(table.fields, row, kept, strict=True)
            if old != new
        ]
        tell(
            f"{table.name} {row[table.key]}: characters that PostgreSQL can't store were replaced "
            f"by U+FFFD in {', '.join(changed)}"
        )
    return kept


def culprit(table: Table, target: str, batch: list[Row], problem: DatabaseError) -> CannotMove:
    """The row of a batch that the target refuses."""
    for row in batch:
        try:
            with transaction.atomic(using=target):
                table.insert(target, [row])
        except DatabaseError as fault:
            return CannotMove(f"{table.name} {row[table.key]} can't be moved: {fault}".strip())
    return CannotMove(f"{table.name} can't be moved: {problem}".strip())


def compare(table: Table, source: str, target: str) -> None:
    """Checks that each row arrived with all its values, and that there are no others."""
    expected = 0
    for batch in table.rows(source):
        expected += len(batch)
        wanted = {row[table.key]: fitted(table, row, target) for row in batch}
        found = {row[table.key]: row for row in table.rows_with(target, list(wanted))}
        for key, row in wanted.items():
            if key not in found:
                raise CannotMove(f"{table.name} {key} is missing in the target. Nothing was moved.")
            for field, old, new in zip(table.fields, row, found[key], strict=True):
                if old != new and not (_is_no_number(old) and _is_no_number(new)):
                    raise CannotMove(
                        f"{table.name} {key} arrived with another {field.column}. "
                        "Nothing was moved."
                    )
    if table.count(target) != expected:
        raise CannotMove(f"{table.name} has more rows than before. Nothing was moved.")


def _is_no_number(value: Any) -> bool:
    return isinstance(value, float) and value != value


def reset_sequences(target: str, tables: list[Table]) -> None:
    """Sets the sequences so that new rows get unused numbers."""
    connection = connections[target]
    models = [table.model for table in tables]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
