"""What `uploads` needs of the site around it: little, and what is missing is said."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import path, resolve

from tests.running import ROOT
from tests.transcription.building import within
from uploads.conf import UploadsConf, declared
from uploads.models import State, Upload
from uploads.stores.registry import store

MANUAL = ROOT / "docs/uploads.md"
TUS = {"tus-resumable": "1.0.0", "host": "localhost"}
CSRF_ALONE = ["django.middleware.csrf.CsrfViewMiddleware"]
WITH_PEOPLE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    *CSRF_ALONE,
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
urlpatterns = [path("elsewhere", lambda request: None)]  # type: ignore[arg-type,return-value]


def complaints() -> dict[str | None, str]:
    """What Django's checks say of uploads: message and hint by identifier."""
    return {found.id: f"{found.msg} {found.hint}" for found in run_checks(tags=["uploads"])}


@pytest.mark.parametrize("place", ["", "uploads", "./uploads"])
def test_without_a_folder_of_its_own_nothing_is_stored(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The current directory is another one for each process."""
    monkeypatch.chdir(tmp_path)
    settings.UPLOADS_DIR = place
    assert "UPLOADS_DIR" in complaints()["uploads.E003"]
    with pytest.raises(ImproperlyConfigured, match="UPLOADS_DIR must be the absolute path"):
        store()
    assert os.listdir(tmp_path) == []
    settings.UPLOADS_DIR = str(tmp_path)
    assert complaints() == {}


def test_a_folder_may_be_a_path(settings: LazySettings, tmp_path: Path) -> None:
    settings.UPLOADS_DIR = tmp_path
    assert complaints() == {}
    assert store().free() > 0


def test_a_site_without_the_addresses_is_told_the_line(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = __name__
    assert 'path("files/", include("uploads.urls"))' in complaints()["uploads.E004"]


def test_a_class_that_is_not_there_is_named(settings: LazySettings) -> None:
    settings.UPLOADS_QUEUE = "uploads.queues.nowhere.Queue"
    assert "UPLOADS_QUEUE: No module named" in complaints()["uploads.E002"]


def test_the_manual_has_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `(UPLOADS_\w+)` \| (.*?) \|", MANUAL.read_text(), re.MULTILINE)
    said = {name: "" if text == "none" else eval(text.strip("`")) for name, text in rows}
    assert said == {option.name: option.default for option in declared(UploadsConf)}


@pytest.mark.parametrize("middleware", [[], CSRF_ALONE, WITH_PEOPLE])
@pytest.mark.django_db(transaction=True)
def test_an_upload_needs_no_middleware(
    settings: LazySettings, tmp_path: Path, middleware: list[str]
) -> None:
    """No session, nobody who sets `request.user`, and no token where Django checks them."""
    within(settings, tmp_path)
    settings.MIDDLEWARE = middleware
    settings.UPLOADS_HOOKS, settings.UPLOADS_MIN_FREE_SPACE = "uploads.hooks.Hooks", 0
    client = Client(headers=TUS, enforce_csrf_checks=True)
    owner = User.objects.create_user("anna") if middleware == WITH_PEOPLE else None
    if owner:
        client.force_login(owner)
    made = client.generic("POST", "/uploads/files/", headers={"upload-length": "5"})
    assert made.status_code == 201, made.content
    address = made["Location"]
    kind = "application/offset+octet-stream"
    for offset, piece in ((0, b"he"), (2, b"llo")):
        headers = {"upload-offset": str(offset)}
        answer = client.patch(address, piece, content_type=kind, headers=headers)
        assert answer.status_code == 204
    assert client.head(address)["Upload-Offset"] == "5"
    assert b"".join(client.get(address)) == b"hello"
    upload = Upload.objects.get()
    assert (upload.state, upload.owner) == (State.FINISHED, owner)
    assert client.delete(address).status_code == 204


@pytest.mark.parametrize("address", ["/uploads/files/", "/uploads/files/0"])
def test_no_upload_waits_in_a_transaction_of_its_request(address: str) -> None:
    """A site with ATOMIC_REQUESTS would hold one for as long as a client sends."""
    view = resolve(address).func
    assert "default" in view._non_atomic_requests  # type: ignore[attr-defined]
