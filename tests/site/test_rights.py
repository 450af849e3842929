"""What staff may: in the admin what their permissions say, by the API no more, and never code."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Success
from django_q.signing import SignedPackage

from tests.running import PASSWORD, encode_metadata
from tests.transcription.building import make_job, make_upload, within
from transcription.models import Job, RequestedId, State
from transcription.services.jobs.submit import submit_upload
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.stores.registry import store
from whisperx_site.accounts.models import ApiKey
from whisperx_site.admin import FUNCTIONS

pytestmark = pytest.mark.django_db(transaction=True)
TUS = {"tus-resumable": "1.0.0", "host": "localhost"}
SCHEDULES = "/admin/django_q/schedule/"
KEYS = "/admin/accounts/apikey/"


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def someone(name: str, *permissions: str, staff: bool = True) -> User:
    user = User.objects.create_user(name, is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def signed_in(user: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def with_key(user: User) -> Client:
    key = ApiKey(user=user, name="test")
    secret = key.renew_secret()
    key.save()
    return Client(headers={**TUS, "authorization": f"Bearer {secret}"})


NEW = {"name": "mine", "schedule_type": "I", "minutes": "5"}
NEW |= {"next_run_0": "2030-01-01", "next_run_1": "00:00:00"}
EVIL = {"hook": "os.system", "args": "'id'", "kwargs": "x=1", "cluster": "heavy", "repeats": "7"}


@pytest.mark.parametrize("func", ["subprocess.getoutput", "os.system", ""])
def test_who_may_add_a_schedule_may_not_run_code(func: str) -> None:
    """Functions come from a fixed list."""
    staff = signed_in(someone("planner", "add_schedule", "change_schedule", "view_schedule"))
    before = Schedule.objects.count()
    page = staff.post(f"{SCHEDULES}add/", {**NEW, **EVIL, "func": func})
    assert page.status_code == 200 and b"errorlist" in page.content
    assert Schedule.objects.count() == before


def test_a_schedule_has_a_function_and_a_time_and_nothing_else() -> None:
    """No arguments, hooks or queues, neither in a new one nor in one that is changed."""
    staff = signed_in(someone("planner", "add_schedule", "change_schedule", "view_schedule"))
    answer = staff.post(f"{SCHEDULES}add/", {**NEW, **EVIL, "func": "transcription.tasks.sweep"})
    assert answer.status_code == 302
    row = Schedule.objects.get(name="mine")
    assert (row.func, row.minutes, row.repeats) == ("transcription.tasks.sweep", 5, -1)
    assert not any((row.hook, row.args, row.kwargs, row.cluster))
    Schedule.objects.filter(pk=row.pk).update(args="'old'", hook="old", kwargs="a=1")
    change = f"{SCHEDULES}{row.pk}/change/"
    refused = staff.post(change, {**NEW, **EVIL, "func": "subprocess.getoutput"})
    assert refused.status_code == 200
    minutes = {**NEW, "minutes": "0", "func": "uploads.tasks.cleanup"}
    assert staff.post(change, minutes).status_code == 200  # it would run without a pause
    answer = staff.post(change, {**NEW, **EVIL, "minutes": "9", "func": "uploads.tasks.cleanup"})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.func, row.minutes) == ("uploads.tasks.cleanup", 9)
    assert not any((row.hook, row.args, row.kwargs, row.cluster))


def test_the_list_has_all_functions_that_the_site_schedules() -> None:
    assert set(Schedule.objects.values_list("func", flat=True)) == set(FUNCTIONS)
    page = signed_in(User.objects.create_superuser("boss")).get(SCHEDULES).content.decode()
    for words in FUNCTIONS.values():
        assert words in page


def test_a_schedule_of_long_ago_runs_from_now_on() -> None:
    """The scheduler would count each minute since then, while nothing else is scheduled."""
    staff = signed_in(someone("planner", "add_schedule", "change_schedule", "view_schedule"))
    before = timezone.now()
    said = {**NEW, "next_run_0": "0001-01-01", "func": "transcription.tasks.sweep"}
    assert staff.post(f"{SCHEDULES}add/", said).status_code == 302
    row = Schedule.objects.get(name="mine")
    assert row.next_run >= before
    assert staff.post(f"{SCHEDULES}{row.pk}/change/", said).status_code == 302
    row.refresh_from_db()
    assert row.next_run >= before
    later = {**said, "next_run_0": "2999-01-01"}
    assert staff.post(f"{SCHEDULES}{row.pk}/change/", later).status_code == 302
    row.refresh_from_db()
    assert row.next_run.year == 2999


def test_schedules_are_paused_and_resumed() -> None:
    staff = signed_in(someone("planner", "change_schedule", "view_schedule"))
    looker = signed_in(someone("looker", "view_schedule"))
    row = Schedule.objects.get(func="uploads.tasks.cleanup")

    def act(client: Client, action: str) -> int:
        client.post(SCHEDULES, {"action": action, "_selected_action": str(row.pk)})
        row.refresh_from_db()
        return int(row.repeats)

    assert act(looker, "pause") == -1
    assert act(staff, "pause") == 0
    before = row.next_run
    assert act(staff, "resume") == -1
    assert row.next_run != before


def test_no_task_is_run_again_from_the_admin() -> None:
    """To look at tasks was enough to run any of them once more."""
    task = Success.objects.create(
        id=uuid.uuid4().hex,
        name="evil",
        func="subprocess.getoutput",
        args=("id",),
        started="2030-01-01T00:00Z",
        stopped="2030-01-01T00:00Z",
        success=True,
    )
    waiting = OrmQ.objects.create(
        key="whisperx",
        payload=SignedPackage.dumps({"id": "x", "name": "n", "func": "f"}),
        lock=None,
    )
    for user in (
        someone("looker", "view_success", "view_ormq"),
        User.objects.create_superuser("x"),
    ):
        client = signed_in(user)
        for address in (f"/admin/django_q/success/{task.pk}/change/", "/admin/django_q/ormq/"):
            assert client.get(address).status_code == 200
        said = {"action": "resubmit_task", "_selected_action": task.pk}
        client.post("/admin/django_q/success/", said)
        change = f"/admin/django_q/ormq/{waiting.pk}/change/"
        assert client.post(change, {"key": "heavy", "lock_0": "", "lock_1": ""}).status_code == 403
    assert [entry.key for entry in OrmQ.objects.all()] == ["whisperx"]


def test_a_key_is_made_for_oneself() -> None:
    """A key acts as its user; who may add keys must not act as a superuser by it."""
    boss = User.objects.create_superuser("boss")
    clerk = someone("clerk", *(f"{verb}_apikey" for verb in ("add", "change", "view", "delete")))
    theirs = ApiKey(user=boss, name="of the boss")
    theirs.renew_secret()
    theirs.save()
    client = signed_in(clerk)
    assert b'name="user"' not in client.get(f"{KEYS}add/").content
    answer = client.post(f"{KEYS}add/", {"name": "mine", "user": str(boss.pk)})
    assert answer.status_code == 302
    own = ApiKey.objects.get(name="mine")
    assert own.user == clerk
    client.post(f"{KEYS}{own.pk}/change/", {"name": "renamed", "user": str(boss.pk)})
    own.refresh_from_db()
    assert (own.name, own.user) == ("renamed", clerk)
    assert b"of the boss" not in client.get(KEYS).content
    client.post(f"{KEYS}{theirs.pk}/change/", {"name": "stolen"})
    client.post(f"{KEYS}{theirs.pk}/delete/", {"post": "yes"})
    picked = {"action": "delete_selected", "_selected_action": str(theirs.pk), "post": "yes"}
    client.post(KEYS, picked)
    theirs.refresh_from_db()
    assert theirs.name == "of the boss"
    picked["_selected_action"] = str(own.pk)
    client.post(KEYS, picked)
    assert not ApiKey.objects.filter(pk=own.pk).exists()
    for_clerk = {"name": "for the clerk", "user": str(clerk.pk)}
    assert signed_in(boss).post(f"{KEYS}add/", for_clerk).status_code == 302
    assert ApiKey.objects.get(name="for the clerk").user == clerk


def test_who_may_change_users_gets_no_more_rights_by_it() -> None:
    """Neither rights of one's own, nor the password of somebody who has more."""
    boss = User.objects.create_superuser("boss")
    clerk = someone("clerk", "change_user", "view_user", "add_user", "delete_user")
    other, plain = someone("other"), someone("plain", staff=False)
    client = signed_in(clerk)
    rights = {"is_active": "on", "is_staff": "on", "is_superuser": "on", "groups": []}
    rights |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    for user in (clerk, plain):
        said = {**rights, "username": user.username, "first_name": "New"}
        assert client.post(f"/admin/auth/user/{user.pk}/change/", said).status_code == 302
        user.refresh_from_db()
        assert user.first_name == "New"
        assert (user.is_superuser, user.is_staff) == (False, user == clerk)
    new = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    for user in (boss, other):
        assert client.post(f"/admin/auth/user/{user.pk}/password/", new).status_code == 403
        assert (
            client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"}).status_code == 403
        )
        picked = {"action": "delete_selected", "_selected_action": str(user.pk), "post": "yes"}
        client.post("/admin/auth/user/", picked)
    assert User.objects.count() == 4


