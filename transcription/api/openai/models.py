"""Models by the names that OpenAI's clients use.

Many programs send a fixed name. If the site doesn't know it, the site's default model is used; a
response header says which one.
"""

from django.http.response import HttpResponseBase

from transcription.api.shapes import OpenAIModel
from transcription.conf import conf
from transcription.engines import models, registry
from transcription.models import Job
from transcription.services.options.requested_options import told_model
from transcription.services.options.vocabulary import MODELS
from transcription.services.stages.requirements import model_for

OF_OPENAI = (
    *("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize"),
    "gpt-transcribe",
)
"""OpenAI's own names; here each means WHISPER_MODEL."""
HEADER = "X-Transcription-Model"
CREATED = 1677532384  # when OpenAI published whisper-1; clients require a time for each model


def resolved(said: str) -> str:
    """The model to use, by our own name: a name, a downloaded repository, or WHISPER_MODEL."""
    return known(said) or conf.WHISPER_MODEL


def known(said: str) -> str:
    """Our name of a model that a client may name; empty: unknown."""
    if said in (*MODELS, conf.WHISPER_MODEL):
        return said
    return models.known_as(said) or (said if models.is_present(said, conf.MODELS_DIR) else "")


def listed() -> list[str]:
    """The names in the list of models."""
    return list(dict.fromkeys((*OF_OPENAI, told_model(conf.WHISPER_MODEL), *MODELS)))


def exists(said: str) -> bool:
    return said in listed() or bool(known(said))


def described(name: str) -> OpenAIModel:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "openai"}


def model_of(job: Job) -> str:
    """The model that does, or did, a job; for an engine without models, the engine's name."""
    if job.engine_used and not job.is_active:
        return told_model(job.model_used) or job.engine_used
    engine = registry.get(job.engine)
    if not engine.capabilities().models:
        return engine.name
    return told_model(model_for(job.language, job.model))


def tell_job(response: HttpResponseBase, job: Job) -> None:
    """Adds the headers that name the job and the model."""
    response["X-Task-Id"] = str(job.pk)
    response[HEADER] = model_of(job)
