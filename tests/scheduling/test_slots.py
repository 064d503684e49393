"""Times that suit everybody: examples by hand, and a checker of its own that walks through the minutes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundval_contracts.codes import MeetingMode, MeetingParty, ResourceKind, SlotObstacle, SlotReason
from kundval_scheduling.domain.availability import office_hours, week_of
from kundval_scheduling.domain.instants import Span, day_span, hours_span, instant, local_day, zone
from kundval_scheduling.domain.resources import Busy, Hours, Participant, Resource, Travel
from kundval_scheduling.domain.slot_problem import (
    Attendee,
    Obstacle,
    Problem,
    Proposal,
    Reason,
    Room,
    Seat,
    booked_minutes,
    client,
    staff,
    weekly_minutes,
)
from kundval_scheduling.domain.slots import propose
from kundval_scheduling.domain.starts import Starts
from kundval_scheduling.slots.texts import texts

OFFICE = office_hours(time(8), time(17))
#: Monday to Friday of one week
MON, TUE, WED, THU, FRI = (date(2026, 3, day) for day in range(2, 7))


def at(day: date, clock: str) -> datetime:
    return instant(datetime.combine(day, time.fromisoformat(clock)))


def span(day: date, start: str, end: str) -> Span:
    return Span(at(day, start), at(day, end))


def days(first: date, last: date) -> Span:
    return Span(day_span(first).start, day_span(last).end)


def taken(day: date, start: str, end: str, place: str | None = None) -> Busy:
    return Busy(span(day, start, end), place, "some-meeting")


def person(key: str, *busy: Busy, **fields: Any) -> Attendee:
    return Attendee(key, **{"hours": OFFICE, "busy": busy, "booked": booked_minutes(busy), **fields})


def seat(role: MeetingParty, *choices: Attendee, mandatory: bool = True) -> Seat:
    return Seat(role, choices, mandatory)


def three(
    *, client: Attendee | None = None, guide: Attendee | None = None, provider: Attendee | None = None, **fields: Any
) -> Problem:
    """An hour in the week for a client, a career guide and a provider; everybody has time, each without a place."""
    seats = (
        seat(MeetingParty.CLIENT, client or person("client/c")),
        seat(MeetingParty.CAREER_GUIDE, guide or person("guide")),
        seat(MeetingParty.PROVIDER, provider or person("contact")),
    )
    return Problem(
        **{
            "window": days(MON, FRI),
            "minutes": 60,
            "mode": MeetingMode.IN_PERSON,
            "seats": seats,
            "target": WED,
            **fields,
        }
    )


def local(one: Proposal) -> str:
    """Day of the month and local time."""
    return f"{one.span.start.astimezone(zone()):%d %H:%M}"


def codes(one: Proposal) -> dict[SlotReason, int | None]:
    return {reason.code: reason.number for reason in one.reasons}


def stands(problem: Problem) -> dict[tuple[SlotObstacle, MeetingParty | None], Obstacle]:
    """What stands in the way of a problem without a solution."""
    answer = propose(problem, 5)
    assert not answer.found
    return {(one.code, one.role): one for one in answer.obstacles}


# --- the day -----------------------------------------------------------------------------------------------


def test_the_target_day_is_the_best_and_the_others_follow_by_their_distance() -> None:
    found = propose(three(), 5).found
    assert [one.day for one in found] == [WED, TUE, THU, MON, FRI]
    assert SlotReason.ON_TARGET_DAY in codes(found[0])
    assert codes(found[1])[SlotReason.DAYS_BEFORE_TARGET] == 1
    assert codes(found[4])[SlotReason.DAYS_AFTER_TARGET] == 2


def test_proposals_come_on_different_days_before_a_day_gives_a_second_one() -> None:
    found = propose(three(), 8).found
    assert len({one.day for one in found[:5]}) == 5
    assert [one.day for one in found[5:]] == [WED, TUE, THU]


def test_the_second_of_a_day_does_not_overlap_the_first() -> None:
    first, second = propose(three(window=days(WED, WED)), 2).found
    assert not first.span.overlaps(second.span)


def test_without_a_target_sooner_is_better() -> None:
    assert [one.day for one in propose(three(target=None), 3).found] == [MON, TUE, WED]


def test_nothing_is_proposed_on_a_holiday() -> None:
    found = propose(three(holidays={WED}), 20).found
    assert WED not in {one.day for one in found}


def test_nothing_is_proposed_before_or_after_the_window() -> None:
    window = Span(at(WED, "10:10"), at(WED, "12:05"))
    found = propose(three(window=window), 20).found
    assert sorted(local(one) for one in found) == ["04 10:15", "04 10:30", "04 10:45", "04 11:00"]


def test_a_day_after_the_last_one_in_time_is_proposed_only_if_there_is_none_before() -> None:
    found = propose(three(hold_by=TUE), 20).found
    assert {one.day for one in found} == {MON, TUE}
    assert SlotReason.LAST_IN_TIME in codes(next(one for one in found if one.day == TUE))
    away = person("guide", Busy(days(MON, TUE)))
    late = propose(three(hold_by=TUE, guide=away), 20).found
    assert {one.day for one in late} == {WED, THU, FRI}
    assert codes(late[0])[SlotReason.DAYS_LATE] == 1


# --- people ------------------------------------------------------------------------------------------------


def test_everybody_who_must_come_is_within_hours_and_free() -> None:
    problem = three(
        window=days(WED, WED),
        client=person("client/c", hours=(Hours(3, time(9), time(13)),)),
        guide=person("guide", taken(WED, "08:00", "10:00")),
        provider=person("contact", taken(WED, "11:00", "12:00")),
    )
    assert {local(one) for one in propose(problem, 20).found} == {"04 10:00", "04 12:00"}


def test_hours_of_two_shifts_that_touch_are_one_stretch() -> None:
    hours = (Hours(3, time(8), time(9), "north"), Hours(3, time(9), time(10), "south"))
    problem = three(guide=person("guide", hours=hours), minutes=120)
    assert [local(one) for one in propose(problem, 5).found] == ["04 08:00"]


def test_who_has_no_hours_can_never_come_but_a_client_can_within_office_hours() -> None:
    assert (SlotObstacle.OUTSIDE_HOURS, MeetingParty.CAREER_GUIDE) in stands(three(guide=person("guide", hours=())))
    anybody = client(Participant("a-1", "c-1"), (), OFFICE)
    assert (anybody.key, anybody.hours) == ("client/c-1", OFFICE)


def test_one_of_several_takes_the_seat_and_it_is_who_has_the_least_in_that_week() -> None:
    full = [taken(TUE, f"{hour:02}:00", f"{hour + 1:02}:00") for hour in range(8, 16)]
    problem = three(window=days(WED, WED))
    guides = seat(
        MeetingParty.CAREER_GUIDE, person("a", *full, weekly=weekly_minutes(Decimal(1), 40)), person("b", weekly=2400)
    )
    best = propose(replace(problem, seats=(problem.seats[0], guides, problem.seats[2])), 1).found[0]
    assert "b" in {one.key for one in best.parties}
    assert SlotReason.LEAST_LOADED in codes(best)


def test_nobody_can_take_two_seats() -> None:
    with pytest.raises(ValueError, match="two seats"):
        three(guide=person("same"), provider=person("same"))


def test_an_optional_party_decides_between_starts_and_is_left_out_where_it_cannot_come() -> None:
    employer = seat(MeetingParty.EMPLOYER, person("boss", hours=(Hours(3, time(15), time(16)),)), mandatory=False)
    problem = three()
    found = propose(replace(problem, seats=(*problem.seats, employer)), 2).found
    assert local(found[0]) == "04 15:00"
    assert SlotReason.ALL_OPTIONAL in codes(found[0])
    assert [one.key for one in found[0].parties if not one.mandatory] == ["boss"]
    assert codes(found[1])[SlotReason.OPTIONAL_MISSING] == 1
    assert "boss" not in {one.key for one in found[1].parties}


def test_a_meeting_is_put_next_to_others_rather_than_into_the_middle_of_free_time() -> None:
    busy = taken(WED, "09:30", "12:00")
    best = propose(three(window=days(WED, WED), guide=person("guide", busy), provider=person("k", busy)), 1).found[0]
    assert local(best) in {"04 08:00", "04 12:00", "04 16:00"}
    assert SlotReason.NO_SPLIT in codes(best)


# --- the way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "first"), [(30, "09:30"), (31, "09:45")])
def test_exactly_enough_time_for_the_way_there_is_enough(minutes: int, first: str) -> None:
    guide = person("guide", taken(WED, "08:00", "09:00", "north"))
    problem = three(
        window=Span(at(WED, "08:00"), at(WED, "11:00")),
        guide=guide,
        place="south",
        travel=Travel({("north", "south"): minutes}),
    )
    assert min(local(one) for one in propose(problem, 20).found) == f"04 {first}"


@pytest.mark.parametrize(("minutes", "last"), [(30, "09:30"), (31, "09:15")])
def test_exactly_enough_time_for_the_way_on_is_enough(minutes: int, last: str) -> None:
    guide = person("guide", taken(WED, "11:00", "12:00", "north"))
    problem = three(
        window=Span(at(WED, "08:00"), at(WED, "12:00")),
        guide=guide,
        place="south",
        travel=Travel({("south", "north"): minutes}),
    )
    assert max(local(one) for one in propose(problem, 20).found) == f"04 {last}"


def test_a_call_in_between_does_not_shorten_the_way() -> None:
    guide = person("guide", taken(WED, "08:00", "09:00", "north"), taken(WED, "09:00", "09:15"))
    problem = three(window=Span(at(WED, "08:00"), at(WED, "12:00")), guide=guide, place="south", travel=Travel({}, 60))
    assert min(local(one) for one in propose(problem, 20).found) == "04 10:00"


def test_a_meeting_by_video_or_phone_needs_no_way_no_place_and_no_room() -> None:
    guide = person("guide", taken(WED, "08:00", "09:00", "north"))
    small = Room("cell", "south", 1)
    for mode in (MeetingMode.VIDEO, MeetingMode.PHONE):
        problem = three(window=days(WED, WED), guide=guide, mode=mode, travel=Travel({}, 60), rooms=(small,))
        found = propose(problem, 20).found
        assert min(local(one) for one in found) == "04 09:00"
        assert {(one.place, one.room) for one in found} == {(None, None)}


def test_the_way_of_another_day_is_none_for_this_day() -> None:
    guide = person("guide", taken(TUE, "16:00", "17:00", "north"), taken(THU, "08:00", "09:00", "north"))
    problem = three(window=days(TUE, THU), guide=guide, place="south", travel=Travel({}, 1000))
    assert {one.day for one in propose(problem, 20).found} == {WED}


def test_a_place_that_costs_less_of_the_way_is_preferred_and_the_minutes_are_named() -> None:
    everybody_north = three(
        client=person("client/c", place="north"),
        guide=person("guide", place="north"),
        provider=person("contact", place="south"),
        rooms=(Room("far", "south", 3), Room("near", "north", 3)),
        travel=Travel({("north", "south"): 25}),
    )
    best = propose(everybody_north, 1).found[0]
    assert (best.room, best.place) == ("near", "north")
    assert codes(best)[SlotReason.TRAVEL_MINUTES] == 50


def test_everybody_has_the_buffer_between_two_meetings() -> None:
    guide = person("guide", taken(WED, "08:00", "09:00"), Busy(span(WED, "11:00", "12:00")))
    problem = three(window=Span(at(WED, "08:00"), at(WED, "12:00")), guide=guide, buffer=15)
    found = sorted(local(one) for one in propose(problem, 20).found)
    assert (found[0], found[-1]) == ("04 09:15", "04 10:00"), "an absence needs none"


# --- capacity ----------------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-64")
def test_capacity_is_the_share_of_a_full_time_and_not_the_hours_in_the_calendar() -> None:
    half = staff(Resource("guide", ResourceKind.STAFF, OFFICE, fte=Decimal("0.5")), (), 40)
    assert half.weekly == 20 * 60
    assert weekly_minutes(Decimal("0.333"), 40) == 799


@pytest.mark.rule("LOKA-64")
def test_a_week_may_be_exactly_full_and_no_fuller() -> None:
    busy = (taken(MON, "08:00", "17:00"), taken(TUE, "08:00", "17:00"), taken(THU, "08:00", "09:00"))
    guide = staff(Resource("guide", ResourceKind.STAFF, OFFICE, fte=Decimal("0.5")), busy, 40)
    assert guide.booked == {MON: 19 * 60}
    assert propose(three(guide=guide), 1).found
    obstacle = stands(three(guide=guide, minutes=75))[SlotObstacle.CAPACITY_REACHED, MeetingParty.CAREER_GUIDE]
    assert obstacle.opens > 0


@pytest.mark.rule("LOKA-64")
def test_an_absence_takes_nothing_of_the_capacity() -> None:
    assert booked_minutes([Busy(span(MON, "08:00", "17:00"))]) == {}


@pytest.mark.rule("LOKA-64")
def test_a_week_of_two_years_has_one_capacity() -> None:
    """Week 53 of 2026 goes on until 3 January 2027."""
    last_year, new_year, monday = date(2026, 12, 30), date(2027, 1, 1), date(2027, 1, 4)
    guide = person("guide", taken(last_year, "08:00", "09:00"), weekly=60)
    found = propose(three(guide=guide, window=days(new_year, monday), target=new_year), 20).found
    assert {one.day for one in found} == {monday}


# --- rooms -------------------------------------------------------------------------------------------------


def test_the_room_with_the_fewest_spare_seats_is_taken_and_when_it_is_taken_the_next() -> None:
    rooms = (
        Room("hall", seats=30),
        Room("four", seats=4),
        Room("three", seats=3, busy=(taken(WED, "08:00", "17:00"),)),
    )
    found = propose(three(rooms=rooms, window=days(TUE, WED)), 2).found
    assert {one.day: one.room for one in found} == {WED: "four", TUE: "three"}
    assert codes(next(one for one in found if one.day == WED))[SlotReason.SPARE_SEATS] == 1
    assert SlotReason.ROOM_FITS in codes(next(one for one in found if one.day == TUE))


def test_a_room_with_too_few_seats_is_never_taken_however_well_it_lies() -> None:
    rooms = (Room("two", "south", seats=2), Room("nine", "south", seats=9))
    assert {one.room for one in propose(three(rooms=rooms), 20).found} == {"nine"}


def test_there_is_a_seat_for_the_interpreter_too() -> None:
    interpreter = person("tolk", languages=("so",))
    three_seats = three(rooms=(Room("three", seats=3),), languages=("so",), interpreters=(interpreter,))
    assert (SlotObstacle.ROOM_TOO_SMALL, None) in stands(three_seats)
    assert propose(replace(three_seats, rooms=(Room("four", seats=4),)), 1).found


def test_an_optional_party_for_whom_there_is_no_seat_stays_away() -> None:
    problem = three(rooms=(Room("three", seats=3),))
    boss = seat(MeetingParty.EMPLOYER, person("boss"), mandatory=False)
    best = propose(replace(problem, seats=(*problem.seats, boss)), 1).found[0]
    assert codes(best)[SlotReason.OPTIONAL_MISSING] == 1


def test_rooms_that_are_taken_stand_in_the_way_and_it_is_said_how_much_one_more_would_open() -> None:
    whole = Busy(days(MON, FRI))
    found = stands(three(rooms=(Room("one", busy=(whole,)), Room("two", busy=(whole,)))))
    obstacle = found[SlotObstacle.ROOM_TAKEN, None]
    assert obstacle.removed == obstacle.opens == 5 * 33
    assert len(found) == 1


# --- language ----------------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-17")
def test_staff_who_speak_the_language_are_preferred_to_an_interpreter() -> None:
    guides = seat(MeetingParty.CAREER_GUIDE, person("a"), person("b", languages=("ar", "so")))
    problem = three(window=days(WED, WED), languages=("so",), interpreters=(person("tolk", languages=("so",)),))
    problem = replace(problem, seats=(problem.seats[0], guides, problem.seats[2]))
    best = propose(problem, 1).found[0]
    assert {one.key for one in best.parties} == {"client/c", "b", "contact"}
    assert SlotReason.OWN_LANGUAGE in codes(best)


@pytest.mark.rule("AF-SOM-17")
def test_an_interpreter_comes_where_nobody_of_the_staff_is_understood() -> None:
    interpreters = (person("other", languages=("fa",)), person("tolk", languages=("so",)))
    best = propose(three(languages=("ar", "so"), interpreters=interpreters), 1).found[0]
    assert [one.key for one in best.parties if one.role is MeetingParty.INTERPRETER] == ["tolk"]
    assert SlotReason.INTERPRETER in codes(best)


@pytest.mark.rule("AF-SOM-17")
def test_the_language_that_the_client_masters_best_is_preferred() -> None:
    interpreters = (person("a", languages=("so",)), person("b", languages=("ar",)))
    best = propose(three(languages=("ar", "so"), interpreters=interpreters), 1).found[0]
    assert "b" in {one.key for one in best.parties}


@pytest.mark.rule("AF-SOM-17")
def test_without_anybody_who_is_understood_there_is_no_time_at_all() -> None:
    found = stands(three(languages=("so",), interpreters=(person("other", languages=("fa",)),)))
    assert list(found) == [(SlotObstacle.NO_INTERPRETER, MeetingParty.INTERPRETER)]


@pytest.mark.rule("AF-SOM-17")
def test_the_clients_own_languages_make_nobody_understood() -> None:
    assert stands(three(client=person("client/c", languages=("so",)), languages=("so",)))


@pytest.mark.rule("AF-SOM-17")
def test_an_interpreter_without_a_free_time_is_named_as_what_to_change() -> None:
    busy = person("tolk", Busy(days(MON, FRI)), languages=("so",))
    found = stands(three(languages=("so",), interpreters=(busy,)))
    assert found[SlotObstacle.TAKEN, MeetingParty.INTERPRETER].opens == 5 * 33


# --- what stands in the way --------------------------------------------------------------------------------


def test_what_opens_the_most_is_named_first() -> None:
    problem = three(
        guide=person("guide", Busy(days(MON, FRI))),
        provider=person("contact", hours=(Hours(1, time(8), time(9)),)),
    )
    answer = propose(problem, 5)
    assert [(one.code, one.role) for one in answer.obstacles] == [
        (SlotObstacle.TAKEN, MeetingParty.CAREER_GUIDE),
        (SlotObstacle.OUTSIDE_HOURS, MeetingParty.PROVIDER),
        (SlotObstacle.NO_COMMON_TIME, None),
    ]
    assert answer.considered == 5 * 33


def test_parties_who_work_at_different_times_have_no_common_hours() -> None:
    found = stands(
        three(
            guide=person("guide", hours=(Hours(1, time(8), time(12)),)),
            provider=person("contact", hours=(Hours(2, time(8), time(12)),)),
        )
    )
    assert (SlotObstacle.NO_COMMON_HOURS, None) in found


def test_a_seat_for_which_there_is_nobody_is_named() -> None:
    problem = three()
    found = stands(replace(problem, seats=(*problem.seats[:2], seat(MeetingParty.PROVIDER))))
    assert found[SlotObstacle.NOBODY, MeetingParty.PROVIDER].opens == 5 * 33


def test_a_way_that_is_too_long_is_named() -> None:
    guide = person("guide", taken(WED, "12:00", "12:15", "north"))
    found = stands(three(window=days(WED, WED), guide=guide, place="south", travel=Travel({}, 480)))
    assert found[SlotObstacle.TRAVEL, MeetingParty.CAREER_GUIDE].opens > 0


def test_a_window_of_holidays_and_one_that_is_too_short_are_named() -> None:
    assert (SlotObstacle.NO_WORKING_DAY, None) in stands(three(holidays={MON, TUE, WED, THU, FRI}))
    assert (SlotObstacle.WINDOW_TOO_SHORT, None) in stands(three(window=Span(at(MON, "08:00"), at(MON, "08:59"))))


def test_an_obstacle_says_nothing_of_the_meeting_or_of_who_stands_in_the_way() -> None:
    guide = person("guide", *(taken(day, "00:01", "23:59", "secret-place") for day in (MON, TUE, WED, THU, FRI)))
    answer = propose(three(guide=guide), 5)
    assert "secret" not in repr(answer) and "some-meeting" not in repr(answer) and "guide" not in repr(answer)


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_reason_and_every_obstacle_has_words(lang: str) -> None:
    words = texts(lang)
    for code, number in product(SlotReason, (None, 1, 2)):
        assert "{" not in words.reason(Reason(code, number))
    for obstacle, role in product(SlotObstacle, (None, *MeetingParty)):
        text = words.obstacle(Obstacle(obstacle, role, 3, 2), 5)
        assert "{" not in text and text.endswith("2 tider." if lang == "sv" else "2 times.")


def test_one_is_not_many() -> None:
    assert texts("sv").reason(Reason(SlotReason.DAYS_LATE, 1)).startswith("en dag ")
    assert texts("en").reason(Reason(SlotReason.DAYS_LATE, 2)).startswith("2 days ")
    assert texts("en").obstacle(Obstacle(SlotObstacle.TAKEN, MeetingParty.CLIENT, 7, 1), 9) == (
        "Taken: the client (7 of 9 times). Without this there is one time."
    )


# --- the clock ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "real"), [(date(2026, 3, 29), 120), (date(2026, 10, 25), 240)], ids=["forward", "back"]
)
def test_a_meeting_has_its_real_length_on_a_day_on_which_the_clock_changes(day: date, real: int) -> None:
    """From 1 to 4 o'clock there are two hours on one of these days and four on the other."""
    hours = (Hours(7, time(1), time(4)),)
    everybody = {
        role: person(name, hours=hours) for role, name in (("client", "client/c"), ("guide", "g"), ("provider", "p"))
    }
    problem = three(window=days(day, day), target=day, minutes=real, **everybody)
    (only,) = propose(problem, 20).found
    assert (only.span.minutes, only.span) == (real, hours_span(day, time(1), time(4)))
    assert not propose(replace(problem, minutes=real + 15), 20).found


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_starts_are_at_local_quarters_through_a_change_of_the_clock(day: date) -> None:
    starts = Starts.over(day_span(day), 15, 15)
    assert starts.count == day_span(day).minutes // 15
    assert starts.on(day) == starts.all
    assert all(starts.span(number).start.minute % 15 == 0 for number in starts.each(starts.all))


