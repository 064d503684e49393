"""The municipality's own process: its weeks, check-ins, self-assessments, placements and replies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts.calendar import add_months
from kundval_contracts.case import Case
from kundval_contracts.codes import FactKind
from kundval_contracts.followups import next_checkin
from kundval_contracts.meeting_facts import fact_id
from kundval_contracts.profiles import Profile, profiles
from kundval_scheduling.domain import outlook
from kundval_scheduling.domain.local import bip_due_days, process_plan
from tests.scheduling.builders import Row, case, d, exited, on, rows_of, short, tenant

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def municipality(**changes: Any) -> Profile:
    """An invented municipality: the fullest profile with changes."""
    return replace(profiles()["kungsbacka"], **changes)


@pytest.mark.rule("LOKA-41")
def test_we_49_a_plan_from_monday_2_september_2024_has_nine_weeks_with_nine_checkins_and_nine_sessions() -> None:
    plan = process_plan(profiles()["kungsbacka"], date(2024, 9, 2))
    assert plan is not None
    assert (plan.period.start, plan.period.end) == (date(2024, 9, 2), date(2024, 11, 2))
    assert date(2024, 11, 1) in plan.period
    assert date(2024, 11, 2) not in plan.period
    assert (len(plan.weeks), plan.checkins, plan.group_sessions) == (9, 9, 9)
    assert (plan.weeks[0].start, plan.weeks[-1].start, plan.weeks[-1].days) == (date(2024, 9, 2), date(2024, 10, 28), 5)


@pytest.mark.rule("LOKA-41")
def test_a_municipality_without_a_process_has_no_plan_of_one() -> None:
    assert process_plan(profiles()["molndal"], date(2024, 9, 2)) is None


@pytest.mark.rule("LOKA-41")
@given(DAYS, st.integers(1, 24), st.integers(0, 7), st.integers(0, 7))
def test_the_weeks_of_a_plan_cover_its_period_without_gap_or_overlap(
    start: date, months: int, checkins: int, sessions: int
) -> None:
    process = replace(
        municipality().process,  # type: ignore[type-var]
        plan_months=months,
        checkins_per_week=checkins,
        group_sessions_per_week=sessions,
    )
    plan = process_plan(municipality(process=process), start)
    assert plan is not None
    assert plan.period.end == add_months(start, months)
    assert plan.weeks[0].start == start
    assert plan.weeks[-1].end == plan.period.end
    assert all(one.end == two.start for one, two in pairwise(plan.weeks))
    assert all(week.days == 7 for week in plan.weeks[:-1])
    assert 1 <= plan.weeks[-1].days <= 7
    assert (plan.checkins, plan.group_sessions) == (len(plan.weeks) * checkins, len(plan.weeks) * sessions)


@pytest.mark.rule("LOKA-23")
def test_we_48_a_first_self_assessment_on_31_january_is_repeated_at_the_ends_of_april_july_and_october() -> None:
    found = bip_due_days(date(2024, 1, 31), date(2025, 1, 31), 3)
    assert found == (date(2024, 4, 30), date(2024, 7, 31), date(2024, 10, 31))


@pytest.mark.rule("LOKA-23")
def test_a_self_assessment_is_due_before_the_end_and_not_on_it() -> None:
    first = date(2024, 1, 31)
    assert bip_due_days(first, date(2024, 4, 29), 3) == ()
    assert bip_due_days(first, date(2024, 4, 30), 3) == ()
    assert bip_due_days(first, date(2024, 5, 1), 3) == (date(2024, 4, 30),)


@pytest.mark.rule("LOKA-23")
@given(DAYS, st.integers(0, 2000), st.integers(1, 24))
def test_self_assessments_are_counted_from_the_first_one(first: date, days: int, interval: int) -> None:
    until = first + timedelta(days)
    found = bip_due_days(first, until, interval)
    assert list(found) == [add_months(first, interval * n) for n in range(1, len(found) + 1)]
    assert all(first < day < until for day in found)
    assert add_months(first, interval * (len(found) + 1)) >= until


@pytest.mark.rule("LOKA-25")
def test_the_next_checkin_follows_the_last_by_the_interval_of_the_profile() -> None:
    last = date(2024, 2, 28)
    assert next_checkin(municipality(checkin_interval_days=2), last) == date(2024, 3, 1)
    assert next_checkin(municipality(checkin_interval_days=None), last) is None


@pytest.mark.rule("LOKA-25")
def test_no_source_states_an_interval_of_checkins() -> None:
    assert all(next_checkin(one, date(2024, 2, 28)) is None for one in profiles().values())


# --- what follows for an assignment ---------------------------------------------------------------------

CHECK_IN, SESSION, BIP, FOLLOW_UP = "CHECK_IN", "GROUP_SESSION", "BIP_ASSESSMENT", "PLACEMENT_FOLLOW_UP"


def local(*rows: Row, started: str = "2024-09-02") -> Case:
    return case("LOCAL", on(min(started, "2024-08-20"), "decided"), on(started, "started"), *rows)


def found(one: Case, as_of: str, kind: str, key: str = "kungsbacka", **settings: Any) -> list[Any]:
    return short(rows_of(one, as_of, kind, settings, municipality=key))


def attended(day: str, session: str, attended: bool = True) -> Row:
    return on(day, "group_attendance", activity="job_search_group", session=session, attended=attended)


@pytest.mark.rule("LOKA-41", "LOKA-25")
def test_we_49_each_of_the_nine_weeks_has_a_check_in_and_a_group_session() -> None:
    everything = found(local(), "2025-01-01", CHECK_IN)
    assert [seq for seq, *_ in everything] == list(range(1, 10))
    assert [everything[0][1], everything[-1][1]] == ["2024-09-08", "2024-11-01"]
    assert len(found(local(), "2025-01-01", SESSION)) == 9
    assert found(local(), "2024-09-01", CHECK_IN) == []


@pytest.mark.rule("LOKA-41")
def test_a_week_is_met_by_what_was_held_in_it() -> None:
    one = local(
        on("2024-09-04", "check_in"),
        on("2024-09-16", "check_in"),
        attended("2024-09-05", "s1"),
        attended("2024-09-12", "s2", False),
        on("2024-09-17", "meeting_held", meeting="GROUP_SESSION"),
    )
    assert found(one, "2024-09-17", CHECK_IN) == [
        (1, "2024-09-08", "MET", "2024-09-04"),
        (2, "2024-09-15", "OVERDUE", None),
        (3, "2024-09-22", "MET", "2024-09-16"),
    ]
    assert found(one, "2024-09-17", SESSION) == [
        (1, "2024-09-08", "MET", "2024-09-05"),
        (2, "2024-09-15", "OVERDUE", None),
        (3, "2024-09-22", "MET", "2024-09-17"),
    ]


@pytest.mark.rule("LOKA-41")
def test_a_session_that_scheduling_told_as_held_and_as_attended_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kungsbacka = profiles()["kungsbacka"]
    assert kungsbacka.process is not None
    twice = replace(kungsbacka, process=replace(kungsbacka.process, group_sessions_per_week=2))
    monkeypatch.setattr("kundval_scheduling.domain.plan.profiles", lambda: {"kungsbacka": twice})
    one = local(on("2024-09-05", "meeting_held", meeting="GROUP_SESSION"), attended("2024-09-05", "m-1"))
    one = one.having(
        replace(fact, id=fact_id("m-1", "held")) if fact.kind is FactKind.MEETING_HELD else fact for fact in one.facts
    )
    assert found(one, "2024-09-08", SESSION) == [(1, "2024-09-08", "OPEN", None)]


@pytest.mark.rule("LOKA-41")
def test_an_exit_cuts_the_pattern_off() -> None:
    one = local(exited("2024-09-11"))
    assert [state for _, _, state, _ in found(one, "2025-01-01", SESSION)] == ["OVERDUE", "CANCELLED"]


@pytest.mark.rule("LOKA-25")
def test_check_ins_follow_each_other_by_the_interval_of_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    municipalities = {**profiles(), "kramfors": replace(profiles()["kramfors"], checkin_interval_days=28)}
    monkeypatch.setattr("kundval_scheduling.domain.plan.profiles", lambda: municipalities)
    one = local(on("2024-09-20", "check_in"), on("2024-11-01", "check_in"))
    assert found(one, "2024-12-01", CHECK_IN, "kramfors") == [
        (1, "2024-09-30", "MET", "2024-09-20"),
        (2, "2024-10-18", "MET", "2024-11-01"),
        (3, "2024-11-29", "OVERDUE", None),
    ]
    assert found(one, "2024-12-01", CHECK_IN, "timra") == []


@pytest.mark.rule("LOKA-23")
def test_we_48_self_assessments_of_a_process_without_end_are_listed_one_after_the_other() -> None:
    one = local(on("2024-01-31", "bip_assessed"), on("2024-05-02", "bip_assessed"), started="2024-01-10")
    assert found(one, "2024-01-31", BIP, "molndal") == [(1, "2024-04-30", "OPEN", None)]
    assert found(one, "2024-10-30", BIP, "molndal") == [
        (1, "2024-04-30", "MET", "2024-05-02"),
        (2, "2024-07-31", "MET", "2024-05-02"),
        (3, "2024-10-31", "OPEN", None),
    ]
    assert found(one, "2024-10-31", BIP, "kungsbacka") == []
    # nobody has to look before the next one is listed
    assert outlook(one, tenant(municipality="molndal"), d("2024-10-30"))[1] == d("2024-10-31")
    left = local(on("2024-01-31", "bip_assessed"), exited("2024-06-01"), started="2024-01-10")
    assert found(left, "2024-06-01", BIP, "molndal") == [
        (1, "2024-04-30", "OVERDUE", None),
        (2, "2024-07-31", "CANCELLED", None),
    ]


def contact(day: str) -> Row:
    return on(day, "contact", party="WORKPLACE", channel="PHONE")


@pytest.mark.rule("LOKA-67")
def test_follow_ups_of_a_placement_are_closer_at_first_and_the_last_interval_goes_on() -> None:
    days = ("2024-10-07", "2024-10-14", "2024-10-28", "2024-11-25")
    one = local(on("2024-09-30", "placement_started", workplace="W1"), *(contact(day) for day in days))
    assert found(one, "2024-12-24", FOLLOW_UP) == [
        (1001, "2024-10-07", "MET", "2024-10-07"),
        (1002, "2024-10-14", "MET", "2024-10-14"),
        (1003, "2024-10-28", "MET", "2024-10-28"),
        (1004, "2024-11-25", "MET", "2024-11-25"),
        (1005, "2024-12-23", "OVERDUE", None),
    ]


@pytest.mark.rule("LOKA-67")
def test_the_end_of_a_placement_takes_the_open_follow_up_with_it_and_a_second_one_counts_anew() -> None:
    one = local(
        on("2024-09-30", "placement_started", workplace="W1"),
        on("2024-10-04", "placement_ended", workplace="W1"),
        on("2024-10-10", "placement_started", workplace="W2"),
        contact("2024-10-20"),
    )
    assert found(one, "2024-10-20", FOLLOW_UP) == [
        (1001, "2024-10-07", "CANCELLED", None),
        (2001, "2024-10-17", "MET", "2024-10-20"),
        (2002, "2024-10-27", "OPEN", None),
    ]


@pytest.mark.rule("LOKA-67")
def test_a_placement_may_have_more_than_a_hundred_contacts_and_each_follow_up_is_one_obligation() -> None:
    start, other = (on("2024-09-30", "placement_started", workplace=place) for place in ("W1", "W2"))
    contacts = [contact(str(d("2024-10-01") + timedelta(days=number))) for number in range(110)]
    assert len(found(local(start, other, *contacts), "2025-03-01", FOLLOW_UP)) == 2 * 111


@pytest.mark.rule("LOKA-67")
def test_the_municipality_answers_for_its_own_process() -> None:
    one = local(on("2024-09-30", "placement_started", workplace="W1"))
    rows = rows_of(one, "2024-10-01", municipality="kungsbacka")
    assert {row.responsible.value for row in rows} == {"CAREER_GUIDE"}


@pytest.mark.rule("LOKA-5")
def test_the_question_of_a_commission_is_answered_by_its_end_whatever_became_of_the_client() -> None:
    referred = on("2024-08-01", "referred", source="AF", commission_end="2024-10-31", commission_question="can?")
    waiting = case("LOCAL", referred)
    assert found(waiting, "2024-08-01", "COMMISSION_REPLY") == [(1, "2024-10-31", "OPEN", None)]
    assert found(waiting, "2024-11-01", "COMMISSION_REPLY") == [(1, "2024-10-31", "OVERDUE", None)]
    ended = case("LOCAL", referred, on("2024-08-10", "rejected", reason="NOT_RELEVANT"))
    assert found(ended, "2024-10-31", "COMMISSION_REPLY") == [(1, "2024-10-31", "OPEN", None)]
    told = case("LOCAL", referred, on("2024-10-31", "commissioner_replied"))
    assert found(told, "2024-10-31", "COMMISSION_REPLY") == [(1, "2024-10-31", "MET", "2024-10-31")]
    assert found(case("LOCAL", on("2024-08-01", "referred", source="EB")), "2024-12-01", "COMMISSION_REPLY") == []
