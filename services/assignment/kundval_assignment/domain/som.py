"""What a supplier of Stöd och matchning may refuse, where the municipality is one (AF-SOM-26)."""

from __future__ import annotations

from datetime import date

from kundval_contracts.rules import rule


@rule("AF-SOM-26")
def may_refuse(start: date, end: date, below: int) -> bool:
    """Whether a supplier may refuse: from the proposed start fewer than `below` days are left to `end` (exclusive)."""
    return (end - start).days < below
