"""Speed premium: the months after a qualifying exit, what each waits for and what stops it."""

from __future__ import annotations

import pytest

from kundval_contracts.answer import recompute

from .builders import (
    ami1,
    ami2,
    claim,
    decision,
    exited,
    follow_ups,
    line_of,
    lines_of,
    on,
    payable,
    premium,
    short,
    studies,
)

PREMIUM = "SPEED_PREMIUM"
EXIT = exited("2024-06-20")  # month 4: 06-15..07-14; settle date 2024-12-20
ALL = range(5, 13)


@pytest.mark.rule("AMI-10.1-a", "AMI-10-a")
def test_the_remaining_months_are_planned_at_once() -> None:
    found = short(lines_of(ami2(EXIT), "2024-06-20", PREMIUM))
    assert found == [(number, "alfa", "8000.00", "PLANNED") for number in range(5, 13)]


@pytest.mark.parametrize(("exit_day", "first"), [("2024-06-14", 4), ("2024-06-15", 5), ("2025-02-14", 12)])
@pytest.mark.rule("AMI-10.1-a")
def test_the_premium_begins_the_month_after_the_exit(exit_day: str, first: int) -> None:
    found = lines_of(ami2(exited(exit_day)), "2025-12-31", PREMIUM)
    assert [line.sequence for line in found] == list(range(first, 13))


def test_an_exit_in_the_last_month_has_no_premium() -> None:
    assert lines_of(ami2(exited("2025-03-14")), "2025-12-31", PREMIUM) == []


@pytest.mark.parametrize("kind", ["BENEFIT_TEMPORARY", "BENEFIT_OTHER_PUBLIC", "OTHER_INTERVENTION", "DISCONTINUED"])
@pytest.mark.rule("AMI-9-j")
def test_an_exit_that_does_not_qualify_has_no_premium(kind: str) -> None:
    assert lines_of(ami2(on("2024-06-20", "exited", kind=kind)), "2025-12-31", PREMIUM) == []


@pytest.mark.rule("AMI-9.2.2-a")
@pytest.mark.parametrize(("extent", "months"), [(49, 0), (50, 8), (99, 8), (100, 0)])
def test_part_time_work_has_a_premium_from_half_time(extent: int, months: int) -> None:
    one = ami2(exited("2024-06-20", "WORK_MIN_HALF_TIME", extent_pct=extent))
    assert len(lines_of(one, "2025-12-31", PREMIUM)) == months


# --- the follow-up of the month ----------------------------------------------------------------------


@pytest.mark.rule("AMI-10.1-c")
@pytest.mark.parametrize(
    ("as_of", "outcome"),
    [
        ("2024-08-14", ("PLANNED", "8000.00", "2024-08-15")),
        ("2024-08-15", ("PAYABLE", "8000.00", "2024-08-15")),
        ("2024-08-16", ("PAYABLE", "8000.00", "2024-08-15")),
    ],
)
def test_a_confirmed_month_is_payable_from_its_end(as_of: str, outcome: tuple[str, str, str]) -> None:
    one = ami2(EXIT, on("2024-08-01", "premium_follow_up", month=5, continues=True))
    assert premium(one, as_of, 5) == outcome


@pytest.mark.rule("AMI-10.1-c")
@pytest.mark.parametrize(
    ("as_of", "outcome"),
    [
        ("2024-09-14", ("PLANNED", "8000.00", "2024-09-15")),
        ("2024-09-15", ("ON_HOLD", "8000.00", None)),
        ("2024-10-04", ("ON_HOLD", "8000.00", None)),
        ("2024-10-05", ("PAYABLE", "8000.00", "2024-10-05")),
    ],
)
def test_without_a_report_the_month_is_held_until_it_comes(as_of: str, outcome: tuple[str, str, str | None]) -> None:
    one = ami2(EXIT, on("2024-10-05", "premium_follow_up", month=6, continues=True))
    assert premium(one, as_of, 6) == outcome
    assert line_of(one, as_of, PREMIUM, 6).rules[0] == "AMI-10.1-a"


@pytest.mark.rule("AMI-10.1-c")
def test_a_report_that_does_not_confirm_holds_its_own_month_only() -> None:
    one = ami2(EXIT, on("2024-08-01", "premium_follow_up", month=5, continues=False), *follow_ups([6]))
    assert premium(one, "2024-09-15", 5)[0] == "ON_HOLD"
    assert premium(one, "2024-09-15", 6)[0] == "PAYABLE"


