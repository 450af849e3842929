"""Jobs, their states, and their transcripts. `transcription.services` alone changes them, by
conditional UPDATE."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from transcription.fields import LongJSONField
from uploads.models import Upload


class State(models.TextChoices):
    QUEUED = "queued", "waiting"
    PROCESSING = "processing", "working"
    COMPLETED = "completed", "done"
    WARNINGS = "warnings", "done, with warnings"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


ACTIVE = (State.QUEUED, State.PROCESSING)
DONE = (State.COMPLETED, State.WARNINGS)
ENDED = (State.COMPLETED, State.WARNINGS, State.FAILED, State.CANCELLED)


class Stage(models.TextChoices):
    QUEUED = "queued", "waiting for its turn"
    PAUSED = "paused", "waiting for its next turn"
    FETCHING = "fetching", "downloading the model"
    PROBING = "probing", "looking at the file"
    DECODING = "decoding", "reading the sound"
    LOADING = "loading", "loading the model"
    TRANSCRIBING = "transcribing", "transcribing"
    ALIGNING = "aligning", "aligning words"
    DIARIZING = "diarizing", "telling speakers apart"
    COMBINING = "combining", "joining words and speakers"
    COMPLETE = "complete", "complete"


def is_paused(state: str, stage: str) -> bool:
    """Whether a job has begun, and waits for its next turn."""
    return (state, stage) == (State.QUEUED, Stage.PAUSED)


class Priority(models.IntegerChoices):
    """Which of the jobs of one owner are done first."""

    LOW = -1, "low"
    NORMAL = 0, "normal"
    HIGH = 1, "high"


class TaskType(models.TextChoices):
    """A job's type, by its name in the API."""

    FULL = "full_process", "transcript with words and speakers"
    TRANSCRIPTION = "transcription", "transcription alone"
    ALIGNMENT = "transcription_alignment", "alignment alone"
    DIARIZATION = "diarization", "diarization alone"
    COMBINATION = "combine_transcript&diarization", "joining words and speakers"


class Job(models.Model):
    """The transcription of one recording. Its id is the API's task identifier."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # When an owner is deleted, `transcription.receivers` deletes their jobs in batches.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    upload = models.OneToOneField(Upload, null=True, blank=True, on_delete=models.SET_NULL)
    task_type = models.CharField(max_length=40, choices=TaskType, default=TaskType.FULL)
    file_name = models.TextField(blank=True)
    url = models.TextField(blank=True, help_text="The URL that the recording was downloaded from.")
    callback_url = models.TextField(blank=True, help_text="Receives a webhook when the job ends.")

    # The request
    engine = models.CharField(max_length=40, blank=True)
    model = models.TextField(blank=True)
    language = models.TextField(blank=True, help_text="Empty: detected.")
    task = models.CharField(max_length=20, default="transcribe")
    options = models.JSONField(
        default=dict, blank=True, help_text="Options for engines, by the API's names."
    )
    params = models.JSONField(
        null=True, blank=True, help_text="The task_params that the API shows, if there are any."
    )

    # The progress
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.QUEUED)
    percent = models.FloatField(default=0)
    seconds_done = models.FloatField(default=0, help_text="Seconds of audio done in this stage.")
    speed = models.FloatField(
        null=True, blank=True, help_text="Seconds of audio per second of work in this stage."
    )
    seconds_total = models.FloatField(null=True, blank=True, help_text="Seconds of audio in total.")
    created = models.DateTimeField(default=timezone.now)
    queued = models.DateTimeField(default=timezone.now)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    warnings = models.JSONField(default=list, blank=True)
    cancel_requested = models.BooleanField(default=False)
    engine_deaths = models.PositiveIntegerField(default=0, help_text="Crashes of the engine.")

    # Its place in the queue (see `services.scheduling.turns`)
    turn = models.CharField(max_length=64, blank=True, editable=False)
    turns = models.PositiveIntegerField(default=0, help_text="How often it was started.")
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)

    # Its worker
    token = models.UUIDField(null=True, blank=True)
    lease_expires = models.DateTimeField(null=True, blank=True)
    worker_host = models.CharField(max_length=255, blank=True)
    worker_pid = models.PositiveIntegerField(null=True, blank=True)

    # The results
    engine_used = models.CharField(max_length=40, blank=True)
    engine_note = models.TextField(blank=True, help_text="Why a fallback was used.")
    model_used = models.TextField(blank=True)
    language_used = models.CharField(max_length=20, blank=True)
    audio_duration = models.FloatField(null=True, blank=True, help_text="Seconds.")
    media_type = models.CharField(max_length=100, blank=True, help_text="According to the probe.")
    has_video = models.BooleanField(default=False)
    audio_tracks = models.PositiveIntegerField(
        null=True, blank=True, help_text="Audio tracks in the file; one is read."
    )

    class Meta:
        ordering = ("-created",)
        permissions = (("prioritize_job", "Can ask for high priority of own jobs"),)
        indexes = (
            models.Index(fields=("state", "queued"), name="jobs_state_queued"),
            models.Index(fields=("state", "turn", "queued"), name="jobs_turns"),
            models.Index(fields=("-created",), name="jobs_created"),
            models.Index(fields=("state", "finished"), name="jobs_state_finished"),
            models.Index(fields=("state", "-created", "-id"), name="jobs_state_created"),
            models.Index(fields=("owner", "-created", "-id", "state"), name="jobs_of_owner"),
        )

    def __str__(self) -> str:
        return self.file_name or str(self.id)

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_paused(self) -> bool:
        """Whether it has begun, and waits for its next turn."""
        return is_paused(self.state, self.stage)

    @property
    def used_fallback(self) -> bool:
        return bool(self.engine_used) and self.engine_used != self.engine


class Turn(models.Model):
    """When a job of each owner in the queue was last started."""

    key = models.CharField(max_length=64, primary_key=True, help_text="As in Job.turn.")
    served = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class LearnedSpeed(models.Model):
    """How fast a stage is done here, learned from past jobs; newer ones count more."""

    stage = models.CharField(max_length=12)
    engine = models.CharField(max_length=40)
    model = models.CharField(max_length=200, blank=True)
    device = models.CharField(max_length=20, blank=True)
    audio_seconds = models.FloatField()
    work_seconds = models.FloatField()
    runs = models.PositiveBigIntegerField(default=0, help_text="How often it was learned from.")
    total_audio_seconds = models.FloatField(default=0, help_text="Of all runs, without fading.")
    total_work_seconds = models.FloatField(default=0)
    updated = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("stage", "engine", "model", "device"), name="learned_speeds_key"
            ),
        )

    def __str__(self) -> str:
        return f"{self.stage} by {self.engine} {self.model}: {self.speed:.1f} s a second"

    @property
    def speed(self) -> float:
        """Seconds of audio per second of work."""
        return self.audio_seconds / self.work_seconds


class RequestedId(models.Model):
    """The identifier that an upload's client wants for its job (`taskId`), reserved at creation.

    While the upload is unfinished, no job of another user gets it.
    """

    upload = models.OneToOneField(Upload, on_delete=models.CASCADE, primary_key=True)
    identifier = models.UUIDField(db_index=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.identifier} for {self.upload_id}"


class Transcript(models.Model):
    """The segments of a completed job, apart from its row, so that lists of jobs stay fast.

    They are the aligned segments, else the transcribed ones, with "speaker" in segments and words
    if it is known. A job that only does diarization has none.
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True)
    segments = LongJSONField(default=list)


