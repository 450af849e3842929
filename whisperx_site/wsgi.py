"""The WSGI application: uploads take a shorter way than pages do."""

import os
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

django.setup(set_prefix=False)


class UploadsHandler(WSGIHandler):
    """Django with the middleware that uploads need, and no other."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain from UPLOADS_MIDDLEWARE; Django knows one list only."""
        whole = settings.MIDDLEWARE
        settings.MIDDLEWARE = settings.UPLOADS_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = whole


UPLOADS_ROOT = "/uploads/files"
uploads = UploadsHandler()
pages = WSGIHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve one request."""
    handler = uploads if environ["PATH_INFO"].startswith(UPLOADS_ROOT) else pages
    response: Iterable[bytes] = handler(environ, start_response)
    return response
