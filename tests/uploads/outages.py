"""Faults of the machine under a running site: real ones, which begin and end while it serves."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.running import Site, free_port, wait_for

Outage = Callable[[], AbstractContextManager[None]]

NAMESPACE = ["unshare", "--mount", "--propagation", "private", "--"]
MOUNT = (
    'mount -t tmpfs -o size=64m,mode=0700 data "$0" && mkdir "$0/uploads" && '
    'mount -t tmpfs -o size=48m,mode=0700 uploads "$0/uploads" && exec "$@"'
)
POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]


def can_mount() -> bool:
    """Whether this machine allows separate disks for a site; most containers do not."""
    attempt = [*NAMESPACE, "mount", "-t", "tmpfs", "faults", "/mnt"]
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(attempt, capture_output=True, check=False).returncode == 0
    return False


def web_processes(site: Site) -> list[psutil.Process]:
    """gunicorn: its master first, then its workers."""
    found = []
    for member in site.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            words = member.cmdline()
            if "gunicorn" in words and "whisperx_site.processes.process_guard" not in words:
                found.append(member)
    return found


class OwnDisks:
    """Two small file systems in the site's own mount namespace: DATA_DIR and UPLOADS_DIR."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.chance = random.Random(seed)
        site.data_dir.mkdir()
        site.prefix = [*NAMESPACE, "sh", "-c", MOUNT, str(site.data_dir)]
        site.key_file = lambda: self.data / "local_key"
        self.uploads = site.data_dir / "uploads"

    @property
    def data(self) -> Path:
        """DATA_DIR as the site sees it."""
        assert self.site.process
        return Path(f"/proc/{self.site.process.pid}/root{self.site.data_dir}")

    @property
    def store(self) -> Path:
        return self.data / "uploads"

    def _mount(self, *arguments: str) -> None:
        assert self.site.process
        inside = ["nsenter", "--target", str(self.site.process.pid), "--mount", "mount"]
        subprocess.run([*inside, *arguments], check=True)

    @contextmanager
    def full(self, *others: Path) -> Iterator[None]:
        """Fills the disk; a body in progress still gets some of it."""
        fillers = [folder / "filler" for folder in (self.store, *others)]
        for filler in fillers:
            left = self.chance.randint(0, 200_000)
            with filler.open("wb") as file:
                free = psutil.disk_usage(str(filler.parent)).free
                os.posix_fallocate(file.fileno(), 0, max(free - left, 1))
        yield
        for filler in fillers:
            filler.unlink()

    def all_full(self) -> AbstractContextManager[None]:
        """The same if the database is on it, too."""
        return self.full(self.data)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """A disk that is being written can't be made read-only: the processes that write are
        killed before, and leave their right to write behind.
        """
        for process in web_processes(self.site)[1:]:
            process.kill()
        wait_for(self.site.answers, 20)
        self._mount("-o", "remount,ro", str(self.uploads))
        yield
        self._mount("-o", "remount,rw", str(self.uploads))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Not mounted: an empty directory is in its place."""
        aside = self.site.data_dir / "aside"
        (self.data / "aside").mkdir(exist_ok=True)
        self._mount("--move", str(self.uploads), str(aside))
        yield
        assert not list(self.store.iterdir()), "something was put where the disk is not"
        self._mount("--move", str(aside), str(self.uploads))


class LimitedDisk:
    """Faults that need no right to mount: limits of processes, permissions and names of files."""

    LARGEST = 5_000_000

    def __init__(self, site: Site) -> None:
        self.site = site
        self.store = site.data_dir / "uploads"

    def give_up_power(self) -> None:
        """Starts the site so that permissions apply to it, even if we are root."""
        if os.geteuid() == 0:
            self.site.prefix = POWERLESS

    @contextmanager
    def full(self) -> Iterator[None]:
        """No file of the web server grows beyond LARGEST: the kernel refuses what is too much."""
        members = web_processes(self.site)
        before = [member.rlimit(psutil.RLIMIT_FSIZE) for member in members]
        for member, (_, hard) in zip(members, before, strict=True):
            member.rlimit(psutil.RLIMIT_FSIZE, (self.LARGEST, hard))
        yield
        for member, limits in zip(members, before, strict=True):
            member.rlimit(psutil.RLIMIT_FSIZE, limits)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        before = [(path, path.stat().st_mode) for path in (self.store, *self.store.rglob("*"))]
        for path, mode in before:
            path.chmod(mode & ~0o222)
        yield
        for path, mode in before:
            path.chmod(mode)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Renamed: nothing is in its place."""
        aside = self.store.with_name("aside")
        self.store.rename(aside)
        yield
        assert not self.store.exists(), "another store was made, though there is one"
        aside.rename(self.store)


@contextmanager
def locked_database(site: Site) -> Iterator[None]:
    """Another process holds SQLite's write lock for longer than any request waits."""
    locker = sqlite3.connect(site.data_dir / "db.sqlite3", isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    yield
    locker.execute("ROLLBACK")
    locker.close()


class Relay:
    """Carries TCP connections to a database server, until they are cut."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self.port = free_port()
        login = parts.netloc.rpartition("@")[0]
        self.url = parts._replace(netloc=f"{login}@127.0.0.1:{self.port}").geturl()
        self.ends: set[socket.socket] = set()
        self.listener = self._listen()

    def _listen(self) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self.server)
                for one, other in ((client, server), (server, client)):
                    self.ends.add(one)
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        self.ends.discard(source)
        hang_up(source)
        hang_up(target)

    def cut(self) -> None:
        """Ends all connections; new ones are refused."""
        for end in (self.listener, *self.ends):
            hang_up(end)

    @contextmanager
    def away(self) -> Iterator[None]:
        self.cut()
        yield
        self.listener = self._listen()


def hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
