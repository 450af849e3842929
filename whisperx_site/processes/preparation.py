"""Preparation before a start of the site; every step may be repeated at any time."""

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
from whisperx_site.configuration.database_state import store_remedy

logger = logging.getLogger("site")


def lock_of_site() -> filelock.BaseFileLock:
    """Held by a running site; one for each data directory."""
    return filelock.FileLock(Path(settings.DATA_DIR) / "serve.lock", blocking=False)


def is_running() -> bool:
    """Whether a site is running on this data directory."""
    try:
        with lock_of_site():
            return False
    except filelock.Timeout:
        return True


def prepare_database() -> None:
    """Migrates the database; schedules are created after migrations."""
    call_command("migrate", interactive=False, verbosity=0)


def prepare_alone() -> None:
    """Prepares a command that may have to work without a site; a running site did this already."""
    if is_running():
        return
    with filelock.FileLock(Path(settings.DATA_DIR) / "prepare.lock"):  # two may come at once
        make_directories()
        prepare_database()


def collect_static_files() -> None:
    """Hashes and compresses static files, if they changed since the last start."""
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
    """Creates the staff user `admin` if the site has no user at all.

    Returns:
        The password to print, or None if there is nothing to create or to print.
    """
    users = get_user_model()._default_manager
    if users.exists():
        return None
    given = settings.SITE["ADMIN_PASSWORD"]
    password = given or secrets.token_urlsafe(12)
    get_user_model().objects.create_superuser("admin", password=password)
    return None if given else password


def examine_store() -> None:
    """Joins a new store and the database; logs if the two don't belong together."""
    problem = store_problem()
    if problem is not None:
        advice = store_remedy(problem)
        logger.error("%s %s Meanwhile, the site serves what it can.", problem.reason, advice)


def make_directories() -> None:
    """Creates the folders for uploads, models and work, private to the site's system user."""
    for name in ("UPLOADS_DIR", "MODELS_DIR", "WORK_DIR"):
        os.makedirs(getattr(settings, name), mode=0o700, exist_ok=True)
