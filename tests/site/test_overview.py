"""The admin's front page: what is in flight, what is stuck and why, for those who may see it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Schedule

from tests.site.staff_clients import signed_in, someone
from tests.transcription.building import make_job, make_upload, staff_client, within
from transcription.models import Delivery, Job, State
from uploads.models import Heartbeat, StoreIdentity, Upload
from uploads.models import State as UploadState
from uploads.stores.registry import store
from whisperx_site.overview.problems import problems

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)
    Schedule.objects.update(next_run=timezone.now() + timedelta(minutes=10))


@pytest.fixture
def staff() -> Client:
    return staff_client()


def page(client: Client, path: str = "/admin/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def receiving(quiet: timedelta, name: str = "talk.mp3", length: int = 1000) -> Upload:
    """An upload that has received 10 bytes, the last of them a while ago."""
    upload = make_upload(b"0123456789", file_name=name, length=length)
    last = timezone.now() - quiet
    Upload.objects.filter(pk=upload.pk).update(
        state=UploadState.RECEIVING, last_activity=last, created=last - timedelta(seconds=10)
    )
    return upload


def ended(state: str, hours_ago: float, **facts: object) -> Job:
    return make_job(state=state, finished=timezone.now() - timedelta(hours=hours_ago), **facts)


def test_figures_lead_to_the_lists_behind_them(staff: Client) -> None:
    stalled = receiving(timedelta(hours=3), "stalled.mp3")
    receiving(timedelta(seconds=1), "arriving.mp3")
    make_job(state=State.QUEUED, queued=timezone.now() - timedelta(minutes=5))
    ended(State.COMPLETED, 1)
    ended(State.FAILED, 2, error="The file has no sound.")
    ended(State.FAILED, 3, error="The file has no sound.")
    ended(State.FAILED, 30, error="Long ago.")
    shown = page(staff)
    said = words(shown)
    assert "unfinished 2 receiving now 1 stalled 1 received 20 bytes" in said
    assert f"to come {1980:,} bytes" in said or "to come 1.9 KB" in said
    assert "waiting 1 waiting longest 5 minutes at work 0" in said
    assert "done in a day 1 failed in a day 2" in said
    assert "The file has no sound. 2" in said and "Long ago." not in said
    assert said.index("stalled.mp3") < said.index("arriving.mp3")
    addresses = [unescape(found) for found in re.findall(r'<dd><a href="([^"]+)"', shown)]
    lists = {address: words(page(staff, address)) for address in addresses}
    assert len(lists) == 7
    (of_stalled,) = (lists[address] for address in addresses if "activity=stalled" in address)
    assert "stalled.mp3" in of_stalled and "arriving.mp3" not in of_stalled
    (of_failed,) = (lists[address] for address in addresses if "state__exact=failed" in address)
    assert "2 jobs" in of_failed
    assert stalled.pk.hex in shown.replace("-", "")


def test_people_see_what_their_lists_show() -> None:
    receiving(timedelta(hours=3), "secret.mp3")
    make_job(state=State.PROCESSING, file_name="talk-of-others.mp3", started=timezone.now())
    nothing = signed_in(someone("nobody"))
    assert "secret.mp3" not in page(nothing) and "Problems" not in words(page(nothing))
    jobs_only = words(page(signed_in(someone("reader", "view_job"))))
    assert "talk-of-others.mp3" in jobs_only and "secret.mp3" not in jobs_only
    assert "Schedules" not in jobs_only and "Problems" in jobs_only


def test_the_part_that_renews_itself_is_that_of_the_page(staff: Client) -> None:
    receiving(timedelta(hours=3), "again.mp3")
    part = page(staff, "/admin/overview")
    assert "again.mp3" in part and "<html" not in part
    stranger = Client(headers={"host": "localhost", "accept": "text/html"})
    assert stranger.get("/admin/overview").status_code == 302


def test_it_costs_as_many_queries_with_many_rows(staff: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            page(staff)
        return len(seen)

    first = queries()
    for number in range(12):
        receiving(timedelta(minutes=number), f"{number}.mp3")
        make_job(state=State.PROCESSING, started=timezone.now(), file_name=f"{number}.mp3")
        ended(State.FAILED, number, error=f"reason {number}")
    assert queries() <= first + 1 and first <= 32  # the stalled ones are counted, too


PLANTED: dict[str, tuple[Callable[[], object], str, str]] = {
    "stalled upload": (
        lambda: receiving(timedelta(hours=3)),
        "uploads",
        "1 upload has received nothing for 15 minutes or longer; the longest for 3 hours",
    ),
    "stuck schedule": (
        lambda: Schedule.objects.filter(name="uploads: cleanup").update(
            next_run=timezone.now() - timedelta(minutes=7)
        ),
        "schedules",
        "uploads: cleanup is 7 minutes late",
    ),
    "clock ahead": (
        lambda: Heartbeat.objects.create(pk=1, at=timezone.now() + timedelta(hours=2, minutes=1)),
        "clock",
        "this machine's clock and the database's times differ by 2 hours",
    ),
    "failing callback": (
        lambda: Delivery.objects.create(
            job=make_job(), url="https://example.org", last_error="The answer was 500.", attempts=2
        ),
        "webhooks",
        "1 webhook fails: The answer was 500.",
    ),
    "jobs that nobody takes": (
        lambda: make_job(state=State.QUEUED, queued=timezone.now() - timedelta(minutes=9)),
        "workers",
        "jobs wait and none is taken",
    ),
}


def named() -> list[tuple[str, str]]:
    """All problems but that no model is there, which depends on the machine."""
    return [(one.what, one.fact) for one in problems() if one.what != "results"]


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_named_and_nothing_else(staff: Client, fault: str) -> None:
    plant, what, fact = PLANTED[fault]
    assert store() is not None and named() == []
    plant()
    assert named() == [(what, fact)]
    assert f"{what}: {fact}" in words(page(staff)).replace(" :", ":")


def test_a_full_disk_is_named(settings: LazySettings) -> None:
    settings.UPLOADS_MIN_FREE_SPACE = 2**60
    ((what, fact),) = named()
    assert what == "disk" and fact.endswith("GiB free")


def test_a_foreign_store_is_named() -> None:
    make_upload(b"abc")
    StoreIdentity.objects.update(identity=uuid.uuid4())
    assert named() == [
        ("upload store", "The upload store belongs to another database than the one in use.")
    ]
