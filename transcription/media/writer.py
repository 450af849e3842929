"""Turns frames of any kind into 16 kHz mono samples, each at its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from transcription.media.clock import Clock
from transcription.media.errors import MediaError
from transcription.media.mixdown import Levels, Mixer
from transcription.media.pcm import BYTES_PER_SECOND, RATE

if TYPE_CHECKING:
    import av
    import numpy
    from av.audio.frame import AudioFrame

_BLOCK = RATE // 2
"""Samples that are mixed, and aligned with their time, together."""
_STEREO = 2
_BEGINNING = 64
"""These bytes of a frame usually show that it isn't silence."""


class Writer:
    """Takes frames and writes samples.

    Args:
        write: Called with the samples, as bytes.
        clock: Says when each frame is due; None if the stamps are not reliable.
    """

    def __init__(self, write: Callable[[bytes], Any], clock: Clock | None = None) -> None:
        self._write = write
        self._clock = clock
        self._resampler: av.AudioResampler | None = None
        self._kind: tuple[Any, ...] = ()
        self._channels = 1
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._bytes = 0
        self._at_rest = False
        self._skipped = 0  # samples of silence that bypassed the resampler
        self._mixer = Mixer()
        self.levels = Levels()
        self.broken = 0

    @property
    def seconds(self) -> float:
        """Seconds of audio so far."""
        return (self._bytes + self._pending_bytes // self._channels) / BYTES_PER_SECOND

    @property
    def has_cancelled(self) -> bool:
        """Whether the channels were each other's inverse, so that only one was used."""
        return self._mixer.has_cancelled

    def add(self, frame: AudioFrame | av.FFmpegError) -> None:
        """Writes a frame, or counts one that can't be decoded.

        Raises:
            MediaError: Audio of its kind can't be converted.
        """
        import av

        if isinstance(frame, av.FFmpegError):
            self.broken += 1
            return
        self._prepare(frame)
        if self._clock:
            self.add_silence(self._clock.pause_before(frame.time, self.seconds))
        if self._is_silent_still(frame):
            return
        frame.pts = None  # the resampler can't handle stamps that jump
        try:
            self._resample(frame)
        except av.error.ArgumentError as error:
            what = f"{len(frame.layout.channels)} channels at {frame.sample_rate} Hz"
            message = f"This kind of audio can't be converted: {what}."
            raise MediaError("no_decoder", message) from error

    @property
    def is_at_rest(self) -> bool:
        """Whether the current audio is silent."""
        return self._at_rest

    def add_silence(self, seconds: float) -> None:
        if seconds > 0:
            self._put_zeros(round(seconds * RATE))

    def finish(self) -> None:
        """Writes what is still buffered."""
        if self._resampler:
            self._resample(None)
            self._resampler = None
        self._flush()

    def _prepare(self, frame: AudioFrame) -> None:
        """Sets up a resampler for this kind of frame: streams may change."""
        import av

        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind == self._kind:
            return
        self.finish()
        self._channels = 1 if len(frame.layout.channels) == 1 else _STEREO
        layout = "mono" if self._channels == 1 else "stereo"
        self._resampler = av.AudioResampler(format="s16", layout=layout, rate=RATE)
        self._kind, self._at_rest, self._skipped = kind, False, 0

    def _is_silent_still(self, frame: AudioFrame) -> bool:
        """Whether a frame of zeros follows another; then it is only counted: hours of them cost
        nothing."""
        rested, self._at_rest = self._at_rest, not any(map(_has_sound, frame.planes))
        if not (rested and self._at_rest):
            return False
        before, self._skipped = self._skipped, self._skipped + frame.samples
        rate = frame.sample_rate or RATE
        count = self._skipped * RATE // rate - before * RATE // rate
        self._put_zeros(count - (self._clock.excess(count) if self._clock else 0))
        return True

    def _resample(self, frame: AudioFrame | None) -> None:
        assert self._resampler
        for made in self._resampler.resample(frame):
            data = bytes(made.planes[0])[: made.samples * 2 * self._channels]
            self._pending.append(data)
            self._pending_bytes += len(data)
        if self._pending_bytes >= _BLOCK * 2 * self._channels:
            self._flush()

    def _flush(self) -> None:
        """Writes the collected samples, mixed and with the length that the clock requires."""
        if not self._pending:
            return
        import numpy

        samples = numpy.frombuffer(b"".join(self._pending), "<i2")
        self._pending.clear()
        self._pending_bytes = 0
        if self._channels == _STEREO:
            samples = self._mixer.mix(samples.reshape(-1, 2))
        self.levels.add(samples)
        if self._clock and (excess := self._clock.excess(len(samples))):
            samples = _shortened(samples, excess)
        self._put(samples.tobytes())

    def _put_zeros(self, samples: int) -> None:
        self._flush()
        silence = bytes(min(samples, RATE) * 2)
        for _ in range(samples // RATE):
            self._put(silence)
        self._put(bytes(samples % RATE * 2))

    def _put(self, data: bytes) -> None:
        self._write(data)
        self._bytes += len(data)


def _has_sound(plane: Any) -> bool:
    import numpy

    if bytes(memoryview(plane)[:_BEGINNING]).strip(b"\0"):
        return True
    octets = numpy.frombuffer(plane, numpy.uint8)
    whole = len(octets) // 8 * 8
    return bool(octets[:whole].view(numpy.uint64).any() or octets[whole:].any())


def _shortened(samples: numpy.ndarray, count: int) -> numpy.ndarray:
    """The same audio, slightly faster: this many samples fewer."""
    import numpy

    places = numpy.linspace(0, len(samples) - 1, len(samples) - count)
    shorter: numpy.ndarray = numpy.interp(places, numpy.arange(len(samples)), samples)
    return shorter.round().astype(numpy.int16)
