"""Imports every module of the project in a process without the modules of POSIX.

`python -m tests.site.without_posix`: prints the modules that it imported. `sys.platform` stays as
it is, except for the one module that uses it to choose: that sees Windows, and a fake `msvcrt`.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import types

ABSENT = ("fcntl", "resource", "pwd", "grp", "termios", "gevent", "gunicorn")
PACKAGES = ("uploads", "transcription", "whisperx_site")
# What is never imported on Windows, and why.
POSIX_ONLY = {
    "whisperx_site.serving.gunicorn_errors": "gunicorn is POSIX only",
    "whisperx_site.serving.gunicorn_request": "gunicorn is POSIX only",
    "whisperx_site.serving.gunicorn_settings": "gunicorn is POSIX only",
    "whisperx_site.serving.gunicorn_worker": "gunicorn is POSIX only",
    "whisperx_site.serving.sqlite_waiting": "waits as gunicorn's gevent worker must",
}
CHOOSES_BY_PLATFORM = "uploads.stores.locking"


def import_locking_as_on_windows() -> types.ModuleType:
    """The module as Windows would see it."""
    taken: list[tuple[int, int]] = []
    fake = types.ModuleType("msvcrt")
    fake.__dict__.update(
        LK_LOCK=1,
        LK_UNLCK=0,
        taken=taken,
        locking=lambda fd, mode, size: taken.append((mode, size)),
    )
    sys.modules["msvcrt"] = fake
    real = sys.platform
    sys.platform = "win32"
    try:
        module = importlib.import_module(CHOOSES_BY_PLATFORM)
    finally:
        sys.platform = real
        del sys.modules["msvcrt"]  # other modules would take it for the real one
    with open(os.devnull, "rb") as file, module.locked(file.fileno()):
        assert taken == [(1, 1)]
    assert taken == [(1, 1), (0, 1)], taken
    return module


def main() -> None:
    """Import all."""
    importlib.import_module("psutil")  # its part for this system may import `resource`
    assert not {"gevent", "gunicorn"} & set(sys.modules)
    for name in ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]
    import_locking_as_on_windows()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")
    import django

    django.setup()
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(path, f"{package}."):
            if found.name not in POSIX_ONLY:
                importlib.import_module(found.name)
                print(found.name)


if __name__ == "__main__":
    main()
