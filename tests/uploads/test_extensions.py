"""tus 1.0.0, the extensions checksum, creation-defer-length and concatenation, over HTTP."""

import base64
import hashlib
import os
import socket
import zlib
from pathlib import Path

import pytest
import requests

from tests.running import Site
from tests.speech import recordings

DATA = os.urandom(200_000)


def checksum(name: str, data: bytes) -> str:
    digest = (
        zlib.crc32(data).to_bytes(4, "big") if name == "crc32" else hashlib.new(name, data).digest()
    )
    return f"{name} {base64.b64encode(digest).decode()}"


def content(site: Site, address: str) -> bytes:
    response = site.http.get(address, timeout=30)
    assert response.status_code == 200
    return response.content


# checksum ----------------------------------------------------------------------------------------


def test_options_names_extensions_and_algorithms(plain_site: Site) -> None:
    """Core, OPTIONS; checksum: Tus-Checksum-Algorithm MUST be there."""
    headers = plain_site.http.options(f"{plain_site.url}/uploads/files/").headers
    assert set(headers["Tus-Extension"].split(",")) == {
        *("creation", "creation-with-upload", "creation-defer-length", "expiration"),
        *("termination", "checksum", "checksum-trailer"),
        *("concatenation", "concatenation-unfinished"),
    }
    assert "sha1" in headers["Tus-Checksum-Algorithm"].split(",")


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512", "md5", "crc32"])
def test_right_checksums_are_taken(plain_site: Site, name: str) -> None:
    address = plain_site.create(len(DATA))
    for start in (0, 120_000):
        piece = DATA[start : start + 120_000]
        headers = {"Upload-Checksum": checksum(name, piece)}
        assert plain_site.patch(address, start, piece, **headers).status_code == 204
    assert content(plain_site, address) == DATA


def test_wrong_checksum_is_460_and_nothing_is_kept(plain_site: Site) -> None:
    """Checksum: on a mismatch the server MUST discard the chunk and SHOULD answer 460."""
    address = plain_site.create(len(DATA))
    assert plain_site.patch(address, 0, DATA[:50_000]).status_code == 204
    wrong = {"Upload-Checksum": checksum("sha1", b"something else")}
    refused = plain_site.patch(address, 50_000, DATA[50_000:], **wrong)
    assert refused.status_code == 460 and refused.reason == "Checksum Mismatch"
    assert plain_site.offset(address) == 50_000
    assert plain_site.patch(address, 50_000, DATA[50_000:]).status_code == 204
    assert content(plain_site, address) == DATA


@pytest.mark.parametrize(
    "header", ["sha3 abc", "sha1", "sha1 !!!", "sha1 YWJj", "", "md5 " + "A" * 400, "sha1  YWJj"]
)
def test_unknown_algorithms_and_bad_values_are_400(plain_site: Site, header: str) -> None:
    """Checksum: 400 Bad Request if the algorithm is not supported."""
    address = plain_site.create(10)
    response = plain_site.patch(address, 0, b"0123456789", **{"Upload-Checksum": header})
    assert response.status_code == (204 if header == "" else 400)
    assert plain_site.offset(address) == (10 if header == "" else 0)


def test_a_cut_body_with_checksum_leaves_nothing(plain_site: Site) -> None:
    address = plain_site.create(len(DATA))
    assert plain_site.patch(address, 0, DATA[:1000]).status_code == 204
    cut(plain_site, address, 1000, DATA[1000:90_000], len(DATA) - 1000, checksum("sha1", DATA))
    assert plain_site.offset(address) == 1000
    cut(plain_site, address, 1000, DATA[1000:90_000], len(DATA) - 1000, "")
    assert plain_site.offset(address) == 90_000


