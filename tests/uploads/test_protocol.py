"""tus 1.0.0, core protocol: each sentence that a server must obey, over real HTTP."""

from __future__ import annotations

import pytest
import requests

from tests.running import Site
from tests.uploads.conftest import ROOT, created, head
from tests.uploads.wire import DATA, TUS, Wire, ask, identifier

ADDRESSES = (ROOT, ROOT.rstrip("/"))


def with_offset(offset: int | str, body: bytes = b"", **headers: str) -> dict[str, str]:
    return {**DATA, "Upload-Offset": str(offset), "Content-Length": str(len(body)), **headers}


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1", "2.0.0", "", "1.0.0, 0.2.2"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_other_versions_are_412_and_change_nothing(
    plain_site: Site, method: str, version: str | None
) -> None:
    """Core, Tus-Version: an unsupported version is 412 with Tus-Version, and is not processed."""
    path = created(plain_site, 3)
    headers = with_offset(0, b"abc", **{"Upload-Length": "3"})
    del headers["Tus-Resumable"]
    if version is not None:
        headers["Tus-Resumable"] = version
    answer = ask(plain_site, method, ROOT if method == "POST" else path, headers, b"abc")
    assert answer.status == 412
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert "Location" not in answer.headers
    assert head(plain_site, path).offset == 0


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("headers", [{}, TUS, {"Tus-Resumable": "0.1"}])
def test_options_tells_what_the_server_can(
    plain_site: Site, address: str, headers: dict[str, str]
) -> None:
    """Core, OPTIONS: 204 or 200 with Tus-Version; the client should not send Tus-Resumable, and the
    server must ignore it. Tus-Extension and Tus-Max-Size are listed where they hold."""
    answer = ask(plain_site, "OPTIONS", address, headers)
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(5 * 1024**3)
    extensions = answer.headers["Tus-Extension"].split(",")
    assert {"creation", "creation-with-upload", "expiration", "termination"} <= set(extensions)


def test_options_of_one_upload(plain_site: Site) -> None:
    """Core, OPTIONS: also on an upload's own address, whether or not it exists."""
    for path in (created(plain_site, 1), ROOT + "0" * 32):
        answer = ask(plain_site, "OPTIONS", path)
        assert answer.status == 204
        assert "PATCH" in answer.headers["Allow"]


def test_head_tells_offset_length_and_metadata(plain_site: Site) -> None:
    """Core, HEAD: Upload-Offset always, also for 0; Upload-Length if known; Cache-Control:
    no-store. Creation: Upload-Metadata as it was given."""
    metadata = "filename w6QubXAz,empty ,keyonly,z AA=="
    path = created(plain_site, 9, **{"Upload-Metadata": metadata})
    answer = head(plain_site, path)
    assert answer.status == 200
    assert answer.offset == 0
    assert answer.headers["Upload-Length"] == "9"
    assert answer.headers["Upload-Metadata"] == metadata
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert "Content-Type" not in answer.headers
    assert answer.body == b""


def test_head_without_metadata_has_no_such_header(plain_site: Site) -> None:
    """Creation, Upload-Metadata: it is told where it was given."""
    assert "Upload-Metadata" not in head(plain_site, created(plain_site, 1)).headers


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE", "GET"])
def test_unknown_uploads_are_404_without_offset(plain_site: Site, method: str) -> None:
    """Core, HEAD and PATCH: no such resource is 404 (or 403, 410) without Upload-Offset."""
    answer = ask(plain_site, method, ROOT + "0" * 32, with_offset(0))
    assert answer.status == 404
    assert "Upload-Offset" not in answer.headers
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_patch_answers_204_with_the_new_offset(plain_site: Site) -> None:
    """Core, PATCH: success is 204 with the offset after the received bytes."""
    path = created(plain_site, 5)
    answer = ask(plain_site, "PATCH", path, with_offset(0, b"abc"), b"abc")
    assert (answer.status, answer.offset, answer.body) == (204, 3, b"")
    answer = ask(plain_site, "PATCH", path, with_offset(3, b"de"), b"de")
    assert (answer.status, answer.offset) == (204, 5)
    assert requests.get(plain_site.url + path, timeout=10).content == b"abcde"


def test_empty_patch_is_accepted(plain_site: Site) -> None:
    """Core, PATCH: no byte is a fine number of bytes."""
    path = created(plain_site, 5)
    answer = ask(plain_site, "PATCH", path, with_offset(0))
    assert (answer.status, answer.offset) == (204, 0)


