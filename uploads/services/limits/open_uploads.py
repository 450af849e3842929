"""Limits the open uploads without bytes of each client."""

from django.db.models import Q
from django.utils import timezone

from uploads.conf import conf
from uploads.errors import TooManyRequests
from uploads.models import State, Upload
from uploads.services.client_address import VIA, peer_of

RETRY_AFTER = 60  # seconds
MOST_CLIENTS = 10_000  # clients that are counted at once

_made: dict[int | str, int] = {}  # uploads per client since the last query


def check_open(owner_id: int | None, address: str) -> None:
    """Refuses another upload if the client has UPLOADS_MAX_OPEN uploads without bytes.

    Rows are queried only now and then, to keep creations cheap: each web server process may allow
    2 % more.

    Args:
        owner_id: The owner; None if anonymous.
        address: From `client_address`; used if there is no owner.

    Raises:
        TooManyRequests: Those must receive bytes, end or expire first.
    """
    client = peer_of(address) if owner_id is None else owner_id
    made = _made.get(client, 0) + 1
    if made * 10 >= conf.UPLOADS_MAX_OPEN:
        if has_too_many(owner_id, address):
            raise TooManyRequests(
                f"You have {conf.UPLOADS_MAX_OPEN} open uploads without any bytes. "
                "Send their bytes or end them first.",
                RETRY_AFTER,
            )
        made = 0
    if len(_made) >= MOST_CLIENTS:
        _made.clear()
    _made[client] = made


def has_too_many(owner_id: int | None, address: str) -> bool:
    """Whether this client has that many open, empty uploads; counts no further."""
    # Only living ones, to use the index on states, however many finished ones there are.
    alive = Upload.objects.filter(state=State.RECEIVING, expires__gt=timezone.now())
    empty = alive.filter(offset=0, owner_id=owner_id).order_by()
    if owner_id is None:
        peer = peer_of(address)
        theirs = Q(client_address=peer) | Q(client_address__endswith=f"{VIA}{peer}")
        empty = empty.filter(theirs)
    return empty[: conf.UPLOADS_MAX_OPEN].count() >= conf.UPLOADS_MAX_OPEN
