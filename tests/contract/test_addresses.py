"""Where the site goes for its clients (contract, sections 2.3, 4, 6 and 15.10), in one process."""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import environ
import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from transcription import checks
from transcription.conf import TranscriptionConf
from transcription.services.outbound import http_client, url_source
from transcription.services.outbound.source_name import source_name
from transcription.services.outbound.url_source import (
    Blocked,
    DownloadFailed,
    Unreachable,
    UnsupportedExtension,
)
from uploads.errors import TooLarge
from whisperx_site.configuration.environment import read

from .servers import AUTHORITY, Answer, Server, endless, hangs, redirects, serves

Serve = Callable[..., Server]
real_getaddrinfo = socket.getaddrinfo

OWN = [
    *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1"),
    *("017700000001", "127.255.255.254", "0", "0.0.0.0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]"),
    *("[::ffff:0:127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::a00:1]", "[64:ff9b:1::1]"),
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254"),
    *("2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "168.63.129.16"),
    *("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "255.255.255.255"),
    *("240.0.0.1", "[fc00::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]"),
    *("[2001::1]", "[100::1]", "user:secret@127.0.0.1", "8.8.8.8@127.0.0.1", "127.0.0.1:65535"),
    *("127。0。0。1", "１２７.0.0.1", "LOCALHOST"),
]


@pytest.fixture
def unguarded(settings: LazySettings) -> None:
    settings.SSRF_PROTECTION_ENABLED = False


@pytest.fixture
def loopback_allowed(settings: LazySettings) -> None:
    """Guarded, but 127.0.0.1 is for the test what the public network is elsewhere."""
    settings.SSRF_BLOCKED_NETWORKS = ["127.0.0.2/32", "10.0.0.0/8", "169.254.0.0/16"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What names stand for: at each look the next of their lists, the last for ever."""
    known: dict[str, list[list[str]]] = {}

    def look(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        answers = known.get(str(host))
        if answers is None:
            return real_getaddrinfo(host, port, *rest, **more)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for one in found for entry in real_getaddrinfo(one, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return known


def fetched(url: str, limit: int = 1000) -> tuple[str, bytes]:
    pieces: list[bytes] = []
    found = url_source.fetch(url, lambda piece: pieces.append(bytes(piece)), limit)
    return found.file_name, b"".join(pieces)


# Which addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", OWN)
def test_own_networks_are_closed_in_every_spelling(host: str) -> None:
    for look in (url_source.check_url, fetched, url_source.probe):
        with pytest.raises(Blocked):
            look(f"http://{host}/x.wav")


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://8.8.8.8/x.wav", "gopher://8.8.8.8/x.wav", "x.wav", ""),
        *("http:///x.wav", "http://[::1/x.wav", "http://a..b/x.wav", "//8.8.8.8/x.wav"),
        *(f"http://{'a' * 64}.test/x.wav", "http://8.8.8.8:port/x.wav", "http://8.8.8.8:65536/x"),
        *("http://8.8.8.8:-1/x.wav", "http://nobody.invalid/x.wav", "http://8.8.8.8/\x00x.wav"),
    ],
)
def test_what_leads_nowhere_is_blocked(url: str) -> None:
    with pytest.raises(Blocked) as refusal:
        fetched(url)
    assert refusal.value.url == url and refusal.value.reason
    with pytest.raises(Blocked):
        url_source.probe(url)


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700:4700::1111]", "[64:ff9b::808:808]"])
def test_public_addresses_are_open(host: str) -> None:
    url_source.check_url(f"https://{host}:8443/x.wav")


def test_one_bad_address_among_good_ones_is_enough(names: dict[str, list[list[str]]]) -> None:
    names["both.test"] = [["8.8.8.8", "10.0.0.1"]]
    with pytest.raises(Blocked):
        url_source.check_url("http://both.test/x.wav")


def test_schemes_and_networks_are_settings(settings: LazySettings) -> None:
    settings.SSRF_ALLOWED_SCHEMES = ["https"]
    settings.SSRF_BLOCKED_NETWORKS = ["8.8.8.0/24"]
    url_source.check_url("https://127.0.0.1/x.wav")
    for url in ("http://127.0.0.1/x.wav", "https://8.8.8.8/x.wav", "https://[::ffff:8.8.8.8]/"):
        with pytest.raises(Blocked):
            url_source.check_url(url)


def test_settings_are_read_as_other_services_write_them() -> None:
    environment = environ.Env()
    option = TranscriptionConf.SSRF_BLOCKED_NETWORKS
    for text, meant in (
        ("10.0.0.0/8, fd00::/8", ["10.0.0.0/8", "fd00::/8"]),
        ('["10.0.0.0/8", "fd00::/8"]', ["10.0.0.0/8", "fd00::/8"]),
        ("[]", []),
    ):
        environment.ENVIRON = {"SSRF_BLOCKED_NETWORKS": text}
        assert read(environment, option) == meant
    for text in ("[1]", '["10.0.0.0/8"', '{"a": 1'):
        environment.ENVIRON = {"SSRF_BLOCKED_NETWORKS": text}
        if text.startswith("["):
            with pytest.raises(ImproperlyConfigured):
                read(environment, option)


def test_networks_that_are_none_are_told_at_the_start(settings: LazySettings) -> None:
    assert not checks.known_networks()
    settings.SSRF_BLOCKED_NETWORKS = ["10.0.0.0/8", "mine"]
    assert [message.id for message in checks.known_networks()] == ["transcription.E003"]


# Pinned -------------------------------------------------------------------------------------------


def test_a_name_that_changes_its_mind_is_judged_where_it_is_used(
    serve: Serve, names: dict[str, list[list[str]]], loopback_allowed: None
) -> None:
    """DNS rebinding: harmless at the first look, ours at the next."""
    server = serve(serves(b"sound"))
    names["rebinding.test"] = [["127.0.0.1"], ["127.0.0.2"]]
    with pytest.raises(Blocked):
        fetched(f"http://rebinding.test:{server.server_port}/x.wav")
    assert not server.calls


def test_a_connection_goes_to_the_address_that_was_judged(
    serve: Serve, names: dict[str, list[list[str]]], loopback_allowed: None
) -> None:
    server = serve(serves(b"sound"))
    # The second look is the connection's own; whoever asked once more would get a closed one.
    names["steady.test"] = [["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"]]
    address = f"http://steady.test:{server.server_port}/x.wav"
    assert fetched(address) == ("x.wav", b"sound")
    assert server.calls[0].headers["Host"] == f"steady.test:{server.server_port}"


def test_an_address_that_does_not_answer_leaves_the_others(
    serve: Serve, names: dict[str, list[list[str]]], loopback_allowed: None
) -> None:
    server = serve(serves(b"sound"))
    names["several.test"] = [["127.0.0.3", "127.0.0.1"]]
    assert fetched(f"http://several.test:{server.server_port}/x.wav")[1] == b"sound"


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The authority of recordings.test, by the system's own way to name one."""
    AUTHORITY.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    http_client.tls.cache_clear()
    yield
    http_client.tls.cache_clear()


def test_tls_keeps_the_name(
    serve: Serve, names: dict[str, list[list[str]]], loopback_allowed: None, trusted: None
) -> None:
    server = serve(serves(b"sound"), tls=True)
    names["recordings.test"] = names["other.test"] = [["127.0.0.1"]]
    assert fetched(f"https://recordings.test:{server.server_port}/x.wav")[1] == b"sound"
    assert server.server_name_said == ["recordings.test"]
    assert server.calls[0].headers["Host"] == f"recordings.test:{server.server_port}"
    for host in ("other.test", "127.0.0.1"):  # the certificate is not theirs
        with pytest.raises(DownloadFailed):
            fetched(f"https://{host}:{server.server_port}/x.wav")
    assert len(server.calls) == 1


def test_a_certificate_that_nobody_vouches_for(
    serve: Serve, names: dict[str, list[list[str]]], unguarded: None
) -> None:
    names["recordings.test"] = [["127.0.0.1"]]
    server = serve(200, tls=True)
    with pytest.raises(DownloadFailed):
        fetched(f"https://recordings.test:{server.server_port}/x.wav")


def test_proxies_of_the_environment_are_not_used(
    serve: Serve, unguarded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(200), serve(serves(b"sound"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert fetched(f"{server.url}/x.wav")[1] == b"sound" and not proxy.calls


# Redirects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(serve: Serve, loopback_allowed: None, status: int) -> None:
    target = serve(serves(b"sound"))
    server = serve(redirects(lambda _, path: f"{target.url}/other", status))
    assert fetched(f"{server.url}/x.wav") == ("x.wav", b"sound")


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/x.wav", "file:///etc/passwd", "//10.0.0.1/x.wav"]
)
def test_each_redirect_is_judged(serve: Serve, loopback_allowed: None, location: str) -> None:
    first = serve(redirects(lambda server, path: location if path == "/2" else "/2"))
    with pytest.raises(Blocked) as refusal:
        fetched(f"{first.url}/x.wav")
    assert refusal.value.url.endswith(location.partition(":")[2].lstrip("/").rpartition("/")[2])


def test_redirects_end(serve: Serve, unguarded: None) -> None:
    server = serve(redirects(lambda _, path: path + "x"))
    with pytest.raises(DownloadFailed):
        fetched(f"{server.url}/x.wav")
    assert len(server.calls) == 11


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
