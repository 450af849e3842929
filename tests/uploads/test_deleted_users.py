"""Who is deleted takes the recordings along: rows, bytes, jobs and what they made."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.running import PASSWORD, Site, wait_for
from tests.uploads.test_creation import bytes_on_disk
from tests.uploads.test_staff import Office, made, patched, signed
from tests.uploads.wire import TUS, ask, identifier

pytestmark = pytest.mark.proof

USERS = "/admin/auth/user/"
NEWCOMER = """
import json
from django.contrib.auth import get_user_model
from whisperx_site.accounts.models import ApiKey
user = get_user_model().objects.create_user("%s", password="%s")
key = ApiKey(user=user, name="test")
secret = key.renew_secret()
key.save()
print(json.dumps([user.pk, secret]))
"""
LEFT = """
import json
from transcription.models import Delivery, Job, JobEvent, StageOutput
from uploads.models import Upload
from django.contrib.auth import get_user_model
print(json.dumps([
    Upload.objects.filter(pk__in=%(uploads)s).count(),
    Job.objects.filter(upload_id__in=%(uploads)s).count(),
    Job.objects.filter(owner=None, file_name="%(name)s").count(),
    JobEvent.objects.filter(job__file_name="%(name)s").count(),
    get_user_model().objects.filter(pk=%(user)s).count(),
]))
"""


class Person:
    """Somebody with a finished recording that has a job, and one that is on its way."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.name = f"{uuid.uuid4().hex}.mp3"
        code = NEWCOMER % (uuid.uuid4().hex, PASSWORD)
        self.pk, self.key = json.loads(site.shell(code))
        sizes = (1000, 5000)
        self.paths = [made(site, size, self.name, self.key) for size in sizes]
        data = b"ID3\x04" + bytes(996)
        for path in self.paths:
            assert patched(site, path, data, signed(self.key)).status == 204

    def left(self) -> list[int]:
        """What the database still has: uploads, jobs, jobs of nobody, their history, the user."""
        uploads = [identifier(path) for path in self.paths]
        code = LEFT % {"uploads": uploads, "name": self.name, "user": self.pk}
        counts: list[int] = json.loads(self.site.shell(code))
        return counts

    def has_no_work(self) -> bool:
        """Whether the job of the finished recording has ended."""
        code = "from transcription.models import ENDED, Job;"
        code += f"print(Job.objects.filter(file_name='{self.name}', state__in=ENDED).count())"
        return self.site.shell(code).strip() == "1"

    def files(self) -> list[object]:
        return [file for path in self.paths for file in bytes_on_disk(self.site, path)]


@pytest.fixture
def user(plain_site: Site) -> Person:
    return Person(plain_site)


@pytest.fixture
def admin(plain_site: Site) -> Iterator[Office]:
    yield Office(plain_site, "admin")


def test_recordings_go_with_their_user(plain_site: Site, user: Person, admin: Office) -> None:
    """In the admin, which tells before how many and how much; nothing is left as an orphan."""
    other = made(plain_site, 5)
    page = f"{USERS}{user.pk}/delete/"
    asked = admin.get(page).text
    assert "2 recordings with their transcripts (2.0" in asked
    assert len(user.files()) >= 2
    assert admin.post(page, {"post": "yes"}, page).status_code == 200
    assert user.left() == [0, 0, 0, 0, 0]
    assert user.files() == []
    assert ask(plain_site, "HEAD", other, TUS).status == 200


def test_several_users_are_deleted_with_their_recordings(
    plain_site: Site, user: Person, admin: Office
) -> None:
    """By the action of the list, which tells the same."""
    picked = {"action": "delete_selected", "_selected_action": [str(user.pk)], "index": "0"}
    asked = admin.post(USERS, picked, USERS).text
    assert "2 recordings with their transcripts (2.0" in asked
    assert admin.post(USERS, {**picked, "post": "yes"}, USERS).status_code == 200
    assert user.left() == [0, 0, 0, 0, 0]
    assert user.files() == []


def test_a_store_that_is_away_keeps_its_user(plain_site: Site, user: Person, admin: Office) -> None:
    """Refused with a sentence, and nothing is half done."""
    wait_for(user.has_no_work, 60)  # its job writes history
    before = user.left()
    assert before[4] == 1
    store = plain_site.data_dir / "uploads"
    page = f"{USERS}{user.pk}/delete/"
    picked = {"action": "delete_selected", "_selected_action": [str(user.pk)], "index": "0"}
    aside = store.rename(store.with_name("aside"))
    try:
        answers = [
            admin.post(page, {"post": "yes"}, page),
            admin.post(USERS, {**picked, "post": "yes"}, USERS),
        ]
    finally:
        aside.rename(store)
    for answer in answers:
        assert answer.status_code == 200
        assert "be removed now" in answer.text and "Nothing was deleted" in answer.text
    assert user.left() == before
    assert ask(plain_site, "HEAD", user.paths[1], signed(user.key)).offset == 1000


MANY = """
import json, os, resource
from django.contrib.auth import get_user_model
from uploads.models import Upload
from uploads.stores.registry import store
user = get_user_model().objects.create_user("hoarder")
rows = [Upload(owner=user, metadata="x" * 4000, state="finished") for _ in range(10_000)]
Upload.objects.bulk_create(rows, batch_size=500)
for row in rows:
    store().create(row.id.hex)
names = [row.id.hex for row in rows]
del rows, row
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
"""
DELETED = """
import json, resource
from django.contrib.auth import get_user_model
from uploads.models import Upload
user = get_user_model().objects.get(username="hoarder")
get_user_model().objects.filter(pk=0).delete()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
get_user_model().objects.filter(pk=user.pk).delete()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([(after - before) / 1024, Upload.objects.filter(owner=user.pk).count()]))
"""


def test_thousands_of_recordings_go_in_bounded_memory(sqlite_site: Site) -> None:
    """By a queryset, too; 10,000 rows with 4 kB of metadata each would be more than 40 MB."""
    sqlite_site.shell(MANY)
    store = sqlite_site.data_dir / "uploads"
    assert len(list(store.glob("??/*"))) >= 10_000
    grown, left = json.loads(sqlite_site.shell(DELETED))
    assert left == 0
    assert grown < 20, f"{grown} MiB"
    wait_for(lambda: len(list(store.glob("??/*"))) < 1000, 5)
