"""Jobs, their way through the states, and their transcripts. Changed in `transcription.services`
alone, by conditional UPDATE."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from uploads.models import Upload


class State(models.TextChoices):
    """Where a job stands."""

    QUEUED = "queued", "waiting"
    PROCESSING = "processing", "working"
    COMPLETED = "completed", "done"
    WARNINGS = "warnings", "done, with warnings"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


ACTIVE = (State.QUEUED, State.PROCESSING)
ENDED = (State.COMPLETED, State.WARNINGS, State.FAILED, State.CANCELLED)


class Stage(models.TextChoices):
    """What a working job does just now."""

    QUEUED = "queued", "waiting for its turn"
    FETCHING = "fetching", "downloading the model"
    PROBING = "probing", "looking at the file"
    DECODING = "decoding", "reading the sound"
    LOADING = "loading", "loading the model"
    TRANSCRIBING = "transcribing", "transcribing"
    COMPLETE = "complete", "complete"


class Job(models.Model):
    """One recording on its way to a transcript. Its id is the task identifier of the API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE
    )
    upload = models.OneToOneField(Upload, null=True, blank=True, on_delete=models.SET_NULL)
    task_type = models.CharField(max_length=40, default="full_process")
    file_name = models.TextField(blank=True)

    # What was asked for
    engine = models.CharField(max_length=40, blank=True)
    model = models.TextField(blank=True)
    language = models.CharField(max_length=20, blank=True, help_text="Empty: to be detected.")
    task = models.CharField(max_length=20, default="transcribe")
    options = models.JSONField(default=dict, blank=True)

    # Where it stands
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.QUEUED)
    percent = models.FloatField(default=0)
    seconds_done = models.FloatField(default=0, help_text="Seconds of audio transcribed so far.")
    created = models.DateTimeField(default=timezone.now)
    queued = models.DateTimeField(default=timezone.now)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    warnings = models.JSONField(default=list, blank=True)
    cancel_requested = models.BooleanField(default=False)
    engine_deaths = models.PositiveIntegerField(default=0, help_text="Deaths of the engine itself.")

    # Who works on it
    token = models.UUIDField(null=True, blank=True)
    lease_expires = models.DateTimeField(null=True, blank=True)
    worker_host = models.CharField(max_length=255, blank=True)
    worker_pid = models.PositiveIntegerField(null=True, blank=True)

    # What came out
    engine_used = models.CharField(max_length=40, blank=True)
    engine_note = models.TextField(blank=True, help_text="Why another engine stood in.")
    model_used = models.TextField(blank=True)
    language_used = models.CharField(max_length=20, blank=True)
    audio_duration = models.FloatField(null=True, blank=True, help_text="Seconds.")
    media_type = models.CharField(max_length=100, blank=True, help_text="As the probe found it.")
    has_video = models.BooleanField(default=False)

    class Meta:
        ordering = ("-created",)
        indexes = (
            models.Index(fields=("state", "queued"), name="jobs_state_queued"),
            models.Index(fields=("-created",), name="jobs_created"),
        )

    def __str__(self) -> str:
        return self.file_name or str(self.id)

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.state in ACTIVE

    @property
    def duration(self) -> float | None:
        """Seconds of work of a job that came to a transcript."""
        if self.state not in (State.COMPLETED, State.WARNINGS):
            return None
        if not (self.started and self.finished):
            return None
        return (self.finished - self.started).total_seconds()


class Transcript(models.Model):
    """The segments of a completed job, apart from its row: lists of jobs stay light."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True)
    segments = models.JSONField(default=list)


class JobEvent(models.Model):
    """One step of a job's way, for staff who ask why."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    what = models.TextField()

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.what}"
