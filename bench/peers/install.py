"""Installs the peers into a separate directory, once; peers that can't be installed are left
out."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
NODE_LOCK = HERE.parent.parent / "requirements-node.lock"
OLDEST_NODE = (20, 19)  # required by @tus/server
SECONDS = 600


class CannotInstall(Exception):
    """A peer, or its runtime, can't be installed here."""


@dataclass
class Peers:
    """What was installed.

    Attributes:
        python: The interpreter that has tuspyserver; None if it is missing.
        node: The Node that runs @tus/server; None if one of the two is missing.
        node_directory: The folder of its packages.
        versions: Versions by name, for the report.
        missing: Names of peers that are left out, each with the reason.
    """

    node_directory: Path
    python: Path | None = None
    node: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def install(directory: Path, wanted: set[str]) -> Peers:
    """Installs the wanted peers, or finds them installed.

    Args:
        directory: Used only for this; results of an earlier run are reused.
        wanted: Any of `tuspyserver` and `tus-node`.
    """
    peers = Peers(directory / "node")
    steps: dict[str, Callable[[Path, Peers], None]] = {
        "tuspyserver": install_tuspyserver,
        "tus-node": install_tus_node,
    }
    for name in sorted(wanted & steps.keys()):
        try:
            steps[name](directory, peers)
        except (CannotInstall, OSError, subprocess.SubprocessError) as problem:
            peers.missing[name] = str(problem)[-500:]
            print(f"!! {name} cannot be installed and is left out: {problem}", flush=True)
    return peers


def install_tuspyserver(directory: Path, peers: Peers) -> None:
    """A virtual environment with what requirements.lock names."""
    python = environment(directory)
    lock = HERE / "requirements.lock"
    locked = lock.read_text()
    if not is_installed(directory / "python.stamp", locked):
        print("installing tuspyserver …", flush=True)
        pip_install(python, lock)
        (directory / "python.stamp").write_text(locked)
    peers.python = python
    for line in (HERE / "requirements.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        if name in ("tuspyserver", "uvicorn", "uvloop", "httptools"):
            peers.versions[name] = version


def install_tus_node(directory: Path, peers: Peers) -> None:
    """npm packages as in package-lock.json; no package runs a script."""
    node, npm = node_of_machine() or node_of_wheel(directory)
    target = peers.node_directory
    target.mkdir(parents=True, exist_ok=True)
    pinned, locked = ((HERE / f"package{part}.json").read_text() for part in ("", "-lock"))
    if not is_installed(directory / "node.stamp", locked):
        print("installing @tus/server …", flush=True)
        (target / "package.json").write_text(pinned)
        (target / "package-lock.json").write_text(locked)
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        run([npm, "ci", "--ignore-scripts", *quiet], cwd=target, path=Path(node).parent)
        (directory / "node.stamp").write_text(locked)
    # Node looks for packages beside the script, not where it is started.
    shutil.copy(HERE / "tus_node.mjs", target / "tus_node.mjs")
    peers.node = node
    peers.versions["node"] = run([node, "--version"]).strip().lstrip("v")
    peers.versions |= json.loads(pinned)["dependencies"]


def environment(directory: Path) -> Path:
    """The interpreter of the peers' virtual environment, which is created if missing."""
    place = directory / "python"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        run([sys.executable, "-m", "venv", str(place)])
    return python


def node_of_machine() -> tuple[str, str] | None:
    """The machine's own Node and npm, if new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    parts = run([node, "--version"]).strip().lstrip("v").split(".")[:2]
    if not all(part.isdigit() for part in parts) or tuple(map(int, parts)) < OLDEST_NODE:
        return None
    return node, npm


def node_of_wheel(directory: Path) -> tuple[str, str]:
    """Node and npm from PyPI, in the peers' virtual environment."""
    python = environment(directory)
    pip_install(python, NODE_LOCK)
    suffix = ".exe" if os.name == "nt" else ""
    return str(python.parent / f"node{suffix}"), str(python.parent / f"npm{suffix}")


def pip_install(python: Path, lock: Path) -> None:
    """Installs the files that a lock names by hash."""
    run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)])


def is_installed(stamp: Path, locked: str) -> bool:
    """Whether an earlier run finished with the same lock."""
    return stamp.exists() and stamp.read_text() == locked


def run(command: list[str], cwd: Path | None = None, path: Path | None = None) -> str:
    """Runs an installer; returns its output.

    Raises:
        CannotInstall: It failed; contains its last line.
    """
    found = os.pathsep.join([*([str(path)] if path else []), os.environ.get("PATH", "")])
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": found},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise CannotInstall(f"{Path(command[0]).name}: {words[-300:]}")
    return done.stdout
