"""What stands against booking a meeting, each on its boundary; premises of Stöd och matchning."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts.codes import BookingRefusal, MeetingKind, MeetingMode, MeetingParty, ResourceKind
from kundval_contracts.errors import InvalidRequest
from kundval_scheduling.domain.booking import Booking, Seat, objections, spoken
from kundval_scheduling.domain.instants import Span, instant
from kundval_scheduling.domain.meeting import Party
from kundval_scheduling.domain.premises import Premises, premises, premises_ok, staff_on_site
from kundval_scheduling.domain.resources import Busy, Hours, Participant, Resource, Travel
from kundval_scheduling.meetings.series import MOST, days
from kundval_scheduling.meetings.times import read_span
from tests.scheduling.builders import d

P, R = MeetingParty, BookingRefusal
DAY = "2026-05-05"


def hours(start: str, end: str, *weekdays: int) -> tuple[Hours, ...]:
    return tuple(Hours(day, time.fromisoformat(start), time.fromisoformat(end)) for day in weekdays or range(1, 6))


def at(clock: str, minutes: int = 60, day: str = DAY) -> Span:
    start = instant(datetime.fromisoformat(f"{day}T{clock}"))
    return Span(start, start + timedelta(minutes=minutes))


GUIDE = Resource("kim", ResourceKind.STAFF, hours("08:00", "17:00"), place="hall")
CONTACT = Resource("alfa-1", ResourceKind.STAFF, hours("08:00", "17:00"), provider="alfa", place="alfa")
ROOM = Resource("hall-1", ResourceKind.ROOM, place="hall", seats=3)
CLIENT = Participant("A-1", "p-1", "kim", "alfa-1")
SEATS = (
    Seat(Party(P.CLIENT, CLIENT.key), participant=CLIENT),
    Seat(Party(P.CAREER_GUIDE, "kim"), GUIDE),
    Seat(Party(P.PROVIDER, "alfa-1"), CONTACT),
)


def booking(**changes: Any) -> Booking:
    given = {
        "kind": MeetingKind.FOLLOWUP_AMI2_M3,
        "span": at("10:00"),
        "mode": MeetingMode.IN_PERSON,
        "seats": SEATS,
        "place": "hall",
        "room": ROOM,
        "provider": "alfa",
    }
    return Booking(**{**given, **changes})


def codes(**changes: Any) -> list[tuple[str, str]]:
    return [(one.code.value, one.path) for one in objections(booking(**changes))]


def seat(role: MeetingParty, resource: Resource, **more: Any) -> Seat:
    return Seat(Party(role, resource.id), resource, **more)


def test_nothing_stands_against_a_meeting_of_all_three_in_a_room_within_their_hours() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"room": replace(ROOM, provider="beta")}, [("UNKNOWN_RESOURCE", "room")]),
        ({"room": replace(ROOM, provider="alfa")}, []),
        ({"seats": (*SEATS, Seat(Party(P.OTHER, "client/p-2")))}, [("WRONG_PARTY", "parties")]),
        ({"seats": (*SEATS, Seat(Party(P.OTHER, "school-7"))), "room": replace(ROOM, seats=4)}, []),
    ],
)
def test_neither_another_providers_room_nor_another_client_is_taken_along(
    changes: dict[str, Any], refused: list[tuple[str, str]]
) -> None:
    assert codes(**changes) == refused


# --- who -------------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-7.2-b")
@pytest.mark.parametrize("missing", range(3))
def test_a_follow_up_without_one_of_the_three_is_none(missing: int) -> None:
    left = tuple(one for place, one in enumerate(SEATS) if place != missing)
    assert codes(seats=left) == [("PARTY_MISSING", "parties")]


@pytest.mark.rule("AMI-7.2-b")
def test_roles_are_for_those_who_can_have_them() -> None:
    of_beta = replace(CONTACT, id="beta-1", provider="beta")
    for wrong in (
        seat(P.PROVIDER, of_beta),
        seat(P.CAREER_GUIDE, CONTACT),
        seat(P.PROVIDER, GUIDE),
        seat(P.INTERPRETER, GUIDE),
        seat(P.OTHER, ROOM),
        Seat(Party(P.PROVIDER, "nobody")),
        Seat(Party(P.CLIENT, "client/p-2")),
    ):
        assert codes(seats=(*SEATS, wrong)) == [("WRONG_PARTY", "parties")], wrong
    # of an employer nothing is kept
    assert codes(seats=(*SEATS, Seat(Party(P.EMPLOYER, "works-7"))), room=replace(ROOM, seats=4)) == []


@pytest.mark.rule("NACKA-3", "AF-SOM-22")
def test_an_assessment_and_guidance_are_in_person_and_guidance_in_the_suppliers_premises_for_one_client() -> None:
    pair = (SEATS[0], SEATS[1])
    call = {"mode": MeetingMode.PHONE, "room": None, "place": None}
    assert codes(kind=MeetingKind.ASSESSMENT, seats=pair, **call) == [("NOT_IN_PERSON", "mode")]
    guidance = {"kind": MeetingKind.SYV, "seats": (SEATS[0], SEATS[2])}
    assert codes(**guidance) == [("NOT_IN_PREMISES", "room")]
    assert codes(**guidance, room=None, place="alfa") == [("NOT_IN_PREMISES", "place")]
    assert codes(**guidance, room=None, place="alfa", premises=frozenset({"alfa"})) == []
    assert codes(**guidance, room=replace(ROOM, provider="alfa")) == []
    second = Seat(Party(P.CLIENT, "client/p-2"), participant=Participant("A-2", "p-2"))
    both = {**guidance, "seats": (*guidance["seats"], second)}
    assert codes(**both, room=replace(ROOM, provider="alfa")) == [("NOT_INDIVIDUAL", "parties")]


# --- when ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "minutes", "fits"),
    [("08:00", 60, True), ("07:59", 60, False), ("16:00", 60, True), ("16:00", 61, False), ("08:00", 540, True)],
)
def test_a_meeting_is_within_everybodys_hours_to_the_minute(clock: str, minutes: int, fits: bool) -> None:
    found = codes(span=at(clock, minutes))
    assert found == ([] if fits else [("OUTSIDE_HOURS", "parties")] * 2)
    assert codes(span=at(clock, minutes), outside_hours=True) == []


def test_hours_that_touch_are_one_stretch_and_none_are_no_time_at_all() -> None:
    halves = replace(GUIDE, hours=(*hours("08:00", "12:00"), *hours("12:00", "17:00")))
    guide = seat(P.CAREER_GUIDE, halves)
    assert codes(span=at("11:30"), seats=(SEATS[0], guide, SEATS[2])) == []
    never = seat(P.CAREER_GUIDE, replace(GUIDE, hours=()))
    assert codes(seats=(SEATS[0], never, SEATS[2])) == [("OUTSIDE_HOURS", "parties")]
    # a client without hours can whenever others can, and so can an interpreter
    part_time = Seat(SEATS[0].party, participant=replace(CLIENT, hours=hours("13:00", "15:00")))
    assert codes(seats=(part_time, *SEATS[1:])) == [("OUTSIDE_HOURS", "parties")]
    closed = replace(ROOM, hours=hours("12:00", "17:00"))
    assert codes(room=closed) == [("OUTSIDE_HOURS", "room")]


@pytest.mark.parametrize(("day", "clock"), [("2026-03-29", "01:30"), ("2026-10-25", "01:30")])
def test_hours_over_the_change_of_the_clock_hold_as_long_as_they_really_are(day: str, clock: str) -> None:
    """In spring 01:00 to 04:00 are two hours, in autumn four."""
    night = tuple(
        seat(role, replace(who, hours=hours("01:00", "04:00", 7)))
        for role, who in ((P.CAREER_GUIDE, GUIDE), (P.PROVIDER, CONTACT))
    )
    longest = 90 if day.endswith("03-29") else 210
    for minutes, fits in ((longest, True), (longest + 1, False)):
        assert (codes(span=at(clock, minutes, day), seats=(SEATS[0], *night)) == []) is fits


# --- where -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gap", "fits"), [(30, True), (29, False)])
def test_the_way_from_and_to_other_places_fits_between_to_the_minute(gap: int, fits: bool) -> None:
    before, after = at("10:00").start - timedelta(minutes=gap), at("10:00").end + timedelta(minutes=gap)
    hour = timedelta(hours=1)
    travel = Travel({("alfa", "hall"): 30})
    for other in (Span(before - hour, before), Span(after, after + hour)):
        there = seat(P.PROVIDER, CONTACT, busy=(Busy(other, "alfa", "m-9"),))
        found = codes(seats=(*SEATS[:2], there), travel=travel)
        assert found == ([] if fits else [("NOT_REACHABLE", "parties")])
    # somewhere unknown, the same place, and the day before ask for no way
    near = Span(before - hour, before)
    for busy in (Busy(near), Busy(near, "hall"), Busy(near.moved(-timedelta(days=1)), "alfa")):
        assert codes(seats=(*SEATS[:2], seat(P.PROVIDER, CONTACT, busy=(busy,))), travel=travel) == []


def test_a_room_has_a_seat_for_everybody_and_a_call_has_no_room() -> None:
    assert codes(room=replace(ROOM, seats=2)) == [("ROOM_TOO_SMALL", "room")]
    assert codes(room=None, place=None) == [("PLACE_MISSING", "place")]
    assert codes(mode=MeetingMode.PHONE) == [("PLACE_NOT_WANTED", "room")]
    group = {"kind": MeetingKind.GROUP_SESSION, "seats": (SEATS[2],)}
    assert codes(**group, places=2) == []
    assert codes(**group, places=3) == [("ROOM_TOO_SMALL", "room")]


# --- language --------------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-17")
def test_a_language_is_met_by_own_staff_or_an_interpreter_the_clients_best_one_first() -> None:
    speaks = Seat(SEATS[0].party, participant=replace(CLIENT, swedish_ok=False, languages=("ti", "ar")))
    assert codes(seats=(speaks, *SEATS[1:])) == [("LANGUAGE_NOT_MET", "interpreter")]
    arabic = seat(P.CAREER_GUIDE, replace(GUIDE, languages=("ar",)))
    own = booking(seats=(speaks, arabic, SEATS[2]))
    assert (objections(own), spoken(own)) == ([], "ar")
    ines = seat(P.INTERPRETER, Resource("ines", ResourceKind.INTERPRETER, languages=("ti",)))
    both = booking(seats=(speaks, arabic, SEATS[2], ines), room=replace(ROOM, seats=4))
    assert (objections(both), spoken(both)) == ([], "ti")
    assert spoken(booking()) is None
    # who masters no language by own assessment cannot be met in one
    none = Seat(SEATS[0].party, participant=replace(CLIENT, swedish_ok=False))
    assert codes(seats=(none, *SEATS[1:])) == [("LANGUAGE_NOT_MET", "interpreter")]


# --- times of requests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-05-05"])
def test_minutes_are_real_ones_on_days_of_23_24_and_25_hours(day: str) -> None:
    span = read_span({"starts_at": datetime.fromisoformat(f"{day}T00:30"), "minutes": 240})
    assert span.minutes == 240
    ends = {"2026-03-29": "05:30", "2026-10-25": "03:30", "2026-05-05": "04:30"}[day]
    by_end = read_span(
        {"starts_at": datetime.fromisoformat(f"{day}T00:30"), "ends_at": datetime.fromisoformat(f"{day}T{ends}")}
    )
    assert by_end == span


@pytest.mark.parametrize(("minutes", "code"), [(720, None), (721, "TOO_LONG"), (0, "EMPTY"), (-1, "NEGATIVE")])
def test_a_meeting_takes_some_time_and_twelve_hours_at_the_most(minutes: int, code: str | None) -> None:
    request = {"starts_at": datetime.fromisoformat(f"{DAY}T08:00"), "minutes": minutes}
    if code is None:
        assert read_span(request).minutes == minutes
        return
    with pytest.raises(InvalidRequest) as raised:
        read_span(request)
    assert (raised.value.code, raised.value.faults[0]["path"]) == (code, "minutes")


def test_a_series_has_so_many_days_or_goes_through_one() -> None:
    first = d("2026-12-28")
    assert [str(day) for day in days(first, 7, 3, None)] == ["2026-12-28", "2027-01-04", "2027-01-11"]
    assert [str(day) for day in days(first, 7, None, d("2027-01-04"))] == ["2026-12-28", "2027-01-04"]
    assert len(list(days(first, 1, None, d("2030-01-01")))) == MOST


# --- premises --------------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-21")
@pytest.mark.parametrize(
    ("given", "ok"),
    [
        (hours("08:00", "12:00", 1, 2, 3, 4), True),
        (hours("08:00", "11:59", 1, 2, 3, 4), False),
        (hours("08:00", "12:00", 1, 2, 3), False),
        (hours("07:00", "11:00", 1, 2, 3, 4), False),  # an hour of it is before 08
        (hours("13:00", "17:00", 2, 3, 4, 5), True),
        (hours("13:30", "17:30", 2, 3, 4, 5), False),
        ((*hours("08:00", "10:00", 1, 2, 3, 4), *hours("15:00", "17:00", 1, 2, 3, 4)), True),
        ((*hours("08:00", "11:00", 1, 2, 3, 4), *hours("09:00", "11:30", 1, 2, 3, 4)), False),  # counted once
    ],
)
def test_premises_are_open_four_hours_between_08_and_17_on_four_days(given: tuple[Hours, ...], ok: bool) -> None:
    assert premises_ok(given) is ok


@pytest.mark.rule("AF-SOM-20")
def test_sixteen_hours_are_open_and_at_every_open_minute_somebody_is_there() -> None:
    opening = hours("09:00", "13:00", 1, 2, 3, 4)
    assert staff_on_site(opening, [opening], 16)
    assert not staff_on_site(hours("09:00", "12:59", 1, 2, 3, 4), [opening], 16)
    assert staff_on_site(opening, [hours("09:00", "11:00", 1, 2, 3, 4), hours("10:59", "13:00", 1, 2, 3, 4)], 16)
    assert not staff_on_site(opening, [hours("09:00", "11:00", 1, 2, 3, 4), hours("11:01", "13:00", 1, 2, 3, 4)], 16)
    assert not staff_on_site(opening, [hours("09:00", "13:00", 1, 2, 3)], 16)


@pytest.mark.rule("AF-SOM-20", "AF-SOM-21")
@given(st.lists(st.tuples(st.integers(1, 7), st.integers(0, 22), st.integers(1, 8)), max_size=10))
def test_premises_agree_with_counting_every_hour(rows: list[tuple[int, int, int]]) -> None:
    given_hours = [Hours(day, time(start), time(min(start + length, 23))) for day, start, length in rows]
    open_hours = {(day, hour) for day, start, length in rows for hour in range(start, min(start + length, 23))}
    access = [sum(1 for day, hour in open_hours if day == weekday and 8 <= hour < 17) for weekday in range(1, 8)]
    assert premises_ok(given_hours) is (sum(1 for one in access if one >= 4) >= 4)
    assert staff_on_site(given_hours, [given_hours], 16) is (len(open_hours) >= 16)


@pytest.mark.rule("AF-SOM-20", "AF-SOM-21")
def test_premises_are_where_a_provider_has_rooms_and_are_staffed_by_who_is_there() -> None:
    four_days = hours("08:00", "12:00", 1, 2, 3, 4)
    rooms = [
        Resource("r-1", ResourceKind.ROOM, four_days, provider="alfa", place="north"),
        Resource("r-2", ResourceKind.ROOM, four_days, provider="alfa", place="south"),
        Resource("r-3", ResourceKind.ROOM, four_days, place="town hall"),
    ]
    # half of the week in the south: then nobody is in the north
    moved = tuple(replace(one, place="south") if one.weekday > 2 else one for one in four_days)
    alone = [*rooms, Resource("s-1", ResourceKind.STAFF, moved, provider="alfa", place="north")]
    assert premises(alone, 16) == (Premises("alfa", "north", True, False), Premises("alfa", "south", True, False))
    both = [*alone, Resource("s-2", ResourceKind.STAFF, four_days, provider="alfa", place="north")]
    assert premises(both, 16) == (Premises("alfa", "north", True, True), Premises("alfa", "south", True, False))
    assert premises(both, 17)[0].staffed is False
