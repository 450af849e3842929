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
from django.core.management.base import CommandError
from django.db import Error as DatabaseError
from django.db import OperationalError, connections

from transcription.services.jobs import leases as jobs
from transcription.services.jobs.queue import enqueue_outlook
from uploads import tasks as housekeeping
from uploads.services.error_mapping import is_disk_full
from uploads.services.maintenance import ballast, heartbeat
from whisperx_site.accounts import local_key, login_link
from whisperx_site.command_line.logged_output import LoggedCommand
from whisperx_site.configuration import open_files
from whisperx_site.configuration.site_url import site_address
from whisperx_site.monitoring import counter_files
from whisperx_site.processes import preparation, site_processes
from whisperx_site.processes.housekeeping import free_light_queue, set_schedules_right
from whisperx_site.processes.services import all_services, keep_house
from whisperx_site.processes.supervisor import CHECK_EVERY, run


class Command(LoggedCommand):
    """Prepares database, files and the first user, then runs web server and workers."""

    help = "Run the web server, the housekeeping worker and the job worker together."

    def check(self, *args: Any, **options: Any) -> None:
        """Django 6.1 would open the database, which a full disk may prevent until there is room."""
        super().check(*args, **{**options, "databases": []})

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until SIGINT or SIGTERM."""
        os.umask(0o077)  # files of the site are private to its system user
        refuse_places()
        open_files.raise_limit()
        ballast.make_room()
        lock = preparation.lock_of_site()
        try:
            lock.acquire(timeout=1, blocking=True)  # others may be looking whether a site runs
        except filelock.Timeout as taken:
            raise CommandError(
                f"Another site is already running on {settings.DATA_DIR}; set another DATA_DIR."
            ) from taken
        with lock:
            asked_to_stop = remember_interrupts()
            try:
                self.say_where(self.prepare())
                if asked_to_stop.is_set():
                    raise KeyboardInterrupt
                site_processes.remember()
                check_every = min(CHECK_EVERY, settings.SITE["WORKER_STALL_TIMEOUT"] / 10)
                run(all_services(), parent_process(), check_every, keep_house)
            except KeyboardInterrupt:  # Ctrl-C before anything was started
                self.stderr.write("stopped")

    def prepare(self) -> "WaysIn":
        """Prepares everything; returns the ways to log in."""
        refuse_taken_port()
        preparation.make_directories()
        counter_files.forget()
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
            enqueue_outlook()
            ballast.keep()
        except (OSError, DatabaseError) as problem:
            if is_disk_full(problem):
                where = f"The disk of {settings.DATA_DIR} is full"
                raise CommandError(f"{where}: free some space, then start again.") from problem
            if not isinstance(problem, OperationalError):
                raise
            raise CommandError(f"The database doesn't answer: {problem}".rstrip()) from problem
        finally:
            connections.close_all()
        return WaysIn(password, link, remark)

    def at_terminal(self) -> bool:
        """Whether a terminal shows the output; otherwise it is logged, where a link must not
        appear."""
        return self.stdout.isatty()

    def say_where(self, ways: "WaysIn") -> None:
        """Prints the address, the ways to log in and, once, the first password."""
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
    """The ways to log in.

    Attributes:
        password: The first staff user's, if one was created.
        link: Logs a browser in, if there is a terminal.
        remark: A problem with the key for programs on this machine; else empty.
    """

    password: str | None
    link: str | None
    remark: str


def remember_interrupts() -> Event:
    """Records Ctrl-C in addition to raising it.

    During a garbage collection callback, Python only reports the exception and loses it.
    """
    asked = Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        asked.set()
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # it is ignored otherwise
        signal.signal(signal.SIGINT, on_interrupt)
    return asked


def refuse_places() -> None:
    """Fails early if the site can't run with these settings."""
    if os.environ.get("SCRIPT_NAME"):
        raise CommandError(
            "SCRIPT_NAME is set, but the site can't run below a path. Give it its own host name or "
            "port, and start it without SCRIPT_NAME."
        )
    if not os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        raise CommandError(
            f"DATA_DIR ({settings.DATA_DIR}) isn't writable. Make it writable for the user who "
            "starts the site, or set another DATA_DIR."
        )


def refuse_taken_port() -> None:
    """Fails early; the web server would only retry."""
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
                "set another one, such as PORT=8001."
            ) from taken


def parent_process() -> int | None:
    """The process whose end also ends the site; make sets it."""
    said = os.environ.get("SERVE_PARENT", "")
    return int(said) if said.isdecimal() and os.name == "posix" else None
