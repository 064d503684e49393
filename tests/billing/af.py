"""Cases of the employment service's programmes in a few words, for the tests of billing's pure core."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from kundval_contracts.case import Case

from .builders import Row, case, lines_of, start

#: A period that begins on this Monday has 65 weekdays and ends on Saturday 2021-05-29.
MONDAY = "2021-03-01"
#: One that begins on this Wednesday has 64, to Monday 2021-05-31.
WEDNESDAY = "2021-03-03"
LATER = "2022-12-31"


def som(*rows: Row, started: str = MONDAY, track: int = 1, end_date: str | None = None) -> Case:
    """Stöd och matchning with alfa from `started`."""
    return case(f"SOM_{track}", *start(started, started, end_date), *rows)


def rum(*rows: Row, started: str = MONDAY, level: str = "A", area: str = "Västerås") -> Case:
    """Rusta och matcha with alfa from `started`."""
    return replace(case(f"RUM_{level}", *start(started, started), *rows), delivery_area=area)


def amounts(one: Case, as_of: str = LATER, settings: dict[str, Any] | None = None) -> dict[str, Decimal]:
    """Amount by "provider KIND sequence"."""
    return {
        f"{line.provider} {line.kind} {line.sequence}": line.amount for line in lines_of(one, as_of, None, settings)
    }
