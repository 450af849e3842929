"""The WSGI application: uploads take a shorter way than pages do."""

import os
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")

import django
from django.core.handlers.wsgi import WSGIHandler

django.setup(set_prefix=False)

from whisperx_site.upload_handlers import UPLOADS_ROOT, ToolsHandler, UploadsHandler  # noqa: E402

uploads = UploadsHandler()
uploads_of_tools = ToolsHandler()
pages = WSGIHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve one request."""
    handler: Callable[..., Iterable[bytes]] = pages
    if environ["PATH_INFO"].startswith(UPLOADS_ROOT):
        handler = uploads_of_tools if ToolsHandler.fits(environ) else uploads
    return handler(environ, start_response)
