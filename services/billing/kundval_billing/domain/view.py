"""What every part of the calculation looks at: the case in time, the readings in force, the day, the fee."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from kundval_contracts.answer import Line, Said, Step, recompute
from kundval_contracts.calendar import Period
from kundval_contracts.case import Case
from kundval_contracts.codes import LineKind, LineStatus, Programme
from kundval_contracts.phrases import step, text
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.tariffs import InForce, fee_of, in_force
from kundval_contracts.timeline import Exit, Timeline

#: Multiplies what stands so far to nothing: the last step of a line that pays nothing.
NOTHING = Decimal(0)


@dataclass(frozen=True)
class View:
    """One assignment as it stands on `as_of`. The case holds the facts in effect and known by then."""

    case: Case
    settings: RuleSettings
    as_of: date

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline(self.case, self.settings)

    @cached_property
    def months(self) -> tuple[Period, ...]:
        """Months 1..N of the intervention; without an end date those that have begun."""
        return tuple(self.timeline.month(number + 1) for number in range(self.timeline.month_count(self.as_of)))

    @cached_property
    @rule("NACKA-11")
    def terms(self) -> InForce:
        """The tariff of the decision date, which holds for the whole assignment (WE-52).

        Raises LookupError when none is in force.
        """
        return self.terms_of(self.case.programme)

    def terms_of(self, programme: Programme) -> InForce:
        """The tariff of the decision date of another programme too: AF may decide another track (AF-SOM-8)."""
        if self.timeline.decided_on is None:
            raise LookupError("not decided")
        return in_force(self.settings, programme, self.timeline.decided_on, self.case.delivery_area)

    @cached_property
    @rule("NACKA-11", "NACKA-8", "NACKA-JP-1")
    def fee(self) -> Step:
        """One monthly fee in the tariff of the decision date, as the first step of a derivation.

        Raises LookupError when nothing gives the fee a value.
        """
        fee = fee_of(self.terms)
        told: dict[str, Any] = {"programme": self.case.programme, "decided": self.terms.decided_on}
        facts = self.timeline.decided_facts
        if fee.version is None:
            return step("step.fee_settings", fee.value, facts=facts, **told)
        return step("step.fee", fee.value, facts=facts, tariff=fee.version, **told)

    def parts(self, month: Period) -> tuple[Period, ...]:
        """The stretches of `month` in which the intervention ran (reading 9)."""
        found = self._parts.get(month)
        if found is None:
            found = self._parts[month] = tuple(
                Period(max(one.start, month.start), min(one.end, month.end))
                for one in self.timeline.active
                if one.overlaps(month)
            )
        return found

    @cached_property
    def _parts(self) -> dict[Period, tuple[Period, ...]]:
        """Every kind of line asks for the same months."""
        return {}

    def closing(self, month: Period) -> Exit | None:
        """The exit that ends the intervention within `month`, with nothing resumed in it (readings 5, 51)."""
        parts = self.parts(month)
        if not parts:
            return None
        last = parts[-1].last_day
        return next((one for one in reversed(self.timeline.exits) if self.timeline.basis(one) == last), None)

    def due(self, payable_from: date) -> LineStatus:
        """PAYABLE from the day on, PLANNED before it (reading 50)."""
        return LineStatus.PAYABLE if payable_from <= self.as_of else LineStatus.PLANNED

    def line(
        self,
        kind: LineKind,
        provider: str,
        sequence: int,
        period: Period,
        steps: Sequence[Step],
        status: LineStatus,
        payable_from: date | None,
        rules: tuple[str, ...],
        said: Said,
        facts: Iterable[str] = (),
    ) -> Line:
        """A line whose amount is what its derivation recomputes to; STOPPED and REFUSED pay nothing."""
        if status in (LineStatus.STOPPED, LineStatus.REFUSED):
            steps = (*steps, step("step.not_paid", factor=NOTHING, status=status))
            payable_from = None
        return Line(
            assignment=self.case.assignment,
            provider=provider,
            kind=kind,
            sequence=sequence,
            start=period.start,
            end=period.end,
            amount=recompute(steps),
            status=status,
            payable_from=payable_from,
            rules=tuple(dict.fromkeys(rules)),
            because=text(said),
            steps=tuple(steps),
            said=said,
            facts=tuple(dict.fromkeys(facts)),
        )
