"""Downloads one asset.

`python -m transcription.engines.model_files.download MODELS_DIR ASSET`, the asset as JSON. With
`--look` after them it only asks whether the asset is there to be downloaded.

It runs in a process of its own, because a connection that says nothing can only be ended from
outside. It writes {"event": "total", "bytes"}, {"event": "checking", "bytes"} and at last
{"event": "done"} or {"event": "failed", "reason"} to stdout, one JSON object a line.

An interrupted download goes on where it stopped. The hub's own client lists the files, but doesn't
get them: since its version 1.18 it doesn't resume what another process began, it compares no
checksums, and it writes in steps of 10 MiB, which a line below 1 MB/s takes longer for than STALL.
See docs/decisions/0015-models-are-downloaded-by-our-own-code.md.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx2

from transcription.engines.base import causes_of
from transcription.engines.model_files import assets, checkpoints
from transcription.engines.model_files.assets import Asset
from transcription.engines.model_files.ensure_downloaded import host
from transcription.engines.model_files.locations import (
    DownloadRefused,
    FetchError,
    RemoteFile,
    listing,
)
from transcription.engines.model_files.unpack import unpack
from transcription.engines.runtime import lifetime

STEP = 128 * 1024
"""Bytes written at a time: small, so that a slow connection shows progress."""
TIMEOUT = 60.0
"""Seconds of silence after which this process ends by itself; its watcher ends it earlier."""
MOST_BYTES = 20 << 30
"""The limit of a file without a declared size."""
FULL = (errno.ENOSPC, errno.EDQUOT)
OF_THE_DISK = (errno.EIO, errno.EROFS, errno.EFBIG)
"""The error codes of writing and of missing connections; they name no file."""
Tell = Callable[..., None]


def fetch(models_dir: str, asset: Asset, tell: Tell) -> None:
    """Downloads an asset into its folder, unless another process has just done so."""
    final, partial = assets.directory(models_dir, asset), assets.partial(models_dir, asset)
    partial.mkdir(parents=True, exist_ok=True)
    with _alone(final):
        if not assets.problem(models_dir, asset):
            return
        partial.mkdir(exist_ok=True)  # another process removed it when it was done
        files = listing(asset, TIMEOUT)
        parts = {_part(file, partial) for file in files}
        for part in set(partial.rglob("*.part")) - parts:  # an earlier version, partly downloaded
            part.unlink()
        total = sum(file.size or 0 for file in files)
        tell("total", bytes=total)
        _look_at_disk(partial, total)
        for file in files:
            _get(file, partial, tell)
        if asset.source.unpack:
            unpack(partial / files[0].name, partial / asset.source.unpack)
        if problem := assets.folder_problem(partial, asset.needs):
            raise FetchError(f"The files from {host(asset)} are not usable: {problem}.")
        os.replace(partial, final)


@contextmanager
def _alone(final: Path) -> Iterator[None]:
    """One process at a time; the system releases the lock of a killed one."""
    from filelock import FileLock

    with FileLock(final.with_name(f"{final.name}.lock")):
        yield


def _get(file: RemoteFile, folder: Path, tell: Tell) -> None:
    """Downloads one file, or the rest of it, and verifies it as far as possible."""
    target = folder / file.name
    if target.is_file() and file.size in (None, target.stat().st_size):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(file, folder)
    digest = hashlib.sha256()
    with part.open("a+b") as out:
        if file.size is None:  # the size is unknown, so it may be incomplete
            out.truncate(0)
        out.seek(0)
        while data := out.read(8 << 20):
            digest.update(data)
            tell("checking", bytes=out.tell())
        if file.size is None or out.tell() < file.size:
            digest = _append(file, out, digest)
        size = out.tell()
    if file.size not in (None, size) or file.sha256 not in (None, digest.hexdigest()):
        part.unlink()
        raise FetchError(f"{file.name} arrived damaged; the next try downloads it again.")
    if target.suffix in checkpoints.SUFFIXES and not checkpoints.is_whole(part):
        part.unlink()
        raise FetchError(f"The downloaded {file.name} isn't a model, or is damaged.")
    os.replace(part, target)


def _part(file: RemoteFile, folder: Path) -> Path:
    """The file that grows, named by its content: a part of another version is never continued."""
    return folder / f"{file.name}.{file.version}.part"


def _look_at_disk(partial: Path, total: int) -> None:
    """Refuses a download that can't fit.

    Raises:
        FetchError: The disk is too full.
    """
    missing = total - assets.size_on_disk(partial)
    free = shutil.disk_usage(partial).free
    if missing > free:
        sizes = f"{missing / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free"
        raise FetchError(f"The disk is too full: {sizes}.")


def _append(file: RemoteFile, out: IO[bytes], digest: Any) -> Any:
    """Writes a file from the end of `out`, or from its start if the server insists."""
    held = out.tell()
    headers = {**file.headers, "Accept-Encoding": "identity"}
    if held:
        headers["Range"] = f"bytes={held}-"
        if file.tag:
            headers["If-Range"] = file.tag
    with httpx2.stream(
        "GET", file.url, headers=headers, timeout=TIMEOUT, follow_redirects=True
    ) as answer:
        if answer.status_code == 416 and held:  # what we have isn't part of it
            out.seek(0)
            out.truncate()
            return _append(file, out, hashlib.sha256())
        if not answer.is_success:
            raise DownloadRefused(answer.status_code)
        # Checked before the bytes already there are removed.
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise FetchError(
                f"A web page was sent instead of {file.name}; does this network need a login?"
            )
        if held and answer.status_code != 206:
            out.seek(0)
            out.truncate()
            digest = hashlib.sha256()
        for data in answer.iter_bytes(STEP):
            digest.update(data)
            out.write(data)
            out.flush()
            if out.tell() > (MOST_BYTES if file.size is None else file.size):
                out.seek(0)
                out.truncate()  # none of it can be trusted, so it must not stay
                raise FetchError(f"{file.name} is longer than it should be.")
    return digest


def reason(error: BaseException, asset: Asset) -> str:
    """A sentence for users: the innermost cause says most."""
    if isinstance(error, FetchError):
        return str(error)
    if isinstance(error, ImportError):
        return f"The package {error.name} is not installed."
    status = getattr(error, "status", None)
    status = status or getattr(getattr(error, "response", None), "status_code", None)
    if status:
        return _answered(status, asset)
    causes = list(causes_of(error))
    if any(isinstance(cause, OSError) and cause.errno in FULL for cause in causes):
        return "The disk is full."
    if isinstance(error, OSError) and (error.filename or error.errno in OF_THE_DISK):
        return f"The models folder can't be written: {error.strerror}."
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"The name {host(asset)} can't be resolved; is there a network?"
    if isinstance(error, (ValueError, TypeError, LookupError, AttributeError)):
        return f"{host(asset)} sent a response that can't be read."
    said = getattr(causes[-1], "strerror", None) or str(causes[-1]) or type(error).__name__
    return f"There is no connection to {host(asset)} ({said})."


def _answered(status: int, asset: Asset) -> str:
    """The meaning of an error status."""
    if status in (401, 403) and asset.page:
        return (
            f"{host(asset)} requires accepting its conditions: accept them "
            f"on {asset.page} and set HF_TOKEN to a key of that account (status {status})."
        )
    if status in (401, 403, 404) and asset.source.repository:
        return f"{host(asset)} has no such model, or needs a key (HF_TOKEN) for it ({status})."
    return f"{host(asset)} answered with status {status}."


def main(models_dir: str, asset_json: str, how: str = "") -> None:
    """Downloads, and reports the result to the parent; ends at once when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    write = lifetime.take_stdout()
    lifetime.lower_priority()
    lifetime.watch_parent()
    threading.Thread(target=lifetime.end_with_stdin, daemon=True).start()
    asset = assets.from_json(asset_json)

    def tell(event: str, **values: Any) -> None:
        write(json.dumps({"event": event, **values}).encode() + b"\n")

    try:
        if how == "--look":
            listing(asset, TIMEOUT)
        else:
            fetch(models_dir, asset, tell)
    except Exception as error:  # noqa: BLE001 - reported to the parent
        traceback.print_exc()
        tell("failed", reason=reason(error, asset))
    else:
        tell("done")
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
