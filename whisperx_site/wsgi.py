"""The WSGI application: upload requests take a shorter path."""

import codecs
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")

import django
from django.conf import settings
from django.utils.http import parse_header_parameters

django.setup(set_prefix=False)

from uploads.services.activity import log_context  # noqa: E402
from whisperx_site.middleware.bounds import PREFERENCE_BYTES  # noqa: E402
from whisperx_site.middleware.invalid_values import PagesHandler  # noqa: E402
from whisperx_site.middleware.request_ids import RequestId  # noqa: E402
from whisperx_site.serving.fast_path import UPLOADS_ROOT, FastPathHandler, UploadsHandler  # noqa: E402

CHARSET = re.compile(r";\s*charset\*?\s*=[^;]*", re.IGNORECASE)
# Django decodes queries and forms with them. Others, such as unicode_escape and utf-7, can produce
# surrogates, which can't be encoded later.
CHARSETS = frozenset(("utf-8", "ascii", "iso8859-1"))
uploads = UploadsHandler()
uploads_of_tools = FastPathHandler()
pages = PagesHandler()


def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    log_context.begin(request_id=RequestId(environ))
    kind = environ.get("CONTENT_TYPE", "")
    if "*" in kind or "charset" in kind.lower() or len(kind) > PREFERENCE_BYTES:
        environ["CONTENT_TYPE"] = readable(kind)
    preferred = environ.get("HTTP_ACCEPT", "")
    if "*=" in preferred or len(preferred) > PREFERENCE_BYTES:  # in a charset, or endless
        environ["HTTP_ACCEPT"] = "*/*"
    handler: Callable[..., Iterable[bytes]] = pages
    if environ["PATH_INFO"].startswith(UPLOADS_ROOT):
        handler = uploads_of_tools if FastPathHandler.fits(environ) else uploads
    return handler(environ, start_response)


def readable(kind: str) -> str:
    """The part of a Content-Type that Django can parse; it would fail before any view could
    respond."""
    if len(kind) > PREFERENCE_BYTES:
        return kind.partition(";")[0][:PREFERENCE_BYTES]
    for kept in (kind, CHARSET.sub("", kind)):
        if is_readable(kept):
            return kept
    return kind.partition(";")[0]


def is_readable(kind: str) -> bool:
    """Whether its options can be parsed, and its charset decodes bytes to characters."""
    try:
        charset = parse_header_parameters(kind)[1].get("charset", "utf-8")
        return codecs.lookup(charset).name in CHARSETS
    except (LookupError, ValueError):  # an unknown charset, or wrongly encoded
        return False


application: Callable[..., Iterable[bytes]] = serve
if settings.METRICS:
    from whisperx_site.monitoring.upload_requests import CountedUploads

    application = CountedUploads(serve)
