"""Callbacks (contract, section 7), over HTTP against the running site."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.running import Site, wait_for
from tests.site.people import form_token, signed_in
from tests.speech import recordings

from .servers import Server, hangs, hangs_up, redirects, running

Serve = Callable[..., Server]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.write(tmp_path_factory.mktemp("hook") / "speech.wav", recordings.speech())


def post(site: Site, route: str, file: Path | None, **query: Any) -> requests.Response:
    files = {"file": (file.name, file.read_bytes())} if file else None
    return site.http.post(f"{site.url}{route}", files=files, params=query, timeout=60)


def test_the_end_is_told_with_what_a_get_answers(
    open_site: Site, serve: Serve, speech: Path
) -> None:
    receiver = serve(200)
    answer = post(open_site, "/speech-to-text", speech, callback_url=f"{receiver.url}/hook?id=1")
    assert answer.status_code == 200, answer.text
    assert [call.method for call in receiver.calls] == ["HEAD"]  # before the job
    [call] = receiver.wait_for_posts(1, seconds=60)
    task = open_site.task(answer.json()["identifier"])
    assert call.json == task and set(task) == {"status", "result", "metadata", "error"}
    assert task["status"] == "completed" and task["result"]["segments"]
    assert task["metadata"]["callback_url"] == f"{receiver.url}/hook?id=1"
    assert (call.path, call.headers["Content-Type"]) == ("/hook?id=1", "application/json")
    assert call.headers["X-Delivery-ID"] and call.headers["X-Delivery-Attempt"] == "1"


def test_a_failure_is_told_and_so_is_an_upload_by_tus(
    open_site: Site, serve: Serve, tmp_path: Path
) -> None:
    receiver = serve(hangs_up, 503, 200)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(speechless())
    open_site.upload(broken, callback_url=f"{receiver.url}/hook")
    first, second, third = receiver.wait_for_posts(3, seconds=60)
    assert first.json == second.json == third.json
    assert first.json["status"] == "failed" and first.json["error"]
    assert first.json["result"] is None
    ids = {call.headers["X-Delivery-ID"] for call in (first, second, third)}
    assert len(ids) == 1 and third.headers["X-Delivery-Attempt"] == "3"
    assert second.at - first.at >= 1 and third.at - second.at >= 2


def speechless() -> bytes:
    """Begins like a recording, and holds nothing that could be heard."""
    return b"RIFF\xff\xff\x00\x00WAVEfmt \x10\x00\x00\x00\x63\x00\x01\x00" + bytes(600)


def test_service_tasks_neither_ask_nor_tell(open_site: Site, serve: Serve, speech: Path) -> None:
    receiver = serve(200)
    answer = post(open_site, "/service/transcribe", speech, callback_url=receiver.url)
    assert answer.status_code == 200
    open_site.wait_for_task(answer.json()["identifier"])
    assert open_site.task(answer.json()["identifier"])["metadata"]["callback_url"] is None
    assert not receiver.calls


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_receiver_that_refuses_hides_all_other_faults(
    open_site: Site, serve: Serve, status: int
) -> None:
    receiver = serve(lambda _, request: request.send_error(status))
    url = f"{receiver.url}/hook"
    answer = post(open_site, "/speech-to-text", None, callback_url=url, model="nonsense")
    assert answer.status_code == 400
    assert answer.json() == {"detail": f"Callback URL is not reachable: {url}"}


def test_a_receiver_that_is_not_there(open_site: Site) -> None:
    for url in ("http://127.0.0.1:9/hook", "http://nobody.invalid/hook"):
        answer = post(open_site, "/speech-to-text", None, callback_url=url)
        assert answer.status_code == 400
        assert answer.json() == {"detail": f"Callback URL is not reachable: {url}"}


def test_receivers_that_know_no_head_or_lie_elsewhere(open_site: Site, serve: Serve) -> None:
    """Good enough: what is wrong then is the missing file."""
    elsewhere = serve(200)
    for receiver in (
        serve(lambda _, request: request.send_error(405)),
        serve(redirects(lambda *_: elsewhere.url)),
    ):
        answer = post(open_site, "/speech-to-text", None, callback_url=receiver.url)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "file"]
    assert not elsewhere.calls


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "[::1]", "169.254.169.254", "0x7f.1"])
def test_receivers_in_own_networks(site: Site, host: str) -> None:
    for route in ("/speech-to-text", "/speech-to-text-url"):
        answer = post(site, route, None, callback_url=f"http://{host}/hook")
        assert answer.status_code == 422
        assert answer.json() == {"detail": "The provided callback URL is not allowed."}


def test_staff_see_outcomes_and_send_again(open_site: Site, serve: Serve, speech: Path) -> None:
    receiver = serve(200)
    url = f"{receiver.url}/staff"
    assert post(open_site, "/speech-to-text", speech, callback_url=url).status_code == 200
    [first] = receiver.wait_for_posts(1, seconds=60)
    delivery = first.headers["X-Delivery-ID"]
    staff = signed_in(open_site)
    listing = f"{open_site.url}/admin/transcription/delivery/"
    page = staff.get(listing, timeout=30).text
    assert url in page and delivery in page
    assert delivery in staff.get(f"{listing}{delivery}/change/", timeout=30).text
    chosen = {
        "action": "send_again",
        "_selected_action": delivery,
        "csrfmiddlewaretoken": form_token(staff, listing),
    }
    answer = staff.post(listing, data=chosen, timeout=30)
    assert answer.status_code == 200 and "1 sent again" in answer.text
    again = receiver.wait_for_posts(2)[1]
    assert again.headers["X-Delivery-ID"] == delivery and again.body == first.body


@pytest.mark.proof
def test_what_was_owed_before_a_crash_is_told_after_it(
    new_site: Callable[..., Site], speech: Path
) -> None:
    """Killed between sending and noting: the same message again, under the same id."""
    site = new_site(SSRF_PROTECTION_ENABLED="0").start()
    receiver = Server(hangs(60), 200)
    with running(receiver):
        answer = post(site, "/speech-to-text", speech, callback_url=f"{receiver.url}/hook")
        assert answer.status_code == 200
        [cut] = receiver.wait_for_posts(1, seconds=60)
        site.kill_everything()
        time.sleep(0.5)
        site.start()
        again = receiver.wait_for_posts(2, seconds=60)[1]
        assert again.headers["X-Delivery-ID"] == cut.headers["X-Delivery-ID"]
        assert again.headers["X-Delivery-Attempt"] == "2" and again.body == cut.body
        wait_for(lambda: rows(site) == [["delivered", 2]], 20, what="the outcome")


def rows(site: Site) -> list[list[Any]]:
    code = (
        "import json; from transcription.models import Delivery; "
        "print(json.dumps(list(Delivery.objects.values_list('state', 'attempts'))))"
    )
    found: list[list[Any]] = json.loads(site.shell(code))
    return found
