"""Transcripts as OpenAI's audio API gives them, byte for byte where that is text.

Its subtitles end with more line breaks than the formats ask for.
"""

import math
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from transcription.formats.cues import Options, Segment
from transcription.formats.speakers import by_speaker
from transcription.formats.writers import written
from transcription.languages import UNSPACED

ENDINGS = {"srt": "\n\n", "vtt": "\n"}
LOWEST_SCORE = 1e-4  # a score of 0 has no logarithm
UNKNOWN_SPEAKER = "unknown"
PLAIN = Options(speakers=False)


def text_of(segments: Iterable[Segment], language: str = "") -> str:
    """The whole text in one line.

    Args:
        segments: In their order.
        language: The code of the text's language.
    """
    spoken = (str(segment.get("text") or "").strip() for segment in segments)
    return blank(language).join(text for text in spoken if text)


def subtitles(kind: str, segments: Iterable[Segment]) -> str:
    """The transcript as `srt` or `vtt` in readable cues, without speakers, as OpenAI's."""
    text = "".join(written(kind, segments, options=PLAIN))
    return text + ENDINGS[kind] if text else "\n"


def diarized(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    """The `segments` of `diarized_json`, each of one speaker.

    Speakers are called A, B, C and so on in the order in which they first speak; the label of an
    unknown speaker is `unknown`.
    """
    letters: dict[str, str] = {}
    shown = []
    for number, segment in enumerate(by_speaker(segments)):
        speaker = str(segment.get("speaker") or "")
        if speaker:
            speaker = letters.setdefault(speaker, lettered(len(letters)))
        shown.append(
            {
                "type": "transcript.text.segment",
                "id": f"seg_{number + 1:03}",
                "start": segment["start"],
                "end": segment["end"],
                "text": str(segment.get("text") or "").strip(),
                "speaker": speaker or UNKNOWN_SPEAKER,
            }
        )
    return shown


def lettered(number: int) -> str:
    """A, B … Z, AA, AB … for 0, 1, …"""
    before, last = divmod(number, 26)
    return (lettered(before - 1) if before else "") + chr(ord("A") + last)


def detailed(
    segments: Iterable[Segment], language: str = "", temperature: float = 0.0
) -> list[dict[str, Any]]:
    """The `segments` of `verbose_json`, with every key.

    Values that the engine doesn't provide are neutral: no tokens, a no-speech probability of 0,
    seek 0. The average log probability is then computed from the words' scores.

    Args:
        segments: In their order.
        language: The code of the text's language.
        temperature: Of the sampling, if the engine doesn't report it.
    """
    return [
        {
            "id": number,
            "seek": segment.get("seek") or 0,
            "start": segment["start"],
            "end": segment["end"],
            "text": blank(language) + str(segment.get("text") or "").strip(),
            "tokens": list(segment.get("tokens") or ()),
            "temperature": given(segment, "temperature", temperature),
            "avg_logprob": given(segment, "avg_logprob", log_of_scores(segment)),
            "compression_ratio": compression_ratio(str(segment.get("text") or "")),
            "no_speech_prob": given(segment, "no_speech_prob", 0.0),
        }
        for number, segment in enumerate(segments)
    ]


def words_of(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    """The `words` of `verbose_json`: all words with times, in order."""
    return [
        {"word": word["word"], "start": word["start"], "end": word["end"]}
        for segment in segments
        for word in segment.get("words") or ()
        if word.get("start") is not None and word.get("end") is not None
    ]


def compression_ratio(text: str) -> float:
    """How much shorter zlib makes the text; above 2.4 it probably repeats itself."""
    data = text.encode("utf-8", "replace")
    return len(data) / len(zlib.compress(data))


def log_of_scores(segment: Segment) -> float:
    """The average logarithm of the words' scores; 0 without scores."""
    scores = [word["score"] for word in segment.get("words") or () if word.get("score") is not None]
    logs = [math.log(max(score, LOWEST_SCORE)) for score in scores]
    return sum(logs) / len(logs) if logs else 0.0


def given(segment: Mapping[str, Any], key: str, otherwise: float) -> float:
    """The engine's value, or the default."""
    value = segment.get(key)
    return float(otherwise if value is None else value)


def blank(language: str) -> str:
    """The separator of two segments in this language."""
    return "" if language in UNSPACED else " "
