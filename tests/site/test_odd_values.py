"""Values that no database can hold or look up: 400 with a sentence, never a fault of the site."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.running import Site
from tests.site.people import form_token, page_token, signed_in

pytestmark = pytest.mark.proof

FILTERS = ("q", "state__exact", "owner__id__exact", "created__gte", "created__year", "p")
UPLOADS, JOBS = "/admin/uploads/upload/", "/admin/transcription/job/"
KEYS = "/admin/accounts/apikey/"
ACTIONS = {UPLOADS: "terminate", JOBS: "cancel", KEYS: "delete_selected"}
FAR = "9" * 30
ODD = ("\0", "abc", FAR, "-1", "é", "2026-99-99", "")


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def some_site(
    database: str,
    site: Site,
    new_database: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A site on either database."""
    if database == "SQLite":
        yield site
        return
    folder = tmp_path_factory.mktemp("odd")
    running = Site(folder / "data", DATABASE_URL=new_database()).start()
    yield running
    running.kill_everything()


@pytest.fixture(scope="module")
def staff(some_site: Site) -> requests.Session:
    """The staff user `admin`, whose forms bring their token."""
    session = signed_in(some_site)
    session.headers["X-CSRFToken"] = page_token(some_site, session)
    return session


FORMS = [
    ("/admin/auth/group/add/", {"name": "a\0"}),
    ("/admin/accounts/apikey/add/", {"name": "a\0", "user": "1"}),
    ("/admin/auth/user/1/change/", {"username": "admin", "first_name": "\0"}),
    ("/admin/uploads/upload/", {"action": "terminate", "_selected_action": "\0", "index": "0"}),
    ("/admin/transcription/job/", {"action": "cancel\0", "_selected_action": "x", "index": "0"}),
    ("/admin/auth/group/add/", {"name": "a", "odd\0": "x"}),
    ("/jobs/6f1c1c46-3f0b-4b5e-9d9e-0a8f5a1d2c3b/rerun", {"language": "\0"}),
    ("/speech-to-text-url", {"url": "http://example.org/\0.wav"}),
]


@pytest.mark.parametrize(("path", "form"), FORMS, ids=lambda value: str(value)[:40])
def test_nul_in_a_form_is_400(
    some_site: Site, staff: requests.Session, path: str, form: dict[str, str]
) -> None:
    """Whatever the field, the form's kind and the database."""
    as_parts = {name: (None, value) for name, value in form.items()}
    bodies: list[dict[str, Any]] = [{"data": form}, {"files": as_parts}]
    for body in bodies:
        answer = staff.post(some_site.url + path, timeout=30, allow_redirects=False, **body)
        assert answer.status_code == 400, (path, answer.text[:300])
        assert "character NUL" in answer.text


def test_nul_at_the_login_is_400(some_site: Site) -> None:
    session = requests.Session()
    token = form_token(session, some_site.url + "/login")
    for name, password in (("adm\0in", "x"), ("admin", "x\0")):
        said = {"username": name, "password": password, "csrfmiddlewaretoken": token}
        page = session.post(
            some_site.url + "/login", data=said, headers={"Accept": "text/html"}, timeout=30
        )
        assert page.status_code == 400
        assert "<h1>" in page.text and "character NUL" in page.text


CHARSETS = ("unicode_escape", "Raw-Unicode_Escape", "utf-7", "utf-16", "utf8", "latin-1", "ascii")
NOT_UTF_8 = ("charset=utf8", "charset=latin-1", "charset=ascii")
"""The site lets them through, and Django takes forms in UTF-8 alone, spelled so."""


@pytest.mark.parametrize("kind", [*(f"charset={name}" for name in CHARSETS), "charset*=''utf_7"])
def test_no_charset_makes_halves_of_characters(some_site: Site, kind: str) -> None:
    """Neither of a query nor of a form: what they name is not found, and no fault."""
    address = some_site.url + "/login"
    said = {"Content-Type": f"application/x-www-form-urlencoded; {kind}"}
    for half in ("%5Cud800", "%2B2AA-", "%D8%00", "%ED%A0%80"):
        page = requests.get(f"{address}?token={half}", headers=said, timeout=30)
        assert page.status_code == 403, (half, page.status_code)
    session = requests.Session()
    token = form_token(session, address)
    for form, status in (("token=%5Cud800", 403), ("username=%5Cud800&password=%5Cud800", 200)):
        body = f"csrfmiddlewaretoken={token}&{form}"
        page = session.post(address, body, headers={**said, "Accept": "text/html"}, timeout=30)
        expected = 400 if kind in NOT_UTF_8 else status
        assert page.status_code == expected, (form, page.status_code)


