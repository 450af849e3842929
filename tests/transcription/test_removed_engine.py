"""Jobs of an engine that is gone: they are shown, and run again with the site's own."""

from pathlib import Path

import pytest
from django.conf import LazySettings

from transcription import tasks
from transcription.engines.base import TRANSCRIBE
from transcription.models import Job, StageOutput, State, Transcript
from transcription.services.jobs import rerun

from .building import make_job, staff_client, within

pytestmark = pytest.mark.django_db(transaction=True)
GONE = "pocketsphinx"


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def done() -> Job:
    job = make_job(engine=GONE, engine_used=GONE, state=State.COMPLETED, language_used="en")
    segments = [{"start": 0.0, "end": 1.0, "text": "go forward"}]
    output = {"segments": segments, "language": "en"}
    StageOutput.objects.create(job=job, name=TRANSCRIBE, output=output, engine=GONE)
    Transcript.objects.create(job=job, segments=segments)
    return job


def test_its_transcripts_are_shown() -> None:
    job, client = done(), staff_client()
    for address in (f"/jobs/{job.pk}", f"/admin/transcription/job/{job.pk}/change/", "/"):
        answer = client.get(address, headers={"accept": "text/html"})
        assert answer.status_code == 200, address
    assert "go forward" in client.get(f"/jobs/{job.pk}/export.txt").content.decode()
    task = client.get(f"/task/{job.pk}")
    assert task.json()["status"] == "completed" and task["X-Transcription-Engine"] == GONE


def test_they_run_again_with_the_site_s_engine() -> None:
    job = done()
    rerun.run_again(job, {})
    job.refresh_from_db()
    assert (job.state, job.engine) == (State.QUEUED, "faster-whisper")
    assert not StageOutput.objects.filter(job=job).exists()  # what it made is no reason to stop


def test_what_waited_for_it_fails_with_the_reason_and_runs_again() -> None:
    job = make_job(engine=GONE)
    tasks.work()
    job.refresh_from_db()
    assert (job.state, job.error) == (
        State.FAILED,
        f'There is no engine named "{GONE}" (there are faster-whisper, whisperx).',
    )
    rerun.run_again(job, {})
    job.refresh_from_db()
    assert (job.state, job.engine, job.error) == (State.QUEUED, "faster-whisper", "")
