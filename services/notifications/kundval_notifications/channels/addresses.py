"""Addresses as far as a channel has to know them: nothing in one may end a line or a field of a protocol."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# the atoms of RFC 5321 and what RFC 6531 adds to them; no quoted ones: nobody has such an address
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An e-mail address, its domain in ASCII. utf8: its local part is not, so only some servers can take it."""

    local: str = field(repr=False)
    domain: str = field(repr=False)

    @property
    def utf8(self) -> bool:
        return not self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def mailbox(address: str) -> Mailbox:
    """Raises ValueError, without the address, for what is none."""
    local, at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode() if not domain.isascii() else domain.lower()
    except UnicodeError:
        ascii_domain = ""
    good = (
        at
        and _LOCAL.fullmatch(local)
        and local.isprintable()
        and not any(char.isspace() for char in local)
        and len(local.encode()) <= 64
        and len(ascii_domain) <= 253
        and all(_LABEL.fullmatch(label) for label in ascii_domain.split("."))
    )
    if not good:
        raise ValueError("is no e-mail address")
    return Mailbox(local, ascii_domain)


def telephone(number: str) -> str:
    """A number as E.164 has it: ``+46701740605``. Raises ValueError, without the number."""
    if not _E164.fullmatch(number):
        raise ValueError("is no telephone number with + and its country")
    return number
