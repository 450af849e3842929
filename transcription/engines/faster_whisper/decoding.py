"""The text of chunks, several at a time; what a chunk says depends on its own sound alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from transcription.engines.faster_whisper.segments import Found, compression, likelihood
from transcription.media.pcm import RATE

if TYPE_CHECKING:
    import numpy

    from transcription.engines.chunks.audio_chunks import AudioChunk

APART = 60
"""Seconds from one chunk of a batch to the next: the library takes the end of one for the last
speech before the next, which changes nothing if it is so long ago."""
FRAMES = 100
"""Of the spectrum, in a second."""
UNHEARD = 1.0
"""Seconds of speech after the last word of a chunk that are decoded again."""
THRESHOLDS = {
    "compression_ratio_threshold": 2.4,
    "log_prob_threshold": -1.0,
    "no_speech_threshold": 0.6,
}
"""The library's own."""


@dataclass(frozen=True)
class Decoder:
    """A model and how to use it.

    Attributes:
        model: faster-whisper's.
        language: Of the speech.
        task: "transcribe" or "translate".
        options: Arguments for the library's `transcribe`.
        go_on: Called before each decoding; what it raises ends the work.
    """

    model: Any
    language: str | None
    task: str
    options: Mapping[str, Any]
    go_on: Callable[[], None]

    def decode(self, chunks: Sequence[AudioChunk]) -> list[list[Found]]:
        """What is said in each chunk; all are decoded at once."""
        if self._temperatures[0] > 0:
            return [self._sampled(chunk) for chunk in chunks]
        found = self._together([chunk.samples for chunk in chunks])
        found = [self._confirmed(*one) for one in zip(chunks, found, strict=True)]
        self._hear_out(chunks, found)
        return [[] if self._is_silence(one) else one for one in found]

    def _confirmed(self, chunk: AudioChunk, found: list[Found]) -> list[Found]:
        """The text, or a better one where it is doubtful."""
        if not self._is_doubtful(found):
            return found
        again = self._sampled if len(self._temperatures) > 1 else self._in_halves
        return max(found, again(chunk), key=self._quality)

    def _hear_out(self, chunks: Sequence[AudioChunk], found: list[list[Found]]) -> None:
        """Adds what is said after the text: the model may end early, above all in a full chunk."""
        ends = {at: said[-1].end for at, said in enumerate(found) if said}
        while ends := {
            at: end for at, end in ends.items() if chunks[at].spoken(after=end) > UNHEARD
        }:
            parts = [chunks[at].samples[round(end * RATE) :] for at, end in ends.items()]
            for (at, end), rest in zip(list(ends.items()), self._together(parts), strict=True):
                said = [Found(one.segment, one.shift + end) for one in rest]
                if not said or said[-1].end < end + UNHEARD:
                    del ends[at]
                else:
                    found[at] = [*found[at], *said]
                    ends[at] = said[-1].end

    def _in_halves(self, chunk: AudioChunk) -> list[Found]:
        middle = round(chunk.middle() * RATE)
        first, second = self._together([chunk.samples[:middle], chunk.samples[middle:]])
        return [*first, *(Found(one.segment, one.shift + middle / RATE) for one in second)]

    def _sampled(self, chunk: AudioChunk) -> list[Found]:
        """By the temperatures that the client named: each attempt is another."""
        self.go_on()
        options = {**self.options, "vad_filter": False, "condition_on_previous_text": False}
        segments, _ = self.model.transcribe(
            chunk.samples, language=self.language, task=self.task, **options
        )
        return [Found(segment) for segment in segments]

    def _together(self, parts: Sequence[numpy.ndarray]) -> list[list[Found]]:
        """Each part's text, as if it were alone; the model's workers share the parts."""
        self.go_on()
        workers = min(self.model.model.num_workers, len(parts))
        if workers < 2:
            return self._batch(parts)
        bounds = [len(parts) * number // workers for number in range(workers + 1)]
        with ThreadPoolExecutor(workers) as pool:
            found = pool.map(self._batch, (parts[a:b] for a, b in pairwise(bounds)))
            return [one for batch in found for one in batch]

    def _batch(self, parts: Sequence[numpy.ndarray]) -> list[list[Found]]:
        import numpy

        audio = numpy.zeros(APART * RATE * (len(parts) + 1), numpy.float32)
        clips = []
        for number, samples in enumerate(parts, 1):
            first, length = APART * RATE * number, len(samples)
            audio[first : first + length] = samples
            clips.append({"start": first / RATE, "end": (first + length + 0.5) / RATE})
        segments, _ = _pipeline(self.model).transcribe(
            audio,
            language=self.language,
            task=self.task,
            clip_timestamps=clips,
            batch_size=len(parts),
            without_timestamps=False,
            **self.options,
        )
        found: list[list[Found]] = [[] for _ in parts]
        for segment in segments:
            if segment.text.strip():
                number = int(segment.seek) // (APART * FRAMES)
                found[number - 1].append(Found(segment, -float(APART * number)))
        return found

    @property
    def _temperatures(self) -> Sequence[float]:
        """Those that the client named; the library's own list of them would make each run of a
        chunk another."""
        return tuple(self.options.get("temperature", (0.0,)))

    def _threshold(self, name: str) -> float:
        return float(self.options.get(name, THRESHOLDS[name]))

    def _quality(self, found: Sequence[Found]) -> tuple[bool, float]:
        repeats = compression(found) > self._threshold("compression_ratio_threshold")
        return not repeats, likelihood(found)

    def _is_doubtful(self, found: Sequence[Found]) -> bool:
        sound, likely = self._quality(found)
        return not sound or likely < self._threshold("log_prob_threshold")

    def _is_silence(self, found: Sequence[Found]) -> bool:
        """Whether the model doubts that someone speaks, and what it understood."""
        doubts = [float(one.segment.no_speech_prob) for one in found]
        unlikely = likelihood(found) < self._threshold("log_prob_threshold")
        return unlikely and min(doubts, default=1.0) > self._threshold("no_speech_threshold")


def _pipeline(model: Any) -> Any:
    """The library's, but with silence after the end of a part, as when the model was trained."""
    from faster_whisper import BatchedInferencePipeline

    class Padded(BatchedInferencePipeline):  # type: ignore[misc]
        def forward(self, features: Any, tokenizer: Any, chunks_metadata: Any, options: Any) -> Any:
            for spectrum, about in zip(features, chunks_metadata, strict=True):
                end = round(about["duration"] * FRAMES)
                spectrum[:, end:] = spectrum[:, :end].min()
            return super().forward(features, tokenizer, chunks_metadata, options)

    return Padded(model)
