"""The process of one contestant: `python -m bench.speech.contestant NAME MODEL TYPE THREADS`.

It reads the path of a recording from a line of stdin, transcribes it, and writes a JSON object
{"text", "seconds"} as a line to stdout, until stdin ends.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from bench.speech.product import LANGUAGE, Alone, Job
from transcription.engines.runtime import lifetime

BATCH = 8
Transcribe = Callable[[str], Iterable[str]]
"""From the path of a recording to the texts of its segments."""


def sequential(model: str, compute_type: str, threads: int) -> Transcribe:
    """The library alone: one window after the other."""
    loaded = _whisper(model, compute_type, threads)
    options = {"language": LANGUAGE, "vad_filter": True, "word_timestamps": True}
    return lambda path: (segment.text for segment in loaded.transcribe(path, **options)[0])


def batched(model: str, compute_type: str, threads: int, **more: Any) -> Transcribe:
    """The library alone, in batches."""
    from faster_whisper import BatchedInferencePipeline

    pipeline = BatchedInferencePipeline(_whisper(model, compute_type, threads))
    options = {"language": LANGUAGE, "word_timestamps": True, "batch_size": BATCH, **more}
    return lambda path: (segment.text for segment in pipeline.transcribe(path, **options)[0])


def timed(model: str, compute_type: str, threads: int) -> Transcribe:
    """The same, with Whisper's own time stamps."""
    return batched(model, compute_type, threads, without_timestamps=False)


def whisperx(model: str, compute_type: str, threads: int) -> Transcribe:
    """WhisperX, without its alignment: it gives no word times."""
    import whisperx as library
    from faster_whisper import decode_audio

    settings = {"device": "cpu", "compute_type": compute_type, "threads": threads}
    loaded = library.load_model(model, language=LANGUAGE, **settings)

    def transcribe(path: str) -> Iterable[str]:
        found = loaded.transcribe(decode_audio(path), batch_size=BATCH)
        return [segment["text"] for segment in found["segments"]]

    return transcribe


CONTESTANTS: dict[str, Callable[[str, str, int], Transcribe]] = {
    "ours": Job,
    "alone": Alone,
    "sequential": sequential,
    "batched": batched,
    "timed": timed,
    "whisperx": whisperx,
}


def _whisper(model: str, compute_type: str, threads: int) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(model, device="cpu", compute_type=compute_type, cpu_threads=threads)


def main(name: str, model: str, compute_type: str, threads: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print what they like
    lifetime.watch_parent()
    if name != "ours":  # whose engine process does it by itself
        lifetime.lower_priority()
    transcribe = CONTESTANTS[name](model, compute_type, int(threads))
    for line in sys.stdin:
        start = time.perf_counter()
        text = " ".join(part.strip() for part in transcribe(line.strip()))
        answer = {"text": text, "seconds": time.perf_counter() - start}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
