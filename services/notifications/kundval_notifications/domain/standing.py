"""Whether a notice still holds: the day from which on it is not worth sending, repeating or escalating any more.

The tests are those that `data/notices.toml` names with `still`. What is not known to have come about has not: the
notice holds. The day is that on which it was known, so that it does not matter when one looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import MappingProxyType

from kundval_contracts.answer import Notice, Obligation
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import DecisionAbout, FactKind, MeetingKind, NoticeKind, ObligationKind, Role
from kundval_contracts.facts import Fact
from kundval_contracts.notices import NoticeTerms
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Exit

from . import asked, booked
from .context import Context
from .due import OF_AN_EXIT, booked_on
from .heard import Heard

F, K = FactKind, NoticeKind


def ended(context: Context, notice: Notice, terms: NoticeTerms) -> date | None:
    """The day on which what a notice asks for, or is about, came to an end; None: it holds.

    What a provider is to see to ends for it when another one takes the client over.
    """
    test = _TESTS.get(terms.still)
    over = None if test is None else test(context, notice)
    return first(over, _left_on(context, notice, terms)) if notice.to is Role.PROVIDER else over


def lapses_on(context: Context, notice: Notice, terms: NoticeTerms) -> date | None:
    """The first day on which nobody needs to be told any more; None: there is none.

    A reminder lapses after the day that it reminds of, a notice about a meeting after the meeting; that one is not
    booked, once its own delay is told of; that the client may resume, at the end of the intervention.
    """
    after = None if terms.lapses_after_days is None else add_days(notice.on, terms.lapses_after_days)
    if notice.kind == K.RESUME_OFFER:
        return first(after, context.timeline.end)
    last = _last_day(context, notice)
    return first(after, None if last is None else add_days(last, 1))


def _last_day(context: Context, notice: Notice) -> date | None:
    """The last day on which somebody needs to be told, by what the notice says."""
    if notice.kind in (K.OBLIGATION_DUE_SOON, K.MEETING_TO_BOOK):
        due = notice.values["due"]
        return None if due == "AT_ONCE" else date.fromisoformat(due)
    if notice.kind == K.MEETING_NOT_BOOKED:
        row = _row(context, notice)
        return None if row is None else row.overdue_after
    if notice.kind in _OF_MEETINGS:
        told = _booking(context, notice)
        return None if told is None else booked.day_of(told)
    return None


def first(*days: date | None) -> date | None:
    """The earliest of these days; None if there is none."""
    return min((day for day in days if day is not None), default=None)


#: what only the provider that has the client can see to
_OF_THE_CLIENT = frozenset({"OBLIGATION", "BOOKING", "MEETING", "REPORT", "AGENCY"})
_ALSO = frozenset({K.PERIOD_ENDED, K.RESUMED, K.ABSENCE_TO_REPORT})


@rule("NACKA-14")
def _left_on(context: Context, notice: Notice, terms: NoticeTerms) -> date | None:
    """The day on which another provider took the client over from the one that it goes to."""
    if terms.still not in _OF_THE_CLIENT and notice.kind not in _ALSO:
        return None
    if notice.values.get("obligation") in OF_AN_EXIT:
        return None
    had, left = False, None
    for start, provider in context.timeline.charges:
        if provider == notice.provider:
            had, left = had or start <= notice.on, None
        elif had and left is None:
            left = start
    return None if left is None else max(left, notice.on)


# --- the tests -----------------------------------------------------------------------------------------


def _after(context: Context, cause: Fact | None, *kinds: FactKind, about: Iterable[DecisionAbout] = ()) -> date | None:
    """When the first fact of these kinds after another one was known; decisions about these matters alone."""
    if cause is None:
        return None
    wanted = set(about)
    return min(
        (
            fact.known_on
            for fact in context.case.of(*kinds)
            if fact.order > cause.order and (fact.kind is not F.MANUAL_DECISION or fact["about"] in wanted)
        ),
        default=None,
    )


def _cause(context: Context, notice: Notice) -> Fact | None:
    """The fact that caused it, as its sequence says."""
    return context.by_number.get(notice.sequence)


def _row(context: Context, notice: Notice) -> Obligation | None:
    """The obligation that a notice names."""
    return context.obligation.get((notice.values.get("obligation", ""), notice.values.get("number", "")))


def _obligation(context: Context, notice: Notice) -> date | None:
    row = _row(context, notice)
    return None if row is None else first(row.met_on, context.passed.get(row.key), context.moot_on(row))


def _to_book(context: Context, notice: Notice) -> date | None:
    row = _row(context, notice)
    if row is None:
        return None
    if row.kind is not ObligationKind.THREE_PARTY_MEETING:
        return first(row.met_on, booked_on(context, row))
    bookings = (
        fact.known_on
        for fact in context.of(F.MEETING_BOOKED)
        if fact["meeting"] is MeetingKind.THREE_PARTY_DECLINED_OFFER
        and fact.known_on >= notice.on
        and fact.get("sequence", row.sequence) == row.sequence
    )
    return first(row.met_on, min(bookings, default=None))


def _choice(context: Context, notice: Notice) -> date | None:
    told = context.heard_by_number.get(notice.sequence)
    if notice.kind != K.CHOOSE_ANEW:
        return first(_after(context, _cause(context, notice), F.PROVIDER_CHOSEN), context.ended_on)
    if told is None:
        return None
    chosen = (
        fact.known_on
        for fact in context.case.of(F.PROVIDER_CHOSEN, F.PROVIDER_SWITCH, F.RESUMED)
        if fact.known_on >= told.on and fact.get("provider") != told.item
    )
    return first(min(chosen, default=None), context.ended_on)


def _answer(context: Context, notice: Notice) -> date | None:
    answers = (F.ACCEPTED, F.DECLINED, F.STARTED, F.PROVIDER_CHOSEN)
    return first(_after(context, _cause(context, notice), *answers), context.ended_on)


def _exit_of(context: Context, notice: Notice) -> Exit | None:
    """The exit that a notice is about, or whose bonus the claim is for that it is about."""
    cause = _cause(context, notice)
    timeline = context.timeline
    for one in timeline.exits:
        if cause is not None and (one.fact.id == cause.id or cause in timeline.claims(one)):
            return one
    return None


def _documents(context: Context, notice: Notice) -> date | None:
    """When nothing was missing any more, of documents and of the proof of hourly work, or a person has decided."""
    one, cause = _exit_of(context, notice), _cause(context, notice)
    if one is None or cause is None:
        return None
    days = [context.timeline.documents_complete_on(one)]
    if notice.kind == K.SUPPLEMENT_REQUESTED and "AMI-9-g" in notice.rules:
        days.append(context.timeline.hourly_covered_on(one))
    complete = None if None in days else max(day for day in days if day is not None)
    return first(complete, _after(context, cause, F.MANUAL_DECISION, about=(DecisionAbout.BONUS,)))


def _decision(context: Context, notice: Notice) -> date | None:
    about = (DecisionAbout.BONUS, DecisionAbout.BOUNDARY)
    if notice.kind != K.CLAIMS_OVERLAP:
        return _after(context, _cause(context, notice), F.MANUAL_DECISION, about=about)
    told = context.heard_by_number.get(notice.sequence)
    if told is None:
        return None
    none_now = (
        one.on for one in context.hear(asked.OVERLAP) if one.revision > told.revision and not one.data["others"]
    )
    decided = (fact.known_on for fact in context.of(F.MANUAL_DECISION) if fact.known_on >= told.on)
    return first(min(none_now, default=None), min(decided, default=None))


def _claim(context: Context, notice: Notice) -> date | None:
    one = _exit_of(context, notice)
    claims = context.timeline.claims(one) if one is not None else ()
    return claims[0].known_on if claims else None


_OF_MEETINGS = frozenset({K.MEETING_BOOKED, K.MEETING_MOVED, K.MEETING_SOON, K.MEETING_CANCELLED, K.MEETING_DECLINED})


def _booking(context: Context, notice: Notice) -> Heard | None:
    """What was told of the meeting that a notice is about, as it stood then."""
    told = context.heard_by_number.get(notice.sequence)
    if told is None:
        cause = _cause(context, notice)
        return context.bookings.get(cause.id) if cause is not None else None
    if notice.kind == K.MEETING_DECLINED:
        versions = context.meetings.get(told.item, [])
        return next((one for one in versions if one.data.get("version") == told.data["version"]), None)
    return told


def _meeting(context: Context, notice: Notice) -> date | None:
    told = _booking(context, notice)
    if told is not None:
        names = booked.OVER if notice.kind == K.MEETING_OVERDUE else booked.OVER | {booked.REBOOKED}
        return booked.changed_on(context.meetings[told.item], told.revision, names)
    cause = _cause(context, notice)
    if cause is None or cause.kind not in (F.MEETING_BOOKED, F.MEETING_MISSED):
        return None
    missed = cause.kind is F.MEETING_MISSED
    over = (
        fact.known_on
        for fact in context.case.of(F.MEETING_HELD, F.MEETING_BOOKED if missed else F.MEETING_MISSED)
        if fact["meeting"] is cause["meeting"]
        and fact.get("sequence") == cause.get("sequence")
        and fact.order > cause.order
    )
    return first(min(over, default=None), context.ended_on if missed else None)


def _start(context: Context, notice: Notice) -> date | None:
    """The client has met the provider, or it came to nothing."""
    after = _after(context, _cause(context, notice), F.STARTED, F.DECLINED, F.PROVIDER_CHOSEN)
    return first(after, context.ended_on)


def _resumption(context: Context, notice: Notice) -> date | None:
    return _after(context, _cause(context, notice), F.RESUMED)


def _coordinator(context: Context, notice: Notice) -> date | None:
    done = F.COORDINATOR_BROKERED if notice.kind == K.COORDINATOR_REQUESTED else F.COORDINATOR_INFORMED
    return first(_after(context, _cause(context, notice), done), context.ended_on)


def _report(context: Context, notice: Notice) -> date | None:
    told = context.heard_by_number.get(notice.sequence)
    if told is None:
        return None
    later = (
        one.on
        for one in context.heard
        if one.name in asked.ANSWERED and one.item == told.item and one.revision > told.revision
    )
    return min(later, default=None)


def _agency(context: Context, notice: Notice) -> date | None:
    """Something else was told of the same message, deadline or registration. After the end nobody looks it up again."""
    told = context.heard_by_number.get(notice.sequence)
    if told is None:
        return None
    later = (one.on for one in context.hear(told.name) if one.item == told.item and one.revision > told.revision)
    over = context.ended_on if notice.kind == K.AF_REGISTRATION_MISSING else None
    return first(min(later, default=None), None if over is None else max(over, notice.on))


def _run(context: Context, notice: Notice) -> date | None:
    """A later run has posted something of the assignment."""
    return min((row.run for row in context.postings if row.run > notice.on), default=None)


def _running(context: Context, notice: Notice) -> date | None:
    return context.ended_on


def _switch(context: Context, notice: Notice) -> date | None:
    cause = _cause(context, notice)
    if cause is None:
        return None
    switched = (
        fact.known_on for fact in context.of(F.PROVIDER_SWITCH) if fact["approved"] and fact.order > cause.order
    )
    decided = _after(context, cause, F.MANUAL_DECISION, about=(DecisionAbout.SWITCH,))
    return first(decided, min(switched, default=None), context.ended_on)


#: What each name looks at. Notices about providers and payments have their tests where they are made.
_TESTS: Mapping[str, Callable[[Context, Notice], date | None]] = MappingProxyType(
    {
        "OBLIGATION": _obligation,
        "BOOKING": _to_book,
        "CHOICE": _choice,
        "ANSWER": _answer,
        "DOCUMENTS": _documents,
        "DECISION": _decision,
        "CLAIM": _claim,
        "MEETING": _meeting,
        "COORDINATOR": _coordinator,
        "REPORT": _report,
        "AGENCY": _agency,
        "RUN": _run,
        "RUNNING": _running,
        "START": _start,
        "RESUMPTION": _resumption,
        "SWITCH": _switch,
    }
)
