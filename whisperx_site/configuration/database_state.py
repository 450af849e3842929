"""Why the database can't be used, in a sentence that says what to do."""

from django.db import Error as DatabaseError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from uploads.services.maintenance.store_identity import FOREIGN, UNKNOWN_FILES, StoreProblem

OURS = {"accounts", "transcription", "uploads"}
MAKE_TABLES = "run `manage.py serve` or `manage.py migrate`"
NO_TABLES = f"The database has no tables yet: {MAKE_TABLES}."
OLDER_TABLES = f"The database's tables are those of an older version: {MAKE_TABLES}."
NEWER_TABLES = "The database's tables are those of a newer version of this site: install that one."

DATABASE_ADVICE = (
    "DATABASE_URL names the database; `manage.py move_database` moves one together with its store."
)


def store_remedy(problem: StoreProblem) -> str:
    """What staff of this site can do about a problem of the upload store."""
    is_other_database = problem in (FOREIGN, UNKNOWN_FILES)
    return f"{problem.remedy} {DATABASE_ADVICE}" if is_other_database else problem.remedy


def database_problem() -> str | None:
    """The problem; None if the database answers and its tables are of this version."""
    connections.close_all()  # a half-finished failure says nothing about the database
    try:
        return tables_problem()
    except DatabaseError as problem:
        return f"The database doesn't answer: {str(problem).strip()}"


def tables_problem() -> str | None:
    """The same for the tables only; raises DatabaseError if the database doesn't answer."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    if not loader.applied_migrations:
        return NO_TABLES
    if executor.migration_plan(loader.graph.leaf_nodes()):
        return OLDER_TABLES
    unknown = loader.applied_migrations.keys() - loader.disk_migrations.keys()
    return NEWER_TABLES if any(app in OURS for app, _ in unknown) else None
