"""The admin's lists that figures lead to."""

from functools import partial
from urllib.parse import urlencode

from django.urls import reverse


def _list(model: str, **filters: object) -> str:
    query = urlencode({key: str(value) for key, value in filters.items()})
    page = reverse(f"admin:{model}_changelist")
    return f"{page}?{query}" if query else page


def uploads(state: str = "", activity: str = "", **filters: object) -> str:
    chosen = {"state__exact": state, "activity": activity}
    return _list("uploads_upload", **{k: v for k, v in chosen.items() if v}, **filters)


def jobs(state: str = "", **filters: object) -> str:
    return _list("transcription_job", **({"state__exact": state} if state else {}), **filters)


SCHEDULES = partial(_list, "django_q_schedule")
WEBHOOKS = partial(_list, "transcription_delivery")


def change(model: str, key: object) -> str:
    """The page of one row."""
    return reverse(f"admin:{model}_change", args=[key])
