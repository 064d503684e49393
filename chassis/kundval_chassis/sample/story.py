"""One assignment of the sample while it is being told: its facts, and its calendar as the generator sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from kundval_contracts.calendar import Period, add_days, add_months

from .market import AMI_1, AMI_2, Seller

#: What is known on this day is in the sample; decisions are made in one year from FIRST to LAST.
AS_OF = date(2026, 1, 31)
FIRST, LAST = date(2024, 3, 1), date(2025, 2, 28)


@dataclass(slots=True)
class Story:
    """An assignment and what is told of it. `seller` is the provider in charge at the point the story has reached."""

    id: str
    programme: str
    decided: date
    client: dict[str, Any]
    plan: dict[str, Any] = field(default_factory=dict)
    seller: Seller | None = None
    started: date | None = None
    weekly_contacts: bool = False
    facts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def provider(self) -> str:
        return self.seller.id if self.seller else ""

    @property
    def care(self) -> float:
        """Share of things that the provider in charge does in time."""
        return self.seller.care if self.seller else 0.9

    @property
    def end(self) -> date:
        """First day after the intervention. The sample gives Jobbpeng a year."""
        return add_days(self.decided, 90) if self.programme == AMI_1 else add_months(self.decided, 12)

    @property
    def last_day(self) -> date:
        return add_days(self.end, -1)

    @property
    def months(self) -> int:
        return 3 if self.programme == AMI_1 else 12

    def month(self, number: int) -> Period:
        if self.programme == AMI_1:
            return Period(add_days(self.decided, 30 * (number - 1)), add_days(self.decided, 30 * number))
        return Period(add_months(self.decided, number - 1), add_months(self.decided, number))

    def month_of(self, day: date) -> int:
        return next((n for n in range(1, self.months + 1) if day < self.month(n).end), self.months + 1)

    def tell(self, on: date, fact: str, known_on: date | None = None, **fields: Any) -> date:
        """Add a fact unless it becomes known after the sample's last day; gives `on` back."""
        if max(on, known_on or on) > AS_OF:
            return on
        row: dict[str, Any] = {"on": on.isoformat(), "fact": fact}
        if known_on is not None and known_on > on:
            row["known_on"] = known_on.isoformat()
        row.update({name.rstrip("_"): _plain(value) for name, value in fields.items()})
        self.facts.append(row)
        return on

    def document(self) -> dict[str, Any]:
        """The assignment as the caseload file has it; facts in order of their days."""
        row: dict[str, Any] = {"id": self.id, "programme": self.programme, "client": _plain(self.client)}
        if self.programme == AMI_2:
            row["plan"] = _plain(self.plan)
        row["facts"] = sorted(self.facts, key=lambda fact: fact["on"])
        return row


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
