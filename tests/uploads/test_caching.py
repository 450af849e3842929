"""What is done once instead of for each request comes out the same."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest
from django.conf import LazySettings
from django.core.exceptions import DisallowedHost
from django.test import RequestFactory

from tests.running import Site
from tests.uploads.conftest import created, head
from tests.uploads.wire import TUS, ask
from uploads.conf import conf
from uploads.services import append
from whisperx_site.serving.fast_path import ToolsRequest


def test_the_date_of_answers_goes_on(sqlite_site: Site) -> None:
    path = created(sqlite_site, 5)
    told = []
    for _ in range(2):
        before = time.time()
        told.append(parsedate_to_datetime(head(sqlite_site, path).headers["Date"]).timestamp())
        assert before - 2 < told[-1] <= time.time()  # it counts whole seconds
        time.sleep(1.1)
    assert told[1] > told[0]


def test_a_host_that_was_answered_opens_no_other(sqlite_site: Site) -> None:
    path = created(sqlite_site, 5)
    assert head(sqlite_site, path).status == 200
    answer = ask(sqlite_site, "HEAD", path, {**TUS, "Host": "elsewhere.example.org"})
    assert answer.status == 400
    assert head(sqlite_site, path).status == 200


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
