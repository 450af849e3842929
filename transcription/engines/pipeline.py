"""One request, stage by stage, in the engine's process."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from transcription.engines import registry, words
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    FETCHING,
    TRANSCRIBE,
    WORKING,
    Chunk,
    ChunkProgress,
    Output,
    Paused,
    Progress,
    Request,
    Result,
    ShouldStop,
)
from transcription.engines.interface import Aligner, Diarizer, Engine, Transcriber
from transcription.engines.runtime import gpu_slots
from transcription.engines.runtime.reader_process import WaitingReaders
from transcription.engines.runtime.recording import Recording
from transcription.engines.selection import WORK, chosen_for, select_ready
from transcription.media.errors import Cancelled, FinalError

if TYPE_CHECKING:
    from transcription.media.pcm import Audio

NO_CARD = "{} can use no GPU here, so the CPU was used."
INSTEAD = "{} can't {}, so {} did it."
SILENT = "The recording is silent from beginning to end."
LONG_SILENCE = 60.0
"""Seconds; the engines check shorter recordings, and streams, themselves."""
REPORTED = ("container", "codec", "mime", "has_video", "duration", "audio_tracks", "track")
"""The facts about a file that are reported."""


class Listener(Protocol):
    """Receives the reports of a run."""

    def progress_reporter(self, stage: str, total: float | None) -> Progress:
        """Returns what reports the progress of a stage of this many seconds."""
        ...

    def found(self, about: Mapping[str, Any]) -> None:
        """Reports what the probe found."""
        ...

    def chunks(self, chunks: Sequence[Chunk]) -> None:
        """Reports a batch of transcribed chunks as soon as it is done.

        Raises:
            Paused: Others wait, and the run ends here.
        """
        ...

    def output(self, output: Output, duration: float) -> None:
        """Reports a stage's output as soon as it is done."""
        ...

    def failed(self, reason: FinalError) -> None:
        """Reports why the run failed; the last report."""
        ...


