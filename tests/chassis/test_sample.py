"""The sample caseload: the same for the same seed, without a fault, and with every shape that it promises."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from typing import Any

import pytest

from kundval_chassis.sample import as_text, make
from kundval_chassis.sample.edges import EDGES
from kundval_chassis.simulate import simulate
from kundval_contracts import caseload
from kundval_contracts.codes import ExitKind, FactKind
from kundval_contracts.work_facts import WORK_SCHEMAS

pytestmark = pytest.mark.slow

#: what a change of the generator changes: look at the demo, then put the new value here
SIXTY = "0eb9b685"


@cache
def sample() -> dict[str, Any]:
    return make()


@cache
def answer() -> dict[str, Any]:
    return simulate(caseload.read(make(residents=200)))


def facts(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [fact for one in document["assignments"] for fact in one["facts"] if fact["fact"] == kind]


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    program = "from kundval_chassis.sample import *; import sys; sys.stdout.buffer.write(as_text(make(7, 60)).encode())"
    env = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True)
    assert done.stdout == as_text(make(7, 60)).encode()


def test_the_bytes_do_not_change_by_accident() -> None:
    assert hashlib.sha256(as_text(make(residents=60)).encode()).hexdigest()[:8] == SIXTY


def test_another_seed_gives_another_year() -> None:
    assert make(1, 60) != make(2, 60)


def test_a_small_sample_is_the_beginning_of_a_large_one() -> None:
    small = make(residents=80)["assignments"]
    assert small == sample()["assignments"][: len(small)]


def test_the_text_is_json_with_one_fact_on_a_line_and_says_the_same() -> None:
    document = make(residents=60)
    text = as_text(document)
    assert json.loads(text) == document
    assert len(text.splitlines()) > sum(len(one["facts"]) for one in document["assignments"])


def test_the_file_is_read_without_a_fault() -> None:
    read = caseload.load(as_text(make(residents=60)))
    assert len(read.assignments) >= 60


def test_it_is_a_year_of_the_municipality_in_size() -> None:
    document = sample()
    residents = {one["id"].removesuffix("-B") for one in document["assignments"]}
    assert len(residents) == 1100
    assert 25_000 <= sum(len(one["facts"]) for one in document["assignments"]) <= 35_000
    decided = sorted(fact["on"] for fact in facts(document, "decided"))
    assert decided[0] == "2024-02-28"
    assert decided[-1] <= "2025-02-28"


@pytest.mark.rule("NACKA-2")
def test_there_are_24_providers_one_of_them_municipal_and_some_non_profit() -> None:
    ownership = Counter(one["ownership"] for one in sample()["providers"])
    assert sum(ownership.values()) == 24
    assert ownership["MUNICIPAL"] == 1
    assert ownership["NON_PROFIT"] >= 3


def test_every_kind_of_exit_and_nearly_every_kind_of_fact_is_in_it() -> None:
    document = sample()
    assert {fact["kind"] for fact in facts(document, "exited")} == set(ExitKind)
    told = {fact["fact"] for one in document["assignments"] for fact in one["facts"]}
    # the road before the decision and the everyday work cost no money and set no deadline
    assert told == set(FactKind) - set(WORK_SCHEMAS) - {FactKind.RESULT_REPORTED, FactKind.EXTENDED}


def test_some_facts_become_known_long_after_their_day() -> None:
    late = [fact for one in sample()["assignments"] for fact in one["facts"] if "known_on" in fact]
    assert len(late) > 50
    assert all(fact["known_on"] > fact["on"] for fact in late)


def test_nobody_has_a_name() -> None:
    clients = [one["client"] for one in sample()["assignments"]]
    assert set().union(*clients) == {
        "birth_date", "resident", "receives_eb", "af_registered", "work_ability_pct", "outside_work_and_studies",
        "in_kaa", "establishment_period_ended", "language_obstacle", "youth_guarantee_informed_on",
    }  # fmt: skip


def test_nothing_in_it_is_known_after_its_last_day() -> None:
    document = sample()
    days = [fact.get("known_on", fact["on"]) for one in document["assignments"] for fact in one["facts"]]
    assert max(days) <= document["as_of"]


def test_corrections_happen_in_fees_premiums_and_bonuses() -> None:
    back = Counter(row["kind"] for row in answer()["postings"] if row["reverses"])
    assert {"MONTHLY_FEE", "SPEED_PREMIUM", "RESULT_BONUS"} <= set(back)


def test_every_refusal_is_meant() -> None:
    codes = Counter(row["code"] for row in answer()["rejections"])
    assert {"NOT_ELIGIBLE", "BEFORE_RULESET", "PLAN_INCOMPLETE", "AF_REGISTRATION_MISSING"} <= set(codes)
    # what follows a refused decision is not told, so nothing is refused for want of one
    assert not {"NOT_DECIDED", "NOT_ACCEPTED", "ALREADY_STARTED", "NO_EXIT"} & set(codes)


@pytest.mark.rule("NACKA-22")
def test_over_forty_per_cent_of_those_who_left_are_in_work_or_studies_six_months_after() -> None:
    left = [one for one in sample()["assignments"] if any(fact["fact"] == "exited" for fact in one["facts"])]
    lasting = 0
    for one in left:
        last = [fact for fact in one["facts"] if fact["fact"] in ("exited", "broke_off")][-1]
        lasting += last["fact"] == "exited" and last["kind"].startswith(("WORK", "STUDY", "OWN"))
    assert 0.4 < lasting / len(left) < 0.6


def test_weekly_contacts_can_be_had_for_every_client() -> None:
    few, many = make(residents=60), make(residents=60, weekly_contacts=True)
    assert len(facts(many, "contact")) > 3 * len(facts(few, "contact"))
    assert few["settings"]["contact.min_per_week"] == 0
    assert "contact.min_per_week" not in many["settings"]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_each_boundary_case_is_a_case_that_can_be_read(edge: Any) -> None:
    document = make(residents=1)
    document["assignments"] = [edge("E-1").document()]
    caseload.read(document)


def line(edge: str, kind: str) -> list[tuple[str, str]]:
    """(amount, status) of the lines of a kind in the boundary case `edge`."""
    number = next(place for place, one in enumerate(EDGES, 1) if one.__name__ == edge)
    rows = [row for row in answer()["lines"] if row["assignment"] == f"N-{number:04d}" and row["kind"] == kind]
    return [(row["amount"], row["status"]) for row in rows]


@pytest.mark.parametrize(
    ("edge", "bonus"),
    [
        ("told_too_late", [("0.00", "REFUSED"), ("5000.00", "PAYABLE")]),
        ("assistance_told_after_the_bonus", [("0.00", "REFUSED")]),
        ("last_day_of_tier_one", [("20000.00", "PAYABLE")]),
        ("first_day_of_tier_two", [("10000.00", "PAYABLE")]),
        ("last_day_of_ami_1", [("20000.00", "PAYABLE")]),
        ("day_ninety_approved", [("20000.00", "PAYABLE")]),
        ("exit_on_the_end_date", [("0.00", "REFUSED")]),
        ("contract_of_six_months", [("20000.00", "PAYABLE")]),
        ("contract_a_day_short", [("0.00", "REFUSED")]),
        ("broken_off_on_the_settle_date", [("20000.00", "PAYABLE")]),
        ("assistance_from_the_settle_date", [("20000.00", "PAYABLE")]),
        ("assistance_on_the_last_day", [("0.00", "REFUSED")]),
        ("study_start_support", [("10000.00", "PAYABLE")]),
        ("own_business", [("20000.00", "PAYABLE")]),
        ("registration_let_pass", [("20000.00", "PAYABLE")]),
    ],
)
def test_the_boundary_cases_stand_on_the_boundary_that_they_are_named_after(
    edge: str, bonus: list[tuple[str, str]]
) -> None:
    assert line(edge, "RESULT_BONUS") == bonus


def test_jobbpeng_that_ends_within_fourteen_days_pays_nothing() -> None:
    assert not [row for row in line("jobbpeng_of_thirteen_days", "MONTHLY_FEE") if row[1] == "PAYABLE"]