@pytest.mark.parametrize("offset", [1, 3, 5, 6, 2**63 - 1])
def test_another_offset_is_409_and_keeps_nothing(plain_site: Site, offset: int) -> None:
    """Core, PATCH: an offset other than the current one is 409 and must not change the upload."""
    path = created(plain_site, 5)
    ask(plain_site, "PATCH", path, with_offset(0, b"ab"), b"ab")
    answer = ask(plain_site, "PATCH", path, with_offset(offset, b"xyz"), b"xyz")
    assert answer.status == 409
    assert "detail" in answer.body.decode()
    assert head(plain_site, path).offset == 2


@pytest.mark.parametrize(
    "content_type",
    ["", "application/octet-stream", "application/offset octet-stream", "audio/mpeg", "text/plain"],
)
def test_another_content_type_is_415_and_keeps_nothing(plain_site: Site, content_type: str) -> None:
    """Core, PATCH: Content-Type must be application/offset+octet-stream, else 415."""
    path = created(plain_site, 5)
    headers = with_offset(0, b"abc", **{"Content-Type": content_type})
    if not content_type:
        del headers["Content-Type"]
    assert ask(plain_site, "PATCH", path, headers, b"abc").status == 415
    assert head(plain_site, path).offset == 0


def test_content_type_is_compared_as_media_types_are(plain_site: Site) -> None:
    """RFC 9110, 8.3.1: case does not count, and parameters may follow."""
    path = created(plain_site, 3)
    kind = "Application/Offset+Octet-Stream; charset=binary"
    answer = ask(
        plain_site, "PATCH", path, with_offset(0, b"abc", **{"Content-Type": kind}), b"abc"
    )
    assert (answer.status, answer.offset) == (204, 3)


@pytest.mark.parametrize(
    "offset", ["", "-1", "+1", "1.0", "1e1", "0x1", "abc", "1 2", "9" * 20, str(2**63), "\xb2"]
)
def test_malformed_offsets_are_400(plain_site: Site, offset: str) -> None:
    """Core, Upload-Offset: a non-negative integer."""
    path = created(plain_site, 5)
    assert ask(plain_site, "PATCH", path, with_offset(offset, b"ab"), b"ab").status == 400
    assert head(plain_site, path).offset == 0


def test_absent_and_repeated_offset_are_400(plain_site: Site) -> None:
    """Core, PATCH: Upload-Offset must be there, and says one thing."""
    path = created(plain_site, 5)
    assert ask(plain_site, "PATCH", path, {**DATA, "Content-Length": "0"}).status == 400
    twice = [*DATA.items(), ("Upload-Offset", "0"), ("Upload-Offset", "0"), ("Content-Length", "0")]
    assert ask(plain_site, "PATCH", path, twice).status == 400


def test_a_body_beyond_the_length_is_413_and_keeps_nothing(plain_site: Site) -> None:
    """Core, PATCH: no byte lies beyond Upload-Length."""
    path = created(plain_site, 5)
    assert ask(plain_site, "PATCH", path, with_offset(0, b"abcdef"), b"abcdef").status == 413
    assert head(plain_site, path).offset == 0
    ask(plain_site, "PATCH", path, with_offset(0, b"abcde"), b"abcde")
    assert ask(plain_site, "PATCH", path, with_offset(5, b"f"), b"f").status == 413
    assert ask(plain_site, "PATCH", path, with_offset(0, b"f"), b"f").status == 409
    assert requests.get(plain_site.url + path, timeout=10).content == b"abcde"


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 20, "9" * 60])
def test_bodies_of_any_announced_length_are_answered(plain_site: Site, digits: str) -> None:
    """A Content-Length beyond every number type is a refusal, no fault of ours."""
    path = created(plain_site, 5)
    headers = {**DATA, "Upload-Offset": "0", "Upload-Length": "5", "Content-Length": digits}
    for method, address in (("PATCH", path), ("POST", ROOT)):
        answer = ask(plain_site, method, address, headers)
        assert answer.status == 413
        assert answer.closes
    assert ask(plain_site, "DELETE", path, headers).status == 204


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_method_override(plain_site: Site, method: str) -> None:
    """Core, X-HTTP-Method-Override: the method is interpreted as this header's value."""
    path = created(plain_site, 3)
    body = b"abc" if method == "PATCH" else b""
    headers = with_offset(0, body, **{"X-HTTP-Method-Override": method})
    answer = ask(plain_site, "POST", path, headers, body)
    assert answer.status == (200 if method == "HEAD" else 204)
    if method in ("PATCH", "HEAD"):
        assert answer.offset == len(body)
    assert head(plain_site, path).status == (404 if method == "DELETE" else 200)


def test_override_counts_for_post_alone(plain_site: Site) -> None:
    """A HEAD that a proxy decorated must never delete."""
    path = created(plain_site, 3)
    answer = ask(plain_site, "HEAD", path, {**TUS, "X-HTTP-Method-Override": "DELETE"})
    assert (answer.status, answer.offset) == (200, 0)


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
    assert 400 <= ask(plain_site, method, path, with_offset(0)).status < 500
    assert head(plain_site, path).status == 200


