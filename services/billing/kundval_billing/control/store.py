"""SQL of control: money is added up in the database, as are the groups that need no rule. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_contracts.case import Case
from kundval_contracts.codes import Direction, FactKind, FiguresBy, LineKind

from ..domain.anomalies import Group, Groups
from ..domain.control import ALL, BASE_KINDS, Money, Spent

#: how many cases are loaded at a time
CHUNK = 1000

#: the expression by which the ledger is split
_PART = {
    FiguresBy.PROVIDER: "e.provider",
    FiguresBy.PROGRAMME: "coalesce(e.programme, c.programme, 'UNKNOWN')",
    FiguresBy.KIND: "e.kind",
    FiguresBy.MONTH: "to_char(e.run, 'YYYY-MM')",
    None: "NULL::text",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A tenant's half-open period."""

    tenant: str
    start: date
    end: date

    @property
    def values(self) -> dict[str, Any]:
        return {"tenant": self.tenant, "start": self.start, "end": self.end}


# --- the ledger ----------------------------------------------------------------------------------------


def spent(tx: Tx, span: Span, by: FiguresBy | None) -> dict[str, Spent]:
    """What was posted by runs of the period, by part, the whole as `ALL`."""
    # entries from before 0002 do not say their programme
    case = "LEFT JOIN held_case c USING (tenant, assignment)" if by is FiguresBy.PROGRAMME else ""
    rows = tx.query(
        f"WITH found AS (SELECT {_PART[by]} AS part, e.direction, e.kind, e.amount, e.assignment FROM entry e {case}"
        " WHERE e.tenant = %(tenant)s AND e.run >= %(start)s AND e.run < %(end)s)"
        " SELECT part, direction, grouping(part) = 1 AS whole, grouping(direction) = 1 AS both,"
        " coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS posted,"
        " coalesce(sum(amount) FILTER (WHERE amount < 0), 0) AS corrected,"
        " coalesce(sum(amount) FILTER (WHERE kind = ANY(%(base)s)), 0) AS base,"
        " count(*) FILTER (WHERE amount > 0) AS postings, count(*) FILTER (WHERE amount < 0) AS corrections,"
        " count(DISTINCT assignment) AS clients"
        " FROM found GROUP BY GROUPING SETS ((part, direction), (part), (direction), ())",
        {**span.values, "base": sorted(kind.value for kind in BASE_KINDS)},
    )
    money: dict[str, dict[str, Money]] = {}
    clients: dict[str, int] = {}
    for row in rows:
        part = ALL if row["whole"] else row["part"]
        if part is None:
            continue
        if row["both"]:
            clients[part] = row["clients"]
        else:
            names = ("posted", "corrected", "base", "postings", "corrections", "clients")
            money.setdefault(part, {})[row["direction"]] = Money(*(row[name] for name in names))
    bonuses = _bonus_days(tx, span, by)
    return {
        part: Spent(
            sums.get(Direction.PAYABLE, Money()),
            sums.get(Direction.RECEIVABLE, Money()),
            clients.get(part, 0),
            *bonuses.get(part, (0, 0)),
        )
        for part, sums in money.items()
    }


def _bonus_days(tx: Tx, span: Span, by: FiguresBy | None) -> dict[str, tuple[int, int]]:
    """Of bonuses posted for the first time: how many, and the days from the exit to the run."""
    case = "LEFT JOIN held_case c USING (tenant, assignment)" if by is FiguresBy.PROGRAMME else ""
    rows = tx.query(
        f"WITH found AS (SELECT {_PART[by]} AS part, e.run - x.on_day AS days FROM entry e {case}"
        " JOIN LATERAL (SELECT max(f.on_day) AS on_day FROM held_fact f WHERE f.tenant = e.tenant"
        " AND f.assignment = e.assignment AND f.kind = %(exited)s AND e.facts ? f.fact_id) x ON x.on_day IS NOT NULL"
        " WHERE e.tenant = %(tenant)s AND e.run >= %(start)s AND e.run < %(end)s AND e.kind = %(bonus)s"
        " AND e.revision = 1)"
        " SELECT part, grouping(part) = 1 AS whole, count(*) AS bonuses, coalesce(sum(days), 0) AS days"
        " FROM found GROUP BY GROUPING SETS ((part), ())",
        {**span.values, "exited": FactKind.EXITED.value, "bonus": LineKind.RESULT_BONUS.value},
    )
    return {
        ALL if row["whole"] else row["part"]: (row["bonuses"], int(row["days"]))
        for row in rows
        if row["whole"] or row["part"] is not None
    }


