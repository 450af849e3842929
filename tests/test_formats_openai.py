"""Transcripts as OpenAI writes them: pure functions."""

import math

import pytest

from transcription.formats import openai

TWO = [
    {"start": 0.0, "end": 3.0, "text": "The sun rises in the east and sets in the west."},
    {
        "start": 3.0,
        "end": 7.0,
        "text": "This simple fact has been observed by humans for thousands of years.",
        "speaker": "SPEAKER_00",
    },
]


def test_subtitles_have_the_length_that_openai_s_have() -> None:
    """Known of OpenAI's own answer for these two segments: 184 bytes."""
    srt = openai.subtitles("srt", TWO)
    assert len(srt) == 184
    assert srt.startswith("1\n00:00:00,000 --> 00:00:03,000\nThe sun") and srt.endswith(".\n\n\n")
    vtt = openai.subtitles("vtt", TWO)
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:03.000\n") and vtt.endswith(".\n\n")
    assert len(vtt) == 187


def test_silence() -> None:
    assert openai.text_of([]) == ""
    assert openai.subtitles("srt", []) == "\n"
    assert openai.subtitles("vtt", []) == "WEBVTT\n\n"
    assert openai.detailed([]) == openai.words_of([]) == []


def test_languages_without_blanks_are_joined_without() -> None:
    segments = [{"start": 0, "end": 1, "text": "你好"}, {"start": 1, "end": 2, "text": " 世界 "}]
    assert openai.text_of(segments, "zh") == "你好世界"
    assert openai.text_of(segments, "en") == "你好 世界"
    assert [segment["text"] for segment in openai.detailed(segments, "zh")] == ["你好", "世界"]


def test_what_an_engine_tells_goes_before_what_is_made_up() -> None:
    told = {"seek": 300, "tokens": [1, 2], "temperature": 0.4, "no_speech_prob": 0.25}
    segment = {"start": 0.0, "end": 1.0, "text": "a", "avg_logprob": -0.3, **told}
    (shown,) = openai.detailed([segment], temperature=0.9)
    assert {key: shown[key] for key in told} == told
    assert (shown["id"], shown["text"], shown["avg_logprob"]) == (0, " a", -0.3)


def test_scores_of_words_stand_in_for_the_engine_s_own_probability() -> None:
    words = [{"word": "a", "score": 0.5}, {"word": "b", "score": 0.0}, {"word": "c"}]
    (shown,) = openai.detailed([{"start": 0.0, "end": 1.0, "text": "a b c", "words": words}])
    assert shown["avg_logprob"] == pytest.approx((math.log(0.5) + math.log(1e-4)) / 2)
    (bare,) = openai.detailed([{"start": 0.0, "end": 1.0, "text": "a"}])
    assert bare["avg_logprob"] == 0.0


def test_only_words_with_times() -> None:
    words = [{"word": "a", "start": 0.0, "end": 0.5, "score": 1.0}, {"word": "9"}]
    segment = {"start": 0.0, "end": 1.0, "text": "a 9", "words": words}
    assert openai.words_of([segment]) == [{"word": "a", "start": 0.0, "end": 0.5}]


def test_repetition_shows_in_the_compression_ratio() -> None:
    assert openai.compression_ratio("") < 1
    assert openai.compression_ratio("again and " * 50) > 2.4


def test_speakers_have_letters_in_the_order_in_which_they_speak() -> None:
    said = [
        {"start": n, "end": n + 1, "text": f" {n}", "speaker": f"SPEAKER_{29 - n:02}"}
        for n in range(28)
    ]
    told = openai.diarized([*said, {"start": 28, "end": 29, "text": "who?"}, said[0]])
    speakers = [segment["speaker"] for segment in told]
    assert speakers[:3] == ["A", "B", "C"] and speakers[25:] == ["Z", "AA", "AB", "unknown", "A"]
    assert told[0] == {
        "type": "transcript.text.segment",
        "id": "seg_001",
        "start": 0,
        "end": 1,
        "text": "0",
        "speaker": "A",
    }
