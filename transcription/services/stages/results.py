"""A job's result, in the API's shape for its type.

Kept outputs have the shapes that clients send and receive: a transcription is `{"segments",
"language"}`, an alignment `{"segments", "word_segments"}`, a diarization a list of turns.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

from django.db.models import TextField
from django.db.models.functions import Cast

from transcription.http.gradual_json import GradualReader
from transcription.models import Job, StageOutput, State, TaskType, Transcript
from transcription.services.stages import shapes
from transcription.services.stages.shapes import AlignedWord, Outcome, WordPlace

Segment = Mapping[str, Any]
Shape = TypeVar("Shape")


def result_of(job: Job) -> Outcome | None:
    """The `result` of a task, or None while it has none.

    Long lists are iterators, to be written item by item.
    """
    if job.state not in (State.COMPLETED, State.WARNINGS):
        return None
    if job.task_type == TaskType.TRANSCRIPTION:
        return transcription(job)
    if job.task_type == TaskType.ALIGNMENT:
        return alignment(job)
    if job.task_type == TaskType.DIARIZATION:
        return diarization(job)
    return joined(job)


def transcription(job: Job) -> shapes.Transcription:
    """Segments with their text, and the spoken language."""
    kept = output_of(job, StageOutput.Name.TRANSCRIBE) or {}
    segments = kept.get("segments") or segments_of(job)
    return {
        "segments": (transcribed_segment(segment) for segment in segments),
        "language": job.language_used or kept.get("language") or job.language or None,
    }


def transcribed_segment(segment: Segment) -> shapes.TranscribedSegment:
    """A segment without words; clients join the texts, so each begins with a space."""
    shown = chosen(segment, shapes.TranscribedSegment)
    text = str(shown["text"])
    shown["text"] = f" {text}" if text and not text[0].isspace() else text
    return shown


def partial_segment(segment: Segment) -> shapes.PartialSegment:
    """A segment as it was transcribed."""
    shown = chosen(transcribed_segment(segment), shapes.PartialSegment)
    if words := segment.get("words"):
        shown["words"] = [chosen(word, AlignedWord) for word in words]
    return shown


def alignment(job: Job) -> shapes.Alignment:
    """Segments with all their words, also those without times, and all words again."""
    kept = output_of(job, StageOutput.Name.ALIGN) or {}
    segments = kept.get("segments") or segments_of(job)
    words = kept.get("word_segments") or words_of(segments)
    return {
        "segments": (aligned_segment(segment) for segment in segments),
        "word_segments": (chosen(word, AlignedWord) for word in words),
    }


def words_of(segments: Iterable[Segment]) -> Iterator[Segment]:
    return (word for segment in segments for word in segment.get("words") or ())


def aligned_segment(segment: Segment) -> shapes.AlignedSegment:
    """A segment with its words, and its characters if they were requested."""
    words = [chosen(word, AlignedWord) for word in segment.get("words") or []]
    return chosen({**segment, "words": words}, shapes.AlignedSegment)


def diarization(job: Job) -> Iterator[shapes.Turn]:
    """Speaker turns in order of time."""
    turns = output_of(job, StageOutput.Name.DIARIZE) or []
    return (chosen(turn, shapes.Turn) for turn in turns)


def joined(job: Job) -> shapes.SpeakerTranscript:
    """Segments and words with their speakers.

    Words without times or score are left out, and so are `chars`; a segment is left out if all of
    its words are. A segment that never had words keeps its text, unless the client sent the words:
    the replaced service drops it. `word_segments` is empty, and the language is in the metadata.
    """
    wordless = job.task_type != TaskType.COMBINATION
    shown = (joined_segment(segment, wordless) for segment in segments_of(job))
    return {"segments": (segment for segment in shown if segment), "word_segments": []}


def joined_segment(segment: Segment, wordless: bool) -> shapes.SpokenSegment | None:
    """One segment, or None if nothing in it has a time."""
    words = segment.get("words") or []
    placed = [chosen(word, shapes.SpokenWord) for word in words if is_placed(word)]
    if not placed and (words or not wordless):
        return None
    return chosen({**segment, "words": placed}, shapes.SpokenSegment)


def is_placed(word: Segment) -> bool:
    """Whether a word has all keys that the API promises."""
    return all(word.get(key) is not None for key in WordPlace.__annotations__)


def chosen(whole: Segment, shape: type[Shape]) -> Shape:
    """The keys of this shape that have a value."""
    keys = shape.__annotations__
    return cast(Shape, {key: whole[key] for key in keys if whole.get(key) is not None})


def output_of(job: Job, name: StageOutput.Name) -> Any:
    return StageOutput.objects.filter(job=job, name=name).values_list("output", flat=True).first()


def segments_of(job: Job) -> "StoredList":
    """The segments of the transcript; empty without one."""
    return find_segments(job) or StoredList("[]")


def find_segments(job: Job) -> "StoredList | None":
    """The segments of the transcript; None while there is none."""
    stored = Transcript.objects.filter(job=job).annotate(text=Cast("segments", TextField()))
    text = stored.values_list("text", flat=True).first()
    return None if text is None else StoredList(text)


class StoredList:
    """The list in a JSON column, parsed from its text item by item, again at each iteration.

    All items at once take ten times the memory of the text. Between items, other requests run.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __iter__(self) -> Iterator[Segment]:
        reader = GradualReader(self.text)
        return (reader.value() for _ in reader.items())
