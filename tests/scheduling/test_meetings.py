"""Follow-up meetings, declined offers, prompt notices, BIP."""

from __future__ import annotations

from typing import Any

import pytest

from kundval_contracts.codes import Role
from tests.scheduling.builders import ami1, ami2, d, exited, on, rows_of, short, state

FOLLOW_UP, THREE, PROMPT, BIP = "FOLLOWUP_MEETING", "THREE_PARTY_MEETING", "PROMPT_NOTICE", "BIP_ASSESSMENT"


def held(day: str, meeting: str, **fields: Any) -> dict[str, Any]:
    return on(day, "meeting_held", meeting=meeting, **fields)


def declined(day: str, receives_eb: bool = True, offer: str = "WORK_TRAINING", **fields: Any) -> dict[str, Any]:
    return on(day, "offer_declined", offer=offer, receives_eb=receives_eb, **fields)


def dues(one: Any, as_of: str, settings: dict[str, Any] | None = None) -> list[str]:
    return [str(row.due) for row in rows_of(one, as_of, FOLLOW_UP, settings)]


# --- follow-ups ---------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-7.2-a", "AMI-7-b")
def test_we_01_the_meeting_of_ami_1_is_on_day_45() -> None:
    one = ami1()
    assert short(rows_of(one, "2025-03-10", FOLLOW_UP)) == [(1, "2025-04-17", "OPEN", None)]
    assert dues(one, "2025-03-10", {"ami1.followup.offset_days": 44}) == ["2025-04-16"]


@pytest.mark.rule("AMI-8.2-a", "AMI-8.2-b")
def test_we_10_meetings_of_ami_2_from_the_decision_with_the_last_on_the_last_covered_day() -> None:
    assert dues(ami2(), "2024-03-15") == ["2024-06-15", "2024-09-15", "2024-12-15", "2025-03-14"]
    uncapped = {"ami2.final_meeting.cap": "NONE"}
    assert dues(ami2(), "2024-03-28", uncapped) == ["2024-06-15", "2024-09-15", "2024-12-15", "2025-03-15"]


@pytest.mark.rule("AMI-8.2-a")
def test_we_10_from_the_start_up_meeting_the_last_one_is_two_weeks_after_the_end() -> None:
    from_start = {"ami2.followup.anchor": "START_UP"}
    assert dues(ami2(), "2024-03-28", from_start) == ["2024-06-28", "2024-09-28", "2024-12-28", "2025-03-28"]
    assert dues(ami2(), "2024-03-27", from_start) == []


@pytest.mark.rule("AMI-8.2-a")
def test_meetings_from_a_month_end_are_clipped_and_never_chained() -> None:
    one = ami2(decided="2024-08-31", started="2024-09-02")
    assert dues(one, "2024-09-02") == ["2024-11-30", "2025-02-28", "2025-05-31", "2025-08-30"]


@pytest.mark.rule("AMI-8.2-a")
def test_a_meeting_is_open_through_its_tolerance_and_overdue_from_the_day_after() -> None:
    assert state(ami2(), "2024-06-29", FOLLOW_UP, 1) == "OPEN"
    assert state(ami2(), "2024-06-30", FOLLOW_UP, 1) == "OVERDUE"
    (row, *_) = rows_of(ami2(), "2024-06-20", FOLLOW_UP)
    assert (row.due, row.overdue_after) == (d("2024-06-15"), d("2024-06-29"))
    assert state(ami2(), "2024-06-16", FOLLOW_UP, 1, {"followup.tolerance_days": 0}) == "OVERDUE"


@pytest.mark.rule("AMI-8.2-a")
def test_a_meeting_held_late_is_met_on_that_day() -> None:
    one = ami2(held("2024-07-10", "FOLLOWUP_AMI2_M3"))
    assert state(one, "2024-07-09", FOLLOW_UP, 1) == "OVERDUE"
    assert short(rows_of(one, "2024-07-10", FOLLOW_UP))[0] == (1, "2024-06-15", "MET", "2024-07-10")


@pytest.mark.rule("AMI-8.2-a")
def test_the_sequence_says_which_meeting_was_held_and_else_its_kind_does() -> None:
    one = ami2(held("2024-09-10", "FOLLOWUP_AMI2_M6"), held("2024-12-10", "FOLLOWUP_AMI2_M12", sequence=3))
    states = [row.state.value for row in rows_of(one, "2024-12-20", FOLLOW_UP)]
    assert states == ["OVERDUE", "MET", "MET", "OPEN"]


@pytest.mark.rule("AMI-7.2-a")
def test_other_meetings_do_not_meet_a_follow_up() -> None:
    one = ami1(held("2025-04-10", "THREE_PARTY_EXTRA"), on("2025-04-01", "meeting_booked", meeting="FOLLOWUP_AMI1_D45"))
    assert state(one, "2025-05-02", FOLLOW_UP) == "OVERDUE"
    assert state(ami1(held("2025-05-01", "FOLLOWUP_AMI1_D45")), "2025-05-02", FOLLOW_UP) == "MET"


