"""The admin pages of cleanup runs, and of the files that a cleanup may remove."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import DELETION
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from uploads.admin_pages.base import ReadOnlyAdmin, plural, wrapped
from uploads.models import CleanupRun
from uploads.services.lookup import CHANGE
from uploads.services.maintenance.cleanup import clean_up, orphans_kept
from uploads.services.maintenance.inventory import take_inventory
from uploads.services.maintenance.store_identity import identity_problem, store_problem
from uploads.tasks import enqueue_cleanup


def tell_of_store(request: HttpRequest) -> None:
    """Shows the store problem, and the orphans that wait for confirmation, as messages."""
    problem = store_problem()
    if problem is not None:
        messages.error(request, str(problem))
        return
    kept = orphans_kept()
    if kept is None:
        return
    size = filesizeformat(kept.orphans_kept_bytes)
    said = format_html("{} files ({}) belong to no upload and are kept.", kept.orphans_kept, size)
    if request.user.has_perm(CHANGE):
        link = ' <a href="{}">Review them.</a>'
        said += format_html(link, reverse("admin:uploads_orphans"))
    messages.warning(request, said)


@admin.register(CleanupRun)
class CleanupRunAdmin(ReadOnlyAdmin):
    """A list of what each cleanup did."""

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
        return filesizeformat(run.bytes_freed)

    @admin.display(description="errors")
    def problems(self, run: CleanupRun) -> SafeString | str:
        """The first error, and how many more there are."""
        if not run.errors:
            return ""
        more = len(run.errors) - 1
        return wrapped(f"{run.errors[0]}{f' (and {more} more)' if more else ''}")

    @admin.display(description="what it did")
    def what(self, run: CleanupRun) -> SafeString:
        """One line per step that did something."""
        lines = format_html_join("", "<li>{}</li>", ((line,) for line in run.details))
        return format_html("<ul>{}</ul>", lines) if run.details else SafeString("nothing to remove")

    def get_urls(self) -> list[Any]:
        """Adds the "Clean up now" button and the page about orphans."""
        run = path("run", self.admin_site.admin_view(self.run_now), name="uploads_cleanup_now")
        view = self.admin_site.admin_view(self.orphans)
        return [run, path("orphans", view, name="uploads_orphans"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Shows store problems above the list."""
        if self.has_view_permission(request):
            tell_of_store(request)
        may_run = request.user.has_perm(CHANGE)
        return super().changelist_view(request, {**(extra_context or {}), "may_run": may_run})

    def orphans(self, request: HttpRequest) -> HttpResponse:
        """Shows how many files belong to no upload; the button removes that number at most."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        if request.method == "POST":
            count = request.POST.get("count", "")
            if count.isdecimal() and len(count) < 10:
                self.clean_up(request, "The removal", int(count))
                what = f"Confirmed the removal of {plural(int(count), 'file')} without an upload."
                self.note(request, CleanupRun(), what, DELETION, "Files that belong to no upload")
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
        """Runs the cleanup, by the queue if the site has one."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        if request.method == "POST":
            self.clean_up(request, "The cleanup")
            self.note(request, CleanupRun(), "Started a cleanup.", name="Cleanup")
        return HttpResponseRedirect(reverse("admin:uploads_cleanuprun_changelist"))

    def clean_up(self, request: HttpRequest, what: str, confirmed: int = 0) -> None:
        """Queues a cleanup; on a site without a queue, runs it while staff wait.

        Args:
            request: Receives the message.
            what: The subject of the message.
            confirmed: See `clean_up`.
        """
        if enqueue_cleanup(CleanupRun.Trigger.STAFF, confirmed):
            messages.success(request, f"{what} is queued; it will be listed here.")
            return
        run = clean_up(CleanupRun.Trigger.STAFF, confirmed=confirmed)
        if run.errors:
            messages.error(request, f"{what} is not complete; its record lists the errors.")
        else:
            messages.success(request, f"{what} is done.")
