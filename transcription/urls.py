"""The URLs of pages and API."""

from django.urls import path, re_path

from transcription.api import documents, health, listing, speech, stages, stream, tasks
from transcription.api.openai import views as openai
from transcription.pages import views

urlpatterns = [
    path("", views.home, name="home"),
    path("jobs.json", views.jobs_json, name="jobs-json"),
    path("jobs/<uuid:job_id>", views.job_page, name="job"),
    path("jobs/<uuid:job_id>.json", views.job_json, name="job-json"),
    path("jobs/<uuid:job_id>/segments.json", views.segments, name="segments"),
    path("jobs/<uuid:job_id>/export.<str:kind>", views.export, name="export"),
    path("jobs/<uuid:job_id>/cancel", views.cancel, name="cancel"),
    path("jobs/<uuid:job_id>/rerun", views.run_again, name="rerun"),
    path("jobs/<uuid:job_id>/delete", views.delete, name="delete"),
    path("openapi.json", documents.OpenApi.as_view(), name="openapi"),
    path("docs", documents.SwaggerPage.as_view(), name="docs"),
    path("redoc", documents.RedocPage.as_view(), name="redoc"),
    path("health", health.Health.as_view(), name="health"),
    path("health/live", health.Live.as_view(), name="health-live"),
    path("health/ready", health.Ready.as_view(), name="health-ready"),
    path("speech-to-text", speech.SpeechToText.as_view(), name="speech-to-text"),
    path("speech-to-text-url", speech.SpeechToTextUrl.as_view(), name="speech-to-text-url"),
    path("service/transcribe", stages.Transcribe.as_view(), name="service-transcribe"),
    path("service/align", stages.Align.as_view(), name="service-align"),
    path("service/diarize", stages.Diarize.as_view(), name="service-diarize"),
    path("service/combine", stages.Combine.as_view(), name="service-combine"),
    path("upload/stream", stream.UploadStream.as_view(), name="upload-stream"),
    path("task/all", listing.AllTasks.as_view(), name="tasks"),
    path("task/<str:identifier>", tasks.OneTask.as_view(), name="task"),
    path("task/<str:identifier>/partial", tasks.Partial.as_view(), name="task-partial"),
    path("task/<str:identifier>/delete", tasks.DeleteTask.as_view(), name="task-delete"),
    path("tasks/<str:identifier>/progress", tasks.Progress.as_view(), name="progress"),
    path("v1/models", openai.Models.as_view(), name="openai-models"),
    path("v1/models/<path:name>", openai.OneModel.as_view(), name="openai-model"),
    path("v1/audio/transcriptions", openai.Transcriptions.as_view(), name="openai-transcriptions"),
    path("v1/audio/translations", openai.Translations.as_view(), name="openai-translations"),
    re_path(r"^v1/.*[^/]+\Z", openai.Unknown.as_view()),
]
