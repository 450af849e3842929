"""Every route and every action of the admin, asked by everybody: what each of them gets.

The routes come from the URL configuration, the actions from the admin's registry: a new one fails
until `access_table.py` says who gets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

from tests.site.access_table import ACTIONS, CHANGES, KINDS, NOT_THEIRS, ROUTES, admin_route
from tests.site.staff_clients import signed_in
from tests.transcription.building import make_job, make_upload, within
from transcription.models import Delivery, Job, StageOutput, State, Transcript
from uploads.models import CleanupRun, Upload
from uploads.models import State as UploadState
from whisperx_site.accounts.models import ApiKey

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

TUS = {"tus-resumable": "1.0.0", "host": "localhost"}
MODELS = list(admin.site._registry)


@pytest.fixture
def owner(settings: LazySettings, tmp_path: Path) -> User:
    within(settings, tmp_path)
    settings.METRICS = True
    return User.objects.create_user("owner")


@pytest.fixture
def everybody(owner: User) -> dict[str, Client]:
    """A client for each kind of person, in the order of KINDS."""
    clerk = User.objects.create_user("clerk", is_staff=True)
    staff = User.objects.create_user("staff", is_staff=True)
    labels = {model._meta.app_label for model in MODELS}
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label__in=labels))
    people = {
        "anonymous": Client(headers=TUS),
        "another user": signed_in(User.objects.create_user("another")),
        "owner": signed_in(owner),
        "staff without permission": signed_in(clerk),
        "staff with permission": signed_in(staff),
        "superuser": signed_in(User.objects.create_superuser("boss")),
        "key": with_key(owner),
        "expired key": with_key(owner, expires=timezone.now() - timedelta(seconds=1)),
        "revoked key": with_key(owner, revoked=True),
    }
    assert tuple(people) == KINDS
    for client in people.values():
        client.defaults.update({f"HTTP_{k.upper().replace('-', '_')}": v for k, v in TUS.items()})
    return people


def with_key(user: User, revoked: bool = False, **facts: Any) -> Client:
    key = ApiKey(user=user, name="test", **facts)
    secret = key.renew_secret()
    key.save()
    if revoked:
        key.delete()
    return Client(headers={**TUS, "authorization": f"Bearer {secret}"})


def walk(patterns: Sequence[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, before + str(pattern.pattern))
        else:
            yield before + str(pattern.pattern)


def all_routes() -> list[str]:
    return [*dict.fromkeys(walk(get_resolver().url_patterns))]


@pytest.fixture
def things(owner: User) -> dict[str, str]:
    """What stands in the places of a route: the owner's upload and job, and a row a model."""
    upload = make_upload(b"abc", owner=owner)
    job = make_job(upload=upload, state=State.COMPLETED)
    Transcript.objects.create(job=job, segments=[{"start": 0, "end": 1, "text": "hello"}])
    times = {"started": timezone.now(), "stopped": timezone.now()}
    rows = (
        *(upload, job, owner, Group.objects.create(name="readers")),
        StageOutput.objects.create(job=job, name="transcribe", output={"segments": []}),
        Delivery.objects.create(job=job, url="http://example.com/"),
        CleanupRun.objects.create(trigger="staff"),
        Schedule.objects.create(name="x", func="uploads.tasks.cleanup"),
        Success.objects.create(id="s", name="s", func="f", success=True, **times),
        Failure.objects.create(id="f", name="f", func="f", success=False, **times),
        OrmQ.objects.create(key="whisperx", payload="x"),
        ApiKey.objects.create(user=owner, name="row", digest="0" * 64),
    )
    by_model = {row._meta.label_lower: str(row.pk) for row in rows}
    assert by_model.keys() == {model._meta.label_lower for model in MODELS}
    names = {
        "<str:upload_id>": upload.pk.hex,
        "<uuid:job_id>": str(job.pk),
        "<str:identifier>": str(job.pk),
        "<str:kind>": "txt",
        "<path:name>": "tiny.en",
        "<id>": str(owner.pk),
    }
    return {**by_model, **names}


def path_of(route: str, things: dict[str, str]) -> str:
    """A route with things of this test in its places."""
    model = ".".join(route.split("/")[1:3])
    path = route.replace("<path:object_id>", things.get(model, "1"))
    for place, thing in things.items():
        path = path.replace(place, thing)
    samples = {
        "^v1/.*[^/]+\\Z": "v1/none",
        "^(?P<path>[\\s\\S]+)/\\Z": "task/all/",
        "admin/r/<path:content_type_id>/<path:object_id>/": "admin/r/1/1/",
        "admin/^(?P<app_label>django_q|auth|accounts|uploads|transcription)/$": "admin/uploads/",
        "admin/(?P<url>.*)$": "admin/nothing",
    }
    return "/" + samples.get(route, path)


def test_every_route_is_listed() -> None:
    routes = {route for route in all_routes() if admin_route(route) is None}
    assert routes == ROUTES.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_what_everybody_gets(
    everybody: dict[str, Client], things: dict[str, str], kind: str
) -> None:
    """By GET: what only a form may do says so (405), to those who may."""
    number, client, wrong = KINDS.index(kind), everybody[kind], []
    for route in all_routes():
        expected = (admin_route(route) or ROUTES.get(route) or "?").split()
        status = client.get(path_of(route, things)).status_code
        if len(expected) != len(KINDS) or str(status) != expected[number]:
            wrong.append((route, status, expected))
    assert not wrong


@pytest.mark.parametrize("kind", NOT_THEIRS)
def test_what_is_not_theirs_nobody_changes(
    everybody: dict[str, Client], things: dict[str, str], kind: str
) -> None:
    def rows() -> list[Any]:
        return [*Upload.objects.values().order_by("pk"), *Job.objects.values().order_by("pk")]

    before = rows()
    assert len(before) == 2
    for method, route in CHANGES:
        status = getattr(everybody[kind], method)(path_of(route, things)).status_code
        assert status == NOT_THEIRS[kind], (method, route, status)
    assert rows() == before


def every_action() -> list[str]:
    request = RequestFactory().get("/admin/", {})
    request.user = User(username="boss", is_superuser=True, is_staff=True, is_active=True)
    return [
        f"{model._meta.label_lower}.{name}"
        for model, page in admin.site._registry.items()
        for name in page.get_actions(request)
    ]


def test_every_action_is_listed() -> None:
    assert {*every_action()} == ACTIONS.keys()


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_who_may_act(everybody: dict[str, Client], things: dict[str, str], action: str) -> None:
    """The row changes by those alone who are offered the action, here or by asking first."""
    Upload.objects.filter(state=UploadState.FINISHED).update(state=UploadState.RECEIVING)
    model, _, name = action.rpartition(".")
    page = f"/admin/{model.replace('.', '/')}/"
    form = {"action": name, "_selected_action": things[model], "index": "0"}
    found = {}
    for kind, client in everybody.items():
        offered = f'value="{name}"' in client.get(page).content.decode()
        status = client.post(page, form).status_code
        found[kind] = "may" if offered and status in (200, 302) else str(status)
    assert found == dict(zip(KINDS, ACTIONS[action].split(), strict=True))
