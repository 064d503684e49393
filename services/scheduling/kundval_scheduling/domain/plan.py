"""What is planned for one case, whatever the day: due days, what met them and what took them away.

The plan depends on the known facts alone. A day only decides how much of it has opened and in which
state it stands (`Planned.state`), so that the next change can be read off the plan. Of what goes on without end
it holds all that has opened by the day, and the one that opens next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from kundval_contracts.calendar import add_days
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import FactKind, ObligationKind, ObligationState, Role
from kundval_contracts.facts import Fact
from kundval_contracts.obligations import terms
from kundval_contracts.profiles import Profile, profiles
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Exit, Timeline
from kundval_contracts.workdays import next_workday, previous_workday

_MOVES = {"NEXT_WORKDAY": next_workday, "PREVIOUS_WORKDAY": previous_workday}


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch in which the intervention runs: from S or a resumption, through the exit if there is one.

    `start` is None before the start-up meeting.
    """

    number: int
    start: date | None
    exit: Exit | None = None

    def covers(self, day: date) -> bool:
        """True if the run is not yet over before `day` and, once started, not later than it."""
        return (self.start is None or self.start <= day) and (self.exit is None or day <= self.exit.on)

    def last_day(self, end: date) -> date:
        """Last day on which the run is active when the intervention ends (exclusively) on `end`."""
        last = add_days(end, -1)
        return min(last, self.exit.on) if self.exit else last


@dataclass(frozen=True, slots=True)
class Planned:
    """One obligation of the plan. It is listed from `opens_on` and OVERDUE after `due` plus `tolerance` days."""

    kind: ObligationKind
    sequence: int
    due: date | None
    rules: tuple[str, ...]
    responsible: Role = Role.PROVIDER
    tolerance: int = 0
    opens_on: date = date.min
    met_on: date | None = None
    cancelled_on: date | None = None

    @property
    def overdue_after(self) -> date | None:
        return add_days(self.due, self.tolerance) if self.due else None

    def open_on(self, day: date) -> bool:
        """True if nothing has met it before `day` and its time is not past then (readings 10, 38)."""
        last = self.overdue_after
        return (self.met_on is None or self.met_on > day) and (last is None or day <= last)

    def cancelled(self, day: date) -> Planned:
        return replace(self, cancelled_on=day, met_on=None)

    def state(self, as_of: date) -> ObligationState:
        if self.cancelled_on is not None and self.cancelled_on <= as_of:
            return ObligationState.CANCELLED
        if self.met_on is not None and self.met_on <= as_of:
            return ObligationState.MET
        last = self.overdue_after
        return ObligationState.OVERDUE if last is not None and as_of > last else ObligationState.OPEN

    def settled_on(self, as_of: date) -> date:
        """The day whose provider answers for it: of the deed, else the last day in time, at the latest `as_of`."""
        day = self.cancelled_on or self.met_on or self.overdue_after or as_of
        return min(day, as_of)

    def changes_after(self, as_of: date) -> date | None:
        """The first day after `as_of` on which it appears in the list or changes state by time alone."""
        if self.opens_on > as_of:
            return self.opens_on
        last = self.overdue_after
        if last is not None and self.state(as_of) is ObligationState.OPEN:
            return add_days(last, 1)
        return None


