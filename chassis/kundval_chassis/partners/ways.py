"""How far each partner has been told by the ways in which the service comes to it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from ..db import Row
from .registry import Way


@dataclass(frozen=True, slots=True)
class State:
    """Of one way of one partner. attempts: at the next event, that failed. wait: seconds until another is due."""

    position: int
    attempts: int
    wait: float
    trouble: str | None


def state(conn: psycopg.Connection[Row], partner: str, way: Way) -> State | None:
    """None if the partner has no such way."""
    row = conn.execute(
        "SELECT position, attempts, trouble,"
        " greatest(0, extract(epoch FROM coalesce(next_at - clock_timestamp(), '0')))::float8 AS wait"
        " FROM partner_way WHERE partner = %s AND way = %s",
        (partner, way.value),
    ).fetchone()
    return None if row is None else State(row["position"], row["attempts"], row["wait"], row["trouble"])


def fail(conn: psycopg.Connection[Row], partner: str, way: Way, *, at: int, code: str, wait: float) -> None:
    """Remember that what comes after position `at` was not taken; nothing, if the position has been set meanwhile."""
    conn.execute(
        "UPDATE partner_way SET attempts = attempts + 1, trouble = %s,"
        " next_at = clock_timestamp() + make_interval(secs => %s)"
        " WHERE partner = %s AND way = %s AND position = %s",
        (code, wait, partner, way.value, at),
    )


def position(conn: psycopg.Connection[Row], partner: str, way: Way) -> int | None:
    """All up to it has been told; None if the partner has no such way."""
    row = conn.execute(
        "SELECT position FROM partner_way WHERE partner = %s AND way = %s", (partner, way.value)
    ).fetchone()
    return None if row is None else int(row["position"])


def advance(conn: psycopg.Connection[Row], partner: str, way: Way, *, before: int, after: int) -> bool:
    """Remember that all up to `after` was told to who had been told up to `before`. False if somebody has set the
    position meanwhile (`move`): that counts.
    """
    cursor = conn.execute(
        "UPDATE partner_way SET position = %s, attempts = 0, next_at = NULL, trouble = NULL"
        " WHERE partner = %s AND way = %s AND position = %s",
        (after, partner, way.value, before),
    )
    return cursor.rowcount == 1


def move(conn: psycopg.Connection[Row], partner: str, way: Way, to: int) -> bool:
    """Tell all after `to` again, or leave out what is before it. What is parked stays so. False: no such way."""
    cursor = conn.execute(
        "UPDATE partner_way SET position = %s, attempts = 0, next_at = NULL, trouble = NULL"
        " WHERE partner = %s AND way = %s",
        (to, partner, way.value),
    )
    return cursor.rowcount == 1
