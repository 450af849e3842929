"""The site on granian, which runs on Windows, too.

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

# So many requests are at work at once, most of them waiting for bytes of slow clients. Each thread
# keeps its database connection from request to request, and gives it up when it is idle and ends.
THREADS = 64


def is_news(record: logging.LogRecord) -> bool:
    """All that granian says but its advice about THREADS."""
    return "Python threads" not in record.getMessage()


def main() -> None:
    """Serve until we are told to stop. granian starts its workers anew by spawn."""
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