def test_both_addresses_with_and_without_slash(plain_site: Site) -> None:
    """No redirect: it would lose a body."""
    for address in ADDRESSES:
        answer = ask(plain_site, "POST", address, {**TUS, "Upload-Length": "3"})
        assert answer.status == 201
        path = answer.headers["Location"]
        assert head(plain_site, path + "/").offset == 0
        answer = ask(plain_site, "PATCH", path + "/", with_offset(0, b"abc"), b"abc")
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
            wire.head(method, ROOT + weird, with_offset(0) | {"Upload-Length": "1"})
            answer = wire.answer(method)
            assert answer.status in ((404, 405) if method == "POST" else (404,)), weird
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
    if any(name.startswith(("X-Forwarded-", "Forwarded")) for name in headers):
        assert answer.status == 401  # it came through a proxy: closed to everybody else
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert "evil" not in str(answer.headers)
        return
    assert answer.headers["Location"].startswith("/uploads/files/")


def test_a_forged_host_is_not_served(plain_site: Site) -> None:
    """The Host header is no loopback name: as good as a stranger (DNS rebinding)."""
    answer = ask(plain_site, "POST", ROOT, {**TUS, "Upload-Length": "3"}, host="evil.example")
    assert answer.status in (400, 401)
    assert "Location" not in answer.headers
    target = "http://evil.example/uploads/files/"
    answer = ask(plain_site, "POST", target, {**TUS, "Upload-Length": "3"})
    assert "evil" not in answer.headers.get("Location", "")


def test_refusals_are_json_sentences(plain_site: Site) -> None:
    """Every 4xx says in one sentence what is wrong, and is never cached."""
    answer = ask(plain_site, "POST", ROOT, TUS)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert b"Upload-Length" in answer.body


TUS_REQUEST_HEADERS = (
    "tus-resumable, upload-length, upload-offset, upload-metadata, upload-defer-length, "
    "upload-concat, upload-checksum, content-type, x-http-method-override, x-request-id, "
    "x-requested-with, authorization"
)
EXPOSED = (
    "Location Tus-Resumable Tus-Version Tus-Extension Tus-Max-Size Upload-Offset Upload-Length "
    "Upload-Metadata Upload-Expires Upload-Defer-Length Upload-Concat Tus-Checksum-Algorithm "
    "X-Task-Id Retry-After X-Request-ID"
).split()


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "HEAD"])
def test_cors_preflight(plain_site: Site, method: str) -> None:
    """A page of another port of this machine may use everything of the protocol."""
    origin = "http://localhost:5173"
    answer = ask(
        plain_site,
        "OPTIONS",
        ROOT,
        {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": TUS_REQUEST_HEADERS,
        },
    )
    assert answer.status in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = {name.strip() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert set(TUS_REQUEST_HEADERS.split(", ")) <= allowed


def test_cors_exposes_every_header_of_the_protocol(plain_site: Site) -> None:
    headers = {**TUS, "Upload-Length": "3", "Origin": "http://127.0.0.1:8080"}
    answer = ask(plain_site, "POST", ROOT, headers)
    assert answer.status == 201
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert set(EXPOSED) <= exposed


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_foreign_origins_change_nothing(plain_site: Site, origin: str) -> None:
    """A page of somebody else's site cannot write here, nor read."""
    path = created(plain_site, 3)
    for method, address in (("POST", ROOT), ("PATCH", path), ("DELETE", path)):
        headers = with_offset(0, b"abc", **{"Upload-Length": "3", "Origin": origin})
        answer = ask(plain_site, method, address, headers, b"abc")
        assert answer.status == 403
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert head(plain_site, path).offset == 0
    preflight = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    answer = ask(plain_site, "OPTIONS", path, preflight)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_answers_of_others_below_the_address_speak_tus_too(plain_site: Site) -> None:
    """Core, Tus-Resumable: in every response but OPTIONS, also in a 401 or an unknown address."""
    stranger = {**TUS, "X-Forwarded-For": "203.0.113.9"}
    for method in ("HEAD", "PATCH", "DELETE", "GET", "POST"):
        for address in (ROOT, ROOT + "0" * 32, ROOT + "a/b/c"):
            answer = ask(plain_site, method, address, stranger)
            assert answer.status == 401
            assert answer.headers["Tus-Resumable"] == "1.0.0"
    answer = ask(plain_site, "GET", ROOT + "a/b/c")
    assert answer.status == 404
    assert answer.headers["Tus-Resumable"] == "1.0.0"
