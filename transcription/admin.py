"""Jobs as staff see and steer them."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from transcription.models import Job
from transcription.services import end
from uploads.admin import ReadOnlyAdmin


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Each job's way, with times and reasons."""

    list_display = (
        *("__str__", "owner", "state", "progress", "engine_used", "model_used", "language_used"),
        *("age", "reason"),
    )
    list_filter = ("state", "engine_used", "created", "owner")
    search_fields = ("id", "file_name", "owner__username", "error")
    date_hierarchy = "created"
    list_select_related = ("owner",)
    actions = ("cancel", "run_again", "delete_with_recording")
    readonly_fields = ("history", "page", "recording")
    exclude = ("token",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The action deletes the recording, too."""
        return False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Who may run the actions."""
        return request.user.has_perm("transcription.change_job")

    @admin.display(description="progress", ordering="percent")
    def progress(self, job: Job) -> SafeString:
        """A bar and the stage."""
        bar = '<progress max="100" value="{}"></progress><br>{}'
        return format_html(bar, int(job.percent), job.get_stage_display())

    @admin.display(description="age", ordering="created")
    def age(self, job: Job) -> str:
        """Time since it was made."""
        return timesince(job.created)

    @admin.display(description="error")
    def reason(self, job: Job) -> str:
        """The start of the reason why it failed; the rest is in the job's own view."""
        return truncatechars(job.error, 80)

    @admin.display(description="history")
    def history(self, job: Job) -> SafeString:
        """One line each step."""
        steps = ((f"{event.at:%Y-%m-%d %H:%M:%S}", event.what) for event in job.events.all())
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} {}</li>", steps))

    @admin.display(description="page")
    def page(self, job: Job) -> SafeString:
        """Where people see it."""
        return format_html('<a href="{0}">{0}</a>', reverse("job", args=[job.pk]))

    @admin.display(description="recording")
    def recording(self, job: Job) -> SafeString | str:
        """Its upload."""
        if job.upload is None:
            return "removed"
        address = reverse("admin:uploads_upload_change", args=[job.upload.pk])
        return format_html('<a href="{}">{}</a>', address, job.upload)

    @admin.action(description="Cancel", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Stop waiting and working jobs."""
        done = sum(end.cancel(job) for job in queryset)
        self.message_user(request, f"{done} cancelled, {len(queryset) - done} had ended before.")

    @admin.action(description="Run again", permissions=["steer"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Queue ended jobs again, with the same options."""
        for job in queryset:
            try:
                end.run_again(job, {})
            except end.CannotRun as reason:
                self.message_user(request, f"{job}: {reason}", "warning")
            else:
                self.message_user(request, f"{job} is queued again.")

    @admin.action(description="Delete, with transcript and recording", permissions=["steer"])
    def delete_with_recording(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Whatever state they are in."""
        count = len(queryset)
        for job in queryset:
            end.delete(job)
        self.message_user(request, f"{count} deleted.")
