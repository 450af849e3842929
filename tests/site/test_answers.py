"""What answers look like: headers, faults, static files; with https in front, too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.test import Client, RequestFactory

from tests.running import PASSWORD, Site
from tests.site.people import make_key
from tests.transcription.building import staff_client
from whisperx_site.views import server_error

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BROWSER_ONLY = ("script-src", "style-src", "unsafe", "http:", "https:")


def get(site: Site, path: str, **headers: str) -> requests.Response:
    return site.http.get(site.url + path, headers=headers, timeout=30, allow_redirects=False)


def test_every_page_has_the_headers_that_keep_it_safe(site: Site) -> None:
    for path in ("/", "/login", "/admin/login/", "/jobs/none", "/health", "/task/all"):
        headers = get(site, path, **HTML).headers
        policy = headers["Content-Security-Policy"]
        for rule in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'"):
            assert rule in policy, path
        assert not any(word in policy for word in BROWSER_ONLY), policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in headers


def test_faults_are_json_for_programs_and_pages_for_people(site: Site) -> None:
    for path in ("/nowhere", "/jobs/6f1c1c46-3f0b-4b5e-9d9e-0a8f5a1d2c3b", "/static/none.css"):
        for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
            answer = get(site, path, **headers)
            assert (answer.status_code, set(answer.json())) == (404, {"detail"}), path
        page = get(site, path, **HTML)
        assert page.status_code == 404
        assert page.headers["Content-Type"].startswith("text/html")
        assert "<h1>" in page.text
    bad = get(site, "/health", Host="evil.example")
    assert (bad.status_code, set(bad.json())) == (400, {"detail"})
    weird = get(site, "/health", Host="a b")
    assert weird.status_code == 400


def test_a_fault_of_ours_says_nothing_of_its_inside() -> None:
    for accept, kind in (("*/*", "application/json"), ("text/html", "text/html")):
        answer = server_error(RequestFactory().get("/", HTTP_ACCEPT=accept))
        assert answer.status_code == 500
        assert answer["Content-Type"].startswith(kind)
        assert b"Traceback" not in answer.content
    assert "log" in json.loads(server_error(RequestFactory().get("/")).content)["detail"]


@pytest.mark.filterwarnings("ignore:No directory at")  # static files are not what is asked
def test_an_exception_becomes_500_that_pages_elsewhere_can_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr("whisperx_site.accounts.access.from_foreign_origin", fail)
    client = Client(raise_request_exception=False, headers={"Origin": "http://localhost:3000"})
    answer = client.post("/health")
    assert answer.status_code == 500
    assert answer["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "inside" not in answer.content.decode()


def test_static_files_are_hashed_compressed_and_kept(site: Site) -> None:
    page = get(site, "/", **HTML).text
    found = set(re.findall(r'"(/static/[^"]+)"', page))
    assert found
    packed = []
    for path in found:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", path), path
        answer = get(site, path, **{"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "max-age=315360000" in answer.headers["Cache-Control"]
        assert "immutable" in answer.headers["Cache-Control"]
        if len(answer.content) > 2000:
            assert answer.headers["Content-Encoding"] == "gzip", path
            packed.append(path)
    scripts = [get(site, path).text for path in found if path.endswith(".js")]
    imported = [name for text in scripts for name in re.findall(r'from "([^"]+)"', text)]
    assert packed and imported
    for name in imported:
        assert re.search(r"\.[0-9a-f]{12}\.js$", name), name


@pytest.fixture(scope="module")
def https_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site behind a proxy that speaks https; health is asked directly."""
    folder = tmp_path_factory.mktemp("https")
    running = Site(folder / "data", PUBLIC_URL="https://transcripts.example.org").start()
    yield running
    running.kill_everything()


PROXIED = {"Host": "transcripts.example.org", "X-Forwarded-Proto": "https"}


def test_http_is_led_to_https_on_the_name_that_people_know(https_site: Site) -> None:
    for host in ("transcripts.example.org", "localhost", "127.0.0.1:1"):
        answer = get(https_site, "/login?a=1", Host=host)
        assert answer.status_code == 301
        assert answer.headers["Location"] == "https://transcripts.example.org/login?a=1"
    assert get(https_site, "/health").status_code == 200


def test_https_has_hsts_and_secure_cookies(https_site: Site) -> None:
    answer = requests.get(https_site.url + "/login", headers=PROXIED, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    cookie = answer.headers["Set-Cookie"]
    assert "csrftoken" in cookie and "Secure" in cookie and "HttpOnly" in cookie
    nobody = requests.get(https_site.url + "/task/all", headers=PROXIED, timeout=30)
    assert nobody.status_code == 401


def test_people_sign_in_through_the_proxy(https_site: Site) -> None:
    session = requests.Session()
    session.headers.update(PROXIED)
    page = session.get(https_site.url + "/login", timeout=30)
    token = page.text.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)
    fields = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}

    def login(origin: str) -> requests.Response:
        return requests.post(
            https_site.url + "/login",
            data=fields,
            headers={**PROXIED, "Cookie": cookies, "Origin": origin},
            allow_redirects=False,
            timeout=30,
        )

    assert login("https://evil.example").status_code == 403
    assert login("http://transcripts.example.org").status_code == 403
    done = login("https://transcripts.example.org")
    assert done.status_code == 302, done.text
    cookie = next(one for one in done.cookies if one.name.startswith("session"))
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"


def test_a_key_works_through_the_proxy(https_site: Site) -> None:
    key = {"Authorization": f"Bearer {make_key(https_site)}", **PROXIED}
    made = https_site.http.post(
        https_site.url + "/uploads/files/",
        headers={**key, "Tus-Resumable": "1.0.0", "Upload-Length": "5"}
        | {"Upload-Metadata": "filename YS5tcDM="},
        timeout=30,
    )
    assert made.status_code == 201, made.text
    assert made.headers["Location"].startswith(("/uploads/files/", "https://transcripts."))


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore:No directory at")
def test_named_origins_replace_those_of_this_machine(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example", "http://b.example:81"]
    settings.CORS_ALLOWED_ORIGIN_REGEXES = []
    client = staff_client("localhost:8000")
    for origin, status in (
        ("https://app.example", 404),
        ("http://b.example:81", 404),
        ("http://localhost:3000", 403),
        ("http://app.example", 403),
        ("http://localhost:8000", 404),  # its own pages
        ("null", 403),
    ):
        answer = client.delete("/nowhere", headers={"Origin": origin})
        assert answer.status_code == status, (origin, answer.content)
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        assert allowed == (origin if "example" in origin and status == 404 else None)


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore:No directory at")
def test_all_origins_may_where_somebody_said_so(settings: Any) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    answer = staff_client().delete("/nowhere", headers={"Origin": "https://anybody.example"})
    assert answer.status_code == 404
    assert answer["Access-Control-Allow-Origin"] == "*"
