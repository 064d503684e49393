"""Cases in a few words for the tests of the pure cores of scheduling and notifications.

`on("2024-03-15", "decided")` is a fact in the words of the caseload format; `ami2(...)` and `ami1(...)` put
facts into a case with decision, choice, acceptance and start already told, unless `bare=True`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from kundval_contracts.answer import Obligation
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Case, Plan, Provider, Tenant
from kundval_contracts.codes import Ownership, Programme
from kundval_contracts.facts import load_fact
from kundval_contracts.settings import RuleSettings, read_settings
from kundval_scheduling.domain import obligations

Row = dict[str, Any]


def d(text: str) -> date:
    return date.fromisoformat(text)


def on(day: str, kind: str, /, **fields: Any) -> Row:
    """A fact; `from_` stands for the field `from`."""
    return {"on": day, "fact": kind, **{name.rstrip("_"): value for name, value in fields.items()}}


def tenant(settings: dict[str, Any] | None = None, municipality: str = "nacka") -> Tenant:
    given = {"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000, **(settings or {})}
    everything = dict.fromkeys(Programme, d("2024-01-01"))
    providers = {name: Provider(name, Ownership.PRIVATE, everything) for name in ("alfa", "beta")}
    return Tenant("t", municipality, RuleSettings(read_settings(given)), providers)


def case(programme: str, *rows: Row, plan: Plan | None = None) -> Case:
    facts = tuple(load_fact(row, place) for place, row in enumerate(rows))
    return Case("A-001", Programme(programme), plan or Plan(100, 5)).having(facts)


def start(decided: str, started: str | None, end_date: str | None = None) -> list[Row]:
    """Decision to start-up meeting with provider alfa."""
    rows = [on(decided, "decided", end_date=end_date) if end_date else on(decided, "decided")]
    if started:
        rows += [
            on(decided, "results_shown"),
            on(decided, "provider_chosen", provider="alfa"),
            on(max(decided, add_days(d(started), -7).isoformat()), "accepted"),
            on(started, "started"),
        ]
    return rows


def ami2(*rows: Row, decided: str = "2024-03-15", started: str | None = "2024-03-28", **kwargs: Any) -> Case:
    plan = kwargs.pop("plan", None)
    return case("AMI_2", *start(decided, started, **kwargs), *rows, plan=plan)


def ami1(*rows: Row, decided: str = "2025-03-03", started: str | None = "2025-03-10", **kwargs: Any) -> Case:
    plan = kwargs.pop("plan", None)
    return case("AMI_1", *start(decided, started, **kwargs), *rows, plan=plan)


def exited(day: str, kind: str = "WORK_FULL_TIME", /, **fields: Any) -> Row:
    """A qualifying exit to full-time work with everything in order, unless told otherwise."""
    given: dict[str, Any] = {
        "kind": kind,
        "first_day": day,
        "workplace": "W1",
        "extent_pct": 100,
        "documents": ["FINAL_REPORT", "EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"],
    }
    return on(day, "exited", **{**given, **fields})


def rows_of(
    one: Case, as_of: str, kind: str | None = None, settings: dict[str, Any] | None = None, **kwargs: Any
) -> list[Obligation]:
    found = obligations(one, tenant(settings, **kwargs), d(as_of))
    return [row for row in found if kind is None or row.kind == kind]


def short(rows: list[Obligation]) -> list[tuple[int, str | None, str, str | None]]:
    """(sequence, due, state, met_on) of each row."""
    return [
        (
            row.sequence,
            row.due.isoformat() if row.due else None,
            row.state.value,
            row.met_on.isoformat() if row.met_on else None,
        )
        for row in rows
    ]


def state(one: Case, as_of: str, kind: str, sequence: int = 1, settings: dict[str, Any] | None = None) -> str | None:
    """The state of one obligation, None if it is not listed."""
    found = [row.state.value for row in rows_of(one, as_of, kind, settings) if row.sequence == sequence]
    return found[0] if found else None
