"""Uploads in the admin, with their jobs: the admin of `uploads` knows no jobs."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from transcription.models import Job
from uploads.admin import UploadAdmin
from uploads.models import Upload

admin.site.unregister(Upload)


@admin.register(Upload)
class RecordingAdmin(UploadAdmin):
    """Adds each upload's job, for staff who may see jobs."""

    list_select_related = ("owner", "job")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        shown = UploadAdmin.list_display
        return (*shown[:-1], "outcome", shown[-1]) if self.can_view(request, Job) else shown

    def get_fieldsets(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        (title, options), *rest = super().get_fieldsets(request, obj)
        if not self.can_view(request, Job):
            return [(title, options), *rest]
        return [(title, {**options, "fields": (*options["fields"], "outcome")}), *rest]

    @admin.display(description="job", ordering="job__state")
    def outcome(self, upload: Upload) -> SafeString:
        """The job's state, linked to the job."""
        found: Job | None = getattr(upload, "job", None)
        if found is None:
            return self.get_empty_value_display()
        address = reverse("admin:transcription_job_change", args=[found.pk])
        return format_html('<a href="{}">{}</a>', address, found.get_state_display())
