"""Finds programs that tests run beside the site, and installs them: `python -m tests.programs`.

Each is a Debian package. Without it, and without root, its tests are skipped; in CI they fail.
"""

import os
import shutil
import subprocess
import sys

import pytest

PACKAGES = {"nginx": "nginx-light", "pgbouncer": "pgbouncer", "promtool": "prometheus"}
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # a user's PATH may lack these


def program(name: str) -> str | None:
    """The path of a program of PACKAGES."""
    return shutil.which(name, path=PLACES)


def needed(name: str) -> str:
    """The same for a test that needs it: skips, or fails in CI, without it."""
    path = program(name)
    if path is None:
        problem = f"no {name} here; apt-get install {PACKAGES[name]} brings it"
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)
    return path


def install(package: str) -> None:
    """Installs a Debian package, without starting its service, and without what it recommends."""
    become_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    quiet = {"check": False, "stdout": subprocess.DEVNULL}
    subprocess.run([*become_root, "apt-get", "update", "-q"], **quiet)  # type: ignore[call-overload]
    command = [*become_root, "env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive"]
    command += ["apt-get", "install", "-qy", "--no-install-recommends", package]
    subprocess.run(command, **quiet)  # type: ignore[call-overload]


def main() -> int:
    """Installs what is missing; only in CI is a failure an error."""
    missing = [name for name in PACKAGES if program(name) is None]
    for name in missing:
        if shutil.which("apt-get"):
            print(f"No {name} here; trying Debian's package.", flush=True)
            install(PACKAGES[name])
    left = [name for name in missing if program(name) is None]
    for name in left:
        print(f"No {name} can be had: its tests are skipped.", file=sys.stderr)
    return int(bool(left and os.environ.get("CI")))


if __name__ == "__main__":
    sys.exit(main())
