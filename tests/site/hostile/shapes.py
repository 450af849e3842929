"""All shapes of requests, by their names."""

from __future__ import annotations

from collections.abc import Callable

from tests.site.hostile.costly_requests import delete_large, export, fast_url, login
from tests.site.hostile.documents import DOCUMENTS
from tests.site.hostile.forms import (
    carriage_returns,
    form_headers,
    form_of_login,
    line_ends,
    multipart_of_login,
    recorded_line_ends,
)
from tests.site.hostile.headers import (
    chunk_extensions,
    long_query,
    many_cookies,
    many_headers,
    quoted_cookie,
    tiny_chunks,
    trailers,
    trailers_of_upload,
)
from tests.site.hostile.target import Target

SHAPES: dict[str, Callable[[Target], str]] = {
    "many headers": many_headers,
    "trailers": trailers("/speech-to-text-url"),
    "trailers nobody reads": trailers("/health"),
    "trailers of an upload": trailers_of_upload,
    "tiny chunks": tiny_chunks,
    "chunk extensions": chunk_extensions,
    "quoted cookie": quoted_cookie,
    "many cookies": many_cookies,
    "long query": long_query,
    **DOCUMENTS,
    "carriage returns": carriage_returns,
    "line ends": line_ends,
    "recorded line ends": recorded_line_ends,
    "form headers": form_headers,
    "form of login": form_of_login,
    "multipart of login": multipart_of_login,
    "fast recording": fast_url("fast.wav"),
    "packed recording": fast_url("packed.wav"),
    **{f"long {kind}": export(f"/jobs/{{job}}/export.{kind}") for kind in ("srt", "json")},
    "logins": login,
    "large deletions": delete_large,
    "long task": export("/task/{job}"),
    "long segments": export("/jobs/{job}/segments.json"),
    "long segments, compressed": export("/jobs/{job}/segments.json", "gzip"),
}
