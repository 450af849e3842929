"""Supervises one service: starts it, and ends it when its parent dies.

`python -m whisperx_site.processes.process_guard COMMAND…`.

The parent holds the other end of this process's standard input. A line asks the service to stop;
the end of input means that the parent is gone, however it died, and ends the service and its
children. It is a separate process because services fork and can't keep a thread for this (gunicorn,
gevent, django-q), and because this works on every platform.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import psutil

# Seconds between looks at the children, on systems without process groups.
CHILDREN_POLL_SECONDS = 1.0
HAS_GROUPS = hasattr(os, "killpg")


class ProcessGuard:
    """One service and its children."""

    def __init__(self, command: list[str]) -> None:
        # The service must not inherit ignored signals, nor this process's standard input.
        self.service = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            preexec_fn=default_signals if os.name == "posix" else None,
        )
        self.children: list[psutil.Process] = []

    def listen(self) -> None:
        """Follows the parent's requests until its end of input."""
        while os.read(0, 64):  # not sys.stdin: its lock would be held when this process exits
            self.look_at_family()
            self.service.terminate()
        if HAS_GROUPS:
            os.killpg(os.getpgid(0), signal.SIGKILL)  # this process leads its own group
        self.look_at_family()
        self.service.kill()
        self.end_children()

    def wait(self) -> int:
        """Waits until the service ends, and ends its remaining children.

        Returns:
            The service's exit code.
        """
        if HAS_GROUPS:
            return self.service.wait()  # the parent then ends this group
        while self.service.poll() is None:
            self.look_at_family()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.service.wait(CHILDREN_POLL_SECONDS)
        self.end_children()
        return self.service.wait()

    def look_at_family(self) -> None:
        """Remembers the service's children: they can't be found once it has ended."""
        if HAS_GROUPS:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            self.children = (
                psutil.Process(self.service.pid).children(recursive=True) or self.children
            )

    def end_children(self) -> None:
        for process in self.children:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def default_signals() -> None:
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def main() -> int:
    """Starts the service and waits for it.

    Returns:
        The service's exit code.
    """
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    guard = ProcessGuard(sys.argv[1:])
    threading.Thread(target=guard.listen, daemon=True).start()
    return guard.wait()


if __name__ == "__main__":
    sys.exit(main())
