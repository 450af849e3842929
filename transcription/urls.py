"""The addresses of pages and API."""

from django.urls import path, re_path

from transcription import views
from transcription.api import health, tasks
from transcription.api.base import without_slash

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
    path("health", health.Health.as_view(), name="health"),
    path("health/live", health.Live.as_view(), name="health-live"),
    path("health/ready", health.Ready.as_view(), name="health-ready"),
    path("task/all", tasks.AllTasks.as_view(), name="tasks"),
    path("task/<str:identifier>", tasks.OneTask.as_view(), name="task"),
    path("tasks/<str:identifier>/progress", tasks.Progress.as_view(), name="progress"),
    re_path(r"^(health|health/live|health/ready|task/[^/]+|tasks/[^/]+/progress)/$", without_slash),
]
