"""`manage.py migrate`: as Django's, but whatever moment it is killed at, it can be repeated."""

from typing import Any

from django.core.management.commands import migrate
from django.db.migrations.executor import MigrationExecutor


class AtomicMigrationExecutor(MigrationExecutor):
    """Applies and records each migration in one transaction.

    Django records those that leave statements for the end (indexes, foreign keys) after their
    transaction: killed in between, it finds tables the next time that it does not know of, and no
    start ever succeeds again.
    """

    def apply_migration(self, state: Any, migration: Any, *args: Any, **options: Any) -> Any:
        """Run a migration forwards, with nothing left for the end."""
        apply = migration.apply

        def apply_whole(state: Any, editor: Any, *more: Any, **named: Any) -> Any:
            after = apply(state, editor, *more, **named)
            while editor.deferred_sql:
                editor.execute(editor.deferred_sql.pop(0), None)
            return after

        migration.apply = apply_whole
        return super().apply_migration(state, migration, *args, **options)


migrate.MigrationExecutor = AtomicMigrationExecutor  # type: ignore[attr-defined]


class Command(migrate.Command):
    """See the module."""
