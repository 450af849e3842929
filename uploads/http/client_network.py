"""What of a client's address it cannot choose."""

import ipaddress


def network_of(address: str) -> str:
    """All of an IPv4 address; of an IPv6 address the /64, which one client has as a whole."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
