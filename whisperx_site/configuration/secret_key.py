"""The site's secret key, generated at the first start."""

import os
import secrets
from pathlib import Path


def load(path: Path) -> str:
    """The key in `path`, which is generated if missing.

    Several processes may start at once: the key is written to a temporary file and linked into
    place, so all of them read the first complete one.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its key is used
        except OSError:  # a file system without links: the last writer wins, before any reader
            os.replace(draft, path)
        draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()
