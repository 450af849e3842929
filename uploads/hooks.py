"""What the site may decide about uploads. The site names its subclass in UPLOADS_HOOKS."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from uploads.conf import conf

if TYPE_CHECKING:
    from uploads.models import Upload


class Hooks:
    """Takes everything; a site overrides what it wants to judge."""

    def pre_create(self, upload: "Upload", metadata: Mapping[str, bytes]) -> None:
        """Judge a new upload by what was said of it, before a byte is taken.

        Raises:
            UploadError: Any refusal; the upload is not made.
        """

    def check_header(self, upload: "Upload", head: bytes) -> None:
        """Judge the first bytes (512, or the whole if shorter), once, before they are acknowledged.

        Raises:
            Refused: The upload ends; its bytes are removed.
        """

    def should_notify(self, upload: "Upload") -> bool:
        """Whether the site is to be told of this upload when it is finished: `upload_finished`.

        Asked when all its bytes are held. What it does not want costs no signal and no second
        statement.
        """
        return True

    def finished_headers(self, upload: "Upload") -> Mapping[str, str]:
        """Headers for the last PATCH and for HEAD of a finished upload."""
        return {}

    def content_type(self, upload: "Upload") -> str:
        """The media type to serve a finished upload with; empty: unknown, so a plain download."""
        return ""


@lru_cache(maxsize=8)
def _load(name: str) -> Hooks:
    loaded: Hooks = import_string(name)()
    return loaded


def hooks() -> Hooks:
    """The site's hooks."""
    return _load(conf.UPLOADS_HOOKS)
