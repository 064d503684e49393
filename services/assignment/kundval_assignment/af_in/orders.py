"""Orders taken in: the person, the ground, the version; then everything that hangs on the person's orders in step."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.af import orders
from kundval_contracts.af.forms import Forms
from kundval_contracts.af.orders import Order
from kundval_contracts.case import Tenant
from kundval_contracts.codes import AfFault, AfOrderOutcome, DataKind, FactKind, Programme, Purpose
from kundval_contracts.errors import Conflict, NotFound

from .. import gate, record
from .. import store as assignments
from ..people import persons
from ..people import store as people
from ..people.keys import PersonKeys
from . import follow, store
from .grounds import today_of, with_ground
from .store import Received

#: of the ids of facts that follow from orders
SOURCE = "af-order:"


def receive(
    tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller, forms: Forms
) -> dict[str, Any]:
    """The answer of `assignment.receive_af_orders`.

    Raises InvalidRequest, Forbidden (no ground), Conflict (`OTHER_PERSON`: an order's number, or the assignment named,
    is another's). A version that was received before changes nothing.
    """
    today, rows = today_of(tenant), request["orders"]
    answers: dict[int, dict[str, Any]] = {}
    # in the order in which everybody locks
    for place in sorted(range(len(rows)), key=lambda one: str(rows[one]["identity_number"])):
        answers[place] = _one(tx, keys, tenant, rows[place], request, caller, forms, today)
    return {"orders": [answers[place] for place in range(len(rows))]}


def _one(
    tx: Tx,
    keys: PersonKeys,
    tenant: Tenant,
    row: Mapping[str, Any],
    request: Mapping[str, Any],
    caller: Caller,
    forms: Forms,
    today: date,
) -> dict[str, Any]:
    order: Order = row["order"]
    number = persons.number_in(row, tenant)
    assert number is not None
    person = persons.register(tx, keys, tenant, {"identity_number": row["identity_number"]})
    if store.owner(tx, tenant.id, order.order) not in (None, person):
        raise Conflict("The order with that number is about another person.", code=AfFault.OTHER_PERSON)
    ground = with_ground(tx, tenant, request, caller, person, DataKind.AF_ORDER, Purpose.COMMISSION)
    # two orders about a person at once are settled one after the other
    people.load(tx, keys, tenant.id, person, lock=True)
    named = row["assignment"]
    if named is not None:
        _theirs(tx, tenant, named, person)
    version = orders.fingerprint(order)
    new = Received(order, version, person, named, row["delivery_area"], AfOrderOutcome.EXPECTED)
    if store.add(tx, tenant.id, new):
        gate.keep(tx, keys, tenant, ground, kind=orders.NAME, data=orders.SCHEMA.dump(order), on=today)
    held = settle(tx, keys, tenant, person, number.birth_date, forms, today)
    mine = next(one for one in held if (one.order.order, one.version) == (order.order, version))
    return {"order": order.order, "assignment": mine.assignment, "outcome": mine.outcome, "fault": mine.fault}


def _theirs(tx: Tx, tenant: Tenant, assignment: str, person: str) -> None:
    if not people.existing(tx, tenant.id, [assignment]):
        raise NotFound(f"There is no assignment {assignment}.")
    if people.person_of(tx, tenant.id, assignment) != person:
        raise Conflict(f"The assignment {assignment} is another person's.", code=AfFault.OTHER_PERSON)


def settle(
    tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, birth: date, forms: Forms, today: date
) -> list[Received]:
    """Bring the assignments of a person in step with the orders about it; all versions, with what came of them.

    What follows does not hang on the order in which they were received.
    """
    held = store.of_person(tx, tenant.id, person)
    for one in held:
        one.fault = orders.fault_of(one.order, forms)
        one.outcome = AfOrderOutcome.SUPERSEDED if one.fault is None else AfOrderOutcome.PARKED
    by_number: dict[str, list[Received]] = {}
    for one in held:
        by_number.setdefault(one.order.order, []).append(one)
    for chain in orders.chains([one.order for one in held if one.fault is None], forms):
        rows = [row for order in chain for row in by_number[order.order]]
        names = list(dict.fromkeys(row.assignment for row in rows if row.assignment is not None))
        first = _programme(chain, forms)
        if not names and any(orders.in_force(one) for one in chain):
            names = [_begin(tx, keys, tenant, person, birth, chain[0], first, rows)]
        decided = False
        for place, name in enumerate(names):
            # orders that came without what links them may have begun two: the first goes on, the other's facts go
            decided = _follow(tx, tenant, name, chain if place == 0 else (), forms, today) or decided
        for row in rows:
            row.assignment = names[0] if names else None
            if row.order in chain:
                row.outcome = orders.outcome_of(row.order, decided=decided)
    store.save(tx, tenant.id, held)
    return held


def _programme(chain: Sequence[Order], forms: Forms) -> Programme:
    found = orders.programme_of(next(filter(orders.in_force, chain), chain[0]), forms)
    assert isinstance(found, Programme)  # none of a chain is parked
    return found


def _begin(
    tx: Tx,
    keys: PersonKeys,
    tenant: Tenant,
    person: str,
    birth: date,
    order: Order,
    programme: Programme,
    rows: Sequence[Received],
) -> str:
    """Register the assignment that a chain of orders begins; its id, of which nothing follows."""
    seed = "\x1f".join((tenant.id, person, order.order))
    name = f"af-{hashlib.sha256(seed.encode()).hexdigest()[:20]}"
    area = next((row.delivery_area for row in rows if row.delivery_area is not None), None)
    client = {"birth_date": birth.isoformat(), "af_registered": True}
    row = {"id": name, "programme": programme, "delivery_area": area, "client": client, "plan": None}
    record.register(tx, tenant, [row])
    persons.link(tx, keys, tenant, name, person)
    return name


def _follow(tx: Tx, tenant: Tenant, name: str, chain: Sequence[Order], forms: Forms, today: date) -> bool:
    """Keep an assignment's facts in step; whether it has been decided. What has been decided is not cancelled by an
    order: a person says what becomes of it. And a decision that was prepared elsewhere is not referred afterwards,
    which would ask for every step of the road to it.
    """
    held = assignments.load_records(tx, tenant.id, [name])[name].effective
    decided, referred = held.first(FactKind.DECIDED) is not None, held.first(FactKind.REFERRED) is not None
    due = orders.facts_of(chain, held.programme, forms) if chain else ()
    if decided and not any(one.kind is FactKind.REFERRED for one in due):
        return True
    if decided and not referred:
        due = tuple(one for one in due if one.kind is not FactKind.REFERRED)
    follow.follow(tx, tenant, name, SOURCE, due, today)
    return decided


__all__ = ["SOURCE", "receive", "settle"]
