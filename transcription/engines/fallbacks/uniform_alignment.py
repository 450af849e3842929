"""Fallback alignment: interpolates word times by length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from transcription.engines import words
from transcription.engines.base import (
    ALIGN,
    TRANSCRIBE,
    Alignment,
    Capabilities,
    Progress,
    Request,
    Segment,
    ShouldStop,
    Word,
)
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio

NOTE = (
    "There is no alignment model for this language here: "
    "the words share their segment's time evenly, with score 0."
)
OF_TRANSLATION = (
    "The words of a translation were not spoken: they share their segment's time evenly, with "
    "score 0."
)


class UniformAligner:
    """Interpolates word times by length."""

    name = "even-spread"

    def capabilities(self) -> Capabilities:
        return Capabilities(
            label="even spread",
            quality="Word times are calculated from segments, not measured.",
            languages=None,
            words=False,
            translation=False,
            needs_download=False,
            stages=(ALIGN,),
            streams=True,
        )

    def installation_error(self) -> str:
        return ""

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        return ()

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        return ""

    def device(self, request: Request) -> str:
        return "cpu"

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        if should_stop():
            raise Cancelled
        aligned = [spread_segment(segment, request) for segment in segments]
        on_progress(audio.duration)
        note = OF_TRANSLATION if request.task == "translate" else NOTE
        return Alignment(aligned, note if aligned else "")


def spread_segment(segment: Segment, request: Request) -> Segment:
    """A segment whose words share its time by length."""
    parts = words.split(segment["text"], request.language)
    return with_words(segment, words.spread(parts, segment["start"], segment["end"]), request)


def with_words(segment: Segment, found: list[Word], request: Request) -> Segment:
    """The segment with these words, and with its letters if they were requested."""
    made = {**segment, "words": found}
    if request.options.get("return_char_alignments"):
        made["chars"] = words.characters(segment["text"], found)
    return made
