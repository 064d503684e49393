"""What was known and owed on an earlier day, beside the ledger of then and today's answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_contracts.answer import money
from kundval_contracts.case import Tenant
from kundval_contracts.codes import KnownAt
from kundval_contracts.errors import InvalidRequest, NotFound

from .. import store as ledger
from ..domain import lines
from ..domain.known import NOTHING, Change, History, Moment, Owed
from . import store
from .tell import Viewer, told_fact
from .words import Telling

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: the moment, the day that is computed for, whose money."""

    moment: Moment
    as_of: date
    provider: str | None


def asked(tx: Tx, tenant: Tenant, request: Json) -> Asked:
    """The question that a request asks. Raises InvalidRequest for a day after the business date, NotFound for a
    payment run that has not been made.
    """
    today, known_by = tenant.business_date, request["known_by"]
    as_of = request["as_of"] or known_by
    faults = [
        {"path": path, "message": f"must not be after the business date, which is {today}"}
        for path, day in (("known_by", known_by), ("as_of", as_of))
        if today is None or day > today
    ]
    if faults:
        raise InvalidRequest(faults=faults)
    moment: Moment | None = Moment(known_by)
    if request["at"] is KnownAt.RUN:
        moment = store.run_of(tx, tenant.id, known_by)
    if moment is None:
        raise NotFound(f"There is no payment run of {known_by} with a history.")
    return Asked(moment, as_of, request["provider"])


def histories(tx: Tx, tenant: Tenant, question: Asked, assignments: Iterable[str]) -> list[History]:
    """The assignments at the moment and today; none if the tenant had not been opened then."""
    then = store.terms_at(tx, tenant.id, question.moment)
    if then is None or tenant.business_date is None:
        return []
    names = list(assignments)
    cases = held.load_cases(tx, [(tenant.id, name) for name in names])
    revisions = store.revisions_of(tx, tenant.id, names)
    posted = ledger.postings_of(tx, tenant.id, names, derivations=False)
    return [
        History(
            lines,
            case,
            revisions[case.assignment],
            question.moment,
            then,
            question.as_of,
            tenant,
            tenant.business_date,
            [one for one in posted[case.assignment] if one.run <= question.moment.day],
            question.provider,
        )
        for case in cases
    ]


@dataclass(frozen=True, slots=True)
class Found:
    """What the assignments of a page come to. `stuck`: those of which, as in a payment run, nothing can be computed."""

    owed: list[Owed]
    changes: list[Change]
    stuck: list[str]


def look_back(found: Iterable[History]) -> Found:
    """What each assignment came to and what has changed; one without a tariff in force stops no other."""
    result = Found([], [], [])
    for history in found:
        try:
            owed, change = history.owed(), history.change()
        except LookupError:
            result.stuck.append(history.case.assignment)
            continue
        result.owed.extend(owed)
        if change is not None:
            result.changes.append(change)
    return result


def row(one: Owed) -> Json:
    """A line of the answer of `billing.as_known`."""
    assignment, provider, kind, sequence = one.key
    line = one.line
    return {
        "assignment": assignment,
        "provider": provider,
        "kind": kind,
        "sequence": sequence,
        "from": line.start.isoformat() if line else None,
        "to": line.end.isoformat() if line else None,
        "status": line.status.value if line else None,
        "payable_from": line.payable_from.isoformat() if line and line.payable_from else None,
        "because": line.because if line else None,
        "due": money(one.due),
        "posted": money(one.posted),
        "owed": money(one.owed),
        "due_today": money(one.due_today),
    }


def change_row(one: Change, words: Telling, viewer: Viewer) -> Json:
    """Why an assignment comes to something else today, in the answer of `billing.as_known`."""
    return {
        "assignment": one.assignment,
        "difference": money(one.difference),
        "by_time": money(one.by_time),
        "by_facts": money(one.by_facts),
        "by_terms": money(one.by_terms),
        "learned": [told_fact(fact, words, viewer) for fact in one.learned],
    }


def sums(rows: Iterable[Json]) -> Json:
    """What the rows come to together."""
    found = dict.fromkeys(("due", "posted", "owed", "due_today"), NOTHING)
    for one in rows:
        for name in found:
            found[name] += Decimal(one[name])
    return {name: money(amount) for name, amount in found.items()}