@pytest.mark.parametrize("grid", [0, 7, 45, 90])
def test_a_grid_that_does_not_divide_the_hour_is_refused(grid: int) -> None:
    with pytest.raises(ValueError, match="grid"):
        propose(three(grid=grid), 1)


# --- everything at once, against a checker that walks through the minutes ----------------------------------

PLACES = ("north", "south", "west")
#: the clock goes forward, goes back, the year turns within a week, an ordinary day
FIRST_DAYS = (date(2026, 3, 28), date(2026, 10, 24), date(2026, 12, 31), date(2026, 6, 2))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    first = draw(st.sampled_from(FIRST_DAYS))
    window = days(first, first + timedelta(days=1))

    def some_hours() -> tuple[Hours, ...]:
        found = []
        for weekday in {first.isoweekday(), (first + timedelta(days=1)).isoweekday()}:
            start = draw(st.integers(0, 3))
            end = start + draw(st.integers(1, 5))
            place = draw(st.sampled_from((None, *PLACES)))
            found.append(Hours(weekday, time(start, draw(st.sampled_from((0, 20)))), time(end, 30), place))
        return tuple(found)

    def some_busy() -> tuple[Busy, ...]:
        found = []
        for _ in range(draw(st.sampled_from((0, 0, 1, 2, 3)))):
            start = window.start + timedelta(minutes=draw(st.integers(0, 44 * 12)) * 5)
            length = timedelta(minutes=draw(st.sampled_from((5, 15, 30, 45))))
            place, meeting = draw(st.sampled_from((None, *PLACES))), draw(st.sampled_from((None, "m")))
            found.append(Busy(Span(start, start + length), place, meeting))
        return tuple(found)

    def somebody(key: str, *languages: str) -> Attendee:
        busy = some_busy()
        weekly = draw(st.sampled_from((None, 60, 120)))
        place = draw(st.sampled_from((None, *PLACES)))
        return Attendee(key, some_hours(), busy, place, languages, weekly, booked_minutes(busy))

    languages = draw(st.sampled_from((None, ("so",), ("ar", "so"))))
    seats = [
        Seat(MeetingParty.CLIENT, (somebody("client/c", "so"),)),
        Seat(MeetingParty.CAREER_GUIDE, tuple(somebody(f"g{n}", *"so" * n) for n in range(draw(st.integers(1, 2))))),
    ]
    if draw(st.booleans()):
        seats.append(
            Seat(MeetingParty.PROVIDER, (somebody("k", *draw(st.sampled_from(((), ("ar",))))),), draw(st.booleans()))
        )
    rooms = tuple(
        Room(f"r{number}", draw(st.sampled_from(PLACES)), draw(st.sampled_from((None, 2, 3, 4))), (), some_busy())
        for number in range(draw(st.integers(0, 3)))
    )
    interpreters = tuple(
        somebody(f"t{number}", draw(st.sampled_from(("so", "fa")))) for number in range(draw(st.integers(0, 2)))
    )
    roads = {(one, other): draw(st.sampled_from((0, 10, 25, 60))) for one in PLACES for other in PLACES if one < other}
    day = st.sampled_from((None, first - timedelta(days=2), first, first + timedelta(days=1)))
    return Problem(
        window,
        draw(st.sampled_from((30, 45, 60))),
        draw(st.sampled_from((*MeetingMode, MeetingMode.IN_PERSON))),
        tuple(seats),
        rooms,
        draw(st.sampled_from((None, *PLACES))),
        languages,
        interpreters,
        draw(day),
        draw(day),
        Travel(roads, 15),
        draw(st.sampled_from((frozenset(), frozenset({first})))),
        draw(st.sampled_from((5, 15, 30))),
        draw(st.sampled_from((0, 10))),
    )


