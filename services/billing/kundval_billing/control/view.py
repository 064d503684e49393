"""A controller's figures and what stands out, put together from ledger and facts: as data and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.html import read_words
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import restricted
from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.case import Tenant
from kundval_contracts.codes import AnomalyState, ControlFigure, FactKind, FiguresBy
from kundval_contracts.csv_text import as_csv
from kundval_contracts.errors import Forbidden, NotFound
from kundval_contracts.phrases import LANGUAGES, text
from kundval_contracts.rpc import CallerRole
from kundval_contracts.rpc.control import MOST_NAMED
from kundval_contracts.rules import rule

from ..domain import anomalies as detect
from ..domain import control
from ..domain.anomalies import Anomaly, FollowUp, Found, Pair, Placed, Thresholds, Unit
from ..domain.control import Line, Outcome, Spent
from ..domain.view import View
from ..questions.budgets import budget_of
from . import store
from .store import SetAside, Span

COLUMNS = ("part", "figure", "unit", "value", "n", "suppressed")
_SHARE = Decimal("0.0001")
#: a chance is shown as so many millionths at most
_MILLIONTH = Decimal("0.000001")
#: the last day of a month moves by up to three days when months are added: so much earlier is looked
_CLIPPED = 3


# --- figures -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """The lines of a period and what was paid in all."""

    span: Span
    day: date
    by: FiguresBy | None
    lines: tuple[Line, ...]
    budget: dict[str, Any] | None


def figures(tx: Tx, request: Mapping[str, Any], caller: Caller) -> Figures:
    """Figures of the period asked for. Raises NotFound, Conflict (NO_BUSINESS_DATE), Forbidden (STAFF_ONLY) if a
    statistician asks about single providers.
    """
    if caller.role == CallerRole.STATISTICIAN and request["by"] is FiguresBy.PROVIDER:
        raise Forbidden("Figures about single providers are for staff.", code="STAFF_ONLY")
    (found,) = _figures(tx, request, (request["by"],))
    if caller.role != CallerRole.STATISTICIAN:
        return found
    tenant, _ = held.tenant_today(tx, request["tenant"])
    return replace(found, lines=control.without_small_groups(found.lines, tenant.settings["figures.smallest_group"]))


def _figures(tx: Tx, request: Mapping[str, Any], split: Iterable[FiguresBy | None]) -> list[Figures]:
    """The figures of a period, split in these ways; the facts are looked at once."""
    tenant, day = held.tenant_today(tx, request["tenant"])
    span = _period(tenant, request, day)
    since = add_days(add_months(span.start, -tenant.settings["sustainability.months"]), -_CLIPPED)
    found = list(_outcomes(tx, tenant, day, store.with_exits(tx, span, since)))
    planned = budget(tx, tenant, span)
    return [
        Figures(
            span,
            day,
            by,
            control.lines(store.spent(tx, span, by), control.counted(found, span.start, span.end, by), by),
            planned,
        )
        for by in split
    ]


def _period(tenant: Tenant, request: Mapping[str, Any], day: date) -> Span:
    if request["from"] is not None:
        return Span(tenant.id, request["from"], request["to"])
    year = request["year"] or day.year
    return Span(tenant.id, date(year, 1, 1), date(year + 1, 1, 1))


def _outcomes(tx: Tx, tenant: Tenant, day: date, names: Iterable[str]) -> Iterable[Outcome]:
    for case in store.cases(tx, tenant.id, set(names), control.NEEDED):
        yield from control.outcomes(View(case.known_by(day), tenant.settings, day))


def figures_json(found: Figures) -> dict[str, Any]:
    """The answer of `billing.figures`."""
    rows = [{name: value for name, value in asdict(line).items() if name != "group"} for line in found.lines]
    return {
        "from": found.span.start,
        "to": found.span.end,
        "as_of": found.day,
        "by": found.by,
        "lines": rows,
        "definitions": [{"figure": one, **_both("definition", one.value)} for one in ControlFigure],
        "budget": found.budget,
        "reference": reference(),
    }


@rule("NACKA-19")
def reference() -> dict[str, Any]:
    """What the source says the whole costs in a year, with its origin; not a budget."""
    amount, persons = control.REFERENCE_AMOUNT, control.REFERENCE_PERSONS
    per_person = (amount / persons).quantize(Decimal(1), ROUND_HALF_UP)
    return {
        "amount": amount,
        "persons": persons,
        "per_person": per_person,
        "rule": "NACKA-19",
        **_both("page", "reference_origin"),
    }


def _both(table: str, key: str) -> dict[str, str]:
    return {lang: str(read_words(__package__, lang)[table][key]) for lang in LANGUAGES}


def figures_csv(found: Figures) -> str:
    """A line for each figure of each part. Numbers have a point and no groups."""
    return as_csv(
        COLUMNS,
        (
            (line.part, line.figure, line.unit, None if line.value is None else Decimal(line.value), line.n,
             line.suppressed)
            for line in found.lines
        ),
    )  # fmt: skip


# --- what stands out -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StandsOut:
    """What was found in a period, and what of it was set aside."""

    span: Span
    day: date
    tenant: Tenant
    found: Found
    set_aside: Mapping[str, SetAside]

    def state(self, one: Anomaly) -> AnomalyState:
        """Open, unless it was set aside and not enough is new since then."""
        then = self.set_aside.get(one.id)
        return AnomalyState.OPEN if then is None or self.again(one) else AnomalyState.SET_ASIDE

    def again(self, one: Anomaly) -> bool:
        then = self.set_aside.get(one.id)
        share = self.tenant.settings["control.comes_back"]
        return then is not None and detect.comes_back(one.assignments, then.assignments, share)


def stands_out(tx: Tx, request: Mapping[str, Any]) -> StandsOut:
    """Everything that stands out in the period asked for. Raises NotFound, Conflict (NO_BUSINESS_DATE)."""
    tenant, day = held.tenant_today(tx, request["tenant"])
    if request["from"] is not None:
        span = Span(tenant.id, request["from"], request["to"])
    else:
        end = add_days(day, 1)
        span = Span(tenant.id, add_months(end, -tenant.settings["control.window_months"]), end)
    found = _detect(tx, tenant, day, span)
    return StandsOut(span, day, tenant, found.sorted(), store.set_aside(tx, tenant.id))


def _detect(tx: Tx, tenant: Tenant, day: date, span: Span) -> Found:
    limits = Thresholds.of(tenant.settings)
    paid, same_files = store.bonuses(tx, span), store.reuses(tx, tenant.id)
    same_claims = store.overlaps(tx, tenant.id)
    looked_for = (FactKind.EXITED, FactKind.REASSESSED, FactKind.BROKE_OFF, FactKind.PREMIUM_FOLLOW_UP)
    names = store.with_facts(tx, span, looked_for)
    names |= {assignment for assignment, _ in paid} | {one for one, _, _ in (*same_files, *same_claims)}
    exits: list[Outcome] = []
    reported: list[FollowUp] = []
    in_charge: dict[str, str] = {}
    for case in store.cases(tx, tenant.id, names, control.NEEDED):
        view = View(case.known_by(day), tenant.settings, day)
        exits += control.outcomes(view)
        reported += (one for one in control.follow_ups(view) if span.start <= one.on < span.end)
        in_charge[case.assignment] = view.timeline.provider_on(day) or ""
    inside = [one for one in exits if span.start <= one.on < span.end]
    judged = [one for one in inside if one.may_lead_to_money]
    broken = [one for one in exits if one.broke_off is not None and span.start <= one.broke_off < span.end]
    found = Found()
    hidden = restricted(tx, tenant.id, [assignment for assignment, _ in paid])
    for more in (
        detect.same_workplace(_placed(exits, paid, hidden), limits),
        detect.before_limits(
            {limit: detect.groups(rows) for limit, rows in control.near_limits(inside, limits.limit_days).items()},
            limits,
        ),
        detect.before_end(detect.groups(control.near_end(inside, limits.limit_days)), limits),
        detect.after_settle(detect.groups(control.near_settle(broken, limits.limit_days)), limits),
        detect.evidence_reused(_pairs(same_files, in_charge, day)),
        detect.duplicate_claims(_pairs(same_claims, in_charge, day)),
        detect.premium_without_follow_up(store.premiums(tx, span, day)),
        detect.follow_ups(reported, limits),
        detect.decided_by_hand(
            detect.groups(Unit(one.provider, one.assignment, one.on, one.manual) for one in judged),
            detect.groups(Unit(one.provider, one.assignment, one.on, one.boundary) for one in judged),
            limits,
        ),
        detect.corrections(store.corrections(tx, span), limits),
    ):
        found.add(more)
    return found


def _placed(exits: Iterable[Outcome], paid: Mapping[tuple[str, str], date], hidden: set[str]) -> list[Placed]:
    """The workplaces of bonuses that were paid. Protected persons are left out: the id of what stands out is made from
    the workplace, and who knows all workplaces could find theirs.
    """
    rows = {}
    for one in exits:
        run = paid.get((one.assignment, one.provider))
        if run is not None and one.qualifies and one.workplace is not None and one.assignment not in hidden:
            rows[one.assignment, one.provider] = Placed(one.provider, one.assignment, run, one.workplace)
    return list(rows.values())


def _pairs(rows: Iterable[tuple[str, str, date | None]], in_charge: Mapping[str, str], day: date) -> list[Pair]:
    """Pairs by the provider now in charge of the first; what has nobody in charge is left out."""
    return [
        Pair(in_charge[one], one, other, in_charge.get(other, ""), since or day)
        for one, other, since in rows
        if in_charge.get(one)
    ]


def anomalies_json(found: StandsOut, provider: str | None) -> dict[str, Any]:
    """The answer of `billing.anomalies`; with `provider` what is about it alone."""
    return {
        "from": found.span.start,
        "to": found.span.end,
        "as_of": found.day,
        "smallest_group": found.tenant.settings["control.smallest_group"],
        "anomalies": [
            _anomaly(found, one) for one in found.found.anomalies if provider is None or one.provider == provider
        ],
        "not_judged": [
            asdict(one) for one in found.found.not_judged if provider is None or one.provider == provider
        ],
    }  # fmt: skip


def _anomaly(found: StandsOut, one: Anomaly) -> dict[str, Any]:
    then = found.set_aside.get(one.id)
    return {
        "anomaly": one.id,
        "kind": one.kind,
        "provider": one.provider,
        "severity": one.severity,
        "state": found.state(one),
        "count": one.count,
        "n": one.n,
        "observed": str(one.observed),
        "expected": None if one.expected is None else str(one.expected),
        "chance": None if one.chance is None else str(one.chance.quantize(_MILLIONTH, ROUND_CEILING)),
        "since": one.since,
        "said": one.said.as_json(),
        "text": {lang: text(one.said, lang) for lang in LANGUAGES},
        "assignments": list(one.assignments[:MOST_NAMED]),
        "total": len(one.assignments),
        "set_aside": then and {"by": then.author, "on": then.on, "reason": then.reason, "again": found.again(one)},
    }


def set_aside(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """Set an anomaly of the period aside. The same again is no news.

    Raises NotFound for one that is not listed for the period (any more).
    """
    found = stands_out(tx, request)
    one = next((one for one in found.found.anomalies if one.id == request["anomaly"]), None)
    if one is None:
        raise NotFound(f"Nothing that stands out in the period has the id {request['anomaly']}.")
    new = SetAside(request["reason"], caller.subject, found.day, one.assignments)
    if found.set_aside.get(one.id) != new:
        store.add_set_aside(tx, found.tenant.id, one.id, new)
    return {"anomaly": one.id, "state": AnomalyState.SET_ASIDE, "on": found.day}


def whole(tx: Tx, request: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What is on the page: figures by month, provider and programme, and what stands out in the same period."""
    found = _figures(tx, request, (FiguresBy.MONTH, FiguresBy.PROVIDER, FiguresBy.PROGRAMME))
    span = found[0].span
    period = {"tenant": span.tenant, "from": span.start, "to": span.end}
    return [figures_json(one) for one in found], anomalies_json(stands_out(tx, period), None)


# --- against the budget --------------------------------------------------------------------------------


def budget(tx: Tx, tenant: Tenant, span: Span) -> dict[str, Any] | None:
    """The budget of the calendar year that the period is in, and what was paid in that year so far, net."""
    year = span.start.year
    if add_days(span.end, -1).year != year:
        return None
    planned = budget_of(tx, tenant.id, year)
    if planned is None or planned.total is None:
        return None
    amount = planned.total
    whole = Span(tenant.id, date(year, 1, 1), date(year + 1, 1, 1))
    spent = store.spent(tx, whole, None).get(control.ALL, Spent()).payable.net
    share = str((spent / amount).quantize(_SHARE, ROUND_HALF_EVEN)) if amount else None
    return {"year": year, "amount": amount, "spent": spent, "left": amount - spent, "share": share}
