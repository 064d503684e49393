"""Ids of the facts by which assignment records what scheduling tells of a meeting.

Both services make and know them the same way: assignment states such a fact once however often it is told, and
scheduling sees in it its own word coming back, not news of a meeting that was booked or held elsewhere.
"""

from __future__ import annotations

_PREFIX = "scheduling:"


def fact_id(meeting: str, what: str) -> str:
    """The id of the fact that tells `what` (`booked`, `held`, …) of a meeting."""
    return f"{_PREFIX}{meeting}:{what}"


def is_told_by_scheduling(fact: str) -> bool:
    """Whether a fact's id is one of these."""
    return fact.startswith(_PREFIX)
