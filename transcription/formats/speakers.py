"""Who says what within a segment: cut where another speaker goes on, so that each part has one.

So the speakers of SRT, WebVTT, TXT and TSV are those of the words, which `services.stages.speakers`
has given them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from transcription.formats.words import beginnings

Segment = Mapping[str, Any]


@dataclass(frozen=True)
class _Stretch:
    """Words in a row that one speaker says, and where in the text they begin."""

    speaker: str
    words: Sequence[Mapping[str, Any]]
    place: int


def by_speaker(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The same text in segments of one speaker each; they are given back as they are if they are.

    What the words say goes before what the segment says. A word of which nobody knows who says it
    belongs to the speaker of the one before it, or, at the beginning, of the first that is known.

    Args:
        segments: With "text", and maybe "speaker", "words" (with "word", "speaker"), "start",
            "end" (seconds). Where the words are not those of the text nothing can be cut.
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
    """Words by speaker; empty where the words tell of none."""
    words = list(segment.get("words") or ())
    speakers = _filled([word.get("speaker") for word in words])
    if not speakers:
        return []
    if len(set(speakers)) == 1:
        return [_Stretch(speakers[0], words, 0)]
    text = str(segment.get("text") or "")
    found = beginnings(text, [str(word.get("word") or "") for word in words])
    spoken = zip(speakers, words, found, strict=False)  # nothing is found of strange words
    grouped = (list(group) for _, group in groupby(spoken, key=lambda one: one[0]))
    return [_Stretch(group[0][0], [word for _, word, _ in group], group[0][2]) for group in grouped]


def _filled(speakers: Sequence[Any]) -> list[str]:
    """A speaker for each word; empty where not one is known."""
    known = next((str(speaker) for speaker in speakers if speaker), "")
    filled = []
    for speaker in speakers:
        known = str(speaker) if speaker else known
        filled.append(known)
    return filled if known else []


def _parts(segment: Segment, stretches: Sequence[_Stretch]) -> Iterator[Segment]:
    """A segment for each stretch of a segment; times come from the words, as far as they have any.

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
        if times["text"]:  # the letter may belong to the word before
            yield {**segment, **times, "speaker": stretch.speaker, "words": stretch.words}


def _time(words: Iterable[Mapping[str, Any]], key: str, otherwise: Any) -> Any:
    """The first known time."""
    return next((word[key] for word in words if word.get(key) is not None), otherwise)
