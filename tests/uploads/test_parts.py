"""The parts that need no server: bodies of other servers, parsers, checks, a full disk."""

from __future__ import annotations

import io
import os
import wsgiref.util
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.bodies.plain import PlainBody
from uploads.bodies.registry import is_coded, open_body
from uploads.checks import choices, classes
from uploads.errors import BadRequest, LengthRequired, UploadError
from uploads.http.protocol import parse_metadata, parse_number
from uploads.http.ranges import parse_range
from uploads.services.create import plain_name
from uploads.stores.disk import DiskStore

NAME = "0123456789abcdef" * 2


def test_a_full_disk_keeps_what_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`offset` tells how much is held when the disk refuses in the middle of a buffer."""
    disk = DiskStore(str(tmp_path))
    disk.identify("of a test")
    disk.create(NAME)
    writing = disk.acquire_writer(NAME, 0)
    real = os.write

    def nearly_full(descriptor: int, data: bytes) -> int:
        if descriptor == writing.data:
            if writing.offset:
                raise OSError(28, "No space left on device")
            return real(descriptor, bytes(data[:4]))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", nearly_full)
    with pytest.raises(OSError, match="No space"):
        writing.write(b"0123456789")
    monkeypatch.undo()
    assert writing.offset == 4
    writing.end()
    assert disk.held(NAME) == 4


def environ(body: bytes, **others: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"wsgi.input": io.BytesIO(body), **others}
    wsgiref.util.setup_testing_defaults(made)
    made["wsgi.input"] = io.BytesIO(body)
    return made


def whole(body: Any) -> bytes:
    pieces = b""
    while piece := body.read():
        pieces += piece
    return pieces


def test_bodies_of_any_wsgi_server() -> None:
    """Up to Content-Length and no further; shorter is `cut`, no error."""
    body = open_body(environ(b"x" * 3_000_000 + b"next", CONTENT_LENGTH="3000000"))
    assert isinstance(body, PlainBody)
    assert (whole(body), body.cut) == (b"x" * 3_000_000, False)
    body = open_body(environ(b"abc", CONTENT_LENGTH="5"))
    assert (whole(body), body.cut) == (b"abc", True)
    for length in ("", "0"):
        assert whole(open_body(environ(b"abc", CONTENT_LENGTH=length))) == b""


def test_chunked_bodies_of_any_wsgi_server() -> None:
    """Read to the end where the server tells it, else 411: never an empty chunk instead."""
    chunked = {"HTTP_TRANSFER_ENCODING": "Chunked", "CONTENT_LENGTH": ""}
    body = open_body(environ(b"abc", **chunked, **{"wsgi.input_terminated": True}))
    assert (body.length, whole(body)) == (None, b"abc")
    with pytest.raises(LengthRequired):
        open_body(environ(b"abc", **chunked))


def test_a_client_that_resets_is_a_cut_body() -> None:
    class Reset(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError

    body = open_body({"wsgi.input": Reset(), "CONTENT_LENGTH": "5"})
    assert (body.read(), body.cut) == (b"", True)


@pytest.mark.parametrize("length", ["abc", "-1", "1.0", "\u0661", "9" * 5000])
def test_content_lengths_that_are_none(length: str) -> None:
    with pytest.raises(BadRequest):
        open_body(environ(b"", CONTENT_LENGTH=length))


@pytest.mark.parametrize(
    ("codings", "coded"),
    [("", False), ("chunked", False), ("Chunked, identity", False), ("gzip, chunked", True)],
)
def test_coded_bodies(codings: str, coded: bool) -> None:
    assert is_coded({"HTTP_TRANSFER_ENCODING": codings}) is coded


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_metadata_is_read_or_refused(text: str) -> None:
    """Whatever a header may hold: pairs, or a refusal of ours."""
    try:
        pairs = parse_metadata(text)
    except UploadError:
        return
    assert all(key.isascii() and " " not in key for key in pairs)


@given(st.dictionaries(st.sampled_from("abc"), st.binary(max_size=9)))
def test_metadata_survives_the_wire(pairs: dict[str, bytes]) -> None:
    import base64

    header = ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in pairs.items())
    assert parse_metadata(header) == pairs


@given(st.text(max_size=25))
def test_numbers_are_read_or_refused(text: str) -> None:
    try:
        number = parse_number("Upload-Offset", text)
    except UploadError:
        return
    assert 0 <= number < 2**63


@given(st.text(max_size=30), st.integers(0, 50))
def test_ranges_are_read_ignored_or_refused(text: str, size: int) -> None:
    for header in (text, f"bytes={text}"):
        try:
            part = parse_range(header, size)
        except UploadError as refusal:
            assert refusal.status == 416
            continue
        if part:
            start, count = part
            assert start >= 0
            assert count > 0
            assert start + count <= size


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 50))
def test_ranges_by_the_numbers(first: int, last: int, size: int) -> None:
    wanted = list(range(size))[first : last + 1]
    if last < first:
        assert parse_range(f"bytes={first}-{last}", size) is None
    elif not wanted:
        with pytest.raises(UploadError):
            parse_range(f"bytes={first}-{last}", size)
    else:
        assert parse_range(f"bytes={first}-{last}", size) == (wanted[0], len(wanted))


@given(st.binary(max_size=400))
def test_names_are_never_paths(raw: bytes) -> None:
    name = plain_name(raw)
    assert not {"/", "\\", "\x00", "\n", "\r"} & set(name)
    assert name not in (".", "..")
    assert len(name) <= 255
    name.encode()


def test_settings_that_cannot_work_are_found(settings: Any) -> None:
    """`manage.py check` names the setting and what would do."""
    assert choices() == classes() == []
    settings.UPLOADS_ACCEPT = "everything"
    settings.UPLOADS_STORE = "uploads.stores.tape.TapeStore"
    assert [problem.id for problem in (*choices(), *classes())] == ["uploads.E001", "uploads.E002"]
