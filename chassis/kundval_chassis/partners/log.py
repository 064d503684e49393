"""What a service has told, in the order of positions. A position once passed stays as it was."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg

from ..clock import SWEDEN
from ..db import Row
from ..relay import COLUMNS
from . import names as patterns
from .registry import Partner

#: positions that are looked through for one answer, however few of them are for the partner
SCAN = 20_000
#: by how much the clocks of service and database may differ
_SLACK = timedelta(minutes=5)

_READ = f"""
WITH scanned AS MATERIALIZED (
    SELECT position, sequence FROM told_event WHERE position > %(after)s ORDER BY position LIMIT %(scan)s
), matching AS (
    SELECT position, {COLUMNS}
    FROM scanned JOIN event USING (sequence)
    WHERE name = ANY(%(names)s) AND (%(tenants)s::text[] IS NULL OR tenant = ANY(%(tenants)s))
      AND (%(subject)s::text IS NULL OR subject = %(subject)s)
    ORDER BY position LIMIT %(limit)s
)
SELECT edge.edge, edge.seen, matching.*
FROM (SELECT max(position) AS edge, count(*) AS seen FROM scanned) AS edge LEFT JOIN matching ON true
ORDER BY position
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of the log for one partner. next: the position up to which all has been read; more: whether there may be
    something after it. Each row has what `copies.copy_of` takes.
    """

    rows: list[Row]
    next: int
    more: bool


def read(
    conn: psycopg.Connection[Row],
    partner: Partner,
    after: int,
    limit: int,
    *,
    names: Collection[str] | None = None,
    tenants: Collection[str] | None = None,
    subject: str | None = None,
    scan: int = SCAN,
) -> Stretch:
    """What comes after a position, at most `limit` rows of at most `scan` positions. names, tenants: of what the
    partner may read only these (names of events, not patterns); subject: an id as the service has it.
    """
    wanted = patterns.known(partner.names) if names is None else patterns.known(partner.names) & set(names)
    if tenants is None:
        where: list[str] | None = sorted(partner.tenants) if partner.tenants else None
    else:
        where = sorted(one for one in tenants if partner.may_read(one))
    values: dict[str, Any] = {
        "after": after,
        "scan": scan,
        "limit": limit,
        "names": sorted(wanted),
        "tenants": where,
        "subject": subject,
    }
    # most partners get most of what there is, and are done with the first positions
    first = _stretch(conn, {**values, "scan": min(limit, scan)})
    if len(first.rows) == limit or not first.more:
        return first
    then = _stretch(conn, {**values, "after": first.next, "limit": limit - len(first.rows)})
    return Stretch(first.rows + then.rows, then.next, then.more)


def _stretch(conn: psycopg.Connection[Row], values: dict[str, Any]) -> Stretch:
    # one statement, so that what it has looked through and what it has found are of the same moment
    found = conn.execute(_READ, values).fetchall()
    rows = [row for row in found if row["position"] is not None]
    if len(rows) == values["limit"]:
        return Stretch(rows, rows[-1]["position"], True)
    edge, seen = found[0]["edge"], found[0]["seen"]
    return Stretch(rows, values["after"] if edge is None else edge, seen == values["scan"])


def one(conn: psycopg.Connection[Row], position: int) -> Row | None:
    """The row at a position, as `read` gives it; None if there is none."""
    return conn.execute(
        f"SELECT position, {COLUMNS} FROM told_event JOIN event USING (sequence) WHERE position = %s", (position,)
    ).fetchone()


def last_position(conn: psycopg.Connection[Row]) -> int:
    """The highest position there is; 0 if nothing was told yet."""
    row = conn.execute("SELECT coalesce(max(position), 0) AS position FROM told_event").fetchone()
    return int(row["position"]) if row else 0


def position_of(conn: psycopg.Connection[Row], since: date) -> int:
    """The position after which to read to get everything that has happened since that day began in Sweden. What was
    told in the minutes before comes with it.
    """
    try:
        instant = datetime.combine(since, time(), SWEDEN) - _SLACK
    except OverflowError:
        return 0
    # instants do not fall as positions rise, so the first that is not before it is found by halves
    low, high = 0, last_position(conn)
    while low < high:
        middle = (low + high) // 2
        row = conn.execute(
            "SELECT position, told_at FROM told_event WHERE position > %s ORDER BY position LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row["told_at"] >= instant:
            high = middle
        else:
            low = int(row["position"])
    return low
