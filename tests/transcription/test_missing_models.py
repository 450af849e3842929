"""Jobs whose later stages need what is not there: it comes within the run, or they are repeated."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.engines import hub, needy
from tests.speech import able_engine, recordings
from transcription import tasks
from transcription.engines import registry
from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.models import Job, JobEvent, Stage, StageOutput, State, Transcript
from transcription.services.jobs import progress, rerun
from transcription.services.stages import run as stages_run

from .building import make_job, make_upload, within

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def serving(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[hub.Hub]:
    """A hub for the engine `needy`, which is the site's."""
    within(settings, tmp_path)
    settings.ENGINE = "needy"
    with needy.serving(tmp_path, monkeypatch) as server:
        known = able_engine.environment(tmp_path, needy.PLACE, "needy")
        monkeypatch.setenv("PYTHONPATH", known["PYTHONPATH"])
        monkeypatch.setitem(registry.ENGINES, "needy", needy.PLACE)
        process = EngineProcess()
        monkeypatch.setattr(stages_run, "engine_process", lambda: process)
        yield server
        process.close()


def queue_one(language: str) -> Job:
    upload = make_upload(recordings.GO_FORWARD.read_bytes())
    return make_job(upload=upload, engine="needy", language=language)


def done(job: Job) -> list[str]:
    told = JobEvent.objects.filter(job=job, what__startswith="Done").order_by("pk")
    return [event.what.removeprefix("Done: ") for event in told]


def worked() -> Job:
    tasks.work()
    return Job.objects.get()


@pytest.mark.proof
def test_what_cannot_be_had_is_a_warning_and_run_again_does_that_alone(
    serving: hub.Hub, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, float]] = []
    original = progress.write

    def look(job: Job, facts: dict[str, object]) -> None:
        original(job, facts)
        if "stage" in facts:
            row = Job.objects.get(pk=job.pk)
            shown.append((row.stage, row.percent))

    monkeypatch.setattr(progress, "write", look)
    serving.gated = {needy.DIARIZER}
    queue_one("en")
    job = worked()
    assert (job.state, job.error) == (State.WARNINGS, "")
    (warning,) = job.warnings
    assert needy.PAGE in warning and "HF_TOKEN" in warning and "repeats that alone" in warning
    assert done(job) == ["transcription, by needy.", "alignment, by needy."]
    # A download in the middle of the run shows, and does not set it back.
    assert (Stage.FETCHING, 0.0) not in shown
    assert Stage.FETCHING in {stage for stage, _ in shown}
    percents = [percent for _, percent in shown]
    assert percents == sorted(percents)

    serving.gated.clear()
    rerun.run_again(job, {})
    job = worked()
    assert (job.state, job.warnings) == (State.COMPLETED, [])
    assert done(job)[2:] == ["diarization, by needy."]
    words = Transcript.objects.get(job=job).segments[0]["words"]
    assert words[0]["speaker"] == "SPEAKER_00"


@pytest.mark.proof
def test_words_that_a_stand_in_placed_are_placed_anew(serving: hub.Hub) -> None:
    queue_one("de")  # nobody has that model
    job = worked()
    assert (
        job.state == State.COMPLETED
        and "The aligner for de couldn't be downloaded" in job.engine_note
    )
    rows = StageOutput.objects.filter(job=job)
    assert dict(rows.values_list("name", "engine")) == {
        TRANSCRIBE: "needy",
        ALIGN: "even-spread",
        DIARIZE: "needy",
    }
    rerun.run_again(job, {})
    assert set(rows.values_list("name", flat=True)) == {TRANSCRIBE, DIARIZE}
