"""Stage outputs and webhooks in the admin."""

import json
from datetime import datetime

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from transcription.models import Delivery, Job, StageOutput
from transcription.services.stages import outputs
from transcription.services.webhooks import outbox
from uploads.admin_pages.base import ReadOnlyAdmin, changed, wrapped

LONGEST_OUTPUT = 20_000  # characters of a stage's output to show


def told_stages(job: Job, link: str) -> SafeString:
    """The list of kept outputs; the link is a format string for address and name."""
    rows = (
        (
            format_html(
                link,
                reverse("admin:transcription_stageoutput_change", args=[row.pk]),
                row.get_name_display(),
            ),
            f"{row.at:%Y-%m-%d %H:%M:%S}",
            "brought by the client" if row.given else f"by {row.engine}",
            " ".join([row.note, *row.warnings]),
        )
        for row in outputs.without_output(job).values()
    )
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{} {}, {} {}</li>", rows))


@admin.register(StageOutput)
class StageOutputAdmin(ReadOnlyAdmin):
    """The outputs of stages, reached from the job's page."""

    list_display = ("__str__", "engine", "given", "at")
    list_filter = ("name", "engine", "given")
    search_fields = ("job__id", "job__file_name")
    fields = ("job", "name", "given", "engine", "at", "note", "warnings", "shown")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StageOutput]:
        """Lists don't load the outputs, which may be long."""
        return super().get_queryset(request).defer("output")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """They are deleted with their jobs, or when those run again."""
        return False

    @admin.display(description="output")
    def shown(self, row: StageOutput) -> SafeString:
        """The start of the output as JSON."""
        text = ""
        for piece in json.JSONEncoder(ensure_ascii=False, indent=1).iterencode(row.output):
            text += piece
            if len(text) > LONGEST_OUTPUT:
                break
        return format_html("<pre>{}</pre>", truncatechars(text, LONGEST_OUTPUT))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Webhooks, with their state and last error."""

    list_display = (
        *("name", "address", "state", "attempts", "last_status", "outcome"),
        *("created", "next_try", "delivered"),
    )
    list_filter = ("state", "created")
    search_fields = ("id", "url", "job__id", "job__file_name", "last_error")
    list_select_related = ("job",)
    actions = ("send_again",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """They are deleted with their jobs."""
        return False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """The permission that the actions need."""
        return request.user.has_perm("transcription.change_delivery")

    @admin.display(description="job", ordering="job__file_name")
    def name(self, delivery: Delivery) -> SafeString:
        return wrapped(str(delivery.job))

    @admin.display(description="URL", ordering="url")
    def address(self, delivery: Delivery) -> SafeString:
        return wrapped(delivery.url)

    @admin.display(description="last error", ordering="last_error")
    def outcome(self, delivery: Delivery) -> SafeString | str:
        """The start of the error; the rest is on the webhook's own page."""
        return wrapped(delivery.last_error) if delivery.last_error else ""

    @admin.display(description="next try", ordering="next_attempt")
    def next_try(self, delivery: Delivery) -> datetime | None:
        """None: no more tries."""
        waits = delivery.state == Delivery.State.WAITING
        return delivery.next_attempt if waits else None

    @admin.action(description="Send again", permissions=["steer"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Under the same id, starting with the quick retries."""
        sent = 0
        for delivery in queryset:
            before = delivery.get_state_display()
            if outbox.send_again(delivery):
                after = Delivery.State.WAITING.label
                self.note(request, delivery, changed("State", before, after))
                sent += 1
        self.message_user(request, f"{sent} sent again.")
        if left := len(queryset) - sent:
            reason = f"{left} skipped: their jobs are running again and will send a new webhook."
            self.message_user(request, reason, "warning")
