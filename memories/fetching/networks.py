"""Which IP addresses may be connected to: public ones, whatever form they are written in."""

from __future__ import annotations

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")  # all that is given out; private, local and translated ranges lie outside
REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address
        "3fff::/20",
    )
)
# What a host that the operator has named may be: a machine of their own, not a link-local service nor a group of hosts.
OWN = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
    )
)


def is_public(address: str) -> bool:
    """Whether the address is one of the open internet; False for what is no address."""
    found = _parsed(address)
    if found is None or not found.is_global or found.is_multicast or found.is_reserved:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found not in PUBLIC_V6:
        return False
    return not _in(found, REFUSED)


def is_own(address: str) -> bool:
    """Whether the address is one that a named private host may have."""
    found = _parsed(address)
    return found is not None and _in(found, OWN)


def _parsed(address: str) -> IPAddress | None:
    """None for what is no address, and for one with a zone, which only links have."""
    if "%" in address:
        return None
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _in(address: IPAddress, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
