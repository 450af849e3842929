"""The key of programs on this machine: DATA_DIR/local_key."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from tests.running import Site
from tests.site.people import form_token, signed_in
from whisperx_site.accounts import local_key
from whisperx_site.accounts.models import ApiKey, LocalKey

LIST = "/admin/accounts/apikey/"


def status(site: Site, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.get(f"{site.url}/task/all", headers=headers, timeout=30).status_code


def revoke(site: Site, start: str) -> None:
    """Delete the key that begins so in the admin, as staff does."""
    pk = site.shell(
        "from whisperx_site.accounts.models import ApiKey\n"
        f"print(ApiKey.objects.get(start={start!r}).pk)"
    ).strip()
    session = signed_in(site)
    page = f"{site.url}{LIST}{pk}/delete/"
    form = {"post": "yes", "csrfmiddlewaretoken": form_token(session, page)}
    assert session.post(page, data=form, timeout=30).url == site.url + LIST


@pytest.mark.proof
def test_it_is_made_once_and_stays_revoked(new_site: Callable[..., Site]) -> None:
    """Over restarts; a new one comes only when somebody removes the file."""
    site = new_site().start()
    file = site.data_dir / "local_key"
    first = site.key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert status(site, first) == 200
    assert first[:12] in signed_in(site).get(site.url + LIST, timeout=30).text
    site.stop()
    site.start()
    assert site.key == first and status(site, first) == 200
    revoke(site, first[:12])
    assert status(site, first) == 401
    site.stop()
    site.start()
    assert site.key == first and status(site, first) == 401
    assert "is revoked" in site.log.read_text()
    site.stop()
    file.unlink()
    site.start()
    second = site.key
    assert second != first
    assert [status(site, first), status(site, second)] == [401, 200]


# Within this process, on a database of the test's own -------------------------------------------

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings: LazySettings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss")


def opens(secret: str) -> bool:
    client = Client(headers={"host": "localhost", "authorization": f"Bearer {secret}"})
    return bool(client.get("/task/all").status_code == 200)


def test_a_database_that_does_not_know_it_gets_a_new_one(folder: Path, boss: User) -> None:
    """As a fresh one does, or one on another server."""
    local_key.ensure()
    old = local_key.stored_secret()
    ApiKey.objects.all().delete()
    LocalKey.objects.all().delete()
    assert local_key.ensure() == ""
    assert local_key.stored_secret() != old
    assert opens(local_key.stored_secret()) and not opens(old)


@pytest.mark.parametrize("content", [b"", b"\n", b"sk-of-another\n", b"\xff\xfe\x00", None])
def test_a_file_that_holds_no_key_or_is_lost(
    folder: Path, boss: User, content: bytes | None
) -> None:
    """There is a new key, and the one that nobody can read any more ends."""
    local_key.ensure()
    old = local_key.stored_secret()
    if content is None:
        (folder / "local_key").unlink()
    else:
        (folder / "local_key").write_bytes(content)
    assert local_key.ensure() == ""
    assert opens(local_key.stored_secret()) and not opens(old)
    assert ApiKey.objects.count() == 1
    assert stat.S_IMODE((folder / "local_key").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["local_key"]


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_others_on_the_machine_lose_what_they_may_read(folder: Path, boss: User) -> None:
    """A copy or a restored backup may have opened it; a mode that is closed stays as it is."""
    local_key.ensure()
    secret, file = local_key.stored_secret(), folder / "local_key"
    for before, after in ((0o644, 0o600), (0o610, 0o600), (0o400, 0o400)):
        file.chmod(before)
        assert local_key.ensure() == ""
        assert stat.S_IMODE(file.stat().st_mode) == after
    assert local_key.stored_secret() == secret


def test_what_staff_deletes_stays_revoked(folder: Path, boss: User) -> None:
    """Until somebody removes the file, too."""
    local_key.ensure()
    secret = local_key.stored_secret()
    ApiKey.objects.all().delete()
    assert "revoked" in local_key.ensure()
    assert local_key.stored_secret() == secret and not opens(secret)
    assert not ApiKey.objects.exists()
    (folder / "local_key").unlink()
    assert local_key.ensure() == ""
    assert opens(local_key.stored_secret()) and not opens(secret)


def test_keys_that_people_made_stay(folder: Path, boss: User) -> None:
    key = ApiKey(user=boss, name="flow")
    secret = key.renew_secret()
    key.save()
    local_key.ensure()
    (folder / "local_key").unlink()
    local_key.ensure()
    assert opens(secret)


def test_its_user_goes(folder: Path, boss: User) -> None:
    """A user who is barred or deleted takes it along; it does not come back by itself."""
    local_key.ensure()
    secret = local_key.stored_secret()
    User.objects.update(is_active=False)
    assert not opens(secret) and "revoked" in local_key.ensure()
    User.objects.update(is_active=True)
    assert opens(secret) and local_key.ensure() == ""
    boss.delete()
    User.objects.create_superuser("other")
    assert "revoked" in local_key.ensure()
    assert local_key.stored_secret() == secret and not opens(secret)


def test_it_is_of_the_first_superuser_else_staff_user(folder: Path) -> None:
    assert "createsuperuser" in local_key.ensure()
    assert not (folder / "local_key").exists()
    User.objects.create_user("reader")
    User.objects.create_user("clerk", is_staff=True)
    User.objects.create_superuser("barred", is_active=False)
    assert local_key.ensure() == "" and ApiKey.objects.get().user.username == "clerk"
    (folder / "local_key").unlink()
    User.objects.create_superuser("boss")
    User.objects.create_superuser("second")
    assert local_key.ensure() == "" and ApiKey.objects.get().user.username == "boss"


def test_a_folder_that_takes_no_files_is_told_of(
    settings: LazySettings, tmp_path: Path, boss: User
) -> None:
    """The start goes on, and no key is left that nobody has."""
    settings.DATA_DIR = tmp_path / "gone"
    assert "can't be written" in local_key.ensure()
    assert not ApiKey.objects.exists() and not LocalKey.objects.exists()
