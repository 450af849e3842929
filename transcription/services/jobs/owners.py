"""Deletes the jobs of deleted users, with transcripts, outputs and webhooks.

A worker notices that the row is gone and stops. `uploads.services.maintenance.owners` deletes the
recordings.
"""

from transcription.models import Job

BATCH = 200  # jobs deleted at once, so that those of many years fit into memory


def delete_all_of(owner_id: int) -> None:
    """Deletes all jobs of a user; call it in the transaction that deletes the user."""
    theirs = Job.objects.filter(owner=owner_id).order_by("pk")
    while keys := list(theirs.values_list("pk", flat=True)[:BATCH]):
        # Locked first: otherwise a worker that ends a job right now would add a transcript.
        list(Job.objects.select_for_update().filter(pk__in=keys).values_list("pk", flat=True))
        Job.objects.filter(pk__in=keys).delete()
