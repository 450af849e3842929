"""The services of the site: the web server and two workers, as the supervisor starts them."""

import logging
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from transcription.services.jobs import leases as jobs
from uploads.services.error_mapping import is_disk_full
from uploads.services.maintenance import heartbeat
from whisperx_site.overview import problem_log
from whisperx_site.processes.housekeeping import (
    free_entries_of_the_future,
    free_light_queue,
    set_schedules_right,
    stall_reason,
    tend_disk,
)
from whisperx_site.processes.supervisor import Service

logger = logging.getLogger("site")
T = TypeVar("T")


def web_command() -> list[str]:
    """The command line of the web server in WEB_SERVER."""
    chosen = settings.SITE["WEB_SERVER"]
    if chosen == "auto":
        chosen = "gunicorn" if os.name == "posix" else "granian"
    if chosen == "granian":
        return [sys.executable, "-m", "whisperx_site.serving.granian_server"]
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "python:whisperx_site.serving.gunicorn_settings",
    ]


def importable() -> str:
    """PYTHONPATH with the project first, for programs other than manage.py."""
    paths = (str(settings.BASE_DIR), os.environ.get("PYTHONPATH", ""))
    return os.pathsep.join(path for path in paths if path)


def patiently(ask: Callable[[], T], otherwise: T) -> Callable[[], T]:
    """Like `ask`, but an unavailable database or a full disk is only logged."""

    def asked() -> T:
        try:
            return ask()
        except (DatabaseError, OSError) as problem:
            place = "database" if isinstance(problem, DatabaseError) else "disk"
            full = is_disk_full(problem)
            reason = "the disk is full" if full else f"the {place} doesn't answer"
            logger.warning("%s: %s", reason, problem)
            return otherwise
        finally:
            connections.close_all()

    return asked


def keep_house() -> None:
    """Work of the supervisor itself, which the workers can't do when it is needed."""
    for step in (
        *(tend_disk, heartbeat.beat, set_schedules_right, free_entries_of_the_future),
        problem_log.report,
    ):
        patiently(step, None)()


def all_services() -> list[Service]:
    """The web server, the housekeeping worker (light) and the job worker (heavy)."""
    cluster = [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster", "--skip-checks"]
    return [
        Service("web", web_command(), {"PYTHONPATH": importable()}),
        Service(
            "light",
            cluster,
            is_stuck=patiently(stall_reason, ""),
            on_end=patiently(free_light_queue, None),
        ),
        Service(
            "heavy",
            cluster,
            {"Q_CLUSTER_NAME": "heavy"},
            is_stuck=patiently(jobs.stall_reason, ""),
            on_end=patiently(jobs.recover_on_startup, None),
        ),
    ]
