"""The admin pages of uploads: what each one is doing, and the actions on it."""

import re
import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import admin_urlname
from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from uploads.admin_pages.base import Question, ReadOnlyAdmin, changed, plural, wrapped
from uploads.admin_pages.cleanup import tell_of_store
from uploads.admin_pages.story import moments, told
from uploads.errors import NotFound
from uploads.http.protocol import shown_metadata
from uploads.models import CleanupRun, State, Upload
from uploads.queues.base import queue
from uploads.services.activity import in_flight
from uploads.services.expiration import extend
from uploads.services.maintenance.holdings import holdings
from uploads.services.maintenance.verification import verify
from uploads.services.termination import expire, terminate

OWNER_NAME = f"owner__{get_user_model().USERNAME_FIELD}"


class ActivityFilter(admin.SimpleListFilter):
    """Unfinished uploads by how long they have been quiet."""

    title = parameter_name = "activity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("arriving", "receiving now"), ("quiet", "quiet"), ("stalled", "stalled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Upload]) -> QuerySet[Upload]:
        since = {
            "arriving": {"last_activity__gte": timezone.now() - in_flight.QUIET_AFTER},
            "quiet": {"last_activity__lt": timezone.now() - in_flight.QUIET_AFTER},
            "stalled": {"last_activity__lt": timezone.now() - in_flight.STALLED_AFTER},
        }.get(self.value() or "")
        return queryset.filter(state=State.RECEIVING, **since) if since else queryset


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """What staff need to find a stuck upload and to end, expire or extend it."""

    list_display = (
        *("name", "sender", "state_now", "progress", "age", "quiet_for", "tries"),
        "reason",
    )
    list_filter = (
        *("state", ActivityFilter, ("lost", admin.EmptyFieldListFilter), "created", "owner"),
    )
    search_fields = ("id", "file_name", "client_address", OWNER_NAME, "failure")
    list_select_related: ClassVar[Any] = ("owner",)
    list_per_page = 50
    actions = ("terminate", "expire_now", "extend", "verify")
    change_list_template = "uploads/admin_list.html"
    fieldsets = (
        (None, {"fields": ("file_name", "state_now", "progress", "failure", "owner")}),
        ("Metadata from the client", {"fields": ("decoded_metadata", "concat", "concat_header")}),
        ("Timeline", {"fields": ("story",)}),
        ("When", {"fields": ("created", "last_activity", "finished", "expires", "lost")}),
        ("Client", {"fields": ("client_address", "client_agent", "requests", "interruptions")}),
        ("Inside", {"fields": ("id", "address", "header_checked", "notified_at", "has_bytes")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Off: deleting the row alone would orphan the bytes. `terminate` removes both."""
        return False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """The permission that the actions need."""
        return request.user.has_perm("uploads.change_upload")

    # What lists and pages show ------------------------------------------------------------------

    @admin.display(description="upload", ordering="file_name")
    def name(self, upload: Upload) -> SafeString:
        return wrapped(str(upload))

    @admin.display(description="from", ordering=OWNER_NAME)
    def sender(self, upload: Upload) -> SafeString:
        owner = upload.owner or self.get_empty_value_display()
        return format_html("{}<br>{}", owner, wrapped(upload.client_address))

    @admin.display(description="state", ordering="state")
    def state_now(self, upload: Upload) -> str:
        """The state, whether bytes are arriving, and whether stored bytes are lost."""
        if upload.lost:
            return "finished, bytes lost"
        if upload.state != State.RECEIVING:
            return upload.get_state_display()
        quiet = timezone.now() - upload.last_activity > in_flight.QUIET_AFTER
        return "receiving, quiet" if quiet else "receiving"

    @admin.display(description="received", ordering="offset")
    def progress(self, upload: Upload) -> SafeString:
        """A bar with received and total bytes, and the mean rate including pauses."""
        rate = in_flight.mean_rate(upload)
        return format_html(
            "{}{} of {}{}",
            bar(upload) if upload.state == State.RECEIVING else "",
            filesizeformat(upload.offset),
            "unknown" if upload.length is None else filesizeformat(upload.length),
            f", {filesizeformat(rate)}/s" if rate else "",
        )

    @admin.display(description="started", ordering="created")
    def age(self, upload: Upload) -> str:
        return f"{timesince(upload.created, depth=1)} ago"

    @admin.display(description="last activity", ordering="last_activity")
    def quiet_for(self, upload: Upload) -> str:
        return f"{timesince(upload.last_activity, depth=1)} ago"

    @admin.display(description="requests", ordering="requests")
    def tries(self, upload: Upload) -> str:
        cut = f" ({upload.interruptions} cut off)" if upload.interruptions else ""
        return f"{upload.requests}{cut}"

    @admin.display(description="failure", ordering="failure")
    def reason(self, upload: Upload) -> SafeString | str:
        return wrapped(upload.failure) if upload.failure else ""

    @admin.display(description="metadata")
    def decoded_metadata(self, upload: Upload) -> SafeString | str:
        """The upload's metadata, key by key."""
        pairs = shown_metadata(upload.metadata)
        rows = format_html_join("", "<dt>{}</dt><dd>{}</dd>", pairs)
        return format_html('<dl class="pairs">{}</dl>', rows) if pairs else "none"

    @admin.display(description="what happened")
    def story(self, upload: Upload) -> SafeString:
        """From its creation to its end."""
        return told(moments(upload))

    @admin.display(description="address")
    def address(self, upload: Upload) -> str:
        return reverse("uploads:upload", args=[upload.pk.hex])

    # What can be done ---------------------------------------------------------------------------

    @admin.action(description="Terminate … and remove their files", permissions=["steer"])
    def terminate(
        self, request: HttpRequest, queryset: QuerySet[Upload]
    ) -> TemplateResponse | None:
        """Like DELETE in tus; also works on finished uploads."""
        living = queryset.filter(state__in=(State.RECEIVING, State.FINISHED))
        if living.exists() and not self.is_agreed(request, queryset.count()):
            question = ending(queryset, living, "Terminate")
            return self.ask(request, "terminate", queryset, question, affected=living)
        done = freed = 0
        for upload in queryset:
            before = upload.get_state_display()
            try:
                size = terminate(upload)
            except NotFound:
                continue  # it had ended
            self.note(request, upload, ended(before, State.TERMINATED, size))
            done, freed = done + 1, freed + size
        said = f"{done} terminated; {len(queryset) - done} skipped (already ended)."
        self.message_user(request, f"{said} {filesizeformat(freed)} freed.")
        return None

    @admin.action(description="Expire now … if unfinished", permissions=["steer"])
    def expire_now(
        self, request: HttpRequest, queryset: QuerySet[Upload]
    ) -> TemplateResponse | None:
        """Expires unfinished uploads at once, whatever time they have left."""
        unfinished = queryset.filter(state=State.RECEIVING)
        if unfinished.exists() and not self.is_agreed(request, queryset.count()):
            question = ending(queryset, unfinished, "Expire")
            return self.ask(request, "expire_now", queryset, question, affected=unfinished)
        done = 0
        for upload in queryset:
            before = upload.get_state_display()
            size = expire(upload, reason=f"Expired by {request.user}.")
            if size is not None:
                self.note(request, upload, ended(before, State.EXPIRED, size))
                done += 1
        self.message_user(request, f"{done} expired; {skipped(len(queryset) - done)}")
        return None

    @admin.action(description="Extend: restart the expiration time", permissions=["steer"])
    def extend(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """The new expiration time counts from now, as after activity."""
        done = 0
        for upload in queryset:
            before = upload.expires
            if extend(upload):
                expires = Upload.objects.values_list("expires", flat=True).get(pk=upload.pk)
                self.note(request, upload, changed("Expires", dated(before), dated(expires)))
                done += 1
        self.message_user(request, f"{done} extended; {skipped(len(queryset) - done)}")

    @admin.action(
        description="Verify: compare the stored bytes with the row", permissions=["steer"]
    )
    def verify(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """Changes nothing; the next cleanup marks what is lost."""
        for upload in queryset:
            try:
                found = verify(upload)
                level = messages.SUCCESS if found.is_good else messages.ERROR
                self.message_user(request, f"Verified {upload}: {found}.", level)
            except OSError as problem:
                said = f"Not verified {upload}: the store can't be read: {problem}"
                self.message_user(request, said, messages.ERROR)

    # Pages --------------------------------------------------------------------------------------

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Upload], search_term: str
    ) -> tuple[QuerySet[Upload], bool]:
        """Clients know identifiers without dashes; some databases find them only with dashes."""
        last = search_term.strip().rstrip("/").rpartition("/")[2]
        if re.fullmatch("[0-9a-fA-F]{32}", last):
            search_term = str(uuid.UUID(hex=last))
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Adds links to the schedule and the cleanup runs, for users who may view them."""
        if self.has_view_permission(request):
            tell_of_store(request)
        runs = "admin:uploads_cleanuprun_changelist"
        links = {
            "schedule_url": self.schedule_url(request),
            "runs_url": self.can_view(request, CleanupRun) and reverse(runs),
        }
        return super().changelist_view(request, {**(extra_context or {}), **links})

    def schedule_url(self, request: HttpRequest) -> str | None:
        """Where staff say how often the cleanup runs; None: no queue runs it, or they may not."""
        site_queue = queue()
        schedule = site_queue.schedule() if site_queue else None
        if schedule is None or not self.can_view(request, type(schedule)):
            return None
        page = admin_urlname(schedule._meta, SafeString("change"))
        return reverse(page, args=[schedule.pk])


def bar(upload: Upload) -> SafeString:
    """The progress bar; empty if the length is not known yet."""
    if not upload.length:
        return SafeString("")
    said = '<progress max="{}" value="{}" aria-label="Received"></progress><br>'
    return format_html(said, upload.length, upload.offset)


def ending(chosen: QuerySet[Upload], among: QuerySet[Upload], verb: str) -> Question:
    """The confirmation page before uploads are ended.

    Args:
        chosen: All selected uploads.
        among: Those that the action applies to.
        verb: The action, as the button says it.
    """
    lost = holdings(among)
    left = chosen.count() - lost.count
    finished = f", {lost.finished} of them finished" if lost.finished else ""
    ends, files = f"{lost.count} uploads will end{finished}.", "Their files"
    if lost.count == 1:
        ends, files = f"1 {'finished ' if lost.finished else ''}upload will end.", "Its file"
    said = [f"{ends} {files} ({filesizeformat(lost.size)}) will be removed. This can't be undone."]
    if left:
        said.append(f"Of the {chosen.count()} selected uploads, {skipped(left)}")
    return Question(f"{verb} {plural(lost.count, 'upload')}?", said, f"{verb} and remove files")


def ended(before: str, after: State, size: int) -> str:
    """The note about an upload that staff ended."""
    return f"{changed('State', before, after.label)} Bytes removed: {size}."


def dated(time: datetime | None) -> str:
    """With its time zone: a note is read long after, and elsewhere."""
    return f"{time:%Y-%m-%d %H:%M:%S %Z}" if time else "never"


def skipped(count: int) -> str:
    """The sentence about selected uploads that the action does not apply to."""
    return f"{count} skipped (already finished or ended)."
