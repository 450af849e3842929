"""Where the site goes for its clients (contract, sections 2.3, 4, 6 and 15.10), in one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import environ
import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from transcription import checks
from transcription.conf import TranscriptionConf
from transcription.services.outbound import http_client, url_source
from transcription.services.outbound.url_source import (
    Blocked,
    DownloadFailed,
)
from whisperx_site.configuration.environment import read

from .fetching import Serve, fetched
from .servers import AUTHORITY, redirects, serves

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
