"""A database full of rows, for the tests that move it."""

from __future__ import annotations

import json
from typing import Any

from tests.running import Site

# Rows of every model of every app, with values that one database or the other might change.
FILL = r"""
import datetime, uuid
from django.apps import apps
from django.db import models, transaction
from django.db.models import Value
from uploads.models import StoreIdentity

COUNT, FIRST = 3, 1000
ODD = "\U0001f600 na\u00efve \u202e ' \" % \\ {} \n"

def key(model, n):
    field = model._meta.pk
    if field.remote_field:
        return key(field.related_model, n)
    if isinstance(field, models.UUIDField):
        return uuid.UUID(int=n << 64)
    return f"key{n}" if isinstance(field, models.CharField) else FIRST + n

def value(field, n):
    kind = field.get_internal_type()
    if field.primary_key:
        return key(field.model, n)
    if field.null and n == 1:
        return None
    if field.remote_field:
        return key(field.related_model, n)
    if type(field).__module__.startswith("picklefield"):
        return {"odd": ODD, "set": {n}, "when": datetime.datetime(2026, 1, 1)}
    if kind in ("CharField", "TextField", "SlugField", "EmailField", "FilePathField"):
        return (f"{n}{ODD}" * (20_000 if kind == "TextField" else 1))[: field.max_length]
    if kind == "JSONField":
        if n == 3:
            return Value(None, models.JSONField())
        return {"odd": [ODD, 2**60, 0.1, -0.5, None, True, {"b": []}], "n": n}
    if kind == "BooleanField":
        return n % 2 == 0
    if kind == "FloatField":
        return [1e308, 0.1 + 0.2, -1e-300][n - 1]
    if kind == "DateTimeField":
        return datetime.datetime(2026, 3, 29, 1, 59, 59, 999_998 + n % 2, datetime.UTC)
    if kind == "UUIDField":
        return uuid.UUID(int=2**128 - n)
    if kind in ("BigIntegerField", "PositiveBigIntegerField"):
        return 2**63 - n
    if kind in ("IntegerField", "PositiveIntegerField"):
        return 2**31 - n
    if kind in ("SmallIntegerField", "PositiveSmallIntegerField"):
        return 2**15 - n
    raise AssertionError(f"no value for {field} of kind {kind}")

with transaction.atomic():
    for model in apps.get_models(include_auto_created=True):
        if model is StoreIdentity or model._meta.proxy:
            continue
        fields = model._meta.concrete_fields
        model._base_manager.bulk_create(
            [
                model(**{field.attname: value(field, n) for field in fields})
                for n in range(1, COUNT + 1)
            ]
        )
"""
# All rows as Django reads them, and which JSON values are there, be they null. PostgreSQL keeps the
# names in JSON in an order of its own.
DUMP = r"""
import hashlib, json
from django.apps import apps
from django.db import models
found = {}
def plain(value):
    is_dict = isinstance(value, dict)
    return json.dumps(value, sort_keys=True, default=repr) if is_dict else value
for model in apps.get_models(include_auto_created=True):
    if model._meta.model_name == "storeidentity":
        continue
    names = [field.attname for field in model._meta.concrete_fields]
    rows = [[plain(one) for one in row] for row in model._base_manager.values_list(*names)]
    rows = sorted(map(repr, rows))
    for field in model._meta.concrete_fields:
        if isinstance(field, models.JSONField):
            there = model._base_manager.filter(**{f"{field.name}__isnull": False})
            rows.append(f"{field.name} is there {there.count()} times")
    digest = hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()
    found[model._meta.db_table] = [model._base_manager.count(), digest]
print(json.dumps(found))
"""
FILES = """
import uuid
from uploads.models import State, Upload
from uploads.services.maintenance.store_identity import store_problem
from uploads.stores.registry import store
assert store_problem() is None
for _ in range({count}):
    upload = Upload.objects.create(state=State.FINISHED, length=3)
    store().create(upload.id.hex)
    writing = store().acquire_writer(upload.id.hex, 0)
    writing.write(b"abc")
    writing.end()
"""
NEXT_USER = """
from django.contrib.auth.models import User
assert User.objects.create(username="the next one").pk > 1003
"""


def dump(site: Site, first: str = "") -> Any:
    """What is in the database, once this code has run."""
    return json.loads(site.shell(f"{first}\n{DUMP}"))


def files(site: Site) -> int:
    return len([name for name in site.data_dir.glob("uploads/??/*") if name.suffix != ".fence"])


def use(site: Site, url: str = "") -> None:
    """Let the site use this database; without one SQLite in DATA_DIR."""
    site.environment["DATABASE_URL"] = url