@pytest.mark.rule("AMI-8.2-a")
def test_an_exit_cancels_what_is_open_and_leaves_what_is_overdue() -> None:
    rows = rows_of(ami2(exited("2024-09-20")), "2024-12-31", FOLLOW_UP)
    assert [row.state.value for row in rows] == ["OVERDUE", "CANCELLED", "CANCELLED", "CANCELLED"]


@pytest.mark.rule("AMI-8.2-a")
@pytest.mark.parametrize(("day", "expected"), [("2024-06-29", "CANCELLED"), ("2024-06-30", "OVERDUE")])
def test_on_the_last_day_of_the_tolerance_an_exit_still_cancels(day: str, expected: str) -> None:
    assert state(ami2(exited(day)), "2024-12-31", FOLLOW_UP, 1) == expected


@pytest.mark.rule("AMI-8.2-b", "AMI-10.1-d")
def test_after_a_resumption_the_meetings_that_lie_ahead_are_planned_again() -> None:
    one = ami2(exited("2024-06-01"), on("2024-09-01", "broke_off"), on("2024-09-10", "resumed", provider="beta"))
    rows = rows_of(one, "2024-09-10", FOLLOW_UP)
    assert short(rows) == [
        (1, "2024-06-15", "CANCELLED", None),
        (2, "2024-09-15", "OPEN", None),
        (3, "2024-12-15", "OPEN", None),
        (4, "2025-03-14", "OPEN", None),
    ]
    assert [row.provider for row in rows] == ["alfa", "beta", "beta", "beta"]


@pytest.mark.rule("AMI-10.1-d")
@pytest.mark.parametrize(("day", "expected"), [("2024-09-15", "OPEN"), ("2024-09-16", "CANCELLED")])
def test_a_resumption_on_the_target_day_itself_still_plans_the_meeting(day: str, expected: str) -> None:
    one = ami2(exited("2024-06-01"), on("2024-09-01", "broke_off"), on(day, "resumed", provider="beta"))
    assert state(one, "2024-09-16", FOLLOW_UP, 2) == expected


@pytest.mark.rule("AMI-8.2-a")
def test_a_shorter_intervention_has_only_the_meetings_that_it_reaches() -> None:
    assert dues(ami2(end_date="2024-09-15"), "2024-03-28") == ["2024-06-15", "2024-09-14"]
    assert dues(ami1(end_date="2025-04-10"), "2025-03-10") == []


@pytest.mark.rule("AMI-8.2-a")
def test_the_months_of_the_series_are_a_setting() -> None:
    assert dues(ami2(), "2024-03-28", {"ami2.followup.months": [6, 12]}) == ["2024-09-15", "2025-03-14"]


@pytest.mark.rule("AMI-7.2-a", "AMI-8.2-a")
def test_the_intervention_can_count_from_the_start_up_meeting() -> None:
    assert dues(ami1(), "2025-03-10", {"intervention.anchor": "START_UP"}) == ["2025-04-24"]


# --- declined offers ----------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3.2.1-b", "AMI-3.2.1-c")
def test_we_16_a_declined_offer_needs_a_three_party_meeting_that_the_provider_books() -> None:
    (row,) = rows_of(ami2(declined("2024-05-06")), "2024-05-06", THREE)
    assert (row.due, row.responsible, row.state.value, row.rules) == (None, Role.PROVIDER, "OPEN", ("AMI-3.2.1-b",))
    (without,) = rows_of(ami2(declined("2024-05-06", False)), "2024-05-06", THREE)
    assert without.rules == ("AMI-3.2.1-c",)


@pytest.mark.rule("AMI-3.2.1-b", "AMI-3.2.1-c")
def test_the_career_guide_can_book_for_clients_with_assistance_only() -> None:
    guide = {"declined_offer.booker": "CAREER_GUIDE"}
    (row,) = rows_of(ami2(declined("2024-05-06")), "2024-05-06", THREE, guide)
    assert (row.responsible, row.provider) == (Role.CAREER_GUIDE, None)
    (without,) = rows_of(ami2(declined("2024-05-06", False)), "2024-05-06", THREE, guide)
    assert without.responsible is Role.PROVIDER


@pytest.mark.rule("AMI-3.2.1-b")
def test_a_meeting_without_sequence_is_about_every_offer_declined_before() -> None:
    kind = "THREE_PARTY_DECLINED_OFFER"
    one = ami2(declined("2024-05-06"), declined("2024-05-08"), held("2024-05-20", kind), declined("2024-06-01"))
    assert [row.state.value for row in rows_of(one, "2024-06-10", THREE)] == ["MET", "MET", "OPEN"]
    second = ami2(declined("2024-05-06"), declined("2024-05-08"), held("2024-05-20", kind, sequence=2))
    assert [row.state.value for row in rows_of(second, "2024-06-10", THREE)] == ["OPEN", "MET"]


