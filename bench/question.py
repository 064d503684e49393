"""What every contestant of the RPC measurement answers: the same question from the same table with one SELECT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TENANT, ROWS = "bench", 1000
METHOD = "bench.posted"
TABLE = (
    "CREATE TABLE posted (tenant text, assignment text, provider text NOT NULL, amount numeric(14, 2) NOT NULL,"
    " payable_from date NOT NULL, PRIMARY KEY (tenant, assignment));"
    " INSERT INTO posted SELECT 'bench', 'A-' || n, 'p' || n % 24, 8000 + n, date '2025-01-01' + n"
    f" FROM generate_series(0, {ROWS - 1}) AS n"
)
SELECT = "SELECT provider, amount, payable_from FROM posted WHERE tenant = %s AND assignment = %s"


def request(number: int) -> dict[str, Any]:
    return {"tenant": TENANT, "assignment": f"A-{number % ROWS}"}


def answer(row: tuple[Any, ...]) -> dict[str, Any]:
    """The row of the SELECT in JSON types, as the peers build it by hand."""
    provider, amount, payable_from = row
    return {"provider": provider, "amount": str(amount), "payable_from": payable_from.isoformat()}


def right(number: int, found: Mapping[str, Any]) -> bool:
    """Is it the answer to question `number`?"""
    return found["amount"] == f"{8000 + number % ROWS}.00"
