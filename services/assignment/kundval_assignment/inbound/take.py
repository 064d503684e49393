"""Take in what another system tells, for each person whom it is about and for whom there is a ground.

What is refused leaves nothing but that it was refused; the source can tell it again when there is a ground. Repeats,
late ones and another order end in the same state: of each thing the highest revision counts.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_chassis import access, inbox
from kundval_chassis.db import Tx
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import FactKind, GateRefusal, InboundSource
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Conflict, InvalidRequest
from kundval_contracts.events_in import EVENTS_IN, InboundType
from kundval_contracts.facts import Fact, load_fact
from kundval_contracts.rules import rule
from kundval_contracts.tariffs import SUSTAINED
from kundval_contracts.timeline import Timeline

from .. import gate, record, tenants
from .. import store as assignments
from ..domain import inbound
from ..domain.inbound import Assisted
from ..meetings.hear import PLACES_FROM
from ..people import store as people
from ..people.keys import PersonKeys
from . import store
from .store import Key

#: what of assistance is told by itself
PAYMENT, ENDING = "payment", "ending"


@dataclass(frozen=True, slots=True)
class Came:
    """What came of an event: for how many persons it was taken in, and for how many (or nobody) refused."""

    taken: int = 0
    refused: int = 0


def hear(tx: Tx, keys: PersonKeys, events: Iterable[Event]) -> None:
    """Take in events from the bus. Raises what `take` raises, and NotFound for a tenant that there is not."""
    for event in events:
        take(tx, keys, tenants.get(tx, event.tenant), event)


def take(tx: Tx, keys: PersonKeys, tenant: Tenant, event: Event) -> Came:
    """Take in one event, which fits its schema. One that was refused for somebody can be told again under its own id.

    Raises Conflict (no business date; a revision told before with other contents), InvalidRequest (an id that has the
    form of an identity number).
    """
    kind, data = EVENTS_IN[event.name], _known(EVENTS_IN[event.name], event.data)
    if tenant.business_date is None:
        raise Conflict("No business date has been opened yet.", code="NO_BUSINESS_DATE")
    _no_numbers(data)
    key = Key(tenant.id, kind.source, kind.item, data[kind.item])
    tx.lock("inbound", *key.values)
    revision, seen = data["revision"], store.seen(tx, key)
    if seen is not None and (revision < seen[0] or (revision == seen[0] and seen[1])):
        return Came()
    store.see(tx, key, revision, kind.withdraws)
    concerned = set() if kind.withdraws else _concerned(tx, tenant, kind, data)
    taken = store.taken(tx, key)
    dropped = [person for person in taken if person not in concerned]
    for person in dropped:
        _forget(tx, tenant, taken[person])
        store.drop(tx, key, person)
    fresh, refused = [], 0
    for person in sorted(concerned):
        before = taken.get(person)
        if before is not None and before.record is not None and before.revision == revision:
            _require_same(tx, keys, tenant, kind, person, before.record, data)
            continue
        ground = _ground(tx, tenant, kind, person, tenant.business_date)
        if ground is None:
            refused += 1
            continue
        if before is not None:
            _forget(tx, tenant, before)
        name = f"{event.name}.v{event.version}"
        kept = gate.keep(tx, keys, tenant, ground, kind=name, data=data, on=tenant.business_date)
        store.put(tx, key, person, revision, event.name, kept)
        fresh.append(person)
    if not concerned and not kind.withdraws:
        need = gate.Need(kind.what, kind.purpose, tenant.business_date)
        gate.refuse(tx, tenant, need, _requester(kind), GateRefusal.NOBODY_LINKED)
        refused = 1
    if kind.source is InboundSource.ASSISTANCE:
        void = {key.item} if kind.item == PAYMENT else set()
        for person in sorted({*dropped, *fresh}):
            settle(tx, keys, tenant, person, void=void)
    if refused:
        inbox.release(tx, event.id)
    return Came(len(fresh), refused)


def _known(kind: InboundType, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the schema knows of the data: nothing else is kept."""
    names = {field.data_key or name for name, field in kind.schema.fields.items()}
    return {name: value for name, value in data.items() if name in names}


def _no_numbers(data: Mapping[str, Any]) -> None:
    faults = [
        {"path": f"data.{name}", "message": "has the form of an identity number"}
        for name, value in sorted(data.items())
        if isinstance(value, str) and access.is_number(value)
    ]
    if faults:
        raise InvalidRequest(faults=faults)


def _requester(kind: InboundType) -> str:
    return kind.source.value.lower()


def _concerned(tx: Tx, tenant: Tenant, kind: InboundType, data: Mapping[str, Any]) -> set[str]:
    """Whom it is about, by what the municipality has linked."""
    if "household" in data:
        if kind.item == ENDING:
            # who joins later too: what was paid for a period that had begun before was not for its days after
            return store.members(tx, tenant.id, data["household"], date.min, date.max)
        start, end = date.fromisoformat(data["from"]), date.fromisoformat(data["to"])
        return store.members(tx, tenant.id, data["household"], start, end)
    person = store.meant(tx, tenant.id, kind.source, data["reference"])
    return set() if person is None else {person}


def _ground(tx: Tx, tenant: Tenant, kind: InboundType, person: str, on: date) -> gate.Ground | None:
    """The ground on which it is taken in for a person: the municipality's, else one for a provider that has or had an
    assignment of the person. None, and entered as refused, if there is none.
    """
    found = gate.find(tx, tenant, person, gate.Need(kind.what, kind.purpose, on))
    if isinstance(found, gate.Ground):
        return found
    providers = {
        provider
        for case in _cases(tx, tenant, person).values()
        for _, provider in Timeline(case, tenant.settings).charges
    }
    for provider in sorted(providers):
        other = gate.find(tx, tenant, person, gate.Need(kind.what, kind.purpose, on, provider))
        if isinstance(other, gate.Ground):
            return other
    gate.refuse(tx, tenant, gate.Need(kind.what, kind.purpose, on), _requester(kind), found, person)
    return None