def test_who_may_change_groups_gets_no_more_rights_by_it() -> None:
    """Rights of a group are rights of its members, so superusers alone change groups."""
    clerk = someone("clerk", "add_group", "change_group", "delete_group", "view_group")
    group = Group.objects.create(name="own")
    clerk.groups.add(group)
    rights = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    every = {"name": "own", "permissions": rights}
    client, groups = signed_in(clerk), "/admin/auth/group/"
    assert client.get(groups).status_code == 200
    assert client.post(f"{groups}{group.pk}/change/", every).status_code == 403
    assert client.post(f"{groups}add/", {**every, "name": "new"}).status_code == 403
    assert client.post(f"{groups}{group.pk}/delete/", {"post": "yes"}).status_code == 403
    picked = {"action": "delete_selected", "_selected_action": str(group.pk), "post": "yes"}
    client.post(groups, picked)
    assert [(one.name, one.permissions.count()) for one in Group.objects.all()] == [("own", 0)]
    boss = signed_in(User.objects.create_superuser("boss"))
    assert boss.post(f"{groups}{group.pk}/change/", every).status_code == 302
    assert group.permissions.exists()


@pytest.mark.parametrize("path", ["/admin", "/admin/", KEYS, "/admin/login/", "/admin/none"])
def test_keys_never_open_the_admin(path: str) -> None:
    """Not even a superuser's, whatever session comes beside it."""
    boss = User.objects.create_superuser("boss")
    client = with_key(boss)
    assert client.get("/task/all").status_code == 200
    for method in ("get", "post"):
        assert getattr(client, method)(path).status_code == 403
    client.force_login(boss)
    assert client.get(path).status_code == 403


