"""Users with permissions, and their browsers and programs, for tests within one process."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.test import Client

from whisperx_site.accounts.models import ApiKey

TUS = {"tus-resumable": "1.0.0", "host": "localhost"}


def someone(name: str, *permissions: str, staff: bool = True) -> User:
    user = User.objects.create_user(name, is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def signed_in(user: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def with_key(user: User) -> Client:
    key = ApiKey(user=user, name="test")
    secret = key.renew_secret()
    key.save()
    return Client(headers={**TUS, "authorization": f"Bearer {secret}"})
