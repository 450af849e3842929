"""Static files, and those of the pages that show the API."""

from collections.abc import Callable
from pathlib import Path

import drf_spectacular_sidecar
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves them, with Swagger UI and ReDoc from where they are installed.

    Those are not collected with the others: to hash and compress their megabytes costs each first
    start of a site three seconds.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        package = Path(drf_spectacular_sidecar.__file__).parent
        folder = package / "static" / "drf_spectacular_sidecar"
        self.add_files(str(folder), prefix=settings.DOCUMENTATION_ASSETS)
