"""To which addresses of others something may be sent.

Addresses of webhooks are others' to choose, so what is sent there goes by https to the internet, and into a network of
one's own only if that is named: who states an address has no way of its own into it. A name is looked up once, and what
was looked at is what is connected to.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from .limit import limited
from .web import SILENCE

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# what IPv6 leads on to IPv4 (RFC 6052, RFC 4291), and what is inside of some networks (RFC 8215, RFC 3879)
_LEADING_ON = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
_INSIDE = (ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("fec0::/10"))
#: names that lead to this machine or the network that it stands in
_NEAR = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})*", re.ASCII)


class NotAllowed(Exception):
    """Nothing may be sent to an address, or it is none."""


class NoSuchHost(Exception):
    """The name leads nowhere, at present."""


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, also when it stands inside one of IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and any(address in network for network in _LEADING_ON):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if any(address in network for network in _INSIDE):
            return False
    return address.is_global and not address.is_multicast


def webhook_fault(url: str, networks: Sequence[Network] = ()) -> str | None:
    """Why nothing may be sent to `url`; None if it may.

    It must be https, without a user in it, and not lead to this machine or a private network. networks: those inside
    that may be called, by http too if it is this machine. To where a name leads is looked at when something is sent.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "is not an address"
    if re.search(r"[\x00-\x20\x7f\\]", url) or not host or port == 0:
        return "is not an address"
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host, networks)):
        return "must begin with https://"
    if "@" in parts.netloc:
        return "must hold no user or password"
    if parts.fragment:
        return "must have no part after #"
    return _host_fault(host, networks)


def look_up(url: str, networks: Sequence[Network] = ()) -> str:
    """The IP address to connect to. networks: those inside that may be called, by http too if it is this very machine.

    Raises NotAllowed, NoSuchHost.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("https", "http") or parts.username or not url.isascii() or " " in url:
        raise NotAllowed
    try:
        with limited(SILENCE):
            found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoSuchHost from None
    for _, _, _, _, place in found:
        address = _plain(str(place[0]))
        if _may_be_called(address, parts.scheme, networks):
            return str(address)
    raise NotAllowed


def _may_be_called(address: Address, scheme: str, networks: Sequence[Network]) -> bool:
    named = any(address in network for network in networks)
    if scheme == "http":
        return named and address.is_loopback
    return named or is_public(address)


def _plain(text: str) -> Address:
    """An address; one of IPv4 that is written as one of IPv6 is what it stands for."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _is_this_machine(host: str, networks: Sequence[Network]) -> bool:
    named = next((one for one in networks if one.is_loopback), None)
    address = _address(host)
    if address is None:
        return host == "localhost" and named is not None
    return address.is_loopback and any(address in one for one in networks)


def _host_fault(host: str, networks: Sequence[Network]) -> str | None:
    address = _address(host)
    if address is not None:
        known = is_public(address) or any(address in one for one in networks)
        return None if known else "leads into a private network"
    if not _HOST.fullmatch(host):
        return "names no host"
    # some programs read 2130706433, 0x7f.1 and the like as addresses
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]):
        return "names no host"
    if not networks and ("." not in host or host.endswith(_NEAR)):
        return "leads into a private network"
    return None


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
