"""What a start is worth: whom and which room to take for it, what that costs, and why.

Costs are minutes of somebody's time, or made equal to them (`Weights`), so that they can be added and argued about:
a day away from the target weighs as much as an hour on the road. All are whole numbers, none is negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from kundval_contracts.codes import MeetingParty, SlotReason

from .availability import merged, shifts, week_of
from .instants import Span, day_span
from .slot_problem import Attendee, Coming, Problem, Proposal, Reason, Room, Seat
from .slot_times import Times, fits
from .starts import minute_after, minute_of

_MILLE = 1000
#: pieces of free time on both sides of a meeting
_SPLIT = 2


@dataclass(frozen=True, slots=True)
class Weights:
    """Minutes that each thing costs.

    day: a day away from the target day (without one: from the first day of the window). optional: one of the
    optional parties cannot come. piece: a piece of free time that a meeting leaves before or after it in somebody's
    working day; the fewer, the less is split. seat: an empty chair, up to `most_spare`, which a room without a number
    has too. interpreter: one is needed although another start may do without. language: each place down the client's
    list. load: somebody whose week is full, in proportion; only where there is a choice between several.
    """

    day: int = 60
    optional: int = 120
    piece: int = 10
    seat: int = 1
    most_spare: int = 20
    interpreter: int = 60
    language: int = 5
    load: int = 60


RECOMMENDED = Weights()


class Taken(NamedTuple):
    """Somebody for a seat at a start. travel: minutes on the road that there would not be without the meeting. pieces:
    of free time that it leaves. load: thousandths of the week's capacity with it.
    """

    cost: int
    key: str
    one: Attendee
    seat: Seat
    travel: int
    pieces: int
    load: int


class Offer(NamedTuple):
    """A start with the best people and the best room that can be had, in the order of worth: cost, then the earlier
    one, then names. missing: optional parties who do not come. room: "" if there is none.
    """

    cost: int
    number: int
    place: str | None
    room: str
    coming: tuple[Taken, ...]
    missing: int
    spare: int | None
    own_language: bool
    light: bool

    @property
    def order(self) -> tuple[int, int, str, str, tuple[str, ...]]:
        return self.cost, self.number, self.place or "", self.room, tuple(one.key for one in self.coming)


class _Stretch(NamedTuple):
    """A stretch of a day in minutes since 1970, and where."""

    start: int
    end: int
    place: str | None = None


@dataclass(frozen=True, slots=True)
class _Day:
    """What somebody does on a local day. working: without the joints between shifts."""

    shifts: tuple[_Stretch, ...]
    working: tuple[_Stretch, ...]
    busy: tuple[_Stretch, ...]


@dataclass(slots=True)
class Worth:
    """Weighs the starts of a problem."""

    times: Times
    weights: Weights = RECOMMENDED
    _days: dict[tuple[str, date], _Day] = field(default_factory=dict)

    @property
    def problem(self) -> Problem:
        return self.times.problem

    def of_day(self, day: date) -> int:
        """What every start on that day costs at least."""
        return self.weights.day * abs((day - (self.problem.target or next(iter(self.times.days)))).days)

    def best(self, number: int, day: date, places: Iterable[str | None]) -> Offer:
        """The best way to hold the meeting at a start that is feasible at each of these places."""
        return min((offer for place in places for offer in self._offers(number, day, place)), key=lambda one: one.order)

    # --- whom and where ------------------------------------------------------------------------------------

    def _offers(self, number: int, day: date, place: str | None) -> Iterator[Offer]:
        problem, weights = self.problem, self.weights
        choices = [self._choices(seat, number, day, place) for seat in problem.seats]
        coming = [of_seat[0] for seat, of_seat in zip(problem.seats, choices, strict=True) if seat.mandatory]
        cost, own = self.of_day(day), False
        if problem.languages is not None:
            own = self._let_understand(coming, choices)
            if not own:
                seat = Seat(MeetingParty.INTERPRETER, problem.interpreters)
                coming.append(min(self._understood(self._choices(seat, number, day, place)), key=self._with_language))
                cost += weights.interpreter
            cost += min(weights.language * rank for one in coming if (rank := self._rank(one)) is not None)
        cost += sum(one.cost for one in coming)
        optional = [
            of_seat[0] for seat, of_seat in zip(problem.seats, choices, strict=True) if not seat.mandatory and of_seat
        ]
        wanted = sum(not seat.mandatory for seat in problem.seats)
        light = self._is_light(coming, choices)
        for room in self._rooms(number, place, len(coming)):
            along = optional if room is None or room.seats is None else optional[: room.seats - len(coming)]
            missing, people = wanted - len(along), (*coming, *along)
            spare = None if room is None or room.seats is None else room.seats - len(people)
            total = cost + weights.optional * missing + (self._chairs(spare) if room else 0)
            yield Offer(total, number, place, room.key if room else "", people, missing, spare, own, light)

    def _choices(self, seat: Seat, number: int, day: date, place: str | None) -> list[Taken]:
        """Who can take a seat at a start, the best first."""
        bit, several = 1 << number, len(seat.choices) > 1
        return sorted(
            (
                self._taken(one, seat, number, day, place, several)
                for one in seat.choices
                if self.times.able(one, place) & bit
            ),
            key=lambda taken: (taken.cost, taken.key),
        )

    def _let_understand(self, coming: list[Taken], choices: list[list[Taken]]) -> bool:
        """See to it that one of the staff speaks a language of the client, at the least cost; False if nobody does."""
        if self._understood(coming):
            return True
        mandatory = [of_seat for seat, of_seat in zip(self.problem.seats, choices, strict=True) if seat.mandatory]
        swaps = [
            (self._with_language(other) - coming[place].cost, place, other.key, other)
            for place, of_seat in enumerate(mandatory)
            for other in self._understood(of_seat)
        ]
        if not swaps:
            return False
        _, place, _, other = min(swaps, key=lambda swap: swap[:3])
        coming[place] = other
        return True

    def _understood(self, some: Iterable[Taken]) -> list[Taken]:
        return [one for one in some if self._rank(one) is not None]

    def _rank(self, one: Taken) -> int | None:
        return None if one.seat.role is MeetingParty.CLIENT else self.times.speaks(one.one)

    def _with_language(self, one: Taken) -> int:
        return one.cost + self.weights.language * (self._rank(one) or 0)

    def _rooms(self, number: int, place: str | None, heads: int) -> Iterator[Room | None]:
        """The rooms that are free; None: none is needed."""
        if not self.problem.in_person or not self.problem.rooms:
            yield None
            return
        for room in self.problem.rooms:
            if room.place == place and fits(room, heads) and self.times.unused(room) >> number & 1:
                yield room

    def _chairs(self, spare: int | None) -> int:
        most = self.weights.most_spare
        return self.weights.seat * (most if spare is None else min(spare, most))

    def _is_light(self, coming: list[Taken], choices: list[list[Taken]]) -> bool:
        """Whether, where several could come, those do whose week is the least full."""
        least = {id(of_seat[0].seat): min(one.load for one in of_seat) for of_seat in choices if len(of_seat) > 1}
        return bool(least) and all(one.load == least[id(one.seat)] for one in coming if id(one.seat) in least)

    # --- what somebody's coming costs ------------------------------------------------------------------------

    def _taken(self, one: Attendee, seat: Seat, number: int, day: date, place: str | None, several: bool) -> Taken:
        plan, travel = self._day(one, day), self.problem.travel
        start = self.times.starts.minute(number)
        end = start + self.problem.minutes
        before = [busy for busy in plan.busy if busy.end <= start]
        after = [busy for busy in plan.busy if busy.start >= end]
        extra = 0
        if place is not None:
            # from where somebody comes, and where to afterwards: another meeting, or where they are that day
            base = next(
                (shift.place for shift in plan.shifts if shift.start <= start < shift.end and shift.place), one.place
            )
            origin = next((busy.place for busy in reversed(before) if busy.place), base)
            onward = next((busy.place for busy in after if busy.place), base)
            extra = max(
                0,
                travel.between(origin, place) + travel.between(place, onward) - travel.between(origin, onward),
            )
        pieces = 0 if seat.role is MeetingParty.CLIENT else self._pieces(plan, before, after, start, end, place)
        load = 0
        if several and one.weekly:
            load = (one.booked.get(week_of(day), 0) + self.problem.minutes) * _MILLE // one.weekly
        weights = self.weights
        cost = extra + weights.piece * pieces + weights.load * load // _MILLE
        return Taken(cost, one.key, one, seat, extra, pieces, load)

    def _pieces(
        self, plan: _Day, before: list[_Stretch], after: list[_Stretch], start: int, end: int, place: str | None
    ) -> int:
        """How many pieces of free time the meeting leaves around itself, the time on the road not counted."""
        between = self.problem.travel.between
        shift = next((one for one in plan.working if one.start <= start and end <= one.end), None)
        if shift is None:
            return 0
        pieces = 0
        last = max(before, key=lambda busy: busy.end, default=None)
        if last is not None and last.end > shift.start:
            pieces += start - last.end > between(last.place, place)
        else:
            pieces += start > shift.start
        following = min(after, key=lambda busy: busy.start, default=None)
        if following is not None and following.start < shift.end:
            pieces += following.start - end > between(place, following.place)
        else:
            pieces += end < shift.end
        return pieces

    def _day(self, one: Attendee, day: date) -> _Day:
        known = self._days.get((one.key, day))
        if known is None:
            whole = day_span(day)
            found = shifts(one.hours, whole)
            known = self._days[one.key, day] = _Day(
                tuple(_stretch(shift.span, shift.place) for shift in found),
                tuple(_stretch(span) for span in merged(shift.span for shift in found)),
                tuple(
                    _stretch(busy.span, busy.place)
                    for busy in sorted(one.busy, key=lambda busy: busy.span)
                    if busy.span.overlaps(whole)
                ),
            )
        return known

    # --- in words ------------------------------------------------------------------------------------------

    def proposal(self, offer: Offer) -> Proposal:
        span = self.times.starts.span(offer.number)
        parties = tuple(Coming(one.seat.role, one.key, one.seat.mandatory) for one in offer.coming)
        return Proposal(
            span,
            self.problem.mode,
            offer.place,
            offer.room or None,
            parties,
            offer.cost,
            tuple(self._reasons(offer, self.times.day_of(offer.number))),
        )

    def _reasons(self, offer: Offer, day: date) -> Iterator[Reason]:
        problem = self.problem
        if problem.target is not None:
            away = (day - problem.target).days
            if away == 0:
                yield Reason(SlotReason.ON_TARGET_DAY)
            elif away < 0:
                yield Reason(SlotReason.DAYS_BEFORE_TARGET, -away)
            else:
                yield Reason(SlotReason.DAYS_AFTER_TARGET, away)
        if problem.hold_by is not None and day >= problem.hold_by:
            late = (day - problem.hold_by).days
            yield Reason(SlotReason.DAYS_LATE, late) if late else Reason(SlotReason.LAST_IN_TIME)
        if any(not seat.mandatory for seat in problem.seats):
            yield (
                Reason(SlotReason.OPTIONAL_MISSING, offer.missing) if offer.missing else Reason(SlotReason.ALL_OPTIONAL)
            )
        if offer.own_language:
            yield Reason(SlotReason.OWN_LANGUAGE)
        elif problem.languages is not None:
            yield Reason(SlotReason.INTERPRETER)
        if problem.in_person:
            travel = sum(one.travel for one in offer.coming)
            yield Reason(SlotReason.TRAVEL_MINUTES, travel) if travel else Reason(SlotReason.NO_TRAVEL)
        if all(one.pieces < _SPLIT for one in offer.coming):
            yield Reason(SlotReason.NO_SPLIT)
        if offer.light:
            yield Reason(SlotReason.LEAST_LOADED)
        if offer.spare is not None:
            yield Reason(SlotReason.SPARE_SEATS, offer.spare) if offer.spare else Reason(SlotReason.ROOM_FITS)


def _stretch(span: Span, place: str | None = None) -> _Stretch:
    return _Stretch(minute_of(span.start), minute_after(span.end), place)
