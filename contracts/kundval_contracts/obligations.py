"""The terms of each kind of obligation as data: who answers, reminder, tolerance, what meets it, who hears of a delay.

`data/obligations.toml` holds them. Scheduling plans by them, notifications tells by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from .calendar import add_days
from .codes import FactKind, ObligationKind, ObligationState, ProviderFactKind, Role
from .rules import register, rule
from .settings import SETTINGS
from .tables import only, read_table
from .workdays import workdays_after

if TYPE_CHECKING:
    from .answer import Obligation
    from .settings import RuleSettings

_STANDING = (ObligationState.OPEN, ObligationState.OVERDUE)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an escalation: `to` hears of it so many days, or working days, after the first day of the delay."""

    to: Role
    after: int
    workdays: bool = False

    def on(self, overdue_after: date, settings: RuleSettings) -> date:
        late = add_days(overdue_after, 1)
        if self.workdays:
            return workdays_after(late, self.after, settings)
        return add_days(late, self.after)


@dataclass(frozen=True, slots=True)
class Terms:
    """A row of the file; what its keys mean stands at its head."""

    kind: ObligationKind
    rules: tuple[str, ...]
    responsible: Role
    local: Role
    tolerance: int | str
    remind_days: int | None
    told: bool
    planned_by: tuple[str, ...]
    met_by: tuple[str, ...]
    cancelled_by: tuple[str, ...]
    follow_up: bool
    passes: bool
    escalation: tuple[Step, ...]

    def tolerance_days(self, settings: RuleSettings) -> int:
        return self.tolerance if isinstance(self.tolerance, int) else int(settings[self.tolerance])


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What stands before an obligation that is still to be met: the reminder, and who hears of a delay on which day."""

    remind_on: date | None
    escalation: tuple[tuple[Role, date], ...]


@cache
def terms() -> Mapping[ObligationKind, Terms]:
    """Every kind's terms, in the order of the code list. Raises ValueError naming what is wrong in the file."""
    return read_table("obligations.toml", ObligationKind, read)


_KEYS = frozenset(
    {"rules", "responsible", "local", "tolerance", "remind_days", "told", "planned_by", "met_by", "cancelled_by",
     "follow_up", "passes", "escalation"}
)  # fmt: skip
_FACTS = frozenset([*FactKind, *ProviderFactKind])


def read(kind: ObligationKind, row: Mapping[str, Any]) -> Terms:
    """The terms of one kind from its table. Raises KeyError for what is missing and ValueError with the reason."""
    only(row, _KEYS)
    tolerance, remind_days = row.get("tolerance", 0), row.get("remind_days")
    if isinstance(tolerance, str) and tolerance not in SETTINGS:
        raise ValueError(f"no setting {tolerance}")
    if not isinstance(tolerance, str):
        tolerance = _days(tolerance, "tolerance")
    responsible = Role(row["responsible"])
    return Terms(
        kind,
        _among(row["rules"], register(), "rule"),
        responsible,
        Role(row.get("local", responsible)),
        tolerance,
        None if remind_days is None else _days(remind_days, "remind_days"),
        row.get("told", True),
        _among(row["planned_by"], _FACTS, "fact"),
        _among(row["met_by"], _FACTS, "fact"),
        _among(row.get("cancelled_by", ()), _FACTS, "fact"),
        row.get("follow_up", False),
        row.get("passes", False),
        tuple(read_step(step) for step in row.get("escalation", ())),
    )


def _days(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= 366:
        raise ValueError(f"{name} must be a number of days from 0 to 366")
    return value


def _among(values: Iterable[str], known: Iterable[str], what: str) -> tuple[str, ...]:
    found, permitted = tuple(values), set(known)
    unknown = [one for one in found if one not in permitted]
    if unknown:
        raise ValueError(f"no {what} {', '.join(unknown)}")
    return found


def read_step(row: Mapping[str, Any]) -> Step:
    """A step of an escalation from its table. Raises ValueError with the reason."""
    after = {"after_days", "after_workdays"} & set(row)
    if len(after) != 1 or set(row) != {"to", *after}:
        raise ValueError("a step names `to`, and `after_days` or `after_workdays`")
    (name,) = after
    return Step(Role(row["to"]), _days(row[name], name), name == "after_workdays")


@rule("AMI-3-c", "AMI-8.2-a", "AMI-8.3-a")
def foreseen(one: Obligation, settings: RuleSettings) -> Foreseen:
    """The reminder of an obligation and the steps of its escalation; nothing of one that is met or cancelled.

    Who answers for it anyway is no step.
    """
    row = terms()[one.kind]
    if one.state not in _STANDING or one.due is None:
        return Foreseen(None, ())
    remind_on = None if row.remind_days is None else add_days(one.due, -row.remind_days)
    last = one.overdue_after or one.due
    steps = tuple((step.to, step.on(last, settings)) for step in row.escalation if step.to is not one.responsible)
    return Foreseen(remind_on, steps)
