"""Uploads in the admin, with their jobs: the admin of `uploads` knows no jobs."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from transcription.models import Delivery, Job
from uploads.admin import UploadAdmin
from uploads.admin_pages.base import plural
from uploads.admin_pages.story import Moment, moments, told
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
        first = (title, {**options, "fields": (*options["fields"], "outcome")})
        return [first, *((name, _with_job(fields)) for name, fields in rest)]

    @admin.display(description="what happened")
    def story_with_job(self, upload: Upload) -> SafeString:
        """The story with the job's events, for users who may see jobs."""
        return told([*moments(upload), *self.moments_of_job(upload)])

    def moments_of_job(self, upload: Upload) -> Iterator[Moment]:
        job: Job | None = getattr(upload, "job", None)
        if job is None:
            return
        yield Moment(job.created, format_html("Became {}.", self.outcome(upload)))
        for event in job.events.all():
            yield Moment(event.at, f"Job: {event.what}")
        delivery = Delivery.objects.filter(job=job).first()
        if delivery is not None:
            outcome = delivery.last_error or f"HTTP {delivery.last_status}"
            said = f"{delivery.get_state_display()} after {plural(delivery.attempts, 'attempt')}"
            yield Moment(delivery.delivered or delivery.created, f"Webhook: {said} ({outcome}).")

    @admin.display(description="job", ordering="job__state")
    def outcome(self, upload: Upload) -> SafeString:
        """The job's state, linked to the job."""
        found: Job | None = getattr(upload, "job", None)
        if found is None:
            return self.get_empty_value_display()
        address = reverse("admin:transcription_job_change", args=[found.pk])
        return format_html('<a href="{}">{}</a>', address, found.get_state_display())


def _with_job(options: Any) -> dict[str, Any]:
    """A fieldset with the story that goes on with the job."""
    names = ("story_with_job" if name == "story" else name for name in options["fields"])
    return {**options, "fields": tuple(names)}
