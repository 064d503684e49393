"""Cases in a few words for the tests of the pure core of billing.

`on("2024-03-15", "decided")` is a fact in the words of the caseload format. `ami2(...)`, `ami1(...)` and
`jobbpeng(...)` put facts into a case with decision, choice, acceptance and start already told. Fees are invented:
6,000 for AMI 1 and 8,000 for AMI 2, as in the rulebook's section 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from kundval_billing.domain import lines, settle
from kundval_contracts.answer import Line, Posting
from kundval_contracts.calendar import add_months
from kundval_contracts.case import Case, Provider, Tenant
from kundval_contracts.codes import LineStatus, Ownership, Programme
from kundval_contracts.facts import load_fact
from kundval_contracts.settings import RuleSettings, read_settings, read_tariffs
from kundval_contracts.timeline import Timeline

Row = dict[str, Any]
WORK_DOCUMENTS = ["FINAL_REPORT", "EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"]


def d(text: str) -> date:
    return date.fromisoformat(text)


def on(day: str, kind: str, /, **fields: Any) -> Row:
    """A fact; `from_` stands for the field `from`."""
    return {"on": day, "fact": kind, **{name.rstrip("_"): value for name, value in fields.items()}}


def tenant(settings: dict[str, Any] | None = None, tariffs: list[dict[str, Any]] | None = None) -> Tenant:
    given = {"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000, **(settings or {})}
    everything = dict.fromkeys(Programme, d("2024-01-01"))
    providers = {name: Provider(name, Ownership.PRIVATE, everything) for name in ("alfa", "beta", "gamma")}
    return Tenant("t", "nacka", RuleSettings(read_settings(given), read_tariffs(tariffs or [])), providers)


def case(programme: str, *rows: Row) -> Case:
    return Case("A-001", Programme(programme)).having(load_fact(row, place) for place, row in enumerate(rows))


def start(decided: str, started: str | None, end_date: str | None = None) -> list[Row]:
    """From the decision to the start-up meeting with provider alfa."""
    rows = [on(decided, "decided", **({"end_date": end_date} if end_date else {}))]
    if started is not None:
        rows += [
            on(decided, "results_shown"),
            on(decided, "provider_chosen", provider="alfa"),
            on(decided, "accepted"),
            on(started, "started"),
        ]
    return rows


def ami2(*rows: Row, decided: str = "2024-03-15", started: str | None = None, end_date: str | None = None) -> Case:
    return case("AMI_2", *start(decided, started or decided, end_date), *rows)


def ami1(*rows: Row, decided: str = "2025-03-03", started: str | None = None, end_date: str | None = None) -> Case:
    return case("AMI_1", *start(decided, started or decided, end_date), *rows)


def jobbpeng(*rows: Row, started: str = "2024-05-06", level: str = "BASIC", end_date: str | None = None) -> Case:
    return case(f"JOBBPENG_{level}", *start("2024-05-02", started, end_date), *rows)


def exited(day: str, kind: str = "WORK_FULL_TIME", /, **fields: Any) -> Row:
    """An exit to full-time work with everything in order, unless told otherwise."""
    given: dict[str, Any] = {
        "kind": kind,
        "first_day": day,
        "workplace": "W1",
        "extent_pct": 100,
        "documents": WORK_DOCUMENTS,
    }
    return on(day, "exited", **{**given, **fields})


def studies(day: str, kind: str = "STUDY_FULL_TIME", /, **fields: Any) -> Row:
    """An exit to studies that give right to study grant and loan."""
    given: dict[str, Any] = {
        "workplace": None,
        "csn_eligible": True,
        "documents": ["STUDY_CERTIFICATE", "CSN_GRANT", "HOUSEHOLD_INCOME_PROOF"],
    }
    return exited(day, kind, **{**given, **fields})


def follow_ups(months: Iterable[int], decided: str = "2024-03-15", days: int = 0) -> list[Row]:
    """One confirming follow-up for each month, on the last day but `days` of anniversary months."""
    return [
        on(add_months(d(decided), month).isoformat(), "premium_follow_up", month=month, continues=True)
        for month in months
    ]


def claim(day: str, certified: bool = True, **fields: Any) -> Row:
    return on(day, "bonus_claimed", certified=certified, **fields)


def decision(day: str, approved: bool = True, about: str = "BONUS") -> Row:
    return on(day, "manual_decision", about=about, approved=approved, by="unit")


def lines_of(one: Case, as_of: str, kind: str | None = None, settings: dict[str, Any] | None = None) -> list[Line]:
    """Lines of what is known by `as_of`, of one kind or all."""
    found = lines(one.known_by(d(as_of)), tenant(settings), d(as_of))
    return [line for line in found if kind is None or line.kind == kind]


def short(found: Iterable[Line]) -> list[tuple[int, str, str, str]]:
    """(sequence, provider, amount, status) of each line."""
    return [(line.sequence, line.provider, f"{line.amount:.2f}", line.status.value) for line in found]


def line_of(one: Case, as_of: str, kind: str, sequence: int = 1, settings: dict[str, Any] | None = None) -> Line:
    (found,) = [line for line in lines_of(one, as_of, kind, settings) if line.sequence == sequence]
    return found


def bonus(one: Case, as_of: str, settings: dict[str, Any] | None = None) -> tuple[str, str, str | None]:
    """(status, amount, payable_from) of the only bonus line."""
    line = line_of(one, as_of, "RESULT_BONUS", 1, settings)
    return (line.status.value, f"{line.amount:.2f}", line.payable_from.isoformat() if line.payable_from else None)


def premium(
    one: Case, as_of: str, sequence: int, settings: dict[str, Any] | None = None
) -> tuple[str, str, str | None]:
    """(status, amount, payable_from) of one premium month."""
    line = line_of(one, as_of, "SPEED_PREMIUM", sequence, settings)
    return (line.status.value, f"{line.amount:.2f}", line.payable_from.isoformat() if line.payable_from else None)


def payable(one: Case, as_of: str, kind: str | None = None, settings: dict[str, Any] | None = None) -> Decimal:
    """Sum of the PAYABLE lines."""
    found = lines_of(one, as_of, kind, settings)
    return sum((line.amount for line in found if line.status is LineStatus.PAYABLE), Decimal(0))


def play(one: Case, *runs: str, settings: dict[str, Any] | None = None, who: Tenant | None = None) -> list[Posting]:
    """The ledger after these payment runs, each knowing what was known on its day."""
    held, posted = who or tenant(settings), []  # type: tuple[Tenant, list[Posting]]
    for run in runs:
        posted += settle(posted, lines(one.known_by(d(run)), held, d(run)), d(run), held)
    return posted


def net(posted: Iterable[Posting]) -> dict[tuple[str, str, int], Decimal]:
    """What stands in the ledger by provider, kind and sequence; nothing where it comes to zero."""
    sums: dict[tuple[str, str, int], Decimal] = {}
    for posting in posted:
        key = (posting.provider, posting.kind.value, posting.sequence)
        sums[key] = sums.get(key, Decimal(0)) + posting.amount
    return {key: amount for key, amount in sums.items() if amount}


def timeline(one: Case, settings: dict[str, Any] | None = None) -> Timeline:
    return Timeline(one, tenant(settings).settings)