@pytest.mark.rule("AMI-10.1-c")
def test_the_later_report_of_a_month_wins() -> None:
    said = [("2024-08-01", True), ("2024-08-10", False), ("2024-08-20", True)]
    rows = [on(day, "premium_follow_up", month=5, continues=continues) for day, continues in said]
    assert premium(ami2(EXIT, *rows[:2]), "2024-09-15", 5)[0] == "ON_HOLD"
    assert premium(ami2(EXIT, *rows), "2024-09-15", 5) == ("PAYABLE", "8000.00", "2024-08-20")


def test_of_two_reports_of_a_day_the_later_in_the_file_wins() -> None:
    rows = [on("2024-08-01", "premium_follow_up", month=5, continues=continues) for continues in (True, False)]
    assert premium(ami2(EXIT, *rows), "2024-09-15", 5)[0] == "ON_HOLD"
    assert premium(ami2(EXIT, *reversed(rows)), "2024-09-15", 5)[0] == "PAYABLE"


def test_a_second_confirmation_does_not_move_the_day() -> None:
    rows = [on(day, "premium_follow_up", month=5, continues=True) for day in ("2024-08-20", "2024-09-20")]
    assert premium(ami2(EXIT, *rows), "2024-10-15", 5) == ("PAYABLE", "8000.00", "2024-08-20")


@pytest.mark.rule("AMI-10.1-b")
def test_where_two_follow_ups_a_month_are_required_one_is_not_enough() -> None:
    settings = {"premium.followups_per_month": 2}
    rows = [on(day, "premium_follow_up", month=5, continues=True) for day in ("2024-08-01", "2024-08-20")]
    assert premium(ami2(EXIT, rows[0]), "2024-09-15", 5, settings)[0] == "ON_HOLD"
    assert premium(ami2(EXIT, *rows), "2024-09-15", 5, settings) == ("PAYABLE", "8000.00", "2024-08-20")


@pytest.mark.rule("AMI-10.1-c")
@pytest.mark.parametrize(
    ("reported", "status"), [("2024-09-14", "PAYABLE"), ("2024-09-15", "PAYABLE"), ("2024-09-16", "REFUSED")]
)
def test_forfeit_refuses_a_month_whose_report_comes_after_its_end(reported: str, status: str) -> None:
    settings = {"premium.missing_report": "FORFEIT"}
    one = ami2(EXIT, on(reported, "premium_follow_up", month=6, continues=True))
    assert premium(one, "2024-12-31", 6, settings)[0] == status
    assert premium(one, "2024-12-31", 7, settings)[:2] == ("REFUSED", "0.00")


# --- break-off ---------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.1-f")
@pytest.mark.parametrize(
    ("broken", "none", "by_days", "whole"),
    [
        ("2024-10-14", 16000, "23733.33", 24000),  # last day of month 7: 29 of 30 days
        ("2024-10-15", 24000, "24000.00", 24000),  # first day of month 8
        ("2024-10-16", 24000, "24258.06", 32000),
        ("2024-11-05", 24000, "29419.35", 32000),
        ("2024-11-14", 24000, "31741.94", 32000),
        ("2024-11-15", 32000, "32000.00", 32000),
    ],
)
def test_the_month_of_the_break_off_in_three_readings(broken: str, none: int, by_days: str, whole: int) -> None:
    one = ami2(EXIT, *follow_ups(ALL), on(broken, "broke_off"))
    for reading, expected in (("NONE", f"{none:.2f}"), ("PRO_RATA", by_days), ("FULL", f"{whole:.2f}")):
        assert f"{payable(one, '2025-12-31', PREMIUM, {'premium.breakoff_month': reading}):.2f}" == expected


@pytest.mark.rule("AMI-10.1-f")
def test_months_after_the_break_off_are_stopped_as_soon_as_it_is_known() -> None:
    one = ami2(EXIT, on("2024-09-01", "broke_off", known_on="2024-10-20"))
    assert {line.status for line in lines_of(one, "2024-10-19", PREMIUM)} == {"ON_HOLD", "PLANNED"}
    found = lines_of(one, "2024-10-20", PREMIUM)
    assert short(found)[0] == (5, "alfa", "8000.00", "ON_HOLD")
    assert short(found)[1:] == [(number, "alfa", "0.00", "STOPPED") for number in range(6, 13)]
    assert found[1].rules == ("AMI-10.1-a", "AMI-10.1-f")
    assert found[1].payable_from is None


def test_a_month_up_to_the_break_off_asks_for_no_report_of_its_own() -> None:
    one = ami2(EXIT, on("2024-11-05", "broke_off"))
    assert premium(one, "2025-12-31", 8, {"premium.breakoff_month": "PRO_RATA"}) == ("PAYABLE", "5419.35", "2024-11-15")
    assert premium(one, "2024-11-14", 8, {"premium.breakoff_month": "FULL"})[0] == "PLANNED"


