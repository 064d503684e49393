"""The suite against the reference: the same lines, postings and totals, computed twice by programs that share nothing.

The reference does not judge facts, so both start from the facts that the suite accepts on each day. What is compared is
money: every line that is or may become an amount, every posting of every run, every total. Lines of 0.00 (REFUSED) and
STOPPED months say that there is none; of them only the absence of money is compared.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kundval_chassis.sample import make
from kundval_chassis.simulate import Cores, installed, simulate
from kundval_contracts.caseload import load, read
from tests.acceptance.histories import history
from tests.acceptance.test_readings import FILES, plain, written
from tests.acceptance.test_readings import load as case_of
from tests.reference.model import compute

pytestmark = pytest.mark.slow

Row = dict[str, Any]
WITHOUT_AMOUNT = ("REFUSED", "STOPPED")
#: settings of money that the reference does not know: it has the default readings only
OTHER_READINGS = (
    "ami1.bonus",
    "ami1.length",
    "ami2.tiers",
    "bonus.",
    "eb_test.",
    "extent.half_time_pct",
    "fee.",
    "month.",
    "own_business.",
    "premium.",
    "resume.",
    "rum.",
    "som.",
    "sustainability.",
)
#: the case that writes out the values that hold anyway
DEFAULTS = "17-defaults-written-out"
#: drawn by chance, and two that reach what is rare among them
SEEDS = (*range(34), 73, 100)
REACHED = (
    *("MONTHLY_FEE PAYABLE", "MONTHLY_FEE PLANNED", "MONTHLY_FEE taken back"),
    *(f"SPEED_PREMIUM {status}" for status in ("PAYABLE", "ON_HOLD", "MANUAL", "STOPPED", "taken back")),
    *(f"RESULT_BONUS {status}" for status in ("PAYABLE", "ON_HOLD", "MANUAL", "REFUSED")),
    *("BASE PAYABLE", "BASE taken back", "SOM_SPEED_PREMIUM PAYABLE", "RESULT PAYABLE", "rejected"),
)


def judge() -> Cores:
    """The core that judges facts, alone: no money is computed to learn what is rejected."""
    return Cores(judge=installed().judge)


def rejected(document: Row) -> Callable[[dt.date], set[tuple[str, int]]]:
    """What the rules forbid, as seen on a day."""
    read_once, alone = read(document), judge()
    seen: dict[dt.date, set[tuple[str, int]]] = {}

    def on(day: dt.date) -> set[tuple[str, int]]:
        if day not in seen:
            rows = simulate(read_once, day, alone)["rejections"]
            seen[day] = {(row["assignment"], row["fact"]) for row in rows}
        return seen[day]

    return on


def line(row: Row) -> tuple[str, ...]:
    names = ["assignment", "provider", "kind", "sequence", "status"]
    if row["kind"] != "RESULT":  # it belongs to a day, not to a period
        names += ["from", "to"]
    if row["status"] in ("PAYABLE", "PLANNED"):
        names.append("payable_from")
    return (*(str(row[name]) for name in names), f"{Decimal(row['amount']):.2f}")


def posting(row: Row) -> tuple[str, ...]:
    names = ("run", "assignment", "provider", "kind", "sequence")
    return (*(str(row[name]) for name in names), f"{Decimal(row['amount']):.2f}")


def differences(document: Row) -> tuple[list[str], Row]:
    """What only one of the two says, and the answer of the suite."""
    suite_cores = installed()
    money = Cores(judge=suite_cores.judge, lines=suite_cores.lines, settle=suite_cores.settle)
    answer = simulate(read(document), None, money)
    again = compute(document, rejected(document))
    found: list[str] = []
    for name, shown in (("lines", line), ("postings", posting)):
        suite, reference = (
            Counter(shown(row) for row in rows if row.get("status") not in WITHOUT_AMOUNT)
            for rows in (answer[name], again[name])
        )
        found += [f"only the suite has {row}" for row in sorted(suite - reference)]
        found += [f"only the reference has {row}" for row in sorted(reference - suite)]
    totals = {(row["assignment"], row["provider"], row["kind"]): Decimal(row["amount"]) for row in answer["totals"]}
    if totals != again["totals"]:
        found.append(f"totals differ: {sorted(totals.items() ^ again['totals'].items())}")
    return found, answer


@pytest.mark.bench
def test_the_sample_year_comes_to_the_same_krona() -> None:
    document = make()
    document["payment_runs"] = [run for run in document["payment_runs"] if run[5:7] == "07"]
    found, answer = differences(document)
    assert not found, "\n".join(found[:20])
    assert len(answer["lines"]) > 5_000 and len(answer["postings"]) > 5_000
    assert any(row["reverses"] for row in answer["postings"])
    paid = sum(Decimal(row["amount"]) for row in answer["totals"])
    assert paid > 30_000_000


def test_every_run_of_the_first_residents_posts_the_same() -> None:
    document = make(residents=60)
    assert len(document["payment_runs"]) > 20
    found, answer = differences(document)
    assert not found, "\n".join(found[:20])
    assert len(answer["postings"]) > 300


def test_the_cases_of_the_readings_come_to_the_same(tmp_path: Path) -> None:
    compared: list[str] = []
    left_out: list[str] = []
    found: list[str] = []
    for path in FILES:
        case = case_of(path)
        if "text" in case or case["expect"].get("exit"):
            continue  # no caseload, or a faulty one: nothing is computed
        options = [str(plain(value)) for value in case.get("args", [])]
        as_of = dt.date.fromisoformat(options[options.index("--as-of") + 1]) if "--as-of" in options else None
        told = load(written(case, tmp_path).read_text(encoding="utf-8"), as_of)
        stated = told.raw.get("settings") or {}
        if path.stem != DEFAULTS and any(key.startswith(OTHER_READINGS) for key in stated):
            left_out.append(path.stem)
            continue
        differ, _ = differences({**told.raw, "as_of": told.as_of})
        found += [f"{path.stem}: {one}" for one in differ]
        compared.append(path.stem)
    assert not found, "\n".join(found)
    assert len(compared) > 110
    assert left_out == ["60-ami1-bonus", "60-bonus-max", "60-extent-half-time-pct", "60-sustainability-months"]


def test_histories_made_by_chance_come_to_the_same() -> None:
    reached: Counter[str] = Counter()
    for seed in SEEDS:
        found, answer = differences(history(seed).caseload)
        assert not found, f"history({seed})\n" + "\n".join(found)
        reached.update(f"{row['kind']} {row['status']}" for row in answer["lines"])
        reached.update(f"{row['kind']} taken back" for row in answer["postings"] if row["reverses"])
        reached["rejected"] += len(answer["rejections"])
    rare = {what: reached[what] for what in REACHED if reached[what] < 2}
    assert not rare, rare
