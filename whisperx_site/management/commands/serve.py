"""`manage.py serve`: the whole product in the foreground, on one machine."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import filelock
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from transcription.services import claim as jobs
from uploads import tasks as housekeeping
from whisperx_site import preparation
from whisperx_site.housekeeping import light_is_stuck
from whisperx_site.supervisor import Service, run


class Command(BaseCommand):
    """Prepares database, files and first user, then runs web server and workers."""

    help = "Run the web server, the housekeeping worker and the job worker together."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, start, and stay until SIGINT or SIGTERM."""
        lock = filelock.FileLock(Path(settings.DATA_DIR) / "serve.lock", blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout as taken:
            raise CommandError(
                f"Another site already runs on {settings.DATA_DIR}; name another DATA_DIR."
            ) from taken
        with lock:
            self.refuse_taken_port()
            preparation.make_directories()
            preparation.prepare_database()
            preparation.collect_static_files()
            password = preparation.make_first_staff_user()
            jobs.start_afresh()
            housekeeping.enqueue_cleanup("start")
            connections.close_all()
            self.say_where(password)
            parent = int(os.environ["SERVE_PARENT"]) if "SERVE_PARENT" in os.environ else None
            run(services(), parent)

    def refuse_taken_port(self) -> None:
        """Say at once what gunicorn would only retry."""
        family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
        with socket.socket(family) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.HOST.strip("[]"), settings.PORT))
            except OSError as taken:
                raise CommandError(
                    f"Cannot listen on {settings.HOST} port {settings.PORT} ({taken.strerror}); "
                    "name another, such as PORT=8001."
                ) from taken

    def say_where(self, password: str | None) -> None:
        """Print the address and, once, the first password."""
        name = settings.HOST if settings.HOST not in ("0.0.0.0", "::") else socket.gethostname()
        address = settings.PUBLIC_URL or f"http://{name}:{settings.PORT}"
        self.stdout.write(f"\n  The site is at  {address}/\n")
        if password:
            self.stdout.write(f"  Staff user      admin\n  Password        {password}\n")
            self.stdout.write("  (shown only now; change it in the admin)\n")
        self.stdout.write("\n")
        self.stdout.flush()


def services() -> list[Service]:
    """Web server, light worker (housekeeping) and heavy worker (jobs)."""
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    if os.name == "posix":
        web = [sys.executable, "-m", "gunicorn", "-c", "python:whisperx_site.gunicorn_settings"]
    else:
        web = [sys.executable, "-m", "granian", "--interface", "wsgi"]
        web += ["--host", settings.HOST, "--port", str(settings.PORT), "--blocking-threads", "32"]
        web += ["whisperx_site.wsgi:application"]
    return [
        Service("web", web, {"PYTHONPATH": str(settings.BASE_DIR)}),
        Service("light", [*manage, "qcluster"], is_stuck=light_is_stuck),
        Service("heavy", [*manage, "qcluster"], {"Q_CLUSTER_NAME": "heavy"}, is_stuck=jobs.stuck),
    ]
