"""Splits segments where the speaker changes, so that each part has one speaker.

The speakers of SRT, WebVTT, TXT and TSV come from the words, to which `services.stages.speakers`
assigned them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from transcription.formats.words import beginnings

Segment = Mapping[str, Any]


@dataclass(frozen=True)
class _Stretch:
    """Consecutive words of one speaker, and the position in the text at which they begin."""

    speaker: str
    words: Sequence[Mapping[str, Any]]
    place: int


def by_speaker(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The same text in segments of one speaker each; segments that already are stay unchanged.

    The words' speakers take precedence over the segment's. A word with an unknown speaker belongs
    to the speaker of the word before it or, at the beginning, to the first known speaker.

    Args:
        segments: With "text", and maybe "speaker", "words" (with "word", "speaker"), "start", "end"
            (seconds). Segments whose words don't match their text can't be split.
    """
    for segment in segments:
        stretches = _stretches(segment)
        if len(stretches) > 1:
            yield from _parts(segment, stretches)
        elif stretches and stretches[0].speaker != segment.get("speaker"):
            yield {**segment, "speaker": stretches[0].speaker}
        else:
            yield segment


def _stretches(segment: Segment) -> list[_Stretch]:
    """Words by speaker; empty if the words have no speakers."""
    words = list(segment.get("words") or ())
    speakers = _filled([word.get("speaker") for word in words])
    if not speakers:
        return []
    if len(set(speakers)) == 1:
        return [_Stretch(speakers[0], words, 0)]
    text = str(segment.get("text") or "")
    found = beginnings(text, [str(word.get("word") or "") for word in words])
    spoken = zip(speakers, words, found, strict=False)  # words that don't match the text
    grouped = (list(group) for _, group in groupby(spoken, key=lambda one: one[0]))
    return [_Stretch(group[0][0], [word for _, word, _ in group], group[0][2]) for group in grouped]


def _filled(speakers: Sequence[Any]) -> list[str]:
    """A speaker for each word; empty if none is known."""
    known = next((str(speaker) for speaker in speakers if speaker), "")
    filled = []
    for speaker in speakers:
        known = str(speaker) if speaker else known
        filled.append(known)
    return filled if known else []


def _parts(segment: Segment, stretches: Sequence[_Stretch]) -> Iterator[Segment]:
    """A segment for each part of a segment; its times come from the words, if they have any.

    The first begins and the last ends with the segment itself.
    """
    text = str(segment.get("text") or "")
    edges = [0, *(stretch.place for stretch in stretches[1:]), len(text)]
    last = len(stretches) - 1
    end = segment.get("start")
    for number, (stretch, (a, b)) in enumerate(zip(stretches, pairwise(edges), strict=True)):
        start = _time(stretch.words, "start", end) if number else segment.get("start")
        end = segment.get("end") if number == last else _time(stretch.words[::-1], "end", start)
        times = {"start": start, "end": end, "text": text[a:b].strip()}
        if times["text"]:  # the letter may belong to the previous word
            yield {**segment, **times, "speaker": stretch.speaker, "words": stretch.words}


def _time(words: Iterable[Mapping[str, Any]], key: str, otherwise: Any) -> Any:
    """The first known time."""
    return next((word[key] for word in words if word.get(key) is not None), otherwise)
