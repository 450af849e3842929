"""What becomes of a batch's texts, with a stand-in for the library that says what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from transcription.engines.chunks.audio_chunks import AudioChunk
from transcription.engines.faster_whisper import decoding
from transcription.engines.faster_whisper.decoding import Decoder
from transcription.engines.faster_whisper.segments import Found, text_of
from transcription.media.errors import Cancelled

RATE = 16_000
Said = Sequence[tuple[float, str]]
"""The end of each segment, and its text."""


@dataclass
class Library:
    """Says of a part of so many seconds what `script` has for it.

    Attributes:
        script: By the seconds of the part.
        likely: The probability of each text, as a logarithm.
        no_speech: The model's own doubt that there is speech.
        batches: The seconds of the parts of each batch.
        workers: How many batches the model takes at once.
    """

    script: Callable[[float], Said]
    likely: Callable[[str], float] = lambda text: -0.3
    no_speech: float = 0.1
    batches: list[list[float]] = field(default_factory=list)
    alone: int = 0
    workers: int = 1

    @property
    def model(self) -> Any:
        return SimpleNamespace(num_workers=self.workers)

    def pipeline(self, model: Any) -> Any:
        return SimpleNamespace(transcribe=self._together)

    def transcribe(self, samples: np.ndarray, **values: Any) -> Any:
        """As the library's model does it, without batches."""
        self.alone += 1
        return self._segments(0.0, len(samples) / RATE), None

    def _together(self, audio: np.ndarray, clip_timestamps: Any, **values: Any) -> Any:
        spans = [(clip["start"], clip["end"] - clip["start"]) for clip in clip_timestamps]
        self.batches.append([round(seconds, 3) for _, seconds in spans])
        return (one for span in spans for one in self._segments(*span)), None

    def _segments(self, start: float, seconds: float) -> Iterator[Any]:
        for end, text in self.script(round(seconds, 3)):
            yield SimpleNamespace(
                start=start,
                end=start + end,
                seek=int(start * 100),
                text=text,
                tokens=text.split(),
                avg_logprob=self.likely(text),
                no_speech_prob=self.no_speech,
            )


