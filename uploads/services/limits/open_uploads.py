"""How many uploads without a byte one client may have open at once."""

from django.db.models import Q
from django.utils import timezone

from uploads.conf import conf
from uploads.errors import TooManyRequests
from uploads.models import State, Upload
from uploads.services.client_address import VIA, peer_of

RETRY_AFTER = 60  # seconds
MOST_CLIENTS = 10_000  # that are counted at once

_made: dict[int | str, int] = {}  # uploads of each client since the last look at its rows


def check_open(owner_id: int | None, address: str) -> None:
    """Refuse another upload to one that has UPLOADS_MAX_OPEN already which got no byte yet.

    The rows are looked at once in a while only, so that creations cost nothing by it: a client may
    have a fiftieth more in each process of the web server.

    Args:
        owner_id: Who it is.
        address: As `client_address` has it; counts where there is no owner.

    Raises:
        TooManyRequests: Those have to get bytes, end or expire first.
    """
    client = peer_of(address) if owner_id is None else owner_id
    made = _made.get(client, 0) + 1
    if made * 10 >= conf.UPLOADS_MAX_OPEN:
        if has_too_many(owner_id, address):
            raise TooManyRequests(
                f"You have {conf.UPLOADS_MAX_OPEN} uploads open that have no byte yet. "
                "Send their bytes or end them first.",
                RETRY_AFTER,
            )
        made = 0
    if len(_made) >= MOST_CLIENTS:
        _made.clear()
    _made[client] = made


def has_too_many(owner_id: int | None, address: str) -> bool:
    """Whether so many of this client's uploads are open and empty; counts no further than that."""
    # Alive, so that the index of states and moments is used, however many finished ones there are.
    alive = Upload.objects.filter(state=State.RECEIVING, expires__gt=timezone.now())
    empty = alive.filter(offset=0, owner_id=owner_id).order_by()
    if owner_id is None:
        peer = peer_of(address)
        theirs = Q(client_address=peer) | Q(client_address__endswith=f"{VIA}{peer}")
        empty = empty.filter(theirs)
    return empty[: conf.UPLOADS_MAX_OPEN].count() >= conf.UPLOADS_MAX_OPEN
