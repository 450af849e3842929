"""What the site decides about uploads. UPLOADS_HOOKS names the site's subclass."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from uploads.conf import conf

if TYPE_CHECKING:
    from uploads.models import Upload


class Hooks:
    """Accepts everything; a site overrides the methods it needs."""

    def pre_create(self, upload: "Upload", metadata: Mapping[str, bytes]) -> None:
        """Checks a new upload by its metadata and length, before any byte is received.

        Raises:
            UploadError: Any error; the upload is not created.
        """

    def check_header(self, upload: "Upload", head: bytes) -> None:
        """Checks the first bytes (512, or all if fewer), once, before they are acknowledged.

        Raises:
            Refused: The upload ends; its bytes are removed.
        """

    def should_notify(self, upload: "Upload") -> bool:
        """Whether `upload_finished` is to be sent for this upload.

        Called when all bytes are stored. False saves the signal and a second SQL statement.
        """
        return True

    def finished_headers(self, upload: "Upload") -> Mapping[str, str]:
        """Headers for the last PATCH, and for HEAD of a finished upload."""
        return {}

    def content_type(self, upload: "Upload") -> str:
        """The media type to serve a finished upload with; empty: unknown, served as a download."""
        return ""


@lru_cache(maxsize=8)
def _load(name: str) -> Hooks:
    loaded: Hooks = import_string(name)()
    return loaded


def hooks() -> Hooks:
    return _load(conf.UPLOADS_HOOKS)
