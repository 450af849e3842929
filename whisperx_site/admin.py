"""The queue in the admin: what the site runs, and when. No other functions can be added.

django-q2's own pages let users who may add a schedule, or view tasks, run any Python function.
"""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MinValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django_q import admin as django_q_admin
from django_q.models import Failure, OrmQ, Schedule, Success

from uploads.admin_pages.base import ReadOnlyAdmin, changed, wrapped

FUNCTIONS = {
    "uploads.tasks.cleanup": "Clean up: expire uploads, remove leftovers",
    "transcription.tasks.sweep": "Requeue jobs whose worker died",
    "transcription.tasks.deliver": "Send webhooks that are due",
}
# Repeating schedules that need no further arguments.
KINDS = [kind for kind in Schedule.TYPE if kind[0] not in (Schedule.ONCE, Schedule.CRON)]
PAUSED = 0  # repeats: django-q2 doesn't run such a schedule any more
FOR_EVER = -1

for model in (Schedule, Success, Failure, OrmQ):
    admin.site.unregister(model)


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which function runs, and when; no arguments, hooks or queues."""

    func = forms.ChoiceField(choices=list(FUNCTIONS.items()), label="What")
    schedule_type = forms.ChoiceField(choices=KINDS, label="How often")
    minutes = forms.IntegerField(
        required=False,
        max_value=32767,
        validators=[MinValueValidator(1)],
        help_text="The minutes between two runs.",
    )

    class Meta:
        model = Schedule
        fields = ("name", "func", "schedule_type", "minutes", "next_run")

    def clean_next_run(self) -> datetime:
        """A past time means now: django-q2 would make up for all runs since then."""
        wanted: datetime = self.cleaned_data["next_run"]
        return max(wanted, timezone.now())

    def clean(self) -> dict[str, Any]:
        """Requires the minutes of a schedule that runs every so many minutes."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("schedule_type") == Schedule.MINUTES and not cleaned.get("minutes"):
            self.add_error("minutes", "Enter the minutes between two runs.")
        return cleaned


@admin.register(Schedule)
class ScheduleAdmin(django_q_admin.ScheduleAdmin):  # type: ignore[misc]
    form = ScheduleForm
    fields = ScheduleForm.Meta.fields
    readonly_fields = ()
    list_display = (
        *("name", "what", "schedule_type", "minutes", "is_running", "next_run"),
        *("get_last_run", "get_success"),
    )
    list_display_links = ("name",)
    list_filter = ("schedule_type",)
    actions = ("pause", "resume")

    @admin.display(description="what", ordering="func")
    def what(self, schedule: Schedule) -> str:
        """In words, or the function's name if this page doesn't offer it."""
        return FUNCTIONS.get(schedule.func) or str(schedule.func)

    @admin.display(description="runs", boolean=True)
    def is_running(self, schedule: Schedule) -> bool:
        """Whether it isn't paused."""
        return bool(schedule.repeats != PAUSED)

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        """New schedules repeat forever; changed ones keep nothing but their function."""
        obj.hook = obj.args = obj.kwargs = obj.cluster = obj.intended_date_kwarg = None
        if not change:
            obj.repeats = FOR_EVER
        super().save_model(request, obj, form, change)

    @admin.action(description="Pause until resumed", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        running = list(queryset.exclude(repeats=PAUSED))
        queryset.exclude(repeats=PAUSED).update(repeats=PAUSED)
        for schedule in running:
            self.log_change(request, schedule, changed("State", "running", "paused"))
        self.message_user(request, f"{len(running)} paused.")

    @admin.action(description="Resume from now on", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Missed runs are not made up for."""
        soon = timezone.now() + timedelta(seconds=1)
        paused = list(queryset.filter(repeats=PAUSED))
        queryset.filter(repeats=PAUSED).update(repeats=FOR_EVER, next_run=soon)
        for schedule in paused:
            self.log_change(request, schedule, changed("State", "paused", "running"))
        self.message_user(request, f"{len(paused)} resumed.")


class ReadOnlyTaskAdmin(ReadOnlyAdmin):
    """Tasks can't be run again here: the rows of uploads and jobs say what is to do."""

    list_display: tuple[str, ...] = ("name", "func", "cluster", "started", "stopped")
    list_filter = ("cluster",)
    search_fields = ("name", "func", "group")
    fields = ("id", "name", "func", "cluster", "started", "stopped", "result")


@admin.register(Success)
class SuccessAdmin(ReadOnlyTaskAdmin):
    pass


@admin.register(Failure)
class FailureAdmin(ReadOnlyTaskAdmin):
    list_display = (*ReadOnlyTaskAdmin.list_display, "reason")

    @admin.display(description="failure")
    def reason(self, task: Failure) -> SafeString:
        """The last line of the traceback, which names the error; the rest is on its own page."""
        lines = str(task.result or "").strip().splitlines()
        return wrapped(lines[-1] if lines else "")


@admin.register(OrmQ)
class QueueAdmin(ReadOnlyAdmin):
    list_display = ("id", "key", "name", "func", "lock", "task_id")
    list_filter = ("key",)
    fields = list_display
