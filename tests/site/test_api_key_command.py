"""`manage.py create_api_key`: a key for a program, made at a shell."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
import requests
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.running import Site
from whisperx_site.accounts.models import ApiKey


def created(*arguments: str) -> str:
    out = StringIO()
    call_command("create_api_key", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_a_key_that_opens_the_site(site: Site) -> None:
    made = site.manage("create_api_key", "admin", "a script")
    key = made.stdout.strip()
    assert made.stdout == f"{key}\n" and key.startswith("wxs_")
    answer = requests.get(
        f"{site.url}/task/all", headers={"Authorization": f"Bearer {key}"}, timeout=30
    )
    assert answer.status_code == 200


@pytest.mark.django_db
def test_a_key_has_its_user_its_name_and_its_end() -> None:
    ann = User.objects.create_user("ann")
    made = json.loads(created("ann", "n8n flow", "--days", "30", "--json"))
    key = ApiKey.objects.get()
    assert (key.user, key.name, key.start) == (ann, "n8n flow", made["key"][:12])
    assert key.expires and timedelta(days=29) < key.expires - timezone.now() < timedelta(days=31)
    assert LogEntry.objects.get().change_message == "Created by a command."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody", "x"), "There is no user 'nobody'."),
        (("gone", "x"), "not active"),
        (("ann", ""), "1 to 100 characters"),
        (("ann", "x" * 101), "1 to 100 characters"),
        (("ann", "x", "--days", "0"), "more than 0"),
        (("ann", "x", "--days", "-1"), "more than 0"),
        (("ann", "x", "--days", "nan"), "a number of days"),
        (("ann", "x", "--days", "1e9"), "a number of days"),
    ],
)
def test_what_makes_no_sense_makes_no_key(arguments: tuple[str, ...], said: str) -> None:
    User.objects.create_user("ann")
    User.objects.create_user("gone", is_active=False)
    with pytest.raises(CommandError, match=said):
        created(*arguments)
    assert not ApiKey.objects.exists()
