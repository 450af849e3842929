"""The key for programs on this machine, in a file that only the site's system user can read."""

import logging
import os
import stat
import tempfile
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from whisperx_site.accounts.models import PREFIX, ApiKey, LocalKey, digest_of, find_key

logger = logging.getLogger("site")

NAME = "Programs on this machine (local_key)"


def path() -> Path:
    return Path(settings.DATA_DIR) / "local_key"


def sentence() -> str:
    """How to use the key, for a new user with curl."""
    return (
        f"Programs on this machine send the key in {path()} as `Authorization: Bearer ...`; "
        "ALLOW_ANONYMOUS=1 opens everything to everyone without login."
    )


def first_staff_user() -> User | None:
    """The active superuser, else staff user, that was created first: programs on this machine act
    as it."""
    users = User.objects.filter(is_active=True, is_staff=True)
    return users.order_by("-is_superuser", "pk").first()


def ensure() -> str:
    """Writes a new key unless the file has one that this database knows or has revoked.

    A revoked key (its row deleted, its user deactivated) stays revoked: the database remembers all
    keys that it created for the file. To get a new one, remove the file and start the site.

    Returns:
        The problem, as a sentence; empty if the file has a valid key.
    """
    secret = stored_secret()
    if not secret or not LocalKey.objects.filter(digest=digest_of(secret)).exists():
        return make()
    if find_key(secret) is None:
        return (
            f"The key in {path()} is revoked: programs on this machine need another. "
            "For a new one there, remove the file and start the site again."
        )
    return close_to_others()


def close_to_others() -> str:
    """Restricts the file's permissions to the site's system user.

    Returns:
        The problem, as a sentence; empty if only this user can read the file.
    """
    try:
        if os.name == "posix" and stat.S_IMODE(path().stat().st_mode) & 0o077:
            path().chmod(0o600)
    except OSError as problem:
        return f"Other users of this machine may read {path()}, which can't be changed: {problem}."
    return ""


def stored_secret() -> str:
    """The key in the file; empty if there is none."""
    try:
        secret = path().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return secret if secret.startswith(PREFIX) else ""


def make() -> str:
    """Creates a key for the first staff user and writes the file; returns the problem, if any.

    An earlier key is deleted: its file is gone.
    """
    user = first_staff_user()
    if user is None:
        return (
            f"No active staff user is left, so {path()} holds no valid key: "
            "create one with `manage.py createsuperuser` and start the site again."
        )
    key = ApiKey(user=user, name=NAME)
    secret = key.renew_secret()
    try:
        with transaction.atomic():
            ApiKey.objects.filter(digest__in=LocalKey.objects.values("digest")).delete()
            key.save()
            LocalKey.objects.create(digest=key.digest)
            write(secret)
    except OSError as problem:
        return (
            f"The key for programs on this machine can't be written ({problem}): "
            "create keys in the admin instead."
        )
    return ""


def write(secret: str) -> None:
    """Writes the file atomically, readable by this user only from the start."""
    descriptor, draft = tempfile.mkstemp(prefix="local_key.", dir=path().parent)  # mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
        os.replace(draft, path())
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
