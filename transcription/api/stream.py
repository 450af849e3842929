"""POST `/upload/stream`: stores a recording without transcribing it."""

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from transcription.api.base import ApiView
from transcription.api.errors import ApiError, detail
from transcription.api.forms.multipart import Form, MediaPart, read_form
from transcription.api.schema.responses import MULTIPART, Answer, file, form
from transcription.api.shapes import Detail, StoredFile
from transcription.api.submission import RECORDING, TAKEN, wrong_extension
from transcription.media.sniff import HEAD, media_problem
from transcription.services.outbound.source_name import ALLOWED, has_extension


class UploadStream(ApiView):
    """Store a recording.

    It is not transcribed yet.
    """

    operation_id = "upload_stream"
    tag = "Uploads"
    answers = {
        **{status: TAKEN[status] for status in (408, 411, 413, 503, 507)},
        200: Answer("It is stored.", StoredFile),
        400: Answer("The form is malformed, or the file isn't a recording.", Detail),
    }
    forms = {
        MULTIPART: form(
            ["file"],
            file=file(RECORDING),
            filename={
                "type": "string",
                "description": "Its name, if different from the part's.",
            },
        )
    }

    def post(self, request: Request) -> Response:
        """Stores the form's `file`, under the name in its field `filename` or its own."""
        if not str(request.META.get("CONTENT_TYPE", "")).lower().startswith("multipart/"):
            raise ApiError(detail(400, "Send a form (multipart/form-data) with a part named file."))
        with read_form(request, media=("file",)) as form:
            part = checked_recording(form)
            upload = part.intake.keep()
            part.kept = True
        stored: StoredFile = {
            "upload_id": upload.id.hex,
            "filename": upload.file_name,
            "size_bytes": upload.length or 0,
            "path": reverse("uploads:upload", args=[upload.id.hex]),
        }
        return Response(stored)


def checked_recording(form: Form) -> MediaPart:
    """The form's recording, with its name.

    Raises:
        ApiError: It is missing, or its name or first bytes show that it isn't a recording.
    """
    part = form.parts.get("file")
    if not isinstance(part, MediaPart):
        raise ApiError(detail(400, "The form has no part named file."))
    name = form.text("filename") or part.file_name
    if not has_extension(name):
        raise ApiError(wrong_extension(name, ALLOWED))
    part.intake.rename(name)
    with open(part.intake.path(), "rb") as file:
        head = file.read(HEAD)
    if problem := media_problem(name, head, len(head) < HEAD):
        raise ApiError(detail(400, problem))
    return part
