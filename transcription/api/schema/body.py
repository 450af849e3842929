"""What all described bodies have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict


def plain(schema: dict[str, Any]) -> None:
    """Leave out what pydantic adds: titles, and the defaults of keys that may be absent."""
    schema.pop("title", None)
    for described in schema.get("properties", {}).values():
        described.pop("title", None)
        described.pop("default", None)


class OpenBody(BaseModel):
    """An answer that may have further keys. A field with a default may be absent."""

    model_config = ConfigDict(json_schema_extra=plain)


class Body(OpenBody):
    """A response with exactly these keys."""

    model_config = ConfigDict(extra="forbid")
