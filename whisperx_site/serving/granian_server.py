"""The site on granian, which also runs on Windows.

`python -m whisperx_site.serving.granian_server`.
"""

import logging
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")
os.environ.setdefault("SITE_PROCESS", "web")

import django
from django.conf import settings
from granian.constants import Interfaces
from granian.server import Server

# Requests that run at once, most of them waiting for bytes of slow clients. Each thread keeps its
# database connection between requests, and closes it when it ends after being idle.
THREADS = 64


def is_news(record: logging.LogRecord) -> bool:
    """Drops granian's advice about THREADS."""
    return "Python threads" not in record.getMessage()


def main() -> None:
    """Serves until asked to stop. granian spawns its workers."""
    django.setup(set_prefix=False)
    logging.getLogger("_granian").addFilter(is_news)
    Server(
        "whisperx_site.wsgi:application",
        address=settings.HOST.strip("[]"),
        port=settings.PORT,
        interface=Interfaces.WSGI,
        workers=settings.SITE["WEB_WORKERS"],
        blocking_threads=THREADS,
        workers_kill_timeout=3,
        respawn_failed_workers=True,
        websockets=False,
        log_dictconfig=settings.LOGGING,
    ).serve()


if __name__ == "__main__":
    main()
