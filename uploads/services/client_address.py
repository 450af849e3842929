"""Where a client is: what it says of that, who connected, and what it cannot choose."""

import ipaddress
from collections.abc import Mapping
from typing import Any

VIA = " via "
LONGEST_SAID = 20  # the rest of the row's column is for who connected


def client_address(environ: Mapping[str, Any]) -> str:
    """Where the client says it is, and who connected: for staff, not for decisions.

    Args:
        environ: The request's (WSGI), as in `HttpRequest.META`.
    """
    peer = environ.get("REMOTE_ADDR", "")
    forwarded = environ.get("HTTP_CF_CONNECTING_IP") or environ.get("HTTP_X_FORWARDED_FOR", "")
    said = forwarded.partition(",")[0].strip()[:LONGEST_SAID]  # who connected must not be cut off
    return f"{said}{VIA}{peer}" if said else peer


def peer_of(address: str) -> str:
    """Who connected, of a `client_address`: what a proxy says, a client can make up."""
    return address.rpartition(VIA)[2]


def network_of(peer: str) -> str:
    """All of an IPv4 address; of an IPv6 address the /64, which one client has as a whole."""
    try:
        found = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
