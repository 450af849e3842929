"""The site's store, by the class name in UPLOADS_STORE. A new store is one new module."""

from functools import lru_cache

from django.utils.module_loading import import_string

from uploads.conf import conf
from uploads.stores.base import Store


@lru_cache(maxsize=8)
def _make(class_name: str, directory: str, durable: bool) -> Store:
    made: Store = import_string(class_name)(directory, durable)
    return made


def store() -> Store:
    return _make(conf.UPLOADS_STORE, conf.UPLOADS_DIR, conf.UPLOADS_DURABILITY == "power")
