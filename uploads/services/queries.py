"""The few SQL statements of every protocol request, built once from the model.

The ORM takes five to eighteen times as long to build these queries as the database takes to run
them, so the hot path builds each statement once per database and then only binds values. Everything
else uses the ORM.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from django.db import connections, router
from django.db.models import DateTimeField, Field, UUIDField

from uploads.models import Upload

Converter = Callable[[Any, Any, Any], Any]
FIELDS: dict[str, "Field[Any, Any]"] = {
    field.attname: field for field in Upload._meta.concrete_fields
}
# Not read by any request; Django loads a missing column when it is accessed.
DEFERRED = {"offset", "created", "last_activity", "client_address", "client_agent", "requests"}
DEFERRED |= {"interruptions", "has_bytes", "final_key"}
READ = [name for name in FIELDS if name != "id" and name not in DEFERRED]
READ_WITH_ID = {"id", *READ}

# Offsets only grow, so a superseded request changes nothing that matters.
NOTE = """
    UPDATE {table} SET
        {offset} = CASE WHEN {offset} < %(offset)s THEN %(offset)s ELSE {offset} END,
        {last_activity} = %(last_activity)s, {expires} = %(expires)s,
        {header_checked} = %(header_checked)s,
        {requests} = {requests} + %(requests)s,
        {interruptions} = {interruptions} + %(interruptions)s,
        {failure} = CASE WHEN %(failure)s = '' THEN {failure} ELSE %(failure)s END,
        {timeline} = CASE WHEN {offset} > %(offset)s THEN {timeline} ELSE %(timeline)s END
    WHERE {id} = %(id)s AND {state} = 'receiving'
"""
FINISH = """
    UPDATE {table} SET
        {state} = 'finished', {offset} = %(offset)s, {header_checked} = %(header_checked)s,
        {finished} = %(finished)s, {last_activity} = %(finished)s, {expires} = %(expires)s,
        {failure} = '', {notified_at} = %(notified_at)s, {timeline} = %(timeline)s,
        {requests} = {requests} + %(requests)s
    WHERE {id} = %(id)s AND {state} = 'receiving'
