"""Jobs made by hand, and engines that do what a test says, for tests within one process."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.running import encode_metadata
from transcription import tasks
from transcription.engines.base import TRANSCRIBE, Event, Output, Request, Result, ShouldStop
from transcription.engines.selection import Prepared
from transcription.models import Job, State
from transcription.services.jobs import leases
from transcription.services.stages import run as stages_run
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.services.maintenance.store_identity import identity_problem
from uploads.stores.registry import store

NO_SHOW: dict[str, Any] = {"container": "wav", "codec": "pcm", "mime": "audio/wav"}
Script = Callable[[Request, Callable[[Event], None], ShouldStop], Result]


def make_upload(content: bytes = b"", **facts: Any) -> Upload:
    """A finished upload with its file."""
    metadata = facts.pop("metadata", {})
    facts = {
        "state": UploadState.FINISHED,
        "length": len(content),
        "offset": len(content),
        "file_name": "speech.wav",
        "finished": timezone.now(),
        "notified_at": timezone.now(),
        "metadata": encode_metadata(metadata) if metadata else "",
        **facts,
    }
    upload = Upload.objects.create(**facts)
    store().create(upload.id.hex)
    with open(store().path(upload.id.hex), "wb") as file:
        file.write(content)
    return upload


def make_job(**facts: Any) -> Job:
    """A waiting job with a recording, or another one where `facts` say so."""
    upload = facts.pop("upload", None) or make_upload()
    facts = {"engine": "faster-whisper", "file_name": "speech.wav", **facts}
    return Job.objects.create(upload=upload, owner=upload.owner, **facts)


def claimed(**facts: object) -> Job:
    """A job that this process has just claimed, changed afterwards where `facts` say so."""
    make_job()
    job = leases.claim_next()
    assert job
    if facts:
        Job.objects.filter(pk=job.pk).update(**facts)
    return Job.objects.select_related("upload").get(pk=job.pk)


def result(
    segments: list[dict[str, Any]] | None = None,
    engine: str = "scripted",
    language: str | None = "en",
    duration: float = 1.0,
    warnings: Sequence[str] = (),
) -> Result:
    """What an engine gives back that has transcribed."""
    heard = [{"start": 0.0, "end": 1.0, "text": "hello"}] if segments is None else segments
    value = {"segments": heard, "language": language}
    output = Output(TRANSCRIBE, engine, value, warnings=warnings)
    return Result(duration, dict(NO_SHOW), {TRANSCRIBE: output})


class ScriptedEngine:
    """Stands where the engine's process stands."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.closed = 0

    def run(
        self,
        request: Request,
        on_event: Callable[[Event], None],
        should_stop: ShouldStop,
        should_pause: ShouldStop,
    ) -> Result:
        self.should_pause = should_pause
        return self.script(request, on_event, should_stop)


def script_engine(monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    """Let jobs of this process be run by `script`."""
    monkeypatch.setattr(stages_run, "engine_process", lambda: ScriptedEngine(script))
    monkeypatch.setattr(stages_run, "prepare", lambda request, *rest: Prepared(request))
    monkeypatch.setattr(tasks, "PAUSE_AFTER_DEATH", 0.0)


def within(settings: LazySettings, folder: Any) -> None:
    """Keep files in a test's own folder."""
    for name in ("UPLOADS_DIR", "MODELS_DIR", "WORK_DIR"):
        (folder / name).mkdir()
        setattr(settings, name, str(folder / name))
    assert identity_problem() is None  # both are new, so they are joined
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"  # needs no collected files
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}


def staff_client(host: str = "localhost") -> Client:
    """Somebody of the staff, who sees every job."""
    client = Client(headers={"host": host})
    client.force_login(
        User.objects.get_or_create(username="keeper", is_staff=True, is_superuser=True)[0]
    )
    return client


def state_of(job: Job) -> str:
    """Where it stands in the database now."""
    return State(Job.objects.values_list("state", flat=True).get(pk=job.pk)).value
