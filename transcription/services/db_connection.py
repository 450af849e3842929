"""Returns the database connection before something slow."""

from django.db import connections, router

from transcription.models import Job


def release_connection() -> None:
    """Returns it: other requests need it while a client or another server is slow.

    SQLite's stays open: nothing waits for it, and reopening costs more, unless the backend pools
    it.
    """
    connection = connections[router.db_for_write(Job)]
    if connection.in_atomic_block:
        return
    if connection.vendor == "sqlite":
        connection.close_if_unusable_or_obsolete()
    else:
        connection.close()
