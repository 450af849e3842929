"""A folder of its own for each test, and who looks after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture(autouse=True)
def folder(settings: LazySettings, tmp_path: Path) -> Path:
    """A folder for uploads that is not made yet."""
    settings.UPLOADS_DIR = str(tmp_path / "uploads")
    settings.UPLOADS_MIN_FREE_SPACE, settings.UPLOADS_ACCEPT = 0, "any"
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
    return tmp_path / "uploads"


@pytest.fixture
def staff() -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("boss"))
    return client
