"""The comparison of a programme's providers: counted, shown before a choice and kept as it was shown, or ranked by."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Tenant
from kundval_contracts.codes import FactKind, Programme, Shown
from kundval_contracts.errors import Conflict, FactRefused, Fault, InvalidRequest, NotFound
from kundval_contracts.facts import load_fact
from kundval_contracts.rpc.results import SEEDS
from kundval_contracts.rules import rule

from .. import record
from ..domain.capacity import places_left
from ..domain.choice import Comparison, NotRanked, comparison, ranking, window
from ..providers.store import taken as taken_places
from . import store


def today(tenant: Tenant) -> date:
    """The business date; raises Conflict while there is none."""
    if tenant.business_date is None:
        raise Conflict(f"The tenant {tenant.id} has no business date yet.", code="NO_BUSINESS_DATE")
    return tenant.business_date


def compare(tx: Tx, tenant: Tenant, programme: Programme, day: date, seed: int | None = None) -> Comparison:
    """The providers that a client can choose on `day`, in the order of `seed`, or of one that is drawn here."""
    can_be_chosen = [one for one in tenant.providers.values() if one.authorised_on(programme, day)]
    taken = taken_places(tx, tenant.id, [one.id for one in can_be_chosen])
    left = {one.id: places_left(one, sum(taken.get(one.id, {}).values())) for one in can_be_chosen}
    rows = store.tallies(tx, tenant.id, programme, window(day, tenant.settings))
    return comparison(rows, left, tenant.settings, secrets.randbelow(SEEDS) if seed is None else seed)


def content(tenant: Tenant, programme: Programme, day: date, table: Comparison) -> dict[str, Any]:
    """The comparison in JSON types, with the providers' names: what is shown, and what is kept."""
    body = table.as_json()
    for row in (*body["rows"], body["together"]):
        provider = tenant.providers.get(row["provider"])
        row["name"] = (provider.name or provider.id) if provider else ""
    start = window(day, tenant.settings).start
    return {"programme": programme.value, "on": day.isoformat(), "window_start": start.isoformat(), **body}


@rule("NACKA-7")
def show(tx: Tx, tenant: Tenant, assignment: str, day: date | None) -> dict[str, Any]:
    """SM-A7: compare, keep what is shown, and state that it was shown, all in one transaction.

    Raises NotFound, InvalidRequest for a day to come, and FactRefused if nothing has been decided by then.
    """
    day, programme = _which(tx, tenant, assignment, day)
    table = compare(tx, tenant, programme, day)
    name = uuid.uuid4().hex
    kept = store.add_snapshot(
        tx, tenant.id, name, assignment, Shown.CHOICE, day, content(tenant, programme, day, table)
    )
    known_on = max(day, tenant.business_date or day)
    row = {"on": day, "fact": FactKind.RESULTS_SHOWN.value, "known_on": known_on, "snapshot": name}
    fact = load_fact(row, -1, f"results_shown:{name}")
    record.record_facts(tx, tenant, [(assignment, fact)], keep_refused=False)
    return kept


@rule("AF-SOM-24")
def rank(tx: Tx, tenant: Tenant, assignment: str, day: date | None) -> dict[str, Any]:
    """Propose a provider by ranking, and keep by what. It is a proposal: the choice itself is a fact that is stated.

    Raises NotFound, InvalidRequest for a day to come, FactRefused for a programme of the municipality's own, and
    Conflict if no choice is awaited or nobody has a place.
    """
    day, programme = _which(tx, tenant, assignment, day)
    table = compare(tx, tenant, programme, day)
    order = ranking(programme, table, tenant.settings)
    if isinstance(order, NotRanked):
        raise FactRefused(order.message, code=order.code.value, rules=order.rules)
    since = store.awaiting_since(tx, tenant.id, assignment)
    if since is None or since > day:
        raise Conflict("No choice of provider is awaited.", code="NO_CHOICE_AWAITED", rules=("AF-SOM-24",))
    if not order:
        raise Conflict("No provider has a place left.", code=_NO_PLACE, rules=("AF-SOM-24",))
    body = {**content(tenant, programme, day, table), "ranking": list(order)}
    return store.add_snapshot(tx, tenant.id, uuid.uuid4().hex, assignment, Shown.RANKING, day, body)


_NO_PLACE = "NO_PLACE_LEFT"


def snapshot(tx: Tx, tenant: Tenant, name: str) -> dict[str, Any]:
    """What was shown under that name; raises NotFound."""
    found = store.snapshot(tx, tenant.id, name)
    if found is None:
        raise NotFound(f"There is no snapshot {name}.")
    return found


@rule("NACKA-7")
def waiting(tenant: Tenant, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of who has not chosen. The reminder is due `choice.days` after the choice was open; unset: nobody has said
    when (GAP-04, GAP-20).
    """
    days = tenant.settings["choice.days"]
    remind_on = None if days is None else add_days(row["since"], days)
    due = remind_on is not None and tenant.business_date is not None and remind_on <= tenant.business_date
    return {**row, "remind_on": remind_on, "reminder_due": due}


def _which(tx: Tx, tenant: Tenant, assignment: str, day: date | None) -> tuple[date, Programme]:
    programme = store.programme_of(tx, tenant.id, assignment)
    if programme is None:
        raise NotFound(f"There is no assignment {assignment}.")
    if day is None:
        day = today(tenant)
    elif tenant.business_date is not None and day > tenant.business_date:
        raise InvalidRequest(faults=[Fault(path="on", message=f"must not be after {tenant.business_date}")])
    return day, programme


__all__ = ["compare", "content", "rank", "show", "snapshot", "today", "waiting"]
