"""gunicorn's settings: it streams request bodies and keeps what a cut one brought."""

import os
import sys
from typing import Any

from gevent import monkey

monkey.patch_all()  # before Django is imported: its locals must be those of greenlets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")
os.environ.setdefault("SITE_PROCESS", "web")

from django.conf import settings  # noqa: E402

_host = settings.HOST.strip("[]")
bind = f"[{_host}]:{settings.PORT}" if ":" in _host else f"{_host}:{settings.PORT}"
wsgi_app = "whisperx_site.wsgi:application"
worker_class = "whisperx_site.gunicorn_worker.Worker"
logger_class = "whisperx_site.gunicorn_worker.QuietLogger"
reuse_port = sys.platform == "linux"  # elsewhere it does not spread connections
workers = settings.SITE["WEB_WORKERS"]
worker_connections = 4000
keepalive = 75
timeout = 120
graceful_timeout = 1  # an upload that is cut goes on elsewhere, and idle connections count, too
# Long metadata reaches our own check, which says what is wrong with it.
limit_request_field_size = 65536
# Nobody is trusted for what a proxy adds: whisperx_site.accounts.access decides.
forwarded_allow_ips = ""
control_socket_disable = True
logconfig_dict = settings.LOGGING


def pre_request(worker: Any, request: Any) -> None:
    """Let an upload that is refused midway say `Connection: close` (see uploads.bodies)."""
    request.body.announce_close = request.force_close