def corrections(tx: Tx, span: Span) -> Groups:
    """By provider: postings of the period, and those that were taken back since."""
    return _groups(
        tx.query(
            "WITH found AS (SELECT e.provider, e.assignment, b.run FROM entry e LEFT JOIN entry b"
            " ON b.tenant = e.tenant AND b.assignment = e.assignment AND b.provider = e.provider AND b.kind = e.kind"
            " AND b.sequence = e.sequence AND b.revision = e.revision + 1 AND b.reverses IS NOT NULL"
            " WHERE e.tenant = %(tenant)s AND e.run >= %(start)s AND e.run < %(end)s AND e.reverses IS NULL)"
            " SELECT provider, count(*) AS n, count(run) AS count, min(run) AS since,"
            " array_agg(DISTINCT assignment) FILTER (WHERE run IS NOT NULL) AS assignments"
            " FROM found GROUP BY provider ORDER BY provider",
            span.values,
        )
    )


def premiums(tx: Tx, span: Span, day: date) -> Groups:
    """By provider: months of premium that were paid in the period and still stand, and those without a follow-up."""
    return _groups(
        tx.query(
            "WITH paid AS (SELECT assignment, provider, sequence, max(run) AS run FROM entry WHERE tenant = %(tenant)s"
            " AND kind = %(premium)s AND run < %(end)s GROUP BY 1, 2, 3"
            " HAVING sum(amount) > 0 AND max(run) >= %(start)s),"
            " found AS (SELECT p.provider, p.assignment, p.run, NOT EXISTS (SELECT FROM held_fact f"
            " WHERE f.tenant = %(tenant)s AND f.assignment = p.assignment AND f.kind = %(follow_up)s AND f.in_effect"
            " AND f.known_on <= %(day)s AND (f.data->>'month')::int = p.sequence) AS hit FROM paid p)"
            " SELECT provider, count(*) AS n, count(*) FILTER (WHERE hit) AS count,"
            " min(run) FILTER (WHERE hit) AS since, array_agg(DISTINCT assignment) FILTER (WHERE hit) AS assignments"
            " FROM found GROUP BY provider ORDER BY provider",
            {
                **span.values,
                "day": day,
                "premium": LineKind.SPEED_PREMIUM.value,
                "follow_up": FactKind.PREMIUM_FOLLOW_UP.value,
            },
        )
    )


def _groups(rows: Iterable[Mapping[str, Any]]) -> Groups:
    return {
        row["provider"]: Group(
            row["n"], row["count"], row["since"] or date.max, frozenset(row["assignments"] or ())
        )
        for row in rows
    }  # fmt: skip


def bonuses(tx: Tx, span: Span) -> dict[tuple[str, str], date]:
    """(assignment, provider) of the bonuses that were paid in the period and still stand -> the latest run."""
    return {
        (row["assignment"], row["provider"]): row["run"]
        for row in tx.query(
            "SELECT assignment, provider, max(run) AS run FROM entry WHERE tenant = %(tenant)s AND kind = %(bonus)s"
            " AND run < %(end)s GROUP BY 1, 2 HAVING sum(amount) > 0 AND max(run) >= %(start)s",
            {**span.values, "bonus": LineKind.RESULT_BONUS.value},
        )
    }


# --- the facts -----------------------------------------------------------------------------------------


