"""An identifier that a client asks for tells nothing of others, and takes nothing from them."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.running import encode_metadata
from tests.site.staff_clients import TUS, someone, with_key
from tests.transcription.building import make_job, make_upload, within
from transcription.models import Job, RequestedId
from transcription.services.jobs.submit import submit_upload
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.stores.registry import store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def create(client: Client, task_id: uuid.UUID) -> Any:
    metadata = encode_metadata({"filename": "a.wav", "taskId": str(task_id)})
    headers = {**TUS, "upload-length": "9", "upload-metadata": metadata}
    return client.generic("POST", "/uploads/files/", b"", headers=headers)


def test_a_task_id_tells_nothing_of_others() -> None:
    """Another person's identifier is answered as one that nobody has."""
    anna, boris = someone("anna", staff=False), someone("boris", staff=False)
    taken = make_job(upload=make_upload(b"", owner=anna)).pk
    waited_for = uuid.uuid4()
    assert create(with_key(anna), waited_for).status_code == 201
    stranger = with_key(boris)
    answers = [create(stranger, wanted) for wanted in (taken, waited_for, uuid.uuid4())]
    assert [answer.status_code for answer in answers] == [201] * 3
    names = [sorted(answer.headers) for answer in answers]
    assert names[0] == names[1] == names[2]
    assert [answer.content for answer in answers] == [b""] * 3
    assert create(with_key(anna), taken).status_code == 409  # one's own is no secret


@pytest.mark.parametrize("both_finished", [False, True])
def test_a_task_id_is_kept_for_who_waits_with_it(both_finished: bool) -> None:
    """An upload that is made later, but is finished earlier, does not take it."""
    wav = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + bytes(400)
    anna, boris = someone("anna", staff=False), someone("boris", staff=False)
    wanted = uuid.uuid4()
    for person in (anna, boris):
        assert create(with_key(person), wanted).status_code == 201
    first, second = (RequestedId.objects.get(upload__owner=one).upload for one in (anna, boris))
    uploads = (second, first)  # finished in the other order, or their jobs made in it
    if both_finished:
        Upload.objects.update(state=UploadState.FINISHED)
    for upload in uploads:
        Upload.objects.filter(pk=upload.pk).update(state=UploadState.FINISHED)
        with open(store().path(upload.id.hex), "wb") as file:
            file.write(wav)
        assert submit_upload(upload.pk)
    assert Job.objects.get(owner=anna).pk == wanted
    assert Job.objects.get(owner=boris).pk == second.pk


def test_a_task_id_takes_no_identifier_of_anothers_upload() -> None:
    """An upload's own is its job's, too; who knows it is answered as for any other."""
    anna, boris = someone("anna", staff=False), someone("boris", staff=False)
    upload = make_upload(b"", owner=anna)
    assert create(with_key(boris), upload.pk).status_code == 201
    other = Upload.objects.get(owner=boris)
    Upload.objects.filter(pk=other.pk).update(state=UploadState.FINISHED)
    for each in (other, upload):
        job = submit_upload(each.pk)
        assert job is not None and job.pk == each.pk


def test_a_task_id_is_free_when_who_waited_is_gone() -> None:
    anna, boris = someone("anna", staff=False), someone("boris", staff=False)
    wanted = uuid.uuid4()
    for person in (anna, boris):
        create(with_key(person), wanted)
    Upload.objects.filter(owner=anna).update(state=UploadState.EXPIRED)
    upload = Upload.objects.get(owner=boris)
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.FINISHED)
    job = submit_upload(upload.pk)
    assert job is not None and job.pk == wanted
