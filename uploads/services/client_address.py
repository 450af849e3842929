"""A client's address: the forwarded one, the connection's, and the part it can't choose."""

import ipaddress
from collections.abc import Mapping
from typing import Any

VIA = " via "
LONGEST_SAID = 20  # the rest of the column is for the connection


def client_address(environ: Mapping[str, Any]) -> str:
    """The forwarded address and that of the connection: for display, never for decisions.

    Args:
        environ: The request's WSGI environment, as in `HttpRequest.META`.
    """
    peer = environ.get("REMOTE_ADDR", "")
    forwarded = environ.get("HTTP_CF_CONNECTING_IP") or environ.get("HTTP_X_FORWARDED_FOR", "")
    said = forwarded.partition(",")[0].strip()[:LONGEST_SAID]  # keep room for the connection
    return f"{said}{VIA}{peer}" if said else peer


def peer_of(address: str) -> str:
    """The connection's part of a `client_address`: clients can forge what proxies forward."""
    return address.rpartition(VIA)[2]


def network_of(peer: str) -> str:
    """All of an IPv4 address; the /64 of an IPv6 address, as one client usually has a whole /64."""
    try:
        found = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
