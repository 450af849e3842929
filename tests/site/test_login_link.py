"""The link that the site prints: one button signs a browser in, once."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from playwright.sync_api import Browser, expect

from tests.running import ROOT, Site, wait_for
from tests.site.people import form_token
from whisperx_site.accounts import login_link
from whisperx_site.accounts.models import LoginLink

SHOTS = os.environ.get("SCREENSHOTS")  # a directory, to look at what people see
HTML = {"Accept": "text/html"}


def new_link(site: Site) -> str:
    done = site.manage("login_link")
    link = done.stdout.strip()
    assert re.fullmatch(rf"{site.url}/login\?token=[\w-]{{43}}", link), done.stdout
    assert done.stderr == ""
    return link


def token_of(link: str) -> str:
    return link.partition("token=")[2]


def press(link: str, session: requests.Session, **more: str) -> requests.Response:
    """What the page's button sends."""
    token = form_token(session, link)
    form = {"token": token_of(link), "csrfmiddlewaretoken": token, **more}
    address = link.partition("?")[0]
    return session.post(address, data=form, headers=HTML, allow_redirects=False, timeout=30)


def who(site: Site, session: requests.Session) -> str:
    page = session.get(site.url, headers=HTML, timeout=30).text
    found = re.search(r"Logged in as (\w+)", page)
    return found[1] if found else ""


def test_it_signs_one_browser_in_once(site: Site) -> None:
    link = new_link(site)
    first, second = requests.Session(), requests.Session()
    for method in ("GET", "HEAD", "GET"):  # previews and scanners spend nothing
        assert first.request(method, link, timeout=30).status_code == 200
    answer = press(link, first)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert who(site, first) == "admin"
    page = second.get(link, timeout=30)
    assert page.status_code == 403 and "manage.py login_link" in page.text
    form = {"token": token_of(link), "csrfmiddlewaretoken": form_token(second, site.url + "/login")}
    answer = second.post(f"{site.url}/login", data=form, timeout=30)
    assert answer.status_code == 403 and "no longer works" in answer.text
    assert who(site, second) == ""


def test_of_two_at_once_one_gets_in(site: Site) -> None:
    link = new_link(site)
    sessions = [requests.Session() for _ in range(6)]
    tokens = [form_token(session, link) for session in sessions]

    def post(number: int) -> int:
        form = {"token": token_of(link), "csrfmiddlewaretoken": tokens[number]}
        answer = sessions[number].post(
            f"{site.url}/login", data=form, allow_redirects=False, timeout=30
        )
        return answer.status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(post, range(6)))
    assert statuses == [302, 403, 403, 403, 403, 403]


def test_a_page_elsewhere_cannot_press_the_button(site: Site) -> None:
    """Neither without the page's token nor from another origin: nobody is signed in unawares."""
    link = new_link(site)
    form = {"token": token_of(link)}
    assert requests.post(f"{site.url}/login", data=form, timeout=30).status_code == 403
    session = requests.Session()
    session.headers["Origin"] = "https://evil.example"
    assert press(link, session).status_code == 403
    assert press(link, requests.Session()).status_code == 302  # and it is not spent


def test_the_page_keeps_its_address_to_itself(site: Site) -> None:
    link = new_link(site)
    page = requests.get(link, timeout=30)
    assert page.headers["Referrer-Policy"] == "strict-origin"  # the origin alone, never the token
    assert "no-store" in page.headers["Cache-Control"]
    assert page.text.count(token_of(link)) == 1 and 'type="password"' not in page.text
    kept = site.shell(
        "from whisperx_site.accounts.models import LoginLink; print(LoginLink.objects.values())"
    )
    assert token_of(link) not in kept


def test_the_log_never_has_it(site: Site) -> None:
    """Not where it is refused or misused either."""
    link = new_link(site)
    path = link.removeprefix(site.url)
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        requests.request(method, link, timeout=30)
    for odd in ("\xff", "%ff", "&token=%00"):
        requests.get(link + odd, timeout=30)
    requests.get(site.url + "/nowhere" + path, timeout=30)
    press(link, requests.Session())
    requests.get(link, timeout=30)
    assert token_of(link) not in site.log.read_text()


