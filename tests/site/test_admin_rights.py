"""Keys, users and groups in the admin: nobody gets more rights by changing them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, Permission, User

from tests.running import PASSWORD
from tests.site.staff_clients import signed_in, someone, with_key
from tests.transcription.building import within
from whisperx_site.accounts.models import ApiKey

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = "/admin/accounts/apikey/"


@pytest.fixture(autouse=True)
def folders(settings: LazySettings, tmp_path: Path) -> None:
    within(settings, tmp_path)


def test_a_key_is_made_for_oneself() -> None:
    """A key acts as its user; who may add keys must not act as a superuser by it."""
    boss = User.objects.create_superuser("boss")
    clerk = someone("clerk", *(f"{verb}_apikey" for verb in ("add", "change", "view", "delete")))
    theirs = ApiKey(user=boss, name="of the boss")
    theirs.renew_secret()
    theirs.save()
    client = signed_in(clerk)
    assert b'name="user"' not in client.get(f"{KEYS}add/").content
    answer = client.post(f"{KEYS}add/", {"name": "mine", "user": str(boss.pk)})
    assert answer.status_code == 302
    own = ApiKey.objects.get(name="mine")
    assert own.user == clerk
    client.post(f"{KEYS}{own.pk}/change/", {"name": "renamed", "user": str(boss.pk)})
    own.refresh_from_db()
    assert (own.name, own.user) == ("renamed", clerk)
    assert b"of the boss" not in client.get(KEYS).content
    client.post(f"{KEYS}{theirs.pk}/change/", {"name": "stolen"})
    client.post(f"{KEYS}{theirs.pk}/delete/", {"post": "yes"})
    picked = {"action": "delete_selected", "_selected_action": str(theirs.pk), "post": "yes"}
    client.post(KEYS, picked)
    theirs.refresh_from_db()
    assert theirs.name == "of the boss"
    picked["_selected_action"] = str(own.pk)
    client.post(KEYS, picked)
    assert not ApiKey.objects.filter(pk=own.pk).exists()
    for_clerk = {"name": "for the clerk", "user": str(clerk.pk)}
    assert signed_in(boss).post(f"{KEYS}add/", for_clerk).status_code == 302
    assert ApiKey.objects.get(name="for the clerk").user == clerk


def test_who_may_change_users_gets_no_more_rights_by_it() -> None:
    """Neither rights of one's own, nor the password of somebody who has more."""
    boss = User.objects.create_superuser("boss")
    clerk = someone("clerk", "change_user", "view_user", "add_user", "delete_user")
    other, plain = someone("other"), someone("plain", staff=False)
    client = signed_in(clerk)
    rights = {"is_active": "on", "is_staff": "on", "is_superuser": "on", "groups": []}
    rights |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    for user in (clerk, plain):
        said = {**rights, "username": user.username, "first_name": "New"}
        assert client.post(f"/admin/auth/user/{user.pk}/change/", said).status_code == 302
        user.refresh_from_db()
        assert user.first_name == "New"
        assert (user.is_superuser, user.is_staff) == (False, user == clerk)
    new = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    for user in (boss, other):
        assert client.post(f"/admin/auth/user/{user.pk}/password/", new).status_code == 403
        assert (
            client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"}).status_code == 403
        )
        picked = {"action": "delete_selected", "_selected_action": str(user.pk), "post": "yes"}
        client.post("/admin/auth/user/", picked)
    assert User.objects.count() == 4


def test_who_may_change_groups_gets_no_more_rights_by_it() -> None:
    """Rights of a group are rights of its members, so superusers alone change groups."""
    clerk = someone("clerk", "add_group", "change_group", "delete_group", "view_group")
    group = Group.objects.create(name="own")
    clerk.groups.add(group)
    rights = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    every = {"name": "own", "permissions": rights}
    client, groups = signed_in(clerk), "/admin/auth/group/"
    assert client.get(groups).status_code == 200
    assert client.post(f"{groups}{group.pk}/change/", every).status_code == 403
    assert client.post(f"{groups}add/", {**every, "name": "new"}).status_code == 403
    assert client.post(f"{groups}{group.pk}/delete/", {"post": "yes"}).status_code == 403
    picked = {"action": "delete_selected", "_selected_action": str(group.pk), "post": "yes"}
    client.post(groups, picked)
    assert [(one.name, one.permissions.count()) for one in Group.objects.all()] == [("own", 0)]
    boss = signed_in(User.objects.create_superuser("boss"))
    assert boss.post(f"{groups}{group.pk}/change/", every).status_code == 302
    assert group.permissions.exists()


@pytest.mark.parametrize("path", ["/admin", "/admin/", KEYS, "/admin/login/", "/admin/none"])
def test_keys_never_open_the_admin(path: str) -> None:
    """Not even a superuser's, whatever session comes beside it."""
    boss = User.objects.create_superuser("boss")
    client = with_key(boss)
    assert client.get("/task/all").status_code == 200
    for method in ("get", "post"):
        assert getattr(client, method)(path).status_code == 403
    client.force_login(boss)
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/admin/uploads/upload/", "/admin/uploads/cleanuprun/"])
def test_the_admin_tells_of_the_store_who_may_look(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused page must not leave its message for the next one that is shown."""
    monkeypatch.setattr(
        "uploads.admin_pages.cleanup.store_problem", lambda: "The store is another one."
    )
    clerk, looker = someone("clerk"), someone("looker", "view_upload", "view_cleanuprun")
    assert signed_in(looker).get(path).content.count(b"The store is another one.") == 1
    client = signed_in(clerk)
    assert client.get(path).status_code == 403
    assert b"The store is another one." not in client.get("/admin/").content
