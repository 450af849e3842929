"""What this site wants of uploads: recordings, with options that it understands."""

from collections.abc import Mapping

from transcription.conf import conf
from transcription.media_head import looks_like_media, name_problem
from transcription.models import Job
from transcription.services.submit import cannot_be_media, requested_id, text
from transcription.vocabulary import LANGUAGES, MODELS, TASKS
from uploads.conf import conf as uploads_conf
from uploads.errors import Conflict, Malformed, Refused
from uploads.hooks import Hooks
from uploads.models import Upload
from uploads.services.finish import HEAD_BYTES


class TranscriptionHooks(Hooks):
    """Judges names and options at POST, and the first bytes before they are acknowledged."""

    def judge_creation(self, upload: Upload, metadata: Mapping[str, bytes]) -> None:
        """Refuse now what could only fail after hours of uploading."""
        if uploads_conf.UPLOADS_ACCEPT == "any":
            return
        problem = name_problem(upload.file_name)
        if problem:
            raise Refused(problem, 415 if upload.file_name else 400)
        judge_options(metadata)
        if text(metadata, "taskId"):
            wanted = requested_id(metadata)
            if wanted is None:
                raise Malformed("The metadata key taskId must be a UUID.")
            if Job.objects.filter(pk=wanted).exists():
                raise Conflict(f"The task {wanted} exists already; choose another taskId.")

    def judge_head(self, upload: Upload, head: bytes) -> None:
        """A picture named .mp3 is refused after 512 bytes, not after 5 GB."""
        if uploads_conf.UPLOADS_ACCEPT == "any":
            return
        problem = looks_like_media(upload.file_name, head, len(head) < HEAD_BYTES)
        if problem:
            raise Refused(problem)

    def finished_headers(self, upload: Upload) -> Mapping[str, str]:
        """The name of the upload's job."""
        if cannot_be_media(upload):
            return {}
        job = Job.objects.filter(upload_id=upload.pk).values_list("pk", flat=True).first()
        return {"X-Task-Id": str(job)} if job else {}

    def content_type(self, upload: Upload) -> str:
        """What the probe found: the client's word on it is not to be trusted."""
        found = Job.objects.filter(upload_id=upload.pk).values_list("media_type", flat=True).first()
        return found if found and found.startswith(("audio/", "video/")) else ""


def judge_options(metadata: Mapping[str, bytes]) -> None:
    """Refuse values that no engine of this site knows.

    Raises:
        Refused: With 422 and the values that are known.
    """
    language, model, task = (text(metadata, key) for key in ("language", "model", "task"))
    if language not in ("", "auto", *LANGUAGES):
        raise Refused(
            f"The language {language!r} is not known; send auto or a code such as en.", 422
        )
    if model not in ("", conf.WHISPER_MODEL, *MODELS):
        raise Refused(f"The model {model!r} is not known; use one of: {', '.join(MODELS)}.", 422)
    if task not in ("", *TASKS):
        raise Refused(f"The task {task!r} is not known; use one of: {', '.join(TASKS)}.", 422)
