"""The search for the best times of a meeting, and what stands in the way when there are none.

A proposal is valid if everybody who must come can: within their hours, not taken, with time to come from every other
meeting of that day and to get to it, below the weekly capacity; if a room of the place is free and has a seat for each;
and if the client is understood, by staff or by an interpreter (`slot_times`). What it costs is a number of minutes, the
least is the best (`slot_worth`). Proposals on different days come first, so that there is something to choose from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import nsmallest

from kundval_contracts.codes import MeetingParty, SlotObstacle
from kundval_contracts.rules import rule

from .slot_problem import Obstacle, Problem, Proposals, Seat
from .slot_times import Times, Without, any_of, fits
from .slot_worth import RECOMMENDED, Offer, Weights, Worth
from .starts import Starts

#: how the parts of what stands in the way of a party follow on each other: each among the starts that the former leave
_STEPS = (SlotObstacle.OUTSIDE_HOURS, SlotObstacle.TAKEN, SlotObstacle.TRAVEL, SlotObstacle.CAPACITY_REACHED)
_SEVERAL = 2


@rule("AF-SOM-17", "LOKA-64")
def propose(problem: Problem, limit: int, weights: Weights = RECOMMENDED) -> Proposals:
    """Up to `limit` times, the best first: each day's best, then each day's next. Nothing after `hold_by` if there is
    anything before. Always the same for the same problem. Raises ValueError for a grid or a length that cannot be.
    """
    times = Times.of(problem)
    feasible = {place: found for place in times.places if (found := times.feasible(place))}
    if not feasible:
        return _nothing(times)
    some = any_of(feasible.values())
    if problem.hold_by is not None:
        in_time = some & any_of(starts for day, starts in times.days.items() if day <= problem.hold_by)
        some = in_time or some
    worth = Worth(times, weights)
    best = _spread(_best_days(worth, feasible, some, limit), times.starts, limit)
    return Proposals(tuple(worth.proposal(offer) for offer in best), (), _considered(times).bit_count())


def _best_days(worth: Worth, feasible: Mapping[str | None, int], some: int, limit: int) -> list[list[Offer]]:
    """The offers of the days that can be among the best `limit`, of each day the best first.

    Days are gone through from the nearest to the target on. A start costs at least what its day costs, so once
    enough days are found the rest need not be looked at when they begin dearer than the worst of those.
    """
    times = worth.times
    days = sorted((worth.of_day(day), day) for day, starts in times.days.items() if starts & some)
    found: list[list[Offer]] = []
    for least, day in days:
        if len(found) >= limit and least > nsmallest(limit, (offers[0].cost for offers in found))[-1]:
            break
        offers = [
            worth.best(number, day, [place for place, starts in feasible.items() if starts >> number & 1])
            for number in times.starts.each(times.days[day] & some)
        ]
        found.append(sorted(offers, key=lambda offer: offer.order))
    return found


def _spread(days: list[list[Offer]], starts: Starts, limit: int) -> Iterator[Offer]:
    """Each day's best first, the best of them ahead; then each day's second, and so on."""
    queues = [_apart(offers, starts) for offers in days]
    given = 0
    while queues and given < limit:
        turn = sorted(((queue[0], queue) for queue in queues), key=lambda pair: pair[0].order)
        for offer, queue in turn[: limit - given]:
            yield offer
            queue.pop(0)
            given += 1
        queues = [queue for queue in queues if queue]


def _apart(offers: list[Offer], starts: Starts) -> list[Offer]:
    """A day's offers, those first that do not overlap a better one: a quarter of an hour later is no other choice."""
    first: list[Offer] = []
    rest: list[Offer] = []
    for offer in offers:
        away = all(abs(offer.number - other.number) * starts.grid >= starts.minutes for other in first)
        (first if away else rest).append(offer)
    return first + rest


# --- what stands in the way ------------------------------------------------------------------------------


