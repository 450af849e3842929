"""Stages of jobs: kept as they finish, and what each of them fails, dies or is cancelled for."""

import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE, Output, ShouldStop
from transcription.media.errors import Cancelled
from transcription.models import Job, JobEvent, StageOutput, State, TaskType, Transcript
from transcription.services import db_retry
from transcription.services.jobs import leases, rerun, transitions
from transcription.services.jobs.progress import percent_of
from transcription.services.jobs.submit import JobSpec, enqueue
from transcription.services.stages import outputs
from transcription.services.stages import plan as stages
from uploads.services.termination import terminate

from .building import make_upload, within
from .stage_engine import BY, GIVEN, Engine, full_job, kept, worked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def test_words_and_speakers_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    full_job()
    engine = Engine()
    job = worked(monkeypatch, engine)
    assert engine.asked == [[TRANSCRIBE, DIARIZE]]  # its words have times: nobody aligns them
    assert (job.state, job.warnings) == (State.WARNINGS, ["odd transcribe"])
    assert job.engine_note == "transcribe! diarize!" and not job.used_fallback
    assert (job.engine_used, job.language_used) == (BY[TRANSCRIBE], "en")
    (segment,) = Transcript.objects.get(job=job).segments
    assert segment["speaker"] == "SPEAKER_00"
    assert [word["speaker"] for word in segment["words"]] == ["SPEAKER_00", "SPEAKER_01"]
    rows = outputs.by_stage_for(job)
    assert {name: row.output for name, row in rows.items()} == {
        name: GIVEN[name] for name in (TRANSCRIBE, DIARIZE)
    }
    assert [row.engine for row in rows.values()] == [BY[TRANSCRIBE], "voice-activity"]


def test_each_output_is_kept_before_the_next_stage_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def look(stage: str, should_stop: ShouldStop) -> None:
        seen.append(list(kept(Job.objects.get())))

    full_job()
    job = worked(monkeypatch, Engine(before=look))
    assert seen == [[], [TRANSCRIBE]]
    done = JobEvent.objects.filter(job=job, what__startswith="Done")
    assert [event.what for event in done] == [
        "Done: transcription, by faster-whisper.",
        "Done: diarization, by voice-activity.",
    ]


def test_an_output_of_a_claim_that_is_over_is_not_kept() -> None:
    full_job()
    stale = leases.claim_next()
    assert stale and leases.release(stale, "test")
    current = leases.claim_next()
    assert current
    output = Output(TRANSCRIBE, BY[TRANSCRIBE], GIVEN[TRANSCRIBE])
    assert not outputs.keep(stale, output) and not kept(stale)
    assert outputs.keep(current, output) and outputs.keep(current, output)
    assert kept(current) == {TRANSCRIBE: False}
    transitions.delete(current)
    assert not outputs.keep(current, output) and not StageOutput.objects.exists()


def test_a_later_stage_that_fails_is_a_warning_and_is_repeated_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full_job()
    job = worked(monkeypatch, Engine(fails=(DIARIZE,)))
    assert job.state == State.WARNINGS
    assert "speakers could not be told apart: No key for diarize." in job.warnings[1]
    assert "speaker" not in Transcript.objects.get(job=job).segments[0]
    rerun.run_again(job, {})
    engine = Engine()
    job = worked(monkeypatch, engine)
    assert engine.asked == [[DIARIZE]]
    assert engine.requests[0].outputs == {TRANSCRIBE: GIVEN[TRANSCRIBE]}
    assert job.warnings == ["odd transcribe"]  # that of the stage which was kept
    assert job.engine_note == "transcribe! diarize!" and job.engine_used == BY[TRANSCRIBE]
    assert Transcript.objects.get(job=job).segments[0]["speaker"] == "SPEAKER_00"


def test_a_stage_of_its_own_that_fails_fails_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue(JobSpec(task_type=TaskType.DIARIZATION), None, make_upload())
    job = worked(monkeypatch, Engine(fails=(DIARIZE,)))
    assert (job.state, job.error) == (State.FAILED, "No key for diarize.")


