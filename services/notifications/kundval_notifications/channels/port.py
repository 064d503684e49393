"""What every channel is to the rest of the service: something that a parcel is handed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from kundval_contracts.codes import DeliveryChannel


@dataclass(frozen=True, slots=True)
class Content:
    """A message in words. text: plain, for every channel; html: for e-mail. `version` is that of the template."""

    language: str
    subject: str
    text: str
    html: str | None
    template: str
    version: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is handed to a channel. `id` is stable: the same parcel handed over again bears the same. It consists of
    letters, digits, ``-`` and ``_``, 48 at most: it stands in mail addresses, headers and the names of files.

    address: an e-mail address, a telephone number (E.164), a digital mail recipient, or a URL. data: what a webhook
    carries, in JSON types. secret: that of a webhook; two with a space between them while one is replaced.
    """

    id: str
    tenant: str
    address: str = field(repr=False)
    content: Content
    created_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has taken it. reference: its own name for it, by which it sends receipts."""

    reference: str | None = None


class ChannelError(Exception):
    """It was not taken. `code` is stable and names no recipient: ``SMTP_550 5.1.1``, ``HTTP_503``, an error's name."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


class Unreachable(ChannelError):
    """The other side is away or went away: no fault of the parcel, all others wait as well.

    perhaps: it went away when it had the parcel, and may have taken it. Handing it over again is no free try then.
    """

    def __init__(self, code: str, *, perhaps: bool = False):
        super().__init__(code)
        self.perhaps = perhaps


class NotNow(ChannelError):
    """The other side asks to come back later with this parcel, or with all if `seconds` is set and `alone` is not.

    seconds: how long it asks to wait. alone: others go to somebody else and need not wait (webhooks).
    """

    def __init__(self, code: str, seconds: int | None = None, *, alone: bool = False):
        super().__init__(code)
        self.seconds = seconds
        self.alone = alone


class Refused(ChannelError):
    """The other side does not want this parcel and will not: another channel is tried.

    closed: it wants no other under this address either, so the address is not to be used again.
    """

    def __init__(self, code: str, *, closed: bool = False):
        super().__init__(code)
        self.closed = closed


class Port(Protocol):
    """A channel. One greenlet uses it at a time; `close` when it is left alone for a while."""

    channel: DeliveryChannel

    def send(self, parcel: Parcel) -> Accepted:
        """Hand over a parcel. Raises Unreachable, NotNow, Refused; whatever else is raised counts as Refused."""

    def close(self) -> None:
        """Let go of connections."""
