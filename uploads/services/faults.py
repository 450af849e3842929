"""What a store could not do, said in the protocol's words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from uploads.errors import DiskFull, Gone, OffsetConflict, Unavailable
from uploads.stores.base import Misplaced, Missing, Superseded


@contextmanager
def store_faults() -> Iterator[None]:
    """Turn what the store raises into refusals."""
    try:
        yield
    except Misplaced as problem:
        raise OffsetConflict from problem
    except Superseded as problem:
        raise OffsetConflict("A newer request has taken over this upload.") from problem
    except Missing as problem:
        raise Gone from problem
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull from problem
        raise Unavailable from problem