def test_three_deaths_after_the_transcription_are_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full_job()
    engine = Engine(dies=(DIARIZE,))
    for _ in range(3):
        job = worked(monkeypatch, engine)
    assert engine.asked == [[TRANSCRIBE, DIARIZE], [DIARIZE], [DIARIZE]]
    assert job.state == State.WARNINGS and job.engine_deaths == 3
    assert "died 3 times" in job.warnings[-1]
    assert Transcript.objects.filter(job=job).exists()


def test_a_worker_that_dies_between_two_stages_costs_only_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(stage: str, should_stop: ShouldStop) -> None:
        if stage == DIARIZE:
            raise SystemExit("killed")

    full_job()
    with pytest.raises(SystemExit):
        worked(monkeypatch, Engine(before=killed))
    engine = Engine()
    job = worked(monkeypatch, engine)
    assert engine.asked == [[DIARIZE]] and job.state == State.WARNINGS
    assert (job.engine_used, job.language_used) == (BY[TRANSCRIBE], "en")


def test_all_there_but_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker died after the last stage: nothing is left to do but to join."""
    full_job()
    job = leases.claim_next()
    assert job
    for stage in (TRANSCRIBE, DIARIZE):
        outputs.keep(job, Output(stage, BY[stage], GIVEN[stage]))
    leases.release(job, "test")
    engine = Engine()
    job = worked(monkeypatch, engine)
    assert engine.asked == [] and job.state == State.COMPLETED
    assert Transcript.objects.get(job=job).segments[0]["speaker"] == "SPEAKER_00"


def test_a_database_that_is_away_when_a_stage_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_retry, "PAUSE", 0.01)
    original, away = outputs.keep, [5]

    def faulty(job: Job, output: Output) -> bool:
        away[0] -= 1
        if away[0] >= 0:
            raise OperationalError("the server closed the connection unexpectedly")
        return original(job, output)

    monkeypatch.setattr(outputs, "keep", faulty)
    full_job()
    job = worked(monkeypatch, Engine())
    assert job.state == State.WARNINGS and kept(job) == {TRANSCRIBE: False, DIARIZE: False}


@pytest.mark.parametrize("stage", [TRANSCRIBE, ALIGN, DIARIZE])
def test_cancel_in_each_stage_keeps_what_was_done(
    monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr(stages, "gives_words", lambda name: False)

    def cancel(now: str, should_stop: ShouldStop) -> None:
        if now == stage:
            transitions.cancel(Job.objects.get())
            deadline = time.monotonic() + 60
            while not should_stop():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            raise Cancelled

    full_job()
    job = worked(monkeypatch, Engine(before=cancel))
    done = [TRANSCRIBE, ALIGN, DIARIZE][: [TRANSCRIBE, ALIGN, DIARIZE].index(stage)]
    assert job.state == State.CANCELLED and list(kept(job)) == done
    rerun.run_again(job, {})
    engine = Engine()
    job = worked(monkeypatch, engine)
    assert job.state == State.WARNINGS
    assert engine.asked == [[one for one in (TRANSCRIBE, ALIGN, DIARIZE) if one not in done]]


def test_recording_removed_before_the_speakers_were_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full_job()
    job = worked(monkeypatch, Engine(fails=(DIARIZE,)))
    rerun.run_again(job, {})
    upload = Job.objects.get().upload
    assert upload
    terminate(upload)
    Job.objects.update(state=State.QUEUED, cancel_requested=False)
    job = worked(monkeypatch, Engine())
    assert job.state == State.WARNINGS and "removed" in job.warnings[-1]
    with pytest.raises(rerun.CannotRun):
        rerun.run_again(job, {})


def test_the_percentage_counts_all_that_is_to_be_done() -> None:
    plan = (TRANSCRIBE, ALIGN, DIARIZE)
    news = [
        *(("fetching", 5, 10), ("probing", 0, None), ("decoding", 5, 10), ("loading", 0, 10)),
        *(("transcribing", 0, 10), ("transcribing", 5, 10), ("transcribing", 10, 10)),
        *(("aligning", 0, 10), ("aligning", 10, 10), ("diarizing", 0, 10), ("diarizing", 10, 10)),
    ]
    percents = [percent_of(*one, plan) for one in news]
    assert percents == [0, 0, 0, 0, 0, 30, 60, 60, 80, 80, 100]
    assert percent_of("diarizing", 5, 10, [DIARIZE]) == 50
    assert percent_of("transcribing", 5, 10) == 50
