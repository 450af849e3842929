"""What the site fetches, in this process."""

from collections.abc import Callable

from transcription.services.outbound import url_source

from .servers import Server

Serve = Callable[..., Server]


def fetched(url: str, limit: int = 1000) -> tuple[str, bytes]:
    pieces: list[bytes] = []
    found = url_source.fetch(url, lambda piece: pieces.append(bytes(piece)), limit)
    return found.file_name, b"".join(pieces)
