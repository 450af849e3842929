"""Who sees which uploads, and what staff see and do in the admin."""

from __future__ import annotations

import re
import uuid
from html import unescape
from typing import Any

import pytest
import requests

from tests.running import PASSWORD, Site, encode_metadata, wait_for
from tests.uploads.conftest import ROOT, head
from tests.uploads.people import introduce
from tests.uploads.test_creation import bytes_on_disk
from tests.uploads.wire import DATA, TUS, Answer, Wire, ask, identifier

LIST = "/admin/uploads/upload/"
RUNS = "/admin/uploads/cleanuprun/"


@pytest.fixture(scope="module")
def keys(plain_site: Site) -> dict[str, str]:
    return introduce(plain_site, PASSWORD)


def signed(key: str, **headers: str) -> dict[str, str]:
    return {**TUS, "Authorization": f"Bearer {key}", **headers}


def made(site: Site, length: int = 5, name: str = "talk.mp3", key: str = "") -> str:
    headers = {**(signed(key) if key else TUS), "Upload-Length": str(length)}
    headers["Upload-Metadata"] = encode_metadata({"filename": name})
    answer = ask(site, "POST", ROOT, headers)
    assert answer.status == 201
    return str(answer.headers["Location"])


def patched(site: Site, path: str, data: bytes, headers: dict[str, str]) -> Answer:
    fields = {**headers, **DATA, "Upload-Offset": "0", "Content-Length": str(len(data))}
    return ask(site, "PATCH", path, fields, data)


def test_anothers_upload_does_not_exist(plain_site: Site, keys: dict[str, str]) -> None:
    """On every method, and finished or not: 404, as for what was never there."""
    path = made(plain_site, key=keys["alice"])
    theirs = signed(keys["bob"])
    for step in range(2):
        assert patched(plain_site, path, b"evil!", theirs).status == 404
        for method in ("HEAD", "GET", "DELETE"):
            answer = ask(plain_site, method, path, theirs)
            assert answer.status == 404
            assert "Upload-Offset" not in answer.headers
        if not step:
            mine = patched(plain_site, path, b"hello", signed(keys["alice"]))
            assert mine.status == 204
    assert ask(plain_site, "GET", path, signed(keys["alice"])).body == b"hello"


def test_staff_see_all_and_change_what_the_admin_lets_them(
    plain_site: Site, keys: dict[str, str]
) -> None:
    """The clerk may look; the first staff user, whose key lies in the data folder, may all."""
    path = made(plain_site, key=keys["alice"])
    assert ask(plain_site, "HEAD", path, signed(keys["clerk"])).offset == 0
    refused = ask(plain_site, "DELETE", path, signed(keys["clerk"]))
    assert refused.status == 403 and b"not change it" in refused.body
    assert patched(plain_site, path, b"evil!", signed(keys["clerk"])).status == 403
    assert ask(plain_site, "HEAD", path, signed(keys["alice"])).offset == 0
    assert ask(plain_site, "DELETE", path, signed(plain_site.key)).status == 204
    assert ask(plain_site, "HEAD", path, signed(keys["alice"])).status == 404


def test_parts_of_others_are_no_parts(plain_site: Site, keys: dict[str, str]) -> None:
    """Concatenation: only of one's own uploads. Staff see others', but do not take them."""
    headers = {"Upload-Length": "0", "Upload-Concat": "partial"}
    path = ask(plain_site, "POST", ROOT, signed(keys["alice"], **headers)).headers["Location"]
    concat = {"Upload-Concat": f"final;{path}"}
    for key, status in (("bob", 404), ("clerk", 404), ("alice", 201)):
        theirs = signed(keys[key], **concat)
        assert ask(plain_site, "POST", ROOT, theirs).status == status


def test_uploads_that_nobody_owns_are_the_staffs(plain_site: Site, keys: dict[str, str]) -> None:
    """As they were made without login, before a login was needed or under ALLOW_ANONYMOUS."""
    path = made(plain_site, key=keys["alice"])
    plain_site.shell(
        "from uploads.models import Upload\n"
        f"Upload.objects.filter(pk='{identifier(path)}').update(owner=None)"
    )
    assert ask(plain_site, "HEAD", path, signed(keys["alice"])).status == 404
    assert ask(plain_site, "HEAD", path, signed(keys["clerk"])).status == 200
    assert patched(plain_site, path, b"hello", TUS).status == 204
    assert ask(plain_site, "GET", path).body == b"hello"


