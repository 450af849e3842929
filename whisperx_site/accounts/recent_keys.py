"""A short cache of keys: upload requests come by the thousand, with the same key.

Looking a key up costs four times as much as the rest of a HEAD. On upload addresses a process looks
each key up once a second, so a revoked key may send bytes for up to a second. Everywhere else it
stops working at once.
"""

import time

from django.contrib.auth.models import User

from whisperx_site.accounts.models import digest_of, find_key

REMEMBERED_FOR = 1.0  # seconds
MOST = 1000

_found: dict[str, tuple[float, User]] = {}


def user_of_upload(secret: str) -> User | None:
    """The key's user, at most a second old; None if the key isn't valid."""
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
