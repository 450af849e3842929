"""The limit of open files and connections per process (RLIMIT_NOFILE).

For very old programs, systems start with a limit of 1,024 but let a program raise it. Windows has
no such limit.
"""

import importlib

MOST = 1024 * 1024  # more doesn't help, and some systems refuse "unlimited"
MODEST = 10_240  # the maximum on macOS
A_CONNECTION = 4  # per upload: the connection, the file, its fence, the file once more
SPARE = 200  # databases, logs, pipes, and other files of a web server process
FEW = 4096


def raise_limit() -> int | None:
    """Raises the limit of this process and its children to what the system allows.

    Returns:
        The new limit; None if there is none.
    """
    try:
        resource = importlib.import_module("resource")
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    for wanted in (allowed, min(allowed, MODEST)):
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            continue
        soft = wanted
    return None if soft == resource.RLIM_INFINITY else int(soft)


def connections_within(limit: int | None, most: int) -> int:
    """The client connections that a process can serve.

    Args:
        limit: Its limit of open files; None: no limit.
        most: The maximum.
    """
    return most if limit is None else max(1, min(most, (limit - SPARE) // A_CONNECTION))
