"""What later stages need comes while the engine's process runs, just before each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from filelock import FileLock, Timeout

from tests.engines import hub, needy
from tests.speech import able_engine, recordings
from transcription.engines import registry, selection
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    STAGES,
    TRANSCRIBE,
    EngineError,
    Event,
    Request,
    Result,
)
from transcription.engines.model_files import assets
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.errors import Cancelled


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub.Hub]:
    """A hub for the engine, which our processes know."""
    with needy.serving(tmp_path, monkeypatch) as server:
        known = able_engine.environment(tmp_path, needy.PLACE, "needy")
        monkeypatch.setenv("PYTHONPATH", known["PYTHONPATH"])
        monkeypatch.setitem(registry.ENGINES, "needy", needy.PLACE)
        yield server


@pytest.fixture
def needy_process(serving: hub.Hub) -> Iterator[EngineProcess]:
    process = EngineProcess()
    yield process
    process.close()


@pytest.fixture
def wanted(tmp_path: Path) -> Request:
    """All stages of a recording."""
    return Request(
        str(recordings.GO_FORWARD),
        "needy",
        language="en",
        work_dir=str(tmp_path / "work"),
        models_dir=str(tmp_path / "models"),
        stages=STAGES,
    )


def run(process: EngineProcess, request: Request) -> tuple[Result, list[str]]:
    """A run, and the stages of its news."""
    told: list[Event] = []
    result = process.run(request, told.append)
    return result, list(dict.fromkeys(event.stage for event in told))


@pytest.mark.proof
def test_each_stage_gets_what_it_needs_and_what_cannot_be_had_fails_it_alone(
    serving: hub.Hub, needy_process: EngineProcess, wanted: Request
) -> None:
    serving.gated = {needy.DIARIZER}
    result, told = run(needy_process, wanted)
    assert list(result.outputs) == [TRANSCRIBE, ALIGN]
    assert told.index("transcribing") < told.index("fetching") < told.index("aligning")
    found = "with collocations.tab, config.json, model.safetensors, vocab.json"
    assert (result.outputs[ALIGN].engine, result.outputs[ALIGN].note) == ("needy", found)
    reason = result.failures[DIARIZE]
    assert needy.PAGE in reason and "HF_TOKEN" in reason
    # The gate opens: that stage alone, and nothing is downloaded twice.
    serving.gated.clear()
    assets.forget_failures(wanted.models_dir)
    serving.requests.clear()
    values = {stage: output.value for stage, output in result.outputs.items()}
    result, told = run(needy_process, replace(wanted, stages=[DIARIZE], outputs=values))
    assert result.outputs[DIARIZE].engine == "needy" and not result.failures
    assert told.index("fetching") < told.index("decoding") < told.index("diarizing")
    asked = [path for path, _ in serving.requests]
    assert asked and all(needy.DIARIZER in path for path in asked)


@pytest.mark.proof
def test_words_are_aligned_by_another_engine_which_says_why(
    needy_process: EngineProcess, wanted: Request
) -> None:
    result, _ = run(needy_process, replace(wanted, language="de", stages=[TRANSCRIBE, ALIGN]))
    output = result.outputs[ALIGN]
    assert output.engine == "even-spread" and "evenly" in output.note
    assert "The aligner for de couldn't be downloaded" in output.note and "404" in output.note
    assert not output.warnings
    # Who asked for a model must not have to look for the word that it was another.
    asked = replace(wanted, language="de", stages=[TRANSCRIBE, ALIGN], options={"align_model": "x"})
    [warning] = run(needy_process, asked)[0].outputs[ALIGN].warnings
    assert "The aligner for de couldn't be downloaded" in warning


def test_cancel_while_downloading_within_a_run(
    serving: hub.Hub, needy_process: EngineProcess, wanted: Request
) -> None:
    serving.drip = 1.0  # it must not be over before it is cancelled
    told: list[str] = []

    def begun() -> list[Path]:
        return list(Path(wanted.models_dir).rglob("*.safetensors*.part"))

    with pytest.raises(Cancelled):
        needy_process.run(wanted, lambda event: told.append(event.stage), lambda: bool(begun()))
    assert told[-1] == "fetching" and needy_process.pid
    assert not psutil.Process(needy_process.pid).children(recursive=True)
    assert begun()  # for the next time


@pytest.mark.proof
def test_no_card_is_held_while_something_is_downloaded(
    needy_process: EngineProcess, wanted: Request, tmp_path: Path
) -> None:
    free: dict[str, bool] = {}

    def look(event: Event) -> None:
        lock = FileLock(tmp_path / "slots" / "card-0-slot-0.lock")
        try:
            with lock.acquire(blocking=False):
                free.setdefault(event.stage, True)
        except Timeout:
            free.setdefault(event.stage, False)

    (tmp_path / "slots").mkdir()
    request = replace(wanted, device="cuda", slots=1, slots_dir=str(tmp_path / "slots"))
    needy_process.run(replace(request, stages=[TRANSCRIBE, ALIGN]), look)
    assert free["fetching"] is True
    assert list(free)[-1] == "aligning"


def test_who_is_meant_to_do_a_stage(serving: hub.Hub, wanted: Request, installed: Path) -> None:
    def meant(stage: str, request: Request) -> str:
        return selection.select(stage, request).name

    assert meant(ALIGN, wanted) == meant(DIARIZE, wanted) == "needy"
    assert selection.engine_for(ALIGN, wanted).name == "cross-attention"
    assert meant(ALIGN, replace(wanted, engine="faster-whisper")) == "cross-attention"
    assert meant(DIARIZE, replace(wanted, engine="faster-whisper")) == "voice-activity"
    # Who stands in for a transcription does not so for what comes after it.
    replaced = replace(wanted, engine="built-in", asked="needy")
    assert meant(TRANSCRIBE, replaced) == "built-in"
    assert meant(ALIGN, replaced) == meant(DIARIZE, replaced) == "needy"


def test_an_engine_that_is_not_installed_tells_no_speakers_apart(
    serving: hub.Hub, wanted: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.get("needy"), "installation_error", lambda: "No package here.")
    with pytest.raises(EngineError, match="No package here"):
        selection.select_ready(DIARIZE, wanted)
    engine, reason = selection.select_ready(ALIGN, wanted)
    assert reason == "No package here." and not serving.requests
