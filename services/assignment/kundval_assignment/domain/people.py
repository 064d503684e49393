"""Persons: identity numbers, who may see a protected one, a person's assignments together, what has to be erased.

Pure: days are passed in, nothing here knows a key or a table. Identity numbers are read here and not by a library,
because the century of ten digits must follow from a day that is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from kundval_contracts.calendar import Period, add_days, add_months, age_on
from kundval_contracts.case import Case
from kundval_contracts.codes import AssignmentState, ExitKind, Programme, ProtectionKind
from kundval_contracts.rpc.base import Shield
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline

# --- identity numbers --------------------------------------------------------------------------------

_FORM = re.compile(r"([0-9]{2})?([0-9]{6})([-+]?)([0-9]{4})", re.ASCII)
#: added to the day of birth in a co-ordination number
COORDINATION = 60


class WrongNumber(ValueError):
    """Not an identity number. The message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True, repr=False)
class IdentityNumber:
    """A personal identity number or co-ordination number. `digits`: all twelve. It does not show itself."""

    digits: str
    birth_date: date
    coordination: bool

    def short(self, today: date) -> str:
        """The form with ten digits, with + from the year in which the person becomes a hundred."""
        sign = "+" if today.year - int(self.digits[:4]) >= 100 else "-"
        return f"{self.digits[2:8]}{sign}{self.digits[8:]}"

    def __repr__(self) -> str:
        return "IdentityNumber()"


def read_number(text: str, today: date) -> IdentityNumber:
    """The number in `text`: twelve digits, or ten with - or +, with or without the sign. Raises `WrongNumber`.

    Of ten digits the century is that of the latest birth that is not after `today`; with + of the latest that makes the
    person at least a hundred this year.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise WrongNumber("must be 12 digits, or 10 with - or +")
    century, born, sign, serial = match.groups()
    if not _sums_up(born + serial):
        raise WrongNumber("has a wrong check digit")
    if century is not None:
        birth = _birth(int(century + born[:2]), born)
    else:
        latest = today.year - 100 if sign == "+" else today.year
        year = latest - (latest - int(born[:2])) % 100
        # 29 February is in one century and not in the next
        birth = next(
            (day for one in (year, year - 100, year - 200) if (day := _birth(one, born)) and day <= today), None
        )
    if birth is None:
        raise WrongNumber("names a day that does not exist")
    return IdentityNumber(f"{birth.year:04}{born[2:]}{serial}", birth, int(born[4:]) > COORDINATION)


def _birth(year: int, born: str) -> date | None:
    """The day of birth in `year`; None if there is no such day."""
    day = int(born[4:])
    try:
        return date(year, int(born[2:4]), day - COORDINATION if day > COORDINATION else day)
    except ValueError:
        return None


def _sums_up(ten: str) -> bool:
    """The check digit (Luhn) over the ten digits without the century."""
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(ten))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


# --- protected identity ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Protection:
    """A protected identity from `since` (None: always) until before `until` (None: for good)."""

    kind: ProtectionKind
    since: date | None = None
    until: date | None = None

    def holds(self, day: date | None) -> bool:
        """Whether it holds on `day`. Of no day nothing is known, and then it holds."""
        if day is None:
            return True
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who was named: the subject of a token, until before `until`."""

    subject: str
    until: date


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. `provider`: the provider for which, None for the municipality's own."""

    subject: str
    provider: str | None = None


class Sight(StrEnum):
    """How much is seen."""

    WHOLE = "WHOLE"
    MASKED = "MASKED"  #: without provider, workplace and place
    NOTHING = "NOTHING"  #: as if there were no such person


def sight(
    shield: Shield,
    viewer: Viewer,
    protections: Iterable[Protection],
    readers: Iterable[Reader],
    day: date | None,
    in_charge: Collection[str] = (),
) -> Sight:
    """What `viewer` sees of a person on `day` through a method with that shield.

    The three kinds of protection protect alike. Only those named see a protected person whole, whatever their role, and
    of providers only one of `in_charge`: those that are, or are asked to be, in charge of the client.
    """
    if shield in (Shield.NONE, Shield.OPAQUE) or not protected(protections, day):
        return Sight.WHOLE
    if viewer.provider is not None:
        # a name that the municipality gave to one of its own says nothing about a provider's staff
        named = viewer.provider in in_charge
    else:
        named = any(one.subject == viewer.subject and (day is None or day < one.until) for one in readers)
    if named:
        return Sight.WHOLE
    return Sight.MASKED if shield is Shield.MASKED else Sight.NOTHING


def protected(protections: Iterable[Protection], day: date | None) -> bool:
    return any(one.holds(day) for one in protections)


def marked(protections: Iterable[Protection], day: date | None) -> bool:
    """Whether a mark shows: that of a fictitious identity would give it away."""
    return any(one.holds(day) and one.kind is not ProtectionKind.FICTITIOUS for one in protections)


# --- languages ---------------------------------------------------------------------------------------


@rule("AF-SOM-17")
def language_served(swedish_ok: bool, languages: Collection[str], offered: Collection[str]) -> bool:
    """Whether a session in one of the languages `offered` will do without an interpreter.

    `languages` are those that the client masters well by own assessment; Swedish is one of them if it is mastered.
    """
    mastered = {*languages, *(("sv",) if swedish_ok else ())}
    return bool(mastered & set(offered)) or (swedish_ok and not offered)


