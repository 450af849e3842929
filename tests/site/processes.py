"""The processes of a site, found by their environment: also those that have lost their parents."""

from __future__ import annotations

import psutil

from tests.running import Site, wait_for


def members(site: Site) -> list[psutil.Process]:
    """Every process on this machine that works on the site's data."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DATA_DIR") == site.full_environment["DATA_DIR"]:
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def parts(site: Site, name: str) -> list[psutil.Process]:
    """The processes of one service (`web`, `light`, `heavy`), its main process first."""
    ours = [process for process in members(site) if process.environ().get("SITE_PROCESS") == name]
    leash = next(
        process for process in ours if "whisperx_site.processes.process_guard" in process.cmdline()
    )
    return list(leash.children(recursive=True))


def leaves_nothing(site: Site, seconds: float) -> None:
    """Wait until no process of the site is left."""
    wait_for(lambda: not members(site), seconds, 0.1, f"the end of all of {members(site)}")
