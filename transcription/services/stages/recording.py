"""The recording of a job."""

from transcription.models import Job
from uploads.models import State as UploadState
from uploads.services.read import path_of


class RecordingGone(Exception):
    """The recording's bytes are gone."""


def local_path(job: Job) -> str:
    """The path for the engine.

    Raises:
        Gone: The bytes were removed, or can't be read now.
    """
    if job.upload is None or job.upload.state != UploadState.FINISHED:
        raise RecordingGone("The recording was removed before it was transcribed.")
    try:
        path = path_of(job.upload)
    except OSError as problem:
        raise RecordingGone(
            f"The recording can't be read now: {problem} Run the job again later."
        ) from problem
    if path is None:
        raise RecordingGone("The recording's file is missing on the server's disk.")
    return path
