"""Passwords: hashed beside the requests, in few places; and few guesses for each."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import requests
from django.conf import LazySettings, settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client, RequestFactory

from tests.running import PASSWORD, Site
from tests.site.people import form_token
from uploads.services.client_address import network_of
from whisperx_site.accounts import hashing, throttle
from whisperx_site.accounts.known_browsers import known_browser
from whisperx_site.accounts.models import LoginAttempt
from whisperx_site.accounts.throttle import begin_attempt, forgive

WRONG = "Too many wrong passwords"


def guess(site: Site, session: requests.Session, token: str, name: str) -> Any:
    """One wrong password, for a name that there is not."""
    said = {"username": name, "password": "wrong", "csrfmiddlewaretoken": token}
    return session.post(site.url + "/login", data=said, headers={"Accept": "text/html"}, timeout=60)


def test_logins_hold_up_no_other_request(site: Site) -> None:
    """While passwords are hashed others are answered; beyond the places it is 429, at once."""
    names = [f"nobody{number}" for number in range(12)]
    sessions = [requests.Session() for _ in names]
    tokens = [form_token(session, site.url + "/login") for session in sessions]
    done = threading.Event()
    answered: list[float] = []  # when each request beside them was answered

    def ask_beside() -> None:
        while not done.is_set():
            requests.get(f"{site.url}/health/live", timeout=60).raise_for_status()
            answered.append(time.monotonic())

    with ThreadPoolExecutor(len(names) + 1) as pool:
        beside = pool.submit(ask_beside)
        started = time.monotonic()
        answers = list(pool.map(partial(guess, site), sessions, tokens, names))
        ended = time.monotonic()
        done.set()
        beside.result()
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 429} and codes.count(200) >= hashing.PLACES, codes
    assert sum(started < at < ended for at in answered) >= 10, (started, answered, ended)
    for busy in (answer for answer in answers if answer.status_code == 429):
        assert int(busy.headers["Retry-After"]) > 0
        assert "Too many passwords are being checked" in busy.text
    looked_at = [name for name, code in zip(names, codes, strict=True) if code == 200]
    assert site.shell(COUNTED).split() == looked_at  # 429 was no guess


COUNTED = """
from whisperx_site.accounts.known_browsers import name_digest
from whisperx_site.accounts.models import LoginAttempt
digests = set(LoginAttempt.objects.values_list("name_digest", flat=True))
print(*(name for name in map("nobody{}".format, range(12)) if name_digest(name) in digests))
"""


@pytest.mark.slow
def test_every_door_takes_a_place(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logins of names that there are and are not, and new passwords that staff set."""
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    client.force_login(boss)
    stranger, person = (Client(headers={"host": "localhost"}) for _ in range(2))
    person.force_login(User.objects.create_user("person"))
    for _ in range(hashing.PLACES):
        assert hashing._places.acquire(blocking=False)
    try:
        said = {"password": PASSWORD}
        new = {"username": "new", "password1": PASSWORD, "password2": PASSWORD}
        for asking, path, form in (
            (stranger, "/login", {"username": "boss", **said}),
            (stranger, "/login", {"username": "unknown", **said}),
            (person, "/admin/login/", {"username": "boss", **said}),
            (client, "/admin/auth/user/add/", {**new, "usable_password": "true"}),
            (client, f"/admin/auth/user/{boss.pk}/password/", {**new, "usable_password": "true"}),
            (client, "/admin/password_change/", {"old_password": PASSWORD}),
        ):
            answer = asking.post(path, form, headers={"host": "localhost", "accept": "text/html"})
            assert answer.status_code == 429, (path, answer.status_code)
            assert answer.headers["Retry-After"]
    finally:
        for _ in range(hashing.PLACES):
            hashing._places.release()
    assert not LoginAttempt.objects.exists()
    assert User.objects.count() == 2
    assert stranger.post("/login", {"username": "boss", **said}).status_code == 302


def test_passwords_of_before_stay_good() -> None:
    """Nothing about what is kept of a password has changed."""
    import base64
    import hashlib

    digest = hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 1000)
    kept = f"pbkdf2_sha256$1000$salt${base64.b64encode(digest).decode()}"
    assert check_password("secret", kept)
    assert not check_password("Secret", kept)
    assert make_password("secret").startswith("pbkdf2_sha256$")