def _considered(times: Times) -> int:
    """The starts within the hours of somebody who must come; if there are none, all on days that are no holidays."""
    hours = any_of(times.working(one) for _, seat in times.mandatory for one in seat.choices)
    return hours & times.allowed or times.allowed


def _nothing(times: Times) -> Proposals:
    considered = _considered(times)
    if not considered:
        code = SlotObstacle.NO_WORKING_DAY if times.starts.all else SlotObstacle.WINDOW_TOO_SHORT
        return Proposals((), (Obstacle(code),), 0)
    found = [*_of_parties(times, considered), *_together(times, considered), *_of_language(times, considered)]
    found.extend(_of_rooms(times, considered))
    found.sort(key=lambda one: (-one.opens, -one.removed, one.code, one.role or ""))
    return Proposals((), tuple(found), considered.bit_count())


def _opens(times: Times, code: SlotObstacle, seat: int | None = None) -> int:
    """How many starts there would be without one condition."""
    return any_of(times.feasible(place, Without(code, seat)) for place in times.places).bit_count()


def _of_parties(times: Times, considered: int) -> Iterator[Obstacle]:
    for number, seat in times.mandatory:
        if seat.choices:
            yield from _of_seat(times, considered, seat, number)
        else:
            opens = _opens(times, SlotObstacle.NOBODY, number)
            yield Obstacle(SlotObstacle.NOBODY, seat.role, considered.bit_count(), opens)


def _of_language(times: Times, considered: int) -> Iterator[Obstacle]:
    if times.problem.languages is None:
        return
    left = considered & ~any_of(times.own_language(place) for place in times.places)
    able = tuple(one for one in times.problem.interpreters if times.speaks(one) is not None)
    if able:
        yield from _of_seat(times, left, Seat(MeetingParty.INTERPRETER, able), None)
    elif left:
        opens = _opens(times, SlotObstacle.NO_INTERPRETER)
        yield Obstacle(SlotObstacle.NO_INTERPRETER, MeetingParty.INTERPRETER, left.bit_count(), opens)


def _of_seat(times: Times, left: int, seat: Seat, number: int | None) -> Iterator[Obstacle]:
    """What keeps all who could take a seat away, step by step: each of the starts that the steps before have left."""
    can = (
        any_of(times.working(one) for one in seat.choices),
        any_of(times.working(one) & times.untaken(one) for one in seat.choices),
        any_of(times.able(one, place, SlotObstacle.CAPACITY_REACHED) for one in seat.choices for place in times.places),
        any_of(times.able(one, place) for one in seat.choices for place in times.places),
    )
    for code, still in zip(_STEPS, can, strict=True):
        if removed := left & ~still:
            yield Obstacle(code, seat.role, removed.bit_count(), _opens(times, code, number))
        left &= still


def _together(times: Times, considered: int) -> Iterator[Obstacle]:
    """Each of the parties can, but never all at once."""
    if len(times.mandatory) < _SEVERAL:
        return
    hours = times.allowed
    for _, seat in times.mandatory:
        hours &= any_of(times.working(one) for one in seat.choices)
    if not hours:
        yield Obstacle(SlotObstacle.NO_COMMON_HOURS, None, considered.bit_count())
    elif not any_of(times.everybody(place) for place in times.places):
        yield Obstacle(SlotObstacle.NO_COMMON_TIME, None, hours.bit_count())


def _of_rooms(times: Times, considered: int) -> Iterator[Obstacle]:
    problem = times.problem
    if not problem.in_person or not problem.rooms:
        return
    understood = problem.languages is None or any(times.own_language(place) for place in times.places)
    heads = times.heads(interpreter=not understood)
    code = SlotObstacle.ROOM_TAKEN if any(fits(one, heads) for one in problem.rooms) else SlotObstacle.ROOM_TOO_SMALL
    if removed := considered & ~any_of(times.rooms(place, heads) for place in times.places):
        yield Obstacle(code, None, removed.bit_count(), _opens(times, code))
