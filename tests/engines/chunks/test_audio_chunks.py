"""Chunks of real speech, from a stream of samples."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.speech import recordings
from transcription.engines.chunks import voice
from transcription.engines.chunks.audio_chunks import AudioChunk, chunks_of
from transcription.engines.chunks.cutting import Rules

RULES = Rules(937, 0.5, 0.35)
RATE = recordings.RATE


def stream_of(pcm: bytes, block: int = 9_999) -> Callable[[float], Iterator[bytes]]:
    def stream(after: float) -> Iterator[bytes]:
        for at in range(round(after * RATE) * 2, len(pcm), block):
            yield pcm[at : at + block]

    return stream


def all_chunks(pcm: bytes, after: float = 0.0, block: int = 9_999) -> list[AudioChunk]:
    return list(chunks_of(stream_of(pcm, block), after, RULES, lambda seconds: None))


@pytest.fixture(scope="module")
def talk() -> bytes:
    """Three minutes of sentences with pauses of 0.2 to 6 seconds, and half a minute of none."""
    once = recordings.speech()
    pauses = (0.2, 1.1, 0.4, 2.9, 0.7, 6.0, 0.3)
    sentences = [once + recordings.silence(pauses[number % 7]) for number in range(35)]
    talked = b"".join([*sentences[:20], recordings.silence(35), *sentences[20:]])
    faint = np.random.default_rng(1).normal(0, 20, len(talked) // 2).astype("<i2")
    return bytes((np.frombuffer(talked, "<i2") + faint).astype("<i2"))


def same(first: list[AudioChunk], second: list[AudioChunk]) -> bool:
    return [(one.pieces, one.speech, one.samples.tobytes()) for one in first] == [
        (one.pieces, one.speech, one.samples.tobytes()) for one in second
    ]


def test_chunks_hold_the_sound_of_their_pieces(talk: bytes) -> None:
    samples = np.frombuffer(talk, "<i2").astype(np.float32) / 32768
    found = all_chunks(talk)
    assert 4 <= len(found) <= 12 and any(len(one.pieces) > 1 for one in found)
    for one in found:
        assert len(one.samples) <= 30 * RATE and one.end <= len(samples) / RATE
        parts = [samples[round(start * RATE) : round(end * RATE)] for start, end in one.pieces]
        assert np.array_equal(np.concatenate(parts), one.samples)
        assert 0 < one.spoken() <= len(one.samples) / RATE
    assert sum(one.spoken() for one in found) == pytest.approx(35 * 1.65, rel=0.1)


def test_moments_are_found_again(talk: bytes) -> None:
    one = next(one for one in all_chunks(talk) if len(one.pieces) > 1)
    (start, end), (second, _), *_ = one.pieces
    assert one.time(0.0, 0.0) == start
    edge = end - start
    assert one.time(edge, edge - 0.1) == pytest.approx(end)
    assert one.time(edge, edge + 0.1) == pytest.approx(second)
    assert one.time(-1.0, 0.0) == start and one.time(99.0, 99.0) == one.end
    assert one.speech[0][0] < one.middle() < one.speech[-1][1]
    assert one.spoken(after=one.speech[-1][1]) == 0


def test_the_length_of_blocks_does_not_matter(talk: bytes) -> None:
    assert same(all_chunks(talk), all_chunks(talk, block=1_000_000))


def test_who_goes_on_after_a_chunk_finds_the_same_ones(talk: bytes) -> None:
    found = all_chunks(talk)
    for number in (0, len(found) // 2, len(found) - 2):
        assert same(all_chunks(talk, after=found[number].end), found[number + 1 :])
    assert all_chunks(talk, after=found[-1].end) == []
    assert all_chunks(talk, after=len(talk) / 2 / RATE) == []


@pytest.mark.parametrize("seconds", [70, 121.3])
def test_a_beginning_has_the_chunks_of_the_whole(talk: bytes, seconds: float) -> None:
    found, whole = all_chunks(talk[: round(seconds * RATE) * 2]), all_chunks(talk)
    final = [one for one in found if one.pieces[0][0] < seconds - 62]
    assert final and same(final[:-1], whole[: len(final) - 1])


def test_silence_has_no_chunks_and_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours of it, in a moment and in little memory."""
    monkeypatch.setattr("faster_whisper.vad.get_vad_model", lambda: pytest.fail("it was used"))
    told: list[float] = []

    def stream(after: float) -> Iterator[bytes]:
        for _ in range(3 * 60):
            yield bytes(60 * RATE * 2)

    tracemalloc.start()
    try:
        assert list(chunks_of(stream, 0.0, RULES, told.append)) == []
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    assert told == sorted(told) and told[-1] == pytest.approx(3 * 3600, abs=1)


def test_a_recording_of_no_samples() -> None:
    assert all_chunks(b"") == []


def test_speech_is_heard_where_the_library_hears_it(talk: bytes) -> None:
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    samples = np.frombuffer(talk[: 100 * RATE * 2], "<i2").astype(np.float32) / 32768
    wanted = VadOptions(min_silence_duration_ms=120, speech_pad_ms=0)
    theirs = [(one["start"], one["end"]) for one in get_speech_timestamps(samples, wanted)]
    ours = np.concatenate([one.speech for one in voice.listen(stream_of(talk[: 100 * RATE * 2]))])
    spoken = np.zeros(len(ours), bool)
    for start, end in theirs:
        spoken[start // voice.WINDOW : end // voice.WINDOW] = True
    assert ((ours >= 0.5) & ~spoken).mean() < 0.01
    assert (spoken & (ours < 0.35)).mean() < 0.05
