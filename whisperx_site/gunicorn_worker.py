"""gunicorn's gevent worker, which closes what belonged to a client's connection when that ends."""

from typing import Any

from gunicorn.workers.ggevent import GeventWorker


class Worker(GeventWorker):  # type: ignore[misc]
    """Serves each client connection in a greenlet of its own.

    Database connections belong to greenlets: one that ends without closing its own leaves it to the
    garbage collector, and PostgreSQL runs out of connections meanwhile.
    """

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve all requests of one client connection."""
        from django.db import connections

        try:
            super().handle(listener, client, addr)
        finally:
            connections.close_all()

    def load_wsgi(self) -> None:
        """Load the application with all its addresses, so a fault in them shows at the start."""
        super().load_wsgi()
        from django.urls import get_resolver

        get_resolver().url_patterns  # noqa: B018  (imports them)
