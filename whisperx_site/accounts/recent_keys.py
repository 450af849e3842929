"""Keys that were found a moment ago: requests of uploads come by the thousand, with the same one.

To look a key up costs four times what the rest of a HEAD does. On upload addresses a process looks
each key up once a second; for so long one that was revoked meanwhile may still send bytes.
Everywhere else it ends at once.
"""

import time

from django.contrib.auth.models import User

from whisperx_site.accounts.models import digest_of, find_key

REMEMBERED_FOR = 1.0  # seconds
MOST = 1000

_found: dict[str, tuple[float, User]] = {}


def user_of_upload(secret: str) -> User | None:
    """The user of this key, as it stood within the last second; None where it is not valid."""
    digest = digest_of(secret)
    now = time.monotonic()
    until, user = _found.get(digest, (0.0, None))
    if now < until:
        return user
    key = find_key(secret)
    if key is None:
        _found.pop(digest, None)
        return None
    if len(_found) >= MOST:
        _found.clear()
    _found[digest] = now + REMEMBERED_FOR, key.user
    return key.user
