"""gunicorn's settings: it streams request bodies and keeps what a cut one brought."""

import gc
import os
import sys
from typing import Any

from gevent import monkey

monkey.patch_all()  # before Django is imported: its locals must be those of greenlets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")
os.environ.setdefault("SITE_PROCESS", "web")

from django.conf import settings  # noqa: E402
from gunicorn.http import message  # noqa: E402

from whisperx_site.configuration import open_files  # noqa: E402
from whisperx_site.serving import sqlite_waiting  # noqa: E402

sqlite_waiting.install()
_host = settings.HOST.strip("[]")
bind = f"[{_host}]:{settings.PORT}" if ":" in _host else f"{_host}:{settings.PORT}"
wsgi_app = "whisperx_site.wsgi:application"
preload_app = True  # what the processes have in common is in memory once
worker_class = "whisperx_site.serving.gunicorn_worker.Worker"
logger_class = "whisperx_site.serving.gunicorn_worker.QuietLogger"
reuse_port = sys.platform == "linux"  # elsewhere it does not spread connections
workers = settings.SITE["WEB_WORKERS"]
# Each process listens on two sockets, and gunicorn counts for each by itself. Who finds no place
# waits; one who found no file would be refused, and so would all others.
worker_connections = open_files.connections_within(open_files.raise_limit(), 8000) // 2
keepalive = 75
timeout = 120
# An upload that is cut goes on elsewhere, and idle connections count, too. Not 1: a worker looks
# once a second whether it shall stop, and one that had just looked was killed as if it had hung.
graceful_timeout = 2
# All options of the API come in the query, a prompt of a thousand words among them; gunicorn itself
# allows no more than 8190.
limit_request_line = message.MAX_REQUEST_LINE = 65536
# Long metadata and lists of parts reach our own checks, which say what is wrong with them.
limit_request_field_size = 256 * 1024
# Nobody is trusted for what a proxy adds.
forwarded_allow_ips = ""
control_socket_disable = True
logconfig_dict = settings.LOGGING


def when_ready(arbiter: Any) -> None:
    """Load all addresses, so a fault in them shows at the start, and before processes are made.

    What is loaded by then stays: it need not be looked through for garbage again and again, which
    would also make each process a copy of its own.
    """
    from django.db import connections
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018  (imports them)
    connections.close_all()  # none may be shared by two processes
    gc.collect()
    gc.freeze()


def pre_request(worker: Any, request: Any) -> None:
    """Let an upload that is refused midway say `Connection: close` (see uploads.bodies).

    And let whoever reads its body invite the client to send it (Expect: 100-continue), not gunicorn
    at once: a refusal then comes before gigabytes that nobody wants.
    """
    request.body.announce_close = request.force_close
    if request._expected_100_continue:
        from uploads.bodies.registry import disabled_readers
        from whisperx_site.serving.fast_path import UPLOADS_ROOT

        if request.path.startswith(UPLOADS_ROOT) and not disabled_readers:
            request._expected_100_continue = False
            request.body.expects_continue = True
