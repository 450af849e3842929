"""Connections to checked addresses, each with a deadline."""

import ssl
import time
from collections.abc import Iterable

import httpcore2

from transcription.conf import conf
from transcription.services.outbound.ssrf import Unresolvable, addresses_of
from uploads.cooperative import Pacer


class Connector(httpcore2.NetworkBackend):
    """Connects to checked addresses, never to a name.

    Args:
        deadline: By the monotonic clock, when everything must have ended.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connects to the first of the host's addresses that answers.

        Raises:
            Blocked: An address is in a blocked network, or the guarded host is unknown.
            httpcore2.ConnectError, httpcore2.ConnectTimeout: No address answers.
        """
        try:
            addresses = addresses_of(host, port)
        except Unresolvable as problem:
            if conf.SSRF_PROTECTION_ENABLED:
                raise
            raise httpcore2.ConnectError(problem.reason) from problem
        failure: Exception = httpcore2.ConnectError("The host has no address.")
        for position, address in enumerate(addresses):
            # An address that never answers must leave time for the others.
            patience = time_left(self.deadline, timeout) / (len(addresses) - position)
            try:
                stream = self.sockets.connect_tcp(
                    address, port, patience, local_address, socket_options or ()
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as problem:
                failure = problem
            else:
                return BoundedStream(stream, self.deadline)
        raise failure


class BoundedStream(httpcore2.NetworkStream):
    """A connection that ends at its deadline, even if a byte arrives now and then.

    Args:
        stream: The connection.
        deadline: See Connector.
    """

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self.stream = stream
        self.deadline = deadline
        self.pause = Pacer()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.pause()  # with a fast sender there is no wait
        return self.stream.read(max_bytes, time_left(self.deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, time_left(self.deadline, timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        patience = time_left(self.deadline, timeout)
        secured = self.stream.start_tls(ssl_context, server_hostname, patience)
        return BoundedStream(secured, self.deadline)

    def get_extra_info(self, info: str) -> object:
        return self.stream.get_extra_info(info)


def time_left(deadline: float, timeout: float | None) -> float:
    """The seconds left for the next step.

    Raises:
        httpcore2.ReadTimeout: No time is left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("It took too long.")
    return left if timeout is None else min(left, timeout)
