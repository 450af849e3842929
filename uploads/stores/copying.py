"""Copies from file to file within the kernel: no byte passes through this process.

If the file system can share blocks between files, not even the disk copies anything.
"""

import errno
import os
from typing import BinaryIO

# Errors of a kernel or file system that doesn't support it.
NOT_HERE = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EXDEV}


def copy_in_kernel(source: BinaryIO, target: str, offset: int, count: int) -> int | None:
    """Copies from the current position of `source`.

    Args:
        source: An open file; its position advances.
        target: The path of an existing file.
        offset: The position in it.
        count: The most bytes to copy.

    Returns:
        The bytes copied, 0 at the end of the source; None if not supported here.
    """
    if not hasattr(os, "copy_file_range"):
        return None
    # A new descriptor: the kernel refuses to copy into a file opened for appending.
    descriptor = os.open(target, os.O_WRONLY)
    try:
        return os.copy_file_range(source.fileno(), descriptor, count, offset_dst=offset)
    except OSError as problem:
        if problem.errno in NOT_HERE:
            return None
        raise
    finally:
        os.close(descriptor)
