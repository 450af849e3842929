"""The owner of a running request, and whether its client is still connected."""

import select
import socket
from collections.abc import Callable

from django.http import HttpRequest
from rest_framework.request import Request

from transcription.services.scheduling.turns import turn_of
from uploads.services.client_address import client_address
from uploads.services.create import CreationRequest
from uploads.services.lookup import owner_id


def turn_of_client(request: Request) -> str:
    """The owner, for serving in turn (see `services.turns`)."""
    return turn_of(owner_id(request.user), client_address(request.META))


def sender_of(request: HttpRequest) -> CreationRequest:
    """The client of a file that arrives without tus, for the row of its upload."""
    return CreationRequest(
        user=request.user,
        address=client_address(request.META),
        agent=request.headers.get("User-Agent", ""),
    )


def disconnect_check(request: Request | HttpRequest) -> Callable[[], bool]:
    """A function that says whether the client has disconnected.

    Only gunicorn exposes the connection; with other servers every client seems connected. The body
    must have been read, because unread bytes hide the end.
    """
    connection = request.META.get("gunicorn.socket")
    if not isinstance(connection, socket.socket) or not hasattr(select, "poll"):
        return lambda: False
    return lambda: has_ended(connection)


def has_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection. Unread bytes stay unread."""
    poll = select.poll()
    try:
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0)) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):  # reset, or closed on this side already
        return True
