"""The end of the period, the booking of meetings, due days that move, the next follow-up."""

from __future__ import annotations

import pytest

from kundval_scheduling.domain import next_follow_up
from tests.scheduling.builders import ami1, ami2, case, d, exited, on, rows_of, short, state, tenant
from tests.scheduling.test_start import placed

BOOK, END, PRACTICE = "BOOK_MEETING", "PERIOD_END", "PRACTICE_CONTACT"


def booked(day: str, meeting: str, **fields: object) -> dict[str, object]:
    return on(day, "meeting_booked", meeting=meeting, **fields)


# --- booking ------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-7.2-a")
def test_we_01_the_booking_task_of_ami_1_opens_fourteen_days_before_day_45() -> None:
    assert rows_of(ami1(), "2025-04-02", BOOK) == []
    assert short(rows_of(ami1(), "2025-04-03", BOOK)) == [(1, "2025-04-17", "OPEN", None)]
    assert state(ami1(), "2025-04-17", BOOK) == "OPEN"
    assert state(ami1(), "2025-04-18", BOOK) == "OVERDUE"
    early = ami1(booked("2025-03-20", "FOLLOWUP_AMI1_D45"))
    assert state(early, "2025-04-03", BOOK) == "MET"


@pytest.mark.rule("AMI-8.2-b")
def test_we_10_in_ami_2_a_meeting_is_booked_a_lead_time_before_it() -> None:
    one = ami2(booked("2024-06-01", "FOLLOWUP_AMI2_M3"), on("2024-09-10", "meeting_held", meeting="FOLLOWUP_AMI2_M6"))
    assert rows_of(one, "2024-05-17", BOOK) == []
    assert short(rows_of(one, "2024-05-18", BOOK)) == [(1, "2024-06-01", "OPEN", None)]
    assert short(rows_of(one, "2024-12-31", BOOK)) == [
        (1, "2024-06-01", "MET", "2024-06-01"),
        (2, "2024-09-01", "MET", "2024-09-10"),
        (3, "2024-12-01", "OVERDUE", None),
    ]
    assert rows_of(one, "2025-03-14", BOOK)[-1].due == d("2025-02-28")


@pytest.mark.rule("AMI-8.2-b")
def test_the_booking_goes_with_the_meeting_and_comes_back_with_it() -> None:
    one = ami2(exited("2024-05-20"), on("2024-08-20", "broke_off"), on("2024-09-05", "resumed", provider="beta"))
    assert state(one, "2024-05-20", BOOK) == "CANCELLED"
    assert short(rows_of(one, "2024-09-05", BOOK))[1] == (2, "2024-09-05", "OPEN", None)
    assert rows_of(one, "2024-09-05", BOOK)[1].provider == "beta"


# --- the end ------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-7-b")
@pytest.mark.parametrize(("settings", "last"), [({}, "2025-05-31"), ({"ami1.length_unit": "MONTHS_3"}, "2025-06-02")])
def test_we_01_by_the_last_covered_day_there_is_an_exit(settings: dict[str, object], last: str) -> None:
    assert short(rows_of(ami1(), "2025-03-10", END, settings)) == [(1, last, "OPEN", None)]
    assert rows_of(ami1(), "2025-03-09", END, settings) == []
    assert state(ami1(), last, END, settings=settings) == "OPEN"
    assert state(ami1(), "2025-06-03", END, settings=settings) == "OVERDUE"


@pytest.mark.rule("AMI-8-c")
def test_an_exit_meets_the_end_even_late_and_a_resumption_has_one_of_its_own() -> None:
    one = ami2(exited("2024-06-20"), on("2024-09-01", "broke_off"), on("2024-09-10", "resumed", provider="beta"))
    assert short(rows_of(one, "2025-03-15", END)) == [
        (1, "2025-03-14", "MET", "2024-06-20"),
        (2, "2025-03-14", "OVERDUE", None),
    ]
    assert short(rows_of(ami2(exited("2025-04-01")), "2025-04-01", END)) == [(1, "2025-03-14", "MET", "2025-04-01")]


@pytest.mark.rule("AMI-8-c")
def test_twelve_months_from_a_leap_day_end_on_the_day_before_the_last_of_february() -> None:
    one = ami2(decided="2024-02-29", started="2024-02-29")
    assert rows_of(one, "2024-02-29", END)[0].due == d("2025-02-27")


