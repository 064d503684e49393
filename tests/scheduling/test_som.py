"""Stöd och matchning: weekly minimum, planning, study and career guidance, periods, notice of a switch."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kundval_contracts.case import Case, Plan
from kundval_contracts.codes import Role
from kundval_scheduling.domain.som import planned_enough, supply_of_work
from tests.scheduling.builders import Row, case, d, exited, on, rows_of, short, start, state

WEEKLY, GUIDANCE, END, PLANNED, SWITCH = "WEEKLY_MINIMUM", "SYV", "PERIOD_END", "PLANNED_HOURS", "SWITCH_NOTICE"
#: a Thursday; the first whole week begins on the 4th of March
S = "2024-02-29"
D7 = "2024-03-07"


def som(*rows: Row, track: str = "SOM_1", started: str = S, plan: Plan | None = None) -> Case:
    return case(track, *start(started, started), *rows, plan=plan)


def talk(day: str, minutes: int = 30, **fields: Any) -> Row:
    return on(day, "contact", minutes=minutes, **{"channel": "IN_PERSON", "individual": True, **fields})


def activity(day: str, minutes: int = 120) -> Row:
    return on(day, "contact", channel="IN_PERSON", minutes=minutes, activity=True)


def guidance(day: str, minutes: int = 60, **fields: Any) -> Row:
    return talk(day, minutes, **{"place": "SUPPLIER_PREMISES", **fields})


# --- the weekly minimum -------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-19")
@pytest.mark.parametrize(
    ("rows", "met"),
    [
        ((talk("2024-03-05"), activity("2024-03-04"), activity(D7)), D7),
        ((talk("2024-03-08"), activity("2024-03-04"), activity("2024-03-07")), "2024-03-08"),
        ((talk("2024-03-05", 29), activity("2024-03-04"), activity("2024-03-07")), None),
        ((talk("2024-03-05"), activity("2024-03-04", 240)), None),
        ((talk("2024-03-05"), activity("2024-03-04"), activity("2024-03-07", 119)), None),
        ((talk("2024-03-05", 300), activity("2024-03-07", 210)), None),  # the talk is no activity
        (
            (talk("2024-03-05", 15), talk("2024-03-06", 15), activity("2024-03-04"), activity("2024-03-07")),
            "2024-03-07",
        ),
    ],
)
def test_we_43_talk_activities_and_two_days_of_them_make_a_week(rows: tuple[Row, ...], met: str | None) -> None:
    (row,) = short(rows_of(som(*rows), "2024-03-10", WEEKLY))
    assert row == (1, "2024-03-10", "MET" if met else "OPEN", met)


@pytest.mark.rule("AF-SOM-19")
def test_activities_of_the_catalogue_count_as_activities() -> None:
    held = [
        on(day, "activity_held", activity="cv_and_letter", category="EQUIP", minutes=120)
        for day in ("2024-03-04", "2024-03-05")
    ]
    assert state(som(talk("2024-03-04"), *held), "2024-03-05", WEEKLY) == "MET"


@pytest.mark.rule("AF-SOM-19")
def test_a_week_is_listed_from_its_monday_and_late_from_the_monday_after() -> None:
    assert rows_of(som(), "2024-03-03", WEEKLY) == []
    assert state(som(), "2024-03-04", WEEKLY) == "OPEN"
    assert state(som(), "2024-03-10", WEEKLY) == "OPEN"
    assert state(som(), "2024-03-11", WEEKLY) == "OVERDUE"


@pytest.mark.rule("AF-SOM-19", "AF-SOM-7")
def test_the_last_week_is_the_last_whole_one_of_the_period() -> None:
    rows = rows_of(som(), "2024-12-31", WEEKLY)  # the period ends with the 28th of May, a Tuesday
    assert (len(rows), rows[-1].due) == (12, d("2024-05-26"))
    assert len(rows_of(som(on("2024-05-20", "extended")), "2024-12-31", WEEKLY)) == 25


@pytest.mark.rule("AF-SOM-19")
def test_the_week_of_an_exit_asks_for_nothing_unless_it_is_a_sunday() -> None:
    assert state(som(exited("2024-03-08")), "2024-04-01", WEEKLY) == "CANCELLED"
    assert state(som(exited("2024-03-10")), "2024-04-01", WEEKLY) == "OVERDUE"


@pytest.mark.rule("AF-SOM-19", "AF-SOM-8")
def test_it_is_for_the_basic_track_and_follows_the_track_of_the_week() -> None:
    assert rows_of(som(track="SOM_2"), "2024-04-01", WEEKLY) == []
    both = {"som.minimum_tracks": ["SOM_1", "SOM_2"]}
    assert len(rows_of(som(track="SOM_2"), "2024-03-31", WEEKLY, both)) == 4
    changed = som(on("2024-03-18", "track_decided", programme="SOM_3"))
    assert [row.sequence for row in rows_of(changed, "2024-04-30", WEEKLY)] == [1, 2]


# --- planning -----------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-18")
@pytest.mark.parametrize(
    ("supply", "planned", "enough"),
    [("40", "30", True), ("20", "15", True), ("40", "29.5", False), ("20", "14.9", False)],
)
def test_we_44_exactly_three_quarters_of_the_supply_of_work_are_enough(supply: str, planned: str, enough: bool) -> None:
    assert planned_enough(Decimal(planned), Decimal(supply), Decimal("0.75")) is enough


@pytest.mark.rule("AF-SOM-18")
def test_the_supply_of_work_is_the_extent_of_the_plan() -> None:
    assert (supply_of_work(50, 40), supply_of_work(None, 40)) == (Decimal(20), Decimal(40))


def planned(day: str, hours: str, name: str = "job_search", **fields: Any) -> Row:
    return on(day, "activity_planned", activity=name, category="EQUIP", hours_per_week=hours, **fields)


@pytest.mark.rule("AF-SOM-18")
def test_we_44_every_week_has_planning_for_three_quarters() -> None:
    one = som(planned("2024-02-29", "20"), on("2024-03-12", "placement_started", workplace="W1", hours_per_week="10"))
    assert short(rows_of(one, "2024-03-18", PLANNED)) == [
        (1, "2024-03-10", "OVERDUE", None),
        (2, "2024-03-17", "MET", "2024-03-12"),
        (3, "2024-03-24", "MET", "2024-03-18"),
    ]
    half = som(planned("2024-02-29", "15"), plan=Plan(50, 0))
    assert state(half, "2024-03-04", PLANNED) == "MET"


@pytest.mark.rule("AF-SOM-18")
def test_what_has_ended_or_was_planned_anew_is_planning_no_longer() -> None:
    ended = som(planned("2024-02-29", "30"), on("2024-03-15", "activity_ended", activity="job_search"))
    assert [state(ended, "2024-03-25", PLANNED, number) for number in (1, 2, 3)] == ["MET", "MET", "OVERDUE"]
    anew = som(planned("2024-02-29", "30"), planned("2024-03-11", "29"))
    assert [state(anew, "2024-03-18", PLANNED, number) for number in (1, 2)] == ["MET", "OVERDUE"]
    until = som(planned("2024-02-29", "30", until="2024-03-11"))
    assert [state(until, "2024-03-18", PLANNED, number) for number in (1, 2)] == ["MET", "OVERDUE"]
    again = som(planned("2024-02-29", "30"), on("2024-03-08", "activity_ended", activity="job_search"),
                planned("2024-03-20", "30"))  # fmt: skip
    assert [state(again, "2024-03-25", PLANNED, number) for number in (1, 2, 3)] == ["MET", "OVERDUE", "MET"]


# --- study and career guidance ------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-22")
@pytest.mark.parametrize(
    ("rows", "met"),
    [
        ((guidance("2024-03-10"), guidance("2024-05-28")), "2024-05-28"),
        ((guidance("2024-03-10"), guidance("2024-05-28", 59)), None),
        ((guidance("2024-03-10", individual=False), guidance("2024-04-10", individual=False)), None),
        ((guidance("2024-03-10"), guidance("2024-04-10", channel="VIDEO")), None),
        ((guidance("2024-03-10"), guidance("2024-04-10", place="OTHER")), None),
        ((guidance("2024-03-10"), guidance("2024-05-29")), None),  # the day after the period
    ],
)
def test_we_45_two_hours_of_individual_meetings_in_the_premises(rows: tuple[Row, ...], met: str | None) -> None:
    assert short(rows_of(som(*rows), "2024-05-28", GUIDANCE)) == [(1, "2024-05-28", "MET" if met else "OPEN", met)]


@pytest.mark.rule("AF-SOM-22", "AF-SOM-7")
@pytest.mark.parametrize("track", ["SOM_1", "SOM_2", "SOM_3", "SOM_4"])
def test_each_period_of_each_track_has_its_own_hours(track: str) -> None:
    one = som(guidance("2024-03-10", 120), on("2024-05-20", "extended"), guidance("2024-06-10", 60), track=track)
    assert short(rows_of(one, "2024-08-26", GUIDANCE)) == [
        (1, "2024-05-28", "MET", "2024-03-10"),
        (2, "2024-08-26", "OPEN", None),
    ]
    assert state(one, "2024-08-27", GUIDANCE, 2) == "OVERDUE"


@pytest.mark.rule("AF-SOM-22")
def test_a_period_that_an_exit_cuts_short_takes_its_hours_away() -> None:
    assert state(som(exited("2024-05-27")), "2024-06-30", GUIDANCE) == "CANCELLED"
    assert state(som(exited("2024-05-28")), "2024-06-30", GUIDANCE) == "OVERDUE"
    assert state(som(guidance("2024-03-10", 120), exited("2024-05-27")), "2024-06-30", GUIDANCE) == "MET"


# --- periods, switches, interest ----------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-7")
def test_each_period_ends_with_an_extension_or_an_exit() -> None:
    one = som(on("2024-05-20", "extended"), on("2024-08-20", "extended"), exited("2024-10-01"))
    assert short(rows_of(one, "2025-01-01", END)) == [
        (1, "2024-05-28", "MET", "2024-05-20"),
        (2, "2024-08-26", "MET", "2024-08-20"),
        (3, "2024-11-24", "MET", "2024-10-01"),
    ]
    assert state(som(), "2024-05-28", END) == "OPEN"
    assert state(som(), "2024-05-29", END) == "OVERDUE"


@pytest.mark.rule("AF-SOM-7")
def test_a_period_after_the_end_that_was_decided_is_none() -> None:
    one = case("SOM_1", *start(S, S, "2024-05-29"), on("2024-05-20", "extended"))
    assert [seq for seq, *_ in short(rows_of(one, "2024-12-31", END))] == [1]


@pytest.mark.rule("AF-SOM-25")
def test_we_42_the_day_after_fourteen_days_the_new_supplier_is_in_charge() -> None:
    notice = on("2024-03-10", "switch_notified", provider="beta")
    (row,) = rows_of(som(notice), "2024-03-10", SWITCH)
    assert (row.due, row.responsible, row.provider) == (d("2024-03-25"), Role.CAREER_GUIDE, None)
    assert state(som(notice), "2024-03-26", SWITCH) == "OVERDUE"
    switched = som(notice, on("2024-03-25", "provider_switch", provider="beta", approved=True))
    assert short(rows_of(switched, "2024-03-25", SWITCH)) == [(1, "2024-03-25", "MET", "2024-03-25")]
    other = som(notice, on("2024-03-25", "provider_switch", provider="alfa", approved=True))
    assert state(other, "2024-03-26", SWITCH) == "OVERDUE"
    assert state(som(notice, exited("2024-03-20")), "2024-04-30", SWITCH) == "CANCELLED"


@pytest.mark.rule("LOKA-29")
def test_expressed_interest_is_acted_upon_within_the_days_that_are_set() -> None:
    kind, within = "INTEREST_FOLLOW_UP", {"interest.followup_days": 5}
    interest = on("2024-03-10", "interest_expressed", workplace="W1")
    assert short(rows_of(som(interest), "2024-03-10", kind)) == [(1, None, "OPEN", None)]
    assert state(som(interest), "2024-03-15", kind, settings=within) == "OPEN"
    assert state(som(interest), "2024-03-16", kind, settings=within) == "OVERDUE"
    step = on("2024-03-15", "placement_step", workplace="W1", step="EMPLOYER_CONTACTED")
    for acted in (on("2024-03-15", "contact", party="WORKPLACE"), step):
        assert short(rows_of(som(interest, acted), "2024-03-15", kind, within)) == [
            (1, "2024-03-15", "MET", "2024-03-15")
        ]
    before = {**step, "on": "2024-03-09"}
    for earlier in (on("2024-03-09", "contact", party="WORKPLACE"), before):
        assert state(som(interest, earlier), "2024-03-16", kind, settings=within) == "OVERDUE"
