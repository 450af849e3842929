"""tus 1.0.0, core protocol: each sentence that a server must obey, over real HTTP."""

from __future__ import annotations

import pytest

from tests.running import Site
from tests.uploads.conftest import ROOT, content, created, head, patch, patching
from tests.uploads.wire import DATA, TUS, ask

ADDRESSES = (ROOT, ROOT.rstrip("/"))


@pytest.mark.parametrize(
    "version", [None, "0.2.2", "1.0", "1.0.1", "2.0.0", "v1.0.0", "", "1.0.0, 0.2.2"]
)
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_other_versions_are_412_and_change_nothing(
    plain_site: Site, method: str, version: str | None
) -> None:
    """Core, Tus-Version: an unsupported version is 412 with Tus-Version, and is not processed."""
    path = created(plain_site, 3)
    headers = patching(0, 3, **{"Upload-Length": "3"})
    del headers["Tus-Resumable"]
    if version is not None:
        headers["Tus-Resumable"] = version
    answer = ask(plain_site, method, ROOT if method == "POST" else path, headers, b"abc")
    assert answer.status == 412
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert "Location" not in answer.headers
    assert head(plain_site, path).offset == 0


def test_every_request_that_names_a_version_is_checked(plain_site: Site) -> None:
    """Core, Tus-Resumable: GET need not speak tus, but must not speak another version of it."""
    path = created(plain_site, 0)
    for version, status in ((None, 200), ("1.0.0", 200), ("0.2.2", 412), ("", 412)):
        answer = ask(plain_site, "GET", path, {} if version is None else {"Tus-Resumable": version})
        assert answer.status == status, version
    twice = [("Tus-Resumable", "1.0.0"), ("Tus-Resumable", "1.0.0")]
    assert ask(plain_site, "HEAD", path, twice).status == 412


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
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        *("creation", "creation-with-upload", "creation-defer-length", "expiration"),
        *("termination", "checksum", "checksum-trailer"),
        *("concatenation", "concatenation-unfinished"),
    }
    algorithms = answer.headers["Tus-Checksum-Algorithm"].split(",")
    assert "sha1" in algorithms
    assert all(name.isascii() and name == name.lower() for name in algorithms)


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
    answer = ask(plain_site, method, ROOT + "0" * 32, patching(0))
    assert answer.status == 404
    assert "Upload-Offset" not in answer.headers
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_patch_answers_204_with_the_new_offset(plain_site: Site) -> None:
    """Core, PATCH: success is 204 with the offset after the received bytes."""
    path = created(plain_site, 5)
    answer = patch(plain_site, path, 0, b"abc")
    assert (answer.status, answer.offset, answer.body) == (204, 3, b"")
    answer = patch(plain_site, path, 3, b"de")
    assert (answer.status, answer.offset) == (204, 5)
    assert content(plain_site, path) == b"abcde"


def test_empty_patch_is_accepted(plain_site: Site) -> None:
    """Core, PATCH: no byte is a fine number of bytes."""
    path = created(plain_site, 5)
    answer = patch(plain_site, path, 0)
    assert (answer.status, answer.offset) == (204, 0)


@pytest.mark.parametrize("offset", [1, 3, 5, 6, 2**63 - 1, 2**63, "9" * 20, "9" * 5000, "007"])
def test_another_offset_is_409_and_keeps_nothing(plain_site: Site, offset: int | str) -> None:
    """Core, PATCH: an offset other than the current one is 409 and must not change the upload."""
    path = created(plain_site, 5)
    patch(plain_site, path, 0, b"ab")
    answer = patch(plain_site, path, offset, b"xyz")
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
    headers = patching(0, 3, **{"Content-Type": content_type})
    if not content_type:
        del headers["Content-Type"]
    assert ask(plain_site, "PATCH", path, headers, b"abc").status == 415
    assert head(plain_site, path).offset == 0


