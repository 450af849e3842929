"""People of a site, each with an API key."""

from __future__ import annotations

import json

from tests.running import Site

CODE = """
import json
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from whisperx_site.accounts.models import ApiKey

User = get_user_model()
secrets = {}
for name, staff in (("alice", False), ("bob", False), ("clerk", True), ("gone", False)):
    user = User.objects.create_user(name, password="%(password)s", is_staff=staff)
    key = ApiKey(user=user, name="test")
    secrets[name] = key.renew_secret()
    key.save()
User.objects.filter(username="gone").update(is_active=False)
clerk = User.objects.get(username="clerk")
may = Permission.objects.filter(codename__in=("view_upload", "view_cleanuprun"))
clerk.user_permissions.set(may)
print(json.dumps(secrets))
"""


def introduce(site: Site, password: str) -> dict[str, str]:
    """Creates them; returns their keys by name. `clerk` is staff that may view, but not change."""
    keys: dict[str, str] = json.loads(site.shell(CODE % {"password": password}))
    return keys
