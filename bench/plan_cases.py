"""A team's meetings of four weeks, made up from a seed: what (h) plans.

Shares of a full time from a quarter to a whole, half days for meetings, leave, other meetings that stand already,
clients who can only at some times, languages with few interpreters, rooms of the municipality and of each provider,
and the way between them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from kundval_contracts.codes import MeetingKind, MeetingMode, MeetingParty, ResourceKind
from kundval_scheduling.domain.instants import LOCAL, Span, day_span, instant
from kundval_scheduling.domain.resources import Busy, Hours, Resource
from kundval_scheduling.plans.problem import Client, Problem, Seat, Task, Venue, Way

#: a Monday; Midsummer, of which both days are holidays, is in the third week
FIRST = date(2026, 6, 1)
WEEKS = 4
HOLIDAYS = (date(2026, 6, 6), date(2026, 6, 19), date(2026, 6, 20))
INTERPRETERS = 6
LANGUAGES = ("ar", "so", "ti", "fa", "uk")
KINDS = (MeetingKind.FOLLOWUP_AMI1_D45, MeetingKind.FOLLOWUP_AMI2_M3, MeetingKind.START_UP, MeetingKind.BIP)


@dataclass(frozen=True)
class Team:
    meetings: int = 500
    staff: int = 25
    providers: int = 24
    seed: int = 4


class _Town:
    def __init__(self, team: Team):
        self.team = team
        self.random = random.Random(team.seed)
        self.days = [FIRST + timedelta(days=day) for day in range(WEEKS * 7)]
        self.busy: dict[str, tuple[Busy, ...]] = {}
        self.offices = ["house-1", "house-2"]
        self.premises = [f"premises-{number}" for number in range(team.providers)]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def hours(self, halves: int) -> tuple[Hours, ...]:
        """So many half days a week on which somebody has meetings."""
        every = [(day, half) for day in range(1, 6) for half in ((time(8, 30), time(12)), (time(13), time(16, 30)))]
        return tuple(Hours(day, *half) for day, half in sorted(self.random.sample(every, halves)))

    def taken(self, key: str, hours: tuple[Hours, ...], share: float, place: str) -> None:
        """What stands in a calendar already: that share of the hours, and for some a few days of leave."""
        found = []
        leave: set[date] = set()
        if self.chance(0.3):
            first = self.random.choice(self.days)
            leave = {first + timedelta(days=day) for day in range(self.random.randint(1, 5))}
        for day in self.days:
            if day in leave:
                found.append(Busy(day_span(day)))
                continue
            for one in hours:
                if not one.on(day):
                    continue
                at = datetime.combine(day, one.start)
                while at + timedelta(hours=1) <= datetime.combine(day, one.end):
                    if self.chance(share):
                        start = instant(at, LOCAL)
                        where = place if self.chance(0.8) else self.random.choice(self.premises)
                        found.append(Busy(Span(start, start + timedelta(minutes=60)), where, f"m-{key}-{len(found)}"))
                        at += timedelta(minutes=60)
                    at += timedelta(minutes=30)
        self.busy[key] = tuple(sorted(found, key=lambda one: one.span))

    def person(self, key: str, place: str, fte: str, halves: int, provider: str | None = None) -> Resource:
        hours = self.hours(halves)
        self.taken(key, hours, 0.3, place)
        spoken = tuple(self.random.sample(LANGUAGES, 1)) if self.chance(0.15) else ()
        team = None if provider else "team-1"
        return Resource(key, ResourceKind.STAFF, hours, team, provider, place, Decimal(fte), spoken)


def instance(team: Team = Team()) -> Problem:
    """The same for the same team and seed."""
    town = _Town(team)
    pick = town.random
    staff: dict[str, Resource] = {}
    guides = [f"guide-{number}" for number in range(team.staff)]
    for number, key in enumerate(guides):
        fte, halves = pick.choices([("1", 9), ("0.75", 7), ("0.5", 5), ("0.25", 3)], [6, 3, 2, 1])[0]
        staff[key] = town.person(key, town.offices[number % 2], fte, halves)
    contacts: dict[int, tuple[str, ...]] = {}
    for number in range(team.providers):
        keys = tuple(f"contact-{number}-{one}" for one in range(pick.randint(1, 3)))
        contacts[number] = keys
        for key in keys:
            staff[key] = town.person(key, town.premises[number], "0.75", 8, f"provider-{number}")
    rooms: dict[str, Resource] = {}
    for number in range(8):
        key = f"room-{number}"
        rooms[key] = Resource(key, ResourceKind.ROOM, place=town.offices[number % 2], seats=pick.choice([4, 6, 10]))
        town.taken(key, (Hours(1, time(8), time(12)), Hours(3, time(13), time(17))), 0.4, town.offices[number % 2])
    for number in range(team.providers):
        key = f"room-p{number}"
        rooms[key] = Resource(key, ResourceKind.ROOM, place=town.premises[number], seats=6)
    interpreters = {}
    for number in range(INTERPRETERS):
        key = f"interpreter-{number}"
        spoken = tuple(pick.sample(LANGUAGES, 2))
        interpreters[key] = Resource(key, ResourceKind.INTERPRETER, town.hours(4), languages=spoken)
    clients: dict[str, Client] = {}
    tasks = []
    for number in range(team.meetings):
        key = f"client/{number}"
        can = town.hours(6) if town.chance(0.3) else ()
        clients[key] = Client(key, can, pick.choice(town.offices) if town.chance(0.7) else None)
        tasks.append(_task(town, number, key, guides, contacts, rooms))
    places = [*town.offices, *town.premises]
    ways = tuple(
        Way(one, other, pick.choice([10, 15, 20, 25, 35]))
        for place, one in enumerate(places)
        for other in places[place + 1 :]
    )
    window = Span(day_span(FIRST).start, day_span(town.days[-1]).end)
    return Problem(window, staff, rooms, interpreters, clients, tuple(tasks), town.busy, ways, 20, HOLIDAYS)


def _task(
    town: _Town,
    number: int,
    client: str,
    guides: list[str],
    contacts: dict[int, tuple[str, ...]],
    rooms: dict[str, Resource],
) -> Task:
    pick = town.random
    provider = pick.randrange(town.team.providers)
    first = FIRST + timedelta(days=pick.randrange(0, WEEKS * 7 - 7))
    last = min(first + timedelta(days=pick.choice([7, 10, 14, 20])), FIRST + timedelta(days=WEEKS * 7 - 1))
    target = first + (last - first) // 2
    guide = (pick.choice(guides),) if town.chance(0.65) else tuple(guides)
    contact = contacts[provider] if town.chance(0.5) else (pick.choice(contacts[provider]),)
    mode = pick.choices([MeetingMode.IN_PERSON, MeetingMode.VIDEO], [8, 2])[0]
    venues: tuple[Venue, ...] = (Venue(),)
    if mode is MeetingMode.IN_PERSON:
        near = [key for key, one in rooms.items() if one.place in town.offices] if town.chance(0.6) else []
        near.append(f"room-p{provider}")
        near.sort(key=lambda key: (rooms[key].seats or 0, key))
        venues = tuple(Venue(key, rooms[key].place) for key in near)
    return Task(
        f"meeting-{number}",
        pick.choice(KINDS),
        pick.choice([45, 60, 60, 90]),
        first,
        last,
        target,
        client,
        (Seat(MeetingParty.CAREER_GUIDE, guide), Seat(MeetingParty.PROVIDER, contact)),
        venues,
        mode,
        town.chance(0.1),
        (pick.choice(LANGUAGES),) if town.chance(0.2) else (),
        tuple(f"interpreter-{one}" for one in range(INTERPRETERS)),
    )
