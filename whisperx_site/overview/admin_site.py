"""Django's admin with a front page that says how the site is doing."""

from typing import Any

from django.contrib.admin import AdminSite
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from whisperx_site.accounts.forms import ThrottledAdminForm
from whisperx_site.overview.findings import Finding
from whisperx_site.overview.problems import problems
from whisperx_site.overview.sections import User, sections

WHO_SEES_PROBLEMS = ("uploads.view_upload", "transcription.view_job", "django_q.view_schedule")


class TranscriptsAdminSite(AdminSite):
    """The front page shows problems, uploads, jobs, disk, workers and schedules."""

    site_header = site_title = "Transcripts"
    index_title = "Operations"
    login_form = ThrottledAdminForm

    def get_urls(self) -> list[Any]:
        """Adds the part of the front page that renews itself."""
        view = self.admin_view(self.overview)
        return [path("overview", view, name="overview"), *super().get_urls()]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return super().index(request, {**overview_for(request.user), **(extra_context or {})})

    def overview(self, request: HttpRequest) -> HttpResponse:
        """What the front page shows above its lists, alone."""
        return TemplateResponse(request, "admin/overview.html", overview_for(request.user))


def overview_for(user: User) -> dict[str, Any]:
    """What this user may see of it."""
    try:
        shown = sections(user)
        asked = any(user.has_perm(permission) for permission in WHO_SEES_PROBLEMS)
        return {"sections": shown, "problems": [*problems()] if asked else None}
    except DatabaseError as problem:
        fault = Finding("database", str(problem).strip(), "Check the database server.")
        return {"sections": [], "problems": [fault]}
