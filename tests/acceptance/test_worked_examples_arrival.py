"""What has been paid in the end does not depend on when the facts became known, nor on how often payments ran."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import pytest

from kundval_chassis.simulate import Cores, installed
from kundval_chassis.simulate import simulate as simulate_all
from kundval_contracts.calendar import add_months
from kundval_contracts.caseload import read
from tests.acceptance.builders import Example
from tests.acceptance.examples import worked_examples

pytestmark = pytest.mark.slow

EXAMPLES = worked_examples()
BY_ID = {example.id: example for example in EXAMPLES}


def regular(document: dict[str, Any]) -> list[str]:
    """A payment run every second month, and one on the last day looked at."""
    began = min(fact["on"] for row in document["assignments"] for fact in row["facts"])
    first, last = min(date(2024, 3, 1), date.fromisoformat(began)), date.fromisoformat(document["as_of"])
    runs = [add_months(first, k) for k in range(0, 40, 2)]
    return [run.isoformat() for run in (*(run for run in runs if run < last), last)]


@cache
def money_alone() -> Cores:
    """Nobody asks here for obligations and notices."""
    cores = installed()
    return Cores(judge=cores.judge, lines=cores.lines, settle=cores.settle)


def simulate(document: dict[str, Any]) -> dict[str, Any]:
    return simulate_all(read(document), None, money_alone())


@cache
def on_time(example: str) -> dict[str, Any]:
    """What a worked example comes to with regular runs."""
    document = deepcopy(BY_ID[example].caseload)
    document["payment_runs"] = regular(document)
    return simulate(document)


def net(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str, int], Decimal]:
    """What stands in the end on every line, by its key; lines that came to nothing are left out."""
    found: dict[tuple[str, str, str, int], Decimal] = {}
    for row in rows:
        key = (row["assignment"], row["provider"], row["kind"], row["sequence"])
        found[key] = found.get(key, Decimal(0)) + Decimal(row["amount"])
    return {key: amount for key, amount in found.items() if amount}


def payable(answer: dict[str, Any]) -> dict[tuple[str, str, str, int], Decimal]:
    return net([row for row in answer["lines"] if row["status"] == "PAYABLE"])


@pytest.mark.rule("AMI-10.1-f", "NACKA-11")
@pytest.mark.parametrize("example", EXAMPLES, ids=[example.id for example in EXAMPLES])
def test_what_is_posted_comes_to_what_is_payable(example: Example) -> None:
    document = deepcopy(example.caseload)
    document["payment_runs"] = regular(document)
    told = on_time(example.id)
    assert net(told["postings"]) == payable(told)
    again = simulate({**document, "payment_runs": [*document["payment_runs"], document["as_of"]]})
    assert again == told


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.id for example in EXAMPLES])
def test_late_facts_settle_themselves(example: Example) -> None:
    document = deepcopy(example.caseload)
    document["payment_runs"] = regular(document)
    late, chance, last = deepcopy(document), Random(example.id), date.fromisoformat(document["as_of"])
    for row in late["assignments"]:
        for fact in row["facts"]:
            known_on = date.fromisoformat(fact.get("known_on", fact["on"]))
            if known_on <= last:
                spread = min((last - known_on).days, chance.choice([0, 0, 3, 40, 200]))
                fact["known_on"] = (known_on + timedelta(days=chance.randint(0, spread))).isoformat()
    told, before = simulate(late), on_time(example.id)
    assert net(told["postings"]) == payable(told)
    assert told["rejections"] == before["rejections"]
    assert money(told) == money(before)


def money(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What the lines are, without the day from which they can be paid: a report that comes late moves that."""
    return [
        (row["provider"], row["kind"], row["sequence"], row["from"], row["to"], row["amount"], row["status"])
        for row in answer["lines"]
    ]
