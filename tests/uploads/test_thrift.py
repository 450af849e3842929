"""What is done once instead of for each request comes out the same."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from inspect import getsource
from types import SimpleNamespace

import gevent
import pytest
from django.conf import LazySettings
from django.core.exceptions import DisallowedHost
from django.test import RequestFactory
from gevent import socket
from gunicorn import util
from gunicorn.config import Config
from gunicorn.http import message, wsgi

from tests.running import Site
from tests.uploads.conftest import created, head
from tests.uploads.wire import TUS, ask
from uploads.conf import conf
from uploads.services import append
from whisperx_site.serving.fast_path import ToolsRequest
from whisperx_site.serving.gunicorn_caching import is_trusted_proxy, write


def test_the_date_of_answers_goes_on(sqlite_site: Site) -> None:
    path = created(sqlite_site, 5)
    told = []
    for _ in range(2):
        told.append(parsedate_to_datetime(head(sqlite_site, path).headers["Date"]).timestamp())
        assert abs(told[-1] - time.time()) < 2.5
        time.sleep(1.1)
    assert told[1] > told[0]


@pytest.mark.parametrize("peer", [("127.0.0.1", 50000), ("::1", 50000, 0, 0), b"", ""])
def test_whom_gunicorn_trusts(peer: object) -> None:
    """Nobody on the network, as it would find out itself."""
    config = Config()
    config.set("forwarded_allow_ips", "")
    request = SimpleNamespace(peer_addr=peer, cfg=config)
    assert message.HeaderPolicy._peer_is_trusted_proxy(request) == is_trusted_proxy(request)


def test_a_host_that_was_answered_opens_no_other(sqlite_site: Site) -> None:
    path = created(sqlite_site, 5)
    assert head(sqlite_site, path).status == 200
    answer = ask(sqlite_site, "HEAD", path, {**TUS, "Host": "elsewhere.example.org"})
    assert answer.status in (400, 401)
    assert head(sqlite_site, path).status == 200


def test_a_long_answer_to_a_slow_reader_is_sent_whole() -> None:
    """Where it does not fit into the socket at once."""
    ours, theirs = socket.socketpair()
    sent = bytes(range(256)) * 40_000
    sender = gevent.spawn(write, ours, sent)
    received = b""
    while len(received) < len(sent):
        gevent.sleep(0.001)
        received += theirs.recv(1 << 20)
    sender.get(timeout=10)
    assert received == sent
    ours.close()
    theirs.close()


def test_gunicorn_still_has_what_is_replaced() -> None:
    """Else a new release of it would bring the old cost back without a word."""
    assert callable(util.http_date) and callable(util.write)
    assert "util.http_date()" in getsource(wsgi) and "util.write(" in getsource(wsgi)
    assert "WSGIErrorsWrapper(cfg)" in getsource(wsgi)
    assert "self._peer_is_trusted_proxy()" in getsource(message)


def test_a_setting_that_changes_is_forgotten(settings: LazySettings) -> None:
    before = conf.UPLOADS_MAX_SIZE
    settings.UPLOADS_MAX_SIZE = before + 1
    assert before + 1 == conf.UPLOADS_MAX_SIZE


def test_hosts_that_change_are_forgotten(settings: LazySettings) -> None:
    for host in ("a.example.org", "b.example.org"):
        settings.ALLOWED_HOSTS = [host]
        for asked in ("a.example.org", "b.example.org"):
            request = ToolsRequest(RequestFactory().options("/", HTTP_HOST=asked).environ)
            if asked == host:
                assert request.get_host() == host
            else:
                with pytest.raises(DisallowedHost):
                    request.get_host()


def test_however_many_they_are_live_uploads_do_not_expire(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each body writes its progress, which prolongs its upload, several times in that time."""
    settings.UPLOADS_EXPIRE_AFTER = 6
    assert append.seconds_between_notes() == append.NOTE_PROGRESS_EVERY
    monkeypatch.setattr(append, "bodies", set(range(5000)))
    assert append.seconds_between_notes() == 2
    settings.UPLOADS_EXPIRE_AFTER = 86400
    assert append.seconds_between_notes() == append.NOTE_PROGRESS_WITHIN
