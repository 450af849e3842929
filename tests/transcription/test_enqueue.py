"""Jobs as uploads and documents become them, in one process and its database."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction

from transcription.conf import conf
from transcription.http import gradual_json
from transcription.models import Job, StageOutput
from transcription.services.jobs import submit

from .building import make_upload, within

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def test_a_task_id_that_is_taken_or_nonsense_is_no_error(settings: LazySettings) -> None:
    settings.UPLOADS_ACCEPT = "any"
    wav = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + bytes(400)
    wanted = str(uuid.uuid4())
    first, second = (make_upload(wav, metadata={"taskId": wanted}) for _ in range(2))
    third = make_upload(wav, metadata={"taskId": "no uuid", "model": "/etc", "language": "x" * 99})
    # Somebody takes the upload's own identifier before it is finished.
    fourth = make_upload(wav)
    thief = make_upload(wav, metadata={"taskId": str(fourth.id)})
    uploads = (first, second, third, thief, fourth)
    jobs = [submit.submit_upload(upload.id) for upload in uploads]
    assert all(
        job and job.upload_id == upload.id for job, upload in zip(jobs, uploads, strict=True)
    )
    assert jobs[0] and str(jobs[0].id) == wanted
    assert jobs[2] and jobs[2].model == conf.WHISPER_MODEL and jobs[2].language == ""
    rerun = [submit.submit_upload(upload.id) for upload in uploads]
    assert [job and job.id for job in jobs] == [job and job.id for job in rerun]
    picture = make_upload(b"\x89PNG\r\n\x1a\n" + bytes(600), file_name="a.png")
    assert submit.submit_upload(picture.id) is None
    assert submit.submit_upload(uuid.uuid4()) is None
    assert Job.objects.count() == len(uploads)


def test_documents_are_written_as_json_before_the_database_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In their steps others go on: on SQLite none of them could write for seconds."""
    write, held = gradual_json.write_gradually, []

    def watched(*arguments: Any) -> Any:
        held.append(transaction.get_connection().in_atomic_block)
        return write(*arguments)

    monkeypatch.setattr(gradual_json, "write_gradually", watched)
    turns = [{"label": "A", "speaker": "A", "start": 0.0, "end": 1.0}]
    spec = submit.JobSpec(given={StageOutput.Name.DIARIZE: turns})
    job = submit.enqueue(spec, None)
    assert held == [False]
    assert StageOutput.objects.get(job=job).output == turns
