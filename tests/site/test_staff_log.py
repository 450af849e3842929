"""Every action of the admin leaves who did it, to what, and what was before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import RequestFactory
from django_q.models import Schedule

from tests.site.staff_clients import signed_in, someone
from tests.transcription.building import make_job, make_upload, within
from transcription.models import Delivery, Priority, State
from uploads.models import State as UploadState
from uploads.models import Upload

pytestmark = pytest.mark.django_db

UNTOUCHED = {"uploads.upload.verify"}
"""Actions that change nothing."""

DJANGOS_OWN = "delete_selected"  # Django writes its own entries: the row is the one that was


def receiving() -> Upload:
    upload = make_upload(b"abc", length=1000)
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.RECEIVING)
    return upload


def webhook() -> Delivery:
    job = make_job(state=State.COMPLETED)
    return Delivery.objects.create(
        job=job, url="http://example.com/", state=Delivery.State.GIVEN_UP
    )


def schedule(repeats: int) -> Schedule:
    return Schedule.objects.create(func="uploads.tasks.cleanup", name="x", repeats=repeats)


ROWS: dict[str, Callable[[], Model]] = {
    "uploads.upload.terminate": receiving,
    "uploads.upload.expire_now": receiving,
    "uploads.upload.extend": receiving,
    "transcription.job.cancel": make_job,
    "transcription.job.run_again": lambda: make_job(state=State.FAILED, params={}),
    "transcription.job.run_again_with": lambda: make_job(state=State.FAILED, params={}),
    "transcription.job.high_priority": make_job,
    "transcription.job.normal_priority": lambda: make_job(priority=Priority.LOW),
    "transcription.job.low_priority": make_job,
    "transcription.job.delete_with_recording": make_job,
    "transcription.delivery.send_again": webhook,
    "django_q.schedule.pause": lambda: schedule(-1),
    "django_q.schedule.resume": lambda: schedule(0),
}
"""For each action, a row that it changes."""


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def all_actions() -> Iterator[str]:
    request = RequestFactory().get("/admin/", {})
    request.user = User(username="boss", is_superuser=True, is_staff=True, is_active=True)
    for model, page in admin.site._registry.items():
        for name in page.get_actions(request):
            if name != DJANGOS_OWN:
                yield f"{model._meta.label_lower}.{name}"


def test_every_action_has_a_row() -> None:
    assert set(all_actions()) == {*ROWS, *UNTOUCHED}


@pytest.mark.parametrize("action", ROWS)
def test_an_action_leaves_who_did_it_and_what_changed(action: str) -> None:
    row = ROWS[action]()
    model, key = row._meta, str(row.pk)
    clerk = someone("clerk", f"view_{model.model_name}", f"change_{model.model_name}")
    page = f"/admin/{model.app_label}/{model.model_name}/"
    form = {"action": action.rpartition(".")[2], "_selected_action": key}
    answer = signed_in(clerk).post(page, {**form, "index": "0", "agreed": "1", "apply": "1"})
    assert answer.status_code == 302
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (clerk, key)
    before, arrow, after = entry.change_message.partition(" → ")
    assert arrow and before.partition(": ")[2] and after.rstrip(".")
    assert before.partition(": ")[2] != after.partition(".")[0]


def test_other_options_are_named_too() -> None:
    """Those before, and those after."""
    job = make_job(state=State.FAILED, params={}, model="tiny")
    form = {"action": "run_again_with", "_selected_action": str(job.pk), "index": "0"}
    client = signed_in(User.objects.create_superuser("boss"))
    client.post("/admin/transcription/job/", {**form, "apply": "1", "model": "base"})
    assert "Model: tiny → base." in LogEntry.objects.get().change_message


@pytest.mark.parametrize("action", ["uploads.upload.extend", "transcription.job.low_priority"])
def test_who_may_only_look_sees_the_history(action: str) -> None:
    """The admin's pages are read-only here; their histories are open all the same."""
    row = ROWS[action]()
    model, key = row._meta, str(row.pk)
    page = f"/admin/{model.app_label}/{model.model_name}/"
    form = {"action": action.rpartition(".")[2], "_selected_action": key, "index": "0"}
    signed_in(User.objects.create_superuser("boss")).post(page, form)
    looker = signed_in(someone("looker", f"view_{model.model_name}"))
    assert f"{page}{key}/history/" in looker.get(f"{page}{key}/change/").content.decode()
    assert " → " in looker.get(f"{page}{key}/history/").content.decode()
