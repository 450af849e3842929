"""WhisperX's alignment, segment by segment: a failure in one affects only that one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from transcription.engines import words
from transcription.engines.base import Alignment, Progress, Request, Segment, ShouldStop, Word
from transcription.engines.whisperx import sentences
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.engines.whisperx.models import Models
    from transcription.media.pcm import Audio

LONGEST = 60.0
"""Seconds of the longest segment that is aligned: the model's memory grows with their square."""
MOST_CELLS = 50_000_000
"""Size of the table of moments and letters: 200 MB."""
MOMENTS_PER_SECOND = 50
METHODS = ("nearest", "linear", "ignore")
OWN = ("start", "end", "text", "words", "chars", "avg_logprob")
"""The keys that the alignment replaces in a segment; the others stay."""


def align(
    kept: Models,
    audio: Audio,
    segments: Sequence[Segment],
    request: Request,
    on_progress: Progress,
    should_stop: ShouldStop,
) -> Alignment:
    """Each segment as one or more sentences with their words.

    Raises:
        EngineError: The model can't be loaded.
        Cancelled: should_stop() returned True.
    """
    note = sentences.prepare(request)
    aligner = kept.aligner(request)
    aligned: list[Segment] = []
    lost = 0
    for segment in segments:
        if should_stop():
            raise Cancelled
        found = _sentences(kept, aligner, audio, segment, request)
        lost += not found and bool(segment["text"].strip())
        aligned += found or [_without_times(segment, request)]
        on_progress(min(max(float(segment["end"]), 0.0), audio.duration))
    on_progress(audio.duration)
    warnings = []
    if lost:
        warnings.append(
            f"{lost} of {len(segments)} segments could not be aligned with the audio; "
            "their words have no times."
        )
    return Alignment(aligned, note if aligned else "", warnings)


def _sentences(
    kept: Models, aligner: tuple[Any, Any], audio: Audio, segment: Segment, request: Request
) -> list[Segment]:
    """The sentences of a segment with their times; none if it can't be aligned."""
    from whisperx.alignment import align as whisperx_align

    text = " ".join(segment["text"].split())
    start, end = max(0.0, float(segment["start"])), min(float(segment["end"]), audio.duration)
    length = end - start
    too_much = length * MOMENTS_PER_SECOND * len(text) > MOST_CELLS
    if not text or not 0 < length <= LONGEST or too_much:
        return []
    method = request.options.get("interpolate_method")
    found = whisperx_align(
        [{"start": 0.0, "end": length, "text": text}],
        *aligner,
        audio.samples(start, length),
        kept.torch_device,
        interpolate_method=method if method in METHODS else METHODS[0],
        return_char_alignments=bool(request.options.get("return_char_alignments")),
    )
    made = [_sentence(one, segment, start, audio.duration) for one in found["segments"]]
    # If nothing was found, it returns the text without words; a sentence may also get lost.
    letters = sum(len(word["word"]) for one in made for word in one["words"])
    return made if letters >= len(text.replace(" ", "")) else []


def _sentence(
    found: Mapping[str, Any], segment: Segment, offset: float, duration: float
) -> Segment:
    """A sentence as plain values, with times of the whole recording."""
    sentence: Segment = {
        **_times(found, offset, duration),
        "text": found["text"].strip(),
        **{key: value for key, value in segment.items() if key not in OWN},
        "words": [
            {"word": word["word"], **_times(word, offset, duration)} for word in found["words"]
        ],
    }
    if "avg_logprob" in segment:
        sentence["avg_logprob"] = segment["avg_logprob"]
    if found.get("chars") is not None:
        sentence["chars"] = [
            {"char": one["char"], **_times(one, offset, duration)} for one in found["chars"]
        ]
    return sentence


def _times(found: Mapping[str, Any], offset: float, duration: float) -> Word:
    """Start and end, and the score if there is one; empty without times."""
    start, end = (_number(found.get(key)) for key in ("start", "end"))
    if start is None or end is None:
        return {}
    times: Word = {
        "start": round(min(start + offset, duration), 3),
        "end": round(min(end + offset, duration), 3),
    }
    score = _number(found.get("score"))
    if score is not None:
        times["score"] = round(min(max(score, 0.0), 1.0), 3)
    return times


def _number(value: Any) -> float | None:
    """A plain number; None if it isn't one, such as NaN."""
    if value is None or not math.isfinite(value):
        return None
    return float(value)


def _without_times(segment: Segment, request: Request) -> Segment:
    """A segment with its words, without times."""
    written = words.split(segment["text"], request.language)
    made = {**segment, "words": [{"word": word} for word in written]}
    if request.options.get("return_char_alignments"):
        made["chars"] = [{"char": letter} for letter in segment["text"].strip()]
    return made
