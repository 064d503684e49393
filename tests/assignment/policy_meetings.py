"""Requests about meetings for the matrix of policies, and what has to be there before them.

Nobody is taken by anybody else's example: each has a time and staff of its own.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from kundval_contracts.errors import KundvalError
from kundval_contracts.rpc import CallerRole

from . import world as w
from .world import Row, Target, World

#: the meetings that were made for an example, by its number
_made: dict[int, str] = {}
_minutes: Counter[str] = Counter()
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


def participants(world: World, one: Target, number: int) -> Row:
    return {"participants": [{"assignment": one.name, "client": one.person, "guide": "guide", "team": "north"}]}


def a_contact(world: World, one: Target, number: int) -> Row:
    return {"assignment": one.name, "kind": "WEEKLY_CONTACT", **later(number, parties=somebody(number))}


def a_series(world: World, one: Target, number: int) -> Row:
    return {**a_contact(world, one, number), "count": 2, "every_days": 300}


def a_meeting(world: World, one: Target, number: int, role: CallerRole) -> None:
    """Book a meeting of today with whoever is in charge of the target."""
    who = somebody(number, "PROVIDER" if one.provider else "CAREER_GUIDE")
    owner = {"provider": one.provider} if one.provider else {}
    world.call("scheduling.set_resources", resources=[resource(who[0]["resource"])], **owner)
    _minutes[one.name] += 1
    start = datetime.fromisoformat(f"{w.TODAY}T00:30") + timedelta(minutes=_minutes[one.name])
    booked = world.call(
        "scheduling.book_meeting",
        assignment=one.name,
        kind="WEEKLY_CONTACT",
        starts_at=start.isoformat(),
        minutes=1,
        mode="VIDEO",
        parties=who,
    )
    _made[number] = booked["meeting"]["meeting"]


def the_meeting(**more: Any) -> Any:
    return lambda world, one, number: {"meeting": _made.get(number, "none"), **more}


def moved(world: World, one: Target, number: int) -> Row:
    return {"meeting": _made.get(number, "none"), **later(number)}


def a_session(world: World, one: Target, number: int) -> Row:
    return {"provider": provider_of(one), **later(number, mode="VIDEO", seats=3, parties=somebody(number))}


def in_session(world: World, one: Target, number: int) -> Row:
    return {"meeting": _made.get(number, "none"), "assignment": one.name}


def session_there(world: World, one: Target, number: int, role: CallerRole) -> None:
    owner = {"provider": one.provider} if one.provider else {}
    session = {**a_session(world, one, number), "provider": None, **owner}
    _made[number] = world.call("scheduling.open_group_session", **session)["meeting"]["meeting"]


def place_taken(world: World, one: Target, number: int, role: CallerRole) -> None:
    session_there(world, one, number, role)
    try:
        world.call("scheduling.join_group", **in_session(world, one, number))
    except KundvalError as error:
        assert error.code == "ENDED", error


def a_forum(world: World, one: Target, number: int) -> Row:
    return {"subjects": [one.name], **later(number, mode="VIDEO", parties=somebody(number, "OTHER", "EMPLOYER"))}
