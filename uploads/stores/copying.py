"""Copying from file to file within the kernel: no byte passes through this process.

Where the file system can share blocks between files, not even the disk copies anything.
"""

import errno
import os
from typing import BinaryIO

# What is said where kernel or file system cannot do it.
NOT_HERE = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EXDEV}


def copy_in_kernel(source: BinaryIO, target: str, offset: int, count: int) -> int | None:
    """Copy from where `source` stands.

    Args:
        source: An open file; it moves on by what was copied.
        target: The path of a file that is there.
        offset: Where the bytes belong in it.
        count: How many, at most.

    Returns:
        How many were copied, none at the end of the source; None where it cannot be done here.
    """
    if not hasattr(os, "copy_file_range"):
        return None
    # A descriptor of its own: the kernel does not copy into a file that was opened for appending.
    descriptor = os.open(target, os.O_WRONLY)
    try:
        return os.copy_file_range(source.fileno(), descriptor, count, offset_dst=offset)
    except OSError as problem:
        if problem.errno in NOT_HERE:
            return None
        raise
    finally:
        os.close(descriptor)