def test_nul_in_the_fields_of_openai_is_400(some_site: Site) -> None:
    for name in ("model", "prompt", "response_format", "timestamp_granularities[]"):
        parts: dict[str, Any] = {"model": (None, "whisper-1"), name: (None, "x\0")}
        answer = some_site.http.post(
            f"{some_site.url}/v1/audio/transcriptions",
            files={"file": ("a.wav", b"RIFF"), **parts},
            timeout=30,
        )
        assert answer.status_code == 400, (name, answer.text)
        assert "character NUL" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ACTIONS)
def test_odd_values_in_the_admin_are_no_faults(
    some_site: Site, staff: requests.Session, database: str, path: str
) -> None:
    """Filters, identifiers and rows of actions that name nothing that can be looked up."""
    for value in ODD:
        for query in FILTERS:
            answer = staff.get(some_site.url + path, params={query: value}, timeout=30)
            expected = 400 if is_refused_filter(path, query, value, database) else 200
            assert answer.status_code == expected, (query, value)
        for action in ACTIONS.values():
            said = {"action": action, "_selected_action": value.replace("\0", "x"), "index": "0"}
            answer = staff.post(some_site.url + path, data=said, timeout=30)
            is_refused = action == ACTIONS[path] and not is_number_of_no_key(path, value, database)
            assert answer.status_code == (400 if is_refused else 200), (action, value)
    assert staff.get(some_site.url + path, timeout=30).status_code == 200


def is_refused_filter(path: str, query: str, value: str, database: str) -> bool:
    """Whether it reaches the database, which cannot take it; others Django leaves out."""
    if query == "created__year":
        return value in (FAR, "-1")
    return (query, value, database) == ("state__exact", "\0", "PostgreSQL") and path != KEYS


def is_number_of_no_key(path: str, value: str, database: str) -> bool:
    """Rows of keys are numbers, which may be looked up; all others are no identifiers at all."""
    return path == KEYS and (value == "-1" or (value == FAR and database == "PostgreSQL"))


KINDS = """
import json
from django.contrib.contenttypes.models import ContentType
from django.db.models import UUIDField

def has_uuid(key):
    return isinstance(key.target_field if key.remote_field else key, UUIDField)

kinds = ContentType.objects.all()
print(json.dumps({kind.pk: has_uuid(kind.model_class()._meta.pk) for kind in kinds}))
"""
"""All kinds of rows by their numbers in the site, and whether their identifiers are UUIDs."""


def test_odd_addresses_in_the_admin_are_no_faults(
    some_site: Site, staff: requests.Session, database: str
) -> None:
    """D14: `/admin/r/…`, which leads from a kind and a row to its page, and its siblings."""
    kinds: dict[str, bool] = json.loads(some_site.shell(KINDS))
    assert len(kinds) > 20 and set(kinds.values()) == {False, True}
    rests = ["x/y", "0/0", "1/%00", "%00/1", "9" * 25 + "/1", "1/" + "9" * 25]
    statuses = dict.fromkeys(rests, 404)
    for kind, has_uuid in kinds.items():
        statuses |= {f"{kind}/{row}": 400 if has_uuid else 404 for row in ("abc", "1")}
    for rest, status in statuses.items():
        answer = staff.get(f"{some_site.url}/admin/r/{rest}/", timeout=30)
        assert answer.status_code == status, rest
    for model in ("django_q/success", "django_q/failure", "uploads/upload", "auth/user"):
        for row in ("%00", "abc", "9" * 25):
            page = staff.get(f"{some_site.url}/admin/{model}/{row}/change/", timeout=30)
            is_text = model.startswith("django_q") and row == "%00"  # what PostgreSQL refuses
            expected = 400 if is_text and database == "PostgreSQL" else 200
            assert page.status_code == expected, (model, row)  # 200: back at the list
