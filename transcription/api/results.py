"""A job's transcript in the API's shape."""

from typing import Any

from transcription.models import Job, State, Transcript


def result_of(job: Job) -> dict[str, Any] | None:
    """The `result` of a task: segments with their words, or None while there is none.

    Words without times are left out, and so are `chars`; a segment all of whose words are left out
    goes, too; one that never had words stays with its text. `word_segments` is empty, and language
    is in the metadata, not here.
    """
    if job.state not in (State.COMPLETED, State.WARNINGS):
        return None
    transcript = Transcript.objects.filter(job=job).first()
    segments = transcript.segments if transcript else []
    shown = (segment_of(segment) for segment in segments)
    return {"segments": [segment for segment in shown if segment], "word_segments": []}


def segment_of(segment: dict[str, Any]) -> dict[str, Any] | None:
    """One segment, or None where nothing of it can be placed in time."""
    words = segment.get("words")
    placed = [word_of(word) for word in words or [] if is_placed(word)]
    if words and not placed:
        return None
    shown = {key: segment[key] for key in ("start", "end", "text")} | {"words": placed}
    if segment.get("speaker"):
        shown["speaker"] = segment["speaker"]
    return shown


def is_placed(word: dict[str, Any]) -> bool:
    """Whether a word has all that the API promises."""
    return all(word.get(key) is not None for key in ("start", "end", "score"))


def word_of(word: dict[str, Any]) -> dict[str, Any]:
    """One word with times and score."""
    keys = ("word", "start", "end", "score") + (("speaker",) if word.get("speaker") else ())
    return {key: word[key] for key in keys}
