"""Places that are given in turn to owners, and the recordings that are read in them."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.contract.forms import MULTIPART, WAV, file, form
from tests.running import Site, wait_for
from tests.site.people import make_key, make_user
from tests.speech import recordings
from transcription.engines.runtime import reader
from transcription.media.errors import MediaError
from transcription.services import audio_probe
from transcription.services.places import ClientDisconnected, Places
from uploads.errors import TooManyRequests, Unavailable


class Asker(threading.Thread):
    """Asks for a place, and keeps it until it is told to leave."""

    def __init__(self, places: Places, turn: str) -> None:
        super().__init__(daemon=True)
        self.places, self.turn = places, turn
        self.has, self.leaves, self.unwanted = threading.Event(), threading.Event(), False
        self.ended: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            with self.places.taken(self.turn, lambda: self.unwanted):
                self.has.set()
                self.leaves.wait(30)
        except Exception as problem:  # noqa: BLE001 - told to the test
            self.ended = problem


@pytest.fixture
def asks() -> Iterator[Callable[[Places, str], list[Asker]]]:
    """Lets owners ask, each once its forerunner waits or has its place."""
    askers: list[Asker] = []

    def ask(places: Places, turns: str) -> list[Asker]:
        new = []
        for turn in turns:
            asker = Asker(places, turn)
            waits = [waiter.turn for waiter in places._waiting].count
            wait_for(lambda one=asker, w=waits: one.has.is_set() or w(one.turn), 5, 0.005)  # type: ignore[misc]
            new.append(asker)
        askers.extend(new)
        return new

    yield ask
    for asker in askers:
        asker.leaves.set()
        asker.unwanted = True
    for asker in askers:
        asker.join(5)


def leave(asker: Asker) -> None:
    asker.leaves.set()
    asker.join(5)


def having(askers: list[Asker]) -> str:
    return "".join(asker.turn for asker in askers if asker.has.is_set() and asker.is_alive())


Asks = Callable[[Places, str], list[Asker]]


def test_one_owner_leaves_places_to_the_others(asks: Asks) -> None:
    """Six of one have two places, and three others get in at once."""
    places = Places(count=6, each=2, most_waiting=100)
    assert having(asks(places, "aaaaaa")) == "aa"
    assert having(asks(places, "bcd")) == "bcd"
    assert having(asks(places, "bc")) == ""  # a second place, but more than half are taken


def test_those_who_wait_are_served_in_turn(asks: Asks) -> None:
    """Only one more of "a", who waited before "b" came, goes before all others'."""
    places = Places(count=1, each=1, most_waiting=100)
    askers = asks(places, "aaaabbc")
    order = ""
    while (now := having(askers)) and len(order) < 7:
        order += now
        at_work = next(one for one in askers if one.has.is_set() and one.is_alive())
        leave(at_work)
        wait_for(lambda: having(askers) or not any(one.is_alive() for one in askers), 5, 0.005)
    assert order == "aabcaba"
    assert not places._held and not places._served  # nothing is left of those who went


def test_one_who_goes_while_waiting_leaves_the_place_to_others(asks: Asks) -> None:
    places = Places(count=1, each=1, most_waiting=100)
    first, second, third = asks(places, "abc")
    second.unwanted = True
    second.join(5)
    assert isinstance(second.ended, ClientDisconnected)
    leave(first)
    assert third.has.wait(5)


def test_not_too_many_wait(asks: Asks) -> None:
    """429 for one with too many, 503 where too many wait in all; both say when to come."""
    places = Places(count=1, each=1, most_waiting=8)
    asks(places, "aaa")
    places.check("a")  # has as many as one may have beside others, but there are none
    asks(places, "b")
    with pytest.raises(TooManyRequests) as much:
        places.check("a")
    asks(places, "bccdd")
    with pytest.raises(Unavailable) as full:
        places.check("e")
    assert (much.value.status, full.value.status) == (429, 503)
    assert much.value.headers["Retry-After"] == full.value.headers["Retry-After"] == "30"


@pytest.fixture(scope="module")
def long_form(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A form with hours of sound, which take long to read."""
    folder = tmp_path_factory.mktemp("long")
    kind = recordings.Kind("mp3", "mp3", "libmp3lame", 16_000, "mono", bit_rate=8_000)
    part = recordings.write(folder / "a.mp3", recordings.long_speech(60), kind)
    return form(file("file", "a.mp3", part.read_bytes() * 120))


@contextmanager
def posting(site: Site, body: bytes, count: int) -> Iterator[list[socket.socket]]:
    """So many clients of one owner, who post this and wait for the answers."""
    head = (
        f"POST /speech-to-text HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Authorization: Bearer {site.key}\r\n"
        f"Content-Type: {MULTIPART}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    clients = [socket.create_connection(("127.0.0.1", site.port), 60) for _ in range(count)]
    try:
        for client in clients:
            client.sendall(head + body)
        yield clients
    finally:
        for client in clients:
            client.close()


@pytest.mark.proof
def test_six_long_files_of_one_do_not_hold_up_another(
    new_site: Callable[..., Site], long_form: bytes
) -> None:
    """Another's short recording is read before any of the six."""
    site = new_site(WEB_WORKERS="1").start()
    make_user(site, "other")
    other = {"Authorization": f"Bearer {make_key(site, 'other')}", "Content-Type": MULTIPART}

    def measuring() -> int:
        return len(site.running(reader.MEASURE))

    with posting(site, long_form, 6) as clients:
        wait_for(lambda: measuring() >= 2, 60, what="two recordings that are read")
        answer = requests.post(
            f"{site.url}/speech-to-text",
            data=form(file("file", "short.wav", WAV)),
            headers=other,
            timeout=120,
        )
        assert answer.status_code == 200, answer.text
        assert not select.select(clients, [], [], 0)[0], "one of the six was answered before"
    wait_for(lambda: measuring() == 0, 30, what="the end of what nobody waits for")


@pytest.mark.starts
@pytest.mark.django_db  # whose turn it is stands in the cache, a table
@pytest.mark.parametrize("output", [b"", b"M\1", reader.frame(reader.MESSAGE, b"{}")[:-1]])
def test_a_decoder_that_crashes(
    output: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It had nothing to say, or was in the middle of a word."""

    def crash(module: str, *_: object) -> subprocess.Popen[bytes]:
        code = f"import os; os.write(1, {output!r}); os.abort()"
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe)

    monkeypatch.setattr(audio_probe, "start", crash)
    with pytest.raises(MediaError) as caught:
        audio_probe.measure(str(tmp_path / "a.wav"), "owner")
    assert caught.value.message == "Reading the recording made the decoder crash."
