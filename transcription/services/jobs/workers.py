"""The process that works on a job, and whether it is alive."""

import os
import socket
from datetime import timedelta

import psutil

from transcription.conf import conf
from transcription.models import Job

# Linux's number of the machine's own process namespace; containers have others.
MACHINES_OWN_PROCESSES = 0xEFFFFFFC
ROUNDING = 2.0  # seconds by which the system's start time of a process may be wrong


def this_machine() -> str:
    """Identifies the namespace in which process ids are meaningful.

    Containers may share a host name, but not their processes.
    """
    name = socket.gethostname()
    try:
        processes = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return name
    return name if processes == MACHINES_OWN_PROCESSES else f"{name}/{processes}"


def is_gone(job: Job) -> bool:
    """Whether the process that claimed the job is dead; only its own machine can tell.

    A process that started after the job's last heartbeat is another one with the same id. (The
    start
    time alone is not enough: it moves when the machine's clock is set.)
    """
    if job.worker_host != this_machine() or job.lease_expires is None:
        return False
    last_sign = job.lease_expires - timedelta(seconds=conf.JOB_LEASE_SECONDS)
    try:
        process = psutil.Process(job.worker_pid or -1)
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return bool(process.create_time() > last_sign.timestamp() + ROUNDING)
    except (psutil.NoSuchProcess, ValueError):
        return True
    except psutil.Error:  # no permission to check: the lease decides
        return False
