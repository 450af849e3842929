"""What becomes of a download, and of asking a receiver (contract, sections 4 and 7.1)."""

from __future__ import annotations

import gzip
import ssl
import zlib
from http.server import BaseHTTPRequestHandler

import pytest
from django.conf import LazySettings

from transcription.services.outbound import http_client, url_source
from transcription.services.outbound.source_name import source_name
from transcription.services.outbound.url_source import (
    DownloadFailed,
    Unreachable,
    UnsupportedExtension,
)
from uploads.errors import TooLarge

from .fetching import Serve, fetched
from .servers import Answer, Server, endless, hangs, redirects, serves

# Bounds -------------------------------------------------------------------------------------------


def drips_headers(server: Server, request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    endless(request, 0.05, b"x")


def drips_body(server: Server, request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    endless(request, 0.05, b"x")


@pytest.mark.parametrize("answer", [drips_headers, drips_body, hangs(20)])
def test_a_download_ends_in_time(
    serve: Serve, unguarded: None, settings: LazySettings, answer: Answer
) -> None:
    settings.DOWNLOAD_TIMEOUT = 0.4
    with pytest.raises(DownloadFailed):
        fetched(f"{serve(answer).url}/x.wav", 10**7)


def test_a_receiver_that_says_nothing_in_time(
    serve: Serve, unguarded: None, settings: LazySettings
) -> None:
    settings.CALLBACK_TIMEOUT = 0.3
    with pytest.raises(Unreachable):
        url_source.probe(serve(hangs(20)).url)


def test_a_download_has_a_greatest_length(serve: Serve, unguarded: None) -> None:
    in_pieces = serves(b"6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\n", Transfer_Encoding="chunked")
    assert fetched(f"{serve(in_pieces).url}/x.wav", 12)[1] == b"abcdefghijkl"
    for answer in (in_pieces, serves(b"abcdefghijkl")):
        with pytest.raises(TooLarge):
            fetched(f"{serve(answer).url}/x.wav", 11)


def test_a_packed_download_is_unpacked_once(serve: Serve, unguarded: None) -> None:
    """It was asked for as it is. What is packed three times made 2 GiB of 272 bytes."""
    content = bytes(1_000_000)
    packed = gzip.compress(content)
    for coding, body in (("gzip", packed), ("GZIP", packed), ("deflate", zlib.compress(content))):
        server = serve(serves(body, Content_Encoding=coding))
        assert fetched(f"{server.url}/x.wav", len(content))[1] == content
        with pytest.raises(TooLarge):
            fetched(f"{server.url}/x.wav", len(content) - 1)
    for coding, body in (
        ("gzip, gzip", gzip.compress(packed)),
        ("br", b""),
        ("gzip", packed[:-9]),
        ("gzip", content),
    ):
        with pytest.raises(DownloadFailed):
            fetched(f"{serve(serves(body, Content_Encoding=coding)).url}/x.wav", 10**7)


def test_a_download_that_is_cut_is_none(serve: Serve, unguarded: None) -> None:
    server = serve(serves(b"half", Content_Length="8"))
    with pytest.raises(DownloadFailed):
        fetched(f"{server.url}/x.wav")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 500, 503])
def test_a_refusal_is_no_recording(serve: Serve, unguarded: None, status: int) -> None:
    with pytest.raises(DownloadFailed):
        fetched(f"{serve(status).url}/x.wav")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.wav", "http://nobody.invalid/x.wav", "x"])
def test_unguarded_what_leads_nowhere_is_a_failed_download(unguarded: None, url: str) -> None:
    with pytest.raises(DownloadFailed):
        fetched(url)
    with pytest.raises(Unreachable):
        url_source.probe(url)


# Names (section 4) --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "disposition", "name"),
    [
        ("/a/speech.wav", "", "speech.wav"),
        ("/speech.WAV?x=y.mp3#z", "", "speech.WAV"),
        ("/a%20b.wav", "", "a_20b.wav"),
        ("/my..long__name.wav", "", "my_long_name.wav"),
        ("/...hidden.wav", "", "hidden.wav"),
        ("/what!.wav", "", "what.wav"),
        ("/é.wav", "", "recording.wav"),
        ("/x.flac", "", "x.flac"),
        ("/x", 'attachment; filename="speech.mp3"', "speech.mp3"),
        ("/x.wav", 'attachment; filename="speech.mp3"', "speech.mp3"),
        ("/x.wav", "attachment; filename=speech.mp3", "speech.mp3"),
        ("/x.wav", 'attachment; filename="speech.mp3"; size=3', "speech.mp3"),
        ("/x.wav", 'attachment; FileName="a;b.mp3"', "a_b.mp3"),
        ("/x.wav", 'attachment; filename="../../etc/speech.mp3"', "speech.mp3"),
        ("/x.wav", 'attachment; filename="notes.txt"', "x.wav"),
        ("/x.wav", 'attachment; filename=""', "x.wav"),
        ("/x.wav", "attachment", "x.wav"),
        ("/x.wav", "attachment; filename*=UTF-8''na%C3%AFve.mp3", "x.wav"),
        ("/x", "attachment; filename*=UTF-8''na%C3%AFve.mp3", "na_ve.mp3"),
        ("/x", "attachment; filename*=nonsense''%41.mp3", None),
        ("/x", "", None),
        ("/", "", None),
        ("/x.txt", 'attachment; filename="notes.txt"', None),
        ("/.wav", "", None),
    ],
)
def test_names_of_what_is_fetched(path: str, disposition: str, name: str | None) -> None:
    if name:
        assert source_name(f"http://host.test{path}", disposition) == name
        return
    with pytest.raises(UnsupportedExtension) as refusal:
        source_name(f"http://host.test{path}", disposition)
    assert (
        refusal.value.allowed == sorted(refusal.value.allowed) and ".wav" in refusal.value.allowed
    )
    assert refusal.value.filename == (path.strip("/.").replace(".", ".") or "(unknown)")


def test_a_name_without_extension_costs_no_bytes(serve: Serve, unguarded: None) -> None:
    taken: list[bytes] = []
    with pytest.raises(UnsupportedExtension):
        url_source.fetch(f"{serve(serves(b'sound')).url}/x", taken.append, 100)
    assert not taken


# The HEAD before a job (section 7.1) -------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204, 302, 399, 405])
def test_receivers_that_are_there(serve: Serve, unguarded: None, status: int) -> None:
    server = serve(lambda _, request: request.send_error(status))
    url_source.probe(server.url)
    assert [call.method for call in server.calls] == ["HEAD"]


@pytest.mark.parametrize("status", [400, 401, 404, 406, 500, 503])
def test_receivers_that_refuse(serve: Serve, unguarded: None, status: int) -> None:
    server = serve(lambda _, request: request.send_error(status))
    with pytest.raises(Unreachable):
        url_source.probe(server.url)


def test_the_head_follows_no_redirect(serve: Serve, unguarded: None) -> None:
    elsewhere = serve(200)
    url_source.probe(serve(redirects(lambda *_: elsewhere.url)).url)
    assert not elsewhere.calls


def test_the_client_looks_at_certificates() -> None:
    assert http_client.tls().verify_mode == ssl.CERT_REQUIRED and http_client.tls().check_hostname
