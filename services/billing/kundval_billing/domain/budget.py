"""What a year may cost, held against what it is forecast to cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kundval_contracts.codes import Programme


@dataclass(frozen=True, slots=True)
class Budget:
    """A year's budget. amount: of everything, if it was set so. programmes: those that have one of their own.

    appropriation: what the state sets aside for the municipality's residents (NACKA-34).
    """

    year: int
    amount: Decimal | None = None
    programmes: Mapping[Programme, Decimal] = field(default_factory=dict)
    appropriation: Decimal | None = None

    @property
    def total(self) -> Decimal | None:
        """The budget of everything; without one, the sum of the programmes' own."""
        if self.amount is not None:
            return self.amount
        return sum(self.programmes.values(), Decimal(0)) if self.programmes else None


def exceeded_in(course: Sequence[tuple[str, Decimal]], amount: Decimal) -> str | None:
    """The first month in which a sum from the beginning of the year is above the budget, or None.

    course: (month, sum to its end) in order.
    """
    return next((month for month, total in course if total > amount), None)
