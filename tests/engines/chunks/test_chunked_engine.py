"""Transcription chunk by chunk, with the real built-in model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.speech import built_in as wheel
from tests.speech import recordings
from transcription.engines.base import Chunk, ChunkProgress, Paused, Request, Transcription
from transcription.engines.faster_whisper.batch_size import BatchSize
from transcription.engines.faster_whisper.engine import FasterWhisper
from transcription.engines.model_files import built_in
from transcription.media.errors import Cancelled
from transcription.media.pcm import Audio

WORDS = ["go", "forward", "10", "meters"]


@pytest.fixture(scope="module")
def engine() -> FasterWhisper:
    wheel.needed()
    return FasterWhisper()


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> Request:
    wheel.needed()
    folder = built_in.folder(tmp_path_factory.mktemp("models"))
    assert folder is not None
    options = {"beam_size": 1, "chunk_size": 6}
    return Request("", "faster-whisper", "tiny.en", str(folder), threads=1, options=options)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Audio:
    """A dozen sentences, with a minute of silence among them."""
    once = recordings.long_speech(16, pause=0.8)
    pcm = once + recordings.silence(60) + once
    path = tmp_path_factory.mktemp("audio") / "talk"
    path.write_bytes(pcm)
    return Audio(path, len(pcm) / 32_000)


@pytest.fixture(scope="module")
def whole(engine: FasterWhisper, talk: Audio, request_: Request) -> list[Chunk]:
    """The chunks of it, of a run that nothing ended."""
    kept: list[Chunk] = []
    text = transcribed(engine, talk, request_, keep=kept.extend)
    assert text.segments == [segment for chunk in kept for segment in chunk.segments]
    return kept


def transcribed(
    engine: FasterWhisper,
    audio: Audio,
    request: Request,
    kept: Sequence[Chunk] = (),
    keep: Callable[[Sequence[Chunk]], None] = lambda chunks: None,
    tell: Callable[[float], None] = lambda done: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Transcription:
    return engine.transcribe(audio, request, ChunkProgress(tell, kept, keep), should_stop)


def words_of(segments: Sequence[dict[str, object]]) -> list[str]:
    said = " ".join(str(segment["text"]) for segment in segments).lower()
    return re.findall(r"[a-z0-9]+", said.replace("ten", "10"))


def test_words_and_times_are_those_that_were_said(whole: list[Chunk]) -> None:
    segments = [segment for chunk in whole for segment in chunk.segments]
    assert words_of(segments) == WORDS * 10
    starts = [word["start"] for segment in segments for word in segment["words"]]
    assert starts == sorted(starts)
    gaps = [after - before for before, after in pairwise(starts)]
    assert max(gaps) == pytest.approx(62, abs=3)
    for chunk in whole:
        assert all(chunk.start <= one["start"] <= one["end"] <= chunk.end for one in chunk.segments)
        assert (chunk.language, chunk.language_probability) == ("en", 1.0)


@pytest.mark.parametrize("size", [1, 3, 16])
def test_how_chunks_are_grouped_changes_nothing(
    size: int, engine: FasterWhisper, talk: Audio, request_: Request, whole: list[Chunk]
) -> None:
    request = replace(request_, options={**request_.options, "batch_size": size})
    kept: list[Chunk] = []
    transcribed(engine, talk, request, keep=kept.extend)
    assert kept == whole


@pytest.mark.parametrize("done", [1, 3, 5])
def test_a_run_goes_on_after_its_chunks(
    done: int, engine: FasterWhisper, talk: Audio, request_: Request, whole: list[Chunk]
) -> None:
    new: list[Chunk] = []
    text = transcribed(engine, talk, request_, kept=whole[:done], keep=new.extend)
    assert new == whole[done:]
    assert text.segments == [segment for chunk in whole for segment in chunk.segments]
    assert (text.language, text.language_probability) == ("en", 1.0)


def test_the_first_text_is_there_early(
    engine: FasterWhisper, talk: Audio, request_: Request
) -> None:
    sizes: list[int] = []
    told: list[float] = []
    transcribed(engine, talk, request_, keep=lambda new: sizes.append(len(new)), tell=told.append)
    assert sizes[:2] == [1, 2] and sum(sizes) >= 6
    assert told == sorted(told) and told[-1] == talk.duration


@pytest.mark.parametrize("reason", [Paused, Cancelled])
def test_it_ends_after_a_batch_where_others_wait(
    reason: type[Exception], engine: FasterWhisper, talk: Audio, request_: Request
) -> None:
    def keep(chunks: Sequence[Chunk]) -> None:
        raise reason

    with pytest.raises(reason):
        transcribed(engine, talk, request_, keep=keep)


def test_it_is_cancelled_within_a_batch(
    engine: FasterWhisper, talk: Audio, request_: Request
) -> None:
    asked: list[bool] = []

    def should_stop() -> bool:
        asked.append(True)
        return len(asked) > 4

    kept: list[Chunk] = []
    with pytest.raises(Cancelled):
        transcribed(engine, talk, request_, keep=kept.extend, should_stop=should_stop)
    assert len(kept) < 4


def test_hours_of_silence_are_kept_as_done(
    engine: FasterWhisper, request_: Request, tmp_path: Path
) -> None:
    path = tmp_path / "silence"
    with path.open("wb") as file:
        file.truncate(2 * 3600 * 32_000)
        file.seek(0, 2)
        file.write(recordings.speech())
    audio = Audio(path, path.stat().st_size / 32_000)
    kept: list[Chunk] = []
    text = transcribed(engine, audio, request_, keep=kept.extend)
    assert words_of(text.segments) == WORDS and text.segments[0]["start"] > 7200
    assert [one.segments for one in kept[:-1]] == [[]] * (len(kept) - 1) and len(kept) > 5
    again: list[Chunk] = []
    transcribed(engine, audio, request_, kept=kept[:4], keep=again.extend)
    assert again == kept[4:]


def test_a_batch_takes_no_longer_than_a_turn() -> None:
    size = BatchSize(8)
    for took, following in ((1.0, 2), (4.0, 4), (4.0, 8), (8.0, 8), (30.0, 4), (80.0, 1)):
        size.took(size.now, took)
        assert size.now == following
    size = BatchSize(8)
    size.took(1, 0.0)
    assert size.now == 2 and size.halve() and size.now == 1 and not size.halve()
    size.took(1, 0.1)
    assert size.now == 1  # what didn't fit once is not tried again