def _require_same(
    tx: Tx, keys: PersonKeys, tenant: Tenant, kind: InboundType, person: str, name: str, data: Mapping[str, Any]
) -> None:
    """Raises Conflict if a revision that was told before says something else now."""
    assert tenant.business_date is not None
    held = gate.kept_for_all(
        tx, keys, tenant, person=person, what=kind.what, purpose=kind.purpose, on=tenant.business_date
    )
    if any(one.id == name and one.data != data for _, one in held):
        raise Conflict("The same revision was told before with other contents.", code="REVISION_REUSED")


def _forget(tx: Tx, tenant: Tenant, taken: store.Taken) -> None:
    if taken.record is not None:
        gate.forget(tx, tenant, taken.record)


def let_go(tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, source: InboundSource, **meant: str) -> set[str]:
    """Let go of what was taken in for a person of what its source said about `meant` (a household, a reference); the
    ids of the things.
    """
    held = gate.opened(tx, keys, tenant, person)
    gone = set()
    for what in sorted({kind.item for kind in EVENTS_IN.values() if kind.source is source}):
        for row in store.items(tx, tenant.id, person, (what,)):
            data = held.get(row["record"], {})
            if meant.items() <= data.items():
                gate.forget(tx, tenant, row["record"])
                store.drop(tx, Key(tenant.id, source, what, row["item"]), person)
                gone.add(row["item"])
    return gone


# --- assistance as facts -------------------------------------------------------------------------------


@rule("AMI-9-d", "AMI-9.3.3-a")
def settle(tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, *, void: Collection[str] = ()) -> None:
    """Bring the facts `eb_paid` of a person's assignments in step with the payments that may be used.

    Of a payment whose record is gone with its ground nothing is known any more: its facts stand, because money rests on
    them, unless it is `void`. A fact that somebody took back stays taken back.
    """
    if tenant.business_date is None:
        return
    items = {row["record"]: row for row in store.items(tx, tenant.id, person, (PAYMENT, ENDING))}
    kind = EVENTS_IN["assistance.paid"]
    held = gate.kept_for_all(
        tx, keys, tenant, person=person, what=kind.what, purpose=kind.purpose, on=tenant.business_date
    )
    told = [(ground.provider, items[one.id]["what"], one.data) for ground, one in held if one.id in items]
    known = {data[PAYMENT] for _, what, data in told if what == PAYMENT} | set(void)
    memberships = store.memberships(tx, tenant.id, person)
    cases = _cases(tx, tenant, person)
    stated = store.facts(tx, tenant.id, cases)
    fresh: list[tuple[str, Assisted, Fact]] = []
    gone: list[tuple[str, str]] = []
    for name, case in sorted(cases.items()):
        wanted = inbound.assisted(*_told_for(tx, tenant, person, case, told), memberships)
        fresh += [(name, one, _fact(one, tenant.business_date)) for one in sorted(wanted) if one not in stated[name]]
        gone += [
            (name, fact) for one, fact in sorted(stated[name].items()) if one.payment in known and one not in wanted
        ]
    if fresh:
        given = [(name, fact) for name, _, fact in fresh]
        record.record_facts(tx, tenant, given, keep_refused=True, places_from=PLACES_FROM)
        store.add_facts(tx, tenant.id, ((name, one, fact.id) for name, one, fact in fresh))
    for name, fact_id in gone:
        record.withdraw_fact(tx, tenant, name, fact_id)
        store.remove_fact(tx, tenant.id, name, fact_id)


def settle_linked(tx: Tx, keys: PersonKeys, tenant: Tenant, persons: Collection[str]) -> None:
    """`settle` for those of these persons, who have another assignment now, about whom something was taken in."""
    for person in store.told_of(tx, tenant.id, persons):
        settle(tx, keys, tenant, person)


def _told_for(
    tx: Tx, tenant: Tenant, person: str, case: Case, told: Iterable[tuple[str | None, str, dict[str, Any]]]
) -> tuple[list[inbound.Payment], list[inbound.Ending]]:
    """Payments and endings that may be used for this assignment: those for the municipality, and those for a provider
    that has or had it.
    """
    payments, endings = [], []
    providers = {None, *(provider for _, provider in Timeline(case, tenant.settings).charges)}
    for provider, what, data in told:
        if provider not in providers:
            continue
        if what == ENDING:
            endings.append(inbound.ending_of(data))
            continue
        recipient = data.get("recipient")
        meant = recipient and store.meant(tx, tenant.id, InboundSource.ASSISTANCE, recipient)
        payments.append(inbound.payment_of(data, to_client=meant == person))
    return payments, endings


def _cases(tx: Tx, tenant: Tenant, person: str) -> dict[str, Case]:
    """The person's assignments whose programme pays for exits that have to hold, with the facts in effect."""
    found = assignments.load_records(tx, tenant.id, people.assignments_of(tx, tenant.id, person))
    return {name: one.effective for name, one in found.items() if _tests_the_six_months(tenant, one.case)}


def _tests_the_six_months(tenant: Tenant, case: Case) -> bool:
    tariff = tenant.settings.tariff_of(case.programme)
    return tariff is not None and tariff.has(*SUSTAINED)


def _fact(one: Assisted, today: date) -> Fact:
    row = {
        "fact": FactKind.EB_PAID.value,
        "on": one.start,
        "known_on": max(one.start, today),
        "from": one.start,
        "to": one.end,
        "scope": one.scope.value,
    }
    return load_fact(row, -1, f"in-{secrets.token_hex(10)}")
