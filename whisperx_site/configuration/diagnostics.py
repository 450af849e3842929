"""The checks of `manage.py doctor`: each finds a fact, and a remedy if something is wrong."""

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import run_checks
from django.db import Error as DatabaseError
from django.db import connection

from transcription.conf import conf as transcription_conf
from transcription.engines import registry
from transcription.engines.model_files import built_in
from transcription.engines.registry import ENGINES
from transcription.services.outlook import look_ahead
from uploads.services.maintenance.cleanup import orphans_kept
from whisperx_site.configuration import open_files
from whisperx_site.configuration.database_state import NEWER_TABLES, tables_problem
from whisperx_site.configuration.loopback import is_loopback
from whisperx_site.overview import problems
from whisperx_site.overview.findings import Finding
from whisperx_site.processes.preparation import is_running

UP_TO_DATE = "up to date"


def examine() -> Iterator[Finding]:
    """All checks, the cheap and basic ones first."""
    yield from system_checks()
    yield data_directory()
    yield free_disk()
    yield files_at_once()
    found = database()
    yield found
    if not found.remedy:
        found = tables()
        yield found
        if found.fact == UP_TO_DATE:
            yield uploads_store()
            yield from workers()
            yield from or_else(problems.clock(), "clock", "agrees with the database's times")
            yield from or_else(problems.stalled_uploads(), "uploads", "none is stalled")
            yield from or_else(problems.webhooks(), "webhooks", "none fails")
    yield media_library()
    yield from engines()
    yield built_in_model()
    yield results()
    yield front_end()
    yield openness()
    yield public_address()


def system_checks() -> Iterator[Finding]:
    """Django's system checks, including ours."""
    messages = run_checks()
    if not messages:
        yield Finding("system checks", "no warnings")
    for message in messages:
        yield Finding("system checks", message.msg, message.hint or str(message.id))


def data_directory() -> Finding:
    where = settings.DATA_DIR
    try:
        with tempfile.TemporaryFile(dir=where):
            return Finding("data directory", f"{where} is writable")
    except OSError as problem:
        return Finding("data directory", f"{problem}", "Give this user write access.")


def free_disk() -> Finding:
    free = shutil.disk_usage(settings.DATA_DIR).free
    return next(problems.free_space(), Finding("disk", problems.room(free)))


def files_at_once() -> Finding:
    """How many clients the system's limits allow."""
    limit = open_files.raise_limit()
    if limit is None:
        return Finding("open files", "the system sets no limit")
    clients = open_files.connections_within(limit, 8000) * settings.SITE["WEB_WORKERS"]
    fact = f"{limit:,} a process, so {clients:,} clients at once"
    if limit < open_files.FEW:
        return Finding(
            "open files",
            fact,
            "Raise the limit: LimitNOFILE=65536 in systemd, or ulimit -Hn 65536.",
        )
    return Finding("open files", fact)


def database() -> Finding:
    try:
        connection.ensure_connection()
        version = ".".join(map(str, connection.get_database_version()))
        return Finding("database", f"{connection.vendor} {version} answers")
    except DatabaseError as problem:
        return Finding(
            "database", str(problem).strip(), "Check DATABASE_URL and the database server."
        )


def tables() -> Finding:
    """Whether they are of this version; a start migrates them, unless they are newer."""
    problem = tables_problem()
    if problem == NEWER_TABLES:
        return Finding("tables", "not those of this version", problem)
    return Finding("tables", problem or UP_TO_DATE)


def uploads_store() -> Finding:
    """Whether the files belong to the database, and how many orphans wait for staff."""
    what = "upload store"
    for found in problems.store():
        return found
    kept = orphans_kept()
    if kept is not None:
        fact = f"{kept.orphans_kept} files belong to no upload and are kept"
        remedy = "If nothing else needs them: `manage.py cleanup_uploads --remove-orphans`."
        return Finding(what, fact, remedy)
    return Finding(what, "belongs to the database and is writable")


def workers() -> Iterator[Finding]:
    """Whether they are alive and make progress."""
    if not is_running():
        yield Finding("workers", "no `manage.py serve` runs on this data directory")
        return
    found = (*problems.services(), *problems.queues(), *problems.schedules())
    yield from or_else(iter(found), "workers", "all are alive, and all schedules are on time")


def or_else(found: Iterator[Finding], what: str, fact: str) -> Iterator[Finding]:
    """The problems, or that there is none."""
    told = [*found]
    yield from told or [Finding(what, fact)]


def media_library() -> Finding:
    """PyAV, which reads every recording. Only looked for: importing it is slow."""
    if importlib.util.find_spec("av"):
        return Finding("media", "PyAV is installed")
    return Finding("media", "PyAV is not installed", "pip install -r requirements.lock")


def engines() -> Iterator[Finding]:
    for name in ENGINES:
        chosen = " (chosen)" if name == transcription_conf.ENGINE else ""
        reason = registry.get(name).installation_error()
        if not reason:
            yield Finding(f"engine {name}{chosen}", "installed")
        else:
            yield Finding(f"engine {name}{chosen}", "not installed", reason if chosen else "")
    if transcription_conf.ENGINE not in ENGINES:
        known = " or ".join(ENGINES)
        yield Finding("engine", f"ENGINE={transcription_conf.ENGINE} is unknown", f"Use {known}.")


def built_in_model() -> Finding:
    """Whether the model that needs no download is there, and the published one."""
    what = f"built-in model {built_in.NAME}"
    reason = built_in.problem(transcription_conf.MODELS_DIR)
    if not reason:
        return Finding(what, "installed, and the published one")
    if not built_in.is_installed():
        return Finding(what, f"not installed ({built_in.LOCK}); nothing makes drafts")
    return Finding(what, f"not used: {reason}", built_in.INSTALL)


def results() -> Finding:
    """Whether recordings become transcripts or drafts; may check a model's download."""
    found = look_ahead()
    if found is None:
        return Finding("results", "all models are on this machine")
    return Finding("results", str(found), found.remedy if found.is_bad else "")


def front_end() -> Finding:
    """Uppy, which the upload page needs."""
    if any(Path(path).is_dir() for _, path in settings.STATICFILES_DIRS):
        return Finding("front end", "the npm packages are there")
    return Finding(
        "front end",
        "node_modules is missing",
        "make install, or python -m whisperx_site.processes.front_end",
    )


def openness() -> Finding:
    """Whether login is required; the system checks warn about ALLOW_ANONYMOUS, too."""
    if settings.ALLOW_ANONYMOUS:
        return Finding("access", "everyone who reaches this site is served without login")
    return Finding("access", "users log in, programs send a key")


def public_address() -> Finding:
    """Whether PUBLIC_URL fits the other settings."""
    what, address = "PUBLIC_URL", settings.PUBLIC_URL
    if not address:
        if is_loopback(settings.HOST):
            return Finding(what, "not set; the site is for this machine")
        return Finding(
            what,
            "not set",
            "Set the address that users open; https turns on HSTS and secure cookies.",
        )
    if not settings.HTTPS and not is_loopback(settings.PUBLIC.hostname or ""):
        return Finding(
            what, address, "Passwords are sent unencrypted: put a proxy with https in front."
        )
    allowed = settings.ALLOWED_HOSTS
    if "*" not in allowed and settings.PUBLIC.hostname not in allowed:
        return Finding(what, address, f"Add {settings.PUBLIC.hostname} to ALLOWED_HOSTS.")
    return Finding(what, address)
