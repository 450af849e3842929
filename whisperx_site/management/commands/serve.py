"""`manage.py serve`: the whole product in the foreground, on one machine."""

import os
import signal
import socket
from dataclasses import dataclass
from threading import Event
from types import FrameType
from typing import Any

import filelock
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import OperationalError, connections

from transcription.services.jobs import leases as jobs
from transcription.services.jobs.queue import nudge_outlook
from uploads import tasks as housekeeping
from uploads.services.error_mapping import is_disk_full
from uploads.services.maintenance import ballast, heartbeat
from whisperx_site.accounts import local_key, login_link
from whisperx_site.configuration import open_files
from whisperx_site.configuration.site_url import site_address
from whisperx_site.processes import preparation
from whisperx_site.processes.housekeeping import free_light_queue, set_schedules_right
from whisperx_site.processes.services import all_services, keep_house
from whisperx_site.processes.supervisor import CHECK_EVERY, run


class Command(BaseCommand):
    """Prepares database, files and first user, then runs web server and workers."""

    help = "Run the web server, the housekeeping worker and the job worker together."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, start, and stay until SIGINT or SIGTERM."""
        os.umask(0o077)  # what the site keeps is nobody else's on this machine
        refuse_places()
        open_files.raise_limit()
        ballast.make_room()
        lock = preparation.lock_of_site()
        try:
            lock.acquire(timeout=1, blocking=True)  # others may be looking whether a site runs
        except filelock.Timeout as taken:
            raise CommandError(
                f"Another site already runs on {settings.DATA_DIR}; name another DATA_DIR."
            ) from taken
        with lock:
            asked_to_stop = remember_interrupts()
            try:
                self.say_where(self.prepare())
                if asked_to_stop.is_set():
                    raise KeyboardInterrupt
                check_every = min(CHECK_EVERY, settings.SITE["WORKER_STALL_TIMEOUT"] / 10)
                run(all_services(), parent_process(), check_every, keep_house)
            except KeyboardInterrupt:  # Ctrl-C before anything ran
                self.stderr.write("stopped")

    def prepare(self) -> "WaysIn":
        """All that must be done first; returns what the start has to tell of the ways in."""
        refuse_taken_port()
        preparation.make_directories()
        try:
            preparation.prepare_database()
            preparation.examine_store()
            heartbeat.beat(starting=True)
            set_schedules_right()
            preparation.collect_static_files()
            password = preparation.make_first_staff_user()
            remark = local_key.ensure()
            login_link.forget()
            link = login_link.make(site_address()) if self.at_terminal() else None
            jobs.recover_on_startup()
            free_light_queue()
            housekeeping.enqueue_cleanup("start")
            nudge_outlook()
            ballast.keep()
        except (OSError, DatabaseError) as problem:
            if is_disk_full(problem):
                where = f"The disk of {settings.DATA_DIR} is full"
                raise CommandError(f"{where}: make room on it, then start again.") from problem
            if not isinstance(problem, OperationalError):
                raise
            raise CommandError(f"The database does not answer: {problem}".rstrip()) from problem
        finally:
            connections.close_all()
        return WaysIn(password, link, remark)

    def at_terminal(self) -> bool:
        """Whether people read what is printed; else it is kept, where a link must not lie."""
        return self.stdout.isatty()

    def say_where(self, ways: "WaysIn") -> None:
        """Print the address, the ways in and, once, the first password."""
        say = self.stdout.write
        say(f"\n  The site is at  {site_address()}/\n")
        if ways.link:
            say(f"  Log in          {ways.link}\n")
            say("  (this link works once, within 15 minutes)\n")
        else:
            say("  Log in          run `manage.py login_link` here, which prints a link\n")
        if ways.password:
            say(f"  Staff user      admin\n  Password        {ways.password}\n")
            say("  (shown only now; change it in the admin)\n")
        say(f"\n  {local_key.sentence()}\n")
        if ways.remark:
            say(f"  {ways.remark}\n")
        say("\n")
        self.stdout.flush()


@dataclass(frozen=True)
class WaysIn:
    """What a start tells.

    Attributes:
        password: Of the first staff user, if one was made.
        link: Which signs a browser in, where there is a terminal.
        remark: What is amiss with the key of programs on this machine; else empty.
    """

    password: str | None
    link: str | None
    remark: str


def remember_interrupts() -> Event:
    """Note Ctrl-C besides raising it.

    Raised while Python runs a callback of its garbage collection, it is only reported, and lost.
    """
    asked = Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        asked.set()
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # else it is to be ignored
        signal.signal(signal.SIGINT, on_interrupt)
    return asked


def refuse_places() -> None:
    """Say at once where the site cannot live."""
    if os.environ.get("SCRIPT_NAME"):
        raise CommandError(
            "SCRIPT_NAME is set, but the site cannot live below a path of its host. Give it a host "
            "name or a port of its own, and start it without SCRIPT_NAME."
        )
    if not os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        raise CommandError(
            f"DATA_DIR ({settings.DATA_DIR}) takes no writes. Make it writable for the user who "
            "starts the site, or name another DATA_DIR."
        )


def refuse_taken_port() -> None:
    """Say at once what the web server would only retry."""
    host = settings.HOST.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, settings.PORT))
        except OSError as taken:
            raise CommandError(
                f"Cannot listen on {settings.HOST} port {settings.PORT} ({taken.strerror}); "
                "name another, such as PORT=8001."
            ) from taken


def parent_process() -> int | None:
    """The process whose end is ours, too; make says which."""
    said = os.environ.get("SERVE_PARENT", "")
    return int(said) if said.isdecimal() and os.name == "posix" else None
