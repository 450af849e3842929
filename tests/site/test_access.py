"""Closed to everybody: a session or a key opens it, wherever a request seems to come from."""

import pytest
import requests
from django.urls import resolve

from tests.running import Site, wait_for
from tests.site.people import form_token, make_key, make_user, page_token, signed_in, try_login
from tests.site.routes import all_paths

OPEN = {"/health", "/health/live", "/health/ready", "/login"}
CLOSED = sorted({path for path in all_paths() if path.rstrip("/") not in OPEN} | {"/"})
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")
TUS = {"Tus-Resumable": "1.0.0"}
SMALL = {"Upload-Length": "9", "Upload-Metadata": "filename YS5tcDM="}


def ask(site: Site, method: str, path: str, **headers: str) -> requests.Response:
    """A request of somebody who has no key, unless it is among the headers."""
    return requests.request(
        method, site.url + path, headers={**TUS, **headers}, allow_redirects=False, timeout=30
    )


def test_the_walk_finds_every_part_of_the_site() -> None:
    for path in ("/", "/uploads/files/x", "/uploads/files", "/task/x", "/admin/", "/jobs.json"):
        assert path in CLOSED
    assert len(CLOSED) > 40
    assert all(resolve(path) for path in CLOSED)


@pytest.fixture(params=["site", "closed_site"])
def either_site(request: pytest.FixtureRequest) -> Site:
    """One that listens on loopback, and one that other machines can reach."""
    found: Site = request.getfixturevalue(request.param)
    return found


def test_nothing_is_served_without_session_or_key(either_site: Site) -> None:
    with requests.Session() as session:
        for path in CLOSED:
            for method in METHODS:
                answer = session.request(
                    method, either_site.url + path, headers=TUS, allow_redirects=False, timeout=30
                )
                if method == "OPTIONS" and path.startswith("/uploads/files"):
                    assert answer.status_code == 204
                    continue
                assert answer.status_code == 401, (method, path, answer.status_code)
                assert "Bearer" in answer.headers["WWW-Authenticate"]
                if path.startswith("/uploads/files"):
                    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_the_refusal_says_where_a_key_lies_and_how_it_is_sent(site: Site) -> None:
    said = ask(site, "GET", "/task/all").json()["detail"]
    assert "local_key" in said and "Authorization: Bearer" in said and "ALLOW_ANONYMOUS=1" in said
    assert said.count(". ") == 0  # one sentence
    openai = ask(site, "GET", "/v1/models").json()["error"]
    assert (openai["message"], openai["code"]) == (said, "invalid_api_key")


def test_options_is_open_and_nothing_but_options(site: Site) -> None:
    """What the server can do anybody may ask; what means another method needs a key."""
    told = ask(site, "OPTIONS", "/uploads/files/")
    assert told.status_code == 204 and "creation" in told.headers["Tus-Extension"]
    path = site.create(9, {"filename": "a.mp3"}).removeprefix(site.url)
    for method in ("HEAD", "DELETE", "PATCH", "POST", "GET"):
        answer = ask(site, "OPTIONS", path, **{"X-HTTP-Method-Override": method})
        assert answer.status_code == 401, method
    assert site.offset(site.url + path) == 0


def test_people_are_led_to_the_login_and_back(closed_site: Site) -> None:
    page = ask(closed_site, "GET", "/jobs.json?limit=3", Accept="text/html")
    assert (page.status_code, page.headers["Location"]) == (
        302,
        "/login?next=%2Fjobs.json%3Flimit%3D3",
    )
    form = ask(closed_site, "POST", "/logout", Accept="text/html")
    assert (form.status_code, form.headers["Location"]) == (303, "/login")
    assert ask(closed_site, "GET", "/uploads/files/x", Accept="text/html").status_code == 401


def test_health_login_and_static_files_are_open(closed_site: Site) -> None:
    for path in sorted(OPEN):
        assert ask(closed_site, "GET", path).status_code == 200, path
    login = ask(closed_site, "GET", "/login", Accept="text/html").text
    sheet = login.split('rel="stylesheet" href="')[1].split('"')[0]
    assert ask(closed_site, "GET", sheet).status_code == 200
    assert ask(closed_site, "GET", "/static/none.css").status_code == 401


def test_everybody_is_served_where_somebody_said_so(anonymous_site: Site) -> None:
    site = anonymous_site
    for marks in ({}, {"X-Forwarded-For": "203.0.113.7"}, {"Via": "1.1 somebody"}):
        assert ask(site, "GET", "/task/all", **marks).status_code == 200
    made = ask(site, "POST", "/uploads/files/", **SMALL)
    assert made.status_code == 201
    assert ask(site, "HEAD", made.headers["Location"]).status_code == 200
    assert ask(site, "GET", "/task/all", Host="evil.example").status_code == 400
    assert "ALLOW_ANONYMOUS=1 lets everyone" in site.log.read_text()
    doctor = site.manage("doctor", check=False).stdout
    assert "ALLOW_ANONYMOUS=1 lets everyone" in doctor
    assert "served without login" in doctor


