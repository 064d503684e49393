"""Messages to the employment service: what the facts ask for and when, which window, the numbering, the states.

Deadlines run in Swedish working days, of which the eves of midsummer, Christmas and New Year are none, whatever
calendar a municipality counts its own by: the employment service's are meant. Pure: days and facts are passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from kundval_contracts.af.outgoing import MessageTerms, messages
from kundval_contracts.case import Case, Client
from kundval_contracts.codes import AfDispatchState, AfFeedbackKind, AfMessage, FactKind, Programme, ReportKind
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline
from kundval_contracts.workdays import add_workdays, is_workday

from . import reports

_DAY = timedelta(days=1)

#: interventions that the municipality delivers to the employment service
SUPPLIED = frozenset(one for one in Programme if one.value.startswith(("SOM_", "RUM_")))
#: what anybody may write whenever there is something to tell; everything else the facts ask for
AT_ANY_TIME = frozenset({AfMessage.DEVIATION, AfMessage.INFORMATIVE})

# --- days ----------------------------------------------------------------------------------------------


def due_on(terms: MessageTerms, since: date) -> date | None:
    """The last day on which it is in time; None if no day is set."""
    return None if terms.due_workdays is None else add_workdays(since, terms.due_workdays, holidays=True)


def is_late(due: date | None, day: date) -> bool:
    """A deadline runs to the end of its day."""
    return due is not None and day > due


def workdays_since(since: date, day: date) -> int:
    """How many working days there are after `since`, up to `day`."""
    count, one = 0, since
    while one < day:
        one += _DAY
        count += is_workday(one)
    return count


def window_of(terms: MessageTerms, since: date, day: date) -> int | None:
    """In which window, from 1, something falls that is submitted on `day`; None if it has none.

    What is submitted before the first working day is over falls in the first.
    """
    if not terms.windows:
        return None
    # the last window has no end: whether it is working day 21 or 2100 is the same
    if day > add_workdays(since, terms.windows[-1], holidays=True):
        return len(terms.windows) + 1
    passed = workdays_since(since, day)
    return 1 + sum(1 for last in terms.windows if passed > last)


# --- what the facts ask for ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that the facts ask for. `since`: the day that it follows from. `met`: a fact says that it was told.
    `about`: of a subsidy its id.
    """

    kind: AfMessage
    period: str
    since: date
    met: bool = False
    about: str | None = None

    @property
    def due(self) -> date | None:
        return due_on(messages()[self.kind], self.since)


def wanted(case: Case, settings: RuleSettings, day: date, *, receives_eb: bool) -> tuple[Wanted, ...]:
    """What should be told on `day`, or was; in the order of the code list. `case` holds the facts in effect."""
    known = case.known_by(day)
    rows = [*_handoffs(known), *_mismatches(known, receives_eb), *_reported(known, settings, day)]
    if case.programme in SUPPLIED:
        rows += _supplied(Timeline(known, settings), day)
    order = list(AfMessage)
    return tuple(sorted((row for row in rows if row.since <= day), key=lambda row: (order.index(row.kind), row.since)))


@rule("AMI-2.2-b", "AMI-2.2-c")
def _handoffs(case: Case) -> Iterator[Wanted]:
    """Whenever the career guide has brokered the contact."""
    informed = case.of(FactKind.COORDINATOR_INFORMED)
    for fact in case.of(FactKind.COORDINATOR_BROKERED):
        told = any(one.order > fact.order for one in informed)
        yield Wanted(AfMessage.COORDINATOR_HANDOFF, fact.id, fact.on, told)


@rule("AMI-1.3.2-a")
def _mismatches(case: Case, receives_eb: bool) -> Iterator[Wanted]:
    """On financial assistance and, by the latest check, not registered as jobseeker."""
    checks = case.of(FactKind.AF_REGISTRATION_CHECKED)
    if receives_eb and checks and not checks[-1]["registered"]:
        yield Wanted(AfMessage.REGISTRATION_MISMATCH, checks[-1].id, checks[-1].on)


