"""Lives of an assignment in a few words: the road from referral to decision, and a way into every state.

Dates are those of the rulebook's common example: decision 2024-03-15, exit 2024-06-20, settle date 2024-12-20.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from kundval_assignment.domain import Judgement, judge
from kundval_contracts.case import Case, Client, Plan, Provider, Tenant
from kundval_contracts.codes import AssignmentState, Ownership, Programme
from kundval_contracts.facts import load_fact
from kundval_contracts.inputs import CLIENT
from kundval_contracts.profiles import profiles
from kundval_contracts.settings import RuleSettings, read_settings
from tests.acceptance.builders import broke_off, claim, client, exited, fact

Fact = dict[str, Any]

S = AssignmentState
D, EXIT = "2024-03-15", "2024-06-20"
AGREEMENT = {"schedule": "Mon-Fri 9-12", "tasks": "shelves", "follow_up": "weekly"}
SIGNED = ["CLIENT", "PROVIDER", "EMPLOYER"]

REFERRED = (fact("2024-02-01", "referred", source="EB"),)
IN_PREPARATION = (*REFERRED, fact("2024-02-05", "preparation_opened"))
IN_ASSESSMENT = (
    *IN_PREPARATION,
    fact("2024-02-10", "prepared", relevant=True, purpose="p", parties=["EB", "LABOUR_MARKET_UNIT"]),
)
ASSESSED = (
    *IN_ASSESSMENT,
    fact("2024-02-20", "assessed", channel="IN_PERSON", needs=["WORK_TRAINING"]),
    fact("2024-02-21", "af_checked", result="NONE_SUITABLE"),
    fact(
        "2024-02-22",
        "described",
        other_actors_checked=True,
        plan={"extent_pct": 50, "job_search_quota": 5, "step_up": [{"from": "2024-06-01", "extent_pct": 100}]},
    ),
)
DECIDED = (*ASSESSED, fact(D, "decided", reason="nearest way to self-support", needs=["WORK_TRAINING"]))
AWAITING_CHOICE = (*DECIDED, fact("2024-03-16", "results_shown", snapshot="s-1"))
OFFERED = (*AWAITING_CHOICE, fact("2024-03-18", "provider_chosen", provider="alfa"))
ACCEPTED = (*OFFERED, fact("2024-03-20", "accepted"))
ACTIVE = (
    *ACCEPTED,
    fact("2024-03-28", "started"),
    fact("2024-04-02", "mapping_done", experience="e", competences="c", strengths="s"),
)
REASSESSMENT = (*ACTIVE, fact("2024-05-02", "hours_reported", hours_per_week="9.5"))
SWITCHING = (*ACTIVE, fact("2024-05-02", "provider_switch", provider="beta", approved=False))
SUSTAINABILITY = (*ACTIVE, exited(EXIT))
#: half-time studies wait for a person (AMI-9.3.4-a)
EXITED_PENDING_REVIEW = (
    *ACTIVE,
    exited(EXIT, "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=True),
)
BROKEN_OFF = (*SUSTAINABILITY, broke_off("2024-09-02"))
SETTLED = (*SUSTAINABILITY, claim("2024-12-20"))
CLOSED = (*SETTLED, fact("2025-03-20", "closed"))
REJECTED = (*IN_PREPARATION, fact("2024-02-10", "prepared", relevant=False, parties=["EB", "LABOUR_MARKET_UNIT"]))
REDIRECTED_TO_AF = (
    *IN_ASSESSMENT,
    fact("2024-02-21", "af_checked", result="SUITABLE"),
    fact("2024-02-25", "redirected_to_af"),
)

#: A life that leads to each state, and the day on which something more is stated.
WAYS: Mapping[AssignmentState, tuple[tuple[Fact, ...], str]] = {
    S.REFERRED: (REFERRED, "2024-02-03"),
    S.IN_PREPARATION: (IN_PREPARATION, "2024-02-06"),
    S.IN_ASSESSMENT: (ASSESSED, "2024-03-01"),
    S.DECIDED: (DECIDED, D),
    S.AWAITING_CHOICE: (AWAITING_CHOICE, "2024-03-17"),
    S.OFFERED: (OFFERED, "2024-03-19"),
    S.ACCEPTED: (ACCEPTED, "2024-03-25"),
    S.ACTIVE: (ACTIVE, "2024-05-10"),
    S.REASSESSMENT: (REASSESSMENT, "2024-05-10"),
    S.SWITCHING: (SWITCHING, "2024-05-10"),
    S.EXITED_PENDING_REVIEW: (EXITED_PENDING_REVIEW, "2024-07-01"),
    S.SUSTAINABILITY: (SUSTAINABILITY, "2024-07-20"),
    S.BROKEN_OFF: (BROKEN_OFF, "2024-09-10"),
    S.SETTLED: (SETTLED, "2025-03-20"),
    S.CLOSED: (CLOSED, "2025-04-01"),
    S.REJECTED: (REJECTED, "2024-02-20"),
    S.REDIRECTED_TO_AF: (REDIRECTED_TO_AF, "2024-03-01"),
}


def tenant(municipality: str = "nacka", today: str | None = None, **settings: Any) -> Tenant:
    """A municipality with two providers authorised for every programme since 2020, by its own profile's readings."""
    values = read_settings(
        {"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000, **settings}, profiles()[municipality].settings
    )
    since = dict.fromkeys(Programme, date(2020, 1, 1))
    providers = {
        name: Provider(name, owner, since)
        for name, owner in (("alfa", Ownership.PRIVATE), ("beta", Ownership.MUNICIPAL))
    }
    day = None if today is None else date.fromisoformat(today)
    return Tenant("t", municipality, RuleSettings(values, ()), providers, day)


def case(facts: Iterable[Fact], programme: str = "AMI_2", area: str | None = None) -> Case:
    """An assignment with these facts, in the order given, and no plan but what they describe."""
    loaded = tuple(load_fact(row, place, str(place)) for place, row in enumerate(facts))
    return Case("A-1", Programme(programme), Plan(), area).having(loaded)


def person(**changes: Any) -> Client:
    """A resident of 33 on financial assistance, registered as jobseeker, with 60 per cent work ability."""
    loaded: Client = CLIENT.load(client(work_ability_pct=60) | changes)
    return loaded


def live(
    facts: Iterable[Fact],
    today: str | None = None,
    *,
    programme: str = "AMI_2",
    municipality: str = "nacka",
    who: Client | None = None,
    area: str | None = None,
    **settings: Any,
) -> Judgement:
    """The judgement on a life as it stands on the business date `today` (default: the day of its last fact)."""
    rows = list(facts)
    at = today or max((row["on"] for row in rows), default=D)
    return judge(case(rows, programme, area), who or person(), tenant(municipality, at, **settings))


def refusals(found: Judgement) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.code, one.rules) for one in found.rejections]


def on_day(one: Tenant, day: str) -> Tenant:
    return replace(one, business_date=date.fromisoformat(day))
