"""Record what scheduling tells of meetings. A fact that the rules refuse is a rejection like any other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from kundval_chassis import logs
from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import FactKind
from kundval_contracts.envelope import Event
from kundval_contracts.errors import KundvalError, NotFound
from kundval_contracts.facts import Fact

from .. import record, tenants
from ..domain import meetings

log = logs.get(__name__)

#: Facts from here come after those of their day, and leave the ordinals of whoever numbers facts in a file alone.
PLACES_FROM = 1_000_000_000
#: a meeting by its assignment and id
Key = tuple[str, str]


@dataclass(slots=True)
class Heard:
    """What has been heard of a meeting: the highest revision, and the fact that stands for its booking."""

    revision: int = 0
    booked: str | None = None
    new: list[Fact] = field(default_factory=list)
    off: list[str] = field(default_factory=list)

    def take(self, event: Event, today: date) -> None:
        """Events come in their order, or late: what is older than what was heard changes nothing."""
        if event.data["revision"] <= self.revision:
            return
        self.revision = event.data["revision"]
        if event.name in (meetings.CANCELLED, meetings.REASSIGNED):
            self._forget()
            return
        for fact in meetings.facts_of(event.name, event.data, today):
            if fact.kind is FactKind.MEETING_BOOKED:
                self._forget()
                self.booked = fact.id
            self.new.append(fact)

    def _forget(self) -> None:
        """The booking stands no longer; one that was not stated yet never is."""
        if self.booked is None:
            return
        if any(fact.id == self.booked for fact in self.new):
            self.new = [fact for fact in self.new if fact.id != self.booked]
        else:
            self.off.append(self.booked)
        self.booked = None


def hear(tx: Tx, events: Iterable[Event]) -> None:
    """Take in events about meetings of any number of tenants."""
    by_tenant: dict[str, list[Event]] = {}
    for event in events:
        if meetings.matters(event.name, event.data):
            by_tenant.setdefault(event.tenant, []).append(event)
    for name, told in sorted(by_tenant.items()):
        try:
            tenant = tenants.get(tx, name)
        except NotFound:
            log.warning("meeting_of_unknown_tenant", tenant=name)
            continue
        _hear(tx, tenant, told)


def _hear(tx: Tx, tenant: Tenant, events: list[Event]) -> None:
    keys = sorted({_key(event) for event in events})
    known = _load(tx, tenant.id, keys)
    for event in sorted(events, key=lambda one: one.data["revision"]):
        known[_key(event)].take(event, tenant.business_date or date.min)
    given = [(assignment, fact) for (assignment, _), heard in sorted(known.items()) for fact in heard.new]
    _state(tx, tenant, given)
    for (assignment, _), heard in sorted(known.items()):
        for fact in heard.off:
            record.withdraw_fact(tx, tenant, assignment, fact)
    _save(tx, tenant.id, known)


def _key(event: Event) -> Key:
    return event.data["assignment"], event.data["meeting"]


def _state(tx: Tx, tenant: Tenant, given: list[tuple[str, Fact]]) -> None:
    """State all at once; if something is wrong with one of them, each by itself and that one not at all.

    What the rules refuse is kept and listed. What cannot be stated is no fault of the event: its fact was withdrawn by
    a person, say. To try again would not help.
    """
    if not given:
        return
    try:
        with tx.attempt():
            record.record_facts(tx, tenant, given, keep_refused=True, places_from=PLACES_FROM)
    except KundvalError as error:
        if len(given) == 1:
            log.warning("meeting_fact_not_stated", tenant=tenant.id, code=error.code, kind=given[0][1].kind.value)
            return
        for one in given:
            _state(tx, tenant, [one])


def _load(tx: Tx, tenant: str, keys: list[Key]) -> dict[Key, Heard]:
    found = {key: Heard() for key in keys}
    for row in tx.query(
        "SELECT assignment, meeting, revision, booked FROM heard_meeting JOIN unnest(%s::text[], %s::text[])"
        " AS k (assignment, meeting) USING (assignment, meeting) WHERE tenant = %s",
        ([key[0] for key in keys], [key[1] for key in keys], tenant),
    ):
        found[row["assignment"], row["meeting"]] = Heard(row["revision"], row["booked"])
    return found


def _save(tx: Tx, tenant: str, heard: dict[Key, Heard]) -> None:
    tx.insert_rows(
        "heard_meeting",
        ("tenant", "assignment", "meeting", "revision", "booked"),
        [(tenant, *key, one.revision, one.booked) for key, one in sorted(heard.items())],
        "ON CONFLICT (tenant, assignment, meeting) DO UPDATE SET revision = excluded.revision,"
        " booked = excluded.booked",
    )
