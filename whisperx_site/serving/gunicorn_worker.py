"""gunicorn's gevent worker, made fair between clients and processes, and to the database."""

import socket
import uuid
from typing import Any

from gevent import sleep
from gevent import socket as gevent_socket
from gunicorn.glogging import Logger
from gunicorn.http.errors import InvalidHeader, UnsupportedTransferCoding
from gunicorn.workers.ggevent import GeventWorker

from uploads.bodies.gunicorn_connection import discard_remaining
from uploads.cooperative import let_others_in
from uploads.services.activity import log_context
from whisperx_site.serving import gunicorn_errors, gunicorn_request
from whisperx_site.serving.sqlite_pool.base import pool


class QuietLogger(Logger):  # type: ignore[misc]
    """No access log; gunicorn would still format every line of it."""

    def info(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Logs the address if gunicorn does not: with SO_REUSEPORT it listens a little later."""
        if msg.startswith("Listening at") and args and not args[0]:
            args = (f"http://{self.cfg.bind[0]}", *args[1:])
        super().info(msg, *args, **kwargs)

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Cutting an upload at a stop is no error: it resumes at its offset after the start."""
        say = super().info if msg.startswith("Worker graceful timeout") else super().warning
        say(msg, *args, **kwargs)

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None: ...


class Worker(GeventWorker):  # type: ignore[misc]
    """Serves each client connection in its own greenlet."""

    def init_process(self) -> None:
        """Makes gunicorn's settings plain attributes: each request reads some thirty of them."""
        from whisperx_site.accounts.hashing import PlacedPasswordHasher, in_own_thread

        settings = self.cfg.settings.items()
        self.cfg.__dict__.update({name: setting.get() for name, setting in settings})
        pool.on = True
        PlacedPasswordHasher.run = staticmethod(in_own_thread)
        gunicorn_errors.install()
        gunicorn_request.install(self.cfg)
        super().init_process()

    def load_wsgi(self) -> None:
        """Loads the application, and tests the body readers with this gunicorn."""
        super().load_wsgi()
        from uploads.bodies.self_test import test_gunicorn

        test_gunicorn(self.cfg)

    def patch(self) -> None:
        """Listens on its own sockets in addition to the shared ones.

        A running worker accepts everything that waits at a shared socket: measured, 16 of 16
        connections went to one of two workers. With SO_REUSEPORT the kernel spreads them.
        """
        super().patch()
        if self.cfg.reuse_port:
            self.sockets += [own_listener(shared) for shared in list(self.sockets)]

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serves one client connection, and closes its database connections.

        Database connections belong to greenlets: one that ends without closing its own leaves it to
        the garbage collector, and PostgreSQL runs out of connections meanwhile.
        """
        from django.db import connections

        # An answer in two pieces must not wait 40 ms for the client's delayed acknowledgement.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            super().handle(listener, client, addr)
        finally:
            connections.close_all()

    def handle_request(self, listener_name: Any, req: Any, *arguments: Any) -> Any:
        """Serves one request, and yields before the next one of the same client.

        gevent only switches when it has to wait: a client that never makes it wait would block the
        others.
        """
        answer = super().handle_request(listener_name, req, *arguments)
        log_context.begin()  # what the client sends next is no longer this request's
        if req.unreader.buf.tell():  # the next is here already, and perhaps a thousand more
            let_others_in()
        else:
            sleep(0)
        return answer

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Responds to malformed requests.

        An unknown transfer coding is the client's error; after gunicorn's 501 it would retry
        forever.
        """
        if "request_id" not in log_context.current():  # it failed before the application
            log_context.begin(request_id=uuid.uuid4())
        if isinstance(exc, UnsupportedTransferCoding):
            exc = InvalidHeader("TRANSFER-ENCODING", req=req)
        if isinstance(exc, gunicorn_request.HeadTooSlow):
            gunicorn_errors.write_error(client, 408, "Request Timeout", "")
        else:
            super().handle_error(req, client, addr, exc)
        discard_remaining(client)  # otherwise a client that still sends would lose the response


def own_listener(shared: Any) -> Any:
    """Another socket that listens on the same address."""
    own = gevent_socket.socket(shared.family, socket.SOCK_STREAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(shared.getsockname())
    own.listen(2048)
    return own
