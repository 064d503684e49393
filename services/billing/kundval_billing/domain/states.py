"""Where each month, premium month and bonus of a case stands (rulebook 8.4 and 8.5), and what differs from before.

The states are read off the lines of `lines()` and the ledger; no rule is decided here a second time. What the ledger
holds comes first: a line is PAID while a posting of it stands, whatever has become known since, until a run takes it
back. What was told late is told as it stands now, not by each state in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from kundval_contracts.answer import Line, Posting, money
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import DecisionAbout, LineKind, LineStatus, MoneyState
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Exit, Timeline
from kundval_contracts.transitions import BONUS, MONTH, PREMIUM

from .bonus import claim_deadline
from .settle import due_by, next_change, standing
from .view import View

_S, _L = MoneyState, LineStatus

#: (provider, kind, sequence): what a standing of one assignment is about.
Key = tuple[str, str, int]

PREMIUMS = frozenset({LineKind.SPEED_PREMIUM, LineKind.SOM_SPEED_PREMIUM, LineKind.RUM_SPEED_PREMIUM})

#: What an ordinary month stands at by its line; a line that pays nothing is no month at all.
MONTHS: Mapping[LineStatus, MoneyState | None] = {
    _L.PLANNED: _S.ACCRUING,
    _L.PAYABLE: _S.PAYABLE,
    _L.ON_HOLD: _S.ACCRUING,
    _L.MANUAL: _S.ACCRUING,
    _L.STOPPED: None,
    _L.REFUSED: None,
}
#: What a premium month stands at by its line; one that a person must approve waits, one that was refused is stopped.
PREMIUM_MONTHS: Mapping[LineStatus, MoneyState] = {
    _L.PLANNED: _S.PLANNED,
    _L.PAYABLE: _S.PAYABLE,
    _L.ON_HOLD: _S.ON_HOLD,
    _L.MANUAL: _S.ON_HOLD,
    _L.STOPPED: _S.STOPPED,
    _L.REFUSED: _S.STOPPED,
}
#: What a bonus stands at, by the status of its line and, where one status has several states, by the sentence.
BONUSES: Mapping[tuple[LineStatus, str], MoneyState] = {
    (_L.PLANNED, "bonus.planned"): _S.CLOCK_RUNNING,
    (_L.PLANNED, "bonus.due"): _S.APPROVED,
    (_L.PAYABLE, "bonus.due"): _S.APPROVED,
    (_L.ON_HOLD, "bonus.unclaimed"): _S.CLAIMABLE,
    (_L.ON_HOLD, "bonus.documents"): _S.SUPPLEMENT_REQUESTED,
    (_L.ON_HOLD, "bonus.hourly"): _S.SUPPLEMENT_REQUESTED,
    (_L.REFUSED, "bonus.broken_off"): _S.FORFEITED,
    (_L.REFUSED, "bonus.moved"): _S.FORFEITED,
    (_L.REFUSED, "bonus.gap"): _S.FORFEITED,
    (_L.REFUSED, "bonus.assisted"): _S.BLOCKED,
}
#: The same for sentences that name nothing more.
_BONUS_ELSE: Mapping[LineStatus, MoneyState] = {_L.MANUAL: _S.CLAIMED, _L.REFUSED: _S.REFUSED}


@dataclass(frozen=True)
class Standing:
    """What one month, premium month or bonus stands at, with what is told of it.

    `amount` is what stands in the ledger for PAID and CORRECTED, else what the line is worth (0 if it pays nothing).
    The period is half-open; of a bonus it is the six months, so `end` is the settle date. `exit` is the id of the exit
    that it comes from. `documents` are the codes still missing, `cover` says that the proof of hourly work is.
    """

    provider: str
    kind: LineKind
    sequence: int
    state: MoneyState
    amount: Decimal
    start: date | None
    end: date | None
    payable_from: date | None
    rules: tuple[str, ...]
    exit: str | None = None
    documents: tuple[str, ...] = ()
    cover: bool = False

    @property
    def key(self) -> Key:
        return (self.provider, self.kind.value, self.sequence)

    @property
    def machine(self) -> str:
        """Which of the three machines it is of: MONTH, PREMIUM or BONUS."""
        return machine_of(self.kind)

    @cached_property
    def print(self) -> str:
        """The state and everything that is told of it, as a short text: equal texts need not be told again."""
        told = (
            self.state.value,
            money(self.amount),
            self.start,
            self.end,
            self.payable_from,
            self.exit,
            ",".join(self.rules),
            ",".join(self.documents),
            int(self.cover),
        )
        return "|".join("" if one is None else str(one) for one in told)


def machine_of(kind: LineKind) -> str:
    """The machine of a kind of line: MONTH (8.4.1), PREMIUM (8.4.2) or BONUS (8.5)."""
    if kind is LineKind.RESULT_BONUS:
        return BONUS
    return PREMIUM if kind in PREMIUMS else MONTH


@rule("NACKA-10", "AMI-9-b", "AMI-10.1-a", "AMI-10.1-c", "AMI-10.1-f")
def states(
    case: Case, tenant: Tenant, lines: Iterable[Line], posted: Iterable[Posting], as_of: date
) -> tuple[Standing, ...]:
    """Every standing of the case on `as_of`, ordered by kind, sequence and provider.

    `lines` is the answer of `lines(case, tenant, as_of)`, `posted` the whole ledger of the case. What was never posted
    and has no line any more has no standing.
    """
    reader = _Reader(case, tenant, as_of)
    books: dict[Key, list[Posting]] = {}
    for posting in posted:
        books.setdefault((posting.provider, posting.kind.value, posting.sequence), []).append(posting)
    found = [reader.of(line, books.pop((line.provider, line.kind.value, line.sequence), ())) for line in lines]
    found += [reader.without_line(book) for book in books.values()]
    held = (one for one in found if one is not None)
    return tuple(sorted(held, key=lambda one: (one.kind.value, one.sequence, one.provider)))


@dataclass(frozen=True)
class _Reader:
    case: Case
    tenant: Tenant
    as_of: date

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline(self.case, self.tenant.settings)

    def of(self, line: Line, book: Sequence[Posting]) -> Standing | None:
        state, amount = self._state(line, book)
        if state is None:
            return None
        machine = machine_of(line.kind)
        one = None if machine == MONTH else self._exit(line)
        missing: tuple[str, ...] = ()
        if state is _S.SUPPLEMENT_REQUESTED and one is not None:
            missing = tuple(document.value for document in self.timeline.missing_documents(one))
        return Standing(
            line.provider,
            line.kind,
            line.sequence,
            state,
            amount,
            line.start,
            line.end,
            line.payable_from,
            line.rules,
            one.fact.id if one is not None else None,
            missing,
            state is _S.SUPPLEMENT_REQUESTED and not missing,
        )

    def without_line(self, book: Sequence[Posting]) -> Standing | None:
        """What was paid to somebody to whom nothing is due any more: PAID until a run takes it back.

        Of a bonus that was taken back and has no line there is nothing left to tell.
        """
        last, amount = book[-1], _net(book)
        if machine_of(last.kind) == BONUS:
            if not amount:
                return None
            state = _S.PAID
        else:
            state = _S.CORRECTED if _corrected(book) else _S.PAID
        return Standing(last.provider, last.kind, last.sequence, state, amount, last.start, last.end, None, last.rules)

    def _state(self, line: Line, book: Sequence[Posting]) -> tuple[MoneyState | None, Decimal]:
        """The state of a line, and the amount that goes with it."""
        amount = _net(book)
        if machine_of(line.kind) == BONUS:
            return (_S.PAID, amount) if amount else (self._bonus(line), line.amount)
        if amount:
            return (_S.CORRECTED if _corrected(book) else _S.PAID), amount
        if book and not due_by(line, self.as_of):
            return _S.CORRECTED, amount
        by_line = PREMIUM_MONTHS if machine_of(line.kind) == PREMIUM else MONTHS
        return by_line[line.status], line.amount

    @rule("AMI-9-d", "AMI-9-e", "AMI-10.2-c")
    def _bonus(self, line: Line) -> MoneyState:
        """The state of a bonus that is not paid. SM-B3: assistance blocks it; a person who refuses it confirms that."""
        code = line.said.code if line.said is not None else ""
        state = BONUSES.get((line.status, code)) or _BONUS_ELSE[line.status]
        if state is _S.BLOCKED:
            one = self._exit(line)
            decision = self.timeline.decision_for(one, DecisionAbout.BONUS) if one is not None else None
            if decision is not None and not decision["approved"]:
                return _S.FORFEITED
        return state

    def _exit(self, line: Line) -> Exit | None:
        """The exit that a line names among its facts."""
        return next((one for one in self.timeline.exits if one.fact.id in line.facts), None)


def _net(book: Iterable[Posting]) -> Decimal:
    return sum((posting.amount for posting in standing(book)), Decimal(0))


def _corrected(book: Sequence[Posting]) -> bool:
    """True if the last run that touched the line took something back (SM-P4, P11)."""
    last = max(posting.run for posting in book)
    return any(posting.reverses is not None for posting in book if posting.run == last)


# --- what differs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A standing that differs from what was told: the state told before, and what holds now (None: nothing)."""

    key: Key
    before: MoneyState | None
    now: Standing | None


