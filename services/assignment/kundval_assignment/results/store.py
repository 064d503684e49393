"""SQL of outcomes, comparisons and figures. No rules here; sums are counted as `domain` says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts import codes
from kundval_contracts.codes import (
    ActivityCategory,
    ExitKind,
    ParticipationGround,
    Programme,
    ProgressKind,
    Shown,
    YearlyValue,
)

from ..domain.choice import Tally, Window
from ..domain.figures import UNKNOWN, Ended, Given, Minutes, Year
from ..domain.outcomes import Outcome
from ..store import paged

_OUTCOME = (
    "tenant", "assignment", "programme", "ground", "source", "source_year", "decided_on", "started_on", "ended_on",
    "until_day", "days", "exit_kind", "supported", "settles_on", "broken", "assisted", "self_support_loka",
    "bonus_eligible_ami", "supplementary_support", "awaiting_since", "contacts", "in_person", "digest",
)  # fmt: skip
_PROVIDER = (
    "tenant", "assignment", "provider", "programme", "ground", "start_day", "until_day", "days", "contacts",
    "in_person", "ended_on", "exit_kind", "settles_on", "self_supporting",
)  # fmt: skip
_WORK = ("tenant", "assignment", "kind", "year", "code", "category", "held", "minutes")
_LABOUR_MARKET = ParticipationGround.LABOUR_MARKET.value


# --- keeping -----------------------------------------------------------------------------------------------


def save(tx: Tx, tenant: str, outcomes: Sequence[Outcome]) -> int:
    """Store the outcomes that are new or differ from what is stored; how many these were."""
    rows: dict[str, tuple[Any, ...]] = {}
    parts: dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]] = {}
    for one in outcomes:
        head, providers, work = _outcome(tenant, one), _providers(tenant, one), _work(tenant, one)
        text = json.dumps([head, providers, work], default=str, separators=(",", ":"))
        rows[one.assignment] = (*head, hashlib.sha256(text.encode()).hexdigest())
        parts[one.assignment] = (providers, work)
    if not rows:
        return 0
    held = {
        row["assignment"]: row["digest"]
        for row in tx.query(
            "SELECT assignment, digest FROM outcome WHERE tenant = %s AND assignment = ANY(%s)", (tenant, list(rows))
        )
    }
    changed = [name for name, row in rows.items() if held.get(name) != row[-1]]
    if not changed:
        return 0
    known = [name for name in changed if name in held]
    if known:
        for table in ("outcome_provider", "outcome_work", "outcome"):
            tx.execute(f"DELETE FROM {table} WHERE tenant = %s AND assignment = ANY(%s)", (tenant, known))
    tx.insert_rows("outcome", _OUTCOME, [rows[name] for name in changed])
    tx.insert_rows("outcome_provider", _PROVIDER, [row for name in changed for row in parts[name][0]])
    tx.insert_rows("outcome_work", _WORK, [row for name in changed for row in parts[name][1]])
    return len(changed)


def _outcome(tenant: str, one: Outcome) -> tuple[Any, ...]:
    return (
        tenant,
        one.assignment,
        one.programme.value,
        one.ground.value,
        one.source.value if one.source else None,
        one.source_year,
        one.decided_on,
        one.started_on,
        one.ended_on,
        one.until,
        one.days,
        one.exit_kind.value if one.exit_kind else None,
        one.supported,
        one.settles_on,
        one.broken,
        one.assisted,
        one.self_support_loka,
        one.bonus_eligible_ami,
        one.supplementary_support,
        one.awaiting_since,
        one.contacts,
        one.in_person,
    )


def _providers(tenant: str, one: Outcome) -> list[tuple[Any, ...]]:
    rows = []
    for part in one.providers:
        ended = (one.ended_on, one.exit_kind.value if one.exit_kind else None, one.settles_on) if part.last else ()
        rows.append(
            (
                tenant,
                one.assignment,
                part.provider,
                one.programme.value,
                one.ground.value,
                part.start,
                part.until,
                part.days,
                part.contacts,
                part.in_person,
                *(ended or (None, None, None)),
                part.last and one.supported and not one.broken and not one.assisted,
            )
        )
    return rows


def _work(tenant: str, one: Outcome) -> list[tuple[Any, ...]]:
    times = [
        (tenant, one.assignment, "TIME", row.year, row.activity, row.category.value, row.held, row.minutes)
        for row in one.times
    ]
    steps = [(tenant, one.assignment, "STEPS", row.year, row.kind.value, "", row.steps, 0) for row in one.steps]
    return times + steps


# --- by provider -------------------------------------------------------------------------------------------


def tallies(tx: Tx, tenant: str, programme: Programme, span: Window) -> dict[str, Tally]:
    """What `domain.choice.tally` counts, from the index of one programme."""
    values = {"tenant": tenant, "programme": programme.value, "ground": _LABOUR_MARKET,
              "start": span.start, "day": span.day}  # fmt: skip
    # a row whose until_day is `start` had its last day before it; its six months may be over within the window
    rows = tx.query(
        "SELECT provider, exit_kind,"
        " count(*) FILTER (WHERE there) AS clients,"
        " count(*) FILTER (WHERE ended) AS ended,"
        " coalesce(sum(days) FILTER (WHERE ended), 0)::bigint AS days,"
        " coalesce(sum(days::bigint * days) FILTER (WHERE ended), 0)::bigint AS days_squared,"
        " count(*) FILTER (WHERE over) AS over,"
        " count(*) FILTER (WHERE over AND self_supporting) AS self_supporting,"
        " count(*) FILTER (WHERE there AND contacts > 0) AS contacted,"
        " coalesce(sum(contacts) FILTER (WHERE there), 0)::bigint AS contacts,"
        " coalesce(sum(in_person) FILTER (WHERE there), 0)::bigint AS in_person"
        " FROM (SELECT provider, CASE WHEN ended_on BETWEEN %(start)s AND %(day)s THEN exit_kind END AS exit_kind,"
        "   days, contacts, in_person, self_supporting,"
        "   start_day <= %(day)s AND (until_day IS NULL OR until_day > %(start)s) AS there,"
        "   ended_on IS NOT NULL AND ended_on BETWEEN %(start)s AND %(day)s AS ended,"
        "   settles_on IS NOT NULL AND settles_on BETWEEN %(start)s AND %(day)s AS over"
        "  FROM outcome_provider WHERE tenant = %(tenant)s AND programme = %(programme)s AND ground = %(ground)s"
        "   AND last_day >= %(start)s) AS part"
        " GROUP BY provider, exit_kind",
        values,
    )
    sums: dict[str, Tally] = {}
    for row in rows:
        provider, kind = row["provider"], row["exit_kind"]
        exits = {ExitKind(kind): row["ended"]} if kind is not None and row["ended"] else {}
        numbers = {name: row[name] for name in row if name not in ("provider", "exit_kind")}
        part = Tally(provider, exits=exits, **numbers)
        sums[provider] = sums[provider] + part if provider in sums else part
    return sums


# --- what was shown ----------------------------------------------------------------------------------------


def add_snapshot(
    tx: Tx, tenant: str, snapshot: str, assignment: str, made_for: Shown, day: date, content: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep what was shown; the row as `snapshot` answers it. The checksum is of the text as it is stored."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    checksum = hashlib.sha256(text.encode()).hexdigest()
    tx.execute(
        "INSERT INTO shown_results (tenant, snapshot, assignment, made_for, on_day, content, sha256)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (tenant, snapshot, assignment, made_for.value, day, text, checksum),
    )
    return {
        "snapshot": snapshot,
        "assignment": assignment,
        "made_for": made_for,
        "on": day,
        "content": dict(content),
        "sha256": checksum,
    }


def snapshot(tx: Tx, tenant: str, name: str) -> dict[str, Any] | None:
    row = tx.one(
        'SELECT snapshot, assignment, made_for, on_day AS "on", content, sha256 FROM shown_results'
        " WHERE tenant = %s AND snapshot = %s",
        (tenant, name),
    )
    if row is None:
        return None
    return {**row, "content": json.loads(row["content"])}


def programme_of(tx: Tx, tenant: str, assignment: str) -> Programme | None:
    value = tx.value("SELECT programme FROM assignment WHERE tenant = %s AND assignment = %s", (tenant, assignment))
    return None if value is None else Programme(value)


def awaiting_since(tx: Tx, tenant: str, assignment: str) -> date | None:
    """The day since when the choice of this assignment is awaited; None if it is not."""
    found: date | None = tx.value(
        "SELECT awaiting_since FROM outcome WHERE tenant = %s AND assignment = %s", (tenant, assignment)
    )
    return found


def awaiting(tx: Tx, tenant: str, assignment: str | None, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Assignments whose choice is awaited, by id, a page at a time."""
    return tx.query(
        "SELECT assignment, programme, awaiting_since AS since FROM outcome WHERE tenant = %(tenant)s"
        f" AND awaiting_since IS NOT NULL{paged(assignment, after)} ORDER BY assignment LIMIT %(limit)s",
        {"tenant": tenant, "one": assignment, "after": after, "limit": limit},
    )


