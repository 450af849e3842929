"""Methods and addresses: overrides, slashes, identifiers, and a Location that cannot be forged."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from tests.running import Site
from tests.uploads.conftest import ROOT, created, head, patch, patching
from tests.uploads.wire import TUS, Wire, ask, identifier

ADDRESSES = (ROOT, ROOT.rstrip("/"))


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_method_override(plain_site: Site, method: str) -> None:
    """Core, X-HTTP-Method-Override: the method is interpreted as this header's value."""
    path = created(plain_site, 3)
    body = b"abc" if method == "PATCH" else b""
    headers = patching(0, len(body), **{"X-HTTP-Method-Override": method})
    answer = ask(plain_site, "POST", path, headers, body)
    assert answer.status == (200 if method == "HEAD" else 204)
    if method in ("PATCH", "HEAD"):
        assert answer.offset == len(body)
    assert head(plain_site, path).status == (404 if method == "DELETE" else 200)


@pytest.mark.parametrize("origin", [{}, {"Origin": "http://localhost:5173"}])
@pytest.mark.parametrize("real", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_the_real_method_is_ignored(plain_site: Site, real: str, origin: dict[str, str]) -> None:
    """Core, X-HTTP-Method-Override: the actual method must be ignored, whichever it is."""
    path = created(plain_site, 3)
    headers = patching(0, 3, **{"X-HTTP-Method-Override": "PATCH"}, **origin)
    answer = ask(plain_site, real, path, headers, b"abc")
    assert (answer.status, answer.offset) == (204, 3)
    answer = ask(plain_site, real, path, {**TUS, "X-HTTP-Method-Override": "DELETE", **origin})
    assert answer.status == 204
    assert head(plain_site, path).status == 404


def test_an_override_is_no_way_round_the_check_of_origins(plain_site: Site) -> None:
    """A page of somebody else's site may read nothing, and so write nothing by GET either."""
    path = created(plain_site, 3)
    headers = {**TUS, "X-HTTP-Method-Override": "DELETE", "Origin": "https://evil.example"}
    assert ask(plain_site, "GET", path, headers).status == 403
    assert head(plain_site, path).status == 200


def test_the_answer_to_a_real_head_has_no_body(plain_site: Site) -> None:
    path = created(plain_site, 3)
    assert patch(plain_site, path, 0, b"abc").status == 204
    with Wire(plain_site) as wire:
        wire.head("HEAD", path, {**TUS, "X-HTTP-Method-Override": "GET"})
        assert wire.answer("HEAD").status == 200
        wire.head("HEAD", path, {**TUS, "X-HTTP-Method-Override": "PROPFIND"})
        assert wire.answer("HEAD").status == 405
        wire.head("DELETE", path, TUS)
        assert wire.answer().status == 204


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND", "MKCOL", "DISPATCH", "ANSWER"])
def test_unknown_methods_are_405_and_name_the_known(plain_site: Site, method: str) -> None:
    """RFC 9110, 15.5.6: 405 carries Allow. Names of our own functions are no methods."""
    path = created(plain_site, 3)
    for address in (ROOT, path):
        answer = ask(plain_site, method, address, TUS)
        assert answer.status == 405
        assert "OPTIONS" in answer.headers["Allow"]
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        override = {**TUS, "X-HTTP-Method-Override": method}
        assert ask(plain_site, "POST", address, override).status == 405


@pytest.mark.parametrize("method", ["patch", "Head", "delete", "P@TCH", "\xe9"])
def test_methods_are_case_sensitive(plain_site: Site, method: str) -> None:
    """RFC 9110, 9.1: lower-case methods are other methods."""
    path = created(plain_site, 3)
    assert 400 <= ask(plain_site, method, path, patching(0)).status < 500
    assert head(plain_site, path).status == 200


def test_both_addresses_with_and_without_slash(plain_site: Site) -> None:
    """No redirect: it would lose a body."""
    for address in ADDRESSES:
        answer = ask(plain_site, "POST", address, {**TUS, "Upload-Length": "3"})
        assert answer.status == 201
        path = answer.headers["Location"]
        assert head(plain_site, path + "/").offset == 0
        answer = patch(plain_site, path + "/", 0, b"abc")
        assert (answer.status, answer.offset) == (204, 3)
        assert ask(plain_site, "GET", path + "/").body == b"abc"
        assert ask(plain_site, "DELETE", path + "/", TUS).status == 204


WEIRD = [
    "A" * 32,
    "0" * 31,
    "0" * 33,
    "00000000-0000-0000-0000-000000000000",
    "{" + "0" * 32 + "}",
    "..",
    "../files",
    "../../health",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "0" * 32 + "%00",
    "0" * 32 + "%0a",
    "0" * 16 + "%2f" + "0" * 15,
    "%ff%fe",
    "%E2%98%83",
    "x" * 3000,
    "0" * 32 + "//",
    "//",
    "%zz",
    "%",
    "%D9%A0" * 32,  # digits, but of another script
]


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE", "GET", "POST"])
def test_weird_identifiers_are_not_found(plain_site: Site, method: str) -> None:
    """Identifiers are ours alone: 32 lower-case hexadecimal digits."""
    with Wire(plain_site) as wire:
        for weird in WEIRD:
            wire.head(method, ROOT + weird, patching(0) | {"Upload-Length": "1"})
            answer = wire.answer(method)
            is_one_name = "/" not in unquote(weird)  # nothing is posted to what could be an upload
            assert answer.status == (405 if method == "POST" and is_one_name else 404), weird
            assert answer.headers["Tus-Resumable"] == "1.0.0", weird


def test_identifiers_say_nothing(plain_site: Site) -> None:
    """32 digits, never the same."""
    made = {identifier(created(plain_site, 1)) for _ in range(5)}
    assert len(made) == 5
    assert all(len(one) == 32 for one in made)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.example"},
        {"SCRIPT_NAME": "/evil", "Script-Name": "/evil", "X-Script-Name": "/evil"},
        {"X-Original-URL": "/evil", "X-Rewrite-URL": "/evil", "X-Forwarded-Prefix": "/evil"},
    ],
)
def test_location_cannot_be_forged(plain_site: Site, headers: dict[str, str]) -> None:
    """Creation, Location: relative to the address asked, whatever the headers pretend."""
    answer = ask(plain_site, "POST", ROOT, {**TUS, "Upload-Length": "3", **headers})
    assert answer.headers["Location"].startswith("/uploads/files/")


def test_a_forged_host_is_not_served(plain_site: Site) -> None:
    """The Host header is no name of this site's (DNS rebinding)."""
    answer = ask(plain_site, "POST", ROOT, {**TUS, "Upload-Length": "3"}, host="evil.example")
    assert answer.status == 400
    assert "Location" not in answer.headers
    target = "http://evil.example/uploads/files/"
    answer = ask(plain_site, "POST", target, {**TUS, "Upload-Length": "3"})
    assert "evil" not in answer.headers.get("Location", "")