def test_figures_are_not_for_everybody_even_there(anonymous_site: Site) -> None:
    answer = ask(anonymous_site, "GET", "/metrics")
    assert answer.status_code == 401
    assert "METRICS_ALLOWED_NETWORKS" in answer.json()["detail"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://[", "http://localhost.evil.example", "x"]
)
def test_foreign_pages_change_nothing(site: Site, origin: str) -> None:
    for method in ("POST", "PATCH", "DELETE", "PUT"):
        answer = ask(site, method, "/uploads/files/x", Origin=origin, **site.authorization)
        assert answer.status_code == 403, (method, answer.text)
        assert "Access-Control-Allow-Origin" not in answer.headers
    key = site.authorization
    made = ask(site, "POST", "/uploads/files/", Origin=origin, **key, **{"Upload-Length": "9"})
    assert made.status_code == 403


def test_browsers_that_hide_the_origin_still_say_cross_site(site: Site) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", **site.authorization}
    assert ask(site, "POST", "/uploads/files", **headers).status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5173", "http://127.8.8.8"],
)
def test_pages_of_this_machine_may(site: Site, origin: str) -> None:
    headers = {"Origin": origin, **site.authorization}
    missing = ask(site, "PATCH", "/uploads/files/" + "0" * 32, **headers)
    assert missing.status_code == 404, missing.text  # also a refusal can be read
    assert missing.headers["Access-Control-Allow-Origin"] == origin
    assert "upload-offset" in missing.headers["Access-Control-Expose-Headers"].lower()


def test_preflights(site: Site, closed_site: Site) -> None:
    """They carry no key: they are answered without one, and say what follows may be."""
    wanted = {"Access-Control-Request-Method": "PATCH", "Origin": "http://localhost:3000"}
    for one in (site, closed_site):
        answer = ask(one, "OPTIONS", "/uploads/files/x", **wanted)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == wanted["Origin"]
        allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
        assert {"tus-resumable", "upload-offset", "authorization", "content-type"} <= set(allowed)
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
        foreign = ask(one, "OPTIONS", "/", **(wanted | {"Origin": "https://evil.example"}))
        assert "Access-Control-Allow-Origin" not in foreign.headers


def test_a_refusal_for_want_of_a_key_can_be_read_by_pages(closed_site: Site) -> None:
    answer = ask(closed_site, "GET", "/task/all", Origin="http://localhost:3000")
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"


def test_keys(closed_site: Site) -> None:
    make_user(closed_site, "gone", active=False)
    good, old, idle = (make_key(closed_site, *args) for args in ((), ("admin", -1), ("gone",)))
    make = SMALL

    def status(secret: str, scheme: str = "Bearer") -> int:
        key = {"Authorization": f"{scheme} {secret}"}
        return ask(closed_site, "POST", "/uploads/files/", **make, **key).status_code

    assert status(good) == 201  # without any CSRF token
    assert status(good, "bearer") == 201
    assert [status(old), status(idle), status("wxs_unknown"), status("é")] == [401] * 4
    assert status(good, "Basic") == 401
    for path in ("/", "/task/all", "/docs", "/jobs.json"):
        key = {"Authorization": f"Bearer {good}", "Accept": "text/html,*/*;q=0.8"}
        assert ask(closed_site, "GET", path, **key).status_code == 200, path
    foreign = {"Authorization": f"Bearer {good}", "Origin": "https://evil.example"}
    assert ask(closed_site, "POST", "/uploads/files/", **make, **foreign).status_code == 403


def test_sessions_need_the_token(closed_site: Site) -> None:
    session = signed_in(closed_site)
    session.headers.update(TUS)
    token = {"X-CSRFToken": page_token(closed_site, session)}
    files = closed_site.url + "/uploads/files/"
    make = SMALL
    assert session.post(files, headers=make, timeout=30).status_code == 403
    made = session.post(files, headers=make | token, timeout=30)
    assert made.status_code == 201, made.text
    address = closed_site.url + made.headers["Location"]
    patch = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    for method, more, done in (("PATCH", patch, 204), ("DELETE", {}, 204)):
        refused = session.request(method, address, headers=more, data=b"ID3", timeout=30)
        assert refused.status_code == 403
        assert "X-CSRFToken" in refused.json()["detail"]
        assert refused.headers["Tus-Resumable"] == "1.0.0"
        answer = session.request(method, address, headers=more | token, data=b"ID3", timeout=30)
        assert answer.status_code == done, answer.text
    for action in ("cancel", "rerun", "delete"):
        page = f"{closed_site.url}/jobs/6f1c1c46-3f0b-4b5e-9d9e-0a8f5a1d2c3b/{action}"
        assert session.post(page, timeout=30).status_code == 403
        assert session.post(page, headers=token, timeout=30).status_code == 404
    # Views that call themselves exempt are none: REST framework's do.
    assert session.post(closed_site.url + "/task/all", timeout=30).status_code == 403
    assert session.post(closed_site.url + "/task/all", headers=token, timeout=30).status_code == 405


