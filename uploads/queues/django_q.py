"""The cleanup by django-q2: UPLOADS_QUEUE = "uploads.queues.django_q.DjangoQ"."""

from datetime import timedelta

from django.db import connections, router
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

CLEANUP = "uploads: cleanup"
TASK = "uploads.tasks.cleanup"
EVERY_MINUTES = 10


class DjangoQ:
    """See `uploads.queues.base.Queue`. Its schedule is a row that staff can change."""

    def enqueue_cleanup(self, trigger: str, confirmed: int) -> None:
        """Queues a cleanup for a worker of the default cluster."""
        async_task(TASK, trigger, confirmed, task_name="cleanup")

    def declare_schedule(self) -> None:
        """Creates the schedule if it is missing, once django-q2 has its tables."""
        # Names are not unique in the queue: staff may have created a second one.
        if not has_tables() or self.schedule() is not None:
            return
        for schedule in declared_schedules():
            schedule.save(force_insert=True)

    def schedule(self) -> Schedule | None:
        return Schedule.objects.filter(name=CLEANUP).first()


def declared_schedules() -> list[Schedule]:
    """What a new site schedules; not saved."""
    return [
        Schedule(
            name=CLEANUP,
            func=TASK,
            schedule_type=Schedule.MINUTES,
            minutes=EVERY_MINUTES,
            next_run=timezone.now() + timedelta(minutes=EVERY_MINUTES),
        )
    ]


def has_tables() -> bool:
    """Whether django-q2 was migrated: `migrate uploads` alone does not create its tables."""
    connection = connections[router.db_for_write(Schedule)]
    return Schedule._meta.db_table in connection.introspection.table_names()
