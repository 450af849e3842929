"""What gunicorn does anew for each request though it comes out the same: done once.

Each saves one to two in a hundred of what a small request costs (measured, see
docs/decisions/0007-what-a-request-costs.md).
"""

import time
from functools import lru_cache
from typing import Any

from gunicorn import util
from gunicorn.http import message, wsgi

date_of_second = lru_cache(maxsize=2)(util.http_date)


def install() -> None:
    """Let this process's gunicorn do so."""
    util.http_date = http_date
    util.write = write
    wsgi.WSGIErrorsWrapper = lru_cache(maxsize=1)(wsgi.WSGIErrorsWrapper)
    message.Request._peer_is_trusted_proxy = is_trusted_proxy


def http_date(timestamp: float | None = None) -> str:
    """The header Date, which changes once a second."""
    moment: str = date_of_second(int(time.time() if timestamp is None else timestamp))
    return moment


def write(connection: Any, data: bytes, chunked: bool = False) -> None:
    """Send a piece of an answer. Most fit into the socket whole, so gevent's loop is not needed."""
    if chunked:
        util.write_chunk(connection, data)
        return
    sent = connection.send(data) if data else 0
    if sent < len(data):
        connection.sendall(memoryview(data)[sent:])


def is_trusted_proxy(request: Any) -> bool:
    """Whether gunicorn may believe what a peer says of the scheme: forwarded_allow_ips is empty."""
    return not isinstance(request.peer_addr, tuple)