# --- practice and changed agreements ------------------------------------------------------------------


def practice(day: str, **fields: str) -> dict[str, object]:
    return placed(day, 20, kind="PRACTICE", **fields)


@pytest.mark.rule("AMI-7.3-d")
def test_each_whole_week_of_practice_has_contact_with_client_and_employer() -> None:
    one = ami1(
        practice("2025-03-19"),
        on("2025-03-25", "contact", party="CLIENT"),
        on("2025-03-28", "contact", party="WORKPLACE"),
        on("2025-04-01", "contact", party="CLIENT"),
        on("2025-04-09", "placement_ended", workplace="W1"),
    )
    assert rows_of(one, "2025-03-23", PRACTICE) == []  # Wednesday to Sunday: a part week
    assert short(rows_of(one, "2025-03-27", PRACTICE)) == [(1001, "2025-03-30", "OPEN", None)]
    assert short(rows_of(one, "2025-04-30", PRACTICE)) == [
        (1001, "2025-03-30", "MET", "2025-03-28"),
        (1002, "2025-04-06", "OVERDUE", None),
        (1003, "2025-04-13", "CANCELLED", None),
    ]


@pytest.mark.rule("AMI-7.3-d")
def test_at_an_own_workplace_there_is_no_employer_to_ask_and_other_placements_have_none() -> None:
    own = ami1(practice("2025-03-17", workplace_kind="WORK_GROUP"), on("2025-03-18", "contact", party="CLIENT"))
    assert short(rows_of(own, "2025-03-23", PRACTICE)) == [(1001, "2025-03-23", "MET", "2025-03-18")]
    assert rows_of(ami1(placed("2025-03-17")), "2025-04-30", PRACTICE) == []
    assert rows_of(ami2(practice("2024-04-08")), "2024-06-30", PRACTICE) == []


@pytest.mark.rule("AMI-7.3-d")
def test_practice_asks_for_no_contact_as_long_as_the_intervention_has_no_end() -> None:
    early = ami1(practice("2025-03-17"), started=None)
    assert rows_of(early, "2025-04-30", PRACTICE, {"intervention.anchor": "START_UP"}) == []


@pytest.mark.rule("AMI-7.3-d")
def test_the_weeks_of_one_placement_are_never_those_of_another_however_long_it_is() -> None:
    one = ami1(practice("2025-03-17"), placed("2025-03-18", workplace="W2", kind="PRACTICE"), end_date="2028-03-03")
    rows = rows_of(one, "2028-03-03", PRACTICE)
    assert len(rows) == len({row.due for row in rows}) * 2 - 1  # the second begins on a Tuesday


@pytest.mark.rule("AMI-6.3.1-d", "AMI-8.1-c")
def test_a_change_in_a_last_month_that_is_cut_short_is_due_with_the_report_of_that_month() -> None:
    one = ami2(placed("2024-04-08"), placed("2024-05-20", 30), end_date="2024-06-01")
    due = {"monthly_report.due_day": 5}
    (change,) = rows_of(one, "2024-06-01", "AGREEMENT_CHANGE", due)
    assert change.due == rows_of(one, "2024-06-01", "MONTHLY_REPORT", due)[-1].due == d("2024-06-05")


@pytest.mark.rule("AMI-6.3.1-d")
def test_we_17_a_changed_agreement_goes_with_the_report_of_its_month() -> None:
    change = placed("2024-05-20", 30)
    one = ami2(placed("2024-04-08"), change, on("2024-06-16", "monthly_report", month=3, attachments=["change"]))
    kind, due = "AGREEMENT_CHANGE", {"monthly_report.due_day": 5}
    assert rows_of(one, "2024-05-19", kind) == []
    assert short(rows_of(one, "2024-05-20", kind)) == [(1, None, "OPEN", None)]
    assert short(rows_of(one, "2024-06-15", kind, due)) == [(1, "2024-06-19", "OPEN", None)]
    assert short(rows_of(one, "2024-06-16", kind, due)) == [(1, "2024-06-19", "MET", "2024-06-16")]
    without = ami2(placed("2024-04-08"), change, on("2024-06-16", "monthly_report", month=3))
    assert state(without, "2024-06-20", kind, settings=due) == "OVERDUE"
    assert state(ami2(placed("2024-04-08"), change, exited("2024-06-01")), "2024-07-01", kind) == "CANCELLED"