class TranscribedChunk(models.Model):
    """The text of one part of a recording, kept while the rest is being transcribed.

    A job that was interrupted, or had to let others go first, goes on after its last chunk.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField(help_text="Its position in the recording.")
    start = models.FloatField(help_text="Seconds.")
    end = models.FloatField(help_text="Seconds; the next chunk begins here or later.")
    segments = LongJSONField(default=list)
    language = models.CharField(max_length=20, blank=True)
    language_probability = models.FloatField(null=True, blank=True)
    recipe = models.CharField(max_length=64, help_text="What its text depends on, as a hash.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("job", "number"), name="chunks_job_number"),)

    def __str__(self) -> str:
        return f"{self.start:.1f} to {self.end:.1f} s of {self.job_id}"


class StageOutput(models.Model):
    """The output of one stage of a job, kept as soon as it is done; or the client's own output for
    it.

    A job that runs again only does the stages whose output is missing. `output` is

    - of TRANSCRIBE {"segments", "language"}, a segment being {"start", "end", "text"} and maybe
      "avg_logprob" and "words",
    - of ALIGN {"segments", "word_segments"}: the same segments, always with "words" and, if
      requested, with "chars", and the words of all of them again,
    - of DIARIZE a list of {"label", "speaker", "start", "end"}.

    A word is {"word", "start"?, "end"?, "score"?}; times are seconds. Joined words and speakers are
    in the job's Transcript. Engines know the stages by the names in `engines.base.STAGES`.
    """

    class Name(models.TextChoices):
        """The stages whose output is kept, in their order."""

        TRANSCRIBE = "transcribe", "transcription"
        ALIGN = "align", "alignment"
        DIARIZE = "diarize", "diarization"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="outputs")
    name = models.CharField(max_length=12, choices=Name)
    output = LongJSONField()
    given = models.BooleanField(
        default=False, help_text="Provided by the client, with the request."
    )
    engine = models.CharField(max_length=40, blank=True, help_text="The engine that did it.")
    note = models.TextField(blank=True, help_text="A remark on how it was done.")
    warnings = models.JSONField(default=list, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("job", "name"), name="stage_outputs_job_name"),
        )

    def __str__(self) -> str:
        return f"{self.get_name_display()} of {self.job_id}"


class Delivery(models.Model):
    """The webhook of a job with a callback URL; its id goes with each try as a header."""

    class State(models.TextChoices):
        WAITING = "waiting", "to be sent"
        DELIVERED = "delivered", "delivered"
        GIVEN_UP = "given up", "given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="delivery")
    url = models.TextField()
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    created = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt = models.DateTimeField(default=timezone.now)
    last_status = models.PositiveIntegerField(null=True, blank=True, help_text="HTTP status.")
    last_error = models.TextField(blank=True)
    delivered = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created",)
        verbose_name_plural = "deliveries"
        indexes = (models.Index(fields=("state", "next_attempt"), name="deliveries_due"),)

    def __str__(self) -> str:
        return f"{self.url} ({self.get_state_display()})"


class JobEvent(models.Model):
    """One event of a job's history, for staff."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    what = models.TextField()

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.what}"
