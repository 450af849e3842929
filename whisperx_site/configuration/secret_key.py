"""The site's secret key, made at the first start."""

import os
import secrets
from pathlib import Path


def load(path: Path) -> str:
    """The key kept in `path`, which is made first where it is not there.

    Several processes may start at once: the key is written aside and linked into place, so all of
    them read the one that came first, whole.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its key counts
        except OSError:  # a file system without links: the last writer wins, before anyone reads
            os.replace(draft, path)
        draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()
