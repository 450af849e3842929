"""The settings of `uploads`: each declared once, with kind, default and help.

Values are read late, from Django's settings, and then remembered, as a request asks for some twenty
of them and Django takes its time with each. Tests may override them at any time: Django tells.
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
        default: Its value where nobody sets it.
        help: One sentence for the README's table and `manage.py doctor`.
        old_name: What it was called in the release before; still read, with a warning.
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
    """A setting has changed, or is what it was again."""
    for instance in remembering:
        instance.__dict__.pop(setting, None)


setting_changed.connect(forget, dispatch_uid="uploads.conf")


def declared(owner: type) -> list[Option[Any]]:
    """The options declared in the class `owner`, in order."""
    return [option for option in vars(owner).values() if isinstance(option, Option)]


class UploadsConf:
    """What can be set about uploads."""

    UPLOADS_DIR = Option("path", "uploads", "Where the bytes lie; relative to DATA_DIR.")
    UPLOADS_STORE = Option(
        "text", "uploads.stores.disk.DiskStore", "The class that keeps the bytes."
    )
    UPLOADS_HOOKS = Option(
        "text", "uploads.hooks.Hooks", "The class that judges uploads for the site."
    )
    UPLOADS_ACCEPT = Option(
        "text",
        "any",
        "`media`: only audio and video is taken. `any`: everything is stored.",
    )
    UPLOADS_MAX_SIZE = Option("bytes", 5 * 1024**3, "The longest upload (Tus-Max-Size).")
    UPLOADS_MIN_FREE_SPACE = Option(
        "bytes",
        1024**3,
        "Free disk that an upload must leave; else it is refused with 507.",
        old_name="UPLOADS_SPARE_DISK",
    )
    UPLOADS_EXPIRE_AFTER = Option(
        "seconds", 24 * 3600, "An unfinished upload expires after so long without activity."
    )
    UPLOADS_RECORD_RETENTION = Option(
        "seconds",
        30 * 86400,
        "How long the rows of ended uploads and of cleanup runs are kept.",
        old_name="UPLOADS_KEEP_RECORDS",
    )
    UPLOADS_MAX_OPEN = Option(
        "count",
        5000,
        "Uploads without a byte that one owner may have open at once; the next is 429.",
    )
    UPLOADS_IDLE_TIMEOUT = Option(
        "seconds",
        120,
        "A request body that brings no byte for so long is ended, keeping its bytes.",
    )
    UPLOADS_DURABILITY = Option(
        "text",
        "process",
        "`process`: acknowledged bytes survive the death of any process. `power`: of the machine.",
    )


conf = UploadsConf()
