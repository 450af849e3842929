"""The stages of a transcript as separate services."""

from typing import ClassVar

from rest_framework.request import Request

from transcription.api.forms.multipart import Form
from transcription.api.forms.parameters import spec_of
from transcription.api.submission import (
    IntakeView,
    content_of,
    document_in,
    recording_in,
    submit_measured,
)
from transcription.models import Job, StageOutput, TaskType
from transcription.services.jobs.submit import enqueue
from transcription.services.options.parameters import (
    AlignParameters,
    CombineParameters,
    DiarizeParameters,
    TranscribeParameters,
)
from transcription.services.stages.documents import (
    read_aligned_transcript,
    read_transcript,
    read_turns,
)
from uploads.services.client_address import client_address
from uploads.services.lookup import owner_id

TRANSCRIPT = "INVALID_TRANSCRIPT_JSON"
DIARIZATION = "INVALID_DIARIZATION_JSON"


class Transcribe(IntakeView[TranscribeParameters]):
    """Only transcribe.

    Segments without words and speakers.
    """

    operation_id = "transcribe"
    parameters = TranscribeParameters

    def take(self, request: Request, parameters: TranscribeParameters, form: Form) -> Job:
        return submit_measured(request, recording_in(form), TaskType.TRANSCRIPTION, parameters)


class Align(IntakeView[AlignParameters]):
    """Align a transcript's words.

    The transcript is the result of `transcription`: `segments` and `language`.
    """

    operation_id = "align"
    parameters = AlignParameters
    parts: ClassVar[tuple[str, ...]] = ("transcript", "file")
    documents: ClassVar[tuple[str, ...]] = ("transcript",)

    def take(self, request: Request, parameters: AlignParameters, form: Form) -> Job:
        """Queues the recording with its transcript, which is checked first."""
        transcript = content_of(
            document_in(form, "transcript"),
            read_transcript,
            TRANSCRIPT,
            "The transcript file contains invalid JSON.",
        )
        return submit_measured(
            request,
            recording_in(form),
            TaskType.ALIGNMENT,
            parameters,
            language=transcript["language"] or "",
            given={StageOutput.Name.TRANSCRIBE: transcript},
        )


class Diarize(IntakeView[DiarizeParameters]):
    """Tell speakers apart.

    The result is a list of turns.
    """

    operation_id = "diarize"
    parameters = DiarizeParameters

    def take(self, request: Request, parameters: DiarizeParameters, form: Form) -> Job:
        return submit_measured(request, recording_in(form), TaskType.DIARIZATION, parameters)


class Combine(IntakeView[CombineParameters]):
    """Join words and speakers.

    Takes the results of an alignment and of a diarization.
    """

    operation_id = "combine"
    parameters = CombineParameters
    parts: ClassVar[tuple[str, ...]] = ("aligned_transcript", "diarization_result")
    documents: ClassVar[tuple[str, ...]] = parts

    def take(self, request: Request, parameters: CombineParameters, form: Form) -> Job:
        """Queues the two documents; both names are checked before the contents."""
        transcript, diarization = (document_in(form, name) for name in self.parts)
        aligned = content_of(
            transcript,
            read_aligned_transcript,
            TRANSCRIPT,
            "The aligned transcript file contains invalid JSON.",
        )
        turns = content_of(
            diarization,
            read_turns,
            DIARIZATION,
            "The diarization result file contains invalid JSON.",
        )
        given = {StageOutput.Name.ALIGN: aligned, StageOutput.Name.DIARIZE: turns}
        spec = spec_of(TaskType.COMBINATION, parameters, given=given)
        return enqueue(spec, owner_id(request.user), address=client_address(request.META))
