"""The employment service's decisions on subsidies become steps of subsidy cases (LOKA-36, LOKA-37)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.af import decisions
from kundval_contracts.af.decisions import SubsidyDecision
from kundval_contracts.case import Tenant
from kundval_contracts.codes import DataKind, Purpose

from .. import gate
from .. import store as assignments
from ..people.keys import PersonKeys
from .follow import follow
from .grounds import today_of, with_ground
from .statuses import person_of

#: of the ids of facts that follow from decisions
SOURCE = "af-decision:"


def receive(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.receive_af_decisions`. The same decision again changes nothing, one that was corrected
    takes the place of the one before. Raises NotFound, Conflict, Forbidden (no ground).
    """
    rows = request["decisions"]
    answers: dict[int, dict[str, Any]] = {}
    # in the order in which everybody locks
    for place in sorted(range(len(rows)), key=lambda one: str(rows[one]["assignment"])):
        answers[place] = _one(tx, keys, tenant, rows[place], request, caller)
    return {"decisions": [answers[place] for place in range(len(rows))]}


def _one(
    tx: Tx, keys: PersonKeys, tenant: Tenant, row: Mapping[str, Any], request: Mapping[str, Any], caller: Caller
) -> dict[str, Any]:
    person, name = person_of(tx, tenant, row["assignment"]), row["assignment"]
    decision: SubsidyDecision = row["decision"]
    purpose = Purpose.LABOUR_MARKET_INTERVENTION
    ground = with_ground(tx, tenant, request, caller, person, DataKind.AF_DECISION, purpose)
    held = assignments.load_records(tx, tenant.id, [name], lock=True)[name]
    source = f"{SOURCE}{decisions.slot(decision)}:"
    others = [fact for fact in held.effective.facts if not fact.id.startswith(source)]
    facts = follow(tx, tenant, name, source, [decisions.fact_of(decision, others)], today_of(tenant))
    if facts:
        data = decisions.SCHEMA.dump(decision)
        gate.keep(tx, keys, tenant, ground, kind=decisions.NAME, data=data, on=today_of(tenant))
    record = assignments.load_records(tx, tenant.id, [name])[name]
    mine = next(one for fact, one in record.stated.items() if fact.startswith(source))
    return {
        "assignment": name,
        "fact": mine.fact.id,
        "in_effect": mine.in_effect,
        "code": mine.findings[0].code if mine.findings else None,
    }