@pytest.mark.rule("AMI-10.1-f", "AMI-9-e")
@pytest.mark.parametrize(("broken", "kept"), [("2024-12-19", 0), ("2024-12-20", 40000), ("2024-12-21", 40000)])
def test_clawback_of_all_takes_every_month_when_the_six_months_fail(broken: str, kept: int) -> None:
    one = ami2(EXIT, *follow_ups(ALL), on(broken, "broke_off"))
    assert payable(one, "2025-12-31", PREMIUM, {"premium.clawback": "ALL"}) == kept
    assert payable(one, "2025-12-31", PREMIUM) == 40000


@pytest.mark.rule("AMI-10.1-f")
def test_clawback_of_all_looks_at_every_condition_of_the_six_months() -> None:
    one = ami2(EXIT, *follow_ups(ALL), on("2024-09-10", "eb_paid", from_="2024-09-01", to="2024-10-01", scope="CLIENT"))
    assert payable(one, "2025-12-31", PREMIUM, {"premium.clawback": "ALL"}) == 0
    assert payable(one, "2025-12-31", PREMIUM) == 8 * 8000


@pytest.mark.rule("AMI-10.1-d", "AMI-10.1-f")
def test_a_second_exit_has_the_months_that_are_left() -> None:
    one = ami2(
        EXIT,
        *follow_ups([5]),
        on("2024-09-01", "broke_off"),
        on("2024-09-10", "resumed", provider="beta"),
        exited("2025-01-20"),
        *follow_ups([12]),
    )
    assert short(lines_of(one, "2025-12-31", PREMIUM)) == [
        (5, "alfa", "8000.00", "PAYABLE"),
        (12, "beta", "8000.00", "PAYABLE"),
    ]


def test_a_second_exit_that_does_not_qualify_leaves_no_premium_behind_it() -> None:
    one = ami2(
        EXIT,
        on("2024-09-01", "broke_off"),
        on("2024-09-10", "resumed", provider="alfa"),
        exited("2024-10-01", "DISCONTINUED"),
    )
    assert [line.sequence for line in lines_of(one, "2025-12-31", PREMIUM)] == [5]


# --- documents, persons, hourly work -----------------------------------------------------------------


@pytest.mark.rule("AMI-9.2-b")
def test_months_wait_for_the_documents_which_the_claim_may_bring() -> None:
    short_of_one = exited("2024-06-20", documents=["EMPLOYMENT_CONTRACT"])
    brought = claim("2024-12-21", documents=["EMPLOYMENT_CERTIFICATE"])
    one = ami2(short_of_one, *follow_ups(ALL), brought)
    assert premium(one, "2024-07-31", 5)[0] == "PLANNED"
    held = line_of(one, "2024-12-20", PREMIUM, 5)
    assert (held.status, held.rules) == ("ON_HOLD", ("AMI-10.1-a", "AMI-9.2-b"))
    assert "EMPLOYMENT_CERTIFICATE" in held.because
    assert premium(one, "2024-12-21", 5) == ("PAYABLE", "8000.00", "2024-12-21")
    assert premium(one, "2025-03-15", 12) == ("PAYABLE", "8000.00", "2025-03-15")


@pytest.mark.rule("AMI-9.2-b")
def test_by_the_other_reading_contract_or_certificate_is_enough() -> None:
    one = ami2(exited("2024-06-20", documents=["EMPLOYMENT_CONTRACT"]), *follow_ups([5]))
    assert premium(one, "2024-12-31", 5)[0] == "ON_HOLD"
    assert premium(one, "2024-12-31", 5, {"evidence.work.required": "EITHER"})[0] == "PAYABLE"


