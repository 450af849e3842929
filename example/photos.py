"""What this site makes of uploads: it takes photos only, and writes a note for each that came."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings

from uploads.errors import BadRequest
from uploads.hooks import Hooks
from uploads.signals import upload_finished


class PhotoHooks(Hooks):
    """The rules of this site."""

    def pre_create(self, upload: Any, metadata: Any) -> None:
        """Refuse what is no photo before a byte of it is sent."""
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
