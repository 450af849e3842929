"""The number of CPU threads of an engine."""

import os

DEFAULT_THREADS = 4  # more bring little, and other programs need some


def threads_for(wanted: int) -> int:
    """Threads for a request; clients choose, but never more than there are processor cores.

    Args:
        wanted: The requested number; 0 or less: the engine's default.
    """
    return min(wanted if wanted > 0 else DEFAULT_THREADS, cores())


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
