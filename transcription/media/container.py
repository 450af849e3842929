"""Opens a file with FFmpeg, and searches for audio streams as far as needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from transcription.media.errors import MediaError
from transcription.media.formats import FORMATS, STREAMED_FORMATS
from transcription.media.mp4 import cut_off
from transcription.media.wave import ends_strangely

if TYPE_CHECKING:
    import av
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

_OPTIONS = {
    "format_whitelist": FORMATS,
    "protocol_whitelist": "file",
    "max_size": str(2**16),  # bytes of WAV per packet: packets of any size cost the same
}
# How far FFmpeg searches for streams, in bytes and microseconds; its default is 5 MB or 5 to 7 s.
_FURTHER = ({"probesize": str(100 * 10**6), "analyzeduration": str(120 * 10**6)},)
_FURTHER_IN_STREAMS = (
    *_FURTHER,
    {"probesize": str(4 * 10**9), "analyzeduration": str(24 * 3600 * 10**6)},
)
_KEEP_NOTHING = {"fflags": "nobuffer"}
"""Packets read during the search are dropped, not kept in memory, and read again."""

_SEEK_NOTHING = {"seekable": "0"}


class Source:
    """An open file, and its audio while it is read.

    Args:
        container: Just opened.
        path: The file's path.
    """

    def __init__(self, container: InputContainer, path: Path) -> None:
        self.container = container
        self.path = path
        self.read_until = 0
        """Position in the file after the last audio packet, if the format reports it."""

    def frames(self, stream: av.AudioStream) -> Iterator[AudioFrame | av.FFmpegError]:
        """The decoded frames; for a frame that can't be decoded, the error."""
        import av

        for other in self.container.streams:
            if other is not stream:
                other.discard = av.stream.Discard.all
        packets = self.container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                if packet.pos is not None:
                    self.read_until = packet.pos + packet.size
                yield from packet.decode()
            except EOFError:
                return
            except MemoryError:
                raise  # also an error of FFmpeg's
            except av.FFmpegError as error:
                yield error  # after an error of the container itself there is no next packet


@contextmanager
def opened(path: str | Path) -> Iterator[Source]:
    """The opened file, with all streams that can be found in it.

    In formats such as television streams, audio may begin after minutes or after much video. If
    none is found at the beginning, the search continues further on.

    Raises:
        MediaError: It isn't media of a known format, or is truncated, empty or missing.
    """
    container = _open(path, _SEEK_NOTHING if ends_strangely(Path(path)) else {})
    name = container.format.name.split(",")[0]
    streamed = name in STREAMED_FORMATS
    steps = _FURTHER_IN_STREAMS if streamed else _FURTHER
    for step, further in enumerate(steps):
        if _is_searched(container, thoroughly=step > 0):
            break
        container.close()
        container = _open(path, further | _KEEP_NOTHING if streamed else further)
        if streamed:
            container.seek(0, unsupported_byte_offset=True)
    with container:
        yield Source(container, Path(path))


def is_usable(stream: av.AudioStream) -> bool:
    """Whether there is a decoder for it, and its sample rate is known."""
    return stream.codec_context is not None and stream.codec_context.sample_rate > 0


def _is_searched(container: InputContainer, thoroughly: bool) -> bool:
    """Whether the search is complete: one track may begin long before another."""
    usable = [is_usable(stream) for stream in container.streams.audio]
    unseen = any(
        stream.codec_context is not None and not is_usable(stream)
        for stream in container.streams.audio
    )
    return any(usable) and (thoroughly or not unseen)


def _open(path: str | Path, further: dict[str, str]) -> InputContainer:
    import av

    try:
        return av.open(str(path), options={**_OPTIONS, **further}, metadata_errors="ignore")
    except MemoryError:
        raise  # also an error of FFmpeg's
    except FileNotFoundError as error:
        raise MediaError("missing", "The file no longer exists.") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _reason(Path(path)) from error


def _reason(path: Path) -> MediaError:
    """Why a file can't be opened."""
    if path.is_file():
        if path.stat().st_size == 0:
            return MediaError("empty", "The file is empty.")
        if lacking := cut_off(path):
            return MediaError("truncated", lacking)
    message = "This file can't be read: it isn't audio or video, or it is damaged."
    return MediaError("unreadable", message)
