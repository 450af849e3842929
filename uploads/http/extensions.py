"""The tus extensions in OPTIONS, derived from the store and the web server's body reader."""

from typing import Any

from uploads.bodies.registry import tells_trailers
from uploads.stores.registry import store

ORDER = (
    *("creation", "creation-with-upload", "creation-defer-length", "expiration", "termination"),
    *("checksum", "checksum-trailer", "concatenation", "concatenation-unfinished"),
)


def extensions(environ: dict[str, Any]) -> list[str]:
    offered = store().extensions
    if not tells_trailers(environ):
        offered -= {"checksum-trailer"}
    return [name for name in ORDER if name in offered]
