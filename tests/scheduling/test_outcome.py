"""Final report, premium follow-ups, bonus claim."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scheduling.builders import ami1, ami2, d, exited, on, rows_of, short, state

FINAL, PREMIUM, CLAIM = "FINAL_REPORT", "PREMIUM_FOLLOW_UP", "BONUS_CLAIM"


def follow_up(day: str, month: int, continues: bool = True) -> dict[str, Any]:
    return on(day, "premium_follow_up", month=month, continues=continues)


def claim(day: str, certified: bool = True, **fields: Any) -> dict[str, Any]:
    return on(day, "bonus_claimed", certified=certified, **fields)


def states(one: Any, as_of: str, kind: str, settings: dict[str, Any] | None = None) -> dict[int, str]:
    return {row.sequence: row.state.value for row in rows_of(one, as_of, kind, settings)}


# --- final report -------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.2-c")
def test_without_an_exit_the_final_report_is_due_on_the_last_covered_day() -> None:
    assert short(rows_of(ami2(), "2025-03-14", FINAL)) == [(1, "2025-03-14", "OPEN", None)]
    assert state(ami2(), "2025-03-15", FINAL) == "OVERDUE"
    assert rows_of(ami1(), "2025-03-10", FINAL)[0].due == d("2025-05-31")


@pytest.mark.rule("AMI-8.2-c", "AMI-9.2-b")
def test_an_exit_brings_the_final_report() -> None:
    assert short(rows_of(ami2(exited("2024-06-20")), "2024-06-20", FINAL)) == [(1, "2024-06-20", "MET", "2024-06-20")]


@pytest.mark.rule("AMI-9.2-b")
def test_an_exit_without_final_report_owes_it_and_a_claim_can_bring_it() -> None:
    bare = exited("2024-06-20", documents=["EMPLOYMENT_CONTRACT"])
    assert state(ami2(bare), "2024-06-20", FINAL) == "OPEN"
    assert state(ami2(bare), "2024-06-21", FINAL) == "OVERDUE"
    one = ami2(bare, claim("2024-12-20", documents=["FINAL_REPORT"]))
    assert short(rows_of(one, "2024-12-31", FINAL)) == [(1, "2024-06-20", "MET", "2024-12-20")]


@pytest.mark.rule("AMI-8.2-c", "AMI-10.1-d")
def test_after_a_resumption_there_is_a_final_report_of_its_own() -> None:
    back = [exited("2024-06-20"), on("2024-09-01", "broke_off"), on("2024-09-10", "resumed", provider="beta")]
    assert short(rows_of(ami2(*back), "2024-10-01", FINAL))[1] == (2, "2025-03-14", "OPEN", None)
    again = ami2(*back, exited("2025-01-20"))
    assert short(rows_of(again, "2025-02-01", FINAL))[1] == (2, "2025-01-20", "MET", "2025-01-20")


# --- premium follow-ups -------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.1-b")
def test_we_18_each_premium_month_has_a_follow_up_due_on_its_last_covered_day() -> None:
    rows = rows_of(ami2(exited("2024-06-20")), "2024-06-20", PREMIUM)
    assert [(row.sequence, str(row.due)) for row in rows][:2] == [(5, "2024-08-14"), (6, "2024-09-14")]
    assert [row.sequence for row in rows] == list(range(5, 13))
    assert rows[-1].due == d("2025-03-14")


@pytest.mark.rule("AMI-10.1-b")
def test_an_exit_of_ami_1_in_block_one_leaves_two_premium_months() -> None:
    rows = rows_of(ami1(exited("2025-04-01")), "2025-04-01", PREMIUM)
    assert [(row.sequence, str(row.due)) for row in rows] == [(2, "2025-05-01"), (3, "2025-05-31")]
    assert rows_of(ami1(exited("2025-05-02")), "2025-05-02", PREMIUM) == []


@pytest.mark.rule("AMI-10.1-b", "AMI-10.1-c")
def test_we_23_a_follow_up_that_comes_late_meets_its_month() -> None:
    one = ami2(exited("2024-06-20"), follow_up("2024-08-14", 5), follow_up("2024-10-04", 6))
    assert states(one, "2024-09-15", PREMIUM)[6] == "OVERDUE"
    rows = {row.sequence: row for row in rows_of(one, "2024-10-04", PREMIUM)}
    assert (rows[5].met_on, rows[6].met_on) == (d("2024-08-14"), d("2024-10-04"))


@pytest.mark.rule("AMI-10.1-b")
def test_more_than_one_follow_up_a_month_can_be_asked_for() -> None:
    one = ami2(exited("2024-06-20"), follow_up("2024-07-20", 5), follow_up("2024-08-10", 5), follow_up("2024-09-01", 6))
    twice = {"premium.followups_per_month": 2}
    assert states(one, "2024-09-15", PREMIUM, twice)[5] == "MET"
    assert states(one, "2024-09-15", PREMIUM, twice)[6] == "OVERDUE"


@pytest.mark.rule("AMI-10.1-f")
@pytest.mark.parametrize(
    ("broke_off", "month_6"), [("2024-09-14", "CANCELLED"), ("2024-09-15", "OVERDUE"), ("2024-08-15", "CANCELLED")]
)
def test_we_24_a_break_off_cancels_its_month_and_the_later_ones(broke_off: str, month_6: str) -> None:
    one = ami2(exited("2024-06-20"), follow_up("2024-08-14", 5), on(broke_off, "broke_off", known_on="2024-10-20"))
    assert states(one, "2024-10-19", PREMIUM)[6] == "OVERDUE"
    found = states(one, "2024-10-20", PREMIUM)
    assert (found[5], found[6], found[7], found[12]) == ("MET", month_6, "CANCELLED", "CANCELLED")


@pytest.mark.rule("AMI-10.1-b", "AMI-10.1-d")
def test_we_25_a_second_exit_plans_its_own_months() -> None:
    one = ami2(
        exited("2024-06-20"),
        follow_up("2024-08-14", 5),
        on("2024-09-01", "broke_off"),
        on("2024-09-10", "resumed", provider="beta"),
        exited("2025-01-20"),
        follow_up("2025-03-10", 12),
    )
    rows = {row.sequence: row for row in rows_of(one, "2025-04-01", PREMIUM)}
    assert (rows[12].state.value, rows[12].provider) == ("MET", "beta")
    assert (rows[11].state.value, rows[11].provider) == ("CANCELLED", "alfa")


@pytest.mark.rule("AMI-10.1-b", "AMI-9-j")
@pytest.mark.parametrize(
    "row",
    [
        on("2024-06-20", "exited", kind="BENEFIT_TEMPORARY"),
        exited("2024-06-20", "WORK_MIN_HALF_TIME", extent_pct=49),
        exited("2025-03-15"),
        exited("2024-06-20", contract_until="2024-12-18"),
    ],
)
def test_an_exit_that_does_not_qualify_or_comes_too_late_has_neither_follow_ups_nor_claim(row: dict[str, Any]) -> None:
    assert rows_of(ami2(row), "2025-12-31", PREMIUM) == []
    assert rows_of(ami2(row), "2025-12-31", CLAIM) == []


@pytest.mark.rule("AMI-10.1-b")
def test_what_a_person_refuses_needs_no_more_follow_ups() -> None:
    business = exited("2025-03-20", "OWN_BUSINESS", workplace=None, extent_pct=None)
    refused = on("2025-04-10", "manual_decision", about="BONUS", approved=False)
    one = ami1(business, refused)
    assert states(one, "2025-06-01", PREMIUM) == {2: "CANCELLED", 3: "CANCELLED"}
    assert states(one, "2025-06-01", CLAIM) == {1: "CANCELLED"}
    assert states(ami1(business), "2025-05-01", PREMIUM) == {2: "OPEN", 3: "OPEN"}


# --- bonus claim --------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.2-c", "AMI-9-b")
def test_the_claim_is_owed_from_the_qualifying_exit_without_due_day_and_met_by_the_claim() -> None:
    one = ami2(exited("2024-06-20"), claim("2024-12-20"))
    assert short(rows_of(one, "2024-06-20", CLAIM)) == [(1, None, "OPEN", None)]
    assert short(rows_of(one, "2024-12-19", CLAIM)) == [(1, None, "OPEN", None)]
    assert short(rows_of(one, "2024-12-20", CLAIM)) == [(1, None, "MET", "2024-12-20")]
    assert rows_of(one, "2024-12-20", CLAIM)[0].rules == ("AMI-10.2-c",)


@pytest.mark.rule("AMI-10.2-c")
def test_with_a_deadline_the_claim_is_due_so_many_months_after_the_settle_date() -> None:
    one = ami2(exited("2024-06-20"))
    deadline = {"bonus.claim_deadline_months": 3}
    assert short(rows_of(one, "2025-03-20", CLAIM, deadline)) == [(1, "2025-03-20", "OPEN", None)]
    assert state(one, "2025-03-21", CLAIM, settings=deadline) == "OVERDUE"


@pytest.mark.rule("AMI-9-e")
@pytest.mark.parametrize(("day", "expected"), [("2024-12-19", "CANCELLED"), ("2024-12-20", "OPEN")])
def test_we_22_a_break_off_before_the_settle_date_takes_the_claim_away(day: str, expected: str) -> None:
    assert state(ami2(exited("2024-06-20"), on(day, "broke_off")), "2025-01-01", CLAIM) == expected


@pytest.mark.rule("AMI-9-e")
def test_we_22_under_longer_than_six_months_one_more_day_is_needed() -> None:
    longer = {"sustainability.comparison": "GT"}
    assert (
        state(ami2(exited("2024-06-20"), on("2024-12-20", "broke_off")), "2025-01-01", CLAIM, 1, longer) == "CANCELLED"
    )
    assert state(ami2(exited("2024-06-20"), on("2024-12-21", "broke_off")), "2025-01-01", CLAIM, 1, longer) == "OPEN"


@pytest.mark.rule("AMI-10.2-d", "AMI-10.2-b")
def test_we_31_a_new_employer_takes_the_claim_away_in_ami_2_only() -> None:
    moved = on("2024-10-01", "workplace_changed", workplace="W2", gap_days=0)
    assert state(ami2(exited("2024-06-20"), moved), "2025-01-01", CLAIM) == "CANCELLED"
    tolerant = {"ami2.employer_change": "ALLOW_NO_GAP"}
    assert state(ami2(exited("2024-06-20"), moved), "2025-01-01", CLAIM, settings=tolerant) == "OPEN"
    first = ami1(exited("2024-06-20"), moved, decided="2024-05-02", started="2024-05-06")
    assert state(first, "2025-01-01", CLAIM) == "OPEN"
    assert state(first, "2025-01-01", CLAIM, settings={"ami1.employer_change": "FORFEIT"}) == "CANCELLED"


@pytest.mark.rule("AMI-10.1-d", "AMI-10.2-c")
def test_a_forfeited_claim_makes_room_for_that_of_the_second_exit() -> None:
    back = [exited("2024-06-20"), on("2024-09-01", "broke_off"), on("2024-09-10", "resumed", provider="beta")]
    one = ami2(*back, exited("2025-01-20"), claim("2025-07-20"))
    (row,) = rows_of(one, "2025-07-20", CLAIM)
    assert (row.state.value, row.met_on, row.provider) == ("MET", d("2025-07-20"), "beta")


@pytest.mark.rule("AMI-10.1-b")
def test_an_exit_that_is_known_before_the_start_has_no_premium_months_yet() -> None:
    one = ami1(exited("2025-03-20"), started=None, end_date="2025-06-01")
    assert rows_of(one, "2025-03-20", PREMIUM, {"intervention.anchor": "START_UP"}) == []


@pytest.mark.rule("AMI-10.2-a")
def test_an_earned_claim_stands_until_the_second_exit_is_claimed() -> None:
    rows = [exited("2024-04-20"), on("2024-11-01", "broke_off"), on("2024-11-04", "resumed", provider="beta")]
    rows.append(exited("2025-02-01"))
    assert state(ami2(*rows), "2025-09-01", CLAIM) == "OPEN"
    (claimed,) = rows_of(ami2(*rows, claim("2025-02-10")), "2025-09-01", CLAIM)
    assert claimed.met_on == d("2025-02-10")


@pytest.mark.rule("AMI-10.2-b", "AMI-7-b")
def test_a_boundary_case_is_claimable_once_a_person_says_that_it_is_in_time() -> None:
    late = exited("2025-06-01")
    assert rows_of(ami1(late), "2025-06-01", CLAIM) == []
    yes = on("2025-06-10", "manual_decision", about="BOUNDARY", approved=True)
    assert state(ami1(late, yes), "2025-06-10", CLAIM) == "OPEN"
    early = exited("2025-05-01", first_day="2025-05-01")
    no = on("2025-05-10", "manual_decision", about="BOUNDARY", approved=False)
    february = {"decided": "2025-02-01", "started": "2025-02-03"}
    assert state(ami1(early, **february), "2025-05-01", CLAIM) == "OPEN"
    assert state(ami1(early, no, **february), "2025-05-10", CLAIM) == "CANCELLED"