def test_a_session_ends_with_its_person(closed_site: Site) -> None:
    make_user(closed_site, "short")
    session = signed_in(closed_site, "short")
    assert session.get(closed_site.url + "/task/all", timeout=30).status_code == 200
    closed_site.shell(
        "from django.contrib.auth.models import User;"
        "User.objects.filter(username='short').update(is_active=False)"
    )
    assert session.get(closed_site.url + "/task/all", timeout=30).status_code == 401
    assert try_login(closed_site, "short", "wrong")[1].status_code == 200


def test_a_key_that_is_revoked_ends(closed_site: Site) -> None:
    """At once; where it sends bytes within a second or two, as each process has it in mind."""
    secret = make_key(closed_site)
    key = {"Authorization": f"Bearer {secret}"}
    path = ask(closed_site, "POST", "/uploads/files/", **SMALL, **key).headers["Location"]
    assert ask(closed_site, "HEAD", path, **key).status_code == 200
    session = signed_in(closed_site)
    listed = session.get(closed_site.url + "/admin/accounts/apikey/", timeout=30).text
    row = next(row for row in listed.split("<tr") if secret[:12] in row)
    page = closed_site.url + row.split('href="')[1].split('"')[0].replace("change/", "delete/")
    form = {"post": "yes", "csrfmiddlewaretoken": form_token(session, page)}
    assert session.post(page, data=form, timeout=30).ok
    assert ask(closed_site, "GET", "/task/all", **key).status_code == 401
    wait_for(lambda: ask(closed_site, "HEAD", path, **key).status_code == 401, 5)


def test_a_key_is_made_in_the_admin_and_shown_once(closed_site: Site) -> None:
    session = signed_in(closed_site)
    add = closed_site.url + "/admin/accounts/apikey/add/"
    token = session.get(add, timeout=30).text.split('csrfmiddlewaretoken" value="')[1]
    fields = {"name": "my flow", "user": "1", "csrfmiddlewaretoken": token.split('"')[0]}
    listed = session.post(add, data=fields, timeout=30)
    secret = listed.text.split("shown only now: ")[1].split("<")[0]
    assert secret.startswith("wxs_")
    assert ask(closed_site, "GET", "/task/all", Authorization=f"Bearer {secret}").ok
    assert secret not in session.get(add.replace("add/", ""), timeout=30).text
    kept = closed_site.shell(
        "from whisperx_site.accounts.models import ApiKey;print(list(ApiKey.objects.values()))"
    )
    assert secret not in kept
    assert secret[:12] in kept


NINE_FAILURES = """
from django.test import RequestFactory
from whisperx_site.accounts.throttle import begin_attempt
for _ in range(9):
    begin_attempt(RequestFactory().post("/login"), {name!r})
"""


@pytest.mark.proof
@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_guessing_passwords_is_stopped(site: Site, path: str) -> None:
    name = "victim" + path.strip("/").replace("/", "-")
    make_user(site, name)
    make_user(site, f"{name}s-friend")
    # The admin has a form of its own, for those who are signed in and may not see it.
    session = requests.Session() if path == "/login" else signed_in(site, f"{name}s-friend")
    site.shell(NINE_FAILURES.format(name=name))
    assert "Too many" not in try_login(site, name, "wrong", path, session)[1].text
    for password in ("wrong", "correct horse battery staple"):
        _, answer = try_login(site, name.upper(), password, path, session)
        assert answer.status_code == 200
        assert "Too many wrong passwords" in answer.text
    signed_in(site)  # somebody else at the same address
    site.shell(
        "from datetime import timedelta\n"
        "from django.db.models import F\n"
        "from whisperx_site.accounts.models import LoginAttempt\n"
        "LoginAttempt.objects.update(at=F('at') - timedelta(minutes=6))"
    )
    if path == "/login":
        signed_in(site, name)
        assert (
            site.shell(
                "from whisperx_site.accounts.models import LoginAttempt\n"
                "print(LoginAttempt.objects.count())"
            ).strip()
            == "0"
        )
