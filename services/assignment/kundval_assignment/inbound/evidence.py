"""What other systems confirm of the six months, shown to who decides; it decides nothing by itself."""

from __future__ import annotations

from typing import Any

from kundval_chassis import access
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import DataKind, GateRefusal, Purpose
from kundval_contracts.timeline import Exit, Timeline

from .. import gate, record
from ..domain import inbound
from ..people import store as people
from ..people.keys import PersonKeys

_PURPOSE = Purpose.SIX_MONTH_TEST
_SHOWN = (DataKind.STUDY, DataKind.INCOME)


def evidence(tx: Tx, keys: PersonKeys, tenant: Tenant, assignment: str, caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.evidence`: for each exit of which family what is confirmed. Raises NotFound.

    A kind of data for which no ground holds is not shown, and that is entered as a refusal.
    """
    timeline = Timeline(record.one(tx, tenant, assignment).effective, tenant.settings)
    person = people.person_of(tx, tenant.id, assignment)
    told: dict[DataKind, list[dict[str, Any]]] = {}
    refused = []
    for what in _SHOWN:
        found = None if person is None else _told(tx, keys, tenant, person, what, timeline)
        if found is None:
            refused.append(what)
            _refuse(tx, tenant, what, caller, person)
        told[what] = found or []
    if person is not None:
        access.showed("person", person)
    return {
        "assignment": assignment,
        "exits": [_row(one, timeline, told) for one in timeline.exits if one.rule.family != "OTHER"],
        "refused": refused,
    }


def _told(
    tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, what: DataKind, timeline: Timeline
) -> list[dict[str, Any]] | None:
    """What is kept for the municipality, or for a provider that has or had the assignment; None without a ground."""
    if tenant.business_date is None:
        return None
    providers = [None, *sorted({provider for _, provider in timeline.charges})]
    day = tenant.business_date
    grounds = [gate.find(tx, tenant, person, gate.Need(what, _PURPOSE, day, provider)) for provider in providers]
    if not any(isinstance(one, gate.Ground) for one in grounds):
        return None
    kept = gate.kept_for_all(tx, keys, tenant, person=person, what=what, purpose=_PURPOSE, on=day)
    return [one.data for ground, one in kept if ground.provider in providers]


def _refuse(tx: Tx, tenant: Tenant, what: DataKind, caller: Caller, person: str | None) -> None:
    if tenant.business_date is not None:
        need = gate.Need(what, _PURPOSE, tenant.business_date)
        code = GateRefusal.NOBODY_LINKED if person is None else GateRefusal.NO_GROUND
        gate.refuse(tx, tenant, need, caller.subject, code, person)


def _row(one: Exit, timeline: Timeline, told: dict[DataKind, list[dict[str, Any]]]) -> dict[str, Any]:
    window = timeline.window(one)
    studies = [found for data in told[DataKind.STUDY] if (found := inbound.studies_of(data)) is not None]
    certificates = [found for found in studies if found.aid is None]
    is_study = one.rule.family == "STUDY"
    return {
        "exit": one.fact.id,
        "kind": one.kind,
        "from": window.start,
        "to": window.end,
        "studies": [
            {"from": found.period.start, "to": found.period.end, "extent_pct": found.extent_pct, "aid": found.aid}
            for found in sorted(studies, key=lambda found: (found.period.start, found.period.end, found.aid or ""))
            if is_study and found.period.overlaps(window)
        ],
        "studies_until": (inbound.covered_until(certificates, window, one.rule.min_extent or 1) if is_study else None),
        "months": [
            {"month": month.month, "employers": list(month.employers)}
            for month in inbound.months_shown(map(inbound.employed_of, told[DataKind.INCOME]), window)
            if not is_study
        ],
    }
