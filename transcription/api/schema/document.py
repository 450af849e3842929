"""The OpenAPI document, created once in each process."""

import json
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from transcription.api.schema import uploads


@cache
def document() -> bytes:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    described = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    return json.dumps(described, ensure_ascii=False).encode()


def completed(result: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Adds what views don't describe: that forms are required, and the upload protocol (a hook)."""
    for operations in result["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    result["paths"] |= uploads.paths()
    return result
