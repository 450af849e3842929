"""Uploads as staff see and steer them."""

import re
import unicodedata
import uuid
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django_q.models import Schedule

from uploads.errors import NotFound
from uploads.models import CleanupRun, State, Upload
from uploads.services.cleanup import orphans_kept
from uploads.services.end import expire, extend, terminate
from uploads.services.inventory import take_inventory
from uploads.services.store_identity import identity_problem, store_problem
from uploads.tasks import CLEANUP, enqueue_cleanup

QUIET_AFTER = timedelta(seconds=30)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Facts are read here; what can be done are actions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from the protocol."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows change by services."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """File names are kept with composed letters (NFC); a Mac types others."""
        said = unicodedata.normalize("NFC", search_term)
        return super().get_search_results(request, queryset, said)


def tell_of_store(request: HttpRequest) -> None:
    """Say on this page where store and database do not fit, and what to do."""
    problem = store_problem()
    if problem is not None:
        messages.error(request, str(problem))
        return
    kept = orphans_kept()
    if kept is not None:
        size = filesizeformat(kept.orphans_kept_bytes)
        said = '{} files ({}) belong to no upload and are kept. <a href="{}">Look, and decide.</a>'
        address = reverse("admin:uploads_orphans")
        messages.warning(request, format_html(said, kept.orphans_kept, size, address))


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Why is this upload stuck, and how is it freed."""

    list_display = (
        *("__str__", "owner", "state_now", "progress", "rate", "age", "quiet_for"),
        *("requests", "interruptions", "client_address"),
    )
    list_filter = ("state", ("lost", admin.EmptyFieldListFilter), "created", "owner")
    search_fields = ("id", "file_name", "client_address", "owner__username", "failure")
    date_hierarchy = "created"
    list_select_related = ("owner",)
    list_per_page = 50
    actions = ("terminate", "expire_now", "extend")
    change_list_template = "uploads/admin_list.html"

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """`terminate` removes the bytes, too; deleting the row alone would orphan them."""
        return False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Who may run the actions."""
        return request.user.has_perm("uploads.change_upload")

    @admin.display(description="state", ordering="state")
    def state_now(self, upload: Upload) -> str:
        """The state, whether anything arrives, and whether the bytes are still there."""
        if upload.lost:
            return "finished, bytes lost"
        if upload.state != State.RECEIVING:
            return upload.get_state_display()
        quiet = timezone.now() - upload.last_activity > QUIET_AFTER
        return "receiving, quiet" if quiet else "receiving"

    @admin.display(description="progress", ordering="offset")
    def progress(self, upload: Upload) -> SafeString:
        """A bar, and both numbers."""
        length = upload.length
        return format_html(
            '<progress max="{}" value="{}"></progress><br>{} of {}',
            length or 1,
            upload.offset if length else 1,
            filesizeformat(upload.offset),
            "unknown" if length is None else filesizeformat(length),
        )

    @admin.display(description="rate")
    def rate(self, upload: Upload) -> str:
        """The mean over its life, pauses included."""
        seconds = (upload.last_activity - upload.created).total_seconds()
        return f"{filesizeformat(upload.offset / seconds)}/s" if seconds > 1 else "–"

    @admin.display(description="age", ordering="created")
    def age(self, upload: Upload) -> str:
        """Time since it was made."""
        return timesince(upload.created)

    @admin.display(description="last activity", ordering="last_activity")
    def quiet_for(self, upload: Upload) -> str:
        """Time since its last byte."""
        return f"{timesince(upload.last_activity)} ago"

    @admin.action(description="Terminate: end it and remove its bytes", permissions=["steer"])
    def terminate(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """The same as tus DELETE; works on finished uploads, too."""
        done = 0
        for upload in queryset:
            try:
                terminate(upload)
            except NotFound:
                continue  # it had ended
            done += 1
        self.message_user(request, f"{done} terminated, {len(queryset) - done} had ended before.")

    @admin.action(description="Expire now: end it if unfinished", permissions=["steer"])
    def expire_now(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """As if its time were over."""
        reason = f"Expired by {request.user}."
        done = sum(expire(upload, reason=reason) is not None for upload in queryset)
        self.message_user(request, f"{done} expired, {len(queryset) - done} were not unfinished.")

    @admin.action(description="Extend: give it its full time again", permissions=["steer"])
    def extend(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """From now on, as after activity."""
        done = sum(extend(upload) for upload in queryset)
        self.message_user(request, f"{done} extended, {len(queryset) - done} were not unfinished.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Upload], search_term: str
    ) -> tuple[QuerySet[Upload], bool]:
        """Addresses carry the identifier without dashes; some databases know it only with them."""
        last = search_term.strip().rstrip("/").rpartition("/")[2]
        if re.fullmatch("[0-9a-fA-F]{32}", last):
            search_term = str(uuid.UUID(hex=last))
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The schedule and its runs are one click away."""
        if self.has_view_permission(request):
            tell_of_store(request)
        schedule = Schedule.objects.filter(name=CLEANUP).first()
        links = {
            "schedule_url": schedule
            and reverse("admin:django_q_schedule_change", args=[schedule.pk]),
            "runs_url": reverse("admin:uploads_cleanuprun_changelist"),
        }
        return super().changelist_view(request, {**(extra_context or {}), **links})


@admin.register(CleanupRun)
class CleanupRunAdmin(ReadOnlyAdmin):
    """What each cleanup did."""

    list_display = (
        *("started", "trigger", "dry_run", "expired", "recovered", "lost", "strays"),
        *("orphans_kept", "freed", "problems"),
    )
    list_filter = ("trigger", "dry_run")
    fields = (
        *("started", "ended", "trigger", "dry_run", "expired", "recovered", "lost", "strays"),
        *("orphans_kept", "freed", "what", "errors"),
    )
    change_list_template = "uploads/admin_runs.html"

    @admin.display(description="bytes freed", ordering="bytes_freed")
    def freed(self, run: CleanupRun) -> str:
        """In units that people read."""
        return filesizeformat(run.bytes_freed)

    @admin.display(description="errors")
    def problems(self, run: CleanupRun) -> int:
        """How many."""
        return len(run.errors)

    @admin.display(description="what it did")
    def what(self, run: CleanupRun) -> SafeString:
        """One line each."""
        lines = format_html_join("", "<li>{}</li>", ((line,) for line in run.details))
        return format_html("<ul>{}</ul>", lines) if run.details else SafeString("nothing to do")

    def get_urls(self) -> list[Any]:
        """A button that runs the cleanup, and a page on which to agree to more."""
        run = path("run", self.admin_site.admin_view(self.run_now), name="uploads_cleanup_now")
        view = self.admin_site.admin_view(self.orphans)
        return [run, path("orphans", view, name="uploads_orphans"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """What keeps the cleanup from its work is said above its runs."""
        if self.has_view_permission(request):
            tell_of_store(request)
        return super().changelist_view(request, extra_context)

    def orphans(self, request: HttpRequest) -> HttpResponse:
        """How many files belong to no upload; the button removes so many, and not more."""
        if not request.user.has_perm("uploads.change_upload"):
            raise PermissionDenied
        if request.method == "POST":
            count = request.POST.get("count", "")
            if count.isdecimal() and len(count) < 10:
                enqueue_cleanup(CleanupRun.Trigger.STAFF, int(count))
                messages.success(request, "Their removal is queued; its record will appear here.")
            return HttpResponseRedirect(reverse("admin:uploads_cleanuprun_changelist"))
        problem = identity_problem()
        context = {
            **self.admin_site.each_context(request),
            "title": "Files that belong to no upload",
            "problem": problem,
            "found": None if problem else take_inventory(),
        }
        return render(request, "uploads/admin_orphans.html", context)

    def run_now(self, request: HttpRequest) -> HttpResponseRedirect:
        """Let the worker clean up now."""
        if not request.user.has_perm("uploads.change_upload"):
            raise PermissionDenied
        if request.method == "POST":
            enqueue_cleanup(CleanupRun.Trigger.STAFF)
            messages.success(request, "The cleanup is queued; its record will appear here.")
        return HttpResponseRedirect(reverse("admin:uploads_cleanuprun_changelist"))
