"""gunicorn's settings: request bodies are streamed, and cut ones are kept."""

import gc
import os
import sys
from typing import Any

from gevent import monkey

gc.disable()  # imports leave no garbage, and looking for it costs a seventh of the start
monkey.patch_all()  # before Django is imported: its locals must be per greenlet

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
preload_app = True  # shared memory between processes
worker_class = "whisperx_site.serving.gunicorn_worker.Worker"
logger_class = "whisperx_site.serving.gunicorn_worker.QuietLogger"
reuse_port = sys.platform == "linux"  # other platforms don't spread connections
workers = settings.SITE["WEB_WORKERS"]
# Each process listens on two sockets, and gunicorn counts per socket. More clients wait;
# without free file descriptors they would be refused.
worker_connections = open_files.connections_within(open_files.raise_limit(), 8000) // 2
keepalive = 75
timeout = 120
# An interrupted upload resumes elsewhere, and idle connections count, too. Not 1: a worker checks
# once a second whether it must stop, and one that had just checked was killed as if it hung.
graceful_timeout = 2
# All options of the API are in the query, including a prompt of a thousand words; gunicorn itself
# allows at most 8190.
limit_request_line = message.MAX_REQUEST_LINE = 65536
# Long metadata and lists of parts reach our own checks, which say what is wrong with them.
limit_request_field_size = 256 * 1024
# Proxy headers are never trusted.
forwarded_allow_ips = ""
control_socket_disable = True
logconfig_dict = settings.LOGGING


def when_ready(arbiter: Any) -> None:
    """Loads all URLs before processes are forked, so that errors appear at the start.

    Objects loaded by then are permanent, and excluded from garbage collection, which would also
    make each process copy them.
    """
    from django.db import connections
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018  (imports them)
    connections.close_all()  # must not be shared by two processes
    gc.collect()
    gc.freeze()
    gc.enable()


def pre_request(worker: Any, request: Any) -> None:
    """Lets a refused upload send `Connection: close` (see uploads.bodies).

    Also lets the body reader send `100 Continue`, rather than gunicorn at once: a refusal then
    comes before gigabytes of unwanted bytes.
    """
    request.body.announce_close = request.force_close
    if request._expected_100_continue:
        from uploads.bodies.registry import disabled_readers
        from whisperx_site.serving.fast_path import UPLOADS_ROOT

        if request.path.startswith(UPLOADS_ROOT) and not disabled_readers:
            request._expected_100_continue = False
            request.body.expects_continue = True
