"""What this machine can compute on, without loading anything that could use it."""

import ctypes.util
import sys
from functools import cache
from pathlib import Path

from transcription.conf import conf


def default_device() -> str:
    """The device where a request names none: the setting DEVICE, or what the machine has."""
    if conf.DEVICE in ("cpu", "cuda"):
        return conf.DEVICE
    return "cuda" if has_gpu() else "cpu"


@cache
def has_gpu() -> bool:
    """Whether a driver for NVIDIA GPUs is there; whether they work, engines find out."""
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return Path("/dev/nvidiactl").exists()
