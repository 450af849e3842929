"""Addresses, methods, slashes and request ids (contract, sections 1 and 6), over HTTP."""

from __future__ import annotations

import http.client
import uuid
from urllib.parse import quote

import pytest
import requests

from tests.running import Site

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")
NO_WRITER = "6f1c1c46-3f0b-4b5e-9d9e-0a8f5a1d2c3b"
ROUTES = {
    "/health": "GET",
    "/health/live": "GET",
    "/health/ready": "GET",
    "/speech-to-text": "POST",
    "/speech-to-text-url": "POST",
    "/service/transcribe": "POST",
    "/service/align": "POST",
    "/service/diarize": "POST",
    "/service/combine": "POST",
    "/task/all": "GET",
    f"/task/{NO_WRITER}": "GET",
    f"/task/{NO_WRITER}/delete": "DELETE",
    f"/tasks/{NO_WRITER}/progress": "GET",
    f"/task/{NO_WRITER}/partial": "GET",
}
DOCUMENTS = ("/docs", "/redoc", "/openapi.json")
UNKNOWN = (
    *("/nowhere", "/task", "/task/", "/task//", "/task//delete", "/task/a/b", "/task/a%2Fb"),
    *("/tasks", "/tasks/x", "/tasks/x/progress/y", "/task/all/delete/x", "/health/x"),
    *("/service", "/service/", "/service/x", "/speech-to-text/x", "/docs/x", "/task/\n/x"),
    *("/upload", "/upload/", "//task/all", "/TASK/all", "/Health", "/all;x", "/%00"),
)


def ask(
    site: Site, method: str, path: str, body: str | None = None, **headers: str | bytes
) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.http.request(
        method, site.url + path, data=body, headers=named, timeout=30, allow_redirects=False
    )


def is_fresh(identifier: str) -> bool:
    return str(uuid.UUID(identifier)) == identifier and uuid.UUID(identifier).version == 4


@pytest.mark.parametrize("path", UNKNOWN)
def test_unknown_addresses(site: Site, path: str) -> None:
    """Section 1: 404 in the framework's shape, whatever the method."""
    for method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS"):
        answer = ask(site, method, quote(path, safe="/%;"), "x=1" if method == "POST" else None)
        assert answer.status_code == 404, (method, answer.text)
        assert answer.headers["Content-Type"] == "application/json"
        assert is_fresh(answer.headers["X-Request-ID"])
        assert method == "HEAD" or answer.json() == {"detail": "Not Found"}


def test_below_the_api_even_browsers_get_json(site: Site) -> None:
    for path in ("/task/a/b", "/service/x", "/tasks/", "/health/x", "/upload/x", "/docs/x"):
        answer = ask(site, "GET", path, Accept=BROWSER)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"}), path
    for path in ("/nowhere", "/jobs/x", "/admin-of-old", "/uploadss"):
        page = ask(site, "GET", path, Accept=BROWSER)
        assert page.status_code == 404 and "<h1>" in page.text, path


@pytest.mark.parametrize("path", ROUTES)
def test_other_methods(site: Site, path: str) -> None:
    """Section 1: 405 with Allow; HEAD and OPTIONS are other methods, too."""
    for method in METHODS:
        if method == ROUTES[path]:
            continue
        for accept in ("*/*", BROWSER):
            answer = ask(site, method, path, Accept=accept)
            assert answer.status_code == 405, method
            assert answer.headers["Allow"] == ROUTES[path]
            assert answer.headers["Content-Type"] == "application/json"
            assert is_fresh(answer.headers["X-Request-ID"])
            assert method == "HEAD" or answer.json() == {"detail": "Method Not Allowed"}


def test_other_methods_of_pages_and_documents(site: Site) -> None:
    for path in DOCUMENTS:
        whole, head = ask(site, "GET", path), ask(site, "HEAD", path)
        assert whole.status_code == head.status_code == 200 and not head.content
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = ask(site, method, path)
            assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
            assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    for method in ("HEAD", "POST", "DELETE", "OPTIONS"):
        answer = ask(site, method, "/")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
        assert method == "HEAD" or answer.json() == {"detail": "Method Not Allowed"}


def test_the_root_leads_programs_to_the_documentation(site: Site) -> None:
    """Section 1; people get the page."""
    for accept in ("*/*", "application/json"):
        answer = ask(site, "GET", "/?x=1", Accept=accept)
        assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")
        assert answer.headers["X-Request-ID"]
    assert "<h1" in ask(site, "GET", "/", Accept=BROWSER).text


@pytest.mark.parametrize("path", [*ROUTES, *DOCUMENTS])
def test_a_slash_too_many(site: Site, path: str) -> None:
    """Sections 1 and 15.13: 307 to the address itself, for every method, with the query."""
    for method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS"):
        for slashes, query in (("/", ""), ("//", ""), ("/", "?page=1&q=%C3%84%2F&x=%20&y")):
            answer = ask(site, method, path + slashes + query)
            assert answer.status_code == 307, (method, answer.text)
            assert answer.headers["Location"] == path + query
            assert is_fresh(answer.headers["X-Request-ID"])


