"""Decodes the audio of any recording to 16 kHz mono.

Memory stays constant whatever the length: samples are passed on as they are decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transcription.media import mp4, tracks, wave
from transcription.media.clock import Clock
from transcription.media.container import Source, opened
from transcription.media.errors import Cancelled, MediaError
from transcription.media.formats import TIMED_FORMATS
from transcription.media.pcm import Decoded
from transcription.media.probe import Media, check_rate, probe
from transcription.media.writer import Writer

if TYPE_CHECKING:
    import av

MAX_SECONDS = 24 * 3600
"""Longer audio is refused: a few megabytes of specially encoded silence must not fill the disk."""
_COUNTED_FORMATS = frozenset(("mov", "flac"))
"""Their headers count the samples, so that too many are refused without reading them."""
_MEASURED_FORMATS = frozenset(("matroska", "webm"))
"""Their headers tell the length of sound and pictures together."""
MOST_TRIED = 8
"""The number of other tracks to check if the chosen one is silent."""
_MIRRORED = (
    "The two channels of the sound cancel each other out (opposite phase), so one of them was used."
)


def decode(
    path: str | Path,
    write: Callable[[bytes], Any],
    on_progress: Callable[[float, float], None] = lambda seconds, share: None,
    should_stop: Callable[[], bool] = lambda: False,
    max_seconds: float = MAX_SECONDS,
    media: Media | None = None,
) -> Decoded:
    """Passes the file's audio to `write`, block by block, and returns how long it really is.

    Parts that are damaged or missing at the end are left out, with a warning.

    Args:
        path: The file.
        write: Called with 16 kHz mono signed 16-bit samples.
        on_progress: Called with the seconds that are done, and the share of the file's bytes that
            was read for them (0 if that isn't known).
        should_stop: Called now and then.
        max_seconds: Longer audio is refused.
        media: The result of `probe`, if it was called.

    Raises:
        MediaError: No audio can be read, or it is longer than `max_seconds`.
        Cancelled: should_stop() returned True.
    """
    reading = _Reading(Path(path), media or probe(path), on_progress, should_stop, max_seconds)
    return reading.to(write)


class _Reading:
    """Reads one file's audio; see `decode`."""

    def __init__(
        self,
        path: Path,
        media: Media,
        on_progress: Callable[[float, float], None],
        should_stop: Callable[[], bool],
        max_seconds: float,
    ) -> None:
        self._path = path
        self._media = media
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._max_seconds = max_seconds

    def to(self, write: Callable[[bytes], Any]) -> Decoded:
        self._refuse_what_is_surely_too_long()
        with opened(self._path) as source:
            size = self._path.stat().st_size
            writer = Writer(write, self._clock(source))
            stream = tracks.stream_of(source.container, self._media.track)
            for frame in source.frames(stream):
                if self._should_stop():
                    raise Cancelled
                writer.add(frame)
                at_end = writer.is_at_rest and self._skip_hole(writer, source, stream)
                self._on_progress(writer.seconds, source.read_until / size)
                if writer.seconds > self._max_seconds:
                    raise self._too_long()
                if at_end:
                    break
            writer.finish()
        if not writer.seconds:
            raise MediaError("no_audio", "The file holds no audio that can be decoded.")
        warnings = tuple(self._warnings(writer, source))
        notes = (self._media.note, _MIRRORED if writer.has_cancelled else "")
        note = " ".join(filter(None, notes))
        return Decoded(writer.seconds, warnings, note, writer.levels.peak == 0)

    def _skip_hole(self, writer: Writer, source: Source, stream: av.AudioStream) -> bool:
        """Whether only zeros follow that use no disk space; they need not be read."""
        bytes_a_second = (stream.codec_context.bit_rate or 0) // 8
        if not (self._is_plain_wav() and bytes_a_second):
            return False
        rest = wave.hole_until_end(self._path, source.read_until)
        if rest:
            writer.add_silence(min(rest / bytes_a_second, self._max_seconds + 1))
            source.read_until += rest
        return rest > 0

    def _clock(self, source: Source) -> Clock | None:
        if self._media.container not in TIMED_FORMATS:
            return None
        return Clock((source.container.start_time or 0) / 1e6, self._media.duration)

    def _refuse_what_is_surely_too_long(self) -> None:
        if (self._stated_seconds() or 0) > self._max_seconds:
            raise self._too_long()

    def _stated_seconds(self) -> float | None:
        """Seconds of audio that the header states exactly; None if that would be an estimate."""
        media = self._media
        if self._is_plain_wav():
            return media.duration
        is_alone = media.container in _MEASURED_FORMATS and not media.has_video
        return media.audio_duration if is_alone or media.container in _COUNTED_FORMATS else None

    def _is_plain_wav(self) -> bool:
        return self._media.container == "wav" and self._media.codec.startswith("pcm_")

    def _too_long(self) -> MediaError:
        hours = self._max_seconds / 3600
        return MediaError("too_long", f"The recording is longer than {hours:g} hours.")

    def _warnings(self, writer: Writer, source: Source) -> Iterator[str]:
        media = self._media
        if writer.broken:
            yield f"Parts of the file are damaged and were left out ({writer.broken} places)."
        if writer.levels.is_silent and (louder := self._first_with_sound(writer.seconds)):
            yield (
                f"Audio track {media.track} is silent, but track {louder} has sound. "
                f"To transcribe that one, run it again with audio track {louder} (audio_track)."
            )
        said = media.audio_duration
        tolerated = 0.1 if media.has_video else 0.02  # video may well continue a little longer
        if said and said - writer.seconds > max(2.0, said * tolerated):
            ends = f"its sound ends after {writer.seconds:.0f} s"
            cut = "The file is cut off. " if self._is_cut_off() else ""
            yield f"{cut}The file says it lasts {said:.0f} s, but {ends}."
        if unread := self._unread_seconds(writer.seconds, source.read_until):
            yield (
                f"The file's header says that the sound ends after {writer.seconds:.0f} s, but "
                f"{unread:.0f} s more seem to follow, which were not read. Use the program that "
                "created the file to repair or export it."
            )

    def _first_with_sound(self, seconds: float) -> int | None:
        """The first of the other tracks that is not silent; only some are tried.

        Args:
            seconds: Seconds of the main track that were read, for progress reports.
        """
        for number in self._media.others[:MOST_TRIED]:
            try:
                if self._sounds(number, seconds):
                    return number
            except MediaError:
                continue
        return None

    def _sounds(self, number: int, seconds: float) -> bool:
        """Whether that track has sound, as far as it would be read.

        Raises:
            MediaError: It can't be read.
        """
        with opened(self._path) as source:
            stream = tracks.stream_of(source.container, number)
            check_rate(stream)
            writer = Writer(lambda data: None)
            for frame in source.frames(stream):
                if self._should_stop():
                    raise Cancelled
                self._on_progress(seconds, 1.0)
                writer.add(frame)
                if writer.levels.is_sounding or writer.seconds > self._max_seconds:
                    return writer.levels.is_sounding
        return False

    def _is_cut_off(self) -> bool:
        """Whether the file itself shows that its end is missing."""
        if self._media.container == "mov":
            return mp4.missing_bytes(self._path) > 0
        return self._is_plain_wav()  # its header states bytes, not an estimate

    def _unread_seconds(self, seconds: float, read_until: int) -> float:
        """Seconds of audio that a header does not count; 0 if less than one."""
        if self._media.container not in wave.CHECKED_FORMATS or not read_until:
            return 0.0
        count = wave.unread_bytes(self._path, self._media.container, read_until)
        unread = count * seconds / read_until
        return unread if unread >= 1.0 else 0.0