# --- due days that move -------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3-c")
@pytest.mark.parametrize(
    ("move", "due"), [("NO", "2024-05-09"), ("NEXT_WORKDAY", "2024-05-10"), ("PREVIOUS_WORKDAY", "2024-05-08")]
)
def test_a_due_day_on_a_holiday_moves_as_the_municipality_says(move: str, due: str) -> None:
    one = ami2(started="2024-04-25")  # fourteen days later is Ascension Day
    moves = {"due_day.moves": {"MAPPING_AND_PLAN": move}}
    (row,) = rows_of(one, "2024-04-25", "MAPPING_AND_PLAN", moves)
    assert (row.due, row.overdue_after) == (d(due), d(due))
    assert rows_of(one, "2024-04-25", "STUDY_GUIDANCE", moves)[0].due == d("2024-05-09")


@pytest.mark.rule("AMI-8.2-a")
def test_the_tolerance_runs_from_the_moved_day_and_an_exit_brings_its_report_on_its_own() -> None:
    moves = {"due_day.moves": {"FOLLOWUP_MEETING": "NEXT_WORKDAY", "FINAL_REPORT": "NEXT_WORKDAY"}}
    (row, *_) = rows_of(ami2(), "2024-03-28", "FOLLOWUP_MEETING", moves)
    assert (row.due, row.overdue_after) == (d("2024-06-17"), d("2024-07-01"))  # 15 June is a Saturday
    left = ami2(exited("2024-06-15"))
    assert rows_of(left, "2024-06-15", "FINAL_REPORT", moves)[0].due == d("2024-06-15")


@pytest.mark.rule("AMI-10.1-e")
def test_prompt_notices_count_swedish_working_days_where_the_municipality_says_so() -> None:
    one = ami2(on("2024-12-23", "offer_declined", offer="WORK", receives_eb=False))
    assert rows_of(one, "2024-12-23", "PROMPT_NOTICE")[0].due == d("2024-12-24")
    swedish = {"workdays.calendar": "SWEDISH"}
    assert rows_of(one, "2024-12-23", "PROMPT_NOTICE", swedish)[0].due == d("2024-12-27")


# --- the next follow-up -------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-13")
def test_every_active_assignment_has_a_follow_up_ahead() -> None:
    rows = rows_of(ami2(), "2024-03-28")
    found = next_follow_up(rows, d("2024-03-28"))
    assert found is not None
    assert (found.kind, found.sequence, found.due) == ("FOLLOWUP_MEETING", 1, d("2024-06-15"))
    held = ami2(on("2024-06-15", "meeting_held", meeting="FOLLOWUP_AMI2_M3"))
    after = next_follow_up(rows_of(held, "2024-06-20"), d("2024-06-20"))
    assert after is not None
    assert (after.kind, after.sequence, after.due) == ("FOLLOWUP_MEETING", 2, d("2024-09-15"))


@pytest.mark.rule("NACKA-13")
def test_one_that_has_ended_or_is_only_late_has_none() -> None:
    assert next_follow_up(rows_of(ami2(), "2026-01-01"), d("2026-01-01")) is None
    over = rows_of(ami2(exited("2024-06-20", "BENEFIT_OTHER_PUBLIC")), "2024-06-21")
    assert not {row.kind.value for row in over if row.state == "OPEN"} & {"WEEKLY_CONTACT", "FOLLOWUP_MEETING"}
    assert next_follow_up([], d("2024-06-20")) is None


def test_jobbpeng_has_nothing_but_interest() -> None:
    one = case(
        "JOBBPENG_BASIC",
        on("2024-03-15", "decided"),
        on("2024-03-15", "provider_chosen", provider="alfa"),
        on("2024-03-20", "started"),
        on("2024-04-01", "interest_expressed", workplace="W1"),
    )
    assert [row.kind.value for row in rows_of(one, "2024-05-01")] == ["INTEREST_FOLLOW_UP"]
    assert tenant().settings["interest.followup_days"] is None
