"""The list of recordings: all are reached, by pages, name and state, also without a script."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from transcription.models import Job, State
from transcription.services.jobs.queries import visible_to
from transcription.services.paging import place_of
from uploads.models import State as UploadState

from .building import make_upload, within

pytestmark = pytest.mark.django_db
HTML = {"accept": "text/html"}
NAME = re.compile(r'class="row-name[^"]*" href="[^"]+" data-field="filename"[^>]*>([^<]+)<')


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def client(ann: User) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def make(ann: User, *names: str, **facts: Any) -> None:
    """Jobs, the newest last; several begin in the same moment."""
    begun = timezone.now() - timedelta(days=9)
    for number, name in enumerate(names):
        created = begun + timedelta(seconds=number // 3)
        Job.objects.create(owner=ann, file_name=name, created=created, **facts)


def read(client: Client, address: str) -> tuple[list[str], dict[str, str]]:
    """The names on a page, and where its links to other pages lead, as a browser reads them."""
    answer = client.get(address.partition("#")[0], headers=HTML)
    assert answer.status_code == 200
    page = answer.content.decode()
    links = re.findall(r'<a id="(newer|older)"[^>]* href="([^"]*)"[^>]*?( hidden)?>', page)
    return [unescape(name) for name in NAME.findall(page)], {
        which: unescape(address) for which, address, hidden in links if not hidden
    }


def walk(client: Client, address: str, which: str) -> Iterator[list[str]]:
    """The names on page after page."""
    while address:
        names, links = read(client, address)
        yield names
        address = links.get(which, "")


def names_of(client: Client, query: str) -> list[str]:
    return [job["filename"] for job in client.get(f"/jobs.json?{query}").json()["jobs"]]


def test_pages_reach_every_recording_once(client: Client, ann: User) -> None:
    """Also while some come and go."""
    names = [f"{number:03}.wav" for number in range(128)]
    make(ann, *names, state=State.COMPLETED)
    pages = list(walk(client, "/", "older"))
    assert [len(page) for page in pages] == [25, 25, 25, 25, 25, 3]
    assert sorted(sum(pages, [])) == names
    first, links = read(client, "/")
    Job.objects.filter(file_name=first[-1]).delete()  # at which the next page begins
    Job.objects.create(owner=ann, file_name="new.wav")
    after_it = sum(walk(client, links["older"], "older"), [])
    assert after_it == sum(pages[1:], [])
    last, links = read(client, links["older"])
    back, links = read(client, links["newer"])
    assert back[0] == "new.wav" and "newer" not in links


def test_name_and_state_are_kept_from_page_to_page(client: Client, ann: User) -> None:
    make(ann, *(f"talk {number}.wav" for number in range(60)), state=State.FAILED)
    make(ann, "talk done.wav", state=State.WARNINGS)
    make(ann, *(f"other {number}.wav" for number in range(30)), state=State.FAILED)
    pages = list(walk(client, "/?q=TALK&state=failed", "older"))
    assert [len(page) for page in pages] == [25, 25, 10]
    assert all(name.startswith("talk") for name in sum(pages, []))
    page = client.get("/?q=TALK&state=failed", headers=HTML).content.decode()
    assert 'name="q" type="search" value="TALK"' in page
    assert '<option value="failed" selected>' in page
    assert names_of(client, "state=done") == ["talk done.wav"]


@pytest.mark.parametrize("asked", ["GRÖSSEN", "grössen", unicodedata.normalize("NFD", "Größen")])
def test_names_are_found_however_they_are_written(client: Client, ann: User, asked: str) -> None:
    sharp = "ß" in asked
    kept = "Größen" if sharp else "Grössen"
    make(ann, f"{kept}.wav", unicodedata.normalize("NFD", f"a {kept}.wav"), "Grosse.wav")
    half: dict[str, Any] = {"state": UploadState.RECEIVING, "length": 9, "finished": None}
    make_upload(owner=ann, file_name=f"half {kept}.wav", **half)
    make_upload(owner=ann, file_name="half another.wav", **half)
    listed = client.get(f"/jobs.json?q={quote(asked)}").json()
    assert len(listed["jobs"]) == 2
    assert [upload["filename"] for upload in listed["uploads"]] == [f"half {kept}.wav"]


def test_states_are_those_that_people_tell_apart(client: Client, ann: User) -> None:
    for state in State:
        make(ann, state.value, state=state)
    assert set(names_of(client, "state=active")) == {"queued", "processing"}
    assert set(names_of(client, "state=done")) == {"completed", "warnings"}
    assert names_of(client, "state=failed") == ["failed"]
    assert names_of(client, "state=cancelled") == ["cancelled"]


def test_an_address_that_makes_no_sense_shows_the_first_page(client: Client, ann: User) -> None:
    make(ann, "a.wav")
    make(User.objects.create_user("bob"), "b.wav")
    for query in (
        *("state=x", "before=x", "after=-", "before=9-9", "before=%00", "after=\ud83d&q=%00"),
        f"before=99999999999999999999-{'0' * 32}",
        f"before={'9' * 18}-{'f' * 32}",
        f"before=0-{'0' * 32}",
        f"after={'٣' * 5}-{'0' * 32}",
        f"after=0-{'0' * 32}",
    ):
        address = f"/?{quote(query, safe='=&%', errors='replace')}"
        assert read(client, address)[0] == ["a.wav"], query
    assert names_of(client, "q=" + "a" * 5000) == []
    page = client.get("/?q=nothing", headers=HTML).content.decode()
    assert re.search(r'<p id="no-matches" class="empty">No recording matches', page)


def test_a_late_page_sorts_no_more_than_the_first(client: Client, ann: User) -> None:
    """The database walks along an index, from the page's place on."""
    make(ann, *map(str, range(9)))
    newest = visible_to(ann).order_by("-created", "-pk")
    plan = newest.filter(place_of(newest[5]).older)[:3].explain()
    assert "jobs_of_owner" in plan and "created<" in plan and "TEMP B-TREE" not in plan, plan


def test_a_recording_leads_back_to_the_list_from_which_one_came(client: Client, ann: User) -> None:
    make(ann, "a.wav")
    address = f"/jobs/{Job.objects.get().pk}"
    for came, expected in {
        "http://testserver/?q=a%26b&state=failed&x=1": "/?q=a%26b&state=failed#recordings",
        "http://testserver/?before=1-2": "/?before=1-2#recordings",
        "http://testserver/": "/",
        "http://testserver/admin/?q=a": "/",
        "http://elsewhere/?q=a": "/",
        "http://[": "/",
        "": "/",
    }.items():
        page = client.get(address, headers={**HTML, "referer": came}).content.decode()
        found = re.search(r'class="back"><a href="([^"]*)"', page)
        assert found and unescape(found[1]) == expected, came
