"""What the log tells of URLs that clients name: where they lead, never what they may open."""

from __future__ import annotations

import logging

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.running import encode_metadata
from transcription.services.outbound import url_source
from transcription.services.outbound.redacted_urls import told_url
from transcription.services.outbound.url_source import DownloadFailed, Unreachable
from transcription.services.webhooks.outbox import Claim
from transcription.services.webhooks.sender import send

from .fetching import Serve
from .servers import redirects

SECRETS = ("geheim", "topsecret", "user")
DEAD = "http://user:geheim@127.0.0.1:9/x.wav?key=topsecret#topsecret"
HOOKED = encode_metadata({"filename": "a.wav", "callback_url": DEAD})


def told(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(caplog.handler.format(record) for record in caplog.records)


@pytest.mark.usefixtures("unguarded")
def test_the_log_of_a_failed_request_has_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """Neither user nor password nor query, in whatever goes wrong."""
    caplog.set_level(logging.INFO)
    for url in (DEAD, "http://user:gehe/im@x/y.wav?topsecret", "http://user:geheim@[::1/x.wav"):
        with pytest.raises((Unreachable, DownloadFailed, url_source.Blocked)):
            url_source.probe(url)
        with pytest.raises((DownloadFailed, url_source.Blocked)) as failure:
            url_source.fetch(url, lambda piece: None, 10)
        if isinstance(failure.value, DownloadFailed):
            assert not any(secret in str(failure.value) for secret in SECRETS)
    text = told(caplog)
    assert "http://127.0.0.1:9/x.wav" in text
    assert not any(secret in text for secret in (*SECRETS, "gehe")), text


@pytest.mark.usefixtures("unguarded")
def test_where_a_redirect_leads_is_no_secret_told(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    there = serve(redirects(lambda here, path: "http://user:geheim@[x/?topsecret"))
    with pytest.raises(DownloadFailed):
        url_source.fetch(there.url + "/x.wav?topsecret", lambda piece: None, 10)
    assert not any(secret in told(caplog) for secret in SECRETS)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (
            "https://u:p@Example.org:8443/hook/a%20b?token=t#f",
            "https://example.org:8443/hook/a%20b",
        ),
        ("http://u:p@w@host/x", "http://host/x"),
        ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80/x"),
        ("http://u:p\\@host/x", "an address that cannot be read"),
        ("http:u:p@host/x", "an address that cannot be read"),
        ("http://u:99999999@", "an address that cannot be read"),
        ("//u:p@[", "an address that cannot be read"),
        ("u:p", "an address that cannot be read"),
    ],
)
def test_what_is_told_of_a_url(url: str, text: str) -> None:
    assert told_url(url) == text


def test_a_long_url_is_cut() -> None:
    assert len(told_url("http://host/" + "x" * 60_000)) == 200


@pytest.mark.usefixtures("unguarded")
def test_what_staff_read_of_a_callback_has_no_secrets(settings: LazySettings) -> None:
    from transcription.models import Delivery

    for url in (DEAD, "http://user:geheim/@x"):
        outcome = send(Claim(Delivery(url=url), b"{}", 5))
        assert outcome.reason
        assert not any(secret in outcome.reason for secret in SECRETS)


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize(
    ("asks", "where"),
    [
        ({"Upload-Length": "9", "Upload-Metadata": HOOKED}, DEAD),
        ({"Upload-Concat": f"final;{DEAD}"}, DEAD),
        ({"Upload-Concat": "final;http://user:geheim@[x"}, "http://user:geheim@[x"),
    ],
)
def test_the_log_of_a_refused_upload_has_no_secrets(
    admin_client: Client, caplog: pytest.LogCaptureFixture, asks: dict[str, str], where: str
) -> None:
    """The client alone is told its address as it sent it."""
    caplog.set_level(logging.INFO)
    headers = {"Host": "localhost", "Tus-Resumable": "1.0.0", **asks}
    answer = admin_client.generic("POST", "/uploads/files/", b"", headers=headers)
    assert answer.status_code == 400 and where in answer.json()["detail"]
    text = told(caplog)
    assert "POST /uploads/files/: 400" in text
    assert not any(secret in text for secret in SECRETS), text
