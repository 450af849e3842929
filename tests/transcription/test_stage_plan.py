"""Which stages a job has: by its type, its wishes and the engine."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from django_q.models import OrmQ

from transcription import tasks
from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE
from transcription.models import StageOutput, TaskType, Transcript
from transcription.services.jobs import leases, rerun
from transcription.services.jobs.submit import JobSpec, enqueue
from transcription.services.stages import plan as stages
from transcription.services.stages import run as stages_run

from .building import make_job, make_upload, state_of, within
from .stage_engine import BY, GIVEN, Engine, full_job, kept, worked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def test_who_wants_speakers() -> None:
    """Not the page, where no engine can tell them apart: one name for all would say nothing."""
    page, api = make_job(), full_job()
    asked = make_job(options={"max_speakers": 2})
    wanted = [stages.wanted(job, BY[TRANSCRIBE]) for job in (page, api, asked)]
    assert wanted == [[TRANSCRIBE], [TRANSCRIBE, DIARIZE], [TRANSCRIBE, DIARIZE]]
    assert stages.wanted(page, "even-spread") == [TRANSCRIBE, ALIGN]  # no words of its own
    upload = make_job(params={"align": None, "diarize": None})
    assert stages.wanted(upload, BY[TRANSCRIBE]) == [TRANSCRIBE]


@pytest.mark.parametrize(
    ("task_type", "given", "stage"),
    [
        (TaskType.TRANSCRIPTION, (), TRANSCRIBE),
        (TaskType.ALIGNMENT, (TRANSCRIBE,), ALIGN),
        (TaskType.DIARIZATION, (), DIARIZE),
    ],
)
def test_a_single_stage(
    monkeypatch: pytest.MonkeyPatch, task_type: TaskType, given: tuple[str, ...], stage: str
) -> None:
    brought = {StageOutput.Name(name): GIVEN[name] for name in given}
    enqueue(JobSpec(task_type=task_type, params={}, given=brought), None, make_upload())
    engine = Engine()
    job = worked(monkeypatch, engine)
    assert engine.asked == [[stage]] and engine.requests[0].outputs == {
        name: GIVEN[name] for name in given
    }
    assert job.is_active is False and not job.error
    assert (job.engine_used, job.engine_note) == (BY[stage], f"{stage}!")
    assert job.used_fallback == (stage != TRANSCRIBE)
    assert kept(job) == {**dict.fromkeys(given, True), stage: False}
    shown = Transcript.objects.filter(job=job).first()
    assert (shown is None) == (stage == DIARIZE)
    if shown:
        assert shown.segments == GIVEN[stage]["segments"]
    rerun.run_again(job, {})
    assert kept(job) == dict.fromkeys(given, True)


def test_documents_are_joined_by_the_light_worker_without_an_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never() -> None:
        raise AssertionError("no engine is needed")

    monkeypatch.setattr(stages_run, "engine_process", never)
    waiting = make_job()  # older, and the heavy worker's
    brought = {StageOutput.Name(name): GIVEN[name] for name in (ALIGN, DIARIZE)}
    job = enqueue(JobSpec(task_type=TaskType.COMBINATION, given=brought), None)
    assert [entry.key for entry in OrmQ.objects.all()] == ["whisperx"]
    tasks.combine()
    assert (state_of(job), state_of(waiting)) == ("completed", "queued")
    (segment,) = Transcript.objects.get(job=job).segments
    assert [word["speaker"] for word in segment["words"]] == ["SPEAKER_00", "SPEAKER_01"]
    job.refresh_from_db()
    rerun.run_again(job, {})
    leases.claim_next(task_type=TaskType.COMBINATION)
    assert kept(job) == {ALIGN: True, DIARIZE: True}
