"""SQL of the workload: everything is counted in the database, as `domain.workload` counts. No rules here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import MeetingState, ObligationState, Role, WorkloadPeriod, WorkloadSubject

from ..domain.active import Active
from ..domain.instants import LOCAL, Span, day_span
from ..domain.workload import (
    FOLLOW_UP_MEETINGS,
    FOLLOW_UPS,
    MEETINGS_OF,
    STANDING,
    UNBOOKED,
    Cell,
    Horizon,
    Place,
    Scope,
    Tally,
)

# --- when assignments run ------------------------------------------------------------------------------


def active(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, tuple[Active, ...]]:
    """The stretches that are stored of these assignments, in order; one without any is no key."""
    found: dict[str, tuple[Active, ...]] = {}
    for row in tx.query(
        "SELECT assignment, first_day, until_day, provider FROM active WHERE tenant = %s AND assignment = ANY(%s)"
        " ORDER BY assignment, first_day",
        (tenant, list(assignments)),
    ):
        one = Active(row["assignment"], row["first_day"], row["until_day"], row["provider"])
        found[one.assignment] = (*found.get(one.assignment, ()), one)
    return found


def save_active(tx: Tx, tenant: str, stretches: Mapping[str, Sequence[Active]]) -> None:
    """Put these in the place of all that is stored of the assignments named."""
    if not stretches:
        return
    tx.execute("DELETE FROM active WHERE tenant = %s AND assignment = ANY(%s)", (tenant, list(stretches)))
    tx.insert_rows(
        "active",
        ("tenant", "assignment", "first_day", "until_day", "provider"),
        [(tenant, one.assignment, one.first, one.until, one.provider) for rows in stretches.values() for one in rows],
    )


def active_by_week(tx: Tx, tenant: str, scope: Scope, horizon: Horizon) -> dict[date, int]:
    """How many assignments run in the whole of each week."""
    rows = tx.query(
        # from the first Monday on which it runs up to the Monday of the week in which it ends
        "SELECT greatest(date_trunc('week', (a.first_day + 6)::timestamp)::date, %(first)s) AS since,"
        " least(date_trunc('week', a.until_day::timestamp)::date, %(end)s) AS till, count(*) AS n"
        f" FROM active AS a {_join(scope, 'a') if scope.team else ''}"
        f" WHERE a.tenant = %(tenant)s AND a.first_day < %(end)s{_within(scope, 'a')} GROUP BY 1, 2",
        {**_values(tenant, scope), "first": horizon.first, "end": horizon.end},
    )
    return {monday: sum(row["n"] for row in rows if row["since"] <= monday < row["till"]) for monday in horizon.mondays}


def active_on(tx: Tx, tenant: str, scope: Scope, day: date) -> int:
    """How many assignments are active on a day."""
    return int(
        tx.value(
            f"SELECT count(*) FROM active AS a {_join(scope, 'a') if scope.team else ''}"
            f" WHERE a.tenant = %(tenant)s AND {_RUNS}{_within(scope, 'a')}",
            {**_values(tenant, scope), "day": day},
        )
    )


# --- obligations and meetings --------------------------------------------------------------------------


def tally(tx: Tx, tenant: str, scope: Scope, horizon: Horizon) -> Tally:
    """What `domain.workload.tally` counts."""
    values = {**_values(tenant, scope), "first": horizon.first, "end": horizon.end, **_STATES}
    # the planner takes the groups for many more than they are and would sort a million rows on disk
    tx.execute("SELECT set_config('work_mem', '32MB', true)")
    obligations = tx.query(
        f"SELECT {_PLACE.format('o.due')} AS place, o.kind, o.state, o.responsible AS role,"
        f" {_team(scope)} AS team, count(*) AS n"
        f" FROM obligation AS o {_join(scope, 'o')} WHERE o.tenant = %(tenant)s"
        f" AND (o.state = ANY(%(open)s) OR o.state = %(met)s AND o.due >= %(first)s AND o.due < %(end)s)"
        f"{_within(scope, 'o')} GROUP BY 1, 2, 3, 4, 5",
        values,
    )
    meetings = tx.query(
        f"SELECT {_PLACE.format('coalesce(m.target, m.book_by)')} AS place, m.kind, m.state, m.booker AS role,"
        f" {_team(scope, 'coalesce(p.team, m.team)')} AS team, count(*) AS n FROM meeting AS m {_join(scope, 'm')}"
        f" WHERE m.tenant = %(tenant)s AND m.state IN ({_UNBOOKED}) AND m.starts_at IS NULL"
        f"{_within(scope, 'm', team='coalesce(p.team, m.team)')} GROUP BY 1, 2, 3, 4, 5",
        values,
    )
    return Tally(
        _counted(WorkloadSubject.OBLIGATION, obligations, horizon)
        + _counted(WorkloadSubject.MEETING, meetings, horizon),
        _expected(tx, scope, horizon, values),
    )


def _expected(tx: Tx, scope: Scope, horizon: Horizon, values: Mapping[str, Any]) -> Counter[Cell]:
    pairs = [(kind.value, meeting.value) for kind, meetings in MEETINGS_OF.items() for meeting in meetings]
    rows = tx.query(
        f"SELECT {_PLACE.format('o.due')} AS place, o.kind, o.state, o.responsible AS role,"
        f" {_team(scope)} AS team, count(*) AS n"
        f" FROM obligation AS o {_join(scope, 'o')} WHERE o.tenant = %(tenant)s AND o.state = ANY(%(open)s)"
        f" AND (o.due < %(end)s OR o.due IS NULL) AND o.kind = ANY(%(kinds)s){_within(scope, 'o')}"
        " AND NOT EXISTS (SELECT FROM meeting AS m"
        "  JOIN unnest(%(asks)s::text[], %(meetings)s::text[]) AS pair (kind, meeting) ON m.kind = pair.meeting"
        "  WHERE m.tenant = o.tenant AND m.assignment = o.assignment AND m.sequence = o.sequence"
        "  AND pair.kind = o.kind AND m.state = ANY(%(there)s))"
        " GROUP BY 1, 2, 3, 4, 5",
        {
            **values,
            "kinds": [kind.value for kind in MEETINGS_OF],
            "asks": [kind for kind, _ in pairs],
            "meetings": [meeting for _, meeting in pairs],
        },
    )
    return _counted(WorkloadSubject.OBLIGATION, rows, horizon)


def _counted(what: WorkloadSubject, rows: Sequence[Mapping[str, Any]], horizon: Horizon) -> Counter[Cell]:
    return Counter(
        {
            Cell(
                what,
                _place(row["place"], horizon),
                row["kind"],
                row["state"],
                Role(row["role"]) if row["role"] else None,
                row["team"],
            ): row["n"]
            for row in rows
        }
    )


# --- follow-ups ----------------------------------------------------------------------------------------


def without_follow_up(
    tx: Tx,
    tenant: str,
    scope: Scope,
    day: date,
    *,
    assignment: str | None = None,
    after: str | None = None,
    limit: int,
    protected: bool,
) -> list[dict[str, Any]]:
    """`{assignment, since, provider, team}` of what `domain.workload.without_follow_up` finds, a page by id.

    protected: also of persons whose whereabouts are restricted.
    """
    return tx.query(
        f"SELECT a.assignment, a.first_day AS since, a.provider, p.team {_without(scope, protected)}"
        f"{' AND a.assignment = %(one)s' if assignment is not None else ''}"
        f"{' AND a.assignment > %(after)s' if after is not None else ''} ORDER BY a.assignment LIMIT %(limit)s",
        {**_values(tenant, scope), **_PLANNED, "day": day, "one": assignment, "after": after, "limit": limit},
    )


def count_without_follow_up(tx: Tx, tenant: str, scope: Scope, day: date, *, protected: bool) -> int:
    return int(
        tx.value(f"SELECT count(*) {_without(scope, protected)}", {**_values(tenant, scope), **_PLANNED, "day": day})
    )


def _without(scope: Scope, protected: bool) -> str:
    return (
        f"FROM active AS a {_JOIN.format('a')} WHERE a.tenant = %(tenant)s AND {_RUNS}{_within(scope, 'a')}"
        " AND NOT EXISTS (SELECT FROM obligation AS o WHERE o.tenant = a.tenant AND o.assignment = a.assignment"
        "  AND o.state = %(planned)s AND o.kind = ANY(%(follow_ups)s) AND o.due IS NOT NULL"
        "  AND (o.overdue_after IS NULL OR o.overdue_after >= %(day)s))"
        " AND NOT EXISTS (SELECT FROM meeting AS m WHERE m.tenant = a.tenant AND m.assignment = a.assignment"
        "  AND m.state = %(booked)s AND m.kind = ANY(%(meetings)s))"
        + (
            ""
            if protected
            else " AND NOT EXISTS (SELECT FROM restricted_subject AS r WHERE r.tenant = a.tenant"
            " AND r.subject = a.assignment AND r.restricted)"
        )
    )


# --- staff ---------------------------------------------------------------------------------------------


def booked(tx: Tx, tenant: str, staff: Sequence[str], horizon: Horizon) -> dict[date, int]:
    """Minutes of meetings that claim these persons, by the week in which they begin (`domain.staffing.booked`)."""
    rows = tx.query(
        "SELECT date_trunc('week', lower(c.during) AT TIME ZONE %(zone)s)::date AS monday,"
        " sum(floor(extract(epoch FROM upper(c.during) - lower(c.during)) / 60))::bigint AS minutes"
        # from the list of persons to each one's claims, by the index that keeps them apart
        " FROM unnest(%(staff)s::text[]) AS s (resource) JOIN claim AS c ON c.tenant = %(tenant)s"
        "  AND c.resource = s.resource AND c.during && tstzrange(%(from)s, %(to)s)"
        " WHERE c.meeting IS NOT NULL AND lower(c.during) >= %(from)s GROUP BY 1",
        {**_window(horizon), "tenant": tenant, "staff": list(staff), "zone": LOCAL},
    )
    return {row["monday"]: row["minutes"] for row in rows}


def absences(tx: Tx, tenant: str, staff: Sequence[str], horizon: Horizon) -> dict[str, list[Span]]:
    """When these persons are away within the weeks; who is not is no key."""
    found: dict[str, list[Span]] = {}
    for row in tx.query(
        "SELECT c.resource, lower(c.during) AS starts_at, upper(c.during) AS ends_at"
        " FROM unnest(%(staff)s::text[]) AS s (resource) JOIN claim AS c ON c.tenant = %(tenant)s"
        "  AND c.resource = s.resource AND c.during && tstzrange(%(from)s, %(to)s)"
        " WHERE c.absence IS NOT NULL ORDER BY 1, 2",
        {**_window(horizon), "tenant": tenant, "staff": list(staff)},
    ):
        found.setdefault(row["resource"], []).append(Span(row["starts_at"], row["ends_at"]))
    return found


def _window(horizon: Horizon) -> dict[str, Any]:
    return {"from": day_span(horizon.day).start, "to": day_span(add_days(horizon.end, -1)).end}


# --- parts of statements -------------------------------------------------------------------------------

_JOIN = "LEFT JOIN participant AS p ON p.tenant = %(tenant)s AND p.assignment = {0}.assignment"
_RUNS = "a.first_day <= %(day)s AND (a.until_day IS NULL OR a.until_day > %(day)s)"
#: the number of the week, or what `_place` makes of it
_PLACE = (
    "CASE WHEN {0} IS NULL THEN -3 WHEN {0} < %(first)s THEN -2 WHEN {0} >= %(end)s THEN -1"
    " ELSE ({0} - %(first)s) / 7 END"
)
_OUTSIDE = {-3: WorkloadPeriod.UNDATED, -2: WorkloadPeriod.EARLIER, -1: WorkloadPeriod.LATER}
#: literally, as the index has them
_UNBOOKED = ", ".join(f"'{one.value}'" for one in UNBOOKED)
_STATES = {
    "open": [ObligationState.OPEN.value, ObligationState.OVERDUE.value],
    "met": ObligationState.MET.value,
    "there": [one.value for one in (*STANDING, MeetingState.HELD)],
}
_PLANNED = {
    "planned": ObligationState.OPEN.value,
    "booked": MeetingState.BOOKED.value,
    "follow_ups": [one.value for one in FOLLOW_UPS],
    "meetings": [one.value for one in FOLLOW_UP_MEETINGS],
}


def _place(number: int, horizon: Horizon) -> Place:
    return horizon.mondays[number] if number >= 0 else _OUTSIDE[number]


def _values(tenant: str, scope: Scope) -> dict[str, Any]:
    return {"tenant": tenant, "team": scope.team, "provider": scope.provider}


def _join(scope: Scope, of: str) -> str:
    """Of a provider's work the teams are not told apart."""
    return "" if scope.provider is not None else _JOIN.format(of)


def _team(scope: Scope, team: str = "p.team") -> str:
    return "NULL" if scope.provider is not None else team


def _within(scope: Scope, of: str, team: str = "p.team") -> str:
    """Only what is in the scope; where there is none, no condition, so that no plan has to be good for both."""
    conditions = []
    if scope.team is not None:
        conditions.append(f" AND {team} = %(team)s")
    if scope.provider is not None:
        conditions.append(f" AND {of}.provider = %(provider)s")
    return "".join(conditions)
