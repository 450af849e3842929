"""What ended uploads keep of the headers that made them: nothing that is long.

Staff read a file's name and type, which have columns of their own. Metadata of 16 KB, or the
addresses of a thousand parts, would stay for UPLOADS_RECORD_RETENTION for nothing, and one client
makes thousands of such rows in seconds.
"""

from django.db.models import QuerySet
from django.db.models.functions import Length

from uploads.models import CleanupRun, State, Upload
from uploads.services.maintenance.batches import batches_of

HEADERS = ("metadata", "concat_header")
LONGEST_KEPT = 1024  # characters


def without_long_headers(upload: Upload) -> dict[str, str]:
    """The changes that take them from this upload's row when it ends."""
    return {name: "" for name in HEADERS if len(getattr(upload, name)) > LONGEST_KEPT}


def trim_headers(run: CleanupRun) -> None:
    """Take them from rows that ended otherwise, such as those of before."""
    if run.dry_run:
        return
    ended = Upload.objects.exclude(state__in=(State.RECEIVING, State.FINISHED))
    for name in HEADERS:
        for batch in batches_of(longer(ended, name).only("pk")):
            ended.filter(pk__in=[upload.pk for upload in batch]).update(**{name: ""})


def longer(uploads: "QuerySet[Upload]", name: str) -> "QuerySet[Upload]":
    """Those among them that have more of a header than is kept."""
    return uploads.alias(size=Length(name)).filter(size__gt=LONGEST_KEPT)
