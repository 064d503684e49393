"""Notices beside those of the caseload format: from facts of any programme, meetings, obligations and other news."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kundval_contracts.answer import Obligation
from kundval_contracts.case import Case
from kundval_contracts.codes import ObligationKind, ObligationState, Role
from kundval_contracts.notices import changed, notice_table
from kundval_contracts.obligations import terms
from kundval_notifications.domain import notices as caseload_notices
from kundval_notifications.domain import outlook
from kundval_notifications.domain.heard import Heard
from tests.notifications.further import brief, heard, meeting, notices, told
from tests.scheduling.builders import ami1, ami2, case, d, exited, on, start, tenant

JOBBPENG = start("2024-03-15", "2024-03-28")


def jobbpeng(*rows: dict[str, Any]) -> Case:
    return case("JOBBPENG_BASIC", *JOBBPENG, *rows)


def local(*rows: dict[str, Any]) -> Case:
    return case("LOCAL", *JOBBPENG, *rows)


# --- from facts -----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-2.2-b")
def test_a_request_for_the_coordinator_goes_to_the_career_guide_again_each_week_until_it_is_brokered() -> None:
    one = ami2(on("2024-05-02", "coordinator_requested"))  # a Thursday
    rows = told(one, "2024-06-30", "COORDINATOR_REQUESTED")
    assert brief(rows) == [
        ("2024-05-02", "CAREER_GUIDE"),
        ("2024-05-09", "CAREER_GUIDE"),
        ("2024-05-16", "CAREER_GUIDE"),
    ]
    assert [row.notice.round for row in rows] == [0, 1, 2]
    # each gives way to the next
    assert [row.holds(d("2024-06-30")) for row in rows] == [False, False, True]

    def rounds(day: str) -> int:
        brokered = ami2(on("2024-05-02", "coordinator_requested"), on(day, "coordinator_brokered"))
        return len(told(brokered, "2024-06-30", "COORDINATOR_REQUESTED"))

    assert (rounds("2024-05-08"), rounds("2024-05-09"), rounds("2024-05-10")) == (1, 2, 2)


@pytest.mark.rule("AMI-2.2-c")
def test_once_it_is_brokered_the_coordinator_is_to_be_informed() -> None:
    asked, brokered = on("2024-05-02", "coordinator_requested"), on("2024-05-03", "coordinator_brokered")
    (row,) = told(ami2(asked, brokered), "2024-05-03", "COORDINATOR_TO_INFORM")
    assert (row.notice.to, row.notice.rules) == (Role.CAREER_GUIDE, ("AMI-2.2-c",))
    assert row.holds(d("2024-05-03"))
    informed = on("2024-05-04", "coordinator_informed", legal_basis="CONSENT")
    (row,) = told(ami2(asked, brokered, informed), "2024-05-04", "COORDINATOR_TO_INFORM")
    assert row.ended == d("2024-05-04")


@pytest.mark.rule("AMI-7-c")
def test_an_obstacle_that_was_found_goes_to_the_career_guide() -> None:
    one = ami1(on("2025-04-01", "obstacle_found", known_on="2025-04-03"))
    assert told(one, "2025-04-02", "OBSTACLE_FOUND") == []
    assert brief(told(one, "2025-04-03", "OBSTACLE_FOUND")) == [("2025-04-03", "CAREER_GUIDE")]


@pytest.mark.rule("LOKA-30")
def test_a_broken_plan_goes_to_client_and_career_guide_without_its_reason() -> None:
    rows = notices(told(local(on("2024-05-02", "plan_broken", reason="ABSENT")), "2024-05-02", "PLAN_BROKEN"))
    assert [(row.to, dict(row.values)) for row in rows] == [
        (Role.CAREER_GUIDE, {"day": "2024-05-02"}),
        (Role.CLIENT, {}),
    ]


@pytest.mark.rule("LOKA-37")
def test_a_step_of_a_subsidy_case_is_told_without_saying_which() -> None:
    step = on("2024-05-02", "subsidy_step", subsidy="s-1", step="CODE_OBTAINED")
    (row,) = notices(told(local(step), "2024-05-02", "SUBSIDY_STEP"))
    assert dict(row.values) == {"day": "2024-05-02"}


@pytest.mark.rule("AMI-6.3.1-d")
def test_a_report_with_a_changed_agreement_goes_to_the_career_guide_and_one_without_does_not() -> None:
    placed = on("2024-05-02", "placement_started", workplace="W1", hours_per_week="20")
    changed_ = on("2024-05-20", "placement_started", workplace="W1", hours_per_week="30")

    def rows(**fields: Any) -> list[tuple[str, str]]:
        report = on("2024-06-10", "monthly_report", month=3, extent_pct=100, **fields)
        return brief(told(ami2(placed, changed_, report), "2024-06-10", "AGREEMENT_CHANGED"))

    assert rows(attachments=["a-1"]) == [("2024-06-10", "CAREER_GUIDE")]
    assert rows() == []


# --- absence --------------------------------------------------------------------------------------------


def absent(day: str, days: int, cause: str = "EXCUSED", **fields: Any) -> dict[str, Any]:
    return on(day, "absence_reported", days=days, cause=cause, **fields)


def duties(one: Case, as_of: str, given: dict[str, Any] | None = None) -> list[tuple[str, str, str]]:
    rows = notices(told(one, as_of, "ABSENCE_TO_REPORT", given))
    return [(row.on.isoformat(), row.to.value, row.values["duty"]) for row in rows]


@pytest.mark.rule("NACKA-JP-3")
@pytest.mark.parametrize(("days", "certificate", "asked"), [(7, False, 0), (8, False, 1), (9, False, 1), (9, True, 0)])
def test_from_the_eighth_day_of_an_absence_a_certificate_is_asked_for(days: int, certificate: bool, asked: int) -> None:
    one = jobbpeng(absent("2024-05-01", days, certificate=certificate))
    assert duties(one, "2024-05-07") == []
    assert duties(one, "2024-05-08") == [("2024-05-08", "PROVIDER", "CERTIFICATE")] * asked


@pytest.mark.rule("NACKA-JP-3")
def test_a_second_excused_absence_within_the_time_and_any_unexcused_one_ask_for_a_meeting_of_three() -> None:
    both = [("2024-06-03", role, "THREE_PARTY_MEETING") for role in ("CAREER_GUIDE", "PROVIDER")]
    assert duties(jobbpeng(absent("2024-05-01", 2)), "2024-07-01") == []
    assert duties(jobbpeng(absent("2024-05-01", 2), absent("2024-06-03", 1)), "2024-07-01") == both
    assert duties(jobbpeng(absent("2024-06-03", 1, "UNEXCUSED")), "2024-07-01") == both
    within = {"absence.repeated_within_days": 33}  # from 1 May to 3 June
    assert duties(jobbpeng(absent("2024-05-01", 2), absent("2024-06-03", 1)), "2024-07-01", within) == both
    within = {"absence.repeated_within_days": 32}
    assert duties(jobbpeng(absent("2024-05-01", 2), absent("2024-06-03", 1)), "2024-07-01", within) == []


@pytest.mark.rule("NACKA-JP-3")
def test_in_ami_the_routine_is_for_the_municipality_to_switch_on() -> None:
    one = ami2(absent("2024-05-01", 8))
    assert duties(one, "2024-06-01") == []
    assert len(duties(one, "2024-06-01", {"absence.programmes": ["AMI_2"]})) == 1
    assert duties(jobbpeng(absent("2024-05-01", 8)), "2024-06-01", {"absence.programmes": ["AMI_2"]}) == []


# --- follow-up ------------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-13")
def test_an_assignment_without_any_follow_up_ahead_is_told_of_a_week_after_its_start() -> None:
    assert told(jobbpeng(), "2024-04-03", "FOLLOW_UP_MISSING") == []
    assert brief(told(jobbpeng(), "2024-04-04", "FOLLOW_UP_MISSING")) == [("2024-04-04", "CAREER_GUIDE")]
    # AMI has its follow-ups
    assert told(ami2(), "2024-06-01", "FOLLOW_UP_MISSING") == []


@pytest.mark.rule("NACKA-13")
def test_a_booked_meeting_is_a_follow_up_and_after_the_exit_nobody_needs_one() -> None:
    booked = [meeting("booked", 1, "2024-04-02", "2024-04-20")]
    assert told(jobbpeng(), "2024-04-04", "FOLLOW_UP_MISSING", heard=booked) == []
    out = jobbpeng(on("2024-04-04", "exited", kind="DISCONTINUED"))
    assert told(out, "2024-04-30", "FOLLOW_UP_MISSING") == []
    later = jobbpeng(on("2024-04-05", "exited", kind="DISCONTINUED"))
    assert [row.ended for row in told(later, "2024-04-30", "FOLLOW_UP_MISSING")] == [d("2024-04-05")]


# --- escalation -----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-3-c", "AMI-8.3-a")
def test_what_nobody_does_rises_to_the_team_manager_and_stops_when_it_is_done() -> None:
    plan = [
        row
        for row in told(ami2(), "2024-06-30", "OBLIGATION_ESCALATED")
        if row.notice.values["obligation"] == "MAPPING_AND_PLAN"
    ]
    # due 11 April: late from Friday the 12th on, ten working days later it is the 26th
    assert brief(plan) == [("2024-04-26", "TEAM_MANAGER")]

    def risen(day: str) -> int:
        one = ami2(on(day, "mapping_done"), on(day, "plan_done"))
        rows = notices(told(one, "2024-06-30", "OBLIGATION_ESCALATED"))
        return sum(row.values["obligation"] == "MAPPING_AND_PLAN" for row in rows)

    assert (risen("2024-04-25"), risen("2024-04-26"), risen("2024-04-27")) == (0, 1, 1)


@pytest.mark.rule("AMI-3-a")
def test_a_week_without_contact_rises_only_if_the_next_one_has_none_either() -> None:
    def rows(*contacts: str) -> list[tuple[str, str]]:
        one = ami2(*(on(day, "contact") for day in contacts))
        found = told(one, "2024-05-31", "OBLIGATION_ESCALATED")
        return [
            (row.notice.on.isoformat(), row.notice.to.value)
            for row in found
            if (row.notice.values["obligation"], row.notice.values["due"]) == ("WEEKLY_CONTACT", "2024-04-07")
        ]

    # Sunday 7 April: late from Monday the 8th on; five working days later it is the 15th, fifteen the 29th
    assert rows() == [("2024-04-15", "CAREER_GUIDE"), ("2024-04-29", "TEAM_MANAGER")]
    assert rows("2024-04-12") == []
    assert rows("2024-04-17") == [("2024-04-15", "CAREER_GUIDE")]


def test_who_answers_for_it_anyway_is_no_step() -> None:
    row = Obligation(
        "A-001", ObligationKind.WEEKLY_CONTACT, 1, d("2024-04-07"), Role.CAREER_GUIDE, ObligationState.OVERDUE, None,
        ("AMI-3-a",), d("2024-04-07"),
    )  # fmt: skip
    rows, _ = outlook(ami2(), [row], (), tenant(), d("2024-06-01"))
    assert [one.notice.to for one in rows if one.notice.kind == "OBLIGATION_ESCALATED"] == [Role.TEAM_MANAGER]


def test_every_told_kind_of_obligation_has_a_ladder_with_the_team_manager_last() -> None:
    for kind, row in terms().items():
        if row.told:
            assert row.escalation[-1].to is Role.TEAM_MANAGER, kind
            guided = row.responsible is Role.CAREER_GUIDE or row.escalation[0].to is Role.CAREER_GUIDE
            assert guided, kind


# --- meetings -------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-7.2-b")
def test_a_meeting_that_moves_is_told_to_all_who_come_and_the_client_reminded_of_the_new_day_alone() -> None:
    moved = [meeting("booked", 1, "2024-05-02", "2024-05-20"), meeting("rebooked", 2, "2024-05-06", "2024-05-27")]
    rows = told(ami2(), "2024-05-31", heard=moved)
    ours = [row for row in rows if row.notice.kind.startswith("MEETING_") and row.notice.kind != "MEETING_TO_BOOK"]
    assert [(row.notice.kind, *brief([row])[0]) for row in ours] == [
        ("MEETING_MOVED", "2024-05-06", "CAREER_GUIDE"),
        ("MEETING_MOVED", "2024-05-06", "CLIENT"),
        ("MEETING_MOVED", "2024-05-06", "PROVIDER"),
        ("MEETING_SOON", "2024-05-26", "CLIENT"),
    ]
    assert {row.lapses_on for row in ours} == {d("2024-05-28")}
    assert all(dict(row.notice.values) == {} for row in ours if row.notice.to is Role.CLIENT)


@pytest.mark.rule("AMI-7.2-b")
@pytest.mark.parametrize(("booked", "soon"), [("2024-05-18", True), ("2024-05-19", False), ("2024-05-20", False)])
def test_who_was_just_told_of_a_meeting_is_not_reminded_of_it(booked: str, soon: bool) -> None:
    rows = told(ami2(), "2024-05-31", "MEETING_SOON", heard=[meeting("booked", 1, booked, "2024-05-20")])
    assert brief(rows) == ([("2024-05-19", "CLIENT")] if soon else [])


@pytest.mark.rule("AMI-8.1-e")
def test_a_cancelled_meeting_takes_its_reminder_with_it_and_is_told_if_it_was_still_to_come() -> None:
    def rows(day: str) -> list[tuple[str, str]]:
        off = [meeting("booked", 1, "2024-05-02", "2024-05-20"), meeting("cancelled", 2, day, "2024-05-20")]
        found = told(ami2(), "2024-05-31", heard=off)
        return [
            (row.notice.kind, row.notice.to.value)
            for row in found
            if row.notice.kind in ("MEETING_SOON", "MEETING_CANCELLED")
        ]

    off = [("MEETING_CANCELLED", role) for role in ("CAREER_GUIDE", "CLIENT", "PROVIDER")]
    assert rows("2024-05-18") == off
    assert sorted(rows("2024-05-19")) == sorted([*off, ("MEETING_SOON", "CLIENT")])
    assert rows("2024-05-21") == [("MEETING_SOON", "CLIENT")]


@pytest.mark.rule("AMI-8.1-e")
def test_outside_ami_the_booking_itself_is_told_and_in_ami_its_fact_is() -> None:
    booked = [meeting("booked", 1, "2024-05-02", "2024-05-20")]
    assert brief(told(jobbpeng(), "2024-05-02", "MEETING_BOOKED", heard=booked)) == [
        ("2024-05-02", "CAREER_GUIDE"),
        ("2024-05-02", "CLIENT"),
    ]
    assert told(ami2(), "2024-05-02", "MEETING_BOOKED", heard=booked) == []


@pytest.mark.rule("AMI-8.1-e")
@pytest.mark.parametrize(
    ("data", "to"),
    [
        ({"role": "CLIENT"}, ["PROVIDER"]),
        ({"role": "CLIENT", "booker": None}, ["CAREER_GUIDE"]),
        ({"role": "PROVIDER"}, []),
        ({"role": "CLIENT", "mandatory": False}, []),
        ({"role": "CLIENT", "response": "TENTATIVE"}, []),
    ],
)
def test_a_party_that_has_to_come_and_declines_is_for_who_booked(data: dict[str, Any], to: list[str]) -> None:
    answer = {"version": 1, "response": "DECLINED", "mandatory": True, "booker": "PROVIDER", **data}
    rows = [meeting("booked", 1, "2024-05-02", "2024-05-20")]
    rows.append(heard("scheduling.meeting_answered", 77, "2024-05-03", "m-1", **answer))
    found = told(ami2(), "2024-05-31", "MEETING_DECLINED", heard=rows)
    assert [row.notice.to.value for row in found] == to
    # moved since: seen to
    rows.append(meeting("rebooked", 2, "2024-05-06", "2024-05-27"))
    assert {row.ended for row in told(ami2(), "2024-05-31", "MEETING_DECLINED", heard=rows)} <= {d("2024-05-06")}


@pytest.mark.rule("AMI-8.1-e")
def test_a_meeting_that_was_not_held_in_time_rises_to_the_team_manager_until_it_is_held() -> None:
    late = [meeting("booked", 1, "2024-05-02", "2024-05-20"), meeting("overdue", 2, "2024-06-03", "2024-05-20")]
    assert brief(told(ami2(), "2024-06-30", "MEETING_OVERDUE", heard=late)) == [
        ("2024-06-03", "CAREER_GUIDE"),
        ("2024-06-10", "TEAM_MANAGER"),
    ]

    def risen(day: str) -> int:
        return len(told(ami2(), "2024-06-30", "MEETING_OVERDUE", heard=[*late, meeting("held", 3, day, "2024-05-20")]))

    assert (risen("2024-06-09"), risen("2024-06-10"), risen("2024-06-11")) == (1, 2, 2)
    followup = [meeting("overdue", 2, "2024-06-03", "2024-05-20", kind="FOLLOWUP_AMI2_M3")]
    assert told(ami2(), "2024-06-30", "MEETING_OVERDUE", heard=followup) == []


# --- other news -----------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-16", "NACKA-17")
def test_a_client_whose_provider_is_authorised_no_longer_is_asked_to_choose_until_that_is_done() -> None:
    news = [heard("assignment.choice_required", 9, "2024-06-03", "alfa")]
    rows = told(ami2(), "2024-06-10", "CHOOSE_ANEW", heard=news)
    assert brief(rows) == [("2024-06-03", "CAREER_GUIDE"), ("2024-06-03", "CLIENT")]
    assert {row.ended for row in rows} == {None}
    chosen = ami2(on("2024-06-05", "provider_switch", provider="beta", approved=True))
    assert {row.ended for row in told(chosen, "2024-06-10", "CHOOSE_ANEW", heard=news)} == {d("2024-06-05")}


@pytest.mark.rule("NACKA-15")
def test_a_returned_report_goes_to_the_provider_until_it_is_submitted_anew() -> None:
    key = "MONTHLY:3:1"
    back = heard("assignment.report_returned", 4, "2024-06-12", key, kind="MONTHLY", sequence=3)
    (row, *again) = told(ami2(), "2024-06-18", "REPORT_RETURNED", heard=[back])
    assert (row.notice.to, row.notice.provider, dict(row.notice.values)) == (
        Role.PROVIDER,
        "alfa",
        {"report": "MONTHLY", "number": "3"},
    )
    assert again == []
    assert len(told(ami2(), "2024-06-19", "REPORT_RETURNED", heard=[back])) == 2
    other = heard("assignment.report_submitted", 5, "2024-06-13", "MONTHLY:2:1")
    assert told(ami2(), "2024-06-18", "REPORT_RETURNED", heard=[back, other])[0].holds(d("2024-06-18"))
    anew = heard("assignment.report_submitted", 6, "2024-06-14", key)
    assert told(ami2(), "2024-06-18", "REPORT_RETURNED", heard=[back, anew])[0].ended == d("2024-06-14")


# --- the employment service -----------------------------------------------------------------------------


def unregistered(revision: int, day: str, missing: bool = True) -> Heard:
    return heard("assignment.af_registration_missing", revision, day, since="2024-05-01", missing=missing)


def stands(revision: int, day: str, state: str, message: str = "a-1", **data: Any) -> Heard:
    own = {"kind": "PERIODIC", "provider": "alfa", **data}
    return heard("assignment.af_dispatch_changed", revision, day, message, state=state, **own)


@pytest.mark.rule("AMI-1.3.2-a")
def test_a_missing_registration_is_told_to_the_career_guide_until_a_check_finds_it() -> None:
    found = unregistered(1, "2024-05-02")
    assert told(ami2(), "2024-05-01", "AF_REGISTRATION_MISSING", heard=[found]) == []
    (row,) = told(ami2(), "2024-05-02", "AF_REGISTRATION_MISSING", heard=[found])
    assert (row.notice.to, dict(row.notice.values)) == (Role.CAREER_GUIDE, {"day": "2024-05-01"})
    assert row.notice.rules == ("AMI-1.3.2-a",)
    # five working days later it is told again, unless it is settled before
    assert row.ended == d("2024-05-09")
    assert len(told(ami2(), "2024-05-08", "AF_REGISTRATION_MISSING", heard=[found])) == 1
    assert len(told(ami2(), "2024-05-10", "AF_REGISTRATION_MISSING", heard=[found])) == 2
    settled = unregistered(2, "2024-05-07", missing=False)
    (row,) = told(ami2(), "2024-05-30", "AF_REGISTRATION_MISSING", heard=[found, settled])
    assert (row.holds(d("2024-05-06")), row.holds(d("2024-05-07"))) == (True, False)
    anew = unregistered(3, "2024-05-20")
    days = [
        one.notice.on for one in told(ami2(), "2024-05-21", "AF_REGISTRATION_MISSING", heard=[found, settled, anew])
    ]
    assert days == [d("2024-05-02"), d("2024-05-20")]
    # after the exit nobody looks it up
    (row,) = told(ami2(exited("2024-05-06")), "2024-05-30", "AF_REGISTRATION_MISSING", heard=[found])
    assert row.ended == d("2024-05-06")


@pytest.mark.rule("LOKA-5")
def test_a_report_that_was_not_approved_goes_to_the_career_guide_and_the_provider_until_it_is_submitted_anew() -> None:
    back = stands(5, "2024-06-12", "NOT_APPROVED")
    sent = stands(4, "2024-06-10", "SENT")
    rows = told(ami2(), "2024-06-18", "AF_REPORT_NOT_APPROVED", heard=[sent, back])
    assert brief(rows) == [("2024-06-12", "CAREER_GUIDE"), ("2024-06-12", "PROVIDER")]
    assert [row.notice.provider for row in rows] == [None, "alfa"]
    # it gives way to its own repetition alone
    assert {row.ended for row in rows} == {d("2024-06-19")}
    assert dict(rows[0].notice.values) == {"message": "PERIODIC", "stand": "NOT_APPROVED"}
    other = stands(6, "2024-06-13", "READY", "a-2")
    rows = told(ami2(), "2024-06-18", "AF_REPORT_NOT_APPROVED", heard=[back, other])
    assert {row.ended for row in rows} == {d("2024-06-19")}
    for state in ("READY", "APPROVED", "RESUBMITTED"):
        anew = stands(6, "2024-06-14", state)
        rows = told(ami2(), "2024-06-30", "AF_REPORT_NOT_APPROVED", heard=[back, anew])
        assert [row.ended for row in rows] == [d("2024-06-14")] * 2


@pytest.mark.rule("NACKA-14")
def test_a_provider_that_has_left_has_nothing_to_see_to_at_the_employment_service() -> None:
    back = stands(5, "2024-06-12", "NOT_APPROVED")
    switched = ami2(on("2024-06-14", "provider_switch", provider="beta", approved=True))
    rows = told(switched, "2024-06-17", "AF_REPORT_NOT_APPROVED", heard=[back])
    assert [(row.notice.to, row.ended) for row in rows] == [
        (Role.CAREER_GUIDE, d("2024-06-19")),  # told again then
        (Role.PROVIDER, d("2024-06-14")),
    ]


@pytest.mark.parametrize("state", ["FAILED", "PARKED", "MANUAL", "EXPIRED"])
def test_what_does_not_leave_by_itself_is_the_career_guides_alone(state: str) -> None:
    rows = told(ami2(), "2024-06-12", "AF_REPORT_NOT_APPROVED", heard=[stands(5, "2024-06-12", state)])
    assert brief(rows) == [("2024-06-12", "CAREER_GUIDE")]


@pytest.mark.parametrize("state", ["DRAFT", "READY", "SENT", "RECEIVED", "APPROVED", "RESUBMITTED"])
def test_what_goes_its_way_is_told_to_nobody(state: str) -> None:
    assert told(ami2(), "2024-06-30", "AF_REPORT_NOT_APPROVED", heard=[stands(5, "2024-06-12", state)]) == []


@pytest.mark.rule("AMI-1.3.2-a", "AMI-2.2-b")
@pytest.mark.parametrize("kind", ["REGISTRATION_MISMATCH", "COORDINATOR_HANDOFF"])
def test_no_provider_hears_of_a_registration_or_a_hand_over(kind: str) -> None:
    rows = told(
        ami2(), "2024-06-12", "AF_REPORT_NOT_APPROVED", heard=[stands(5, "2024-06-12", "NOT_APPROVED", kind=kind)]
    )
    assert brief(rows) == [("2024-06-12", "CAREER_GUIDE")]


def test_no_provider_hears_of_what_was_not_written_for_it() -> None:
    own = stands(5, "2024-06-12", "NOT_APPROVED", provider=None)
    assert brief(told(ami2(), "2024-06-12", "AF_REPORT_NOT_APPROVED", heard=[own])) == [("2024-06-12", "CAREER_GUIDE")]


@pytest.mark.rule("LOKA-5")
def test_a_report_that_is_late_is_told_to_the_career_guide_until_it_is_submitted() -> None:
    def overdue(revision: int, day: str, so: bool, item: str = "FINAL:1") -> Heard:
        data = {"kind": "FINAL", "due": "2024-06-03", "overdue": so}
        return heard("assignment.af_report_overdue", revision, day, item, **data)

    late = overdue(1, "2024-06-04", True)
    (row,) = told(ami2(), "2024-06-10", "AF_REPORT_LATE", heard=[late, overdue(2, "2024-06-05", False, "FINAL:2")])
    assert (row.notice.to, row.ended) == (Role.CAREER_GUIDE, d("2024-06-11"))  # told again then
    assert dict(row.notice.values) == {"message": "FINAL", "due": "2024-06-03"}
    (row,) = told(ami2(), "2024-06-10", "AF_REPORT_LATE", heard=[late, overdue(2, "2024-06-05", False)])
    assert (row.holds(d("2024-06-04")), row.holds(d("2024-06-05"))) == (True, False)


@pytest.mark.rule("AMI-9-b", "AMI-9.2-b")
def test_claims_that_overlap_and_evidence_used_twice_are_told_while_they_do() -> None:
    first = heard("assignment.claims_overlap", 1, "2024-12-20", others=["A-2"])
    assert brief(told(ami2(), "2025-01-01", "CLAIMS_OVERLAP", heard=[first])) == [
        ("2024-12-20", "CAREER_GUIDE"),
        ("2024-12-20", "CONTROLLER"),
    ]
    gone = heard("assignment.claims_overlap", 2, "2024-12-22", others=[])
    assert {row.ended for row in told(ami2(), "2025-01-01", "CLAIMS_OVERLAP", heard=[first, gone])} == {d("2024-12-22")}
    same = heard("assignment.evidence_reused", 3, "2024-12-21", "d-1")
    assert brief(told(ami2(), "2025-01-01", "EVIDENCE_REUSED", heard=[same])) == [("2024-12-21", "CONTROLLER")]


@pytest.mark.rule("NACKA-12")
def test_an_assignment_that_a_run_could_not_post_is_for_the_controller() -> None:
    news = [heard("billing.assignment_parked", 3, "2024-05-31", run="2024-05-31", code="NO_TARIFF")]
    (row,) = told(ami2(), "2024-06-10", "ASSIGNMENT_PARKED", heard=news)
    assert (row.notice.to, row.notice.values["code"], row.ended) == (Role.CONTROLLER, "NO_TARIFF", None)


# --- a municipality's own table ----------------------------------------------------------------------------


def test_a_route_that_is_off_yields_nothing_in_the_caseload_answer_either() -> None:
    off = {"notices.table": {"STARTED": {"CAREER_GUIDE": {"off": True}}, "PLAN_BROKEN": {"CLIENT": {"off": True}}}}
    one = local(on("2024-05-02", "plan_broken", reason="ABSENT"))
    assert told(one, "2024-06-01", "STARTED", off) == []
    assert brief(told(one, "2024-06-01", "PLAN_BROKEN", off)) == [("2024-05-02", "CAREER_GUIDE")]
    kinds = {row.kind for row in caseload_notices(one, [], [], tenant(off), d("2024-06-01"))}
    assert "STARTED" not in kinds and "DECISION" in kinds


def test_repeating_and_escalating_are_the_municipalitys_to_set() -> None:
    own = {
        "notices.table": {
            "COORDINATOR_REQUESTED": {"CAREER_GUIDE": {"repeat": {"every_workdays": 1, "most": 1}}},
            "PLAN_BROKEN": {"CAREER_GUIDE": {"escalation": [{"to": "CLIENT", "after_days": 3}]}},
        }
    }
    one = ami2(on("2024-05-03", "coordinator_requested"), on("2024-05-03", "plan_broken", reason="ABSENT"))
    assert brief(told(one, "2024-06-01", "COORDINATOR_REQUESTED", own)) == [
        ("2024-05-03", "CAREER_GUIDE"),
        ("2024-05-06", "CAREER_GUIDE"),  # Monday
    ]
    assert brief(told(one, "2024-06-01", "PLAN_BROKEN", own))[-1] == ("2024-05-06", "CLIENT")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"NOTHING": {}}, "there is no kind of notice NOTHING"),
        ({"STARTED": {"CLIENT": {"off": True}}}, "STARTED, CLIENT: is not told of this by the suite"),
        ({"STARTED": {"CAREER_GUIDE": {"urgency": "SOON"}}}, "STARTED, CAREER_GUIDE"),
        ({"STARTED": {"CAREER_GUIDE": {"channels": ["SMS", "SMS"]}}}, "a channel stands twice"),
        ({"STARTED": {"CAREER_GUIDE": {"chanels": []}}}, "unknown key chanels"),
        ({"STARTED": {"CAREER_GUIDE": {"repeat": {"every_workdays": 5}}}}, "is missing"),
        ({"STARTED": {"CAREER_GUIDE": {"repeat": 5}}}, "repeat must be a map"),
        ({"STARTED": {"CAREER_GUIDE": {"channels": None}}}, "channels must be a list"),
        ({"STARTED": {"CAREER_GUIDE": {"escalation": [1]}}}, "escalation must be a list of maps"),
        (
            {"STARTED": {"CAREER_GUIDE": {"escalation": [{"to": "TEAM_MANAGER", "after_days": 1}]}}},
            "TEAM_MANAGER is not told of this besides",
        ),
    ],
)
def test_a_table_that_cannot_be_is_refused_by_kind_and_role(table: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        changed(table)


# --- how long they hold ------------------------------------------------------------------------------------


def test_what_has_been_answered_holds_no_more_and_a_reminder_lapses_after_its_day() -> None:
    one = ami2()
    (chosen,) = told(one, "2024-03-20", "PROVIDER_CHOSEN")
    assert chosen.ended is None
    (chosen,) = told(one, "2024-03-21", "PROVIDER_CHOSEN")
    assert chosen.ended == d("2024-03-21")
    soon = [row for row in told(one, "2024-04-10", "OBLIGATION_DUE_SOON") if row.notice.values["due"] == "2024-04-11"]
    assert {row.lapses_on for row in soon} == {d("2024-04-12")}


@pytest.mark.rule("AMI-9-h", "AMI-9.2-b")
def test_papers_that_were_missing_are_asked_for_until_the_last_has_come() -> None:
    lacking = exited("2024-06-20", documents=["FINAL_REPORT"])
    claim = on("2024-12-20", "bonus_claimed", certified=True, documents=["EMPLOYMENT_CONTRACT"])
    second = on("2024-12-27", "bonus_claimed", certified=True, documents=["EMPLOYMENT_CERTIFICATE"])

    def ends(*rows: dict[str, Any]) -> list[date | None]:
        return [row.ended for row in told(ami2(lacking, *rows), "2025-01-31", "DOCUMENTS_MISSING")]

    assert ends() == [None]
    assert ends(claim) == [None]
    assert ends(claim, second) == [d("2024-12-27")]


@pytest.mark.rule("AMI-3-a", "AMI-3-c")
def test_after_the_exit_nobody_is_pressed_for_what_only_a_running_intervention_asks_for() -> None:
    left = exited("2024-05-08", "DISCONTINUED", documents=["FINAL_REPORT"])
    late = {**left, "known_on": "2024-05-20"}

    def pressed(one: Case) -> list[tuple[date, str]]:
        rows = told(one, "2024-08-30", "OBLIGATION_ESCALATED")
        return [(row.notice.on, row.notice.values["obligation"]) for row in rows]

    known = pressed(ami2(left))
    assert known and all(day <= d("2024-05-08") for day, _ in known)
    # what was said before the exit was known stays said
    assert (d("2024-05-20"), "WEEKLY_CONTACT") in pressed(ami2(late))
    assert all(day <= d("2024-05-20") for day, _ in pressed(ami2(late)))
    rows = told(ami2(left), "2024-08-30", "OBLIGATION_OVERDUE")
    assert {row.notice.values["obligation"] for row in rows} >= {"WEEKLY_CONTACT", "MAPPING_AND_PLAN"}
    assert all(row.ended is not None and row.ended <= d("2024-05-08") for row in rows)


@pytest.mark.rule("AMI-10.1-e")
def test_what_comes_up_after_the_exit_is_asked_for_like_anything_else() -> None:
    one = ami2(exited("2024-06-20"), on("2024-09-02", "broke_off"))
    rows = [row for row in told(one, "2024-10-20") if row.notice.values.get("obligation") == "PROMPT_NOTICE"]
    assert [(row.notice.kind, row.notice.to.value, row.ended) for row in rows] == [
        ("OBLIGATION_OVERDUE", "PROVIDER", None),
        ("OBLIGATION_ESCALATED", "CAREER_GUIDE", None),
        ("OBLIGATION_ESCALATED", "TEAM_MANAGER", None),
    ]


@pytest.mark.rule("AMI-3-a")
def test_of_weeks_that_were_missed_the_latest_is_worth_telling_after_a_downtime() -> None:
    for kind, to in (("OBLIGATION_OVERDUE", "PROVIDER"), ("OBLIGATION_ESCALATED", "TEAM_MANAGER")):
        rows = [
            row
            for row in told(ami2(), "2024-06-30", kind)
            if row.notice.values["obligation"] == "WEEKLY_CONTACT" and row.notice.to.value == to
        ]
        assert len(rows) > 5
        assert [row.holds(d("2024-06-30")) for row in rows] == [False] * (len(rows) - 1) + [True]
        # each was told on its own day, until the next
        assert [row.ended for row in rows[:-1]] == [row.notice.on for row in rows[1:]]


@pytest.mark.rule("AMI-8.2-a", "AMI-8.2-b")
def test_that_a_meeting_is_to_be_booked_lapses_after_its_day_and_that_it_is_not_once_it_is_late() -> None:
    def lapses(kind: str) -> set[date | None]:
        rows = told(ami2(), "2024-07-31", kind)
        return {row.lapses_on for row in rows if row.notice.values["due"] == "2024-06-15"}

    assert lapses("MEETING_TO_BOOK") == {d("2024-06-16")}
    (late,) = {row.notice.on for row in told(ami2(), "2024-07-31", "OBLIGATION_OVERDUE")
               if row.notice.values["obligation"] == "FOLLOWUP_MEETING"}  # fmt: skip
    assert lapses("MEETING_NOT_BOOKED") == {late}
    declined = on("2024-05-06", "offer_declined", offer="WORK", receives_eb=True)
    (row,) = told(ami2(declined), "2024-05-06", "MEETING_TO_BOOK")
    assert (row.notice.values["due"], row.lapses_on) == ("AT_ONCE", None)


@pytest.mark.rule("AMI-10.1-d")
def test_that_the_client_may_resume_is_of_use_until_that_is_done_or_the_time_is_over() -> None:
    broken = (exited("2024-06-20"), on("2024-09-01", "broke_off"))
    (row,) = told(ami2(*broken), "2024-09-01", "RESUME_OFFER")
    assert (row.ended, row.lapses_on) == (None, d("2025-03-15"))
    (row,) = told(ami2(*broken, on("2024-09-10", "resumed", provider="beta")), "2024-09-10", "RESUME_OFFER")
    assert row.ended == d("2024-09-10")


@pytest.mark.rule("NACKA-7")
def test_a_client_need_not_hear_of_an_answer_that_has_been_overtaken() -> None:
    (row,) = told(ami2(), "2024-03-27", "PROVIDER_ACCEPTED")
    assert row.ended is None
    (row,) = told(ami2(), "2024-03-28", "PROVIDER_ACCEPTED")
    assert row.ended == d("2024-03-28")
    again = [on("2024-03-18", "declined"), on("2024-03-20", "provider_chosen", provider="beta")]
    chosen = [on("2024-03-15", "results_shown"), on("2024-03-15", "provider_chosen", provider="alfa")]
    one = ami2(*chosen, *again, started=None)
    assert {row.ended for row in told(one, "2024-03-19", "PROVIDER_DECLINED")} == {None}
    assert {row.ended for row in told(one, "2024-03-20", "PROVIDER_DECLINED")} == {d("2024-03-20")}


@pytest.mark.rule("AMI-8.1-e")
def test_a_missed_meeting_is_to_be_booked_until_it_is() -> None:
    meeting_ = {"meeting": "FOLLOWUP_AMI2_M3", "sequence": 1}
    missed = (on("2024-06-10", "meeting_booked", **meeting_), on("2024-06-14", "meeting_missed", **meeting_))
    assert {row.ended for row in told(ami2(*missed), "2024-06-20", "MEETING_MISSED")} == {None}
    booked = on("2024-06-18", "meeting_booked", **meeting_)
    assert {row.ended for row in told(ami2(*missed, booked), "2024-06-20", "MEETING_MISSED")} == {d("2024-06-18")}


@pytest.mark.rule("NACKA-14")
def test_a_provider_that_the_client_has_left_gets_no_news_of_what_is_anothers_now() -> None:
    switch = on("2024-06-01", "provider_switch", provider="beta", approved=True)
    rows = told(ami2(switch), "2024-06-30")
    former = [row for row in rows if row.notice.provider == "alfa"]
    asked = {"OBLIGATION_OVERDUE", "MEETING_TO_BOOK"}
    assert {row.notice.kind for row in former} >= asked
    assert all(not row.holds(d("2024-06-01")) for row in former if row.notice.kind in asked)
    (left,) = [row for row in former if row.notice.kind == "SWITCHED_FROM"]
    assert left.ended is None
    assert any(row.ended is None for row in rows if row.notice.provider == "beta" and row.notice.kind in asked)


@pytest.mark.rule("AMI-10.2-c", "AMI-10.1-d")
def test_who_brought_about_an_exit_hears_of_its_bonus_whoever_has_the_client_then() -> None:
    one = ami2(
        exited("2024-06-20"), on("2025-01-10", "broke_off"), on("2025-01-20", "resumed", provider="beta")
    )  # fmt: skip
    found = told(one, "2025-03-10", given={"bonus.claim_deadline_months": 2})
    rows = [row.notice for row in found if row.notice.values.get("obligation") == "BONUS_CLAIM"]
    assert [row for row in rows if row.to is Role.PROVIDER and row.on > d("2025-01-20")]
    assert {row.provider for row in rows if row.to is Role.PROVIDER} == {"alfa"}


def test_an_end_that_is_known_late_ends_it_on_the_day_it_was_known() -> None:
    late = on("2024-05-06", "coordinator_brokered", known_on="2024-05-13")
    one = ami2(on("2024-05-02", "coordinator_requested"), late)
    rows = told(one, "2024-06-30", "COORDINATOR_REQUESTED")
    assert [(row.notice.on, row.ended) for row in rows] == [
        (d("2024-05-02"), d("2024-05-09")),
        (d("2024-05-09"), d("2024-05-13")),
    ]


def test_whoever_looks_later_finds_the_same_notices_as_who_looked_each_day() -> None:
    one = ami2(
        on("2024-05-02", "coordinator_requested"),
        on("2024-05-14", "coordinator_brokered"),
        on("2024-05-20", "mapping_done"),
        on("2024-05-20", "plan_done"),
        absent("2024-05-21", 9, "UNEXCUSED"),
    )
    news = [meeting("booked", 1, "2024-05-02", "2024-05-20"), meeting("cancelled", 2, "2024-05-18", "2024-05-20")]
    seen: set[Any] = set()
    day, last = d("2024-03-15"), d("2024-07-01")
    while day <= last:
        known = [row for row in news if row.on <= day]
        seen |= {row.notice.key for row in told(one, day, given={"absence.programmes": ["AMI_2"]}, heard=known)}
        day += timedelta(days=1)
    final = told(one, last, given={"absence.programmes": ["AMI_2"]}, heard=news)
    assert seen == {row.notice.key for row in final}


def test_a_table_has_a_route_for_every_step_and_no_row_goes_to_nobody() -> None:
    for row in notice_table().values():
        assert row.routes
        assert all(step.to in row.routes for route in row.routes.values() for step in route.escalation)
