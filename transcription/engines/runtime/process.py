"""Starts child processes: which Python, which environment, which priority."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
STDERR_BYTES = 2048
SECRET_NAME = re.compile(
    "PASSW|SECRET|CREDENTIAL|(^|_)(AUTH|DSN|PASS|TOKENS?)(_|$)|KEY(_|$)|_PWD$"
    "|^(DATABASE|CACHE|REDIS|BROKER)_URL$",
    re.IGNORECASE,
)
PASSWORD_IN_ADDRESS = re.compile("://[^/@ ]*:[^/@ ]*@")


class ChildProcess:
    """A process that reads and writes JSON lines.

    Threads read its pipes: Windows can't wait for several at a time.

    Args:
        module: The module for `python -m`.
        arguments: The module's arguments.
        environment: Variables to add or replace.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], environment: dict[str, str] | None = None
    ) -> None:
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._stderr = b""
        self.process = start(module, arguments, subprocess.PIPE, environment)
        self._drainer = threading.Thread(target=self._drain, daemon=True)
        self._drainer.start()
        threading.Thread(target=self._read, daemon=True).start()

    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, message: dict[str, Any]) -> None:
        """Writes a line. If the child is gone, `receive` says so."""
        assert self.process.stdin
        with suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """The next message; None if none came in that time.

        The last message is {"event": "died", "status": exit status, "stderr": last output}.
        """
        try:
            return self._messages.get(timeout=seconds)
        except queue.Empty:
            return None

    def kill(self) -> None:
        """Kills it and waits until it is gone."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin
        with suppress(OSError):
            self.process.stdin.close()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as stdout:
            for line in stdout:
                with suppress(ValueError):
                    self._messages.put(json.loads(line))
        status = self.process.wait()
        self._drainer.join(1.0)
        stderr = self._stderr.decode(errors="replace").strip()
        self._messages.put({"event": "died", "status": status, "stderr": stderr})

    def _drain(self) -> None:
        assert self.process.stderr
        with self.process.stderr as stderr:
            while data := os.read(stderr.fileno(), 4096):
                self._stderr = (self._stderr + data)[-STDERR_BYTES:]


def start(
    module: str,
    arguments: Sequence[str],
    stderr: int | None,
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts one of our modules as a process, with pipes for stdin and stdout.

    Args:
        module: The module for `python -m`.
        arguments: The module's arguments.
        stderr: Where its errors go, as for `subprocess`.
        environment: Variables to add or replace.
    """
    return subprocess.Popen(
        # -P: a file in the working folder must not be imported instead of one of our modules
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=_environment(environment or {}),
        creationflags=_creation_flags(),
    )


def _environment(extra: dict[str, str]) -> dict[str, str]:
    """Our environment without secrets, with the project importable and telemetry off."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **{name: value for name, value in os.environ.items() if not is_secret(name, value)},
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONIOENCODING": "utf-8",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        **extra,
    }


def is_secret(name: str, value: str) -> bool:
    """Whether a variable may contain something that a process that reads hostile media must not
    know.

    Args:
        name: Its name; any variable of the machine, not only the site's settings.
        value: Its content; a URL with a password is a secret, too.
    """
    return bool(SECRET_NAME.search(name) or PASSWORD_IN_ADDRESS.search(value))


def secrets_for_downloads() -> dict[str, str]:
    """Secrets that only a download from the model hub needs: its key, and proxies."""
    return {
        name: value
        for name, value in os.environ.items()
        if is_secret(name, value) and (name.startswith("HF_") or name.upper().endswith("_PROXY"))
    }


def _creation_flags() -> int:
    """Windows: no console window, and lower priority than the web server."""
    if sys.platform != "win32":
        return 0
    return subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
