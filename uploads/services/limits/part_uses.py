"""How often a part may be joined: bytes that were sent once must not fill the disk."""

from collections import Counter

from django.db.models import Count

from uploads.errors import BadRequest
from uploads.models import Part, Upload

MOST_USES = 10
"""How often one part may be named by final uploads, within one and in all of them together."""


def check_uses(parts: list[Upload]) -> None:
    """Refuse to join these where that would use one of them too often.

    Each use writes the part's bytes once more, and costs the client a few bytes of a header.

    Args:
        parts: What a new final upload names.

    Raises:
        BadRequest: One of them is used too often.
    """
    uses = Counter(part.pk for part in parts)
    named = Part.objects.filter(part__in=uses).values_list("part").annotate(Count("pk")).order_by()
    uses.update(dict(named))
    if max(uses.values(), default=0) > MOST_USES:
        raise BadRequest(f"A part may be joined {MOST_USES} times at most. Upload it again.")
