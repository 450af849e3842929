"""Jobs in the admin."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.models import DELETION
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

# Importing them registers their admin pages.
from transcription import admin_uploads  # noqa: F401
from transcription.admin_records import told_stages
from transcription.engines.registry import ENGINES
from transcription.models import (
    ACTIVE,
    Job,
    LearnedSpeed,
    Priority,
    StageOutput,
    State,
    Transcript,
)
from transcription.pages.forms import RerunForm
from transcription.services.jobs import rerun, transitions
from transcription.services.scheduling import turns
from uploads.admin_pages.base import Question, ReadOnlyAdmin, changed, plural, wrapped
from uploads.models import Upload
from uploads.services.maintenance.holdings import holdings


class EngineFilter(admin.SimpleListFilter):
    """By the engine that did it.

    Those known and those whose speed was learned: to read the engines of all jobs takes a second
    for a million.
    """

    title = "engine"
    parameter_name = "engine_used"
    NONE = "none"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        learned = LearnedSpeed.objects.order_by().values_list("engine", flat=True).distinct()
        known = sorted({*ENGINES, *learned})
        return [*((name, name) for name in known), (self.NONE, "none yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        chosen = self.value()
        if chosen is None:
            return queryset
        return queryset.filter(engine_used="" if chosen == self.NONE else chosen)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """All jobs, with times, states and reasons."""

    list_display = (
        *("name", "owner", "state", "progress", "engine_shown", "language_used"),
        *("age", "reason"),
    )
    list_filter = (*("state", "priority", "task_type", EngineFilter, "created", "owner"),)
    search_fields = ("id", "file_name", "owner__username", "error")
    list_select_related = ("owner",)
    list_per_page = 50
    actions = (
        *("cancel", "high_priority", "normal_priority", "low_priority"),
        *("run_again", "run_again_with", "delete_with_recording"),
    )
    readonly_fields = ("history", "stages", "page", "recording")
    exclude = ("token", "upload")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Off: the action also deletes the recording."""
        return False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """The permission that the actions need."""
        return request.user.has_perm("transcription.change_job")

    @admin.display(description="job", ordering="file_name")
    def name(self, job: Job) -> SafeString:
        return wrapped(str(job))

    @admin.display(description="engine", ordering="engine_used")
    def engine_shown(self, job: Job) -> SafeString | str:
        """The engine, and its model: a name, a repository or a directory."""
        if not job.engine_used:
            return ""
        return wrapped(", ".join(filter(None, (job.engine_used, job.model_used))))

    @admin.display(description="progress", ordering="percent")
    def progress(self, job: Job) -> SafeString:
        """A bar and the stage; empty once the job has ended."""
        if not job.is_active:
            return SafeString("")
        bar = '<progress max="100" value="{}" aria-label="Progress"></progress><br>{}'
        return format_html(bar, int(job.percent), job.get_stage_display())

    @admin.display(description="made", ordering="created")
    def age(self, job: Job) -> str:
        return f"{timesince(job.created, depth=1)} ago"

    @admin.display(description="failure", ordering="error")
    def reason(self, job: Job) -> SafeString | str:
        """The error, shortened; the job's own page has all of it."""
        return wrapped(job.error) if job.error else ""

    @admin.display(description="history")
    def history(self, job: Job) -> SafeString:
        """One line per event."""
        steps = ((f"{event.at:%Y-%m-%d %H:%M:%S}", event.what) for event in job.events.all())
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} {}</li>", steps))

    @admin.display(description="kept outputs")
    def stages(self, job: Job) -> SafeString:
        """The outputs of the stages: engine and remarks."""
        return told_stages(job, '<a href="{}">{}</a>')

    @admin.display(description="kept outputs")
    def stages_unlinked(self, job: Job) -> SafeString:
        """The same without links, for users who may not see the outputs."""
        return told_stages(job, "{1}")

    @admin.display(description="page")
    def page(self, job: Job) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', reverse("job", args=[job.pk]))

    @admin.display(description="recording")
    def recording(self, job: Job) -> SafeString | str:
        if job.upload is None:
            return "removed"
        address = reverse("admin:uploads_upload_change", args=[job.upload.pk])
        return format_html('<a href="{}">{}</a>', address, job.upload)

    @admin.display(description="recording")
    def recording_unlinked(self, job: Job) -> str:
        """For users who may not see uploads."""
        return str(job.upload or "removed")

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> tuple[str, ...]:
        """Links only lead to pages that the user may see."""
        names = {"stages": StageOutput, "recording": Upload}
        closed = {name for name, model in names.items() if not self.can_view(request, model)}
        return tuple(
            f"{name}_unlinked" if name in closed else name for name in self.readonly_fields
        )

    # What can be done ---------------------------------------------------------------------------

    @admin.action(description="Cancel", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        done = 0
        for job in queryset:
            before = job.get_state_display()
            if transitions.cancel(job):
                self.note(request, job, changed("State", before, cancelled(job)))
                done += 1
        self.message_user(
            request, f"{done} cancelled; {len(queryset) - done} skipped (already ended)."
        )

    @admin.action(description="Run again", permissions=["steer"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Requeues ended jobs with the same options; only missing steps are done."""
        self.queue_again(request, queryset, {})

    @admin.action(description="Run again with other options …", permissions=["steer"])
    def run_again_with(
        self, request: HttpRequest, queryset: QuerySet[Job]
    ) -> TemplateResponse | None:
        """Asks for engine, model, language and so on first."""
        form = RerunForm(request.POST if "apply" in request.POST else None)
        if form.is_valid():
            self.queue_again(request, queryset, form.changes, form.cleaned_data["everything"])
            return None
        question = Question(
            f"Run {plural(queryset.count(), 'job')} again with other options",
            ["Jobs that have ended are queued again; others are skipped."],
            "Run again",
        )
        return self.ask(
            request,
            "run_again_with",
            queryset,
            question,
            template="transcription/admin_run_again.html",
            form=AdminForm(form, [(None, {"fields": [*form.fields]})], {}),  # type: ignore[arg-type]
        )

    @admin.action(description="Priority: high", permissions=["steer"])
    def high_priority(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self.prioritize(request, queryset, Priority.HIGH)

    @admin.action(description="Priority: normal", permissions=["steer"])
    def normal_priority(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self.prioritize(request, queryset, Priority.NORMAL)

    @admin.action(description="Priority: low", permissions=["steer"])
    def low_priority(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self.prioritize(request, queryset, Priority.LOW)

    def prioritize(self, request: HttpRequest, queryset: QuerySet[Job], to: Priority) -> None:
        done = 0
        for job in queryset:
            before = job.get_priority_display()
            if turns.prioritize(job, to):
                self.note(request, job, changed("Priority", before, to.label))
                done += 1
        skipped = f"{len(queryset) - done} skipped (ended, or had it already)."
        self.message_user(request, f"{done} changed to {to.label} priority; {skipped}")

    def queue_again(
        self,
        request: HttpRequest,
        queryset: QuerySet[Job],
        changes: Mapping[str, Any],
        everything: bool = False,
    ) -> None:
        """Requeues the jobs that have ended, and reports on each."""
        for job in queryset:
            before, asked = job.get_state_display(), request_of(job)
            try:
                rerun.run_again(job, changes, everything)
            except rerun.CannotRun as reason:
                self.message_user(request, f"{job}: {reason}", "warning")
            else:
                said = [changed("State", before, State.QUEUED.label)]
                for name, value in request_of(job).items():
                    if value != asked.get(name):
                        said.append(changed(name.capitalize(), asked.get(name), value))
                self.note(request, job, " ".join(said))
                self.message_user(request, f"{job} is queued again.")

    @admin.action(description="Delete … with transcript and recording", permissions=["steer"])
    def delete_with_recording(
        self, request: HttpRequest, queryset: QuerySet[Job]
    ) -> TemplateResponse | None:
        """In any state."""
        if not self.is_agreed(request, queryset.count()):
            return self.ask(request, "delete_with_recording", queryset, deletion(queryset))
        count = len(queryset)
        for job in queryset:
            size = holdings(Upload.objects.filter(job=job)).size
            before = job.get_state_display()
            transitions.delete(job)
            what = f"{changed('State', before, 'deleted')} Bytes of the recording: {size}."
            self.note(request, job, what, DELETION)
        self.message_user(request, f"{count} deleted.")
        return None


def request_of(job: Job) -> dict[str, Any]:
    """What is asked of a job now, as its row says it: staff may change it."""
    names = ("engine", "model", "language", "options")
    found = Job.objects.filter(pk=job.pk).values(*names).first()
    return {name: value or "default" for name, value in (found or {}).items()}


def cancelled(job: Job) -> str:
    """The state after a cancellation; a running job ends only when its worker hears of it."""
    has_ended = Job.objects.filter(pk=job.pk, state=State.CANCELLED).exists()
    return State.CANCELLED.label if has_ended else "to be cancelled"


def deletion(jobs: QuerySet[Job]) -> Question:
    """What deleting these jobs would remove."""
    count = jobs.count()
    files = holdings(Upload.objects.filter(job__in=jobs.order_by()))
    texts = Transcript.objects.filter(job__in=jobs.order_by()).count()
    lost = f"{plural(texts, 'transcript')} and {plural(files.count, 'recording')}"
    said = [
        f"{plural(count, 'job')} will be deleted, with {lost} ({filesizeformat(files.size)}). "
        "This can't be undone."
    ]
    active = jobs.filter(state__in=ACTIVE).count()
    if active:
        said.append(f"Still waiting or running: {active}. They will be stopped.")
    return Question(f"Delete {plural(count, 'job')}?", said, "Delete")
