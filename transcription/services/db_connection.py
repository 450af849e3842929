"""The connection to the database, given back before what takes long."""

from django.db import connections, router

from transcription.models import Job


def release_connection() -> None:
    """Give it back: others need it while a client, or another server, takes its time.

    SQLite's is a file for which no other request waits; opening it again would cost more than it
    holds, unless the backend knows better.
    """
    connection = connections[router.db_for_write(Job)]
    if connection.in_atomic_block:
        return
    if connection.vendor == "sqlite":
        connection.close_if_unusable_or_obsolete()
    else:
        connection.close()