@pytest.mark.rule("AMI-9.3.4-a")
def test_half_time_studies_wait_for_a_person_and_then_go_on_as_usual() -> None:
    half = studies("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=True)
    one = ami2(half, *follow_ups([5, 6]), decision("2024-08-20"))
    assert premium(one, "2024-07-01", 5) == ("MANUAL", "8000.00", None)
    assert premium(one, "2024-08-19", 5) == ("MANUAL", "8000.00", None)
    assert premium(one, "2024-08-20", 5) == ("PAYABLE", "8000.00", "2024-08-20")
    assert premium(one, "2024-09-15", 6) == ("PAYABLE", "8000.00", "2024-09-15")


def test_what_a_person_refuses_is_refused() -> None:
    half = studies("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=True)
    one = ami2(half, *follow_ups([5]), decision("2024-08-20", approved=False))
    assert premium(one, "2024-12-31", 5) == ("REFUSED", "0.00", None)


@pytest.mark.rule("AMI-9.3.4-a")
def test_half_time_studies_go_by_themselves_where_the_municipality_says_so() -> None:
    half = studies("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=True)
    settings = {"study_half_time.approval": "AUTOMATIC"}
    assert premium(ami2(half, *follow_ups([5])), "2024-12-31", 5, settings)[0] == "PAYABLE"


BUSINESS = {"workplace": None, "extent_pct": None, "documents": []}


@pytest.mark.rule("AMI-10.1-a", "AMI-10.2-b")
def test_own_business_waits_for_a_person_in_ami_1_and_has_no_premium_in_ami_2() -> None:
    follow_up = on("2025-05-01", "premium_follow_up", month=2, continues=True)
    one = ami1(exited("2025-03-20", "OWN_BUSINESS", **BUSINESS), follow_up)
    assert premium(one, "2025-05-02", 2)[0] == "MANUAL"
    assert premium(one, "2025-05-02", 2, {"own_business.bonus": {"AMI_1": "YES"}})[0] == "PAYABLE"
    two = ami2(exited("2024-06-20", "OWN_BUSINESS", **BUSINESS), *follow_ups([5]))
    assert lines_of(two, "2024-12-31", PREMIUM) == []
    assert premium(two, "2024-12-31", 5, {"own_business.bonus": {"AMI_2": "MANUAL"}})[0] == "MANUAL"
    assert premium(two, "2024-12-31", 5, {"own_business.bonus": {"AMI_2": "YES"}})[0] == "PAYABLE"


@pytest.mark.rule("AMI-9-g")
def test_hourly_work_has_its_premium_at_once_or_when_six_months_are_proved() -> None:
    hourly = exited(
        "2024-07-01", "WORK_HOURLY_FULL_TIME", contract_until="2024-11-30", documents=["EMPLOYMENT_CONTRACT"]
    )
    one = ami2(hourly, *follow_ups(ALL), claim("2025-01-01", covers_until="2024-12-31"))
    strict = {"premium.hourly_provisional": False}
    assert premium(one, "2024-08-15", 5)[0] == "PAYABLE"
    assert premium(one, "2024-12-31", 5, strict)[0] == "ON_HOLD"
    assert premium(one, "2025-01-01", 5, strict) == ("PAYABLE", "8000.00", "2025-01-01")


# --- the rest of the started month (AMB-12) ----------------------------------------------------------


@pytest.mark.rule("AMI-10.1-a")
def test_the_rest_of_the_exit_month_is_a_premium_in_reading_b_only() -> None:
    one = ami2(EXIT, *follow_ups(ALL))
    settings = {"premium.started_month": "PRO_RATA_WITH_PREMIUM"}
    assert premium(one, "2024-07-14", 4, settings) == ("PLANNED", "6400.00", "2024-07-15")
    assert premium(one, "2024-07-15", 4, settings) == ("PAYABLE", "6400.00", "2024-07-15")
    assert payable(one, "2025-12-31", None, settings) == payable(one, "2025-12-31") == 12 * 8000
    assert payable(one, "2025-12-31", None, {"premium.started_month": "PRO_RATA_ONLY"}) == 25600 + 64000


def test_the_rest_of_the_exit_month_stops_at_a_break_off_in_it() -> None:
    settings = {"premium.started_month": "PRO_RATA_WITH_PREMIUM"}
    one = ami2(EXIT, on("2024-06-25", "broke_off"))
    assert premium(one, "2024-12-31", 4, settings)[:2] == ("STOPPED", "0.00")
    by_days = {**settings, "premium.breakoff_month": "PRO_RATA"}
    assert premium(one, "2024-12-31", 4, by_days)[:2] == ("PAYABLE", "1066.67")  # four of thirty days


def test_an_exit_on_the_last_day_of_a_month_leaves_nothing_of_it() -> None:
    settings = {"premium.started_month": "PRO_RATA_WITH_PREMIUM"}
    found = lines_of(ami2(exited("2024-07-14")), "2024-12-31", PREMIUM, settings)
    assert [line.sequence for line in found] == list(range(5, 13))


@pytest.mark.parametrize("fee", ["8000.01", "6123.45", "0.07", "99999.99"])
def test_the_two_parts_of_the_exit_month_are_exactly_one_fee(fee: str) -> None:
    settings = {"premium.started_month": "PRO_RATA_WITH_PREMIUM", "AMI2_MONTHLY_FEE": fee}
    for day in range(15, 30):
        one = ami2(exited(f"2024-06-{day}"))
        parts = [line for line in lines_of(one, "2024-07-15", None, settings) if line.sequence == 4]
        assert f"{sum(recompute(line.steps) for line in parts):.2f}" == fee
