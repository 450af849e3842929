"""Which uploads this site accepts: recordings, with valid options."""

from collections.abc import Mapping
from contextlib import suppress

from transcription.media.sniff import media_problem, name_problem
from transcription.models import Job
from transcription.services.db_connection import release_connection
from transcription.services.jobs.submit import is_stored_only
from transcription.services.jobs.task_ids import is_own_job
from transcription.services.options.priority import REFUSED, may_have
from transcription.services.options.upload_options import (
    callback_of,
    priority_of,
    problems_of,
    requested_id,
)
from transcription.services.outbound.redacted_urls import told_url
from transcription.services.outbound.url_source import Blocked, Unreachable, probe
from uploads.conf import conf as uploads_conf
from uploads.errors import BadRequest, Conflict, Refused
from uploads.hooks import Hooks
from uploads.models import Upload
from uploads.services.finish import HEAD_BYTES


class TranscriptionHooks(Hooks):
    """Checks names and options at POST, and the first bytes before they are acknowledged."""

    def pre_create(self, upload: Upload, metadata: Mapping[str, bytes]) -> None:
        """Refuses at once what could only fail after hours of uploading."""
        if uploads_conf.UPLOADS_ACCEPT != "any":
            problem = name_problem(upload.file_name)
            if problem:
                raise Refused(problem, 415 if upload.file_name else 400)
            judge_options(metadata)
            judge_priority(upload, metadata)
        if "taskId" in metadata:
            judge_task_id(metadata, upload.owner_id)

    def check_header(self, upload: Upload, head: bytes) -> None:
        """A picture named .mp3 is refused after 512 bytes, not after 5 GB."""
        if uploads_conf.UPLOADS_ACCEPT == "any":
            return
        problem = media_problem(upload.file_name, head, len(head) < HEAD_BYTES)
        if problem:
            raise Refused(problem)

    def should_notify(self, upload: Upload) -> bool:
        """A file that isn't a recording gets no job."""
        try:
            return not is_stored_only(upload)
        except OSError:  # it can't be read right now: the cleanup calls the receiver again
            return True

    def finished_headers(self, upload: Upload) -> Mapping[str, str]:
        """Names the upload's job."""
        with suppress(OSError):  # a file that can't be read right now may still have a job
            if is_stored_only(upload):
                return {}
        job = Job.objects.filter(upload_id=upload.pk).values_list("pk", flat=True).first()
        return {"X-Task-Id": str(job)} if job else {}

    def content_type(self, upload: Upload) -> str:
        """The type found by the probe: the client's claim can't be trusted."""
        found = Job.objects.filter(upload_id=upload.pk).values_list("media_type", flat=True).first()
        return found if found and found.startswith(("audio/", "video/")) else ""


def judge_task_id(metadata: Mapping[str, bytes], owner_id: int | None) -> None:
    """Refuses an identifier that the upload's job could not get, if its client can know that.

    Raises:
        BadRequest: It isn't a UUID.
        Conflict: It names a job of the same user.
    """
    wanted = requested_id(metadata)
    if wanted is None:
        raise BadRequest("The metadata key taskId must be a UUID.")
    if is_own_job(wanted, owner_id):
        raise Conflict(f"The task {wanted} exists already; choose another taskId.")


def judge_priority(upload: Upload, metadata: Mapping[str, bytes]) -> None:
    """Refuses a priority that the upload's owner may not have.

    Raises:
        Refused: With 403: high priority is for others.
    """
    if "priority" in metadata and not may_have(upload.owner, priority_of(metadata)):
        raise Refused(REFUSED, 403)


def judge_options(metadata: Mapping[str, bytes]) -> None:
    """Refuses invalid options, and a callback receiver that does not answer.

    Raises:
        Refused: With 422 and what is wrong with each key; with 400 if the callback URL doesn't
            answer.
    """
    problems = problems_of(metadata)
    if problems:
        raise Refused(" ".join(problems), 422)
    url = callback_of(metadata)
    if not url:
        return
    release_connection()
    try:
        probe(url)
    except Blocked as problem:
        raise Refused("The provided callback URL is not allowed.", 422) from problem
    except Unreachable as problem:
        said = "Callback URL is not reachable: "
        raise Refused(said + url, 400, logged=said + told_url(url)) from problem
