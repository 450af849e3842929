"""Whether the light worker gets on, seen from outside."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django_q.models import OrmQ, Schedule

LATE = timedelta(minutes=5)
CLAIM_TOO_OLD = timedelta(minutes=15)  # tasks there end after ten


def light_is_stuck() -> str:
    """Why the light worker must be restarted; empty: it need not.

    A worker that is killed while idle can leave django-q's queue locked: the processes live on and
    nothing is run. What such a cluster had claimed is forgotten: its tasks come by schedule.
    """
    now = timezone.now()
    claimed = OrmQ.objects.filter(key=settings.Q_CLUSTER["name"], lock__gt=now - timedelta(days=1))
    if claimed.filter(lock__lt=now - CLAIM_TOO_OLD).delete()[0]:
        return "a task that it took was never done"
    late = Schedule.objects.filter(next_run__lt=now - LATE).order_by("next_run").first()
    return f"{late.name} is overdue" if late else ""
