"""Removes what rows need not keep: long headers of ended uploads, and old addresses of clients.

Name and type have separate columns. Metadata of 16 KB, or a thousand part URLs, would stay
uselessly for UPLOADS_RECORD_RETENTION, and one client can create thousands of such rows in seconds.
"""

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Length

from uploads.conf import conf
from uploads.models import CleanupRun, State, Upload
from uploads.services.activity.timeline import without_addresses
from uploads.services.maintenance.batches import batches_of

HEADERS = ("metadata", "concat_header")
LONGEST_KEPT = 1024  # characters


def without_long_headers(upload: Upload) -> dict[str, str]:
    """The field changes that remove long headers when an upload ends."""
    return {name: "" for name in HEADERS if len(getattr(upload, name)) > LONGEST_KEPT}


def trim_headers(run: CleanupRun) -> None:
    """Removes them from rows that ended otherwise, such as those of older versions."""
    if run.dry_run:
        return
    ended = Upload.objects.exclude(state__in=(State.RECEIVING, State.FINISHED))
    for name in HEADERS:
        for batch in batches_of(longer(ended, name).only("pk")):
            ended.filter(pk__in=[upload.pk for upload in batch]).update(**{name: ""})


def forget_addresses(run: CleanupRun) -> None:
    """Removes the addresses of clients from rows older than UPLOADS_ADDRESS_RETENTION."""
    if run.dry_run:
        return
    before = run.started - timedelta(seconds=conf.UPLOADS_ADDRESS_RETENTION)
    old = Upload.objects.filter(created__lt=before).exclude(client_address="")
    for batch in batches_of(old.exclude(state=State.RECEIVING).only("timeline")):
        for upload in batch:
            timeline = without_addresses(upload.timeline)
            Upload.objects.filter(pk=upload.pk).update(client_address="", timeline=timeline)


def longer(uploads: "QuerySet[Upload]", name: str) -> "QuerySet[Upload]":
    """The rows with longer headers than are kept."""
    return uploads.alias(size=Length(name)).filter(size__gt=LONGEST_KEPT)
