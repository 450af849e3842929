"""Which requests come from a monitoring system, by the network that they come from."""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

PATH = "/metrics"
PROXY_MARKS = frozenset(
    f"HTTP_{name}"
    for name in ("FORWARDED", "VIA", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_REAL_IP")
)
"""With any of them, the connection's address is that of a proxy, and says nothing of the client."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_from_monitor(request: HttpRequest) -> bool:
    """Whether the request asks for figures, directly from one of METRICS_ALLOWED_NETWORKS."""
    allowed = settings.METRICS_ALLOWED_NETWORKS
    if not allowed or request.path_info != PATH or not PROXY_MARKS.isdisjoint(request.META):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0])
    except ValueError:  # a Unix socket has none
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in parsed(tuple(allowed)))


@lru_cache(maxsize=4)
def parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in networks)
