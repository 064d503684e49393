"""Any assignment: facts that a caseload could hold, in any order of becoming known, under any readings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.case import Case
from kundval_contracts.codes import Programme
from kundval_contracts.facts import load_fact

from .builders import Row, on

#: The readings that move money, with every value that the table offers.
READINGS: dict[str, list[Any]] = {
    "month.unit": ["BY_PROGRAMME", "ANNIVERSARY", "CALENDAR", "DAYS_30"],
    "ami1.length_unit": ["DAYS_90", "MONTHS_3"],
    "intervention.anchor": ["DECISION_DATE", "START_UP"],
    "end_date.convention": ["EXCLUSIVE", "INCLUSIVE_BEFORE", "INCLUSIVE_COUNTS"],
    "premium.started_month": ["ORDINARY_FULL", "PRO_RATA_WITH_PREMIUM", "PRO_RATA_ONLY"],
    "premium.breakoff_month": ["NONE", "PRO_RATA", "FULL"],
    "premium.clawback": ["AFTER_BREAKOFF_ONLY", "ALL"],
    "premium.missing_report": ["HOLD", "FORFEIT"],
    "premium.hourly_provisional": [True, False],
    "premium.followups_per_month": [1, 2],
    "sustainability.comparison": ["GTE", "GT"],
    "sustainability.anchor": ["MAX_EXIT_WORK", "EXIT", "WORK"],
    "ami1.employer_change": ["ALLOW_NO_GAP", "FORFEIT"],
    "ami2.employer_change": ["FORFEIT", "ALLOW_NO_GAP"],
    "own_business.bonus": [{"AMI_1": "MANUAL", "AMI_2": "NO"}, {"AMI_1": "NO", "AMI_2": "MANUAL"}, {"AMI_2": "YES"}],
    "evidence.work.required": ["CONTRACT_AND_CERTIFICATE", "EITHER"],
    "eb_test.work_scope": ["HOUSEHOLD_MEMBER", "CLIENT_ONLY"],
    "studiestartsstod.waive_eb_test": [True, False],
    "study_half_time.approval": ["MANUAL", "AUTOMATIC"],
    "fee.split": ["LAST_PROVIDER", "PRO_RATA"],
    "exit_date.basis": ["INTERVENTION_END", "FIRST_DAY"],
    "bonus.claim_deadline_months": [None, 1],
    "AMI2_MONTHLY_FEE": ["8000.00", "6123.45", "0.07"],
}
KINDS = [
    ("WORK_FULL_TIME", 100),
    ("WORK_FULL_TIME", 100),
    ("WORK_FULL_TIME", 100),
    ("WORK_HOURLY_FULL_TIME", 100),
    ("WORK_MIN_HALF_TIME", 50),
    ("WORK_UNDER_HALF_TIME", 40),
    ("STUDY_FULL_TIME", 100),
    ("STUDY_START_SUPPORT_FULL_TIME", 100),
    ("STUDY_MIN_HALF_TIME", 75),
    ("OWN_BUSINESS", 100),
    ("BENEFIT_TEMPORARY", 0),
    ("DISCONTINUED", 0),
]
DOCUMENTS = [
    "EMPLOYMENT_CONTRACT",
    "EMPLOYMENT_CERTIFICATE",
    "STUDY_CERTIFICATE",
    "CSN_GRANT",
    "HOUSEHOLD_INCOME_PROOF",
]
PROVIDERS = ["alfa", "beta", "gamma"]
#: A day by which everything of any generated case is known and due.
FAR = date(2028, 1, 1)


def readings() -> st.SearchStrategy[dict[str, Any]]:
    """A few settings away from the recommended ones; often none."""
    one = st.sampled_from(sorted(READINGS)).flatmap(lambda key: st.tuples(st.just(key), st.sampled_from(READINGS[key])))
    return st.lists(one, max_size=4).map(dict)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A case of any programme of this version; every fact may become known up to 150 days late."""
    programme = draw(st.sampled_from(["AMI_2", "AMI_2", "AMI_2", "AMI_1", "AMI_1", "JOBBPENG_BASIC"]))
    decided = draw(st.dates(date(2024, 2, 29), date(2024, 12, 31)))
    length = {"AMI_1": 95, "AMI_2": 370}.get(programme, 300)
    started = add_days(decided, draw(st.integers(0, 45)))
    rows = [on(decided.isoformat(), "decided", **draw(_end_dates(decided)))]
    rows += [on(decided.isoformat(), "provider_chosen", provider="alfa"), on(decided.isoformat(), "accepted")]
    rows.append(on(started.isoformat(), "started"))
    day = started
    for _ in range(draw(st.sampled_from([0, 1, 2, 3, 4]))):
        day = add_days(day, draw(st.integers(0, length // 2)))
        if draw(st.sampled_from([False, False, True])):
            rows.append(
                on(day.isoformat(), "provider_switch", provider=draw(st.sampled_from(PROVIDERS)), approved=True)
            )
            continue
        rows.append(draw(_exits(day)))
        if not draw(st.booleans()):
            break
        day = add_days(day, draw(st.integers(0, 250)))
        rows.append(on(day.isoformat(), "broke_off"))
        if not draw(st.booleans()):
            break
        day = add_days(day, draw(st.integers(0, 40)))
        rows.append(on(day.isoformat(), "resumed", provider=draw(st.sampled_from(PROVIDERS))))
        day = add_days(day, draw(st.integers(0, 60)))
    if draw(st.sampled_from([True, True, True, False])):
        rows += _diligent(decided, [row for row in rows if row["fact"] == "exited"])
    rows += draw(st.lists(_later(decided), max_size=4))
    late = draw(st.lists(st.integers(0, 150), min_size=len(rows), max_size=len(rows)))
    lateness = draw(st.sampled_from([0, 1]))
    for row, days in zip(rows, late, strict=True):
        row["known_on"] = add_days(date.fromisoformat(row["on"]), days * lateness).isoformat()
    return Case("A-001", Programme(programme)).having(load_fact(row, place) for place, row in enumerate(rows))


def _end_dates(decided: date) -> st.SearchStrategy[dict[str, str]]:
    other = st.integers(20, 500).map(lambda days: {"end_date": add_days(decided, days).isoformat()})
    return st.one_of(st.just({}), st.just({}), st.just({}), other)


def _diligent(decided: date, exits: list[Row]) -> list[Row]:
    """A provider who reports every month on its last day and claims when six months have passed."""
    reports = [(add_days(add_months(decided, month), -1), month) for month in range(1, 13)]
    rows = [on(day.isoformat(), "premium_follow_up", month=month, continues=True) for day, month in reports]
    for row in exits:
        day = add_months(date.fromisoformat(max(row["on"], row["first_day"])), 6).isoformat()
        rows.append(on(day, "bonus_claimed", certified=True))
    return rows


@st.composite
def _exits(draw: st.DrawFn, day: date) -> Row:
    kind, extent = draw(st.sampled_from(KINDS))
    first_day = add_days(day, draw(st.sampled_from([0, 0, 0, -3, 3])))
    return on(
        day.isoformat(),
        "exited",
        kind=kind,
        first_day=first_day.isoformat(),
        workplace="W1",
        extent_pct=extent,
        csn_eligible=True,
        household_income_support=True,
        contract_until=draw(st.sampled_from([None, None, None, None, add_months(first_day, 5).isoformat()])),
        documents=draw(st.sampled_from([DOCUMENTS, DOCUMENTS, DOCUMENTS, DOCUMENTS, DOCUMENTS[:1], []])),
    )


@st.composite
def _later(draw: st.DrawFn, decided: date) -> Row:
    """What is reported beside exits: follow-ups, claims, decisions, assistance, changes of workplace."""
    day = (decided + timedelta(days=draw(st.integers(0, 700)))).isoformat()
    what = draw(
        st.sampled_from(["follow_up", "follow_up", "follow_up", "claim", "claim", "decision", "eb", "workplace"])
    )
    if what == "follow_up":
        continues = draw(st.sampled_from([True, True, True, False]))
        return on(day, "premium_follow_up", month=draw(st.integers(1, 13)), continues=continues)
    if what == "claim":
        certified = draw(st.sampled_from([True, True, True, False]))
        return on(
            day,
            "bonus_claimed",
            certified=certified,
            documents=draw(st.sampled_from([[], DOCUMENTS])),
            covers_until=day,
        )
    if what == "decision":
        about = draw(st.sampled_from(["BONUS", "BOUNDARY"]))
        return on(day, "manual_decision", about=about, approved=draw(st.booleans()))
    if what == "eb":
        until = add_days(date.fromisoformat(day), 31).isoformat()
        return on(day, "eb_paid", from_=day, to=until, scope=draw(st.sampled_from(["CLIENT", "HOUSEHOLD"])))
    return on(day, "workplace_changed", workplace=draw(st.sampled_from(["W1", "W2"])), gap_days=draw(st.integers(0, 1)))


def runs() -> st.SearchStrategy[list[date]]:
    """Payment runs in order, some of them on one day."""
    return st.lists(st.dates(date(2024, 3, 1), date(2027, 6, 1)), max_size=8).map(sorted)
