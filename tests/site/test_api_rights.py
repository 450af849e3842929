"""The API and the pages forbid what the admin forbids, of uploads and of jobs."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.site.staff_clients import TUS, signed_in, someone, with_key
from tests.transcription.building import make_job, make_upload, within
from transcription.models import Job, State
from uploads.models import State as UploadState
from uploads.models import Upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


PATCH = {**TUS, "content-type": "application/offset+octet-stream", "upload-offset": "9"}


def of_uploads(client: Client, upload: Upload) -> dict[str, int]:
    """What the protocol answers; nothing of it changes anything."""
    path = f"/uploads/files/{upload.id.hex}"
    answers = {
        "HEAD": client.head(path, headers=TUS),
        "GET": client.get(path, headers=TUS),
        "PATCH": client.patch(path, headers=PATCH),
    }
    return {method: answer.status_code for method, answer in answers.items()}


def test_the_api_forbids_what_the_admin_forbids_uploads() -> None:
    """Staff see and steer others' uploads as far as their permissions go."""
    owner = someone("owner", staff=False)
    upload = make_upload(b"12345", owner=owner)
    nobody, looker, steerer = (
        someone("nobody"),
        someone("looker", "view_upload"),
        someone("steerer", "view_upload", "change_upload"),
    )
    no_staff = someone("visitor", "view_upload", "change_upload", staff=False)
    for user in (nobody, no_staff):
        client = with_key(user)
        assert set(of_uploads(client, upload).values()) == {404}
        assert client.delete(f"/uploads/files/{upload.id.hex}").status_code == 404
    client = with_key(looker)
    seen = of_uploads(client, upload)
    assert (seen["HEAD"], seen["GET"], seen["PATCH"]) == (200, 200, 403)
    assert client.delete(f"/uploads/files/{upload.id.hex}").status_code == 403
    assert Upload.objects.get(pk=upload.pk).state == UploadState.FINISHED
    assert of_uploads(with_key(owner), upload)["PATCH"] == 409
    assert with_key(steerer).delete(f"/uploads/files/{upload.id.hex}").status_code == 204


def test_the_pages_list_unfinished_uploads_without_owner_to_staff_who_may_look() -> None:
    upload = make_upload(b"", owner=None)
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.RECEIVING)
    for user, listed in ((someone("nobody"), 0), (someone("looker", "view_upload"), 1)):
        assert len(signed_in(user).get("/jobs.json").json()["uploads"]) == listed


def test_the_api_and_pages_forbid_what_the_admin_forbids_jobs() -> None:
    """The same for jobs, by the API and on the pages."""
    owner = someone("owner", staff=False)
    job = make_job(upload=make_upload(b"", owner=owner), state=State.COMPLETED)
    nobody, looker = with_key(someone("nobody")), with_key(someone("looker", "view_job"))
    reading = [
        f"/task/{job.pk}",
        f"/tasks/{job.pk}/progress",
        f"/task/{job.pk}/partial",
        f"/jobs/{job.pk}",
    ]
    for path in reading:
        assert nobody.get(path).status_code == 404, path
        assert looker.get(path).status_code == 200, path
    assert nobody.get("/task/all").json()["tasks"] == []
    assert len(looker.get("/task/all").json()["tasks"]) == 1
    for action in ("cancel", "rerun", "delete"):
        assert nobody.post(f"/jobs/{job.pk}/{action}").status_code == 404
        assert looker.post(f"/jobs/{job.pk}/{action}").status_code == 403
    assert nobody.delete(f"/task/{job.pk}/delete").status_code == 404
    assert looker.delete(f"/task/{job.pk}/delete").status_code == 403
    assert Job.objects.get().state == State.COMPLETED
    steerer = with_key(someone("steerer", "view_job", "change_job"))
    assert steerer.delete(f"/task/{job.pk}/delete").status_code == 200
    assert not Job.objects.exists()


@pytest.mark.parametrize("real", ["get", "head", "options", "post", "trace"])
def test_an_override_by_a_session_needs_the_token(real: str, settings: LazySettings) -> None:
    """Whatever the real method is, uploads go by the one that is meant."""
    owner = someone("owner", staff=False)
    upload = make_upload(b"12345", owner=owner)
    meant = {**TUS, "x-http-method-override": "DELETE"}
    client = Client(headers=meant, enforce_csrf_checks=True)
    client.force_login(owner)
    path = f"/uploads/files/{upload.id.hex}"
    assert getattr(client, real)(path).status_code == 403
    assert Upload.objects.get(pk=upload.pk).state == UploadState.FINISHED
    client.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    token = {"x-csrftoken": "a" * 32}
    assert getattr(client, real)(path, headers={**meant, **token}).status_code == 204
