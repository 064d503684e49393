"""What every contestant of the event measurement sends and stores: the same data, the same row."""

from __future__ import annotations

from typing import Any

TENANT = "bench"
EVENT = "assignment.jobs_applied"
TABLE = (
    "CREATE TABLE job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, assignment text NOT NULL,"
    " fact text NOT NULL, on_day date NOT NULL, count integer NOT NULL)"
)
COLUMNS = ("assignment", "fact", "on_day", "count")
INSERT = "INSERT INTO job (assignment, fact, on_day, count) VALUES (%s, %s, %s, %s)"
INSERT_MANY = (
    "INSERT INTO job (assignment, fact, on_day, count)"
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::date[], %s::int[])"
)


def data_of(number: int) -> dict[str, Any]:
    """The data of event `number`."""
    return {
        "assignment": f"A-{number % 5000:06d}",
        "fact_id": f"f{number}",
        "ordinal": number % 100,
        "on": "2025-05-01",
        "known_on": "2025-05-02",
        "revision": 1,
        "count": 6,
        "month": 1,
    }


def row_of(data: dict[str, Any]) -> tuple[Any, ...]:
    """The row that each side stores for it."""
    return data["assignment"], data["fact_id"], data["on"], data["count"]
