"""Probes a file: its container, its tracks, and which of them to read.

Uploaded files may be hostile. So only formats that contain all their data are opened (a playlist
would make FFmpeg read other files), and only from the local disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from transcription.media import mp4, tracks
from transcription.media.container import Source, opened
from transcription.media.errors import MediaError
from transcription.media.formats import mime_of, own_name
from transcription.media.pcm import RATE
from transcription.media.tracks import Track
from transcription.media.wave import promised_bytes

if TYPE_CHECKING:
    import av

LOWEST_RATE = 1000
"""Samples per second; telephones have 8,000."""


@dataclass(frozen=True)
class Media:
    """The result of a probe."""

    container: str  # FFmpeg's short name: "mov", "matroska", "webm", "mp3" ...
    codec: str  # of the track that is read
    mime: str  # to serve the file back with
    has_video: bool
    duration: float | None  # seconds according to the file; may be an estimate until it is decoded
    audio_tracks: int = 1
    audio_duration: float | None = None  # of the audio alone, if its stamps are reliable
    track: int = 1  # the one that is read
    others: tuple[int, ...] = ()  # tracks that could be read instead; () if the client chose one
    note: str = ""  # sentences for users on the choice of the track


def probe(path: str | Path, audio_track: int | None = None) -> Media:
    """Identifies the file, after decoding up to a second of its audio.

    Args:
        path: The file.
        audio_track: The track to read, from 1 on; None: the file's default or the first that can be
            decoded.

    Raises:
        MediaError: It isn't known media, or no audio can be read from it.
    """
    try:
        return _probed(path, audio_track)
    except MediaError as problem:
        if problem.code == "no_audio" and (lacking := _cut_off(Path(path))):
            raise MediaError("truncated", lacking) from problem
        raise


def _cut_off(path: Path) -> str:
    """Why an MP4 that can be opened gives no audio, as a sentence; "" if it is complete."""
    if said := mp4.cut_off(path):
        return said
    if mp4.begins_so(path) and mp4.missing_bytes(path):
        return "The file is cut off before its sound begins. Copy or upload the whole file again."
    return ""


def _probed(path: str | Path, audio_track: int | None) -> Media:
    with opened(path) as source:
        found = tracks.tracks_of(source.container)
        candidates = _candidates(found, audio_track)
        failed: list[int] = []
        problem = None
        for track in candidates[: tracks.MOST_TRIED]:
            try:
                if track is candidates[0]:
                    return _tried(source, found, track, failed, audio_track)
                with opened(path) as again:
                    return _tried(again, found, track, failed, audio_track)
            except MediaError as reason:
                problem = problem or reason
                failed.append(track.number)
    if audio_track is not None and problem and len(found) > 1:
        raise MediaError(problem.code, f"Audio track {audio_track}: {problem.message}")
    raise problem or MediaError("no_audio", "The file holds no audio.")


def _candidates(found: list[Track], audio_track: int | None) -> list[Track]:
    """The tracks to try, in that order; not empty.

    Raises:
        MediaError: There is none.
    """
    if not found:
        raise MediaError("no_audio", "The file holds no audio.")
    if audio_track is not None:
        if not 0 < audio_track <= len(found):
            there = "1 audio track" if len(found) == 1 else f"{len(found)} audio tracks"
            message = f"There is no audio track {audio_track}: the file has {there}."
            raise MediaError("no_such_track", message)
        found = [found[audio_track - 1]]
    usable = tracks.by_preference(found)
    if not usable:
        raise MediaError("no_decoder", "The file's audio format is unknown.")
    return usable


def _tried(
    source: Source, found: list[Track], track: Track, failed: list[int], audio_track: int | None
) -> Media:
    """The result of the probe, if that track can be read.

    Raises:
        MediaError: It can't be read.
    """
    stream = tracks.stream_of(source.container, track.number)
    check_rate(stream)
    media = _described(source, stream, track, found)
    _decode_a_second(source, stream)
    others = [other.number for other in tracks.by_preference(found) if other is not track]
    return Media(
        **{
            **vars(media),
            "others": () if audio_track else tuple(n for n in others if n not in failed),
            "note": tracks.note_on(found, track.number, failed),
        }
    )


def check_rate(stream: av.AudioStream) -> None:
    """Refuses audio with too few samples per second.

    Raises:
        MediaError: The rate is too low.
    """
    rate = stream.codec_context.sample_rate
    if rate < LOWEST_RATE:  # a few bytes would be hours of audio, and fill the disk when decoded
        message = f"The audio has {rate} samples a second: too few to understand speech."
        raise MediaError("no_audio", message)


def _decode_a_second(source: Source, stream: av.AudioStream) -> None:
    """Decodes the beginning.

    Raises:
        MediaError: It gives no audio.
    """
    import av

    seconds, broken = 0.0, 0
    for frame in source.frames(stream):
        if isinstance(frame, av.FFmpegError):
            broken += 1
        else:
            seconds += frame.samples / (frame.sample_rate or RATE)
        # Noise that looks like MP3 sometimes decodes; a real file hardly ever fails.
        if broken > 20 and seconds < 0.05 * broken:
            break
        if seconds >= 1.0:
            return
    if seconds <= 0 or broken > 20:
        raise MediaError("no_audio", "The file holds no audio that can be decoded.")


def _described(source: Source, stream: av.AudioStream, track: Track, found: list[Track]) -> Media:
    import av.stream

    container = source.container
    pictures = [
        video
        for video in container.streams.video
        if not video.disposition & av.stream.Disposition.attached_pic  # cover art is not video
    ]
    codecs = {s.codec_context.name for s in (*pictures, stream) if s.codec_context}
    name = own_name(container.format.name, codecs)
    duration = container.duration / 1e6 if container.duration else None
    if duration is None and stream.duration and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    return Media(
        container=name,
        codec=stream.codec_context.name,
        mime=mime_of(name, bool(pictures)),
        has_video=bool(pictures),
        duration=duration if duration and duration > 0 else None,
        audio_duration=_trusted_duration(source, stream, name),
        audio_tracks=len(found),
        track=track.number,
    )


def _trusted_duration(source: Source, stream: av.AudioStream, name: str) -> float | None:
    """Seconds of audio that the file states; None if that would be an estimate."""
    if name in ("mov", "wav", "flac") and stream.duration and stream.time_base:
        said = float(stream.duration * stream.time_base)
        bit_rate = stream.codec_context.bit_rate
        is_plain = name == "wav" and stream.codec_context.name.startswith("pcm_")
        promised = promised_bytes(source.path) if is_plain else None
        return max(said, promised * 8 / bit_rate) if promised and bit_rate else said
    duration = source.container.duration
    if name in ("matroska", "webm", "asf") and duration:
        return duration / 1e6
    return None
