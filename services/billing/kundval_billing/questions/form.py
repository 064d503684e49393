"""The answers in the form of the contracts, and as CSV. Nothing here needs a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from kundval_contracts.answer import money
from kundval_contracts.codes import Direction
from kundval_contracts.csv_text import as_csv

from ..domain.budget import Budget, exceeded_in

#: groups in an answer; the CSV has all of them
GROUPS = 1000
SCENARIOS = ("low", "expected", "high")
_GROUP = ("direction", "provider", "programme", "month", "kind", "before", "after", "difference")
_AMOUNTS = frozenset({"before", "after", "difference", *SCENARIOS})
_BY_MONTH = ("direction", "programme", "month", "low", "expected", "high")


def bounded(result: Mapping[str, Any]) -> dict[str, Any]:
    """A difference with the groups that differ most, and how many are left off."""
    groups = sorted(
        result["groups"], key=lambda row: (-abs(Decimal(row["difference"])), *(row[name] for name in _GROUP))
    )
    return {**result, "groups": groups[:GROUPS], "left_off": max(0, len(groups) - GROUPS)}


def what_if_csv(result: Mapping[str, Any]) -> str:
    """Every group that differs, in order."""
    return _csv(_GROUP, result["groups"])


def with_posted(result: Mapping[str, Any], posted: Mapping[str, Decimal]) -> dict[str, Any]:
    """A forecast with what the ledger says of the year so far, which is not reckoned but read."""
    programmes = [{**row, "posted": money(posted.get(row["programme"], Decimal(0)))} for row in result["programmes"]]
    sums: dict[str, Decimal] = {}
    for row in programmes:
        sums[row["direction"]] = sums.get(row["direction"], Decimal(0)) + Decimal(row["posted"])
    totals = [{**row, "posted": money(sums[row["direction"]])} for row in result["totals"]]
    return {**result, "programmes": programmes, "totals": totals}


def against(result: Mapping[str, Any], budget: Budget) -> list[dict[str, Any]]:
    """What is left of each budget in each case, and when it is exceeded; of everything first."""
    found = []
    if budget.total is not None:
        rows = [row for row in result["months"] if row["direction"] == Direction.PAYABLE.value]
        found.append(_against(None, budget.total, rows))
    for programme, amount in budget.programmes.items():
        rows = [row for row in result["by_month"] if row["programme"] == programme.value]
        found.append(_against(programme.value, amount, rows))
    return found


def _against(programme: str | None, amount: Decimal, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    courses = {name: [(row["month"], Decimal(row[name])) for row in rows] for name in SCENARIOS}
    return {
        "programme": programme,
        "amount": money(amount),
        # what is left is least where most is spent, so the order turns round
        **{
            name: money(amount - (courses[spent][-1][1] if courses[spent] else Decimal(0)))
            for name, spent in zip(SCENARIOS, reversed(SCENARIOS), strict=True)
        },
        **{f"{name}_exceeds_in": exceeded_in(courses[name], amount) for name in SCENARIOS},
    }


def forecast_csv(result: Mapping[str, Any]) -> str:
    """The sums of each programme from the beginning of the year to the end of each month."""
    return _csv(_BY_MONTH, result["by_month"])


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    return as_csv(
        columns, ([Decimal(row[name]) if name in _AMOUNTS else row[name] for name in columns] for row in rows)
    )
