"""The upload protocol in the document; its views are plain ones, so it is described by hand."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from uploads.http.checksums import ALGORITHMS
from uploads.http.protocol import VERSION

TAG = "TUS Upload"
Part = dict[str, Any]

TEXT: Part = {"type": "string"}
NUMBER: Part = {"type": "integer", "minimum": 0}
UPLOAD_DATA = "application/offset+octet-stream"

REFUSALS: Mapping[int, str] = {
    400: "A header or the metadata cannot be read.",
    401: "A key is needed here, or the one that came is unknown.",
    403: "This upload takes no bytes, or pages of this origin may not change anything.",
    404: "No upload of yours has this identifier.",
    405: "X-HTTP-Method-Override names a method that is not served here.",
    408: "The body stopped coming; what came is kept.",
    409: "The upload does not stand at this offset, or the taskId is in use.",
    410: "The upload has ended.",
    411: "This web server has to know the length of the body.",
    412: f"Tus-Resumable is not {VERSION}, or this is not the file that If-Match names.",
    413: "The upload is larger than this site takes, or than it said it would be.",
    415: "The body is no upload data, or the file is no recording.",
    416: "The file does not have these bytes.",
    422: "An option in the metadata is not known.",
    429: "You have too many uploads open that have no byte yet.",
    460: "The bytes do not match Upload-Checksum; none of them are kept.",
    503: "The database or the store does not answer; try again later.",
    507: "The disk is too full.",
}
HEADERS: Mapping[str, tuple[Part, str]] = {
    "Location": (TEXT, "Where the upload is."),
    "Tus-Resumable": (TEXT, "The version of the protocol."),
    "Tus-Version": (TEXT, "The versions that are served."),
    "Tus-Extension": (TEXT, "The extensions that are served."),
    "Tus-Max-Size": (NUMBER, "The longest upload, in bytes."),
    "Tus-Checksum-Algorithm": (TEXT, "The algorithms of Upload-Checksum."),
    "Upload-Offset": (NUMBER, "Bytes that are held."),
    "Upload-Length": (NUMBER, "Bytes in all."),
    "Upload-Metadata": (TEXT, "As it came."),
    "Upload-Expires": (TEXT, "When the upload ends if nobody goes on with it."),
    "X-Task-Id": (TEXT, "The task that the finished upload has become."),
}
CAPABILITIES = ("Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm")
IDENTIFIER: Part = {"in": "path", "name": "upload_id", "required": True, "schema": TEXT}
RESUMABLE: Part = {
    "in": "header",
    "name": "Tus-Resumable",
    "required": True,
    "schema": {"type": "string", "enum": [VERSION]},
}
METADATA = (
    "Keys and Base64 values: `filename`, `filetype`, `taskId` (a UUID that becomes the task's "
    "identifier), and every option of `/speech-to-text` by its own name."
)
MAKING = (400, 401, 403, 404, 405, 408, 409, 410, 411, 412, 413, 415, 422, 429, 460, 503, 507)
APPENDING = (400, 401, 403, 404, 405, 408, 409, 410, 411, 412, 413, 415, 460, 503, 507)


def paths() -> dict[str, Part]:
    """Every operation of the protocol."""
    root = reverse("uploads:uploads")
    return {
        root: {"options": capabilities("tus_capabilities"), "post": creation()},
        f"{root}{{upload_id}}": {
            "head": standing(),
            "patch": appending(),
            "delete": termination(),
            "get": download(),
            "options": capabilities("tus_upload_capabilities", [IDENTIFIER]),
        },
    }


def capabilities(name: str, parameters: list[Part] | None = None) -> Part:
    """OPTIONS."""
    told = answer("Versions, extensions and limits.", *CAPABILITIES)
    return operation(name, "What this server can do", {204: told}, (401, 503), parameters)


def creation() -> Part:
    """POST: an upload begins."""
    made = answer(
        *("It waits for bytes.", "Location", "Tus-Resumable", "Upload-Offset", "Upload-Expires"),
        "X-Task-Id",
    )
    headers = [
        RESUMABLE,
        header("Upload-Length", NUMBER, "Bytes in all; or send Upload-Defer-Length."),
        header("Upload-Defer-Length", {"type": "string", "enum": ["1"]}, "The length follows."),
        header("Upload-Metadata", TEXT, METADATA),
        header("Upload-Concat", TEXT, "`partial`, or `final;` and the addresses of the parts."),
    ]
    described = operation("tus_create", "Begin an upload", {201: made}, MAKING, headers)
    return described | {"requestBody": body(required=False)}


def standing() -> Part:
    """HEAD: where to go on."""
    told = answer(
        *("It stands at Upload-Offset.", "Tus-Resumable", "Upload-Offset", "Upload-Length"),
        *("Upload-Metadata", "Upload-Expires", "X-Task-Id"),
    )
    refusals = (400, 401, 404, 410, 412, 503)
    described = operation(
        "tus_offset", "Where an upload stands", {200: told}, (), [IDENTIFIER, RESUMABLE]
    )
    described["responses"] |= {str(status): answer(REFUSALS[status]) for status in refusals}
    return described


def appending() -> Part:
    """PATCH: bytes go on where they ended."""
    held = answer(
        *("They are held.", "Tus-Resumable", "Upload-Offset", "Upload-Expires", "X-Task-Id"),
    )
    sums = f"Algorithm ({', '.join(ALGORITHMS)}) and Base64 of the sum, of this request's bytes."
    headers = [
        IDENTIFIER,
        RESUMABLE,
        header("Upload-Offset", NUMBER, "Where these bytes belong.", required=True),
        header("Upload-Length", NUMBER, "Where it was deferred."),
        header("Upload-Checksum", TEXT, sums),
    ]
    described = operation("tus_append", "Append bytes", {204: held}, APPENDING, headers)
    return described | {"requestBody": body(required=True)}


def termination() -> Part:
    """DELETE."""
    return operation(
        "tus_delete",
        "End an upload and free its bytes",
        {204: answer("It is gone.")},
        (400, 401, 403, 404, 410, 412, 503),
        [IDENTIFIER, RESUMABLE],
    )


def download() -> Part:
    """GET: the finished file."""
    whole = answer("The file.") | {"content": {"*/*": {"schema": TEXT}}}
    part = answer("The part of it that Range names.") | {"content": {"*/*": {"schema": TEXT}}}
    return operation(
        "tus_download",
        "The bytes of a finished upload",
        {200: whole, 206: part, 304: answer("The client has it.")},
        (400, 401, 404, 409, 410, 412, 416, 503),
        [IDENTIFIER],
    )


def operation(
    name: str,
    summary: str,
    answers: Mapping[int, Part],
    refused: tuple[int, ...],
    parameters: list[Part] | None = None,
) -> Part:
    """One method of one address; `refused` are keys of REFUSALS."""
    refusals = {str(status): refusal(status) for status in refused}
    return {
        "operationId": name,
        "tags": [TAG],
        "summary": summary,
        "parameters": parameters or [],
        "responses": {str(status): said for status, said in answers.items()} | refusals,
    }


def answer(description: str, *headers: str) -> Part:
    """An answer without body."""
    said = {name: {"schema": HEADERS[name][0], "description": HEADERS[name][1]} for name in headers}
    return {"description": description, **({"headers": said} if said else {})}


def refusal(status: int) -> Part:
    """An answer with the reason in words."""
    schema = {"$ref": "#/components/schemas/Detail"}
    return answer(REFUSALS[status]) | {"content": {"application/json": {"schema": schema}}}


def header(name: str, schema: Part, description: str, required: bool = False) -> Part:
    """A header of a request."""
    described = {"in": "header", "name": name, "schema": schema, "description": description}
    return described | ({"required": True} if required else {})


def body(required: bool) -> Part:
    """Upload data."""
    content = {UPLOAD_DATA: {"schema": {"type": "string", "format": "binary"}}}
    return {"required": required, "content": content}
