"""Limits how often a part is joined: bytes sent once must not fill the disk."""

from collections import Counter

from django.db.models import Count

from uploads.errors import BadRequest
from uploads.models import Part, Upload

MOST_USES = 10
"""How often one part may be named by final uploads, within one and in all of them together."""


def check_uses(parts: list[Upload]) -> None:
    """Refuses to join parts that would be used too often.

    Each use copies the part's bytes, and costs the client only a few header bytes.

    Args:
        parts: The parts of a new final upload.

    Raises:
        BadRequest: One of them is used too often.
    """
    uses = Counter(part.pk for part in parts)
    named = Part.objects.filter(part__in=uses).values_list("part").annotate(Count("pk")).order_by()
    uses.update(dict(named))
    if max(uses.values(), default=0) > MOST_USES:
        raise BadRequest(f"A part may be joined at most {MOST_USES} times. Upload it again.")
