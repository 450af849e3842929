"""What people see of a job's stages, and how staff lets it run otherwise."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.test import Client

from transcription.models import Job, StageOutput, State, TaskType

from .building import make_job, make_upload, staff_client, within

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/transcription/job/"


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


@pytest.fixture
def staff() -> Client:
    return staff_client()


def ended(**facts: Any) -> Job:
    job = make_job(**{"state": State.WARNINGS, "language": "de", **facts})
    StageOutput.objects.create(
        job=job,
        name="transcribe",
        output={"segments": [{"start": 0, "end": 1, "text": "<b>hello"}], "language": "de"},
        engine=job.engine_used or job.engine,
        note="A stand-in made it.",
        warnings=["Parts are <missing>."],
    )
    return job


def ask(client: Client, *jobs: Job, **said: Any) -> Any:
    chosen = [str(job.pk) for job in jobs]
    return client.post(LIST, {"action": "run_again_with", "_selected_action": chosen, **said})


def test_run_again_with_other_options(staff: Client) -> None:
    job, waiting = ended(params={"model": "tiny"}), ended(state=State.QUEUED)
    page = ask(staff, job, waiting)
    assert page.status_code == 200
    for word in (str(job.pk), "faster-whisper", "large-v3", "Latvian", "translate", "speakers"):
        assert word in page.content.decode()
    for part in ('<fieldset class="module aligned', 'class="submit-row"'):  # as the admin's forms
        assert part in page.content.decode()
    assert Job.objects.get(pk=job.pk).state == State.WARNINGS  # it was a question

    said = {"engine": "faster-whisper", "model": "base", "language": "auto", "min_speakers": "2"}
    answer = ask(staff, job, waiting, apply="1", **said)
    assert answer.status_code == 302
    job.refresh_from_db()
    assert (job.state, job.engine, job.model, job.language) == (
        *(State.QUEUED, "faster-whisper", "base", ""),
    )
    assert job.options == {"min_speakers": 2} and job.params == {"model": "base"}
    assert not StageOutput.objects.filter(job=job).exists()
    messages = staff.get(LIST).content.decode()
    assert "is queued again" in messages and "has not ended yet" in messages


def test_what_is_left_empty_stays(staff: Client) -> None:
    job = ended(params={}, options={"beam_size": 1})
    ask(staff, job, apply="1")
    job.refresh_from_db()
    assert (job.state, job.language, job.options) == (State.QUEUED, "de", {"beam_size": 1})
    assert StageOutput.objects.filter(job=job).exists()  # only the speakers are missing
    Job.objects.update(state=State.WARNINGS)
    ask(staff, job, apply="1", everything="on")
    assert not StageOutput.objects.filter(job=job).exists()


def test_what_makes_no_sense_is_asked_again(staff: Client) -> None:
    job = ended()
    for said in ({"engine": "abacus"}, {"min_speakers": "3", "max_speakers": "2"}):
        page = ask(staff, job, apply="1", **said)
        assert page.status_code == 200 and b"errorlist" in page.content
    assert Job.objects.get().state == State.WARNINGS


def test_outputs_are_shown(staff: Client) -> None:
    job = ended()
    row = StageOutput.objects.get()
    page = staff.get(f"{LIST}{job.pk}/change/").content.decode()
    address = f"/admin/transcription/stageoutput/{row.pk}/change/"
    assert address in page and "by faster-whisper" in page and "Parts are &lt;missing&gt;." in page
    shown = staff.get(address).content.decode()
    assert "&lt;b&gt;hello" in shown and "A stand-in made it." in shown
    assert staff.get("/admin/transcription/stageoutput/").status_code == 200
    brought = make_job(upload=None, task_type=TaskType.COMBINATION)
    StageOutput.objects.create(job=brought, name="align", output={}, given=True)
    page = staff.get(f"{LIST}{brought.pk}/change/").content.decode()
    assert "brought by the client" in page


def test_readers_may_not_run_jobs() -> None:
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_job"))
    client = Client(headers={"host": "localhost"})
    client.force_login(reader)
    ask(client, ended(), apply="1")
    assert Job.objects.get().state == State.WARNINGS


def shown(job: Job) -> str:
    """The job's page."""
    answer = staff_client().get(f"/jobs/{job.pk}", headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_of_a_job() -> None:
    facts: dict[str, Any] = {"engine_used": "faster-whisper", "engine_note": "A remark."}
    job = ended(params={}, warnings=["Something is odd."], **facts)
    page = shown(job)
    assert "Something is odd." in page and "A remark." in page
    assert "<strong>A remark." not in page  # nobody stood in
    assert "Finished steps are kept (transcription)" in page
    facts["engine_used"] = "built-in"
    used_fallback = ended(model="distil-large-v2", **facts)
    page = shown(used_fallback)
    assert "<strong>A remark." in page and "when the model is available" in page
    assert "transcribed again" in page  # the draft is no reason to keep anything
    assert '<option value="distil-large-v2" selected' in page
    speakers = make_job(state=State.COMPLETED, task_type=TaskType.DIARIZATION)
    page = shown(speakers)
    assert f'href="/task/{speakers.pk}"' in page and "diarization alone" in page


def test_names_are_found_as_macs_type_them(staff: Client) -> None:
    make_job(file_name="Größen.wav", upload=make_upload(file_name="Größen.wav"))
    typed = unicodedata.normalize("NFD", "Größen")
    for address in (LIST, "/admin/uploads/upload/"):
        assert "Größen.wav" in staff.get(address, {"q": typed}).content.decode()