def chunk(*speech: tuple[float, float]) -> AudioChunk:
    """A chunk whose sound ends with its speech."""
    end = speech[-1][1]
    return AudioChunk(((0.0, end),), speech, np.zeros(round(end * RATE), np.float32))


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[Found]]]:
    def decoded(
        library: Library,
        *chunks: AudioChunk,
        go_on: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> list[list[Found]]:
        monkeypatch.setattr(decoding, "_pipeline", library.pipeline)
        return Decoder(library, "en", "transcribe", options, go_on).decode(chunks)

    return decoded


def texts(found: Sequence[list[Found]]) -> list[str]:
    return [text_of(one) for one in found]


Decode = Callable[..., list[list[Found]]]


def test_each_chunk_has_its_own_text(decode: Decode) -> None:
    library = Library(lambda seconds: [(seconds, f"{seconds:.0f} seconds")])
    found = decode(library, chunk((0, 9)), chunk((1, 20)), chunk((0, 4)))
    assert texts(found) == ["9 seconds", "20 seconds", "4 seconds"]
    assert library.batches == [[9, 20, 4]]
    assert [one[0].end for one in found] == pytest.approx([9, 20, 4], abs=0.001)


def test_a_models_workers_share_a_batch(decode: Decode) -> None:
    """At the same time; the texts stay in their order."""
    together = Barrier(2, timeout=10)

    def said(seconds: float) -> Said:
        if seconds in (9, 4):  # the first of each worker's share
            together.wait()
        return [(seconds, f"{seconds:.0f} seconds")]

    library = Library(said, workers=2)
    lengths = (9, 20, 4, 5, 6)
    found = decode(library, *(chunk((0, length)) for length in lengths))
    assert texts(found) == [f"{length} seconds" for length in lengths]
    assert sorted(library.batches) == [[4, 5, 6], [9, 20]]
    together.reset()
    assert texts(decode(library, chunk((0, 7)))) == ["7 seconds"]


def test_speech_after_the_last_word_is_decoded_again(decode: Decode) -> None:
    """All of a batch together, until nothing is left or nothing comes."""
    said = {30: [(12, "first")], 18: [(10, " second")], 8: [(8, " third")], 20: [(6, "x")], 14: []}
    library = Library(lambda seconds: said[round(seconds)])
    found = decode(library, chunk((0, 30)), chunk((0, 20)))
    assert texts(found) == ["first second third", "x"]
    assert [one.end for one in found[0]] == pytest.approx([12, 22, 30], abs=0.001)
    assert library.batches == [[30, 20], [18, 14], [8]]


def test_silence_after_the_last_word_is_not(decode: Decode) -> None:
    library = Library(lambda seconds: [(8.0, "all")])
    assert texts(decode(library, chunk((0, 8), (14, 14.9)))) == ["all"]
    assert library.batches == [[14.9]]


def test_it_ends_where_nothing_is_gained(decode: Decode) -> None:
    library = Library(lambda seconds: [(0.2, " word")])
    assert texts(decode(library, chunk((0, 28)))) == ["word"]
    assert len(library.batches) == 2


@pytest.mark.parametrize("whole", [" la" * 200, " mumbled"])
def test_a_doubtful_text_is_replaced_by_a_better_one_of_its_parts(
    whole: str, decode: Decode
) -> None:
    said = {30: whole, 11: "the one half", 19: " and the other"}
    library = Library(
        lambda seconds: [(seconds, said[round(seconds)])],
        likely=lambda text: -1.5 if "mumbled" in text else -0.3,
    )
    (found,) = decode(library, chunk((0, 4), (4.5, 10), (12, 20), (20.5, 30)))
    assert text_of(found) == "the one half and the other"
    assert [one.end for one in found] == pytest.approx([11, 30], abs=0.001)


def test_a_doubtful_text_stays_where_its_parts_are_no_better(decode: Decode) -> None:
    library = Library(
        lambda seconds: [(seconds, f"{seconds:.0f}")],
        likely=lambda text: -1.2 if text == "30" else -2.0,
    )
    assert texts(decode(library, chunk((0, 30)))) == ["30"]
    assert library.batches == [[30], [15, 15]]
    assert texts(decode(library, chunk((0, 30)), log_prob_threshold=-1.3)) == ["30"]
    assert len(library.batches) == 3


def test_silence_that_speaks_has_no_text(decode: Decode) -> None:
    library = Library(lambda seconds: [(seconds, "Thanks for watching!")], lambda text: -1.2, 0.9)
    assert texts(decode(library, chunk((0, 2)))) == [""]
    assert texts(decode(library, chunk((0, 2)), no_speech_threshold=0.95)) != [""]
    assert texts(decode(library, chunk((0, 2)), log_prob_threshold=-2.0)) != [""]
    library = Library(lambda seconds: [])
    assert decode(library, chunk((0, 20))) == [[]]


def test_temperatures_that_the_client_names_are_used(decode: Decode) -> None:
    library = Library(lambda seconds: [(seconds, "warm")], lambda text: -1.2)
    assert texts(decode(library, chunk((0, 9)), chunk((0, 3)), temperature=[0.4])) == ["warm"] * 2
    assert (library.batches, library.alone) == ([], 2)
    decode(library, chunk((0, 9)), temperature=[0.0, 0.5])
    assert (library.batches, library.alone) == ([[9]], 3)
    decode(library, chunk((0, 9)), temperature=[0.0])
    assert library.alone == 3


def test_it_is_cancelled_between_decodings(decode: Decode) -> None:
    asked: list[bool] = []

    def go_on() -> None:
        asked.append(True)
        if len(asked) == 2:
            raise Cancelled

    library = Library(lambda seconds: [(5, "first")])
    with pytest.raises(Cancelled):
        decode(library, chunk((0, 30)), go_on=go_on)
    assert len(library.batches) == 1
