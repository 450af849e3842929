"""The bytes that are sent: one source, kept in memory, read again and again for longer uploads."""

import hashlib
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
SOURCE_BYTES = 128 * MIB
# No player would accept this as a recording, so no transcription queue gets work.
START = b"These bytes are sent to measure how fast they arrive.\n"


def make_source() -> Path:
    """A file of SOURCE_BYTES, the same at every run; in memory where the system can."""
    memory = Path("/dev/shm")
    place = str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else None
    handle, name = tempfile.mkstemp(prefix="bench-", suffix=".bin", dir=place)
    chance = random.Random(5)
    with os.fdopen(handle, "wb") as file:
        for number in range(SOURCE_BYTES // MIB):
            piece = chance.randbytes(MIB)
            file.write(START + piece[len(START) :] if number == 0 else piece)
    return Path(name)


def spans(start: int, size: int) -> Iterator[tuple[int, int]]:
    """Where in the source the bytes `start` to `start + size` of an upload lie: (offset, size)."""
    while size:
        offset = start % SOURCE_BYTES
        taken = min(size, SOURCE_BYTES - offset)
        yield offset, taken
        start += taken
        size -= taken


def digest_expected(source: Path, size: int) -> str:
    """The SHA-256 of an upload of `size` bytes."""
    digest = hashlib.sha256()
    with source.open("rb") as file:
        for offset, taken in spans(0, size):
            file.seek(offset)
            _add(digest, file, taken)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    """The SHA-256 of a stored file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        _add(digest, file, path.stat().st_size)
    return digest.hexdigest()


def _add(digest, file, size: int) -> None:  # type: ignore[no-untyped-def]
    while size:
        piece = file.read(min(size, 4 * MIB))
        if not piece:
            return
        digest.update(piece)
        size -= len(piece)
