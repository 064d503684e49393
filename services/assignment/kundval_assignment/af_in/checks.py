"""Which look-ups of the registration as jobseeker are due (AMI-1.3.2-a)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import DataKind, Purpose

from .. import store as assignments
from ..domain.af import check_due
from ..domain.gate import Need, why_not
from ..domain.to_af import on_assistance
from ..gate import store as grounds
from ..gate.pass_through import cases_of
from ..people import store as people
from .grounds import today_of

_PURPOSES = (Purpose.FINANCIAL_ASSISTANCE, Purpose.LABOUR_MARKET_INTERVENTION)


def due(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `assignment.af_checks`: a page of assignments, those of them with a look-up that is due."""
    today, limit = today_of(tenant), request["limit"]
    names = assignments.page(tx, tenant.id, request["assignment"], request["after"], limit)
    persons = people.persons_of(tx, tenant.id, names)
    may = _grounded(tx, tenant, set(persons.values()))
    rows = []
    for name, one in sorted(assignments.load_records(tx, tenant.id, names).items()):
        check = check_due(one.effective, tenant, today, receives_eb=on_assistance(one.effective, one.client))
        if check is not None:
            rows.append(
                {"assignment": name, "moment": check.moment, "due": check.due, "grounded": persons.get(name) in may}
            )
    return {"checks": rows, "next": names[-1] if len(names) == limit else None}


def _grounded(tx: Tx, tenant: Tenant, persons: Collection[str]) -> set[str]:
    """The persons about whom the status may be asked for, and be stated, by the municipality today. Nothing is entered:
    nobody has asked for anything yet.
    """
    theirs = grounds.grounds(tx, tenant.id, persons, DataKind.AF_STATUS)
    cases = cases_of(tx, tenant, theirs)
    needs = [Need(DataKind.AF_STATUS, purpose, today_of(tenant)) for purpose in _PURPOSES]
    held = {
        (one.person, need.purpose)
        for one in theirs
        for need in needs
        if why_not(one, cases, tenant.settings, need) is None
    }
    return {person for person in persons if all((person, purpose) in held for purpose in _PURPOSES)}
