"""The processes of the site that runs on this data directory, on this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.conf import settings

logger = logging.getLogger("site")

GUARD = "whisperx_site.processes.process_guard"


@dataclass(frozen=True)
class SiteProcess:
    """One process.

    Attributes:
        service: web, light or heavy: as in the log.
        is_guard: Whether it only guards the others; it is the first of a service, and the last.
        is_halted: Whether a signal has stopped it, so that it does nothing.
        memory: Bytes in memory, those that it shares with others included.
    """

    pid: int
    service: str
    is_guard: bool
    is_halted: bool
    memory: int


def remember() -> None:
    """Tells other processes which one starts the site's; see `of_site`."""
    try:
        _place().write_text(str(os.getpid()))
    except OSError as problem:  # a full disk must not keep the site from starting
        logger.warning("the front page can't show the site's processes: %s", problem)


def of_site() -> list[SiteProcess]:
    """All processes of its services; none if no `manage.py serve` runs here."""
    try:
        main = psutil.Process(int(_place().read_text()))
        if main.create_time() > _place().stat().st_mtime + 1:
            return []  # another program got its number
        return [*_described(main.children(recursive=True))]
    except (OSError, ValueError, psutil.Error):
        return []


def _described(processes: list[psutil.Process]) -> Iterator[SiteProcess]:
    for process in processes:
        try:
            with process.oneshot():
                command = process.cmdline()
                service = process.environ().get("SITE_PROCESS", "")
                if service:
                    yield SiteProcess(
                        process.pid,
                        service,
                        GUARD in command,
                        process.status() == psutil.STATUS_STOPPED,
                        process.memory_info().rss,
                    )
        except psutil.Error:
            logger.debug("process %s has ended", process.pid)


def _place() -> Path:
    return Path(settings.DATA_DIR) / "serve.pid"
