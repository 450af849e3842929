"""This site's use of uploads: it accepts only photos, and creates a row for each finished one."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings

from uploads.errors import BadRequest
from uploads.hooks import Hooks
from uploads.signals import upload_finished


class PhotoHooks(Hooks):
    """The rules of this site."""

    def pre_create(self, upload: Any, metadata: Any) -> None:
        """Refuses other files before any byte is sent."""
        if not upload.file_type.startswith("image/"):
            raise BadRequest("Only photos: send their filetype in Upload-Metadata.")


def note_photo(upload: Any, **unused: Any) -> None:
    """Called once all bytes of an upload are there."""
    settings.BASE_DIR.joinpath(f"{upload.id.hex}.txt").write_text(upload.file_name)


class Photos(AppConfig):
    """Connects the receiver."""

    name = "photos"

    def ready(self) -> None:
        upload_finished.connect(note_photo)
