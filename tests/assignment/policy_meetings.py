"""Requests about meetings for the matrix of policies, and what has to be there before them.

Nobody is taken by anybody else's example: each has a time and staff of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from kundval_contracts.errors import KundvalError
from kundval_contracts.rpc import CallerRole
from tests.suite import eventually

from . import world as w
from .world import Row, Target, World

#: the meetings that were made for an example, by its number
_made: dict[int, str] = {}
#: a meeting of each target that stays
_standing: dict[str, str] = {}
#: a group session of each provider, and of the municipality
_sessions: dict[str | None, str] = {}
_minute = count(1)
WEEK = [{"weekday": day, "start": "00:00", "end": "23:59"} for day in range(1, 8)]


def later(number: int, **more: Any) -> Row:
    """A time in the weeks after the business date that no other example has."""
    start = datetime(2025, 2, 1) + timedelta(minutes=10 * number)
    return {"starts_at": f"{start.isoformat()}+00:00", "minutes": 5, "mode": "PHONE", **more}


def somebody(number: int, *roles: str) -> list[Row]:
    return [{"role": role, "resource": f"{role.lower()}-{number}"} for role in roles or ("OTHER",)]


def provider_of(one: Target) -> str:
    return one.before or "beta"


def resource(name: str) -> Row:
    return {"resource": name, "kind": "STAFF", "place": "desk", "hours": WEEK}


def own_resources(world: World, one: Target, number: int) -> Row:
    provider = provider_of(one)
    return {"provider": provider, "resources": [resource(f"{provider}-{number}")]}


def has_staff(world: World, one: Target, number: int, role: CallerRole) -> None:
    world.call("scheduling.set_resources", **own_resources(world, one, number))


def absence(world: World, one: Target, number: int) -> Row:
    provider = provider_of(one)
    time = later(number)
    end = datetime.fromisoformat(time["starts_at"]) + timedelta(hours=1)
    return {
        "provider": provider,
        "absence": f"absence-{number}",
        "resource": f"{provider}-{number}",
        "starts_at": time["starts_at"],
        "ends_at": end.isoformat(),
    }


def participant(one: Target, team: str = "north") -> Row:
    """The guide of everybody is who is named for the protected ones; whoever is in charge has a contact for each."""
    contact = f"{one.provider}-for-{one.name}" if one.provider else None
    return {"assignment": one.name, "client": one.person, "guide": w.READER, "contact": contact, "team": team}


def participants(world: World, one: Target, number: int) -> Row:
    return {"participants": [participant(one)]}


@cache
def everybody(world: World) -> None:
    """Who takes part for whom is known, and they have hours."""
    world.call("scheduling.set_resources", resources=[resource(w.READER)])
    for provider in w.PROVIDERS:
        mine = [one for one in world.targets if one.provider == provider]
        staff = [resource(f"{provider}-for-{one.name}") for one in mine]
        world.call("scheduling.set_resources", provider=provider, resources=staff)
    world.call("scheduling.set_participants", participants=[participant(one) for one in world.targets])


def all_known(world: World, one: Target, number: int, role: CallerRole) -> None:
    everybody(world)


def times(world: World, one: Target, number: int) -> Row:
    return {"assignment": one.name, "kind": "WEEKLY_CONTACT"}


def a_contact(world: World, one: Target, number: int) -> Row:
    return {"assignment": one.name, "kind": "WEEKLY_CONTACT", **later(number, parties=somebody(number))}


def a_series(world: World, one: Target, number: int) -> Row:
    return {**a_contact(world, one, number), "count": 2, "every_days": 300}


def a_meeting(world: World, one: Target, number: int, role: CallerRole) -> None:
    """Book a meeting of today with whoever is in charge of the target."""
    everybody(world)
    who = participant(one)
    by = ("PROVIDER", who["contact"]) if one.provider else ("CAREER_GUIDE", who["guide"])
    start = datetime.fromisoformat(f"{w.TODAY}T00:30") + timedelta(minutes=next(_minute))
    booked = world.call(
        "scheduling.book_meeting",
        assignment=one.name,
        kind="WEEKLY_CONTACT",
        starts_at=start.isoformat(),
        minutes=1,
        mode="VIDEO",
        parties=[dict(zip(("role", "resource"), by, strict=True))],
    )
    _made[number] = booked["meeting"]["meeting"]


def the_same_meeting(world: World, one: Target, number: int, role: CallerRole) -> None:
    """One for all examples about the target."""
    if one.name not in _standing:
        a_meeting(world, one, number, role)
        _standing[one.name] = _made[number]
    _made[number] = _standing[one.name]


def the_meeting(**more: Any) -> Any:
    return lambda world, one, number: {"meeting": _made.get(number, "none"), **more}


def moved(world: World, one: Target, number: int) -> Row:
    return {"meeting": _made.get(number, "none"), **later(number)}


def a_session(world: World, one: Target, number: int) -> Row:
    return {"provider": provider_of(one), **later(number, mode="VIDEO", seats=3, parties=somebody(number))}


def in_session(world: World, one: Target, number: int) -> Row:
    return {"meeting": _made.get(number, "none"), "assignment": one.name}


def open_session(world: World, one: Target, number: int, seats: int) -> str:
    session = {**a_session(world, one, number), "provider": one.provider, "seats": seats}
    return str(world.call("scheduling.open_group_session", **session)["meeting"]["meeting"])


def session_there(world: World, one: Target, number: int, role: CallerRole) -> None:
    _made[number] = open_session(world, one, number, 3)


def place_taken(world: World, one: Target, number: int, role: CallerRole) -> None:
    """In one session for all clients of whoever is in charge."""
    if one.provider not in _sessions:
        _sessions[one.provider] = open_session(world, one, number, len(world.targets))
    _made[number] = _sessions[one.provider]
    try:
        world.call("scheduling.join_group", **in_session(world, one, number))
    except KundvalError as error:
        assert error.code == "ENDED", error


def a_forum(world: World, one: Target, number: int) -> Row:
    return {"subjects": [one.name], **later(number, mode="VIDEO", parties=somebody(number, "OTHER", "EMPLOYER"))}


# --- plans -------------------------------------------------------------------------------------------


def a_team(number: int) -> str:
    return f"team-{number}"


def in_a_team(world: World, one: Target, number: int, role: CallerRole) -> None:
    """Everybody in a team that has not planned yet."""
    everybody(world)
    world.call("scheduling.set_participants", participants=[participant(one, a_team(number)) for one in world.targets])


def a_plan_for(world: World, one: Target, number: int) -> Row:
    return {"team": a_team(number), "weeks": 1, "solver": "GREEDY"}


def planned(world: World, number: int) -> str:
    """A plan of everybody's meetings, ready to be decided upon."""
    in_a_team(world, world.targets[0], number, CallerRole.SYSTEM)
    name = str(world.call("scheduling.request_plan", **a_plan_for(world, world.targets[0], number))["plan"])
    eventually(world.has_planned)
    return name


@cache
def the_plan(world: World) -> str:
    """That which stays: of each example that accepts something of it, another meeting."""
    return planned(world, 0)


@cache
def proposed(world: World) -> Iterator[str]:
    meetings = world.call("scheduling.plan", plan=the_plan(world))["meetings"]
    return iter([row["meeting"] for row in meetings if row["state"] == "PROPOSED"])


def a_plan(world: World, one: Target, number: int, role: CallerRole) -> None:
    _made[number] = the_plan(world)


def a_plan_of_its_own(world: World, one: Target, number: int, role: CallerRole) -> None:
    _made[number] = planned(world, number)


def of_the_plan(**more: Any) -> Callable[[World, Target, int], Row]:
    return lambda world, one, number: {"plan": _made.get(number, "none"), **more}


def some_of_the_plan(world: World, one: Target, number: int) -> Row:
    if number not in _made:
        return {"plan": "none"}
    return {"plan": _made[number], "meetings": [next(proposed(world))]}