def on_assistance(case: Case, client: Client) -> bool:
    """Whether the client is on financial assistance, with everything that has changed since the registration."""
    told = (fact.get("receives_eb") for fact in reversed(case.of(FactKind.CIRCUMSTANCES_CHANGED)))
    return bool(next((one for one in told if one is not None), client.receives_eb))


@rule("AMI-1.3.2-a", "LOKA-5")
def watched(
    case: Case, settings: RuleSettings, day: date | None, *, receives_eb: bool
) -> tuple[tuple[Wanted, ...], date | None]:
    """What is told of by itself: a registration that is missing, and what has a last day, whether that has passed or
    not; and the first later day on which something of it may be so that is not on `day`, or None.

    Only what the municipality delivers to the employment service has a last day. Before there is a business date (`day`
    None) nothing is told, and whatever may be is looked at on the first one.
    """
    supplied = case.programme in SUPPLIED
    if not supplied and not case.of(FactKind.AF_REGISTRATION_CHECKED):
        return (), None
    if day is None:
        return (), date.min
    known = case.known_by(day)
    rows = list(_mismatches(known, receives_eb))
    later = [fact.known_on for fact in case.facts]
    if supplied:
        timeline = Timeline(known, settings)
        rows += [row for row in _supplied(timeline, day) if row.due is not None]
        later += [row.due + _DAY for row in rows if row.due is not None]
        last = _last_day(timeline)
        later += [last + _DAY] if last is not None else []
    return tuple(rows), min((one for one in later if one > day), default=None)


_REPORTS: Mapping[ReportKind, AfMessage] = MappingProxyType(
    {
        ReportKind.COMMISSIONER_REPLY: AfMessage.COMMISSION_REPLY,
        ReportKind.SUBSIDY_FOLLOWUP: AfMessage.SUBSIDY_FOLLOWUP,
    }
)


@rule("LOKA-5", "LOKA-37")
def _reported(case: Case, settings: RuleSettings, day: date) -> Iterator[Wanted]:
    """What reports say of it: the commissioner's answer, each follow-up of a subsidised employment."""
    for row in reports.expected(case, settings, day):
        kind = _REPORTS.get(row.key.kind)
        if kind is not None:
            yield Wanted(kind, str(row.key.sequence), row.opens_on, row.met_by is not None, row.about)


def _supplied(timeline: Timeline, day: date) -> Iterator[Wanted]:
    """Joint planning from the start, a periodic report for each period that is over, a final report for each end."""
    if timeline.started_on is None:
        return
    yield Wanted(AfMessage.JOINT_PLANNING, "1", timeline.started_on)
    periods = timeline.periods or tuple(timeline.month(n) for n in range(1, timeline.month_count(day) + 1))
    ended = [one.on for one in timeline.exits if one.resumed is None]
    over = min([*ended, *([timeline.end] if timeline.end is not None else [])], default=date.max)
    for number, period in enumerate(periods, 1):
        if period.end <= min(day, over):
            yield Wanted(AfMessage.PERIODIC, str(number), period.last_day)
    for number, one in enumerate(timeline.exits, 1):
        yield Wanted(AfMessage.FINAL, str(number), one.on)
    # an extension that becomes known later takes this back
    last = _last_day(timeline)
    if last is not None and last < day and not ended:
        yield Wanted(AfMessage.FINAL, str(len(timeline.exits) + 1), last)


def _last_day(timeline: Timeline) -> date | None:
    """The last day of the intervention, as far as it is known."""
    return timeline.last_covered_day or (timeline.periods[-1].last_day if timeline.periods else None)


# --- states --------------------------------------------------------------------------------------------


class Act(StrEnum):
    """What happens to a message."""

    WRITE = "WRITE"
    SUBMIT = "SUBMIT"
    HAND_OVER = "HAND_OVER"  #: submitted, and about a protected person
    TAKEN = "TAKEN"
    GIVE_UP = "GIVE_UP"
    RECEIVED = "RECEIVED"
    APPROVED = "APPROVED"
    NOT_APPROVED = "NOT_APPROVED"
    RESUBMIT = "RESUBMIT"  #: another has been submitted in its place
    RESEND = "RESEND"
    PARK = "PARK"
    EXPIRE = "EXPIRE"


