"""How an assignment could go on: the facts that are known, and further ones that nobody has stated.

A future is a case as any other, so the function that pays says what it would cost. Nothing here is stored or sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from kundval_contracts.calendar import add_months
from kundval_contracts.case import Case
from kundval_contracts.codes import DecisionAbout, Document, EmploymentForm, ExitKind, FactKind, Programme
from kundval_contracts.facts import Fact
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Exit, Timeline

#: provider of a client who has not chosen yet, workplace of a job that nobody has
NOBODY = "not-known"
#: further facts come after everything that has been stated for their day
_PLACE = 10**9


def leaves(case: Case, on: date) -> Case:
    """The client leaves on that day, with nothing that would be rewarded."""
    return _with(case, [_fact(FactKind.EXITED, on, kind=ExitKind.DISCONTINUED, documents=())])


def succeeds(case: Case, settings: RuleSettings, on: date) -> Case:
    """The client leaves to lasting full-time work on that day, and everything is reported, claimed and approved."""
    exited = _fact(
        FactKind.EXITED,
        on,
        kind=ExitKind.WORK_FULL_TIME,
        first_day=on,
        workplace=NOBODY,
        extent_pct=100,
        employment_form=EmploymentForm.ORDINARY,
        margin_advice=True,
        documents=tuple(Document),
    )
    return goes_well(_with(case, [exited]), settings, on)


def goes_well(case: Case, settings: RuleSettings, as_of: date) -> Case:
    """From `as_of` on, whatever an exit still needs is done: reports, documents, claim, a person's approval."""
    timeline = Timeline(case, settings)
    more: list[Fact] = []
    for one in timeline.exits:
        if timeline.qualifies(one).ok:
            more += _approved(timeline, one, as_of)
            more += _claimed(timeline, one, as_of)
    if more:
        more += _followed_up(timeline, as_of)
    return _with(case, more)


def breaks_off(case: Case, on: date) -> Case:
    """Work or studies of the latest exit are broken off on that day."""
    return _with(case, [_fact(FactKind.BROKE_OFF, on)])


def begins(case: Case, settings: RuleSettings, on: date) -> Case:
    """The intervention that has been decided starts on that day, with the provider that was chosen, if one was."""
    more = []
    if not Timeline(case, settings).charges:
        more.append(_fact(FactKind.PROVIDER_CHOSEN, on, provider=NOBODY))
    return _with(case, [*more, _fact(FactKind.STARTED, on)])


def newcomer(programme: Programme, on: date) -> Case:
    """An assignment that is decided, accepted and begun on that day."""
    decided = _fact(FactKind.DECIDED, on)
    chosen = _fact(FactKind.PROVIDER_CHOSEN, on, provider=NOBODY)
    return _with(Case(NOBODY, programme), [decided, chosen, _fact(FactKind.STARTED, on)])


# --- what is still to be done --------------------------------------------------------------------------


def _approved(timeline: Timeline, one: Exit, as_of: date) -> Iterator[Fact]:
    """What a person could approve, unless a person has decided already."""
    for about in (DecisionAbout.BONUS, DecisionAbout.BOUNDARY):
        if timeline.decision_for(one, about) is None:
            yield _fact(FactKind.MANUAL_DECISION, max(one.on, as_of), about=about, approved=True)


def _claimed(timeline: Timeline, one: Exit, as_of: date) -> Iterator[Fact]:
    settle = timeline.window(one).end
    claims = timeline.claims(one)
    whole = timeline.documents_complete_on(one) is not None and timeline.hourly_covered_on(one) is not None
    if not claims or not whole:
        until = add_months(settle, 12)
        day = max(settle, as_of)
        yield _fact(FactKind.BONUS_CLAIMED, day, certified=True, documents=tuple(Document), covers_until=until)


def _followed_up(timeline: Timeline, as_of: date) -> Iterator[Fact]:
    """Every month is reported on its last day; one that is over, and was not reported, on `as_of`."""
    needed = timeline.settings["premium.followups_per_month"]
    for number in range(1, timeline.month_count(as_of) + 1):
        reported = [fact for fact in timeline.case.of(FactKind.PREMIUM_FOLLOW_UP) if fact["month"] == number]
        missing = needed - len(reported)
        if reported and not reported[-1]["continues"]:
            missing = max(missing, 1)
        for _ in range(missing):
            day = max(timeline.month(number).last_day, as_of)
            yield _fact(FactKind.PREMIUM_FOLLOW_UP, day, month=number, continues=True)


def _fact(kind: FactKind, on: date, /, **data: Any) -> Fact:
    return Fact("", kind, on, on, 0, data)


def _with(case: Case, facts: Iterable[Fact]) -> Case:
    """The case with further facts, in the order given among those of a day."""
    places = range(_PLACE + len(case.facts), 2 * _PLACE)
    more = (replace(fact, id=str(place), place=place) for place, fact in zip(places, facts, strict=False))
    return case.having((*case.facts, *more))