@dataclass(frozen=True)
class Context:
    """A case as it is known, with the reading of its facts in time. `as_of`: the day to which what is endless is
    planned.
    """

    case: Case
    tenant: Tenant
    as_of: date = date.max

    @property
    def settings(self) -> RuleSettings:
        return self.tenant.settings

    @cached_property
    def profile(self) -> Profile | None:
        return profiles().get(self.tenant.municipality)

    @cached_property
    def end(self) -> date | None:
        """First day after the intervention; in Stöd och matchning after the last of its periods so far (AF-SOM-7)."""
        timeline = self.timeline
        if timeline.end is None and timeline.periods:
            return timeline.periods[-1].end
        return timeline.end

    def planned(
        self,
        kind: ObligationKind,
        sequence: int,
        due: date | None,
        rules: tuple[str, ...] | None = None,
        *,
        responsible: Role | None = None,
        opens_on: date = date.min,
        met_on: date | None = None,
    ) -> Planned:
        """An obligation by the terms of its kind; its due day moves as the municipality has set."""
        if kind not in self._terms:
            row = terms()[kind]
            answers = row.local if self.case.programme.is_local else row.responsible
            self._terms[kind] = (row.rules, answers, row.tolerance_days(self.settings))
        every_rule, answers, tolerance = self._terms[kind]
        return Planned(
            kind,
            sequence,
            self.moved(kind, due),
            every_rule if rules is None else rules,
            responsible or answers,
            tolerance,
            opens_on,
            met_on,
        )

    @cached_property
    def _terms(self) -> dict[ObligationKind, tuple[tuple[str, ...], Role, int]]:
        return {}

    @cached_property
    def _moves(self) -> Mapping[str, str]:
        moves: Mapping[str, str] = self.settings["due_day.moves"]
        return moves

    def moved(self, kind: ObligationKind, due: date | None) -> date | None:
        """`due`, or the working day to which a due day of this kind moves (setting `due_day.moves`)."""
        if not self._moves or due is None:
            return due
        move = _MOVES.get(self._moves.get(kind.value, "NO"))
        return move(due) if move else due

    def opened(self, rows: Iterable[Planned]) -> Iterator[Planned]:
        """Of rows in the order of their opening, those that have opened, and the next one."""
        for row in rows:
            yield row
            if row.opens_on > self.as_of:
                return

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline(self.case, self.tenant.settings)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The stretches of the intervention in order; the first may still wait for its start-up meeting."""
        found: list[Run] = []
        start = self.timeline.started_on
        for one in self.timeline.exits:
            found.append(Run(len(found), start, one))
            if one.resumed is None:
                return tuple(found)
            start = one.resumed.on
        return (*found, Run(len(found), start))

    @property
    def stretches(self) -> Iterator[tuple[date, date | None]]:
        """First and last day of the runs that have started; the last day None if no exit has ended it."""
        return ((run.start, run.exit.on if run.exit else None) for run in self.runs if run.start is not None)

    def runs_from(self, day: date) -> tuple[Run, ...]:
        """The run that is not over before `day`, and those after it."""
        return tuple(run for run in self.runs if run.exit is None or run.exit.on >= day)

    def of(self, kind: FactKind, since: date = date.min, until: date = date.max) -> Iterator[Fact]:
        """Facts of a kind with `since <= on <= until`, in order."""
        facts = self._by_kind.get(kind, ())
        if not facts or (since == date.min and until == date.max):
            return iter(facts)
        return (fact for fact in facts if since <= fact.on <= until)

    @cached_property
    def _by_kind(self) -> dict[FactKind, list[Fact]]:
        found: dict[FactKind, list[Fact]] = {}
        for fact in self.case.facts:
            found.setdefault(fact.kind, []).append(fact)
        return found

    def any_of(self, *kinds: FactKind) -> list[Fact]:
        """Facts of several kinds, in order."""
        found = [fact for kind in kinds for fact in self._by_kind.get(kind, ())]
        return sorted(found, key=lambda fact: fact.order) if len(kinds) > 1 else found

    def first_day(self, kind: FactKind, since: date = date.min, until: date = date.max) -> date | None:
        return next((fact.on for fact in self.of(kind, since, until)), None)

    def through(
        self,
        planned: Planned,
        again: Callable[[Run], date | None],
        runs: Iterable[Run] | None = None,
    ) -> Planned:
        """What becomes of an obligation when the intervention is ended and resumed (readings 38, 40; SM-M8).

        An exit cancels it if it is still open then. After a resumption it is planned anew, with the due day
        that `again` gives for the new run; None leaves it cancelled. `due` None stays without due day.
        """
        met_on, undated = planned.met_on, planned.due is None
        for run in self.runs if runs is None else runs:
            if planned.cancelled_on is not None:
                due = again(run)
                if due is None:
                    return planned
                due = None if undated else self.moved(planned.kind, due)
                planned = replace(planned, due=due, cancelled_on=None, met_on=met_on)
            if run.exit is None or not planned.open_on(run.exit.on):
                return planned
            planned = planned.cancelled(run.exit.on)
        return planned
