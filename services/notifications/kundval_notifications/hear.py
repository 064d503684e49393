"""Take in what is told beside facts, obligations and postings: meetings, reports, claims, providers, payments.

Of each event only what a notice is made from is held: no time of day, no place, no amount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from kundval_chassis.clock import business_date
from kundval_chassis.db import Tx
from kundval_chassis.held import Key
from kundval_contracts.codes import SubjectKind
from kundval_contracts.envelope import Event

from . import store
from .domain import agency, asked, booked, money, providers
from .domain.context import ANSWERED

NEEDS = agency.NAMES | asked.NAMES | booked.NAMES | money.NAMES | providers.NAMES


@dataclass(frozen=True, slots=True)
class News:
    """Of what there is news: cases, providers and payments, each by its tenant."""

    cases: set[Key] = field(default_factory=set)
    providers: set[Key] = field(default_factory=set)
    payments: set[Key] = field(default_factory=set)


Row = tuple[Any, ...]
Data = Mapping[str, Any]


def take(tx: Tx, events: Iterable[Event]) -> News:
    """Take in a batch, in any order; what is told again changes nothing."""
    news = News()
    of_kind = {
        SubjectKind.ASSIGNMENT: news.cases,
        SubjectKind.PROVIDER: news.providers,
        SubjectKind.PAYMENT: news.payments,
    }
    rows: list[Row] = []
    for event in events:
        about, subject = _subject(event)
        if subject is not None:
            rows.append(_row(event, about, subject))
            of_kind[about].add((event.tenant, subject))
    store.add_heard(tx, rows)
    store.wake_payments(tx, news.payments)
    return news


def _subject(event: Event) -> tuple[SubjectKind, str | None]:
    """What an event is about; None if no notice can come of it."""
    name, data = event.name, event.data
    if name in money.NAMES:
        return SubjectKind.PAYMENT, str(data["payment"])
    if name in providers.NAMES:
        return SubjectKind.PROVIDER, data["provider"]
    # a meeting without a time here was booked elsewhere: its facts tell of it
    if name not in NEEDS or (name in booked.NAMES and name != ANSWERED and data.get("starts_at") is None):
        return SubjectKind.ASSIGNMENT, None
    return SubjectKind.ASSIGNMENT, data.get("assignment")


def _row(event: Event, about: SubjectKind, subject: str) -> Row:
    data = event.data
    day = data.get("as_of") or data.get("on") or data.get("run")
    on = date.fromisoformat(day) if day else business_date(event.time)
    revision = data["revision"] if event.name in _REVISED else event.sequence
    return (event.tenant, about.value, subject, event.name, _item(event), revision, on, dict(_kept(event)))


#: These count what they tell; of all others the place among the events of their source does.
_REVISED = frozenset(
    {asked.RETURNED, asked.OVERLAP, *asked.ANSWERED, *booked.NAMES, agency.OVERDUE, agency.UNREGISTERED} - {ANSWERED}
)


def _item(event: Event) -> str:
    data = event.data
    if event.name in booked.NAMES:
        return str(data["meeting"])
    if event.name in asked.ANSWERED or event.name == asked.RETURNED:
        return f"{data['kind']}:{data['sequence']}:{data.get('part', 1)}"
    if event.name == agency.STANDS:
        return str(data["message"])
    if event.name == agency.OVERDUE:
        return f"{data['kind']}:{data['sequence']}"
    if event.name == asked.REUSED:
        return str(data["document"])
    return str(data["provider"]) if event.name == asked.CHOICE else ""


def _meeting(data: Data) -> dict[str, Any]:
    """Instead of the times the local day, which is all that a notice needs."""
    day = business_date(datetime.fromisoformat(data["starts_at"]))
    return {"day": day.isoformat(), **_only("kind", "version", "provider", "mandatory")(data)}


def _only(*names: str) -> Callable[[Data], dict[str, Any]]:
    return lambda data: {name: data.get(name) for name in names}


_KEPT: Mapping[str, Callable[[Data], dict[str, Any]]] = MappingProxyType(
    {
        **dict.fromkeys(booked.NAMES, _meeting),
        ANSWERED: _only("version", "role", "response", "mandatory", "booker"),
        agency.STANDS: _only("kind", "state", "provider"),
        agency.OVERDUE: _only("kind", "due", "overdue"),
        agency.UNREGISTERED: _only("since", "missing"),
        asked.RETURNED: _only("kind", "sequence"),
        asked.OVERLAP: _only("others"),
        asked.PARKED: _only("run", "code"),
        **dict.fromkeys(money.NAMES, _only("run", "provider", "code", "self_billing")),
        **dict.fromkeys(providers.NAMES, _only("programmes", "ground")),
        providers.SUPERVISED: _only("channels"),
    }
)


def _kept(event: Event) -> dict[str, Any]:
    kept = _KEPT.get(event.name)
    return kept(event.data) if kept is not None else {}


class Instants:
    """When what a batch tells was told, by tenant and what it is about: the latest of what can have caused a notice."""

    def __init__(self, events: Iterable[Event], clock: str):
        self._told: dict[Key, datetime] = {}
        self._of_tenant: dict[str, datetime] = {}
        self._latest: dict[str, datetime] = {}
        for event in events:
            self._note(self._latest, event.tenant, event.time)
            data = event.data
            subject = data.get("assignment") or data.get("payment") or data.get("provider")
            if subject is not None:
                self._note(self._told, (event.tenant, str(subject)), event.time)
            if event.name in (clock, "assignment.tenant_opened"):
                self._note(self._of_tenant, event.tenant, event.time)

    @staticmethod
    def _note(held: dict[Any, datetime], key: Any, at: datetime) -> None:
        held[key] = max(at, held.get(key, at))

    def of(self, tenant: str, subject: str) -> datetime | None:
        """When the news of a case, provider or payment was told, else when the day was opened on which it is due, else
        the latest news of the tenant: what is said of a provider may follow from that of a case.
        """
        return self._told.get((tenant, subject)) or self._of_tenant.get(tenant) or self._latest.get(tenant)