def changes(told: Mapping[Key, str], now: Iterable[Standing]) -> tuple[Change, ...]:
    """What has to be told, in order of the keys: `told` are the prints of the standings that were told last."""
    held = {one.key: one for one in now}
    return tuple(
        Change(key, MoneyState(told[key].partition("|")[0]) if key in told else None, held.get(key))
        for key in sorted({*told, *held})
        if key not in held or told.get(key) != held[key].print
    )


def look_again(case: Case, tenant: Tenant, lines: Sequence[Line], day: date) -> date | None:
    """The first day after `day` on which time alone can change a standing; None if only a fact can.

    `case` holds all facts, also those not known yet. Beside the days of the lines these are the days on which they
    become known, and the day after the last for a claim.
    """
    days = [fact.known_on for fact in case.facts if fact.known_on > day]
    days += [change] if (change := next_change(lines, day)) is not None else []
    has_deadline = tenant.settings["bonus.claim_deadline_months"] is not None
    if has_deadline and any(line.kind is LineKind.RESULT_BONUS for line in lines):
        view = View(case.known_by(day), tenant.settings, day)
        deadlines = (claim_deadline(view, one) for one in view.timeline.exits)
        days += [after for last in deadlines if last is not None and (after := add_days(last, 1)) > day]
    return min(days, default=None)