class Pipeline:
    """Does the stages of one request in order, each with the outputs of the earlier ones.

    Without a transcript the run ends. A later stage that fails doesn't affect the others.

    Args:
        request: What to do.
        listener: Receives the reports.
        should_stop: Whether the run is no longer wanted.
        pcm: The file for decoded audio.
        waiting: The readers of paused runs.
    """

    def __init__(
        self,
        request: Request,
        listener: Listener,
        should_stop: ShouldStop,
        pcm: Path,
        waiting: WaitingReaders,
    ) -> None:
        self._request = request
        self._listener = listener
        self._stop = should_stop
        self._pcm = pcm
        self._waiting = waiting
        self._values: dict[str, Any] = dict(request.outputs)
        self._result = Result(0.0, {})
        self._reporters: dict[tuple[str, float | None], Progress] = {}  # the current one alone
        self._reported: tuple[str, float, float | None] = ("probing", 0.0, None)

    def run(self) -> Result:
        """Does all stages.

        Raises:
            EngineError: The audio can't be read, or the transcription failed.
            Cancelled: should_stop() returned True.
            Paused: Others wait; what was reported need not be done again.
        """
        self._report("probing")
        with self._recording() as audio:
            self._probe(audio)
            for stage in self._request.stages:
                self._go_on()
                self._do(stage, audio)
            self._result.duration = audio.duration
            if not self._result.media["has_video"]:  # video may last longer
                self._result.media["duration"] = audio.duration
        return self._result

    def _recording(self) -> Recording:
        return Recording(
            self._request,
            self._pcm,
            self._waiting,
            on_decoding=partial(self._report, "decoding"),
            on_sign=lambda: self._report(*self._reported),
            should_stop=self._stop,
        )

    def _probe(self, audio: Recording) -> None:
        found = audio.media()
        self._go_on()
        self._result.media = {key: found[key] for key in REPORTED}
        self._listener.found(self._result.media)

    def _do(self, stage: str, audio: Audio) -> None:
        try:
            output = self._stage(stage, audio)
        except (Cancelled, Paused, MemoryError):
            raise
        except Exception as error:
            if stage == TRANSCRIBE:
                raise
            self._result.failures[stage] = _reason(error)
        else:
            self._result.outputs[stage] = output
            self._values[stage] = output.value
            self._listener.output(output, audio.duration)

    def _stage(self, stage: str, audio: Audio) -> Output:
        """Runs a stage with the engine selected for it."""
        request = replace(self._request, language=self._language(stage))
        engine, why = select_ready(stage, request, self._fetching, self._stop)
        device = engine.device(request)
        if not engine.capabilities().streams:
            audio.ensure_file()
        doing = {TRANSCRIBE: self._transcribe, ALIGN: self._align, DIARIZE: self._diarize}
        with gpu_slots.taken(request, device, lambda: self._report("waiting"), self._stop):
            output = doing[stage](engine, audio, request)
        if stage == ALIGN and not output.value["segments"]:
            why = ""  # without speech, a missing aligner doesn't matter
        notes = [why, output.note or ("" if why else self._instead(stage, engine))]
        if stage == ALIGN and why and request.options.get("align_model"):
            output = replace(output, warnings=[*output.warnings, why])  # the client expects it
        if stage == self._request.stages[0]:
            notes.append(audio.note)
            silent = [SILENT] if _is_long_silence(audio) else []
            warnings = dict.fromkeys([*audio.warnings, *output.warnings, *silent])
            output = replace(output, warnings=list(warnings))
            label = engine.capabilities().label
            if (request.device, device) == ("cuda", "cpu"):
                notes.append(NO_CARD.format(label))
        note = " ".join(note for note in notes if note)
        return replace(output, note=note, device=device)

    def _language(self, stage: str) -> str | None:
        """The language of the speech; for the alignment, that of the text."""
        transcript = self._values.get(TRANSCRIBE)
        if stage == TRANSCRIBE or transcript is None:
            return self._request.language
        if stage == ALIGN and self._request.task == "translate":
            return "en"
        language: str | None = transcript.get("language")
        return language

    def _transcribe(self, engine: Engine, audio: Audio, request: Request) -> Output:
        if _is_long_silence(audio):
            silence: dict[str, Any] = {"segments": [], "language": request.language}
            return Output(TRANSCRIBE, engine.name, silence, request.model, warnings=[SILENT])
        able = cast(Transcriber, engine)
        self._report("loading", 0.0, audio.expected_duration)
        able.load(request)
        self._go_on()
        kept = [Chunk(**chunk) for chunk in request.chunks]
        begun = self._tell(TRANSCRIBE, audio, kept[-1].end if kept else 0.0)
        tell = ChunkProgress(begun, kept, self._listener.chunks)
        text = able.transcribe(audio, request, tell, self._stop)
        self._result.language_probability = text.language_probability
        value = {"segments": text.segments, "language": text.language}
        return Output(TRANSCRIBE, engine.name, value, request.model, text.note, text.warnings)

    def _align(self, engine: Engine, audio: Audio, request: Request) -> Output:
        able, segments = cast(Aligner, engine), self._values[TRANSCRIBE]["segments"]
        tell = self._tell(ALIGN, audio)
        made = able.align(audio, segments, request, tell, self._stop)
        value = {
            "segments": made.segments,
            "word_segments": words.word_segments(made.segments),
        }
        return Output(ALIGN, engine.name, value, note=made.note, warnings=made.warnings)

    def _diarize(self, engine: Engine, audio: Audio, request: Request) -> Output:
        if _is_long_silence(audio):
            return Output(DIARIZE, engine.name, [], warnings=[SILENT])
        able = cast(Diarizer, engine)
        made = able.diarize(audio, request, self._tell(DIARIZE, audio), self._stop)
        return Output(DIARIZE, engine.name, made.turns, note=made.note, warnings=made.warnings)

    def _instead(self, stage: str, engine: Engine) -> str:
        """The remark if another engine than the chosen one did a stage and gave no reason
        itself."""
        if stage == TRANSCRIBE:
            return ""
        chosen = chosen_for(stage, self._request)
        # Fallbacks have their own remark.
        if engine.name in (chosen.name, *registry.FALLBACK_ENGINES):
            return ""
        return INSTEAD.format(chosen.capabilities().label, WORK[stage], engine.capabilities().label)

    def _fetching(self, done: int, total: int | None) -> None:
        """Reports a download, in bytes."""
        self._report(FETCHING, float(done), total)

    def _tell(self, stage: str, audio: Audio, done: float = 0.0) -> Progress:
        def tell(done: float) -> None:
            self._report(WORKING[stage], done, audio.expected_duration)

        tell(done)
        return tell

    def _report(self, stage: str, done: float = 0.0, total: float | None = None) -> None:
        """Reports progress; the total may become known, or exact, on the way."""
        self._reported = stage, done, total
        if (stage, total) not in self._reporters:
            self._reporters = {(stage, total): self._listener.progress_reporter(stage, total)}
        self._reporters[stage, total](done)

    def _go_on(self) -> None:
        if self._stop():
            raise Cancelled


def _is_long_silence(audio: Audio) -> bool:
    """Whether an engine would search silence for speech for hours, as far as that is known."""
    return audio.is_read and audio.is_silent and audio.duration > LONG_SILENCE


def _reason(error: Exception) -> str:
    """Why a stage has no output, in a sentence for users."""
    if isinstance(error, FinalError):
        return error.message
    traceback.print_exc()
    return failure(error)


def failure(error: Exception) -> str:
    """A sentence about an unexpected error."""
    return f"The speech engine failed: {type(error).__name__}: {error}"
