"""Shares and means with what is behind them: the number, a 95 per cent interval, and small groups kept back.

Everything is Decimal and quantised, so that the same figures give the same bytes everywhere. Shares are between 0 and 1
with four decimals; means have one. Bounds are rounded outwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Any

from kundval_contracts.groups import kept_back, too_small, whole_may_be_shown

#: the two-sided 95 per cent points of the normal distribution, and of Student's by degrees of freedom
Z = Decimal("1.959964")
_T = MappingProxyType(
    {
        1: Decimal("12.706"), 2: Decimal("4.303"), 3: Decimal("3.182"), 4: Decimal("2.776"), 5: Decimal("2.571"),
        6: Decimal("2.447"), 7: Decimal("2.365"), 8: Decimal("2.306"), 9: Decimal("2.262"), 10: Decimal("2.228"),
        11: Decimal("2.201"), 12: Decimal("2.179"), 13: Decimal("2.160"), 14: Decimal("2.145"), 15: Decimal("2.131"),
        16: Decimal("2.120"), 17: Decimal("2.110"), 18: Decimal("2.101"), 19: Decimal("2.093"), 20: Decimal("2.086"),
        21: Decimal("2.080"), 22: Decimal("2.074"), 23: Decimal("2.069"), 24: Decimal("2.064"), 25: Decimal("2.060"),
        26: Decimal("2.056"), 27: Decimal("2.052"), 28: Decimal("2.048"), 29: Decimal("2.045"), 30: Decimal("2.042"),
        40: Decimal("2.021"), 60: Decimal("2.000"), 120: Decimal("1.980"),
    }
)  # fmt: skip
SHARE, MEAN = Decimal("0.0001"), Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. Without a value there was nothing to count (`n` 0) or too little to show (`suppressed`, `n` None).

    n: the number behind the value. low, high: its 95 per cent interval, None if there is none.
    """

    n: int | None
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    suppressed: bool = False

    def as_json(self) -> dict[str, Any]:
        """JSON primitives; numbers as strings, so that no float touches them."""
        return {
            "value": _text(self.value),
            "n": self.n,
            "low": _text(self.low),
            "high": _text(self.high),
            "suppressed": self.suppressed,
        }


#: A figure that would say too much about too few.
KEPT_BACK = Figure(None, suppressed=True)


def number(count: int) -> Figure:
    """A count, which is its own number behind it."""
    return Figure(count, Decimal(count))


def share(part: int, n: int) -> Figure:
    """`part` of `n` with Wilson's interval. Raises ValueError unless 0 <= part <= n."""
    if not 0 <= part <= n:
        raise ValueError(f"{part} is no part of {n}")
    if n == 0:
        return Figure(0)
    p, z2 = Decimal(part) / n, Z * Z
    scale = 1 + z2 / n
    centre = (p + z2 / (2 * n)) / scale
    half = Z * (p * (1 - p) / n + z2 / (4 * n * n)).sqrt() / scale
    # the bounds of none and all are exact: rounding in the root must not move them
    low = Decimal(0) if part == 0 else centre - half
    high = Decimal(1) if part == n else centre + half
    return Figure(
        n,
        p.quantize(SHARE, ROUND_HALF_EVEN),
        max(low, Decimal(0)).quantize(SHARE, ROUND_FLOOR),
        min(high, Decimal(1)).quantize(SHARE, ROUND_CEILING),
    )


def mean(n: int, total: int, squares: int) -> Figure:
    """Mean of `n` whole numbers that are not negative, from their sum and the sum of their squares, with Student's
    interval; of one number there is no interval. Raises ValueError for sums that no numbers have.
    """
    if n == 0:
        return Figure(0)
    value = Decimal(total) / n
    shown = value.quantize(MEAN, ROUND_HALF_EVEN)
    spread = n * squares - total * total  # n² times the variance, exact in whole numbers
    if spread < 0:
        raise ValueError("these sums belong to no numbers")
    if n == 1:
        return Figure(1, shown)
    half = student(n - 1) * (Decimal(spread) / (Decimal(n) * n * (n - 1))).sqrt()
    return Figure(
        n,
        shown,
        max(value - half, Decimal(0)).quantize(MEAN, ROUND_FLOOR),
        (value + half).quantize(MEAN, ROUND_CEILING),
    )


def student(degrees: int) -> Decimal:
    """The 95 per cent point; between two rows of the table that of the fewer degrees, which is the wider one."""
    return _T[max(row for row in _T if row <= degrees)]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


__all__ = [
    "KEPT_BACK",
    "Figure",
    "kept_back",
    "mean",
    "number",
    "share",
    "student",
    "too_small",
    "whole_may_be_shown",
]