def test_a_slash_too_many_after_any_identifier(site: Site) -> None:
    for identifier in ("x", "%C3%A4", "a%20b", "%3Fq", "..%5C", "all.json", "%0Ax", "%25"):
        answer = ask(site, "GET", f"/task/{identifier}/")
        assert answer.status_code == 307
        followed = site.http.get(site.url + answer.headers["Location"], timeout=30)
        assert followed.status_code == 404 and followed.json()["error"]["identifier"]
    for path in ("/jobs.json/", "/login/", "/nowhere/", "/jobs/x/"):
        assert ask(site, "GET", path).status_code == 404, path
    for path in ("/admin", "/admin/", "/admin/nowhere/"):  # which no key opens
        assert ask(site, "GET", path).status_code == 403, path


def test_a_body_is_not_lost_by_the_slash(site: Site) -> None:
    """A POST that is led on is a POST there: its missing file is noticed."""
    answer = site.http.post(site.url + "/speech-to-text/?model=x", data={"a": "b"}, timeout=30)
    assert answer.status_code == 422 and answer.request.method == "POST"
    assert [fault["loc"][-1] for fault in answer.json()["detail"]] == ["model", "file"]


@pytest.mark.parametrize(
    "path, status",
    [("/health", 200), ("/task/x", 404), ("/nowhere", 404), ("/task/all?page=0", 422), ("/", 307)]
    + [("/task/all/", 307), ("/speech-to-text", 405), ("/docs", 200), ("/openapi.json", 200)],
)
def test_request_ids(site: Site, path: str, status: int) -> None:
    """Section 1: the client's own, else a fresh UUID4, on errors too."""
    for said in ("mine", "a b", str(uuid.uuid4()), "ü", "x" * 5000, '"{}<>;,', "0"):
        answer = ask(site, "GET", path, X_Request_ID=said.encode())
        assert answer.status_code == status
        assert answer.headers["X-Request-ID"].encode("latin-1") == said.encode()
    fresh = [ask(site, "GET", path, X_Request_ID=b"").headers["X-Request-ID"] for _ in range(2)]
    assert all(map(is_fresh, fresh)) and fresh[0] != fresh[1]


@pytest.mark.parametrize("said", [b"\xff", b"\xe9t\xe9", b"a\xc3", b"\x7f", b"a\tb", b"\xc2\x85"])
def test_request_ids_that_no_header_should_carry(site: Site, said: bytes) -> None:
    """Section 6 allows any answer below 500 to what is no UTF-8."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    connection.putrequest("GET", "/health")
    connection.putheader("X-Request-ID", said)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    assert answer.status == (400 if said == b"\x7f" else 200)
    assert is_fresh(answer.headers["X-Request-ID"])
    connection.close()


@pytest.mark.parametrize(
    "options",
    [
        "a*=zz''b",
        "boundary*=zz''XbX",
        "charset*=a'b'utf-8",
        "a*=idna''%ff",
        "charset=undefined",
        'CharSet="hex"',
        "charset=\xff",
        "charset=unicode_escape",
        "charset*=utf-8''unicode_escape",
        "charset=utf-7",
    ],
)
def test_content_types_that_cannot_be_read(site: Site, options: str) -> None:
    """Section 6: what is no form lacks its parts; nothing else minds."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        said = {"Content_Type": f"{kind}; {options}"}
        assert ask(site, "GET", "/health", **said).status_code == 200
        assert ask(site, "GET", "/task/all?q=%C3%A9", **said).status_code == 200
        assert ask(site, "OPTIONS", "/uploads/files/", **said).status_code == 204
        assert ask(site, "POST", "/speech-to-text", **said).status_code == 422
    answer = ask(site, "POST", "/service/combine", Content_Type=f"multipart/form-data; {options}")
    assert (answer.status_code, answer.json()["detail"]) == (400, "Missing boundary in multipart.")
    assert answer.headers["X-Request-ID"]


def test_answers_have_their_length(site: Site) -> None:
    for method, path in (("GET", "/health"), ("GET", "/task/all"), ("PUT", "/"), ("GET", "/x")):
        answer = ask(site, method, path, Accept_Encoding="identity")
        assert int(answer.headers["Content-Length"]) == len(answer.content), path


def test_long_addresses(site: Site) -> None:
    """Identifiers and options of any length that other servers take."""
    identifier = "x" * 20_000
    answer = ask(site, "GET", f"/task/{identifier}")
    assert answer.status_code == 404 and answer.json()["error"]["identifier"] == identifier
    prompt = "ā" * 5000  # six bytes each on the wire
    answer = ask(site, "POST", f"/speech-to-text?initial_prompt={quote(prompt)}")
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.json()["detail"]] == [["body", "file"]]


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png", "nonsense", "application/json;q=0", "", ";;q=x"]
)
def test_what_clients_accept_changes_nothing(site: Site, accept: str) -> None:
    conditions = {"If_None_Match": "*", "If_Modified_Since": "Sun, 22 Nov 2026 00:00:00 GMT"}
    for path, status in (("/health", 200), ("/task/all?format=xml", 200), ("/task/x", 404)):
        answer = ask(site, "GET", path, Accept=accept, Range="bytes=0-1", **conditions)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/json"
