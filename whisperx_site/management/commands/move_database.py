"""`manage.py move_database --to URL`: SQLite to PostgreSQL, and back."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import filelock
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from uploads.services.maintenance.store_identity import store_problem
from whisperx_site.moving.move import CannotMove, move
from whisperx_site.processes import preparation

TARGET = "moved"
SCHEMES = ("postgres", "postgresql", "sqlite")


class Command(BaseCommand):
    """The database in use stays unchanged, but no longer owns the uploads."""

    help = (
        "Copy everything in the database in use (DATABASE_URL) into another one, while no site "
        "runs, and compare every row. Can be repeated if it is interrupted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            required=True,
            metavar="URL",
            help="postgres://user:password@host/name, or sqlite for the file in DATA_DIR",
        )
        parser.add_argument(
            "--replace", action="store_true", help="Delete everything in the target first."
        )

    def handle(self, *args: Any, to: str, replace: bool, **options: Any) -> None:
        os.umask(0o077)
        if to == "sqlite":
            to = f"sqlite:///{(Path(settings.DATA_DIR) / 'db.sqlite3').as_posix()}"
        connect(to)
        try:
            with preparation.lock_of_site():
                self.prepare_source()
                moved = move(DEFAULT_DB_ALIAS, TARGET, replace, self.stdout.write)
        except filelock.Timeout as taken:
            raise CommandError(
                f"A site is running on {settings.DATA_DIR}. Stop it first: anything it receives "
                "meanwhile would not be moved."
            ) from taken
        except CannotMove as reason:
            raise CommandError(str(reason)) from reason
        except DatabaseError as problem:
            raise CommandError(f"A database doesn't answer: {problem}".strip()) from problem
        self.stdout.write(
            f"\nMoved {moved} rows, and compared each. The uploads belong to the new database now; "
            "the old one stays as it is.\n"
            f"Set DATABASE_URL to {masked(to)} and start the site.\n"
        )

    def prepare_source(self) -> None:
        """Migrates its tables; the store must be available, because its owner changes."""
        preparation.make_directories()
        preparation.prepare_database()
        problem = store_problem()
        if problem is not None:
            raise CommandError(str(problem))


def connect(url: str) -> None:
    """Adds the target to Django's connections, under the alias TARGET.

    Raises:
        CommandError: The address is malformed, or is that of the database in use.
    """
    if url.partition("://")[0] not in SCHEMES or url == "sqlite://":
        raise CommandError(
            f"{masked(url)} is not a database address: use postgres://user:password@host/name, "
            "or sqlite."
        )
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if config.get("ENGINE") == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    default = settings.DATABASES[DEFAULT_DB_ALIAS]
    place = ("ENGINE", "NAME", "HOST", "PORT")
    if all(str(config.get(key) or "") == str(default.get(key) or "") for key in place):
        raise CommandError("That is the database in use; name another with --to.")
    both = {DEFAULT_DB_ALIAS: default, TARGET: config}
    connections.settings[TARGET] = connections.configure_settings(both)[TARGET]


def masked(url: str) -> str:
    parts = urlsplit(url)
    if not parts.password:
        return url
    return url.replace(f":{parts.password}@", ":…@", 1)
