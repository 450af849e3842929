"""Runs the site's services together in the foreground, and leaves no process behind."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

logger = logging.getLogger("site")

STOP_WITHIN = 6.0  # seconds for services to stop by themselves before they are killed
ORPHAN_STOP_WITHIN = 2.0  # the same, after our own parent was killed
RESTART_DELAYS = (0.5, 1, 2, 5, 10, 30)  # seconds before a dead service is restarted
HEALTHY_AFTER = 60.0  # seconds of running after which earlier deaths are forgotten
CHECK_EVERY = 30.0  # seconds between checks of the services' progress
SETTLED_AFTER = 60.0  # seconds before a new service is checked: schedules first run after 30
LOOKS = 3  # checks in a row that must find a service stuck: a machine that slept needs time


@dataclass
class Service:
    """One child process group.

    Attributes:
        name: Its name in the log.
        command: Its command line.
        environment: Variables in addition to this process's own.
        is_stuck: Called now and then: a reason to restart it although it runs, or an empty text.
        on_end: Called when it has ended, for any reason, before it is restarted.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_stuck: Callable[[], str] = lambda: ""
    on_end: Callable[[], None] = lambda: None
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    deaths: int = 0
    start_at: float = 0.0
    looks: int = 0

    def start(self) -> None:
        """Starts it below a process guard, in its own process group."""
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "whisperx_site.processes.process_guard", *self.command],
            stdin=subprocess.PIPE,
            env={**environment_of_services(), **self.environment, "SITE_PROCESS": self.name},
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
            creationflags=flags,
        )
        self.started = time.monotonic()
        self.looks = 0

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None and self.process.stdin:
            try:
                self.process.stdin.write(b"stop\n")
                self.process.stdin.flush()
            except OSError:
                logger.debug("%s ended before it was asked to", self.name)

    def kill(self) -> None:
        """Kills it and all its children."""
        if self.process is None:
            return
        if hasattr(os, "killpg"):
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                logger.debug("%s has no processes left", self.name)
        if self.process.stdin:
            self.process.stdin.close()  # without process groups, the process guard ends the rest
        self.process.wait()
        self.process = None

    def watch(self) -> None:
        """Restarts it if it died."""
        if self.process is None:
            if time.monotonic() >= self.start_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        if time.monotonic() - self.started > HEALTHY_AFTER:
            self.deaths = 0
        delay = RESTART_DELAYS[min(self.deaths, len(RESTART_DELAYS) - 1)]
        logger.error("%s ended (exit code %s); restarting in %s s", self.name, code, delay)
        self.deaths += 1
        self.kill()
        self.on_end()
        self.start_at = time.monotonic() + delay

    def check(self) -> None:
        """Restarts it if it runs without progress."""
        settled = time.monotonic() - self.started > SETTLED_AFTER
        reason = self.is_stuck() if self.process and settled else ""
        self.looks = self.looks + 1 if reason else 0
        if self.looks < LOOKS:
            return
        logger.error("%s is stuck (%s) and is restarted", self.name, reason)
        self.kill()
        self.on_end()
        self.start_at = time.monotonic()


def environment_of_services() -> dict[str, str]:
    """This process's environment without what only the start needs."""
    return {name: value for name, value in os.environ.items() if name != "ADMIN_PASSWORD"}


def run(
    services: list[Service],
    parent: int | None = None,
    check_every: float = CHECK_EVERY,
    keep_house: Callable[[], None] = lambda: None,
) -> None:
    """Runs the services until SIGINT or SIGTERM.

    Args:
        services: What to run.
        parent: Also stop when this process is no longer our parent (it was killed).
        check_every: Seconds between checks of the services' progress.
        keep_house: Called as often, even while the services can't work.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            continue  # nohup: the site must survive its terminal
        signal.signal(number, on_signal)
    next_check = time.monotonic() + check_every
    try:
        while not stop.is_set() and (parent is None or os.getppid() == parent):
            for service in services:
                service.watch()
            if time.monotonic() >= next_check:
                next_check = time.monotonic() + check_every
                keep_house()
                for service in services:
                    service.check()
            stop.wait(0.2)
        logger.info("stopping")
        end_all(services, STOP_WITHIN if stop.is_set() else ORPHAN_STOP_WITHIN)
    finally:
        for service in services:
            service.kill()
    logger.info("stopped")


def end_all(services: list[Service], within: float) -> None:
    """Asks all services to stop, and waits for at most that many seconds."""
    for service in services:
        service.ask_to_stop()
    deadline = time.monotonic() + within
    while time.monotonic() < deadline and any(
        service.process and service.process.poll() is None for service in services
    ):
        time.sleep(0.05)