def test_content_type_is_compared_as_media_types_are(plain_site: Site) -> None:
    """RFC 9110, 8.3.1: case does not count, and parameters may follow."""
    path = created(plain_site, 3)
    kind = "Application/Offset+Octet-Stream; charset=binary"
    answer = patch(plain_site, path, 0, b"abc", **{"Content-Type": kind})
    assert (answer.status, answer.offset) == (204, 3)


@pytest.mark.parametrize(
    "offset",
    [
        "",
        "-1",
        "-0",
        "+1",
        "1.0",
        "1e1",
        "0x1",
        "1_0",
        "abc",
        "1 2",
        "0,0",
        "\xb2",
        "\xd9\xa0",
        "NaN",
    ],
)
def test_malformed_offsets_are_400(plain_site: Site, offset: str) -> None:
    """Core, Upload-Offset: a non-negative integer."""
    path = created(plain_site, 5)
    assert patch(plain_site, path, offset, b"ab").status == 400
    assert head(plain_site, path).offset == 0


@pytest.mark.parametrize("offset", ["00", "0" * 40, " 0 "])
def test_any_way_to_write_the_offset(plain_site: Site, offset: str) -> None:
    """Core, Upload-Offset: leading zeros change no integer, and blanks around it are HTTP's."""
    path = created(plain_site, 5)
    answer = patch(plain_site, path, offset, b"ab")
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "2")


def test_absent_and_repeated_offset_are_400(plain_site: Site) -> None:
    """Core, PATCH: Upload-Offset must be there, and says one thing."""
    path = created(plain_site, 5)
    assert ask(plain_site, "PATCH", path, {**DATA, "Content-Length": "0"}).status == 400
    twice = [*DATA.items(), ("Upload-Offset", "0"), ("Upload-Offset", "0"), ("Content-Length", "0")]
    assert ask(plain_site, "PATCH", path, twice).status == 400


def test_a_body_beyond_the_length_is_413_and_keeps_nothing(plain_site: Site) -> None:
    """Core, PATCH: no byte lies beyond Upload-Length."""
    path = created(plain_site, 5)
    assert patch(plain_site, path, 0, b"abcdef").status == 413
    assert head(plain_site, path).offset == 0
    patch(plain_site, path, 0, b"abcde")
    assert patch(plain_site, path, 5, b"f").status == 413
    assert patch(plain_site, path, 0, b"f").status == 409
    assert content(plain_site, path) == b"abcde"


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


REFUSALS = [
    (415, {"Content-Type": "text/plain"}),
    (409, {"Upload-Offset": "3"}),
    (400, {"Upload-Offset": "x"}),
    (413, {"Upload-Length": "1"}),
    (413, {"Upload-Length": "9" * 25}),
    (400, {"Upload-Length": "-1"}),
    (400, {"Upload-Checksum": "sha0 AA=="}),
    (460, {"Upload-Checksum": "crc32 AAAAAA=="}),
    (400, {"Upload-Checksum": "crc32 AAAAAA==", "Trailer": "Upload-Checksum"}),
]


@pytest.mark.parametrize(("status", "wrong"), REFUSALS)
def test_a_refused_patch_changes_nothing(
    plain_site: Site, status: int, wrong: dict[str, str]
) -> None:
    """Core, PATCH; checksum: neither the offset nor a length that came along. Then it goes on."""
    headers = {**TUS, "Upload-Defer-Length": "1"}
    path = str(ask(plain_site, "POST", ROOT, headers).headers["Location"])
    refused = patch(plain_site, path, 0, b"ab", **{"Upload-Length": "10", **wrong})
    assert refused.status == status
    assert refused.headers["Tus-Resumable"] == "1.0.0"
    assert refused.headers["Upload-Expires"]  # expiration: in every response to PATCH
    answer = head(plain_site, path)
    assert (answer.offset, answer.headers["Upload-Defer-Length"]) == (0, "1")
    assert "Upload-Length" not in answer.headers
    assert patch(plain_site, path, 0, b"ab", **{"Upload-Length": "2"}).status == 204
    assert content(plain_site, path) == b"ab"
