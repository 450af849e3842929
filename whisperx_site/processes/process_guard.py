"""Starts one service of the site and ends it with its parent.

`python -m whisperx_site.processes.process_guard COMMAND…`.

The parent holds the other end of our standard input. A line there asks the service to stop; its
end means that the parent is gone, however it died, and ends the service with all that it started.
This is a process of its own because a service forks and may not keep threads (gunicorn, gevent,
django-q), and because the way works on every platform.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import psutil

# Between looks at the children, where the system keeps no process group.
CHILDREN_POLL_SECONDS = 1.0
HAS_GROUPS = hasattr(os, "killpg")


class ProcessGuard:
    """One service and all that it starts."""

    def __init__(self, command: list[str]) -> None:
        # The service must not inherit that it shall ignore signals, nor our end of the leash.
        self.service = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            preexec_fn=default_signals if os.name == "posix" else None,
        )
        self.children: list[psutil.Process] = []

    def listen(self) -> None:
        """Do what the parent says, until it says nothing any more."""
        while os.read(0, 64):  # not sys.stdin: its lock would be held when this process ends
            self.look_at_family()
            self.service.terminate()
        if HAS_GROUPS:
            os.killpg(os.getpgid(0), signal.SIGKILL)  # we are the leader of a group of our own
        self.look_at_family()
        self.service.kill()
        self.end_children()

    def wait(self) -> int:
        """Wait for the service's end, and end what it leaves behind.

        Returns:
            Its exit code.
        """
        if HAS_GROUPS:
            return self.service.wait()  # the parent then ends our group
        while self.service.poll() is None:
            self.look_at_family()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.service.wait(CHILDREN_POLL_SECONDS)
        self.end_children()
        return self.service.wait()

    def look_at_family(self) -> None:
        """Remember who belongs to the service: once it has ended, nobody can tell."""
        if HAS_GROUPS:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            self.children = (
                psutil.Process(self.service.pid).children(recursive=True) or self.children
            )

    def end_children(self) -> None:
        """Kill all that the service has started."""
        for process in self.children:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def default_signals() -> None:
    """As if we ignored nothing."""
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def main() -> int:
    """Start the service and wait for it.

    Returns:
        The service's exit code.
    """
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    leash = ProcessGuard(sys.argv[1:])
    threading.Thread(target=leash.listen, daemon=True).start()
    return leash.wait()


if __name__ == "__main__":
    sys.exit(main())
