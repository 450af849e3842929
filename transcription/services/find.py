"""Finding jobs, for people who may see them."""

import uuid

from django.db.models import QuerySet

from transcription.models import Job
from uploads.services.find import Person, owner_id


def visible_to(person: Person) -> QuerySet[Job]:
    """People see their own jobs, staff see all, anonymous people share one space."""
    if person.is_authenticated and person.is_staff:
        return Job.objects.all()
    return Job.objects.filter(owner_id=owner_id(person))


def find(identifier: str, person: Person) -> Job | None:
    """The job with this identifier, or None; any text may be asked for."""
    try:
        key = uuid.UUID(identifier)
    except ValueError:
        return None
    return visible_to(person).select_related("upload").filter(pk=key).first()
