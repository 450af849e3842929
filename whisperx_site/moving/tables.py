"""The tables of all apps, with their columns' values as plain Python, for any database.

Columns are converted only by their database type, as Django's backends know it. A third party
field's own format (such as a pickle) is copied unchanged, and nothing is set to "now".
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from django.apps import apps
from django.db import connections, models
from django.db.models.expressions import Col

Row = tuple[Any, ...]
BATCH = 500


@dataclass(frozen=True)
class Json:
    """An existing JSON value: `Json(None)` is null, None is no value at all."""

    value: Any


def all_tables() -> list["Table"]:
    """All tables of concrete models, including many-to-many tables."""
    found = apps.get_models(include_auto_created=True)
    wanted = [model for model in found if model._meta.managed and not model._meta.proxy]
    return [Table(model) for model in sorted(wanted, key=lambda model: model._meta.db_table)]


class Table:
    def __init__(self, model: type[models.Model]) -> None:
        self.model = model
        self.name = model._meta.db_table
        self.fields = [field for field in model._meta.concrete_fields if not field.generated]
        assert model._meta.pk is not None
        self.key = self.fields.index(model._meta.pk)

    @cached_property
    def kinds(self) -> list["models.Field[Any, Any]"]:
        return [_kind_of(field) for field in self.fields]

    def rows(self, alias: str) -> Iterator[list[Row]]:
        connection = connections[alias]
        key = connection.ops.quote_name(str(self.fields[self.key].column))
        with connection.chunked_cursor() as cursor:
            cursor.execute(f"{self._select(alias)} ORDER BY {key}")
            while batch := cursor.fetchmany(BATCH):
                yield self._as_python(alias, batch)

    def rows_with(self, alias: str, keys: Sequence[Any]) -> list[Row]:
        connection = connections[alias]
        key = connection.ops.quote_name(str(self.fields[self.key].column))
        places = ", ".join(["%s"] * len(keys))
        bound = [self._for_database(alias, self.key, one) for one in keys]
        with connection.cursor() as cursor:
            cursor.execute(f"{self._select(alias)} WHERE {key} IN ({places})", bound)
            return self._as_python(alias, cursor.fetchall())

    def insert(self, alias: str, batch: Sequence[Row]) -> None:
        connection = connections[alias]
        places = ", ".join(["%s"] * len(self.fields))
        name = connection.ops.quote_name(self.name)
        statement = f"INSERT INTO {name} ({self._columns(alias)}) VALUES ({places})"
        bound = [
            [self._for_database(alias, index, value) for index, value in enumerate(row)]
            for row in batch
        ]
        with connection.cursor() as cursor:
            cursor.executemany(statement, bound)

    def count(self, alias: str) -> int:
        connection = connections[alias]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(self.name)}")
            found: int = cursor.fetchone()[0]
            return found

    def _columns(self, alias: str) -> str:
        quote = connections[alias].ops.quote_name
        return ", ".join(quote(str(field.column)) for field in self.fields)

    def _select(self, alias: str) -> str:
        name = connections[alias].ops.quote_name(self.name)
        return f"SELECT {self._columns(alias)} FROM {name}"

    def _as_python(self, alias: str, batch: Sequence[Row]) -> list[Row]:
        connection = connections[alias]
        converters = [
            _converters(Col(self.name, field, kind), connection)
            for field, kind in zip(self.fields, self.kinds, strict=True)
        ]
        return [
            tuple(
                _plain(kind, value, steps)
                for value, kind, steps in zip(row, self.kinds, converters, strict=True)
            )
            for row in batch
        ]

    def _for_database(self, alias: str, index: int, value: Any) -> Any:
        connection = connections[alias]
        if isinstance(value, Json):
            return connection.ops.adapt_json_value(value.value, None)
        return None if value is None else self.kinds[index].get_db_prep_save(value, connection)


def _kind_of(field: "models.Field[Any, Any]") -> "models.Field[Any, Any]":
    while field.remote_field:
        field = field.target_field  # type: ignore[attr-defined]
    if type(field).__module__.startswith("django."):
        return field
    plain: models.Field[Any, Any] = getattr(models, field.get_internal_type())()
    return plain


def _converters(column: Col, connection: Any) -> list[Callable[[Any], Any]]:
    """Converts the driver's values to plain ones; JSON stays text."""
    kind = column.output_field
    own = [] if isinstance(kind, models.JSONField) else kind.get_db_converters(connection)
    both = [*connection.ops.get_db_converters(column), *own]
    return [partial(_convert, one, column, connection) for one in both]


def _convert(converter: Any, column: Col, connection: Any, value: Any) -> Any:
    return converter(value, column, connection)


def _plain(kind: Any, value: Any, converters: list[Callable[[Any], Any]]) -> Any:
    if value is None:
        return None
    for convert in converters:
        value = convert(value)
    if isinstance(kind, models.JSONField):
        return Json(json.loads(value) if isinstance(value, str | bytes) else value)
    return bytes(value) if isinstance(value, memoryview) else value
