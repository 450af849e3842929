"""A real site for tests: `manage.py serve` in its own process, directory and port."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil
import requests
from filelock import FileLock

from tests.interpreter import Interpreter
from transcription.engines.model_files import built_in

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery staple"
CLOSED_PORT = "http://127.0.0.1:9"
"""A model hub that refuses each connection."""
BUILT_IN_MODEL = {
    "WHISPER_MODEL": built_in.NAME,
    "LANGUAGE_MODEL_OVERRIDES": json.dumps({"en": built_in.NAME}),
}
"""The model of sites that name no engine, also where the API's clients ask for another."""
NOT_PASSED_ON = ("SERVE_PARENT", "PYTEST_CURRENT_TEST")  # the second one differs in each test
SHARED: list[Path] = []  # the folder of all processes of a test session
T = TypeVar("T")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(
    look: Callable[[], T | None], seconds: float = 30, every: float = 0.1, what: str = ""
) -> T:
    """The first true value of `look`."""
    deadline = time.monotonic() + seconds
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or look}; last: {value!r}")
        time.sleep(every)


@functools.cache
def prepared() -> Path:
    """A data directory as after a first start, without the key that each site creates itself.

    Created once per test session, for all its processes.
    """
    if not SHARED:  # a site is run by hand
        SHARED.append(Path(tempfile.mkdtemp(prefix="prepared")))
        atexit.register(shutil.rmtree, SHARED[0])
    folder = SHARED[0] / "prepared"
    with FileLock(SHARED[0] / "prepared.lock"):
        if not folder.exists():
            prepare(folder.with_name("being prepared")).rename(folder)
    return folder


def prepare(folder: Path) -> Path:
    """Does in this directory what a first start does."""
    shutil.rmtree(folder, ignore_errors=True)  # left by an interrupted session
    folder.mkdir()
    code = """from whisperx_site.processes import preparation
preparation.make_directories()
preparation.prepare_database()
preparation.collect_static_files()
preparation.make_first_staff_user()
from whisperx_site.accounts import local_key
assert not local_key.ensure()"""
    site = Site(folder)
    site.shell(code)
    site.close_shell()
    (folder / "secret_key").unlink()
    return folder