def cut(site: Site, address: str, offset: int, data: bytes, announced: int, header: str) -> None:
    """Send part of a body, and close once the server has taken it."""
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        path = address.removeprefix(site.url)
        lines = [
            f"PATCH {path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Tus-Resumable: 1.0.0",
            f"Upload-Offset: {offset}",
            "Content-Type: application/offset+octet-stream",
            f"Content-Length: {announced}",
            *([f"Upload-Checksum: {header}"] if header else []),
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


@pytest.mark.parametrize("right", [True, False])
def test_checksum_in_the_trailer(plain_site: Site, right: bool) -> None:
    """Checksum-trailer: the checksum comes after the body, which has chunked coding."""
    address = plain_site.create(len(DATA))
    expected = checksum("sha256", DATA if right else b"something else")
    answer = send_with_trailer(plain_site, address, DATA, f"Upload-Checksum: {expected}\r\n")
    assert answer.startswith(b"HTTP/1.1 204" if right else b"HTTP/1.1 460 Checksum Mismatch")
    assert plain_site.offset(address) == (len(DATA) if right else 0)


def test_a_trailer_that_was_announced_must_come(plain_site: Site) -> None:
    address = plain_site.create(len(DATA))
    assert send_with_trailer(plain_site, address, DATA, "").startswith(b"HTTP/1.1 400")
    assert plain_site.offset(address) == 0


def send_with_trailer(site: Site, address: str, data: bytes, trailer: str) -> bytes:
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        lines = [
            f"PATCH {address.removeprefix(site.url)} HTTP/1.1",
            "Host: 127.0.0.1",
            "Connection: close",
            "Tus-Resumable: 1.0.0",
            "Upload-Offset: 0",
            "Content-Type: application/offset+octet-stream",
            "Transfer-Encoding: chunked",
            "Trailer: Upload-Checksum",
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        for start in range(0, len(data), 70_000):
            piece = data[start : start + 70_000]
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        connection.sendall(f"0\r\n{trailer}\r\n".encode())
        answer = b""
        while received := connection.recv(4096):
            answer += received
        return answer


# creation-defer-length -------------------------------------------------------------------------


def test_length_is_said_later_and_once(plain_site: Site) -> None:
    """Creation-defer-length: Upload-Defer-Length in HEAD until the length is known."""
    response = plain_site.http.post(
        f"{plain_site.url}/uploads/files/", headers={"Upload-Defer-Length": "1"}
    )
    assert response.status_code == 201
    address = plain_site.url + response.headers["Location"]
    head = plain_site.http.head(address).headers
    assert head["Upload-Defer-Length"] == "1" and "Upload-Length" not in head
    assert plain_site.patch(address, 0, DATA[:1000]).status_code == 204
    short = {"Upload-Length": "999"}
    assert plain_site.patch(address, 1000, b"", **short).status_code == 400
    huge = {"Upload-Length": str(6 * 2**30)}
    assert plain_site.patch(address, 1000, b"", **huge).status_code == 413
    said = {"Upload-Length": str(len(DATA))}
    assert plain_site.patch(address, 1000, DATA[1000:2000], **said).status_code == 204
    head = plain_site.http.head(address).headers
    assert head["Upload-Length"] == str(len(DATA)) and "Upload-Defer-Length" not in head
    other = {"Upload-Length": str(len(DATA) + 1)}
    assert plain_site.patch(address, 2000, DATA[2000:], **other).status_code == 400
    assert plain_site.patch(address, 2000, DATA[2000:], **said).status_code == 204
    assert content(plain_site, address) == DATA


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Defer-Length": "0"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Defer-Length": ""},
        {"Upload-Defer-Length": "1", "Upload-Length": "10"},
    ],
)
def test_defer_length_is_1_and_stands_alone(plain_site: Site, headers: dict[str, str]) -> None:
    response = plain_site.http.post(f"{plain_site.url}/uploads/files/", headers=headers)
    assert response.status_code == 400


def test_the_end_may_be_said_with_an_empty_patch(plain_site: Site) -> None:
    response = plain_site.http.post(
        f"{plain_site.url}/uploads/files/", headers={"Upload-Defer-Length": "1"}
    )
    address = plain_site.url + response.headers["Location"]
    plain_site.patch(address, 0, DATA)
    last = plain_site.patch(address, len(DATA), b"", **{"Upload-Length": str(len(DATA))})
    assert last.status_code == 204
    assert content(plain_site, address) == DATA


# concatenation ---------------------------------------------------------------------------------


def part(site: Site, data: bytes, send: bool = True) -> str:
    address = site.create(len(data), None, **{"Upload-Concat": "partial"})
    if send:
        assert site.patch(address, 0, data).status_code == 204
    return address


def final(site: Site, parts: list[str], **headers: str) -> requests.Response:
    concat = {"Upload-Concat": f"final;{' '.join(parts)}", **headers}
    return site.http.post(f"{site.url}/uploads/files/", headers=concat, timeout=30)