class Checker:
    """Holds a meeting against every condition, minute by minute. Knows nothing of how the search goes."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self.people = {one.key: one for seat in problem.seats for one in seat.choices}
        self.people |= {one.key: one for one in problem.interpreters}
        self.working = {key: set(self._working(one.hours)) for key, one in self.people.items()}

    def _working(self, hours: Sequence[Hours]) -> Iterator[datetime]:
        day = local_day(self.problem.window.start)
        while day_span(day).start < self.problem.window.end:
            for one in hours:
                found = hours_span(day, one.start, one.end)
                if day not in self.problem.holidays and one.on(day) and found:
                    yield from minutes(found)
            day += timedelta(days=1)

    def person(self, key: str, meeting: Span, place: str | None) -> bool:
        one, problem = self.people[key], self.problem
        if not set(minutes(meeting)) <= self.working[key]:
            return False
        for busy in one.busy:
            least = timedelta(minutes=problem.buffer if busy.meeting else 0)
            if busy.span.end + least > meeting.start and busy.span.start - least < meeting.end:
                return False
            if not problem.in_person or place is None:
                continue
            day = local_day(meeting.start)
            if local_day(busy.span.end - timedelta(minutes=1)) == day and busy.span.end <= meeting.start:
                there = timedelta(minutes=problem.travel.between(busy.place, place))
                in_time = busy.span.end + there <= meeting.start
            elif local_day(busy.span.start) == day and busy.span.start >= meeting.end:
                back = timedelta(minutes=problem.travel.between(place, busy.place))
                in_time = meeting.end + back <= busy.span.start
            else:
                in_time = True
            if not in_time:
                return False
        booked = one.booked.get(week_of(local_day(meeting.start)), 0)
        return one.weekly is None or booked + problem.minutes <= one.weekly

    def room(self, key: str | None, meeting: Span, place: str | None, heads: int) -> bool:
        problem = self.problem
        if not problem.in_person:
            return key is None and place is None
        if not problem.rooms:
            return key is None and place == problem.place
        room = next(one for one in problem.rooms if one.key == key)
        enough = room.seats is None or room.seats >= heads
        return enough and room.place == place and not any(busy.span.overlaps(meeting) for busy in room.busy)

    def understood(self, keys: Sequence[str]) -> bool:
        wanted = set(self.problem.languages or ())
        speakers = [key for key in keys if key != "client/c"]
        return self.problem.languages is None or any(wanted & set(self.people[key].languages) for key in speakers)

    def holds(self, meeting: Span, place: str | None, room: str | None, keys: Sequence[str]) -> bool:
        return (
            meeting.within(self.problem.window)
            and local_day(meeting.start) not in self.problem.holidays
            and self.understood(keys)
            and self.room(room, meeting, place, len(keys))
            and all(self.person(key, meeting, place) for key in keys)
        )

    def starts(self) -> Iterator[Span]:
        for moment in minutes(self.problem.window):
            if moment.minute % self.problem.grid == 0:
                yield Span(moment, moment + timedelta(minutes=self.problem.minutes))

    def ways(self) -> Iterator[tuple[str | None, str | None, list[str]]]:
        """Place, room and people of every way in which the meeting could be held."""
        problem = self.problem
        wheres: list[tuple[str | None, str | None]] = [(None, None)]
        if problem.in_person:
            wheres = [(one.place, one.key) for one in problem.rooms] or [(problem.place, None)]
        seats = [[one.key for one in seat.choices] for seat in problem.seats if seat.mandatory]
        for place, room in wheres:
            for keys in product(*seats):
                yield place, room, list(keys)
                for interpreter in problem.interpreters:
                    yield place, room, [*keys, interpreter.key]

    def any(self) -> bool:
        return any(self.holds(one, *way) for one in self.starts() for way in self.ways())


def minutes(one: Span) -> Iterator[datetime]:
    moment = one.start
    while moment < one.end:
        yield moment
        moment += timedelta(minutes=1)


thorough = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@pytest.mark.rule("AF-SOM-17", "LOKA-64")
@thorough
@given(problems())
def test_every_proposal_holds_and_there_is_one_whenever_one_can_be_found_by_trying_everything(problem: Problem) -> None:
    checker, answer = Checker(problem), propose(problem, 20)
    for one in answer.found:
        assert one.span.minutes == problem.minutes
        assert checker.holds(one.span, one.place, one.room, [party.key for party in one.parties])
        roles = [party.role for party in one.parties if party.mandatory]
        assert {seat.role for seat in problem.seats if seat.mandatory} <= set(roles)
    assert len({one.span for one in answer.found}) == len(answer.found)
    assert bool(answer.found) == checker.any()
    assert bool(answer.found) != bool(answer.obstacles)
    if problem.hold_by and answer.found and answer.found[0].day > problem.hold_by:
        in_time = Span(
            problem.window.start, max(day_span(problem.hold_by).end, problem.window.start + timedelta(minutes=1))
        )
        assert not any(
            checker.holds(one, *way) for one in checker.starts() if one.start < in_time.end for way in checker.ways()
        )


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(), st.integers(0, 2**16))
def test_the_order_in_which_people_and_rooms_are_given_changes_nothing(problem: Problem, seed: int) -> None:
    chance = random.Random(seed)

    def shuffled(some: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(some, len(some)))

    other = replace(
        problem,
        rooms=shuffled(problem.rooms),
        interpreters=shuffled(problem.interpreters),
        seats=tuple(replace(seat, choices=shuffled(seat.choices)) for seat in problem.seats),
    )
    assert propose(problem, 20) == propose(other, 20)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_fewer_proposals_are_the_best_of_more(problem: Problem) -> None:
    assert propose(problem, 3).found == propose(problem, 20).found[:3]


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_an_obstacle_says_truly_how_many_starts_there_are_without_it(problem: Problem) -> None:
    for one in propose(problem, 1).obstacles:
        freed = without(problem, one)
        if freed is not None:
            checker = Checker(freed)
            assert one.opens == sum(any(checker.holds(one, *way) for way in checker.ways()) for one in checker.starts())


def without(problem: Problem, obstacle: Obstacle) -> Problem | None:
    """The problem as it were if somebody lifted that condition; None where that is nothing one could lift."""
    if obstacle.code is SlotObstacle.ROOM_TAKEN:
        return replace(problem, rooms=tuple(replace(room, busy=()) for room in problem.rooms))
    lifted: dict[SlotObstacle, dict[str, Any]] = {
        SlotObstacle.CAPACITY_REACHED: {"weekly": None},
        SlotObstacle.TAKEN: {"busy": ()},
        SlotObstacle.OUTSIDE_HOURS: {
            "hours": tuple(Hours(weekday, time(), time.max) for weekday in range(1, 8)),
        },
    }
    if obstacle.code not in lifted:
        return None
    change = lifted[obstacle.code]
    if obstacle.role is MeetingParty.INTERPRETER:
        return replace(problem, interpreters=tuple(replace(one, **change) for one in problem.interpreters))
    seats = tuple(
        replace(seat, choices=tuple(replace(one, **change) for one in seat.choices))
        if seat.role is obstacle.role
        else seat
        for seat in problem.seats
    )
    return replace(problem, seats=seats)
