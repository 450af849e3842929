"""Another run of a job: only what is missing, or what a change makes void, is done again."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from tests.speech import built_in
from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE
from transcription.models import StageOutput, State
from transcription.services.jobs import rerun
from transcription.services.stages import outputs
from transcription.services.stages import plan as stages

from .building import within
from .stage_engine import BY, Engine, full_job, kept, worked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    within(settings, tmp_path)
    built_in.hide(monkeypatch)  # so that nothing aligns words


@pytest.mark.parametrize(
    ("changes", "repeated"),
    [
        ({"language": "de"}, [TRANSCRIBE]),
        ({"model": "base"}, [TRANSCRIBE]),
        ({"task": "translate"}, [TRANSCRIBE]),
        ({"options": {"beam_size": 1}}, [TRANSCRIBE]),
        ({"options": {"min_speakers": 2}}, [DIARIZE]),
        ({"options": {"min_speakers": None}}, [DIARIZE]),
        ({"options": {"align_model": "x"}}, [ALIGN]),
        ({"options": {"device": "cpu"}}, []),
        ({"model": "small", "language": ""}, []),  # what they are already
        ({}, []),
    ],
)
def test_what_a_change_makes_void(changes: dict[str, Any], repeated: list[str]) -> None:
    job = full_job(options={"min_speakers": 3}, model="", state=State.COMPLETED)
    for stage in (TRANSCRIBE, ALIGN, DIARIZE):
        StageOutput.objects.create(job=job, name=stage, output=[], engine="even-spread")
    StageOutput.objects.filter(name=TRANSCRIBE).update(engine="faster-whisper")
    StageOutput.objects.filter(name=DIARIZE).update(engine="voice-activity")
    change = stages.Change(
        {"engine": "faster-whisper", **{k: v for k, v in changes.items() if k != "options"}},
        changes.get("options", {}),
    )
    expected = {*repeated, *([ALIGN] if TRANSCRIBE in repeated else [])}
    assert stages.invalidated(job, outputs.by_stage_for(job), change) == expected


def test_another_engine_or_a_better_one_than_the_stand_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full_job()
    job = worked(monkeypatch, Engine(by={**BY, TRANSCRIBE: "built-in"}))
    assert job.used_fallback
    change = stages.Change({"engine": "faster-whisper"}, {})
    assert stages.invalidated(job, outputs.by_stage_for(job), change) == {TRANSCRIBE}
    change = stages.Change({"engine": "built-in"}, {})
    assert stages.invalidated(job, outputs.by_stage_for(job), change) == set()
    rerun.run_again(job, {})
    job.refresh_from_db()
    assert (job.engine, job.engine_note) == ("faster-whisper", "")
    assert kept(job) == {DIARIZE: False}


def test_where_nothing_is_missing_everything_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    full_job()
    job = worked(monkeypatch, Engine())
    for anew in (False, True):
        rerun.run_again(job, {"options": {"device": "cpu"}}, anew)
        assert kept(job) == {}
        engine = Engine()
        job = worked(monkeypatch, engine)
        assert engine.asked == [[TRANSCRIBE, DIARIZE]]
    assert job.options == {"device": "cpu"}


def test_other_options_show_in_the_parameters() -> None:
    params = {"model": "tiny", "min_speakers": None, "asr_options": {"beam_size": 5, "patience": 1}}
    job = full_job(params=params, state=State.FAILED)
    rerun.run_again(job, {"model": "base", "options": {"min_speakers": 2, "beam_size": 1, "x": 1}})
    job.refresh_from_db()
    assert job.params == {
        "model": "base",
        "min_speakers": 2,
        "asr_options": {"beam_size": 1, "patience": 1},
    }
    assert job.options == {"min_speakers": 2, "beam_size": 1, "x": 1}
