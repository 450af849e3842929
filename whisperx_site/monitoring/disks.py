"""Disk space by what it is for."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection
from prometheus_client.core import GaugeMetricFamily, Metric

from transcription.conf import conf as transcription_conf
from uploads.conf import conf as uploads_conf
from whisperx_site.monitoring.slow_counts import A_MINUTE, kept
from whisperx_site.monitoring.uploads import stored_bytes

UPLOADS_KEPT = 10 * A_MINUTE
"""Adding up a million uploads takes a second."""


def collect() -> Iterator[Metric]:
    yield from file_systems()
    used = GaugeMetricFamily(
        "whisperx_disk_used_bytes",
        "Bytes on the disk, by what they are for: uploads, models, work (of running jobs), "
        "database.",
        labels=("kind",),
    )
    used.add_metric(("uploads",), kept("stored_bytes", UPLOADS_KEPT, stored_bytes))
    for kind, size in kept("folders", A_MINUTE, sizes).items():
        used.add_metric((kind,), size)
    yield used


def places() -> dict[str, Path]:
    return {
        "uploads": Path(uploads_conf.UPLOADS_DIR),
        "models": Path(transcription_conf.MODELS_DIR),
        "work": Path(transcription_conf.WORK_DIR),
        "data": Path(settings.DATA_DIR),
    }


def file_systems() -> Iterator[Metric]:
    """Size and free space of the file systems; one that is not mounted has neither."""
    size = GaugeMetricFamily(
        "whisperx_disk_size_bytes",
        "Size of the file system that holds it, by kind; data: the database, if it is SQLite.",
        labels=("kind",),
    )
    free = GaugeMetricFamily(
        "whisperx_disk_free_bytes", "Free space of that file system, by kind.", labels=("kind",)
    )
    for kind, place in places().items():
        with suppress(OSError):
            found = shutil.disk_usage(place)
            size.add_metric((kind,), found.total)
            free.add_metric((kind,), found.free)
    yield size
    yield free


def sizes() -> dict[str, int]:
    """Bytes of folders with few files, and of the database."""
    found = {kind: folder_size(places()[kind]) for kind in ("models", "work")}
    return {**found, "database": database_size()}


def folder_size(folder: Path) -> int:
    """All files in a folder; symbolic links count nothing."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # removed meanwhile
                size += os.lstat(os.path.join(parent, name)).st_size
    return size


def database_size() -> int:
    """The database, with SQLite's log."""
    if connection.vendor == "sqlite":
        path = str(connection.settings_dict["NAME"])
        files = (Path(path + ending) for ending in ("", "-wal", "-shm"))
        return sum(file.stat().st_size for file in files if file.is_file())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])