def test_parts_are_joined_in_their_order(plain_site: Site) -> None:
    """Concatenation: the final upload is its parts, in the order of the header."""
    parts = [part(plain_site, DATA[:70_000]), part(plain_site, DATA[70_000:])]
    paths = [parts[0], parts[1].removeprefix(plain_site.url)]
    response = final(plain_site, paths)
    assert response.status_code == 201, response.text
    address = plain_site.url + response.headers["Location"]
    head = plain_site.http.head(address).headers
    assert head["Upload-Offset"] == head["Upload-Length"] == str(len(DATA))
    assert head["Upload-Concat"] == f"final;{' '.join(paths)}"
    assert content(plain_site, address) == DATA
    assert plain_site.http.head(parts[0]).headers["Upload-Concat"] == "partial"
    refused = plain_site.patch(address, len(DATA), b"more")
    assert refused.status_code == 403  # PATCH of a final upload MUST be 403
    # Parts may be used again, also twice in one upload.
    again = final(plain_site, [parts[1], parts[1]])
    assert again.status_code == 201
    assert content(plain_site, plain_site.url + again.headers["Location"]) == DATA[70_000:] * 2


def test_unfinished_parts_are_joined_when_they_are_finished(plain_site: Site) -> None:
    """Concatenation-unfinished: no Upload-Offset before all parts are complete."""
    first, second = part(plain_site, DATA[:70_000]), part(plain_site, DATA[70_000:], send=False)
    response = final(plain_site, [first, second])
    assert response.status_code == 201
    address = plain_site.url + response.headers["Location"]
    head = plain_site.http.head(address)
    assert head.status_code == 200 and "Upload-Offset" not in head.headers
    assert plain_site.http.get(address).status_code == 404
    assert plain_site.patch(address, 0, b"x").status_code == 403
    assert plain_site.patch(second, 0, DATA[70_000:]).status_code == 204
    assert plain_site.http.head(address).headers["Upload-Offset"] == str(len(DATA))
    assert content(plain_site, address) == DATA


def test_only_ones_own_parts_on_this_host(plain_site: Site) -> None:
    good = part(plain_site, b"good")
    plain = plain_site.create(4)
    plain_site.patch(plain, 0, b"full")
    path = good.removeprefix(plain_site.url)
    for bad in (
        f"http://elsewhere.example{path}",
        f"{plain_site.url}/uploads/files/{'0' * 32}",
        f"{plain_site.url}/uploads/files/../../{'0' * 32}",
        f"{plain_site.url}/somewhere/else/{good[-32:]}",
        "http://[::1",
        plain,  # no part
    ):
        response = final(plain_site, [good, bad])
        assert 400 <= response.status_code < 500, (bad, response.status_code)
        assert "Location" not in response.headers
    for header in ("", "final", "final;", "final; ", "partial;x", "Partial", "other"):
        response = plain_site.http.post(
            f"{plain_site.url}/uploads/files/",
            headers={"Upload-Concat": header, "Upload-Length": "4"},
        )
        assert response.status_code == 400, header
    assert final(plain_site, [good], **{"Upload-Length": "4"}).status_code == 400


def test_the_joined_recording_is_judged_not_its_parts(site: Site, tmp_path: Path) -> None:
    """With UPLOADS_ACCEPT=media: parts have neither name nor head; the final upload has."""
    path = recordings.write(tmp_path / "speech.mp3", recordings.speech())
    data = path.read_bytes()
    parts = [part(site, data[:300]), part(site, data[300:])]
    name = "filename " + base64.b64encode(b"speech.mp3").decode()
    bad = "filename " + base64.b64encode(b"notes.txt").decode()
    assert final(site, parts, **{"Upload-Metadata": bad}).status_code == 415
    response = final(site, parts, **{"Upload-Metadata": name})
    assert response.status_code == 201
    task = site.wait_for_task(response.headers["X-Task-Id"])
    assert task["status"] == "completed"
    everything = site.http.get(f"{site.url}/task/all").json()["tasks"]
    assert not [row for row in everything if not row["file_name"]]

    pictures = part(site, recordings.png() + bytes(2000))
    refused = final(site, [pictures], **{"Upload-Metadata": name})
    assert refused.status_code == 415 and "PNG" in refused.json()["detail"]


def test_terminating_a_final_upload_leaves_its_parts(plain_site: Site) -> None:
    parts = [part(plain_site, b"one"), part(plain_site, b"two")]
    address = plain_site.url + final(plain_site, parts).headers["Location"]
    assert plain_site.http.delete(address).status_code == 204
    assert plain_site.http.head(address).status_code == 404
    assert content(plain_site, parts[0]) == b"one"
