"""Who and what a meeting needs: people with their hours, rooms, interpreters, clients, and the way between places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal

from kundval_contracts.codes import ResourceKind
from kundval_contracts.rules import rule

from .instants import Span


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours that come back every week, in local time. weekday: 1 Monday … 7 Sunday; first, last: days, both included.

    place: where the person is then, if not where usual.
    """

    weekday: int
    start: time
    end: time
    place: str | None = None
    first: date | None = None
    last: date | None = None

    def on(self, day: date) -> bool:
        return (
            day.isoweekday() == self.weekday
            and (self.first is None or self.first <= day)
            and (self.last is None or day <= self.last)
        )


@rule("LOKA-64")
@dataclass(frozen=True, slots=True)
class Resource:
    """Staff of the municipality (`team`) or of a provider, a room, an interpreter.

    fte: share of a full time, by which capacity counts and not by heads. place: where it usually is; of a room, where
    it lies. languages: codes as `ar`, `so`; Swedish is understood. seats: of a room.
    """

    id: str
    kind: ResourceKind
    hours: tuple[Hours, ...] = ()
    team: str | None = None
    provider: str | None = None
    place: str | None = None
    fte: Decimal = Decimal(1)
    languages: tuple[str, ...] = ()
    seats: int | None = None


@rule("AF-SOM-17")
@dataclass(frozen=True, slots=True)
class Participant:
    """Who usually takes part for an assignment: opaque ids of the person, the career guide and the provider's contact.

    languages: those that the client masters well by own assessment, the best first. hours: when the client can; empty:
    whenever others can. place: from where the client comes.
    """

    assignment: str
    client: str
    guide: str | None = None
    contact: str | None = None
    team: str | None = None
    place: str | None = None
    swedish_ok: bool = True
    languages: tuple[str, ...] = ()
    hours: tuple[Hours, ...] = ()

    @property
    def key(self) -> str:
        """By what the client is claimed: a person is one, however many assignments there are."""
        return client_key(self.client)


_CLIENT = "client/"


def client_key(client: str) -> str:
    return f"{_CLIENT}{client}"


def is_client(key: str) -> bool:
    """Whether it is the key of a client, and so of nobody and nothing else."""
    return key.startswith(_CLIENT)


@dataclass(frozen=True, slots=True)
class Busy:
    """A time that is taken, and where. meeting None: an absence."""

    span: Span
    place: str | None = None
    meeting: str | None = None


@dataclass(frozen=True, slots=True)
class Travel:
    """Minutes between places. Without a row the way back counts, and without that `default`."""

    minutes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    default: int = 0

    def between(self, origin: str | None, destination: str | None) -> int:
        """Minutes from one place to another; 0 if one of them is unknown, or both are the same."""
        if origin is None or destination is None or origin == destination:
            return 0
        found = self.minutes.get((origin, destination))
        if found is None:
            found = self.minutes.get((destination, origin))
        return self.default if found is None else found