PATCH = {"content_type": "application/offset+octet-stream", "headers": {"upload-offset": "0"}}


def of_uploads(client: Client, upload: Upload) -> dict[str, int]:
    """What the protocol answers; nothing of it changes anything."""
    path = f"/uploads/files/{upload.id.hex}"
    answers = {
        "HEAD": client.head(path, headers=TUS),
        "GET": client.get(path, headers=TUS),
        "PATCH": client.patch(path, b"", **{**PATCH, "headers": {**TUS, "upload-offset": "9"}}),  # type: ignore[arg-type]
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
    assert of_uploads(with_key(owner), upload)["PATCH"] not in (403, 404)
    assert with_key(steerer).delete(f"/uploads/files/{upload.id.hex}").status_code == 204


@pytest.mark.parametrize("path", ["/admin/uploads/upload/", "/admin/uploads/cleanuprun/"])
def test_the_admin_tells_of_the_store_who_may_look(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused page must not leave its message for the next one that is shown."""
    monkeypatch.setattr(
        "uploads.admin_pages.cleanup.store_problem", lambda: "The store is another one."
    )
    clerk, looker = someone("clerk"), someone("looker", "view_upload", "view_cleanuprun")
    assert signed_in(looker).get(path).content.count(b"The store is another one.") == 1
    client = signed_in(clerk)
    assert client.get(path).status_code == 403
    assert b"The store is another one." not in client.get("/admin/").content


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
    reading = [f"/task/{job.pk}", f"/tasks/{job.pk}/progress", f"/jobs/{job.pk}"]
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