def with_facts(tx: Tx, span: Span, kinds: Collection[FactKind]) -> set[str]:
    """Assignments that have a fact of these kinds in the period."""
    rows = tx.query(
        "SELECT DISTINCT assignment FROM held_fact WHERE tenant = %(tenant)s AND in_effect AND kind = ANY(%(kinds)s)"
        " AND kind IN ('exited', 'reassessed', 'broke_off', 'premium_follow_up')"
        " AND on_day >= %(start)s AND on_day < %(end)s",
        {**span.values, "kinds": sorted(kind.value for kind in kinds)},
    )
    return {row["assignment"] for row in rows}


def with_exits(tx: Tx, span: Span, since: date) -> set[str]:
    """Assignments with an exit before the end of the period whose exit or first day of work is not before `since`."""
    rows = tx.query(
        "SELECT DISTINCT assignment FROM held_fact WHERE tenant = %(tenant)s AND in_effect"
        " AND kind IN ('exited', 'reassessed') AND on_day < %(end)s"
        " AND greatest(on_day, (data->>'first_day')::date) >= %(since)s",
        {**span.values, "since": since},
    )
    return {row["assignment"] for row in rows}


def cases(tx: Tx, tenant: str, assignments: Collection[str], kinds: Collection[FactKind]) -> Iterator[Case]:
    """These cases with facts of these kinds, a chunk of them at a time."""
    names = sorted(assignments)
    for place in range(0, len(names), CHUNK):
        yield from held.load_facts_of(tx, tenant, names[place : place + CHUNK], kinds)


# --- what assignments have in common ------------------------------------------------------------------


def reuses(tx: Tx, tenant: str) -> list[tuple[str, str, date | None]]:
    """(assignment, other, since) of every pair that has the same file, both ways round."""
    rows = tx.query(
        "SELECT assignment, other, on_day FROM evidence_reuse WHERE tenant = %s ORDER BY assignment, other", (tenant,)
    )
    return [(row["assignment"], row["other"], row["on_day"]) for row in rows]


def overlaps(tx: Tx, tenant: str) -> list[tuple[str, str, date | None]]:
    """(assignment, other, since) of claims that may be about the same thing, both ways round if both were told."""
    rows = tx.query(
        "SELECT assignment, other, since FROM claims_overlap, unnest(others) AS other WHERE tenant = %s"
        " ORDER BY assignment, other",
        (tenant,),
    )
    return [(row["assignment"], row["other"], row["since"]) for row in rows]


def add_reuses(tx: Tx, rows: Iterable[tuple[str, str, str, str | None]]) -> None:
    """(tenant, assignment, other, day) of pairs; one that is known already is no news."""
    unique = {row[:3]: row for row in rows}
    tx.insert_rows(
        "evidence_reuse",
        ("tenant", "assignment", "other", "on_day"),
        [unique[key] for key in sorted(unique)],
        "ON CONFLICT DO NOTHING",
    )


# --- set aside -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetAside:
    """By whom, when and why an anomaly was set aside, and which assignments were in it."""

    reason: str
    author: str
    on: date
    assignments: tuple[str, ...]


def set_aside(tx: Tx, tenant: str) -> dict[str, SetAside]:
    """What was set aside, the latest of each anomaly."""
    return {
        row["anomaly"]: SetAside(row["reason"], row["author"], row["on_day"], tuple(row["assignments"]))
        for row in tx.query(
            "SELECT DISTINCT ON (anomaly) anomaly, reason, author, on_day, assignments FROM anomaly_set_aside"
            " WHERE tenant = %s ORDER BY anomaly, number DESC",
            (tenant,),
        )
    }


def add_set_aside(tx: Tx, tenant: str, anomaly: str, one: SetAside) -> None:
    tx.execute(
        "INSERT INTO anomaly_set_aside (tenant, anomaly, reason, author, on_day, assignments)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (tenant, anomaly, one.reason, one.author, one.on, list(one.assignments)),
    )