# --- year by year ------------------------------------------------------------------------------------------


def year(tx: Tx, tenant: str, number: int, day: date) -> Year:
    """What `domain.figures.count` counts, by sums in the database."""
    if date(number, 1, 1) > day:
        return Year(number)
    values = {"tenant": tenant, "first": date(number, 1, 1), "last": min(date(number, 12, 31), day),
              "ground": _LABOUR_MARKET, "unknown": UNKNOWN, "year": number}  # fmt: skip
    # as the index says it
    until = "COALESCE(until_day, 'infinity'::date)"
    there = f"tenant = %(tenant)s AND started_on <= %(last)s AND {until} > %(first)s"
    sources = tx.query(
        "SELECT ground = %(ground)s AS counted, coalesce(source, %(unknown)s) AS source, count(*) AS n,"
        " count(*) FILTER (WHERE supplementary_support IS NOT NULL) AS newcomers,"
        " count(*) FILTER (WHERE supplementary_support) AS supplementary"
        f" FROM outcome WHERE {there} GROUP BY 1, 2 ORDER BY 2",
        values,
    )
    ended = tx.query(
        "SELECT programme, CASE WHEN ended THEN exit_kind END AS exit_kind, count(*) FILTER (WHERE ended) AS ended,"
        " coalesce(sum(days) FILTER (WHERE ended), 0)::bigint AS days,"
        " coalesce(sum(days::bigint * days) FILTER (WHERE ended), 0)::bigint AS days_squared,"
        " count(*) FILTER (WHERE over) AS over,"
        " count(*) FILTER (WHERE over AND supported AND NOT broken) AS held,"
        " count(*) FILTER (WHERE ended AND self_support_loka) AS loka,"
        " count(*) FILTER (WHERE ended AND bonus_eligible_ami) AS ami"
        " FROM (SELECT *, ended_on BETWEEN %(first)s AND %(last)s AS ended,"
        "   settles_on IS NOT NULL AND settles_on BETWEEN %(first)s AND %(last)s AS over"
        "  FROM outcome WHERE tenant = %(tenant)s AND started_on IS NOT NULL AND ground = %(ground)s"
        "   AND ended_on <= %(last)s AND settles_on >= %(first)s) AS part"
        " WHERE ended OR over GROUP BY 1, 2",
        values,
    )
    work = tx.query(
        "SELECT kind, code, category, count(*) AS persons, sum(w.held)::bigint AS held, sum(minutes)::bigint AS minutes"
        " FROM outcome_work AS w JOIN outcome AS o USING (tenant, assignment)"
        " WHERE tenant = %(tenant)s AND year = %(year)s AND ground = %(ground)s AND started_on IS NOT NULL"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        values,
    )
    counted = [row for row in sources if row["counted"]]
    programmes: dict[Programme, Ended] = {}
    exits: dict[ExitKind, int] = {}
    for row in ended:
        name = Programme(row["programme"])
        before = programmes.get(name, Ended())
        programmes[name] = Ended(*(getattr(before, key) + row[key] for key in Ended.__slots__))
        if row["exit_kind"] is not None:
            kind = ExitKind(row["exit_kind"])
            exits[kind] = exits.get(kind, 0) + row["ended"]
    return Year(
        number,
        {row["source"]: row["n"] for row in sorted(counted, key=lambda row: str(row["source"]))},
        sum(row["n"] for row in sources if not row["counted"]),
        {name: programmes[name] for name in codes.programmes() if name in programmes},
        {kind: exits[kind] for kind in ExitKind if kind in exits},
        sum(row["loka"] for row in ended),
        sum(row["ami"] for row in ended),
        sum(row["newcomers"] for row in counted),
        sum(row["supplementary"] for row in counted),
        tuple(
            Minutes(row["code"], ActivityCategory(row["category"]), row["persons"], row["held"], row["minutes"])
            for row in sorted(work, key=lambda row: (row["code"], row["category"]))
            if row["kind"] == "TIME"
        ),
        {
            kind: (row["persons"], row["held"])
            for kind in ProgressKind
            for row in work
            if row["kind"] == "STEPS" and row["code"] == kind.value
        },
    )


def add_yearly_value(tx: Tx, tenant: str, given: Given) -> None:
    tx.insert_rows(
        "yearly_value",
        ("tenant", "what", "year", "value", "origin", "taken_on"),
        [(tenant, given.what.value, given.year, given.value, given.origin, given.taken_on)],
    )


def yearly_values(tx: Tx, tenant: str, first: int, last: int) -> list[Given]:
    """Of each kind and year the value that was taken last."""
    rows = tx.query(
        "SELECT DISTINCT ON (what, year) what, year, value, origin, taken_on FROM yearly_value"
        " WHERE tenant = %s AND year BETWEEN %s AND %s ORDER BY what, year, taken_on DESC, place DESC",
        (tenant, first, last),
    )
    return [
        Given(YearlyValue(row["what"]), row["year"], Decimal(row["value"]), row["origin"], row["taken_on"])
        for row in rows
    ]
