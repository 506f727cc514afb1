"""Which hosts are near: this machine, a private network, or a name that is no public site."""

from ipaddress import IPv6Address, ip_address
from typing import Final

_LOCAL_SUFFIXES: Final = (".localhost", ".internal", ".local", ".test", ".home.arpa")


def is_local_name(name: str) -> bool:
    """Tell whether a lower-case host name is a container or a machine of this network, never a public site."""
    return "." not in name or name.endswith(_LOCAL_SUFFIXES)


def is_nearby(host: str) -> bool:
    """Tell whether a URL's host, address or name, is on this machine or a private network; nothing is resolved.

    >>> is_nearby("127.0.0.1"), is_nearby("app.localhost"), is_nearby("your-app.com")
    (True, True, False)
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return is_local_name(host.lower().removesuffix("."))
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_private
