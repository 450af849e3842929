"""Reads any recording with PyAV: what it is, and its sound as 16 kHz mono on disk.

Uploaded files are hostile until shown otherwise. So only formats that hold their data themselves
are opened (a playlist would make FFmpeg read other files), and only from the local disk. Memory
stays constant whatever the length: frames go to the disk as they are decoded.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from transcription.engines.base import Cancelled, EngineError, MediaError
from transcription.engines.pcm import RATE, Audio, Writer

if TYPE_CHECKING:
    import av
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

MAX_SECONDS = 24 * 3600
LOWEST_RATE = 1000
"""Samples a second; telephones have 8,000."""
"""Longer audio is refused: a few megabytes of cleverly coded silence must not fill the disk."""

FORMATS = (
    "mov,matroska,webm,avi,asf,wav,w64,mp3,aac,loas,flac,ogg,amr,aiff,caf,au,ac3,eac3,dts,dtshd,"
    "truehd,mlp,mpegts,mpeg,flv,ape,wv,tta,tak,mpc,mpc8,dsf,voc,rm,oma,mxf,xwma,nut,sox,nistsphere"
)
_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}

TIMED_FORMATS = {"mov", "matroska", "webm", "mpegts", "mpeg", "asf", "flv"}
"""Formats whose time stamps say where sound begins late or pauses; in others they are guesses."""

_WEBM_CODECS = {"vp8", "vp9", "av1", "opus", "vorbis"}
_MIME = {  # container -> (with pictures, sound only)
    # All of the MP4 family is served as MP4: browsers play MOV and 3GP under that name only.
    "mov": ("video/mp4", "audio/mp4"),
    "webm": ("video/webm", "audio/webm"),
    "matroska": ("video/x-matroska", "audio/x-matroska"),
    "avi": ("video/x-msvideo", "audio/x-msvideo"),
    "asf": ("video/x-ms-wmv", "audio/x-ms-wma"),
    "ogg": ("video/ogg", "audio/ogg"),
    "flv": ("video/x-flv", "audio/x-flv"),
    "mpegts": ("video/mp2t", "audio/mp2t"),
    "mpeg": ("video/mpeg", "audio/mpeg"),
    "mp3": ("audio/mpeg", "audio/mpeg"),
    "wav": ("audio/wav", "audio/wav"),
    "au": ("audio/basic", "audio/basic"),
    "caf": ("audio/x-caf", "audio/x-caf"),
}


@dataclass(frozen=True)
class Media:
    """What a file turned out to be."""

    container: str  # FFmpeg's short name: "mov", "matroska", "webm", "mp3" ...
    codec: str  # of the audio
    mime: str  # to serve the file back with
    has_video: bool
    duration: float | None  # seconds as the file says; may be a guess until it is decoded
    audio_tracks: int = 1
    audio_duration: float | None = None  # of the sound alone, where the file is to be trusted


def probe(path: str | Path) -> Media:
    """Say what the file is, after decoding up to a second of its sound.

    Raises:
        MediaError: it is no known media, or no sound can be read from it.
    """
    import av

    with _opened(path) as container:
        stream = _audio_stream(container)
        media = _describe(container, stream)
        seconds, broken = 0.0, 0
        for frame in _frames(container, stream):
            if isinstance(frame, av.FFmpegError):
                broken += 1
            else:
                seconds += frame.samples / (frame.sample_rate or RATE)
            # Noise that looks like MP3 decodes now and then; a real file hardly ever fails.
            if broken > 20 and seconds < 0.05 * broken:
                break
            if seconds >= 1.0:
                return media
        if seconds <= 0 or broken > 20:
            raise MediaError("no_audio", "The file holds no audio that can be decoded.")
        return media


def decode(
    path: str | Path,
    pcm_path: str | Path,
    on_progress: Callable[[float], None] = lambda seconds: None,
    should_stop: Callable[[], bool] = lambda: False,
    max_seconds: float = MAX_SECONDS,
) -> Audio:
    """Write the file's sound to `pcm_path` and say how long it really is.

    What is broken within the file or missing at its end is left out, with a warning.

    Raises:
        MediaError: no sound can be read from it, or it is longer than `max_seconds`.
        EngineError: the disk is full.
        Cancelled: should_stop() said so.
    """
    try:
        return _decode(Path(path), Path(pcm_path), on_progress, should_stop, max_seconds)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise EngineError("disk_full", "The disk is full: no room for the audio.") from error


def _decode(
    path: Path,
    pcm_path: Path,
    on_progress: Callable[[float], None],
    should_stop: Callable[[], bool],
    max_seconds: float,
) -> Audio:
    with _opened(path) as container, pcm_path.open("wb") as file:
        stream = _audio_stream(container)
        media = _describe(container, stream)
        timed = media.container in TIMED_FORMATS
        starts_at = (container.start_time or 0) / 1e6 if timed else None
        writer = Writer(file.write, starts_at, media.duration)
        for frame in _frames(container, stream):
            if should_stop():
                raise Cancelled
            writer.add(frame)
            on_progress(writer.seconds)
            if writer.seconds > max_seconds:
                hours = max_seconds / 3600
                raise MediaError("too_long", f"The recording is longer than {hours:g} hours.")
        writer.finish()
    if not writer.seconds:
        raise MediaError("no_audio", "The file holds no audio that can be decoded.")
    return Audio(pcm_path, writer.seconds, tuple(_warnings(media, writer)))


@contextmanager
def _opened(path: str | Path) -> Iterator[InputContainer]:
    import av

    try:
        container = av.open(str(path), options=dict(_OPTIONS), metadata_errors="ignore")
    except MemoryError:
        raise  # also an error of FFmpeg's
    except FileNotFoundError as error:
        raise MediaError("missing", "The file is not there any more.") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        if Path(path).is_file() and Path(path).stat().st_size == 0:
            raise MediaError("empty", "The file is empty.") from error
        message = "The file is no recording that can be read, or its beginning is damaged."
        raise MediaError("unreadable", message) from error
    with container:
        yield container


def _audio_stream(container: InputContainer) -> av.AudioStream:
    stream = container.streams.best("audio")
    if stream is None or stream.codec_context is None:
        if container.streams.audio:
            raise MediaError("no_decoder", "The audio in the file is of an unknown kind.")
        raise MediaError("no_audio", "The file holds no audio.")
    import av

    assert isinstance(stream, av.AudioStream)
    rate = stream.codec_context.sample_rate
    if 0 < rate < LOWEST_RATE:  # some bytes would be hours, and fill the disk once decoded
        message = f"The sound has {rate} samples a second: in that nothing can be understood."
        raise MediaError("no_audio", message)
    return stream


def _describe(container: InputContainer, stream: av.AudioStream) -> Media:
    import av.stream

    name = container.format.name.split(",")[0]
    pictures = [
        video
        for video in container.streams.video
        if not video.disposition & av.stream.Disposition.attached_pic  # cover art is no video
    ]
    codecs = {s.codec_context.name for s in (*pictures, stream) if s.codec_context}
    if name == "matroska" and codecs <= _WEBM_CODECS:
        name = "webm"
    with_pictures, sound_only = _MIME.get(name, (f"video/{name}", f"audio/{name}"))
    duration = container.duration / 1e6 if container.duration else None
    if duration is None and stream.duration and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    return Media(
        container=name,
        codec=stream.codec_context.name,
        mime=with_pictures if pictures else sound_only,
        has_video=bool(pictures),
        duration=duration if duration and duration > 0 else None,
        audio_duration=_trusted_duration(container, stream, name),
        audio_tracks=len(container.streams.audio),
    )


def _trusted_duration(container: InputContainer, stream: av.AudioStream, name: str) -> float | None:
    """Seconds of sound that the file promises; None where that would be a guess."""
    if name in ("mov", "wav", "flac") and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if name in ("matroska", "webm", "asf") and container.duration:
        return container.duration / 1e6
    return None


def _frames(
    container: InputContainer, stream: av.AudioStream
) -> Iterator[AudioFrame | av.FFmpegError]:
    """The decoded frames; where one cannot be decoded, the error in its place."""
    import av

    for other in container.streams:
        if other is not stream:
            other.discard = av.stream.Discard.all
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            yield from packet.decode()
        except EOFError:
            return
        except MemoryError:
            raise  # also an error of FFmpeg's
        except av.FFmpegError as error:
            yield error  # after a fault of the container itself there is no next packet


def _warnings(media: Media, writer: Writer) -> Iterator[str]:
    if writer.broken:
        yield f"Parts of the file are damaged and were left out ({writer.broken} places)."
    if media.audio_tracks > 1:
        yield f"The file has {media.audio_tracks} audio tracks; only the main one was used."
    said = media.audio_duration
    tolerated = 0.1 if media.has_video else 0.02  # pictures may well go on for a little
    if said and said - writer.seconds > max(2.0, said * tolerated):
        ends = f"its sound ends after {writer.seconds:.0f} s"
        yield f"The file says it lasts {said:.0f} s, but {ends}."
