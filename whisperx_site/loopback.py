"""What belongs to this machine alone."""

import ipaddress
from functools import lru_cache

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@lru_cache(maxsize=256)  # asked three times a request
def is_loopback(name: str) -> bool:
    """Whether `name`, a host name or an address without port, is this machine's loopback."""
    bare = name.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The name in a Host header or an origin's authority, without its port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.rpartition(":")[0] or header if header.count(":") == 1 else header