S, A = AfDispatchState, Act
#: what has left, or may have: feedback on it is believed, also before anybody knows here that it has arrived
_OUT = (S.READY, S.SENT, S.RECEIVED, S.FAILED, S.PARKED, S.MANUAL, S.EXPIRED)
#: what has not left
_HERE = (S.DRAFT, S.READY, S.FAILED, S.PARKED, S.MANUAL)

#: What is not here is refused. The employment service may change its mind, so the latest feedback stands.
MOVES: Mapping[tuple[AfDispatchState, Act], AfDispatchState] = MappingProxyType(
    {
        **{(state, A.WRITE): S.DRAFT for state in (S.DRAFT, S.FAILED, S.PARKED, S.MANUAL, S.EXPIRED)},
        (S.DRAFT, A.SUBMIT): S.READY,
        **{(state, A.HAND_OVER): S.MANUAL for state in (S.DRAFT, S.READY, S.FAILED, S.PARKED, S.MANUAL)},
        (S.READY, A.TAKEN): S.SENT,
        (S.READY, A.GIVE_UP): S.FAILED,
        **{(state, A.RECEIVED): S.RECEIVED for state in _OUT},
        **{(state, A.APPROVED): S.APPROVED for state in (*_OUT, S.APPROVED, S.NOT_APPROVED)},
        **{(state, A.NOT_APPROVED): S.NOT_APPROVED for state in (*_OUT, S.APPROVED, S.NOT_APPROVED)},
        # a receipt may come after what it is a receipt of was judged, and feedback after it was replaced
        (S.APPROVED, A.RECEIVED): S.APPROVED,
        (S.NOT_APPROVED, A.RECEIVED): S.NOT_APPROVED,
        **{(S.RESUBMITTED, act): S.RESUBMITTED for act in (A.RECEIVED, A.APPROVED, A.NOT_APPROVED)},
        (S.NOT_APPROVED, A.RESUBMIT): S.RESUBMITTED,
        **{(state, A.RESEND): S.READY for state in (S.READY, S.SENT, S.FAILED, S.PARKED, S.MANUAL)},
        **{(state, A.PARK): S.PARKED for state in _HERE},
        **{(state, A.EXPIRE): S.EXPIRED for state in _HERE},
    }
)

FEEDBACK: Mapping[AfFeedbackKind, Act] = MappingProxyType({kind: Act(kind.value) for kind in AfFeedbackKind})


#: what happens only to what was submitted once: a draft that somebody has put aside is answered by nobody
_SUBMITTED = frozenset({*FEEDBACK.values(), A.RESEND})


def move(state: AfDispatchState, act: Act, *, submitted: bool = True) -> AfDispatchState | None:
    """The state after, or None: not from here. `submitted`: whether it was, since it was written."""
    return MOVES.get((state, act)) if submitted or act not in _SUBMITTED else None


# --- numbers -------------------------------------------------------------------------------------------


def next_suffix(latest: int, state: AfDispatchState) -> int | None:
    """The suffix of what is written now: that of the latest, or one more if that was not approved. None: there is one
    already that is out or approved.
    """
    if state is S.NOT_APPROVED:
        return latest + 1
    return latest if move(state, A.WRITE) is not None else None


def numbered(base: str, suffix: int) -> str:
    """The number of a message: the first is ``…_0``, each resubmission one more."""
    return f"{base}_{suffix}"


def backoff(steps: Iterable[float], failures: int) -> float:
    """Seconds until the next attempt after so many failures (one at least): growing, the last step for all further
    ones.
    """
    found = tuple(steps)
    return found[min(failures, len(found)) - 1]


def asked_for(rows: Iterable[Wanted], kind: AfMessage, period: str) -> Wanted | None:
    return next((row for row in rows if (row.kind, row.period) == (kind, period)), None)
