"""The settings of `uploads`: each declared once, with kind, default and help.

A new setting is one `Option`, here or in a class of another app or of the site. A site can derive
its environment variables and documentation from the declarations.

Values are read late, from Django's settings, and then cached, because a request reads some twenty
of them and Django is slow at that. The cache follows tests that override settings.
"""

from typing import Any, Generic, TypeVar, overload

from django.conf import settings
from django.core.signals import setting_changed

T = TypeVar("T")


class Option(Generic[T]):
    """One setting.

    Args:
        kind: How its text in the environment is read: `text`, `flag`, `number`, `seconds`,
            `bytes`, `list`, `map` or `path`.
        default: Its value if it is not set.
        help: One sentence for documentation.
        old_name: Its name in the previous release; still read, with a warning.
    """

    def __init__(self, kind: str, default: T, help: str, old_name: str = "") -> None:
        self.kind = kind
        self.default = default
        self.help = help
        self.old_name = old_name
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Option[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "T | Option[T]":
        if instance is None:
            return self
        default = getattr(settings, self.old_name, self.default) if self.old_name else self.default
        value: T = getattr(settings, self.name, default)
        instance.__dict__[self.name] = value  # found before this descriptor from now on
        remembering.add(instance)
        return value


remembering: set[object] = set()


def forget(*, setting: str, **unused: Any) -> None:
    """Drops a cached value: Django sends this when a test changes or restores a setting."""
    for instance in remembering:
        instance.__dict__.pop(setting, None)


setting_changed.connect(forget, dispatch_uid="uploads.conf")


def declared(owner: type) -> list[Option[Any]]:
    """The options declared in the class `owner`, in order."""
    return [option for option in vars(owner).values() if isinstance(option, Option)]


class UploadsConf:
    """The settings of `uploads`."""

    UPLOADS_DIR = Option("path", "", "The folder for uploaded files.")
    UPLOADS_STORE = Option(
        "text", "uploads.stores.disk.DiskStore", "The class that stores uploaded files."
    )
    UPLOADS_HOOKS = Option(
        "text", "uploads.hooks.Hooks", "The class that accepts or refuses uploads for the site."
    )
    UPLOADS_QUEUE = Option(
        "text",
        "",
        "The class that lets a queue run the cleanup; empty: run `manage.py cleanup_uploads`.",
    )
    UPLOADS_ACCEPT = Option(
        "text",
        "any",
        "`media`: accept audio and video only. `any`: accept every file.",
    )
    UPLOADS_MAX_SIZE = Option("bytes", 5 * 1024**3, "The largest upload (Tus-Max-Size).")
    UPLOADS_MIN_FREE_SPACE = Option(
        "bytes",
        1024**3,
        "Free disk space to keep; an upload that would use it is refused (507).",
        old_name="UPLOADS_SPARE_DISK",
    )
    UPLOADS_EXPIRE_AFTER = Option(
        "seconds", 24 * 3600, "An unfinished upload expires after this time without activity."
    )
    UPLOADS_RECORD_RETENTION = Option(
        "seconds",
        30 * 86400,
        "How long to keep the records of ended uploads and cleanup runs.",
        old_name="UPLOADS_KEEP_RECORDS",
    )
    UPLOADS_ADDRESS_RETENTION = Option(
        "seconds", 30 * 86400, "How long to keep the network addresses of clients, for staff."
    )
    UPLOADS_MAX_OPEN = Option(
        "count",
        5000,
        "Open uploads without any bytes, per owner; one more is refused (429).",
    )
    UPLOADS_IDLE_TIMEOUT = Option(
        "seconds",
        120,
        "A request body that brings no bytes for this time is ended; its bytes are kept.",
    )
    UPLOADS_DURABILITY = Option(
        "text",
        "process",
        "Acknowledged bytes survive a crash of any process (`process`) or a power cut (`power`).",
    )


conf = UploadsConf()
