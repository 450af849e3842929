"""Finds jobs for the users who may see them."""

import re
import unicodedata
import uuid
from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Q, QuerySet

from transcription.models import Job
from uploads.services.activity import log_context
from uploads.services.lookup import User, has_staff_permission, may, owner_id
from uploads.services.read import metadata_of

VIEW = "transcription.view_job"
CHANGE = "transcription.change_job"


def visible_to(user: User) -> QuerySet[Job]:
    """Users see their own jobs, staff with permission all; anonymous users share one space."""
    if has_staff_permission(user, VIEW):
        return Job.objects.all()
    return Job.objects.filter(owner_id=owner_id(user))


def get_for_user(identifier: str, user: User, to_change: bool = False) -> Job | None:
    """The job with this identifier, or None; any text may be passed.

    Clients use identifiers as texts: another spelling of the same UUID names no job, except the
    spelling that a tus client itself sent.

    Args:
        identifier: From the request.
        person: The user.
        to_change: Whether the job will be cancelled, run again or deleted; staff need the change
            permission, as in the admin.

    Raises:
        PermissionDenied: It is another user's, and this staff user may only view it.
    """
    try:
        key = uuid.UUID(identifier)
    except ValueError:
        return None
    log_context.add(job_id=key)
    job = visible_to(user).select_related("upload").filter(pk=key).first()
    if job is None or identifier not in (str(key), said_by_client(job)):
        return None
    if to_change and not may(user, CHANGE, job.owner_id):
        raise PermissionDenied
    return job


def said_by_client(job: Job) -> str:
    """The identifier as the upload's metadata has it, or an empty text."""
    metadata = metadata_of(job.upload) if job.upload else {}
    return metadata.get("taskId", b"").decode("utf-8", "replace").strip()


def listed(user: User, part: str = "", states: Iterable[str] | None = None) -> QuerySet[Job]:
    """The jobs that this user may see, oldest first.

    Args:
        person: The user.
        part: Only jobs with this in their file's name, whatever the case.
        states: Only jobs in these states.
    """
    jobs = visible_to(user).order_by("created", "pk")
    if states is not None:
        jobs = jobs.filter(state__in=list(states))
    part = part.replace("\0", "")  # no name contains it, and PostgreSQL refuses the query
    return jobs.filter(name_holds(part)) if part else jobs


def name_holds(part: str) -> Q:
    """Whether a file's name contains this text, however its accents are encoded.

    Names are composed (NFC) on arrival; older rows may have decomposed names from Macs (NFD).
    """
    forms = {unicodedata.normalize(form, part) for form in ("NFC", "NFD")}
    found = Q()
    for form in sorted(forms):
        # SQLite's LIKE only ignores the case of ASCII letters.
        by_case = connection.vendor == "sqlite" and not form.isascii()
        found |= Q(file_name__iregex=re.escape(form)) if by_case else Q(file_name__icontains=form)
    return found
