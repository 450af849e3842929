"""PocketSphinx: a small English engine with a built-in model. Draft quality, always available."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from transcription.engines.base import (
    ALIGN,
    TRANSCRIBE,
    Alignment,
    Capabilities,
    EngineError,
    Progress,
    Request,
    Segment,
    ShouldStop,
    Transcription,
)
from transcription.engines.pocketsphinx.forced_alignment import ForcedAligner
from transcription.media.errors import Cancelled
from transcription.media.pcm import BYTES_PER_SECOND, RATE

if TYPE_CHECKING:
    from transcription.engines.model_files.assets import Asset
    from transcription.media.pcm import Audio

SETTINGS: dict[str, Any] = {
    # Half the work of the defaults and no more errors, measured on read speech.
    "maxhmmpf": 3000,
    "fwdflat": False,
    "loglevel": "FATAL",
}
LONGEST_UTTERANCE = 15.0
"""Seconds. Speech without a pause is split here, which limits memory and the delay of a cancel."""
BLOCK = BYTES_PER_SECOND * 3 // 10
"""Bytes decoded in one call, 0.3 s: each call holds Python's lock, so it must be short."""
MARGIN = 0.1
"""Seconds kept before and after speech: the voice detector cuts off soft sounds."""
TRAILING_FRAMES = 40
FRAMES_PER_SECOND = 100  # of PocketSphinx's own times
PRIMING = BYTES_PER_SECOND * 3
CHEAP = "cheap"
"""A search for a single word, which prepares the decoder with a quarter of the work."""
FILLER = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
VARIANT = re.compile(r"\(\d+\)$")


@dataclass(frozen=True)
class _Utterance:
    start: float
    end: float
    pcm: bytes


class PocketSphinx:
    """The engine. It keeps one decoder for all recordings."""

    name = "pocketsphinx"

    def __init__(self) -> None:
        self._decoder: Any = None
        self._words = ""  # the decoder's name for its search of all words
        self._aligner = ForcedAligner()

    def capabilities(self) -> Capabilities:
        return Capabilities(
            label="PocketSphinx",
            quality="Draft quality, English only. Built in: needs no model and no network.",
            languages=("en",),
            words=True,
            translation=False,
            needs_download=False,
            stages=(TRANSCRIBE, ALIGN),
        )

    def installation_error(self) -> str:
        return "" if find_spec("pocketsphinx") else "The package pocketsphinx is not installed."

    def assets(self, request: Request, stage: str) -> tuple[Asset, ...]:
        """Its model is part of the package."""
        return ()

    def readiness_error(self, request: Request, stage: str = TRANSCRIBE) -> str:
        if reason := self.installation_error():
            return reason
        unsaid = None if stage == TRANSCRIBE else "en"
        if request.language not in (unsaid, "en"):
            return f'PocketSphinx knows English only, not "{request.language}".'
        return ""

    def device(self, request: Request) -> str:
        """No GPU support."""
        return "cpu"

    def load(self, request: Request) -> None:
        import pocketsphinx

        if reason := self.readiness_error(request):
            raise EngineError("language_unsupported", reason)
        if self._decoder is None:
            self._decoder = pocketsphinx.Decoder(**SETTINGS)
            self._words = self._decoder.current_search()
            self._decoder.add_keyphrase(CHEAP, "forward")

    def transcribe(
        self,
        audio: Audio,
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Transcription:
        self.load(request)
        segments: list[Segment] = []
        for utterance in _utterances(audio, on_progress, should_stop):
            if segment := self._segment(utterance, on_progress, should_stop):
                segments.append(segment)
            on_progress(min(utterance.end, audio.duration))
        on_progress(audio.duration)
        return Transcription(segments, language="en" if segments else request.language)

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        return self._aligner.align(audio, segments, request, on_progress, should_stop)

    def _segment(
        self, utterance: _Utterance, on_progress: Progress, should_stop: ShouldStop
    ) -> Segment | None:
        """The words of one utterance; None if there are none."""
        self._prime(utterance.pcm)
        self._decoder.start_utt()
        for at in range(0, len(utterance.pcm), BLOCK):
            if should_stop():
                self._decoder.end_utt()
                raise Cancelled
            self._decoder.process_raw(utterance.pcm[at : at + BLOCK])
            on_progress(utterance.start + at / BYTES_PER_SECOND)
        self._decoder.end_utt()
        words = [word for found in self._decoder.seg() or () if (word := _word(found, utterance))]
        if not words:
            return None
        return {
            "start": words[0]["start"],
            "end": words[-1]["end"],
            "text": " ".join(word["word"] for word in words),
            "words": words,
        }

    def _prime(self, pcm: bytes) -> None:
        """Lets the decoder adapt to the loudness and tone of this audio before it decodes any.

        By itself it only adapts from one utterance to the next: without this a quiet recording
        begins badly (36 errors instead of 21 in 75 words, measured).
        """
        self._decoder.activate_search(CHEAP)
        self._decoder.start_utt()
        for at in range(0, min(len(pcm), PRIMING), BLOCK):
            self._decoder.process_raw(pcm[at : min(at + BLOCK, PRIMING)], no_search=True)
        level = self._decoder.get_cmn(True)
        self._decoder.end_utt()
        self._decoder.activate_search(self._words)
        self._decoder.set_cmn(level)


def _utterances(
    audio: Audio, on_progress: Progress, should_stop: ShouldStop
) -> Iterator[_Utterance]:
    """The parts with speech, found while reading: nothing else stays in memory."""
    heard_until = 0.0
    for start, end in _stretches(audio, on_progress, should_stop):
        start = max(heard_until, start - MARGIN)
        heard_until = end = min(end + MARGIN, audio.duration)
        if pcm := audio.pcm(start, end):
            yield _Utterance(start, end, pcm)


def _stretches(
    audio: Audio, on_progress: Progress, should_stop: ShouldStop
) -> Iterator[tuple[float, float]]:
    """Start and end in seconds of each part with speech, in pieces of limited length."""
    import pocketsphinx

    endpointer = pocketsphinx.Endpointer(sample_rate=RATE)
    start: float | None = None
    for number, frame in enumerate(_frames(audio, endpointer.frame_bytes)):
        if should_stop():
            raise Cancelled
        endpointer.process(frame)
        now = number * endpointer.frame_length
        if start is None:
            if endpointer.in_speech:
                start = endpointer.speech_start
            elif number % 100 == 0:
                on_progress(min(now, audio.duration))
        elif not endpointer.in_speech:
            yield start, min(endpointer.speech_end, audio.duration)
            start = None
        elif now - start > LONGEST_UTTERANCE:
            yield start, now
            start = now
    if start is not None:
        yield start, audio.duration


def _frames(audio: Audio, size: int) -> Iterator[bytes]:
    """Frames of exactly this many bytes, with silence at the end so that the last speech ends,
    too."""
    for block in audio.blocks(size / BYTES_PER_SECOND):
        yield block.ljust(size, b"\0")
    for _ in range(TRAILING_FRAMES):
        yield bytes(size)


def _word(found: Any, utterance: _Utterance) -> dict[str, Any] | None:
    """A recognised word with its time; None for pauses and noises."""
    if FILLER.match(found.word):
        return None
    start = utterance.start + found.start_frame / FRAMES_PER_SECOND
    end = utterance.start + (found.end_frame + 1) / FRAMES_PER_SECOND
    return {
        "word": VARIANT.sub("", found.word),
        "start": round(start, 3),
        "end": round(min(end, utterance.end), 3),
        "score": round(min(1.0, max(0.0, float(found.prob))), 3),
    }
