"""The devices of this machine, without loading anything that could use them."""

import ctypes.util
import sys
from functools import cache
from pathlib import Path

from transcription.conf import conf


def default_device() -> str:
    """The default device: the setting DEVICE, or what the machine has."""
    if conf.DEVICE in ("cpu", "cuda"):
        return conf.DEVICE
    return "cuda" if has_gpu() else "cpu"


@cache
def has_gpu() -> bool:
    """Whether a driver for NVIDIA GPUs is installed; engines find out whether they work."""
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return Path("/dev/nvidiactl").exists()
