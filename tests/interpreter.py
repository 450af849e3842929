"""A site's Django shell that stays open: a question costs a moment, not the start of Django."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 120
"""An answer that takes longer ends the shell."""
LOOP = """
import contextlib, io, json, os, sys, traceback
from django.db import connections
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for question in sys.stdin:
    printed, problem = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            exec(json.loads(question), dict(globals()))
        except BaseException:
            problem = traceback.format_exc()
    connections.close_all()
    print(json.dumps([printed.getvalue(), problem]), file=answers, flush=True)
"""


class Interpreter:
    """One process that runs Python in a Django project, again and again.

    Args:
        command: What runs `manage.py`.
        environment: Of the process.
        folder: Where it runs.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.command = list(command)
        self.environment = dict(environment)
        self._lock = threading.Lock()
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - as long as it
        self._process = subprocess.Popen(
            [*command, "shell", "-v0", "-c", LOOP],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def fits(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Whether it runs, and was started like this."""
        same = self.command == list(command) and self.environment == dict(environment)
        return same and self._process.poll() is None

    def run(self, code: str) -> str:
        """What this code prints.

        Raises:
            AssertionError: It failed, or the process ended.
        """
        process = self._process
        assert process.stdin and process.stdout
        with self._lock:
            watch = threading.Timer(SECONDS, process.kill)
            watch.start()
            try:
                print(json.dumps(code), file=process.stdin, flush=True)
                answer = process.stdout.readline()
            finally:
                watch.cancel()
        if not answer:
            self._errors.seek(0)
            raise AssertionError(f"The shell ended: {self._errors.read()[-3000:]}")
        printed, problem = json.loads(answer)
        if problem:
            raise AssertionError(problem)
        return str(printed)

    def close(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()
