"""Static files, under hashed names, and those of the API documentation pages."""

from collections.abc import Callable
from pathlib import Path

import drf_spectacular_sidecar
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also hashes names in `import` statements of our script modules."""

    support_js_module_import_aggregation = True


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves static files, and Swagger UI and ReDoc from where they are installed.

    The latter are not collected: hashing and compressing them would add three seconds to a first
    start.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        package = Path(drf_spectacular_sidecar.__file__).parent
        folder = package / "static" / "drf_spectacular_sidecar"
        self.add_files(str(folder), prefix=settings.DOCUMENTATION_ASSETS)
