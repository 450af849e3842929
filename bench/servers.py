"""The candidates: how each is started, where it stores bytes, and which processes belong to it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

from bench.peers.install import Peers
from bench.processes import Processes, process_tree
from bench.stored import put_aside
from bench.wire import Target, receive

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90
STOP_SECONDS = 15
# Names of the commands that serve HTTP below `manage.py serve`; the rest are its queue workers.
WEB = ("gunicorn", "granian_server")
LEASH = "whisperx_site.processes.process_guard"
# Settings that must differ from those of a site in this directory, whose data would otherwise
# be changed. An empty value is the default, also if a .env file says otherwise.
OF_ITS_OWN = (
    *("DATABASE_URL", "CACHE_URL", "UPLOADS_DIR", "MODELS_DIR", "WORK_DIR", "SECRET_KEY"),
    *("PUBLIC_URL", "ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "ALLOW_ANONYMOUS", "ADMIN_PASSWORD"),
    *("UPLOADS_STORE", "UPLOADS_MAX_SIZE", "UPLOADS_MIN_FREE_SPACE", "UPLOADS_IDLE_TIMEOUT"),
    *("UPLOADS_EXPIRE_AFTER", "DEBUG", "LOG_LEVEL", "HEAVY_WORKERS"),
)
# Settings whose values may be compared; the report names those that are not the default.
CHOSEN = ("WEB_WORKERS", "WEB_SERVER", "UPLOADS_DURABILITY")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One candidate, restarted with an empty directory for each group of cases."""

    name = ""
    title = ""
    path = "/files"

    def __init__(self, directory: Path) -> None:
        self.directory = directory / self.name
        self.aside = directory / "aside"  # see bench.stored.check_short
        self.log = directory / f"{self.name}.log"
        self.target = Target(0, self.path)
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, port: int) -> list[str]:
        """What starts it."""
        raise NotImplementedError

    def environment(self, port: int) -> dict[str, str]:
        """Its environment variables, in addition to ours."""
        return {}

    def start(self) -> None:
        """Starts it and waits until it answers.

        Raises:
            RuntimeError: It does not.
        """
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        port = free_port()
        self.target = Target(port, self.path)
        inherited = {name: value for name, value in os.environ.items() if name != "SERVE_PARENT"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(port),
                cwd=ROOT,
                env={**inherited, **self.environment(port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for_answer()

    def wait_for_answer(self) -> None:
        """Until OPTIONS is answered."""
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            ended = self.process is None or self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                words = self.log.read_text(errors="replace")[-1500:]
                raise RuntimeError(f"{self.name} does not start: {words}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether a request is answered without a server error."""
        host = f"{self.target.host}:{self.target.port}"
        request = f"OPTIONS {self.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        try:
            with self.target.connect(5) as connection:
                connection.sendall(request.encode())
                return receive(connection).status < 500
        except OSError:
            return False

    def web_processes(self) -> Processes:
        """The processes whose CPU and memory are the server's."""
        return process_tree(self.pid)

    def other_processes(self) -> Processes:
        """Its other processes, counted separately."""
        web = {process.pid for process in self.web_processes()}
        return [process for process in process_tree(self.pid) if process.pid not in web]

    @property
    def key(self) -> str:
        """The header that its clients must send; empty: none."""
        return ""

    @property
    def pid(self) -> int:
        """The first process."""
        assert self.process is not None
        return self.process.pid

    def stop(self) -> None:
        """Ends it with all its processes, and moves what it stored aside."""
        if self.process is None:
            return
        members = process_tree(self.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for member in members:
            try:
                member.kill()  # psutil checks that the id is still the same process
            except psutil.NoSuchProcess:
                continue
        self.process = None
        put_aside([self.directory], self.aside)


class Limit(Server):
    """The machine's own limit."""

    name = "limit"
    title = "the machine's limit"

    def command(self, port: int) -> list[str]:
        return [sys.executable, "-m", "bench.limit", str(port), str(self.directory)]


class Ours(Server):
    """The whole product, as `make run` starts it. Clients send a key, which the others don't
    need: looking it up is a part of a request's cost here.
    """

    name = "ours"
    title = "this server"
    path = "/uploads/files/"

    def command(self, port: int) -> list[str]:
        return [sys.executable, "manage.py", "serve"]

    def environment(self, port: int) -> dict[str, str]:
        return {
            **dict.fromkeys(OF_ITS_OWN, ""),
            **{name: os.environ.get(name, "") for name in CHOSEN},
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATA_DIR": str(self.directory),
            "UPLOADS_ACCEPT": "any",
            "LIGHT_WORKERS": "1",
        }

    @property
    def key(self) -> str:
        return (self.directory / "local_key").read_text().strip()

    def web_processes(self) -> Processes:
        found: dict[int, psutil.Process] = {}
        for process in process_tree(self.pid):
            try:
                command = " ".join(process.cmdline())
            except psutil.NoSuchProcess:
                continue
            if LEASH not in command and any(word in command for word in WEB):
                found |= {member.pid: member for member in process_tree(process.pid)}
        return list(found.values())


class TusNode(Server):
    """@tus/server with its file store: one Node process."""

    name = "tus-node"
    title = "@tus/server"

    def __init__(self, directory: Path, peers: Peers) -> None:
        super().__init__(directory)
        self.peers = peers

    def command(self, port: int) -> list[str]:
        assert self.peers.node is not None
        script = self.peers.node_directory / "tus_node.mjs"
        return [self.peers.node, str(script), str(port), str(self.directory)]


class TuspyServer(Server):
    """tuspyserver on uvicorn: one process, with its fast loop and parser, without access log."""

    name = "tuspyserver"
    title = "tuspyserver"

    def __init__(self, directory: Path, peers: Peers) -> None:
        super().__init__(directory)
        self.peers = peers

    def command(self, port: int) -> list[str]:
        place = Path(__file__).parent / "peers"
        fast = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
        named = ["--app-dir", str(place), "tuspyserver_app:app", "--port", str(port)]
        return [str(self.peers.python), "-m", "uvicorn", *named, *fast]

    def environment(self, port: int) -> dict[str, str]:
        return {"BENCH_FILES": str(self.directory)}


def candidates(directory: Path, peers: Peers, names: list[str]) -> list[Server]:
    """The servers that take part, in the order of a round."""
    servers: list[Server] = [Limit(directory), Ours(directory)]
    if peers.node:
        servers.append(TusNode(directory, peers))
    if peers.python:
        servers.append(TuspyServer(directory, peers))
    return [server for server in servers if server.name in names]