@pytest.mark.parametrize("key", ["wxs_wrong", "gone", "wxs_\xe9"])
def test_invalid_keys_are_401(plain_site: Site, keys: dict[str, str], key: str) -> None:
    path = made(plain_site)
    for method, address in (("HEAD", path), ("PATCH", path), ("DELETE", path), ("POST", ROOT)):
        answer = ask(plain_site, method, address, signed(keys.get(key, key)))
        assert answer.status == 401
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert "WWW-Authenticate" in answer.headers


class Office:
    """A person in the admin."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.http = requests.Session()
        self.post("/login", {"username": name, "password": PASSWORD}, page="/login")

    def get(self, path: str, **query: str) -> requests.Response:
        return self.http.get(self.site.url + path, params=query, timeout=30)

    def post(self, path: str, data: dict[str, Any], page: str = LIST) -> requests.Response:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page).text)
        assert found, page
        form = {**data, "csrfmiddlewaretoken": found[1]}
        return self.http.post(self.site.url + path, data=form, timeout=30)

    def act(self, action: str, *paths: str) -> requests.Response:
        """Run an action; where it asks first, agree."""
        picked = [str(uuid.UUID(identifier(path))) for path in paths]
        form = {"action": action, "_selected_action": picked, "index": "0"}
        page = self.post(LIST, form)
        asked = re.search(r'name="agreed" value="(\d+)"', page.text)
        return self.post(LIST, {**form, "agreed": asked[1]}) if asked else page


@pytest.fixture(scope="module")
def admin(plain_site: Site) -> Office:
    return Office(plain_site, "admin")


def test_the_list_shows_progress_and_finds(plain_site: Site, admin: Office) -> None:
    name = f"{uuid.uuid4().hex}.mp3"
    path = made(plain_site, 1000, name)
    patched(plain_site, path, b"x" * 250, TUS)
    page = admin.get(LIST)
    assert page.status_code == 200
    assert '<progress max="1000" value="250"' in page.text
    pk = str(uuid.UUID(identifier(path)))
    for query in (name, name[:12].upper(), pk, identifier(path), "127.0.0.1"):
        assert name in admin.get(LIST, q=query).text, query
    assert name not in admin.get(LIST, q="no such thing").text
    for query in ("\x00", "'", "%", "\U0001f600", "x" * 3000):
        assert admin.get(LIST, q=query).status_code == 200
    assert name in admin.get(LIST, state__exact="receiving").text
    assert name not in admin.get(LIST, state__exact="finished").text
    for key, value in (("owner__isnull", "True"), ("o", "4.3"), ("state__exact", "nonsense")):
        assert admin.get(LIST, **{key: value}).status_code == 200
    detail = admin.get(f"{LIST}{pk}/change/")
    assert detail.status_code == 200
    assert name in detail.text
    assert 'name="_save"' not in detail.text


def test_hostile_names_are_text(plain_site: Site, admin: Office) -> None:
    made(plain_site, 5, '<script>alert("x")</script>.mp3')
    name = "<script>alert(1)<b>.mp3"
    path = made(plain_site, 5, name)
    for page in (admin.get(LIST), admin.get(f"{LIST}{uuid.UUID(identifier(path))}/change/")):
        assert page.status_code == 200
        assert "<script>alert(" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text


def test_rows_cannot_be_made_changed_or_deleted(plain_site: Site, admin: Office) -> None:
    pk = str(uuid.UUID(identifier(made(plain_site))))
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.get(f"{LIST}{pk}/delete/").status_code == 403
    assert admin.post(f"{LIST}{pk}/change/", {"offset": "5"}).status_code == 403
    assert admin.get(f"{LIST}0/change/").url.endswith(("/admin/", LIST))


def test_an_uploads_page_tells_its_story(plain_site: Site, admin: Office) -> None:
    """Each sender, what it brought, why it stopped, and who went on."""
    path = made(plain_site, 1000)
    with Wire(plain_site) as wire:
        wire.head("PATCH", path, {**DATA, "Upload-Offset": "0", "Content-Length": "600"})
        wire.send(b"x" * 300)
    wait_for(lambda: head(plain_site, path).offset == 300)
    fields = {**DATA, "X-Forwarded-For": "203.0.113.9", "Upload-Offset": "300"}
    for offset, size in ((300, 400), (700, 300)):
        fields |= {"Upload-Offset": str(offset), "Content-Length": str(size)}
        assert ask(plain_site, "PATCH", path, fields, b"x" * size).status == 204
    page = admin.get(f"{LIST}{uuid.UUID(identifier(path))}/change/").text
    (story,) = re.findall(r'<ol class="timeline">(.*?)</ol>', page, re.DOTALL)
    lines = re.findall(r"</time> (.*?)</li>", unescape(story).replace("\xa0", " "))
    assert lines == [
        "Created from 127.0.0.1.",
        "Received from 127.0.0.1: 300 bytes in 1 request, under a second; "
        "300 bytes of 1000 bytes held.",
        "Interrupted. The body was cut off.",
        "Resumed from 203.0.113.9 via 127.0.0.1: 700 bytes in 2 requests, under a second; "
        "1000 bytes of 1000 bytes held.",
        "Finished: all bytes are held.",
    ]


def test_the_three_actions(plain_site: Site, admin: Office) -> None:
    """Each on its own states, several at once, and said plainly."""
    running, finished, ended = (made(plain_site) for _ in range(3))
    patched(plain_site, finished, b"hello", TUS)
    ask(plain_site, "DELETE", ended, TUS)
    page = admin.act("extend", running, finished, ended)
    assert "1 extended; 2 skipped (already finished or ended)." in page.text
    page = admin.act("expire_now", running, finished, ended)
    assert "1 expired; 2 skipped (already finished or ended)." in page.text
    assert head(plain_site, running).status == 410
    assert head(plain_site, finished).status == 200
    page = admin.act("terminate", running, finished, ended)
    assert "1 terminated; 2 skipped (already ended)." in page.text
    assert head(plain_site, finished).status == 404
    assert bytes_on_disk(plain_site, running) == bytes_on_disk(plain_site, finished) == []


def test_the_cleanup_is_one_click_away(plain_site: Site, admin: Office) -> None:
    """From the list to the schedule and to the records; and a button that runs it."""
    page = admin.get(LIST).text
    assert RUNS in page
    schedule = re.search(r'href="(/admin/django_q/schedule/\d+/change/)"', page)
    assert schedule
    assert "uploads.tasks.cleanup" in admin.get(schedule[1]).text
    before = admin.get(RUNS, trigger__exact="staff").text.count('class="field-started')
    answer = admin.post(f"{RUNS}run", {}, page=RUNS)
    assert "The cleanup is queued" in answer.text

    def runs() -> str:
        text = admin.get(RUNS, trigger__exact="staff").text
        return text if text.count('class="field-started') > before else ""

    found = re.search(r'href="(/admin/uploads/cleanuprun/\d+/change/)', wait_for(runs, 30))
    assert found
    assert "what it did" in admin.get(found[1]).text.lower()


def test_staff_without_permission_look_only(plain_site: Site, keys: dict[str, str]) -> None:
    clerk = Office(plain_site, "clerk")
    path = made(plain_site)
    assert identifier(path) in clerk.get(LIST).text.replace("-", "")
    clerk.act("terminate", path)
    assert head(plain_site, path).status == 200
    assert clerk.post(f"{RUNS}run", {}, page=RUNS).status_code == 403


def test_others_do_not_get_in(plain_site: Site, keys: dict[str, str]) -> None:
    bob = Office(plain_site, "bob")
    for page in (LIST, RUNS, f"{RUNS}run"):
        assert "/login" in bob.get(page).url
        nobody = requests.get(plain_site.url + page, headers={"Accept": "text/html"}, timeout=10)
        assert "/login" in nobody.url
