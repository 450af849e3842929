"""`manage.py migrate`: like Django's, but it can be repeated after a kill at any moment."""

from typing import Any

from django.core.management.commands import migrate
from django.db.migrations.executor import MigrationExecutor


class AtomicMigrationExecutor(MigrationExecutor):
    """Applies and records each migration in one transaction.

    Django records migrations with deferred statements (indexes, foreign keys) after their
    transaction. If it is killed in between, the tables exist without a record, and no later start
    succeeds.
    """

    def apply_migration(self, state: Any, migration: Any, *args: Any, **options: Any) -> Any:
        """Applies a migration, leaving no deferred statements."""
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
    pass
