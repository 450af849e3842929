"""What the figures were measured on."""

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import psutil

from bench.servers import CHOSEN


def facts(versions: dict[str, str]) -> dict[str, Any]:
    """Date, machine and versions."""
    ours = {name: importlib.metadata.version(name) for name in ("Django", "gunicorn", "gevent")}
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0,
        "settings": {name: os.environ[name] for name in CHOSEN if os.environ.get(name)},
        "versions": {**ours, **versions},
    }


def cpu_model() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