def test_in_a_browser(site: Site, chromium: Browser) -> None:
    link = new_link(site)
    context = chromium.new_context(viewport={"width": 900, "height": 600})
    page = context.new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.headers.get("referer", "")))
    page.goto(link)
    expect(page.get_by_role("textbox")).to_have_count(0)
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / "login-link.png"))
    page.locator("main").get_by_role("button").click()
    page.wait_for_url(site.url + "/")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    expect(page.get_by_role("heading", name="From recording to text")).to_be_visible()
    assert not [referer for referer in sent if token_of(link) in referer]
    page.goto(link)
    expect(page.get_by_role("heading", name="no longer works")).to_be_visible()
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / "login-link-spent.png"))
    context.close()


# What the start prints --------------------------------------------------------------------------


@pytest.mark.starts
def test_a_terminal_is_told_the_link(tmp_path: Path) -> None:
    """With PUBLIC_URL, where that is set; the key of programs beside it."""
    site = Site(tmp_path / "data", PUBLIC_URL="http://localhost:1")
    site.copy_prepared()
    ours, theirs = pty.openpty()
    site.process = subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=site.full_environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=site.log.open("ab"),
        start_new_session=True,
    )
    os.close(theirs)
    said = ""

    def told() -> re.Match[str] | None:
        nonlocal said
        said += os.read(ours, 4096).decode()
        return re.search(r"http://localhost:1(/login\?token=[\w-]{43})\s[\s\S]*local_key", said)

    try:
        found = wait_for(told, 60, what="the link")
        assert f"{site.data_dir}/local_key" in said.replace("\r\n", "")
        assert "Authorization: Bearer" in said and "ALLOW_ANONYMOUS=1" in said
        wait_for(site.answers, 60)
        session = requests.Session()
        assert press(site.url + found[1], session).status_code == 302
        assert who(site, session) == "admin"
    finally:
        site.kill_everything()
        os.close(ours)


def test_without_a_terminal_the_command_is_told(site: Site) -> None:
    said = site.log.read_text()
    assert "manage.py login_link" in said and "token=" not in said
    assert f"{site.data_dir}/local_key" in said
    assert "Authorization: Bearer" in said and "ALLOW_ANONYMOUS=1" in said


# Within this process ----------------------------------------------------------------------------


@pytest.fixture
def boss(db: None, settings: LazySettings) -> User:
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"  # needs no collected files
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
    return User.objects.create_superuser("boss")


def pressed(link: str | None, **more: str) -> HttpResponse:
    assert link
    form = {"token": token_of(link), **more}
    return Client(headers={"host": "localhost"}).post("/login", form)  # type: ignore[return-value]


def test_only_the_newest_works_and_not_for_long(boss: User) -> None:
    old, link = login_link.make("http://x"), login_link.make("http://x")
    assert pressed(old).status_code == 403
    LoginLink.objects.update(expires=F("expires") - login_link.LIFETIME)
    assert pressed(link).status_code == 403
    LoginLink.objects.update(expires=F("expires") + login_link.LIFETIME)
    assert pressed(link).status_code == 302


def test_it_leads_on_but_not_elsewhere(boss: User) -> None:
    for target, place in (
        ("/admin/", "/admin/"),
        ("https://evil.example/", "/"),
        ("//evil", "/"),
        ("abc", "abc"),  # an address, not the name of a view
        ("logout", "logout"),
    ):
        assert pressed(login_link.make("http://x"), next=target)["Location"] == place


def test_whom_it_signs_in(boss: User) -> None:
    """The first superuser, while active; who is barred after it was made is not signed in."""
    link = login_link.make("http://x")
    User.objects.update(is_active=False)
    assert pressed(link).status_code == 403
    assert login_link.make("http://x") is None
