"""The key of programs on this machine, in a file that only this user of the machine can read."""

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
    """The file that holds the key."""
    return Path(settings.DATA_DIR) / "local_key"


def sentence() -> str:
    """What a newcomer with curl needs to know."""
    return (
        f"Programs on this machine send the key in {path()} as `Authorization: Bearer ...`; "
        "ALLOW_ANONYMOUS=1 opens everything to everyone without login."
    )


def first_staff_user() -> User | None:
    """The active superuser, else staff user, that was made first: who acts for this machine."""
    users = User.objects.filter(is_active=True, is_staff=True)
    return users.order_by("-is_superuser", "pk").first()


def ensure() -> str:
    """Write a key where the file holds none that this database has ever known.

    A key that was revoked (its row deleted, its user barred) stays so: the database remembers all
    keys that it made for the file. To get a new one, remove the file and start the site.

    Returns:
        What is amiss, in a sentence; empty where the file holds a valid key.
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
    """Take from other users of the machine what a copy or a careless hand gave them.

    Returns:
        What is amiss, in a sentence; empty where this user alone can read the file.
    """
    try:
        if os.name == "posix" and stat.S_IMODE(path().stat().st_mode) & 0o077:
            path().chmod(0o600)
    except OSError as problem:
        return f"Other users of this machine may read {path()}, which cannot be changed: {problem}."
    return ""


def stored_secret() -> str:
    """The key in the file; empty where there is none."""
    try:
        secret = path().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return secret if secret.startswith(PREFIX) else ""


def make() -> str:
    """Make a key of the first staff user, and write it to the file; returns what is amiss.

    The one before, if there was one, is lost with its file: it ends.
    """
    user = first_staff_user()
    if user is None:
        return (
            f"No active staff user is left, so {path()} holds no valid key: "
            "make one with `manage.py createsuperuser` and start the site again."
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
            f"The key for programs on this machine cannot be written ({problem}): "
            "make them keys in the admin."
        )
    return ""


def write(secret: str) -> None:
    """Put the key into the file: whole, or not at all, and for this user's eyes from the start."""
    descriptor, draft = tempfile.mkstemp(prefix="local_key.", dir=path().parent)  # mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
        os.replace(draft, path())
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
