"""The upload protocol in OpenAPI: plain data, which a site adds to its own paths.

Statuses and sentences of refusals come from `uploads.errors`, so new ones are included.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.urls import reverse

from uploads import errors
from uploads.errors import UploadError
from uploads.http.checksums import ALGORITHMS
from uploads.http.protocol import CONTENT_TYPE, VERSION

Part = dict[str, Any]
Errors = Collection[type[UploadError]]

TAG = "TUS Upload"
TEXT: Part = {"type": "string"}
NUMBER: Part = {"type": "integer", "minimum": 0}
DETAIL: Part = {"$ref": "#/components/schemas/Detail"}  # `detail`: a text
REFUSAL: Part = {"content": {"application/json": {"schema": DETAIL}}}
FILE: Part = {"content": {"*/*": {"schema": TEXT}}}
BYTES: Part = {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}}

HEADERS: Mapping[str, tuple[Part, str]] = {
    "Location": (TEXT, "Where the upload is."),
    "Tus-Resumable": ({"type": "string", "enum": [VERSION]}, "The version of the protocol."),
    "Tus-Version": (TEXT, "The supported versions."),
    "Tus-Extension": (TEXT, "The supported extensions."),
    "Tus-Max-Size": (NUMBER, "The largest upload, in bytes."),
    "Tus-Checksum-Algorithm": (TEXT, "The algorithms of Upload-Checksum."),
    "Upload-Offset": (NUMBER, "The bytes held; a PATCH continues there."),
    "Upload-Length": (NUMBER, "The length in bytes; PATCH sets it if POST deferred it."),
    "Upload-Defer-Length": ({"type": "string", "enum": ["1"]}, "The length follows."),
    "Upload-Metadata": (TEXT, "Keys and Base64 values, such as `filename` and `filetype`."),
    "Upload-Concat": (TEXT, "`partial`, or `final;` and the addresses of the parts."),
    "Upload-Checksum": (
        TEXT,
        f"Algorithm ({', '.join(ALGORITHMS)}) and Base64 of the sum, of this request's bytes.",
    ),
    "Upload-Expires": (TEXT, "When the upload expires without further bytes."),
}
CAPABILITIES = ("Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm")
STATE = ("Tus-Resumable", "Upload-Offset", "Upload-Expires")

EVERY_ERROR = [  # those with a specific sentence: the site describes the others
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and UploadError in kind.__mro__[1:] and "message" in vars(kind)
]
CREATING = [kind for kind in EVERY_ERROR if kind is not errors.RangeUnsatisfiable]
APPENDING = [kind for kind in CREATING if kind is not errors.TooManyRequests]
FINDING = [
    *(errors.BadRequest, errors.NotFound, errors.Gone, errors.Unavailable),
    *(errors.VersionUnsupported, errors.PreconditionFailed),
]
READING = [*FINDING, errors.OffsetConflict, errors.RangeUnsatisfiable]


def paths() -> dict[str, dict[str, Part]]:
    """Every operation, by address and method."""
    root = reverse("uploads:uploads")
    one: Part = {"in": "path", "name": "upload_id", "required": True, "schema": TEXT}
    tus = header("Tus-Resumable", required=True)
    lengths = (header("Upload-Length"), header("Upload-Defer-Length"))
    able = {204: answer("Versions, extensions and limits.", *CAPABILITIES)}
    state = answer(
        "Upload-Offset says how many bytes are held.", *STATE, "Upload-Length", "Upload-Metadata"
    )
    capabilities = ("The server's capabilities", able, [errors.Unavailable])
    creation = operation(
        *("tus_create", "Begin an upload"),
        {201: answer("It waits for bytes.", "Location", *STATE)},
        CREATING,
        *(tus, *lengths, header("Upload-Metadata"), header("Upload-Concat")),
    )
    appending = operation(
        *("tus_append", "Append bytes", {204: answer("They are held.", *STATE)}, APPENDING),
        *(one, tus, header("Upload-Offset", required=True)),
        *(header("Upload-Length"), header("Upload-Checksum")),
    )
    termination = {204: answer("It is gone.")}
    download = {
        200: answer("The file.") | FILE,
        206: answer("The requested range.") | FILE,
        304: answer("The client has it."),
    }
    return {
        root: {
            "options": operation("tus_capabilities", *capabilities),
            "post": creation | {"requestBody": {"required": False, **BYTES}},
        },
        f"{root}{{upload_id}}": {
            "head": operation(
                *("tus_offset", "An upload's offset", {200: state}, FINDING, one, tus), body={}
            ),
            "patch": appending | {"requestBody": {"required": True, **BYTES}},
            "delete": operation(
                *("tus_delete", "End an upload and free its bytes", termination, FINDING, one, tus)
            ),
            "get": operation(
                *("tus_download", "The bytes of a finished upload", download, READING, one)
            ),
            "options": operation("tus_upload_capabilities", *capabilities, one),
        },
    }


def operation(
    name: str,
    summary: str,
    answers: Mapping[int, Part],
    refused: Errors,
    *parameters: Part,
    body: Part = REFUSAL,
) -> Part:
    """One method of one address; `body` is that of its refusals."""
    refusals = {status: answer(said) | body for status, said in sentences(refused)}
    responses = {**answers, **refusals}
    return {
        "operationId": name,
        "tags": [TAG],
        "summary": summary,
        "parameters": list(parameters),
        "responses": {str(status): said for status, said in responses.items()},
    }


def sentences(refused: Errors) -> list[tuple[int, str]]:
    """What refusals say, by status; where several have the same, all that may be said."""
    statuses = sorted({kind.status for kind in refused})
    return [
        (status, " Or: ".join(dict.fromkeys(k.message for k in refused if k.status == status)))
        for status in statuses
    ]


def header(name: str, required: bool = False) -> Part:
    schema, description = HEADERS[name]
    described = {"in": "header", "name": name, "schema": schema, "description": description}
    return described | ({"required": True} if required else {})


def answer(description: str, *headers: str) -> Part:
    said = {name: {"schema": HEADERS[name][0], "description": HEADERS[name][1]} for name in headers}
    return {"description": description, **({"headers": said} if said else {})}
