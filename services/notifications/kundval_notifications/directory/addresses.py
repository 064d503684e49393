"""Addresses as somebody wrote them, as the channels take them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from ..channels.addresses import Address, is_public

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: the country of a number without one
REGION = "SE"
#: what takes an SMS; of some countries it cannot be told apart from a fixed line
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
#: names that lead to this machine or the network that it stands in
_NEAR = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})*", re.ASCII)


def mobile_number(text: str | None) -> str | None:
    """A number that takes an SMS in the form of E.164, ``+46701740605``; None if `text` is none."""
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, REGION)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _MOBILE:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def webhook_fault(url: str, networks: Sequence[Network] = ()) -> str | None:
    """Why nothing may be sent to `url`; None if it may.

    It must be https, without a user in it, and not lead to this machine or a private network, to which who states it
    has no way of its own. networks: those inside that may be called, by http too if it is this machine. To where a
    name leads is looked at when something is sent.
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
