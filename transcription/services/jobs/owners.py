"""Jobs whose owner is deleted go along, with transcripts, outputs and messages to callbacks.

A worker finds the row gone and stops. Their recordings go by `uploads.services.maintenance.owners`.
"""

from transcription.models import Job

BATCH = 200  # jobs deleted at once, so that those of many years fit into memory


def delete_all_of(owner_id: int) -> None:
    """Delete all jobs of somebody; call it within the transaction that deletes the owner."""
    theirs = Job.objects.filter(owner=owner_id).order_by("pk")
    while keys := list(theirs.values_list("pk", flat=True)[:BATCH]):
        # Locked first: a worker that ends one this moment would add a transcript behind our back.
        list(Job.objects.select_for_update().filter(pk__in=keys).values_list("pk", flat=True))
        Job.objects.filter(pk__in=keys).delete()
