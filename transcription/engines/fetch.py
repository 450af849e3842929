"""Downloads one model: `python -m transcription.engines.fetch MODELS_DIR NAME`.

It runs in a process of its own, because a connection that says nothing can only be ended from
outside. It writes {"event": "total", "bytes"}, {"event": "checking", "bytes"} and at last
{"event": "done"} or {"event": "failed", "reason"} to stdout, one JSON object a line.

An interrupted download goes on where it stopped. (The hub's own client does not do that between
processes, and writes in steps of 10 MB, which a slow line takes longer for than our patience.)
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from transcription.engines import models, orphan
from transcription.engines.base import EngineError

WANTED = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
STEP = 128 * 1024
"""Bytes written at a time: small, so that a slow line is seen to move."""
Tell = Callable[..., None]


class FetchError(Exception):
    """Why the model cannot be had, in a sentence for people."""


def fetch(models_dir: str, model: str, tell: Tell) -> None:
    """Get the model into its folder, unless another process has just done it."""
    final, partial = models.directory(models_dir, model), models.partial(models_dir, model)
    partial.mkdir(parents=True, exist_ok=True)
    with _alone(final):
        if not models.folder_problem(final):
            return
        commit, files = _listing(models.repository(model))
        tell("total", bytes=sum(file.size or 0 for file in files))
        for file in files:
            _get(models.repository(model), commit, file, partial, tell)
        if problem := models.folder_problem(partial):
            raise FetchError(f"The hub's copy of the model is of no use: {problem}.")
        os.replace(partial, final)


@contextmanager
def _alone(final: Path) -> Iterator[None]:
    """One process at a time; the system frees the lock of one that is killed."""
    from filelock import FileLock

    with FileLock(final.with_name(f"{final.name}.lock")):
        yield


def _listing(repository: str) -> tuple[str, list[Any]]:
    """The newest commit of the repository and the files of it that we want."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(repository, files_metadata=True, timeout=60)
    files = [
        file
        for file in info.siblings or []
        if any(fnmatch.fnmatch(file.rfilename, pattern) for pattern in WANTED)
    ]
    if not files:
        raise FetchError(f"The repository {repository} holds no model for faster-whisper.")
    return info.sha or "main", files


def _get(repository: str, commit: str, file: Any, folder: Path, tell: Tell) -> None:
    """Download one file, or the rest of it, and check what can be checked."""
    target = folder / file.rfilename
    if target.is_file() and file.size in (None, target.stat().st_size):
        return
    # Named by its content: never go on with a piece of another version.
    part = folder / f"{file.rfilename}.{(file.blob_id or commit)[:16]}.part"
    digest = hashlib.sha256()
    with part.open("a+b") as out:
        out.seek(0)
        while data := out.read(8 << 20):
            digest.update(data)
            tell("checking", bytes=out.tell())
        if file.size is None or out.tell() < file.size:
            for data in _stream(repository, commit, file.rfilename, out, digest):
                out.write(data)
                out.flush()
        size = out.tell()
    expected = file.lfs.sha256 if file.lfs else None
    if file.size not in (None, size) or expected not in (None, digest.hexdigest()):
        part.unlink()
        raise FetchError(f"{file.rfilename} arrived damaged; the next try starts it anew.")
    os.replace(part, target)


def _stream(repository: str, commit: str, name: str, out: Any, digest: Any) -> Iterator[bytes]:
    """The bytes of the file from where `out` stands; from its beginning if the server insists."""
    from huggingface_hub import hf_hub_url

    hub: Any = import_module("huggingface_hub.utils")
    held = out.tell()
    headers = {**hub.build_hf_headers(), "Accept-Encoding": "identity"}
    if held:
        headers["Range"] = f"bytes={held}-"
    with _answer(hf_hub_url(repository, name, revision=commit), headers) as (answer, blocks):
        hub.hf_raise_for_status(answer)
        if held and answer.status_code != 206:
            out.truncate(0)
            digest.__init__()
        for data in blocks:
            digest.update(data)
            yield data


@contextmanager
def _answer(url: str, headers: dict[str, str]) -> Iterator[tuple[Any, Iterator[bytes]]]:
    """The hub's answer and its bytes. The hub's client was requests until its version 1."""
    from huggingface_hub import get_session

    session: Any = get_session()
    if callable(session.stream):
        with session.stream("GET", url, headers=headers, timeout=60) as answer:
            yield answer, answer.iter_bytes(STEP)
    else:
        with session.get(url, headers=headers, timeout=60, stream=True) as answer:
            yield answer, answer.iter_content(STEP)


def _reason(error: BaseException) -> str:
    """A sentence for people: the innermost cause says most."""
    if isinstance(error, FetchError | EngineError):
        return str(error)
    host = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").netloc
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403, 404):
        return f"{host} has no such model, or wants a key (HF_TOKEN) for it (status {status})."
    if status:
        return f"{host} answered with status {status}."
    if isinstance(error, OSError) and error.filename:
        return f"The models folder cannot be written: {error.strerror}."
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"The name {host} cannot be resolved; is there a network?"
    if any(isinstance(cause, OSError) and cause.errno == errno.ENOSPC for cause in causes):
        return "The disk is full."
    return f"{host} cannot be reached: {causes[-1] or type(error).__name__}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def main(models_dir: str, model: str) -> None:
    """Fetch, and tell the parent how it went; end at once when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    write = orphan.take_stdout()
    orphan.be_modest()
    orphan.watch_parent()
    threading.Thread(target=orphan.end_with_stdin, daemon=True).start()

    def tell(event: str, **values: Any) -> None:
        write(json.dumps({"event": event, **values}).encode() + b"\n")

    try:
        fetch(models_dir, model, tell)
    except Exception as error:  # noqa: BLE001 - told to the parent
        traceback.print_exc()
        tell("failed", reason=_reason(error))
    else:
        tell("done")
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
