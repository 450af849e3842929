"""Runs one service of the site on a leash: `python -m whisperx_site.leash COMMAND…`.

The parent holds the other end of our standard input. A line there asks the service to stop; its
end means that the parent is gone, however it died, and ends the service with all that it started.
This is a process of its own because a service forks and may not keep threads (gunicorn, gevent,
django-q), and because the way works on every platform.
"""

import os
import signal
import subprocess
import sys
import threading


def _end_all(service: "subprocess.Popen[bytes]") -> None:
    """Kill the service and everything it started, ourselves included."""
    if hasattr(os, "killpg"):
        os.killpg(os.getpgid(0), signal.SIGKILL)  # the parent made us the leader of our own group
    import psutil

    try:
        for process in psutil.Process(service.pid).children(recursive=True):
            process.kill()
    except psutil.NoSuchProcess:
        pass  # it ended by itself
    service.kill()


def _listen(service: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 64):  # not sys.stdin: its lock would be held when this process ends
        service.terminate()
    _end_all(service)


def main() -> int:
    """Start the service and wait for it.

    Returns:
        The service's exit code.
    """
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    # The service must not inherit that it shall ignore signals, nor our end of the leash.
    service = subprocess.Popen(
        sys.argv[1:],
        stdin=subprocess.DEVNULL,
        preexec_fn=_default_signals if os.name == "posix" else None,
    )
    threading.Thread(target=_listen, args=(service,), daemon=True).start()
    return service.wait()


def _default_signals() -> None:
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