class Site:
    """One site; its data directory outlives starts and stops.

    Unless it is `fresh`, its first start finds tables, static files and the first user ready, which
    is most of the work.
    """

    def __init__(self, data_dir: Path, *, fresh: bool = False, **environment: str) -> None:
        self.data_dir = data_dir
        self.fresh = fresh
        self.port = free_port()
        self.log = data_dir.with_suffix(".log")
        self.environment = {
            "ADMIN_PASSWORD": PASSWORD,
            "HF_ENDPOINT": CLOSED_PORT,
            "LIGHT_WORKERS": "1",
            "THREADS": "1",  # several sites run side by side
            **({} if "ENGINE" in environment else BUILT_IN_MODEL),
            **environment,
        }
        self.prefix: list[str] = []  # the command that runs it, such as a container
        self.python = sys.executable
        self.key_file: Callable[[], Path] = lambda: self.data_dir / "local_key"  # as we see it
        self.process: subprocess.Popen[bytes] | None = None
        self.interpreter: Interpreter | None = None
        self.http = requests.Session()
        self.http.headers["Tus-Resumable"] = "1.0.0"
        self.http.auth = self.sign

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """The key of scripts on this machine, which the first start writes; "" before that."""
        try:
            return self.key_file().read_text().strip()
        except FileNotFoundError:
            return ""

    @property
    def authorization(self) -> dict[str, str]:
        """The header with this key."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Adds that key to a request without one."""
        if "Authorization" not in request.headers:
            request.headers.update(self.authorization)
        return request

    @property
    def full_environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON},
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DATA_DIR": str(self.data_dir),
            **self.environment,
        }

    def copy_prepared(self) -> None:
        """Prepares its data directory for a quick first start, if that is allowed."""
        if not self.fresh and not self.data_dir.exists():
            part = "static" if "DATABASE_URL" in self.environment else "."
            shutil.copytree(prepared() / part, self.data_dir / part)

    def start(self, wait: bool = True) -> Site:
        self.copy_prepared()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, self.python, "manage.py", "serve"],
                cwd=ROOT,
                env=self.full_environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            wait_for(self.answers, 90, what=f"start of the site, see {self.log}")
        return self

    def answers(self) -> bool:
        """Whether it serves requests, even if its upload store has a problem."""
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the site ended: {self.log.read_text()[-3000:]}")
        try:
            ready = requests.get(f"{self.url}/health/ready", timeout=5).json()
            return bool(ready["database"] == "connected")
        except requests.RequestException:
            return False

    def processes(self) -> list[psutil.Process]:
        """Every process of the site."""
        if self.process is None:
            return []
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def running(self, word: str) -> list[psutil.Process]:
        """Its processes with this word in their command line, except those that just end."""
        found = []
        for member in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if word in member.cmdline():
                    found.append(member)
        return found

    def stop(self) -> None:
        """Stops it, as Ctrl-C does."""
        self.close_shell()
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
        self.process = None

    def kill_everything(self) -> None:
        """Kills every process at once (SIGKILL)."""
        self.close_shell()
        for member in self.processes():
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        if self.process is not None:
            self.process.wait(15)
        self.process = None

    def manage(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs a management command on the site's data."""
        try:
            return subprocess.run(
                [*self.prefix, self.python, "manage.py", *arguments],
                cwd=ROOT,
                env=self.full_environment,
                capture_output=True,
                text=True,
                check=options.pop("check", True),
                timeout=120,
                **options,
            )
        except subprocess.CalledProcessError as problem:
            problem.add_note(problem.stderr[-3000:])
            raise

    def shell(self, code: str) -> str:
        """Runs Python in the site's Django, in a process that stays; returns its output."""
        command = [*self.prefix, self.python, "manage.py"]
        if self.interpreter and not self.interpreter.fits(command, self.full_environment):
            self.close_shell()
        if self.interpreter is None:
            self.interpreter = Interpreter(command, self.full_environment, ROOT)
        return self.interpreter.run(code)

    def close_shell(self) -> None:
        """Ends that process."""
        if self.interpreter:
            self.interpreter.close()
            self.interpreter = None

    # tus, by hand -------------------------------------------------------------------------------

    def create(
        self, length: int, metadata: Mapping[str, str | bytes] | None = None, **headers: str
    ) -> str:
        """POST; returns the upload's address."""
        response = self.post(length, metadata, **headers)
        assert response.status_code == 201, (response.status_code, response.text)
        return self.url + response.headers["Location"]

    def post(
        self, length: int, metadata: Mapping[str, str | bytes] | None = None, **headers: str
    ) -> requests.Response:
        fields = {"Upload-Length": str(length), **headers}
        if metadata:
            fields["Upload-Metadata"] = encode_metadata(metadata)
        return self.http.post(f"{self.url}/uploads/files/", headers=fields, timeout=30)

    def patch(self, address: str, offset: int, data: Any, **headers: str) -> requests.Response:
        fields = {
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            **headers,
        }
        return self.http.patch(address, data=data, headers=fields, timeout=60)

    def offset(self, address: str) -> int:
        response = self.http.head(address, timeout=30)
        assert response.status_code == 200, response.status_code
        return int(response.headers["Upload-Offset"])

    def upload(self, path: Path, chunk: int = 1 << 20, **metadata: str) -> str:
        """Sends a whole file; returns the upload's address."""
        data = path.read_bytes()
        address = self.create(len(data), {"filename": path.name, **metadata})
        offset = 0
        while offset < len(data):
            response = self.patch(address, offset, data[offset : offset + chunk])
            assert response.status_code == 204, (response.status_code, response.text)
            offset = int(response.headers["Upload-Offset"])
        return address

    def task(self, identifier: str) -> dict[str, Any]:
        response = self.http.get(f"{self.url}/task/{identifier}", timeout=30)
        assert response.status_code == 200, (response.status_code, response.text)
        body: dict[str, Any] = response.json()
        return body

    def wait_for_task(self, identifier: str, seconds: float = 90) -> dict[str, Any]:
        """The task once it has ended."""

        def ended() -> dict[str, Any] | None:
            task = self.task(identifier)
            return task if task["status"] in ("completed", "failed") else None

        return wait_for(ended, seconds, 0.3, f"end of task {identifier}")


def encode_metadata(metadata: Mapping[str, str | bytes]) -> str:
    """Upload-Metadata as clients send it."""
    import base64

    def encoded(value: str | bytes) -> str:
        raw = value.encode() if isinstance(value, str) else value
        return base64.b64encode(raw).decode()

    return ",".join(f"{key} {encoded(value)}".rstrip() for key, value in metadata.items())


def text_of(task: dict[str, Any]) -> str:
    """All words of a task's result."""
    return " ".join(segment["text"] for segment in task["result"]["segments"])
