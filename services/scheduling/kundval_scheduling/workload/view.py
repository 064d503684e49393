"""A workload, put together from what the database counts: as data and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import veil
from kundval_contracts.case import Tenant
from kundval_contracts.codes import MeetingKind, ResourceKind, WorkloadMinutes, WorkloadPeriod, WorkloadSubject
from kundval_contracts.csv_text import Value, as_csv
from kundval_contracts.errors import Forbidden
from kundval_contracts.rpc.base import MONEY
from kundval_contracts.rpc.workload import FIRST
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.workdays import holidays_of

from ..domain.resources import Resource
from ..domain.staffing import Balance, balances, capacity
from ..domain.workload import Horizon, Place, Scope, Tally, rows, week_name, workload
from ..meetings.store import resources
from . import store

COLUMNS = ("period", "week", "monday", "subject", "kind", "state", "responsible", "team", "number")


@dataclass(frozen=True, slots=True)
class Found:
    """What was counted for a scope on the business date."""

    tenant: Tenant
    scope: Scope
    horizon: Horizon
    tally: Tally
    staff: tuple[Resource, ...]
    balances: tuple[Balance, ...]


def scope_of(request: Mapping[str, Any], caller: Caller) -> Scope:
    """Whose work is asked for: a provider's own, whatever it asks for. Raises Forbidden if a provider names a team."""
    if caller.provider is None:
        return Scope(request["team"], request["provider"])
    if request["team"] is not None:
        raise Forbidden("A provider asks about its own work, not about a team's.", code="NOT_YOUR_TEAM")
    return Scope(provider=caller.provider)


def count(tx: Tx, request: Mapping[str, Any], caller: Caller) -> Found:
    """Raises NotFound, Conflict (NO_BUSINESS_DATE) and what `scope_of` does."""
    tenant, day = held.tenant_today(tx, request["tenant"])
    scope, horizon = scope_of(request, caller), Horizon(day, request["weeks"])
    tally = store.tally(tx, tenant.id, scope, horizon)
    staff = resources(tx, tenant.id, team=scope.team, provider=scope.provider, kind=ResourceKind.STAFF)
    return Found(
        tenant, scope, horizon, tally, tuple(staff.values()), _balances(tx, tenant, scope, horizon, tally, staff)
    )


def _balances(
    tx: Tx, tenant: Tenant, scope: Scope, horizon: Horizon, tally: Tally, staff: Mapping[str, Resource]
) -> tuple[Balance, ...]:
    settings = tenant.settings
    holidays = frozenset[date]().union(*map(holidays_of, range(horizon.first.year, horizon.end.year + 1)))
    away = store.absences(tx, tenant.id, list(staff), horizon)
    return balances(
        horizon,
        capacity(staff.values(), away, horizon, settings["full_time_hours"], holidays),
        store.booked(tx, tenant.id, list(staff), horizon),
        tally,
        store.active_by_week(tx, tenant.id, scope, horizon),
        scope,
        minutes={MeetingKind(kind): minutes for kind, minutes in settings["meetings.minutes"].items()},
        contact_minutes=_contact_minutes(settings),
    )


def _contact_minutes(settings: RuleSettings) -> int:
    """Of the contacts of one assignment in a week (AMI-3-a); 0 as long as nobody has said how long one takes."""
    return int(settings["contact.min_per_week"] * (settings["workload.contact_minutes"] or 0))


# --- as data -------------------------------------------------------------------------------------------


@rule("NACKA-13", "LOKA-64")
def as_json(tx: Tx, found: Found, caller: Caller) -> dict[str, Any]:
    """The answer of `scheduling.workload`."""
    scope, day, name = found.scope, found.horizon.day, found.tenant.id
    added = workload(found.tally.counts, found.horizon)
    protected = shows_protected(scope, caller)
    first = store.without_follow_up(tx, name, scope, day, limit=FIRST, protected=protected)
    without = len(first)
    if without == FIRST:
        without = store.count_without_follow_up(tx, name, scope, day, protected=protected)
    fte = sum((one.fte for one in found.staff), Decimal(0))
    return {
        "as_of": day,
        "team": scope.team,
        "provider": scope.provider,
        "active": store.active_on(tx, name, scope, day),
        "total": asdict(added.total),
        "weeks": [{**_period(place), **asdict(sums)} for place, sums in added.periods],
        "kinds": [{"subject": what, "kind": kind, **asdict(sums)} for what, kind, sums in added.kinds],
        "teams": [{"team": team, **asdict(sums)} for team, sums in added.teams] if scope == Scope() else [],
        "staff": {
            "persons": len(found.staff),
            "full_time_equivalents": f"{fte:.3f}",
            "without_hours": sum(not one.hours for one in found.staff),
        },
        "capacity": [_balance(one) for one in found.balances],
        "contacts_counted": found.tenant.settings["workload.contact_minutes"] is not None,
        "without_follow_up": {
            "total": without,
            "assignments": [row["assignment"] for row in first],
        },
    }


def _period(place: Place) -> dict[str, Any]:
    if isinstance(place, WorkloadPeriod):
        return {"period": place, "week": None, "monday": None}
    return {"period": WorkloadPeriod.WEEK, "week": week_name(place), "monday": place}


def _balance(one: Balance) -> dict[str, Any]:
    return {
        "week": week_name(one.monday),
        **asdict(one),
        "demand": one.demand,
        "missing": one.missing,
        "short": one.missing > 0,
    }


# --- without follow-up ---------------------------------------------------------------------------------


def shows_protected(scope: Scope, caller: Caller) -> bool:
    """Whether a list may name protected persons: one of a provider's clients says of each where the person is, which
    only the provider and who pays it may know.
    """
    return scope.provider is None or caller.provider is not None or caller.role in MONEY


def without_follow_up(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `scheduling.without_follow_up`."""
    tenant, day = held.tenant_today(tx, request["tenant"])
    scope, limit = scope_of(request, caller), request["limit"]
    found = store.without_follow_up(
        tx,
        tenant.id,
        scope,
        day,
        assignment=request["assignment"],
        after=request["after"],
        limit=limit,
        protected=shows_protected(scope, caller),
    )
    shown = [{**row, "team": None} for row in found] if caller.provider is not None else found
    return {
        "assignments": veil(tx, tenant.id, shown, caller, filtered=scope.provider),
        "next": found[-1]["assignment"] if len(found) == limit else None,
    }


# --- as CSV --------------------------------------------------------------------------------------------


def csv(found: Found) -> str:
    """A line for each week, kind and state: obligations, then meetings; then minutes by week and what they are for."""
    return as_csv(COLUMNS, [*_counts(found), *_minutes(found)])


def _counts(found: Found) -> Iterator[tuple[Value, ...]]:
    for cell, number in rows(found.tally.counts, found.horizon):
        yield (*_period(cell.place).values(), cell.what, cell.kind, cell.state, cell.role, cell.team, number)


def _minutes(found: Found) -> Iterator[tuple[Value, ...]]:
    for one in found.balances:
        for what in WorkloadMinutes:
            number: int = getattr(one, what.value.lower())
            yield (*_period(one.monday).values(), WorkloadSubject.MINUTES, what, None, None, found.scope.team, number)
