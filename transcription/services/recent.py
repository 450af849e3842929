"""What the home page lists."""

from django.db.models import Q, QuerySet

from transcription.models import Job
from transcription.services.find import visible_to
from uploads.models import State as UploadState
from uploads.models import Upload
from uploads.services.find import VIEW, Person, has_staff_permission, is_overdue, owner_id


def recent_jobs(person: Person, count: int) -> QuerySet[Job]:
    """The newest jobs that this person may see."""
    return visible_to(person).order_by("-created")[:count]


def unfinished_uploads(person: Person) -> list[Upload]:
    """A person's uploads that still await bytes; to staff who may see all, ownerless ones too."""
    whose = Q(owner_id=owner_id(person))
    if has_staff_permission(person, VIEW):
        whose |= Q(owner=None)
    receiving = Upload.objects.filter(whose, state=UploadState.RECEIVING).order_by("-last_activity")
    return [upload for upload in receiving[:20] if not is_overdue(upload)]
