"""The line of an upload in one process: made, sent, finished, told, removed, each in one place.

Plain uploads, parts, joined uploads and those that a crash left come to their end by one `finish`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.running import encode_metadata
from transcription.models import Job
from uploads.models import State, Upload
from uploads.services.create import CreationRequest
from uploads.services.direct_upload import DirectUpload
from uploads.services.maintenance.cleanup import clean_up
from uploads.signals import upload_finished
from uploads.stores.registry import store

pytestmark = pytest.mark.django_db(transaction=True)
FILES = "/uploads/files/"
DATA = {"content-type": "application/offset+octet-stream"}
HOUR = 3600
SHAM = b"ID3\x04" + bytes(996)  # looks like a recording, so it becomes a job


@pytest.fixture(autouse=True)
def surroundings(settings: LazySettings, tmp_path: Path) -> None:
    settings.UPLOADS_DIR = str(tmp_path / "uploads")
    settings.UPLOADS_MIN_FREE_SPACE, settings.UPLOADS_ACCEPT = 0, "any"
    settings.UPLOADS_EXPIRE_AFTER = HOUR


@pytest.fixture
def client() -> Client:
    client = Client(headers={"host": "localhost", "tus-resumable": "1.0.0"})
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def told(settings: LazySettings) -> Iterator[list[uuid.UUID]]:
    """The uploads of which the site is told, in their order; it wants to hear of all."""
    settings.UPLOADS_HOOKS = "uploads.hooks.Hooks"
    heard: list[uuid.UUID] = []

    def hear(upload_id: uuid.UUID, **rest: Any) -> None:
        heard.append(upload_id)

    upload_finished.connect(hear)
    yield heard
    upload_finished.disconnect(hear)


def make(client: Client, **headers: str) -> Any:
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.generic("POST", FILES, headers=spelled)
    assert answer.status_code == 201, answer.content
    return answer


def patch(client: Client, path: str, data: bytes, offset: int = 0) -> Any:
    answer = client.generic("PATCH", path, data, headers={**DATA, "upload-offset": str(offset)})
    assert answer.status_code == 204, answer.content
    return answer


def part(client: Client, data: bytes, send: bool = True) -> str:
    path: str = make(client, upload_length=str(len(data)), upload_concat="partial")["Location"]
    if send:
        patch(client, path, data)
    return path


def row(path: str) -> Upload:
    return Upload.objects.get(pk=path.rpartition("/")[2])


def left_by_a_crash(client: Client) -> str:
    """An upload whose bytes are all held, and whose row does not know."""
    path: str = make(client, upload_length="5")["Location"]
    writing = store().acquire_writer(row(path).id.hex, 0)
    writing.write(b"hello")
    writing.end()
    Upload.objects.update(last_activity=timezone.now() - timedelta(minutes=5))
    return path


def test_upload_expires_slides_with_each_request(client: Client) -> None:
    made = make(client, upload_length="5")
    Upload.objects.update(expires=timezone.now() + timedelta(minutes=1))
    later = patch(client, made["Location"], b"he")
    for answer in (made, later):
        left = parsedate_to_datetime(answer["Upload-Expires"]) - timezone.now()
        assert abs(left - timedelta(seconds=HOUR)) < timedelta(minutes=1)
    assert "Upload-Expires" not in patch(client, made["Location"], b"llo", 2)


def test_a_plain_upload_is_finished_and_told_once(client: Client, told: list[uuid.UUID]) -> None:
    path = make(client, upload_length="5")["Location"]
    patch(client, path, b"he")
    assert told == [] and row(path).state == State.RECEIVING
    patch(client, path, b"llo", 2)
    for _ in range(2):
        patch(client, path, b"", 5)
        assert client.head(path).status_code == 200
    upload = row(path)
    assert told == [upload.pk] and upload.notified_at and upload.expires is None
    assert (upload.state, upload.offset, upload.requests) == (State.FINISHED, 5, 2)


def test_a_part_is_no_news_and_finishes_what_waits_for_it(
    client: Client, told: list[uuid.UUID]
) -> None:
    first, second = part(client, b"one"), part(client, b"two", send=False)
    final = make(client, upload_concat=f"final;{first} {second}")["Location"]
    assert told == [] and "Upload-Offset" not in client.head(final)
    patch(client, second, b"two")
    assert told == [row(final).pk] and row(final).state == State.FINISHED
    assert all(row(each).notified_at and row(each).expires for each in (first, second))
    assert b"".join(client.get(final)) == b"onetwo"


def test_parts_that_are_there_are_joined_at_once(client: Client, told: list[uuid.UUID]) -> None:
    parts = part(client, b"one"), part(client, b"two")
    final = make(client, upload_concat=f"final;{parts[0]} {parts[1]}")["Location"]
    assert told == [row(final).pk] and client.head(final)["Upload-Offset"] == "6"


@pytest.mark.parametrize("door", ["head", "cleanup"])
def test_what_a_crash_left_is_finished_and_told_once(
    client: Client, told: list[uuid.UUID], door: str
) -> None:
    path = left_by_a_crash(client)
    for _ in range(2):
        if door == "head":
            assert client.head(path)["Upload-Offset"] == "5"
        else:
            assert not clean_up("command").errors
    assert told == [row(path).pk] and row(path).state == State.FINISHED


def test_what_was_finished_and_not_told_is_told_later(
    client: Client, told: list[uuid.UUID]
) -> None:
    """A crash came between the row and the signal."""
    path = left_by_a_crash(client)
    Upload.objects.update(
        state=State.FINISHED, offset=5, finished=timezone.now() - timedelta(minutes=5)
    )
    assert clean_up("command").recovered == 1
    assert clean_up("command").recovered == 0
    assert told == [row(path).pk]


def test_the_site_is_not_told_of_what_it_brings_itself(told: list[uuid.UUID]) -> None:
    user = User.objects.create_user("anna")
    coming = DirectUpload(CreationRequest(user), "talk.wav")
    coming.write(b"hello")
    coming.close()
    upload = coming.keep()
    assert (upload.state, upload.length, told) == (State.FINISHED, 5, [])
    assert upload.notified_at and upload.expires is None
    assert clean_up("command").recovered == 0


def test_the_answer_to_the_last_bytes_names_the_job(client: Client) -> None:
    metadata = encode_metadata({"filename": "talk.mp3"})
    path = make(client, upload_length=str(len(SHAM)), upload_metadata=metadata)["Location"]
    answer = patch(client, path, SHAM)
    assert answer["X-Task-Id"] == client.head(path)["X-Task-Id"] == str(Job.objects.get().pk)


@pytest.mark.parametrize("sent", [b"he", b"hello"])
def test_termination_deletes_the_bytes(client: Client, sent: bytes) -> None:
    path = make(client, upload_length="5")["Location"]
    patch(client, path, sent)
    file = Path(store().path(row(path).id.hex))
    assert file.read_bytes() == sent
    assert client.delete(path).status_code == 204
    assert not file.exists() and not row(path).has_bytes
    assert client.head(path).status_code == 404
