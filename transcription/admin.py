"""Jobs as staff see and steer them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from transcription.models import Delivery, Job, StageOutput
from transcription.rerun_form import RerunForm
from transcription.services import again, deliveries, end, outputs
from uploads.admin import ReadOnlyAdmin

MOST_NAMED = 20  # jobs that a question names one by one
LONGEST_OUTPUT = 20_000  # characters of a stage's output that are shown


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Each job's way, with times and reasons."""

    list_display = (
        *("__str__", "owner", "state", "progress", "engine_used", "model_used", "language_used"),
        *("age", "reason"),
    )
    list_filter = ("state", "task_type", "engine_used", "created", "owner")
    search_fields = ("id", "file_name", "owner__username", "error")
    date_hierarchy = "created"
    list_select_related = ("owner",)
    actions = ("cancel", "run_again", "run_again_with", "delete_with_recording")
    readonly_fields = ("history", "stages", "page", "recording")
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

    @admin.display(description="kept outputs")
    def stages(self, job: Job) -> SafeString | str:
        """What each stage gave, by whom, and what is to be known of it."""
        rows = (
            (
                reverse("admin:transcription_stageoutput_change", args=[row.pk]),
                row.get_name_display(),
                f"{row.at:%Y-%m-%d %H:%M:%S}",
                "brought by the client" if row.given else f"by {row.engine}",
                " ".join([row.note, *row.warnings]),
            )
            for row in outputs.told(job).values()
        )
        line = '<li><a href="{}">{}</a> {}, {} {}</li>'
        return format_html("<ul>{}</ul>", format_html_join("", line, rows))

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
        """Queue ended jobs again, with the same options; only what is missing is done."""
        self.queue_again(request, queryset, {})

    @admin.action(description="Run again with other options …", permissions=["steer"])
    def run_again_with(
        self, request: HttpRequest, queryset: QuerySet[Job]
    ) -> TemplateResponse | None:
        """Ask for engine, model, language and so on first."""
        form = RerunForm(request.POST if "apply" in request.POST else None)
        if form.is_valid():
            self.queue_again(request, queryset, form.changes, form.cleaned_data["anew"])
            return None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "form": form,
            "jobs": queryset[:MOST_NAMED],
            "more": max(0, queryset.count() - MOST_NAMED),
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "transcription/admin_run_again.html", context)

    def queue_again(
        self,
        request: HttpRequest,
        queryset: QuerySet[Job],
        changes: Mapping[str, Any],
        anew: bool = False,
    ) -> None:
        """Queue those that have ended, and say of each whether it could be done."""
        for job in queryset:
            try:
                again.run_again(job, changes, anew)
            except again.CannotRun as reason:
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


@admin.register(StageOutput)
class StageOutputAdmin(ReadOnlyAdmin):
    """What stages gave; the way to it is the job's own view."""

    list_display = ("__str__", "engine", "given", "at")
    list_filter = ("name", "engine", "given")
    search_fields = ("job__id", "job__file_name")
    fields = ("job", "name", "given", "engine", "at", "note", "warnings", "shown")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StageOutput]:
        """Lists do not load what may be long."""
        return super().get_queryset(request).defer("output")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """They go with their jobs, or when those run again."""
        return False

    @admin.display(description="output")
    def shown(self, row: StageOutput) -> SafeString:
        """The start of it as JSON."""
        text = ""
        for piece in json.JSONEncoder(ensure_ascii=False, indent=1).iterencode(row.output):
            text += piece
            if len(text) > LONGEST_OUTPUT:
                break
        return format_html("<pre>{}</pre>", truncatechars(text, LONGEST_OUTPUT))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Messages to callback URLs, and how they fared."""

    list_display = (
        *("job", "url", "state", "attempts", "last_status", "outcome"),
        *("created", "next_try", "delivered"),
    )
    list_filter = ("state", "created")
    search_fields = ("id", "url", "job__id", "job__file_name", "last_error")
    date_hierarchy = "created"
    list_select_related = ("job",)
    actions = ("send_again",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """They go with their jobs."""
        return False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Who may run the actions."""
        return request.user.has_perm("transcription.change_delivery")

    @admin.display(description="last error")
    def outcome(self, delivery: Delivery) -> str:
        """The start of what went wrong; the rest is in the row's own view."""
        return truncatechars(delivery.last_error, 80)

    @admin.display(description="next try", ordering="next_attempt")
    def next_try(self, delivery: Delivery) -> datetime | None:
        """When it is sent; None: no more."""
        waits = delivery.state == Delivery.State.WAITING
        return delivery.next_attempt if waits else None

    @admin.action(description="Send again", permissions=["steer"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Under the same id, beginning with the tries in quick succession."""
        sent = sum(deliveries.send_again(delivery) for delivery in queryset)
        self.message_user(request, f"{sent} sent again.")
        if left := len(queryset) - sent:
            reason = f"{left} not: their jobs run again, and will tell by themselves."
            self.message_user(request, reason, "warning")
