"""Planning problems in a few words: a week, people with hours, meetings that want a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from kundval_contracts.codes import MeetingKind, MeetingMode, MeetingParty, ResourceKind
from kundval_scheduling.domain.instants import Span, day_span, instant
from kundval_scheduling.domain.resources import Busy, Hours, Resource
from kundval_scheduling.plans.problem import Client, Problem, Seat, Task, Venue, Way

#: a Monday
DAY = date(2026, 6, 1)
MORNINGS = tuple(Hours(weekday, time(9), time(12)) for weekday in range(1, 6))
GUIDE, CONTACT = MeetingParty.CAREER_GUIDE, MeetingParty.PROVIDER


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A local time on the n-th day of the week, as an instant."""
    return instant(datetime.combine(DAY + timedelta(days=day), time(hour, minute)))


def taken(day: int, start: int, end: int, place: str | None = None, meeting: str | None = "other") -> Busy:
    return Busy(Span(at(day, start), at(day, end)), place, meeting)


def guide(name: str, hours: tuple[Hours, ...] = MORNINGS, fte: str = "1", **more: Any) -> Resource:
    return Resource(name, ResourceKind.STAFF, hours, fte=Decimal(fte), **more)


def room(name: str, place: str = "hall", seats: int = 6) -> Resource:
    return Resource(name, ResourceKind.ROOM, place=place, seats=seats)


def interpreter(name: str, *languages: str) -> Resource:
    return Resource(name, ResourceKind.INTERPRETER, languages=languages)


def task(name: str, *guides: str, days: tuple[int, int] = (0, 4), target: int = 2, **more: Any) -> Task:
    """A meeting of an hour by telephone with one of these guides and a client of its own."""
    given: dict[str, Any] = {
        "mode": MeetingMode.PHONE,
        "venues": (Venue(),),
        "client": f"client/{name}",
        "minutes": 60,
        "seats": (Seat(GUIDE, guides),),
        **more,
    }
    first, last, best = (DAY + timedelta(days=one) for one in (*days, target))
    return Task(name, MeetingKind.FOLLOWUP_AMI2_M3, first=first, last=last, target=best, **given)


def in_rooms(*rooms: str, place: str = "hall") -> dict[str, Any]:
    return {"mode": MeetingMode.IN_PERSON, "venues": tuple(Venue(one, place) for one in rooms)}


def problem(tasks: Iterable[Task], *people: Resource, days: int = 5, **more: Any) -> Problem:
    """A problem of the first days of the week; `clients` are added where they are not given."""
    rows = tuple(tasks)
    clients = {one.client: Client(one.client) for one in rows} | more.pop("clients", {})

    def of(kind: ResourceKind) -> dict[str, Resource]:
        return {one.id: one for one in people if one.kind is kind}

    window = Span(day_span(DAY).start, day_span(DAY + timedelta(days=days - 1)).end)
    staff, rooms, able = (of(kind) for kind in (ResourceKind.STAFF, ResourceKind.ROOM, ResourceKind.INTERPRETER))
    return Problem(window, staff, rooms, able, clients, rows, **more)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small and tight ones, with everything that a problem can have."""
    places = ("hall", "north", "south")
    hours = st.lists(
        st.builds(
            lambda day, start, length: Hours(day, time(start), time(start + length)),
            st.integers(1, 3),
            st.integers(8, 14),
            st.integers(1, 4),
        ),
        max_size=4,
    ).map(tuple)
    fte = st.sampled_from(["1", "0.5", "0.05"])
    spoken = st.sampled_from([(), ("ar",), ("so", "ar")])
    people = [
        guide(
            f"g{number}",
            draw(hours),
            draw(fte),
            place=draw(st.sampled_from(places)),
            languages=draw(spoken),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    people += [room(f"r{number}", draw(st.sampled_from(places)), draw(st.integers(2, 6))) for number in range(2)]
    people += [interpreter("i0", "ar"), interpreter("i1", "so")][: draw(st.integers(0, 2))]
    guides = [one.id for one in people if one.kind is ResourceKind.STAFF]
    rooms = [one for one in people if one.kind is ResourceKind.ROOM]
    tasks = []
    for number in range(draw(st.integers(0, 8))):
        seats = [Seat(GUIDE, tuple(sorted(draw(st.sets(st.sampled_from(guides), min_size=1)))))]
        if draw(st.booleans()):
            seats.append(Seat(CONTACT, (draw(st.sampled_from(guides)),)))
        languages = draw(spoken)
        venues = tuple(Venue(one.id, one.place) for one in rooms if (one.seats or 0) >= len(seats) + 2)
        first = draw(st.integers(0, 3))
        more: dict[str, Any] = {"mode": MeetingMode.IN_PERSON, "venues": venues} if draw(st.booleans()) else {}
        tasks.append(
            task(
                f"t{number}",
                days=(first, draw(st.integers(first, 4))),
                target=draw(st.integers(0, 4)),
                seats=tuple(seats),
                client=f"client/{draw(st.integers(0, 3))}",
                minutes=draw(st.sampled_from([30, 45, 60, 120])),
                overdue=draw(st.booleans()),
                languages=languages,
                interpreters=tuple(one.id for one in people if one.kind is ResourceKind.INTERPRETER),
                **more,
            )
        )
    busy = {
        key: tuple(
            taken(day, start, start + 1, draw(st.sampled_from([None, *places])), draw(st.sampled_from([None, "other"])))
            for day, start in sorted(draw(st.sets(st.tuples(st.integers(0, 3), st.integers(8, 15)), max_size=3)))
        )
        for key in (*guides, *(one.id for one in rooms))
    }
    clients = {
        one.client: Client(one.client, draw(hours) if draw(st.booleans()) else (), draw(st.sampled_from(places)))
        for one in tasks
    }
    ways = (Way("hall", "north", draw(st.sampled_from([0, 10, 37]))), Way("hall", "south", 60), Way("south", "hall", 5))
    made = problem(tasks, *people, busy=busy, clients=clients, ways=ways, way_default=draw(st.sampled_from([0, 20])))
    return replace(made, grid=draw(st.sampled_from([15, 30])), holidays=draw(st.sampled_from([(), (DAY,)])))
