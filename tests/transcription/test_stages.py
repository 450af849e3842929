"""Stages of jobs: kept as they finish, repeated only where they are missing or void."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django_q.models import OrmQ

from transcription import tasks
from transcription.engines.base import (
    ALIGN,
    DIARIZE,
    TRANSCRIBE,
    EngineDied,
    Event,
    Output,
    Request,
    Result,
    ShouldStop,
)
from transcription.media.errors import Cancelled
from transcription.models import Job, JobEvent, StageOutput, State, TaskType, Transcript
from transcription.services import db_retry
from transcription.services.jobs import leases, rerun, transitions
from transcription.services.jobs.progress import percent_of
from transcription.services.jobs.submit import JobSpec, enqueue
from transcription.services.stages import outputs
from transcription.services.stages import plan as stages
from transcription.services.stages import run as stages_run
from uploads.services.termination import terminate

from .building import make_job, make_upload, script_engine, state_of, within

pytestmark = pytest.mark.django_db(transaction=True)
Tell = Callable[[Event], None]
WORDS = [
    {"word": "hello", "start": 0.0, "end": 0.4, "score": 0.9},
    {"word": "there", "start": 0.6, "end": 1.0, "score": 0.9},
]
SEGMENT = {"start": 0.0, "end": 1.0, "text": "hello there"}
GIVEN: dict[str, Any] = {
    TRANSCRIBE: {"segments": [{**SEGMENT, "words": WORDS}], "language": "en"},
    ALIGN: {"segments": [{**SEGMENT, "words": WORDS}], "word_segments": WORDS},
    DIARIZE: [
        {"label": "A", "speaker": "SPEAKER_00", "start": 0.0, "end": 0.5},
        {"label": "B", "speaker": "SPEAKER_01", "start": 0.5, "end": 1.0},
    ],
}
BY = {TRANSCRIBE: "pocketsphinx", ALIGN: "pocketsphinx", DIARIZE: "voice-activity"}


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)
    settings.ENGINE = "pocketsphinx"


class Engine:
    """Does what it is asked, and remembers it; some stages may fail or be its death.

    Args:
        dies: Stages in which the process ends.
        fails: Stages that give nothing.
        before: Called with each stage before it is done.
    """

    def __init__(
        self,
        dies: tuple[str, ...] = (),
        fails: tuple[str, ...] = (),
        before: Callable[[str, ShouldStop], None] = lambda stage, should_stop: None,
    ) -> None:
        self.dies, self.fails, self.before = dies, fails, before
        self.asked: list[list[str]] = []
        self.requests: list[Request] = []

    def __call__(self, request: Request, tell: Tell, should_stop: ShouldStop) -> Result:
        self.requests.append(request)
        self.asked.append(list(request.stages))
        result = Result(1.0, {"mime": "audio/wav"})
        for stage in request.stages:
            self.before(stage, should_stop)
            if stage in self.dies:
                raise EngineDied("It was killed (signal 9).", None, 9)
            if stage in self.fails:
                result.failures[stage] = f"No key for {stage}."
                continue
            warnings = [f"odd {stage}"] if stage == TRANSCRIBE else []
            output = Output(stage, BY[stage], GIVEN[stage], note=f"{stage}!", warnings=warnings)
            result.outputs[stage] = output
            tell(Event("transcribing", 1.0, 1.0, output=output))
        return result


def full_job(**facts: Any) -> Job:
    """One that wants a transcript with speakers."""
    return make_job(**{"params": {"model": "tiny", "min_speakers": None}, **facts})


def worked(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Job:
    """The only job, after a worker has come by."""
    script_engine(monkeypatch, engine)
    tasks.work()
    return Job.objects.get()


def kept(job: Job) -> dict[str, bool]:
    return {row.name: row.given for row in StageOutput.objects.filter(job=job)}


def test_words_and_speakers_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    full_job()
    engine = Engine()
    job = worked(monkeypatch, engine)
    assert engine.asked == [[TRANSCRIBE, DIARIZE]]  # its words have times: nobody aligns them
    assert (job.state, job.warnings) == (State.WARNINGS, ["odd transcribe"])
    assert job.engine_note == "transcribe! diarize!" and not job.stood_in
    assert (job.engine_used, job.language_used) == ("pocketsphinx", "en")
    (segment,) = Transcript.objects.get(job=job).segments
    assert segment["speaker"] == "SPEAKER_00"
    assert [word["speaker"] for word in segment["words"]] == ["SPEAKER_00", "SPEAKER_01"]
    rows = outputs.by_stage_for(job)
    assert {name: row.output for name, row in rows.items()} == {
        name: GIVEN[name] for name in (TRANSCRIBE, DIARIZE)
    }
    assert [row.engine for row in rows.values()] == ["pocketsphinx", "voice-activity"]


def test_each_output_is_kept_before_the_next_stage_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def look(stage: str, should_stop: ShouldStop) -> None:
        seen.append(list(kept(Job.objects.get())))

    full_job()
    job = worked(monkeypatch, Engine(before=look))
    assert seen == [[], [TRANSCRIBE]]
    done = JobEvent.objects.filter(job=job, what__startswith="Done")
    assert [event.what for event in done] == [
        "Done: transcription, by pocketsphinx.",
        "Done: diarization, by voice-activity.",
    ]


def test_an_output_of_a_claim_that_is_over_is_not_kept() -> None:
    full_job()
    stale = leases.claim_next()
    assert stale and leases.release(stale, "test")
    current = leases.claim_next()
    assert current
    output = Output(TRANSCRIBE, "pocketsphinx", GIVEN[TRANSCRIBE])
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
    assert job.engine_note == "transcribe! diarize!" and job.engine_used == "pocketsphinx"
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
    assert (job.engine_used, job.language_used) == ("pocketsphinx", "en")


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
    StageOutput.objects.filter(name=TRANSCRIBE).update(engine="pocketsphinx")
    StageOutput.objects.filter(name=DIARIZE).update(engine="voice-activity")
    change = stages.Change(
        {"engine": "pocketsphinx", **{k: v for k, v in changes.items() if k != "options"}},
        changes.get("options", {}),
    )
    expected = {*repeated, *([ALIGN] if TRANSCRIBE in repeated else [])}
    assert stages.invalidated(job, outputs.by_stage_for(job), change) == expected


def test_another_engine_or_a_better_one_than_the_stand_in(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    full_job(engine="faster-whisper")
    job = worked(monkeypatch, Engine())  # a stand-in has transcribed
    assert job.stood_in
    change = stages.Change({"engine": "faster-whisper"}, {})
    assert stages.invalidated(job, outputs.by_stage_for(job), change) == {TRANSCRIBE}
    change = stages.Change({"engine": "pocketsphinx"}, {})
    assert stages.invalidated(job, outputs.by_stage_for(job), change) == set()
    settings.ENGINE = "faster-whisper"
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


def test_who_wants_speakers() -> None:
    """Not the page, where no engine can tell them apart: one name for all would say nothing."""
    page, api = make_job(), full_job()
    asked = make_job(options={"max_speakers": 2})
    wanted = [stages.wanted(job, "pocketsphinx") for job in (page, api, asked)]
    assert wanted == [[TRANSCRIBE], [TRANSCRIBE, DIARIZE], [TRANSCRIBE, DIARIZE]]
    assert stages.wanted(page, "even-spread") == [TRANSCRIBE, ALIGN]  # no words of its own
    upload = make_job(params={"align": None, "diarize": None})
    assert stages.wanted(upload, "pocketsphinx") == [TRANSCRIBE]


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
    assert job.stood_in == (stage == DIARIZE)
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