@rule("AF-SOM-17")
def written_language(
    language: str | None, swedish_ok: bool, languages: Collection[str], offered: Collection[str]
) -> str | None:
    """In which of the languages `offered` to write to a client: the client's own, else Swedish if it is mastered, else
    the first that the client says to master well; None if it is none of them.
    """
    mastered = (language, "sv" if swedish_ok else None, *languages)
    return next((one for one in mastered if one is not None and one in offered), None)


# --- the assignments of a person ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Episode:
    """One assignment in a person's history: the intervention runs in `[start, end)`, without an end still."""

    assignment: str
    programme: Programme
    state: AssignmentState
    start: date | None = None
    end: date | None = None
    days: int | None = None
    provider: str | None = None
    exit_kind: ExitKind | None = None
    simultaneous: tuple[str, ...] = ()


def episode(case: Case, settings: RuleSettings, state: AssignmentState, day: date | None) -> Episode:
    """An assignment as it stands on `day`: `case` holds the facts in effect.

    It starts with the start-up meeting, and ends with the latest exit after which it was not resumed, or when its
    period is over. Days are counted to the end or, while it runs, through `day`.
    """
    timeline = Timeline(case, settings)
    start = timeline.started_on
    last = timeline.exits[-1] if timeline.exits else None
    ended: date | None = None
    if last is not None and last.resumed is None:
        ended = last.on
    elif start is not None and timeline.end is not None and day is not None and timeline.end <= day:
        ended = timeline.end
    until = ended if ended is not None else None if day is None else add_days(day, 1)
    return Episode(
        case.assignment,
        case.programme,
        state,
        start,
        ended,
        None if start is None or until is None else max(0, (until - start).days),
        timeline.provider_on(day or date.max),
        last.kind if last is not None else None,
    )


@rule("LOKA-53", "NACKA-21")
def history(episodes: Iterable[Episode]) -> tuple[Episode, ...]:
    """All assignments of a person in order of their start, those not started yet last; each with those that ran
    at the same time for a day at least (NACKA-21).
    """
    rows = sorted(episodes, key=lambda one: (one.start is None, one.start or date.max, one.assignment))
    return tuple(
        replace(
            one,
            simultaneous=tuple(
                other.assignment
                for other in rows
                if other is not one and (period := _period(other)) is not None and _overlaps(_period(one), period)
            ),
        )
        for one in rows
    )


def _period(one: Episode) -> Period | None:
    return None if one.start is None else Period(one.start, max(one.start, one.end or date.max))


def _overlaps(one: Period | None, other: Period) -> bool:
    return one is not None and one.overlaps(other)


# --- what has to be erased ---------------------------------------------------------------------------

#: States in which nothing more happens to an assignment.
FINISHED = frozenset(
    {
        AssignmentState.SETTLED,
        AssignmentState.CLOSED,
        AssignmentState.REJECTED,
        AssignmentState.REDIRECTED_TO_AF,
    }
)
#: Stands where a text was.
ERASED = "ERASED"
#: Stands where a code was that says something, in a list that knows others.
OTHER = "OTHER"


def ended_on(case: Case, settings: RuleSettings, registered: date, today: date) -> date:
    """The day from which a finished assignment's time is counted: the last day of which a fact speaks or on which it
    became known, and the end of its period if that has come.
    """
    days = [registered, *(day for fact in case.facts for day in (fact.on, fact.known_on))]
    end = Timeline(case, settings).end
    # registered later than all of it, as when a register is taken over: the time began when the last fact was
    if len(days) > 1:
        days = days[1:]
    if end is not None and end <= today:
        days.append(end)
    return max(days)


def expires(ended: date, kept: str) -> date:
    """The first day on which what ended on `ended` has to be gone; `kept` is `P<n>D` or `P<n>M`."""
    number = int(kept[1:-1])
    try:
        return add_days(ended, number) if kept.endswith("D") else add_months(ended, number)
    except (OverflowError, ValueError):
        return date.max


def begins(today: date, kept: str) -> date:
    """The first day whose records are still kept on `today`: the latest of which `expires` is after `today`."""
    number = int(kept[1:-1])
    try:
        first = add_days(today, 1 - number) if kept.endswith("D") else add_months(today, -number)
    except (OverflowError, ValueError):
        return date.min
    # months have different lengths, so look at the days around
    first = max(first, date.min + timedelta(days=5)) - timedelta(days=4)
    while expires(first, kept) <= today:
        first = add_days(first, 1)
    return first


def without_words(value: Any) -> Iterator[Any]:
    """What can stand in place of a value that says something about a person: its texts crossed out (of a code, another
    that says nothing), nothing in it, null.
    """
    if isinstance(value, str):
        yield ERASED
        yield OTHER
    elif isinstance(value, Mapping):
        yield {key: ERASED for key, inner in value.items() if isinstance(inner, str)}
        yield {}
        yield _crossed_out(value)
    elif isinstance(value, list | tuple):
        yield []
        yield _crossed_out(value)
    yield None


def _crossed_out(value: Any) -> Any:
    if isinstance(value, str):
        return ERASED
    if isinstance(value, Mapping):
        return {key: _crossed_out(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_crossed_out(inner) for inner in value]
    return value


def coarse_birth_date(birth: date, decided: date | None) -> date:
    """Another birth date that gives the same age on the day of the decision (AMB-27): that day itself, so many years
    before. Without a decision, the first day of the year.
    """
    if decided is None or decided < birth:
        return birth.replace(month=1, day=1)
    return add_months(decided, -12 * age_on(birth, decided))
