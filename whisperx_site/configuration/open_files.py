"""How many files and connections a process may have open at once (RLIMIT_NOFILE).

Systems start programs with 1,024 for the sake of very old ones, and allow more to those who ask.
Windows knows no such limit.
"""

import importlib

MOST = 1024 * 1024  # more is no use, and some systems do not take "unlimited"
MODEST = 10_240  # what macOS takes
A_CONNECTION = 4  # of an upload: the connection, the file, its fence, the file once more
SPARE = 200  # for databases, logs, pipes, and whatever else a process of the web server has open
FEW = 4096


def raise_limit() -> int | None:
    """Let this process, and those that it starts, have open what the system allows.

    Returns:
        How many that is; None where there is no limit.
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
    """Client connections that a process can serve without running out.

    Args:
        limit: What it may have open; None: there is no limit.
        most: Never more.
    """
    return most if limit is None else max(1, min(most, (limit - SPARE) // A_CONNECTION))
