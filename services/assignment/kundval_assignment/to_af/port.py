"""What a way to the employment service is to the sender: something that a parcel is handed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from kundval_contracts.codes import AfMessage


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message in transit. Handed over again it bears the same headers, with the same tracking id."""

    tenant: str
    dispatch: str
    kind: AfMessage
    headers: Mapping[str, str]
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has taken it. reference: its own name for it."""

    reference: str | None = None


class SendError(Exception):
    """It was not taken. `code` is stable and says nothing of the message: ``HTTP_503``, an error's name."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


class Unreachable(SendError):
    """The other side is away: no fault of the message. perhaps: it went away while it had it, and may have taken it."""

    def __init__(self, code: str, *, perhaps: bool = False):
        super().__init__(code)
        self.perhaps = perhaps


class NotNow(SendError):
    """The other side asks to come back later; seconds: how much later, if it says so."""

    def __init__(self, code: str, seconds: int | None = None):
        super().__init__(code)
        self.seconds = seconds


class Refused(SendError):
    """The other side does not want this message, and will not."""


class Port(Protocol):
    """A way. One thread uses it at a time."""

    def send(self, parcel: Parcel) -> Accepted:
        """Hand over a parcel. Raises Unreachable, NotNow, Refused; whatever else is raised counts as Refused."""

    def close(self) -> None:
        """Let go of connections."""
