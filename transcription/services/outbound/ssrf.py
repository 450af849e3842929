"""SSRF protection: clients can't send the site into its own networks.

The resolved address is checked, however it was written in the URL.
"""

import ipaddress
import socket
from functools import lru_cache

from transcription.conf import conf

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IPv6 addresses that contain an IPv4 address, and the number of bits after it: compatible, mapped,
# translated (RFC 2765), by NAT64 (RFC 6052) and by 6to4 (RFC 3056).
CARRIERS = (
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)


class Blocked(Exception):
    """The site refuses to connect to this address.

    Attributes:
        reason: Why.
        url: The URL; it may be the target of a redirect.
    """

    def __init__(self, reason: str, url: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.url = url


class Unreadable(Blocked):
    """A malformed URL."""


class Unresolvable(Blocked):
    """A host name that can't be resolved."""


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host; if it is guarded, all of them are allowed.

    Args:
        host: A name, or an address in any spelling that the system's resolver understands.
        port: For the resolver.

    Raises:
        Blocked: It has an address in one of SSRF_BLOCKED_NETWORKS, or none at all.
    """
    try:
        host.encode("idna")  # gevent resolves in a thread, and logs errors there at length
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as problem:  # an empty or overlong label
        raise Unreadable("The host name cannot be read.") from problem
    except OSError as problem:
        raise Unresolvable(f"Could not resolve hostname '{host}'") from problem
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if conf.SSRF_PROTECTION_ENABLED:
        for address in addresses:
            refuse_blocked(address)
    return addresses


def refuse_blocked(address: str) -> None:
    """Checks one address.

    Raises:
        Blocked: It, or the IPv4 address within it, is in a blocked network.
    """
    networks = blocked_networks(tuple(conf.SSRF_BLOCKED_NETWORKS))
    for meant in meanings(ipaddress.ip_address(address)):
        for network in networks:
            if meant.version == network.version and meant in network:
                raise Blocked(f"URL resolves to blocked IP range ({address} in {network})")


def meanings(address: Address) -> list[Address]:
    """The address itself, and the IPv4 address within it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    carried = [
        ipaddress.IPv4Address(int(address) >> after & 0xFFFFFFFF)
        for network, after in CARRIERS
        if address in network
    ]
    return [address, *carried]


@lru_cache(maxsize=4)
def blocked_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """SSRF_BLOCKED_NETWORKS, parsed.

    Raises:
        ValueError: An entry isn't a network; a system check reports it at the start.
    """
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
