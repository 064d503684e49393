"""Events that a partner could not be told and that were passed over; some it is to be told after all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ..db import Row
from ..relay import COLUMNS
from .registry import Way

# the position moves on and the event is parked, or, if somebody has set the position meanwhile, neither
_PARK = """
WITH passed AS (
    UPDATE partner_way SET position = %(position)s, attempts = 0, next_at = NULL, trouble = NULL
    WHERE partner = %(partner)s AND way = %(way)s AND position = %(before)s
    RETURNING 1
)
INSERT INTO partner_parked (partner, way, position, code, attempts)
SELECT %(partner)s, %(way)s, %(position)s, %(code)s, %(attempts)s FROM passed
ON CONFLICT (partner, way, position) DO UPDATE SET
    code = excluded.code, attempts = partner_parked.attempts + excluded.attempts, again = false
"""
_WANTED = f"""
SELECT position, {COLUMNS}
FROM partner_parked AS parked JOIN told_event USING (position) JOIN event USING (sequence)
WHERE parked.partner = %s AND parked.way = %s AND parked.again
ORDER BY position LIMIT %s
"""
_LIST = """
SELECT way, position, code, attempts, since, again, event.id::text AS id, name, tenant
FROM partner_parked JOIN told_event USING (position) JOIN event USING (sequence)
WHERE partner = %s
ORDER BY way, position
"""


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that is parked for a partner. again: it will be tried once more."""

    way: Way
    position: int
    id: str
    name: str
    tenant: str
    code: str
    attempts: int
    since: datetime
    again: bool


def park(
    conn: psycopg.Connection[Row], partner: str, way: Way, *, before: int, position: int, code: str, attempts: int
) -> bool:
    """Pass over the event at a position, for who had been told all up to `before`. False as `ways.advance`."""
    values: dict[str, Any] = {
        "partner": partner,
        "way": way.value,
        "before": before,
        "position": position,
        "code": code,
        "attempts": attempts,
    }
    return conn.execute(_PARK, values).rowcount == 1


def read(conn: psycopg.Connection[Row], partner: str) -> list[Parked]:
    """What is parked for a partner, by way and position."""
    return [Parked(**{**row, "way": Way(row["way"])}) for row in conn.execute(_LIST, (partner,))]


def ask_again(conn: psycopg.Connection[Row], partner: str, positions: Collection[int] | None = None) -> int:
    """Have what is parked tried once more: all of it, or what is at these positions; how many."""
    return conn.execute(
        "UPDATE partner_parked SET again = true WHERE partner = %s AND (%s::bigint[] IS NULL OR position = ANY(%s))",
        (partner, positions and list(positions), positions and list(positions)),
    ).rowcount


def wanted(conn: psycopg.Connection[Row], partner: str, way: Way, limit: int) -> list[Row]:
    """What is to be tried once more, as `log.read` gives its rows."""
    return conn.execute(_WANTED, (partner, way.value, limit)).fetchall()


def taken(conn: psycopg.Connection[Row], partner: str, way: Way, position: int) -> None:
    """It was told after all."""
    conn.execute(
        "DELETE FROM partner_parked WHERE partner = %s AND way = %s AND position = %s", (partner, way.value, position)
    )


def stays(conn: psycopg.Connection[Row], partner: str, way: Way, position: int, code: str) -> None:
    """It was not taken this time either."""
    conn.execute(
        "UPDATE partner_parked SET again = false, code = %s, attempts = attempts + 1"
        " WHERE partner = %s AND way = %s AND position = %s",
        (code, partner, way.value, position),
    )
