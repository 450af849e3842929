#!/usr/bin/env python
"""Django's command line."""

import atexit
import gc
import os
import select
import sys
from typing import TextIO

READER_HAS_GONE = 141
"""The shells' exit code for programs whose output is no longer read (`… | head`)."""


def reader_has_gone() -> bool:
    """Whether standard output or errors are closed; remaining output is then discarded."""
    gone = [stream for stream in (sys.stdout, sys.stderr) if stream and is_broken(stream)]
    for stream in gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return bool(gone)


def is_broken(stream: TextIO) -> bool:
    """Whether this is a pipe whose other end is closed."""
    try:
        stream.flush()
        if not hasattr(select, "poll"):  # Windows: only writing shows it
            return False
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLOUT)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except OSError:
        return True


if __name__ == "__main__":
    # Without it, Python looks through all that was imported once more before it exits: a quarter of
    # the time that a short command takes.
    atexit.register(gc.freeze)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import Error as DatabaseError

    try:
        execute_from_command_line(sys.argv)
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        if not reader_has_gone():
            raise
        sys.exit(READER_HAS_GONE)
    except ImproperlyConfigured as problem:
        sys.exit(f"Settings: {problem}")
    except DatabaseError:
        from whisperx_site.configuration.database_state import database_problem

        known = database_problem()
        if known is None or "--traceback" in sys.argv:
            raise
        sys.exit(known)