"""
MARK_NOTIFIED = "UPDATE {table} SET {notified_at} = %(notified_at)s WHERE {id} = %(id)s"


def fetch(upload_id: uuid.UUID) -> Upload | None:
    connection = connections[router.db_for_read(Upload)]
    with connection.cursor() as cursor:
        cursor.execute(_select(connection.alias), _bound(connection.alias, {"id": upload_id}))
        row = cursor.fetchone()
    if row is None:
        return None
    values = list(row)
    for index, converters, column in _converters(connection.alias):
        if values[index] is not None:
            for convert in converters:
                values[index] = convert(values[index], column, connection)
    return Upload.from_db(connection.alias, READ_WITH_ID, [upload_id, *values])


def release_connection() -> None:
    """Returns the database connection before something slow.

    SQLite's stays open: nothing waits for it, and reopening costs more, unless the backend pools
    it.
    """
    connection = connections[router.db_for_write(Upload)]
    if connection.in_atomic_block:
        return
    if connection.vendor == "sqlite":
        connection.close_if_unusable_or_obsolete()
    else:
        connection.close()


def insert(upload: Upload) -> None:
    connection = connections[router.db_for_write(Upload)]
    values = {name: getattr(upload, name) for name in FIELDS}
    with connection.cursor() as cursor:
        cursor.execute(_insert(connection.alias), _bound(connection.alias, values))


def record_progress(
    upload: Upload,
    offset: int,
    now: datetime,
    expires: datetime,
    header_checked: bool,
    timeline: str = "",
    requests: int = 0,
    interruptions: int = 0,
    failure: str = "",
) -> bool:
    """Updates the row with what has arrived, if the upload is still being received.

    Args:
        upload: Its id.
        offset: Bytes held; a smaller value than before changes nothing.
        now: The time of this activity.
        expires: The new expiration time.
        header_checked: Whether the first bytes were checked.
        timeline: With this request.
        requests: Added to its number of requests.
        interruptions: Added to its number of cut requests.
        failure: What went wrong; empty: nothing.
    """
    values = {"offset": offset, "last_activity": now, "expires": expires, "failure": failure}
    counts = {"requests": requests, "interruptions": interruptions}
    more = {"header_checked": header_checked, "timeline": timeline}
    return _change(NOTE, upload, {**values, **counts, **more})


def finish(
    upload: Upload,
    now: datetime,
    expires: datetime | None,
    notified_at: datetime | None,
    requests: int = 0,
) -> bool:
    """Changes the state from received to finished.

    Args:
        upload: Its id, length and timeline.
        now: The current time.
        expires: A part's expiration time; None for other uploads.
        notified_at: The current time if no notification is needed, else None.
        requests: Added to its number of requests.

    Returns:
        True for the one caller that changed it.
    """
    values = {
        "finished": now,
        "offset": upload.length,
        "header_checked": True,
        "requests": requests,
        "timeline": upload.timeline,
    }
    return _change(FINISH, upload, {**values, "expires": expires, "notified_at": notified_at})


def mark_notified(upload: Upload, now: datetime) -> bool:
    """Records that the site was notified of the finished upload."""
    return _change(MARK_NOTIFIED, upload, {"notified_at": now})


def _change(statement: str, upload: Upload, values: Mapping[str, Any]) -> bool:
    connection = connections[router.db_for_write(Upload)]
    bound = _bound(connection.alias, {**values, "id": upload.pk})
    with connection.cursor() as cursor:
        cursor.execute(_written(statement, connection.alias), bound)
        return bool(cursor.rowcount)


def _bound(alias: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name, as the database driver accepts them; most need no change."""
    adapters = _adapters(alias)
    return {
        name: value if value is None or name not in adapters else adapters[name](value)
        for name, value in values.items()
    }


@cache
def _adapters(alias: str) -> dict[str, Callable[[Any], Any]]:
    """Functions that turn a field's value into one for the driver, without form validation."""
    connection = connections[alias]
    # A statement may have the same time several times; this caches the converted values.
    moments = lru_cache(maxsize=4)(connection.ops.adapt_datetimefield_value)
    adapters: dict[str, Callable[[Any], Any]] = {}
    for name, field in FIELDS.items():
        if isinstance(field, DateTimeField):
            adapters[name] = moments
        elif isinstance(field, UUIDField) and not connection.features.has_native_uuid_field:
            adapters[name] = attrgetter("hex")
    return adapters


@cache
def _written(statement: str, alias: str) -> str:
    """The statement with quoted names of the table and its columns."""
    quoted = connections[alias].ops.quote_name
    names = {name: quoted(str(field.column)) for name, field in FIELDS.items()}
    return statement.format(table=quoted(Upload._meta.db_table), **names)


@cache
def _insert(alias: str) -> str:
    columns = ", ".join(f"{{{name}}}" for name in FIELDS)
    places = ", ".join(f"%({name})s" for name in FIELDS)
    return _written(f"INSERT INTO {{table}} ({columns}) VALUES ({places})", alias)


@cache
def _select(alias: str) -> str:
    columns = ", ".join(f"{{{name}}}" for name in READ)
    return _written(f"SELECT {columns} FROM {{table}} WHERE {{id}} = %(id)s", alias)


@cache
def _converters(alias: str) -> list[tuple[int, list[Converter], Any]]:
    """Functions that turn column values into field values, where needed."""
    connection = connections[alias]
    found = []
    for index, name in enumerate(READ):
        field = FIELDS[name]
        column = field.get_col(Upload._meta.db_table)
        converters = connection.ops.get_db_converters(column) + field.get_db_converters(connection)
        if converters:
            found.append((index, converters, column))
    return found
