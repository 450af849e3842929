"""drf-spectacular's settings; Django's settings import them, so this imports neither."""

from typing import Any

PRODUCT = "Transcripts"
TITLE = "whisperX REST service"  # clients know this title; pages show the product's name
DESCRIPTION = """Upload a recording, get a transcript.

Every POST below "Speech-2-Text" answers at once with the identifier of a task; ask for it at
`/task/{identifier}` until it has ended. Large files go by the resumable protocol
([tus](https://tus.io/protocols/resumable-upload) 1.0.0) and become the same tasks.

Requests need a key, sent as `Authorization: Bearer …`, unless the site serves everyone. Keys are
made in the admin.
"""
TAGS = [
    {"name": "Speech-2-Text", "description": "From a recording to its transcript."},
    {"name": "Speech-2-Text services", "description": "Single stages."},
    {"name": "Tasks Management", "description": "Queued, running and finished tasks."},
    {"name": "Uploads", "description": "Only files."},
    {"name": "TUS Upload", "description": "Resumable uploads of any size."},
    {"name": "OpenAI-compatible", "description": "For programs that use OpenAI's audio API."},
    {"name": "Health", "description": "For monitors."},
]
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.0",
    "TITLE": TITLE,
    "VERSION": "0.0.1",  # of the API that this site replaced; the site's own is in pyproject.toml
    "DESCRIPTION": DESCRIPTION,
    "TAGS": TAGS,
    "SCHEMA_PATH_PREFIX": "/",
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "AUTHENTICATION_WHITELIST": [],  # access is decided by the site's middleware, for all addresses
    "SECURITY": [{}, {"key": []}],
    "APPEND_COMPONENTS": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "POSTPROCESSING_HOOKS": ["transcription.api.schema.document.completed"],
}
