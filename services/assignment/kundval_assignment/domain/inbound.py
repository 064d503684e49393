"""What follows from what other systems tell: assistance as facts, studies and employment as evidence.

Pure. Whatever is told of one thing (a payment, a certificate) the highest revision counts, so that repeats and another
order change nothing. Periods are half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_contracts.calendar import Period, add_months
from kundval_contracts.codes import BenefitScope, StudyAid
from kundval_contracts.rules import rule

# --- financial assistance ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody belongs to a household from `since` until before `until`; None: still."""

    household: str
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """Assistance for a household. `to_client`: it was paid to the very person who is looked at."""

    id: str
    household: str
    period: Period
    to_client: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """The household has had no assistance from `on`."""

    household: str
    on: date


@dataclass(frozen=True, slots=True, order=True)
class Assisted:
    """A period in which somebody had assistance, by one payment: what the fact `eb_paid` says."""

    payment: str
    start: date
    end: date
    scope: BenefitScope


@rule("AMI-9-c", "AMI-9-d")
def assisted(
    payments: Iterable[Payment], endings: Iterable[Ending], memberships: Iterable[Membership]
) -> frozenset[Assisted]:
    """The periods in which a person had assistance: those of the payments, as far as the person belonged to the
    household. A benefit period that had begun when the assistance ended is over on that day; later ones are new.
    """
    ends, where = [*endings], [*memberships]
    found = set()
    for payment in payments:
        start, end = payment.period.start, payment.period.end
        end = min([end, *(one.on for one in ends if one.household == payment.household and start < one.on)])
        scope = BenefitScope.CLIENT if payment.to_client else BenefitScope.HOUSEHOLD
        for one in where:
            if one.household == payment.household:
                first, last = max(start, one.since), min(end, one.until or date.max)
                if first < last:
                    found.add(Assisted(payment.id, first, last, scope))
    return frozenset(found)


# --- evidence for the six months -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Studies:
    """A certificate of studies, or study aid that was granted."""

    period: Period
    extent_pct: int
    aid: StudyAid | None = None


@rule("AMI-9-h")
def covered_until(studies: Iterable[Studies], window: Period, extent_pct: int = 1) -> date | None:
    """The first day of the six months that studies of at least that extent do not cover any more, one following on the
    other without a gap; the end of the window if they cover it all, None if not even its first day.
    """
    reached = window.start
    periods = sorted((one.period for one in studies if one.extent_pct >= extent_pct), key=lambda one: one.start)
    for period in periods:
        if period.start <= reached:
            reached = max(reached, period.end)
    return None if reached == window.start else min(reached, window.end)


@dataclass(frozen=True, slots=True)
class Employed:
    """Pay was reported for a month (its first day). `employer`: an opaque id."""

    month: date
    employer: str


@dataclass(frozen=True, slots=True)
class MonthShown:
    """A month of the six. `employers`: numbers, the same for the same employer in the window; none: not confirmed."""

    month: date
    employers: tuple[int, ...]


@rule("AMI-9-c", "AMI-9-e")
def months_shown(confirmed: Iterable[Employed], window: Period) -> tuple[MonthShown, ...]:
    """Which calendar months with a day in the window are confirmed. Who the employer is, is not shown: only whether it
    is the same, in the order in which they appear.
    """
    by_month: dict[date, set[str]] = {}
    for one in confirmed:
        by_month.setdefault(one.month, set()).add(one.employer)
    numbers: dict[str, int] = {}
    rows = []
    for month in _months(window):
        for employer in sorted(by_month.get(month, ())):
            numbers.setdefault(employer, len(numbers) + 1)
        rows.append(MonthShown(month, tuple(sorted(numbers[one] for one in by_month.get(month, ())))))
    return tuple(rows)


def _months(window: Period) -> Iterator[date]:
    month = window.start.replace(day=1)
    while month < window.end:
        yield month
        month = add_months(month, 1)


# --- what was told -------------------------------------------------------------------------------------


def payment_of(data: Mapping[str, Any], *, to_client: bool) -> Payment:
    """A payment from the data of its event."""
    return Payment(data["payment"], data["household"], _period(data), to_client)


def ending_of(data: Mapping[str, Any]) -> Ending:
    return Ending(data["household"], date.fromisoformat(data["on"]))


def studies_of(data: Mapping[str, Any]) -> Studies | None:
    """Studies from the data of a certificate or a decision; None for a decision that grants nothing."""
    if "aid" not in data:
        return Studies(_period(data), data["extent_pct"])
    return Studies(_period(data), data["extent_pct"], StudyAid(data["aid"])) if data["granted"] else None


def employed_of(data: Mapping[str, Any]) -> Employed:
    return Employed(date.fromisoformat(data["month"]), data["employer"])


def _period(data: Mapping[str, Any]) -> Period:
    return Period(date.fromisoformat(data["from"]), date.fromisoformat(data["to"]))
