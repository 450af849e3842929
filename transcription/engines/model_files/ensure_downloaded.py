"""Downloads missing assets in a separate process that is watched from outside.

Used by the worker (Whisper models), by the engine's process (what later stages need) and by
`manage.py fetch_models`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from transcription.engines.base import ShouldStop
from transcription.engines.model_files import assets
from transcription.engines.model_files.assets import Asset
from transcription.engines.runtime.process import ChildProcess, secrets_for_downloads
from transcription.media.errors import Cancelled

STALL = 10.0
"""Seconds without a byte after which a download is stopped."""
POLL = 0.1
DownloadProgress = Callable[[int, int | None], None]
"""Called with the downloaded bytes and, once known, the total."""


class ModelUnavailable(Exception):
    """Why an asset can't be downloaded right now, in a sentence that doesn't name it."""


def obtain(
    asset: Asset,
    models_dir: str | Path,
    on_progress: DownloadProgress = lambda done, total: None,
    should_stop: ShouldStop = lambda: False,
    stall: float = STALL,
) -> Path:
    """The folder of an asset, downloaded if missing.

    A recently failed download isn't tried again: see `assets.forget_failures`.

    Raises:
        Unavailable: It can't be downloaded.
        Cancelled: should_stop() returned True; what was downloaded is kept for the next time.
    """
    if not assets.problem(models_dir, asset):
        return assets.location(models_dir, asset)
    folder = assets.directory(models_dir, asset)
    if folder.exists():
        where = folder.relative_to(models_dir).as_posix()
        raise ModelUnavailable(f"{where} in the models folder is damaged. Remove it.")
    if reason := assets.recent_failure(models_dir, asset):
        raise ModelUnavailable(reason)
    try:
        _download(asset, models_dir, on_progress, should_stop, stall)
    except ModelUnavailable as error:
        with suppress(OSError):  # the check above showed whether the folder is writable
            assets.remember_failure(models_dir, asset, str(error))
        raise
    return folder


def look(asset: Asset, models_dir: str | Path, patience: float = STALL) -> str:
    """Why an asset can't be downloaded now; "" if its source offers it.

    Downloads nothing.
    """
    helper = _helper(asset, models_dir, "--look")
    until = time.monotonic() + patience
    try:
        while time.monotonic() < until:
            message = helper.receive(POLL) or {"event": "nothing"}
            if message["event"] == "done":
                return ""
            if message["event"] in ("failed", "died"):
                return _why(message)
        return f"{host(asset)} didn't answer for {patience:g} seconds."
    finally:
        helper.kill()


def unavailable_message(asset: Asset, reason: object) -> str:
    """Names the missing asset and the reason, in whole sentences."""
    return f"{asset.label[:1].upper()}{asset.label[1:]} couldn't be downloaded. {reason}"


def host(asset: Asset) -> str:
    """The server that an asset comes from."""
    address = asset.source.url or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    try:
        return urlsplit(address).netloc or address
    except ValueError:  # not a URL; another message says so
        return address


def _download(
    asset: Asset,
    models_dir: str | Path,
    on_progress: DownloadProgress,
    should_stop: ShouldStop,
    stall: float,
) -> None:
    """Watches a download from outside, and kills it if no byte comes for `stall` seconds."""
    partial = assets.partial(models_dir, asset)
    helper = _helper(asset, models_dir)
    held, moved, total = assets.size_on_disk(partial), time.monotonic(), None
    try:
        on_progress(held, total)
        while True:
            if should_stop():
                raise Cancelled
            message = helper.receive(POLL) or {"event": "nothing"}
            if message["event"] == "done":
                if total:  # a quick download is over before the first look
                    on_progress(total, total)
                return
            if message["event"] == "total":
                total = message["bytes"]
            if message["event"] in ("failed", "died"):
                raise ModelUnavailable(_why(message))
            now_held = assets.size_on_disk(partial)
            if now_held != held or message["event"] in ("total", "checking"):
                held, moved = now_held, time.monotonic()
                on_progress(held, total)
            if time.monotonic() - moved > stall:
                raise ModelUnavailable(f"{host(asset)} sent no bytes for {stall:g} seconds.")
    finally:
        helper.kill()


def _helper(asset: Asset, models_dir: str | Path, *how: str) -> ChildProcess:
    """The process that talks to an asset's server."""
    # The engine's process, which may be our parent, never uses the hub itself.
    return ChildProcess(
        "transcription.engines.model_files.download",
        [str(models_dir), asset.as_json(), *how],
        {**secrets_for_downloads(), "HF_HUB_OFFLINE": "0"},
    )


def _why(message: dict[str, Any]) -> str:
    if message["event"] == "failed":
        return str(message["reason"])
    return f"The download ended unexpectedly (exit status {message['status']})."