@pytest.fixture
def plain_static_files(settings: LazySettings) -> None:
    """Pages name static files as they are: nobody has collected them."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def knock(address: str, name: str, times: int = 1) -> list[bool]:
    """Whether each attempt would be looked at."""
    request = RequestFactory().post("/login", REMOTE_ADDR=address)
    return [begin_attempt(request, name) is not None for _ in range(times)]


@pytest.mark.slow
def test_guesses_are_counted_for_each_address_and_name_and_in_all(db: None) -> None:
    assert knock("192.0.2.1", "anna", 11) == [True] * 10 + [False]
    assert knock("192.0.2.2", "anna") == knock("192.0.2.1", "boris") == [True]
    LoginAttempt.objects.all().delete()

    names = [f"name{number}" for number in range(throttle.MOST_OF_ADDRESS)]
    assert all(knock("192.0.2.1", name) == [True] for name in names)
    assert knock("192.0.2.1", "another") == [False]
    assert knock("192.0.2.2", "another") == [True]
    LoginAttempt.objects.all().delete()

    places = [f"192.0.2.{number}" for number in range(throttle.MOST_OF_NAME)]
    assert all(knock(place, "Anna") == [True] for place in places)
    assert knock("198.51.100.1", "anna") == [False]
    assert knock("198.51.100.1", "boris") == [True]
    LoginAttempt.objects.all().delete()

    for number in range(throttle.MOST_IN_ALL):
        assert knock(f"10.0.{number // 250}.{number % 250}", f"name{number}") == [True]
    before = LoginAttempt.objects.count()
    assert knock("203.0.113.9", "anna", 5) == [False] * 5
    assert LoginAttempt.objects.count() == before  # what is refused makes no wait longer


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_a_client_does_not_choose_what_counts_as_its_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_old_attempts_and_those_of_a_clock_that_was_ahead_are_forgotten(db: None) -> None:
    knock("192.0.2.1", "anna", 11)
    for lag in (throttle.WINDOW, -throttle.WINDOW * 100):
        row = LoginAttempt.objects.latest("at")
        LoginAttempt.objects.update(at=row.at - lag - throttle.WINDOW)
        assert knock("192.0.2.1", "anna", 11) == [True] * 10 + [False]
        assert LoginAttempt.objects.count() == 10


def test_a_right_password_forgives_its_own_count_alone(db: None) -> None:
    knock("192.0.2.1", "anna", 3)
    knock("192.0.2.1", "boris", 3)
    knock("192.0.2.2", "anna", 3)
    attempt = begin_attempt(RequestFactory().post("/", REMOTE_ADDR="192.0.2.1"), "Anna")
    assert attempt is not None
    forgive(attempt)
    assert LoginAttempt.objects.count() == 6


@pytest.mark.slow
@pytest.mark.usefixtures("plain_static_files", "db")
def test_strangers_do_not_keep_a_person_out_of_a_known_browser() -> None:
    """Others have tried a name in vain from many places; its owner has signed in here before."""
    for name in ("anna", "boris"):
        User.objects.create_superuser(name, password=PASSWORD)
    browser, another = (Client(headers={"host": "localhost"}) for _ in range(2))

    def sign_in(where: Client, name: str = "anna", password: str = PASSWORD) -> bool:
        where.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        answer = where.post("/login", {"username": name, "password": password})
        assert (answer.status_code == 302) != (WRONG in answer.content.decode())
        return answer.status_code == 302

    assert sign_in(browser)
    cookie = browser.cookies[settings.KNOWN_BROWSER_COOKIE_NAME]
    assert cookie["httponly"] and cookie["max-age"] > 100 * 86400
    for name in ("anna", "boris"):
        for number in range(throttle.MOST_OF_NAME):
            knock(f"10.1.1.{number}", name)
    assert not sign_in(another)
    assert sign_in(browser)
    assert not sign_in(browser, "boris")  # it is known for one name
    for _ in range(throttle.MOST_ALIKE):
        request = RequestFactory().post("/login")
        request.COOKIES = {key: found.value for key, found in browser.cookies.items()}
        assert begin_attempt(request, "anna")
    assert not sign_in(browser)  # and nobody may guess there for ever
    browser.cookies[settings.KNOWN_BROWSER_COOKIE_NAME] = cookie.value[:-1] + "_"
    LoginAttempt.objects.filter(address__startswith=throttle.KNOWN).delete()
    assert not sign_in(browser)  # a cookie that was made up opens nothing


COOKIE = settings.KNOWN_BROWSER_COOKIE_NAME


def with_cookie(said: str) -> HttpRequest:
    """A login from a browser with that cookie."""
    request = RequestFactory().post("/login")
    request.COOKIES = {COOKIE: said}
    return request


@pytest.mark.slow
@pytest.mark.usefixtures("plain_static_files", "db")
def test_a_browser_becomes_known_by_a_login_alone() -> None:
    """A session makes none; the next login of a known one is no other; a new password ends it."""
    anna = User.objects.create_superuser("anna", password=PASSWORD)
    browser, stolen = (Client(headers={"host": "localhost"}) for _ in range(2))
    stolen.force_login(anna)
    said = {"username": "anna", "password": PASSWORD}
    for path in ("/login", "/admin/login/"):
        stolen.post(path, {**said, "password": "wrong"})
        stolen.post(path)
        assert COOKIE not in stolen.cookies
    found = []
    for _ in range(2):
        assert browser.post("/login", said).status_code == 302
        found.append(known_browser(with_cookie(browser.cookies[COOKIE].value), "anna"))
        browser.cookies.pop(settings.SESSION_COOKIE_NAME)
    assert found[0] and found[0] == found[1]
    anna.set_password(PASSWORD + "!")
    anna.save()
    assert known_browser(with_cookie(browser.cookies[COOKIE].value), "anna") == ""


def test_known_browsers_of_one_name_have_a_bar_together(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [f"{throttle.KNOWN}{number}" for number in range(throttle.MOST_OF_NAME + 1)]
    monkeypatch.setattr(throttle, "place_of", lambda request, username: places.pop())
    answers = [begin_attempt(None, "anna") is not None for _ in range(len(places))]
    assert answers == [True] * throttle.MOST_OF_NAME + [False]
