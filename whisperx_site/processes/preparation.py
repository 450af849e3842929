"""What a start of the site needs done first; every step may be repeated at any time."""

import hashlib
import logging
import os
import secrets
from pathlib import Path

import filelock
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from uploads.services.maintenance.store_identity import store_problem

logger = logging.getLogger("site")


def lock_of_site() -> filelock.BaseFileLock:
    """What a running site holds: there is one for each data directory."""
    return filelock.FileLock(Path(settings.DATA_DIR) / "serve.lock", blocking=False)


def is_running() -> bool:
    """Whether a site runs on this data directory."""
    try:
        with lock_of_site():
            return False
    except filelock.Timeout:
        return True


def prepare_database() -> None:
    """Bring the tables to this version; the schedules are declared after migrations."""
    call_command("migrate", interactive=False, verbosity=0)


def prepare_alone() -> None:
    """What a command needs that may have to work without a site; a running one has seen to it."""
    if is_running():
        return
    with filelock.FileLock(Path(settings.DATA_DIR) / "prepare.lock"):  # two may come at once
        make_directories()
        prepare_database()


def collect_static_files() -> None:
    """Hash and compress the static files, where they differ from those of the last start."""
    mark = Path(settings.STATIC_ROOT) / ".collected"
    state = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            full = Path(storage.path(path))
            facts = full.stat()
            state.update(f"{full} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    if mark.is_file() and mark.read_text() == state.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    mark.write_text(state.hexdigest())


def make_first_staff_user() -> str | None:
    """Make the staff user `admin` where the site has no user at all.

    Returns:
        The password to print, or None where there was nothing to make or to print.
    """
    users = get_user_model()._default_manager
    if users.exists():
        return None
    given = settings.SITE["ADMIN_PASSWORD"]
    password = given or secrets.token_urlsafe(12)
    get_user_model().objects.create_superuser("admin", password=password)
    return None if given else password


def examine_store() -> None:
    """Join a new store and the database; say in the log where the two do not belong together."""
    problem = store_problem()
    if problem is not None:
        logger.error("%s The site serves what it can meanwhile.", problem)


def make_directories() -> None:
    """Make the places for uploads, models and work, readable by this user alone."""
    for name in ("UPLOADS_DIR", "MODELS_DIR", "WORK_DIR"):
        os.makedirs(getattr(settings, name), mode=0o700, exist_ok=True)