@pytest.mark.rule("AMI-3.2.1-b")
def test_an_exit_cancels_the_meeting_about_a_declined_offer() -> None:
    one = ami2(declined("2024-05-06"), exited("2024-05-20"))
    assert state(one, "2024-05-20", THREE) == "CANCELLED"
    assert state(ami2(declined("2024-05-06")), "2025-12-31", THREE) == "OPEN"


# --- prompt notices -----------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3.2.1-b", "AMI-3.2.1-c")
def test_we_16_the_career_guide_is_told_by_the_next_working_day() -> None:
    one = ami2(declined("2024-05-06"))
    assert short(rows_of(one, "2024-05-07", PROMPT)) == [(1, "2024-05-07", "OPEN", None)]
    assert state(one, "2024-05-08", PROMPT) == "OVERDUE"
    told = ami2(declined("2024-05-06"), on("2024-05-07", "guide_notified"))
    assert short(rows_of(told, "2024-06-01", PROMPT)) == [(1, "2024-05-07", "MET", "2024-05-07")]


@pytest.mark.rule("AMI-3.2.1-b")
def test_a_friday_is_followed_by_monday_and_the_number_of_days_is_a_setting() -> None:
    friday = ami2(declined("2024-05-03"))
    assert rows_of(friday, "2024-05-03", PROMPT)[0].due == d("2024-05-06")
    assert rows_of(friday, "2024-05-03", PROMPT, {"prompt_notice.workdays": 3})[0].due == d("2024-05-08")
    assert rows_of(friday, "2024-05-03", PROMPT, {"prompt_notice.workdays": 0})[0].due == d("2024-05-03")


@pytest.mark.rule("AMI-3.2.1-b", "AMI-10.1-e")
def test_as_soon_as_possible_and_without_delay_can_be_different_numbers_of_days() -> None:
    one = ami2(declined("2024-05-03"), exited("2024-06-20"), on("2024-09-06", "broke_off"))  # Fridays

    def due(given: dict[str, int]) -> list[str | None]:
        return [row.due.isoformat() if row.due else None for row in rows_of(one, "2024-09-06", PROMPT, given)]

    assert due({}) == ["2024-05-06", "2024-09-09"]
    assert due({"prompt_notice.as_soon_as_possible_workdays": 2}) == ["2024-05-07", "2024-09-09"]
    assert due({"prompt_notice.without_delay_workdays": 0}) == ["2024-05-06", "2024-09-06"]
    assert due({"prompt_notice.workdays": 3, "prompt_notice.without_delay_workdays": 1}) == ["2024-05-08", "2024-09-09"]


@pytest.mark.rule("AMI-10.1-e")
def test_we_24_a_break_off_counts_from_the_day_it_was_known() -> None:
    one = ami2(
        exited("2024-06-20"),
        on("2024-09-01", "broke_off", known_on="2024-10-18"),
        on("2024-10-22", "guide_notified"),
    )
    assert rows_of(one, "2024-10-17", PROMPT) == []
    assert short(rows_of(one, "2024-10-18", PROMPT)) == [(1, "2024-10-21", "OPEN", None)]
    (row,) = rows_of(one, "2024-10-22", PROMPT)
    assert (row.state.value, row.met_on, row.rules) == ("MET", d("2024-10-22"), ("AMI-10.1-e",))


# --- BIP ----------------------------------------------------------------------------------------------


def assessed(*days: str) -> list[dict[str, Any]]:
    return [on(day, "bip_assessed") for day in days]


@pytest.mark.rule("LOKA-23")
def test_we_48_bip_is_due_every_three_months_from_the_first_assessment() -> None:
    one = ami2(*assessed("2024-01-31"), decided="2024-01-10", started="2024-01-15")
    assert [str(row.due) for row in rows_of(one, "2024-02-01", BIP)] == ["2024-04-30", "2024-07-31", "2024-10-31"]


@pytest.mark.rule("LOKA-23")
def test_bip_is_met_by_an_assessment_after_the_day_before_it_was_due() -> None:
    one = ami2(*assessed("2024-04-01", "2024-06-20", "2024-07-01", "2024-10-05"))
    assert short(rows_of(one, "2024-10-10", BIP)) == [
        (1, "2024-07-01", "MET", "2024-06-20"),
        (2, "2024-10-01", "MET", "2024-10-05"),
        (3, "2025-01-01", "MET", "2024-10-05"),
    ]


@pytest.mark.rule("LOKA-23", "LOKA-59")
def test_there_is_no_bip_before_a_first_assessment_or_where_it_is_not_used() -> None:
    assert rows_of(ami2(), "2024-12-31", BIP) == []
    assert rows_of(ami2(*assessed("2024-04-01")), "2024-12-31", BIP, municipality="kramfors") == []
    assert len(rows_of(ami2(*assessed("2024-04-01")), "2024-12-31", BIP, {"bip.interval_months": 6})) == 1
