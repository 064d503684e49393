"""The worked examples of the rulebook (section 9) as caseloads: one function for each, one `Example` a row.

Where a reading of the format changes an example, both the state that waits for a person and the result after
the approval are rows (readings 13, 16, 25).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .builders import (
    F1,
    F2,
    Example,
    Expect,
    Fact,
    assignment,
    bare,
    broke_off,
    caseload,
    claim,
    client,
    eb_paid,
    exited,
    fact,
    follow_ups,
    last_day,
    manual,
    settle_date,
)

FULL_BONUS, HALF_BONUS, QUARTER_BONUS = "20000.00", "10000.00", "5000.00"
REFUSED = {"status": "REFUSED", "amount": "0.00"}


def paid(amount: str, **fields: Any) -> dict[str, Any]:
    return {"status": "PAYABLE", "amount": amount, **fields}


def waits(amount: str, **fields: Any) -> dict[str, Any]:
    return {"status": "MANUAL", "amount": amount, **fields}


def money(programme: str, decided: str, *facts: Fact, settings: dict[str, Any] | None = None, **more: Any) -> Any:
    """A caseload of one assignment that alfa starts on the decision date."""
    return caseload(assignment(programme, decided, *facts, **more), settings=settings)


# --- 9.1 AMI 1 dates -----------------------------------------------------------------------------------

D1 = "2025-03-03"


def we_01() -> list[Example]:
    """Key dates of AMI 1."""
    by_days = {
        "FOLLOWUP_MEETING 1": {"due": "2025-04-17", "responsible": "PROVIDER"},
        "FINAL_REPORT 1": {"due": "2025-05-31"},
    }
    fees = {"MONTHLY_FEE 1": {"to": "2025-04-02"}, "MONTHLY_FEE 3": {"to": "2025-06-01"}}
    months = {"ami1.length_unit": "MONTHS_3"}
    return [
        Example(
            "WE-01 ninety days",
            money("AMI_1", D1),
            Expect(
                lines=fees,
                obligations=by_days,
                notices=(("MEETING_TO_BOOK", "PROVIDER", "2025-04-03", "AMI-7.2-a"),),
                absent=("MONTHLY_FEE 4",),
            ),
        ),
        Example(
            "WE-01 three months",
            money("AMI_1", D1, settings=months),
            Expect(
                lines={"MONTHLY_FEE 3": {"to": "2025-06-03"}}, obligations={"FINAL_REPORT 1": {"due": "2025-06-02"}}
            ),
        ),
    ]


def we_02() -> list[Example]:
    """A bonus at the end of AMI 1: ninety days or three months."""
    rows = {
        "2025-05-30": (paid(FULL_BONUS), paid(FULL_BONUS), True),
        "2025-05-31": (paid(FULL_BONUS), paid(FULL_BONUS), True),
        "2025-06-01": (REFUSED, paid(FULL_BONUS), True),
        "2025-06-02": (REFUSED, paid(FULL_BONUS), True),
        "2025-06-03": (REFUSED, REFUSED, False),
    }
    found = []
    for day, (default, approved, three_months) in rows.items():
        facts = [exited(day), claim(settle_date(day))]
        person = [*facts, manual(settle_date(day), "BOUNDARY")]
        months = {"ami1.length_unit": "MONTHS_3"}
        found += [
            Example(f"WE-02 exit {day}", money("AMI_1", D1, *facts), Expect(lines={"RESULT_BONUS 1": default})),
            Example(
                f"WE-02 exit {day}, a person counts it as in time",
                money("AMI_1", D1, *person),
                Expect(lines={"RESULT_BONUS 1": approved}),
            ),
            Example(
                f"WE-02 exit {day}, three months and a person",
                money("AMI_1", D1, *person, settings=months),
                Expect(lines={"RESULT_BONUS 1": paid(FULL_BONUS) if three_months else REFUSED}),
            ),
        ]
    return found


def we_03() -> list[Example]:
    """Three months that are shorter than ninety days: what only the days allow waits for a person."""

    def rows(day: str, *more: Fact) -> Any:
        return money("AMI_1", "2025-02-01", exited(day), claim(settle_date(day)), *more)

    return [
        Example("WE-03 both yes", rows("2025-04-30"), Expect(lines={"RESULT_BONUS 1": paid(FULL_BONUS)})),
        Example("WE-03 only the days", rows("2025-05-01"), Expect(lines={"RESULT_BONUS 1": waits(FULL_BONUS)})),
        Example(
            "WE-03 only the days, a person approves",
            rows("2025-05-01", manual("2025-11-03", "BOUNDARY")),
            Expect(lines={"RESULT_BONUS 1": paid(FULL_BONUS)}),
        ),
        Example(
            "WE-03 only the days, a person refuses",
            rows("2025-05-01", manual("2025-11-03", "BOUNDARY", approved=False)),
            Expect(lines={"RESULT_BONUS 1": REFUSED}),
        ),
        Example("WE-03 both no", rows("2025-05-02"), Expect(lines={"RESULT_BONUS 1": REFUSED})),
    ]


def we_04() -> list[Example]:
    """Where the readings agree."""

    def rows(day: str) -> Any:
        return money("AMI_1", "2024-12-01", exited(day), claim(settle_date(day)))

    return [
        Example("WE-04 last covered day", rows("2025-02-28"), Expect(lines={"RESULT_BONUS 1": paid(FULL_BONUS)})),
        Example("WE-04 the end", rows("2025-03-01"), Expect(lines={"RESULT_BONUS 1": REFUSED})),
    ]


def we_05() -> list[Example]:
    """Speed premium of AMI 1 by block of thirty days."""
    found = []
    for day, block in {"2025-03-22": 1, "2025-04-01": 1, "2025-04-02": 2, "2025-05-01": 2, "2025-05-02": 3}.items():
        facts = [exited(day), *follow_ups("AMI_1", D1, range(block + 1, 4)), claim(settle_date(day))]
        totals = {"MONTHLY_FEE": block * F1, "SPEED_PREMIUM": (3 - block) * F1, "RESULT_BONUS": 20000}
        found.append(Example(f"WE-05 exit {day}", money("AMI_1", D1, *facts), Expect(totals=totals)))
    return found


# --- 9.2 AMI 2 tiers -----------------------------------------------------------------------------------

D2 = "2024-03-15"


def tiers(number: str, decided: str, rows: dict[str, str | None]) -> list[Example]:
    return [
        Example(
            f"{number} exit {day}",
            money("AMI_2", decided, exited(day), claim(settle_date(day))),
            Expect(lines={"RESULT_BONUS 1": paid(amount) if amount else REFUSED}),
        )
        for day, amount in rows.items()
    ]


def we_06() -> list[Example]:
    """Every boundary of the tiers."""
    return tiers(
        "WE-06",
        D2,
        {
            "2024-03-15": FULL_BONUS,
            "2024-09-14": FULL_BONUS,
            "2024-09-15": HALF_BONUS,
            "2025-01-14": HALF_BONUS,
            "2025-01-15": QUARTER_BONUS,
            "2025-03-14": QUARTER_BONUS,
            "2025-03-15": None,
        },
    )


def we_07() -> list[Example]:
    """Months clipped at the month's end, always from the original anchor."""
    return tiers(
        "WE-07",
        "2024-08-31",
        {
            "2025-02-27": FULL_BONUS,
            "2025-02-28": HALF_BONUS,
            "2025-06-28": HALF_BONUS,
            "2025-06-29": HALF_BONUS,
            "2025-06-30": QUARTER_BONUS,
            "2025-08-30": QUARTER_BONUS,
            "2025-08-31": None,
        },
    )


def we_08() -> list[Example]:
    """A decision on a leap day."""
    return tiers(
        "WE-08",
        "2024-02-29",
        {"2024-08-28": FULL_BONUS, "2024-08-29": HALF_BONUS, "2025-02-27": QUARTER_BONUS, "2025-02-28": None},
    )


def we_09() -> list[Example]:
    """Last day on a Friday, the job on the Monday after."""
    facts = [exited("2024-09-13", first_day="2024-09-16"), claim("2025-03-16")]
    approved = [*facts, manual("2025-03-17", "BONUS")]
    dates = {"from": "2024-09-16", "to": "2025-03-16"}
    return [
        Example(
            "WE-09 the gap waits for a person",
            money("AMI_2", D2, *facts),
            Expect(lines={"RESULT_BONUS 1": waits(FULL_BONUS, **dates)}),
        ),
        Example(
            "WE-09 approved",
            money("AMI_2", D2, *approved),
            Expect(lines={"RESULT_BONUS 1": paid(FULL_BONUS, **dates)}),
        ),
        Example(
            "WE-09 by the first day of work",
            money("AMI_2", D2, *approved, settings={"exit_date.basis": "FIRST_DAY"}),
            Expect(lines={"RESULT_BONUS 1": paid(HALF_BONUS)}),
        ),
        Example(
            "WE-09 claimed before the later settle date",
            money("AMI_2", D2, facts[0], claim("2025-03-15"), manual("2025-03-17", "BONUS")),
            Expect(rejections={6: "AMI-10.2-c"}, lines={"RESULT_BONUS 1": "ON_HOLD"}),
        ),
    ]


# --- 9.3 Meetings, plans, placement, contact -----------------------------------------------------------


def started_late(*facts: Fact, as_of: str = "2025-06-30", settings: dict[str, Any] | None = None, **more: Any) -> Any:
    """D = 2024-03-15, S = 2024-03-28."""
    return caseload(assignment("AMI_2", D2, *facts, started="2024-03-28", **more), as_of=as_of, settings=settings)


def we_10() -> list[Example]:
    """Follow-up meetings of AMI 2."""

    def due(*days: str) -> Expect:
        return Expect(obligations={f"FOLLOWUP_MEETING {k}": {"due": day} for k, day in enumerate(days, start=1)})

    by_start = {"ami2.followup.anchor": "START_UP", "ami2.final_meeting.cap": "NONE"}
    return [
        Example("WE-10 from D", started_late(), due("2024-06-15", "2024-09-15", "2024-12-15", "2025-03-14")),
        Example(
            "WE-10 from S",
            started_late(settings=by_start),
            due("2024-06-28", "2024-09-28", "2024-12-28", "2025-03-28"),
        ),
    ]


def placement(on: str, hours: float | int = 10, **fields: Any) -> Fact:
    complete = {
        "workplace": "W9",
        "hours_per_week": hours,
        "signatures": ["CLIENT", "PROVIDER", "EMPLOYER"],
        "agreement": {"schedule": "Mon-Fri 9-11", "tasks": "stock", "follow_up": "weekly"},
    }
    return fact(on, "placement_started", **(complete | fields))


def we_11() -> list[Example]:
    """A placement within four weeks, with ten hours."""

    def row(day: str, hours: float | int, due: str, state: str, met: str | None, **more: Any) -> Expect:
        return Expect(obligations={"PLACEMENT 1": {"due": due, "state": state, "met_on": met}})

    month = {"ami2.placement.deadline": "P1M"}
    found = [
        Example(f"WE-11 start {day}", started_late(placement(day)), row(day, 10, "2024-04-12", "MET", day))
        for day in ("2024-04-11", "2024-04-12", "2024-04-13", "2024-04-15", "2024-04-16")
    ]
    found += [
        Example(
            f"WE-11 start {day}, one month",
            started_late(placement(day), settings=month),
            row(day, 10, "2024-04-15", "MET", day),
        )
        for day in ("2024-04-13", "2024-04-15", "2024-04-16")
    ]
    for day, deadline, state in (
        ("2024-04-12", "2024-04-12", "OPEN"),
        ("2024-04-13", "2024-04-12", "OVERDUE"),
        ("2024-04-15", "2024-04-15", "OPEN"),
        ("2024-04-16", "2024-04-15", "OVERDUE"),
    ):
        found.append(
            Example(
                f"WE-11 none by {day}, deadline {deadline}",
                started_late(as_of=day, settings=month if deadline == "2024-04-15" else None),
                Expect(obligations={"PLACEMENT 1": {"due": deadline, "state": state}}),
            )
        )
    found.append(
        Example(
            "WE-11 nine and a half hours",
            started_late(placement("2024-04-12", 9.5), as_of="2024-05-01"),
            row("2024-04-12", 9.5, "2024-04-12", "OVERDUE", None),
        )
    )
    return found


def we_12() -> list[Example]:
    """Mapping and plan within fourteen days, without effect on money."""

    def rows(plan_on: str, **more: Any) -> Any:
        return started_late(fact("2024-04-10", "mapping_done"), fact(plan_on, "plan_done"), **more)

    key = "MAPPING_AND_PLAN 1"
    return [
        Example(
            "WE-12 on time",
            rows("2024-04-11"),
            Expect(obligations={key: {"due": "2024-04-11", "state": "MET", "met_on": "2024-04-11"}}),
        ),
        Example(
            "WE-12 a day late",
            rows("2024-04-12"),
            Expect(
                obligations={key: {"due": "2024-04-11", "state": "MET", "met_on": "2024-04-12"}},
                lines={"MONTHLY_FEE 1": paid("8000.00")},
            ),
        ),
        Example(
            "WE-12 overdue before it comes",
            started_late(
                fact("2024-04-10", "mapping_done"),
                fact("2024-04-12", "plan_done", known_on="2024-04-15"),
                as_of="2024-04-12",
            ),
            Expect(obligations={key: {"due": "2024-04-11", "state": "OVERDUE"}}),
        ),
        Example(
            "WE-12 from D",
            rows("2024-04-11", settings={"plan.anchor": "DECISION_DATE"}),
            Expect(obligations={key: {"due": "2024-03-29", "met_on": "2024-04-11"}}),
        ),
    ]


CONTACTS = [
    fact("2024-04-02", "contact", channel="IN_PERSON", party="CLIENT"),
    fact("2024-04-12", "contact", channel="PHONE", party="CLIENT"),
]


def weekly(answer: Any) -> list[tuple[str, str, str | None]]:
    """(due, state, met_on) of the weekly contacts, in order."""
    return sorted(
        (row["due"], row["state"], row["met_on"]) for row in answer["obligations"] if row["kind"] == "WEEKLY_CONTACT"
    )


def we_13() -> list[Example]:
    """Weekly contact: whole ISO weeks; the part week of the start is exempt. The weeks are looked at by the test."""
    return [
        Example("WE-13 ISO weeks", started_late(*CONTACTS, as_of="2024-04-14"), Expect()),
        Example(
            "WE-13 seven days at most",
            started_late(*CONTACTS, as_of="2024-04-14", settings={"contact.week_model": "ROLLING_7"}),
            Expect(),
        ),
    ]


def we_14() -> list[Example]:
    """Twenty applications a month in AMI 1, with no carry-over."""
    counts = [
        fact("2025-04-01", "jobs_applied", count=20, month=1),
        fact("2025-05-01", "jobs_applied", count=19, month=2),
        fact("2025-05-31", "jobs_applied", count=21, month=3),
    ]
    expected = {
        "JOB_SEARCH_QUOTA 1": {"due": "2025-04-01", "state": "MET"},
        "JOB_SEARCH_QUOTA 2": {"due": "2025-05-01", "state": "OVERDUE"},
        "JOB_SEARCH_QUOTA 3": {"due": "2025-05-31", "state": "MET"},
    }
    return [Example("WE-14", money("AMI_1", D1, *counts), Expect(obligations=expected))]


def we_15() -> list[Example]:
    """Ten hours do not call for a new assessment, nine and a half do."""

    def rows(hours: float | int) -> Any:
        return started_late(placement("2024-04-08", 20), fact("2024-05-13", "hours_reported", hours_per_week=hours))

    return [
        Example("WE-15 ten hours", rows(10), Expect(silent=("REASSESSMENT_REQUESTED",))),
        Example(
            "WE-15 nine and a half",
            rows(9.5),
            Expect(notices=(("REASSESSMENT_REQUESTED", "CAREER_GUIDE", "2024-05-13", "AMI-3.2-a"),)),
        ),
    ]


def we_16() -> list[Example]:
    """A declined placement: notice by the next working day, a meeting, no effect on assistance or money."""

    def rows(receives_eb: bool) -> Any:
        declined = fact("2024-05-06", "offer_declined", offer="PRACTICE", receives_eb=receives_eb)
        return started_late(declined, as_of="2024-06-01")

    def expected(rule: str, risk: tuple[tuple[str, str, str, str], ...], silent: tuple[str, ...]) -> Expect:
        return Expect(
            notices=(
                ("OFFER_DECLINED", "CAREER_GUIDE", "2024-05-06", rule),
                ("MEETING_TO_BOOK", "PROVIDER", "2024-05-06", rule),
                *risk,
            ),
            silent=silent,
            obligations={
                "PROMPT_NOTICE 1": {"due": "2024-05-07", "responsible": "PROVIDER"},
                "THREE_PARTY_MEETING 1": {"due": None, "responsible": "PROVIDER", "rules": [rule]},
            },
            lines={"MONTHLY_FEE 1": paid("8000.00"), "MONTHLY_FEE 2": paid("8000.00")},
        )

    risk = ("ASSISTANCE_AT_RISK", "CLIENT", "2024-05-06", "AMI-3.2.1-a")
    return [
        Example("WE-16 with assistance", rows(True), expected("AMI-3.2.1-b", (risk,), ())),
        Example("WE-16 without assistance", rows(False), expected("AMI-3.2.1-c", (), ("ASSISTANCE_AT_RISK",))),
    ]


def we_17() -> list[Example]:
    """A changed tripartite agreement goes with the monthly report that covers the change."""

    def rows(*attachments: str) -> Any:
        report = fact("2024-06-14", "monthly_report", month=3, attachments=list(attachments))
        return started_late(placement("2024-04-08", 10), placement("2024-05-20", 20), report, as_of="2024-06-20")

    served = {"SERVE_TRIPARTITE_AGREEMENT 1": {"due": "2024-04-08"}}
    return [
        Example("WE-17 without the change", rows(), Expect(rejections={7: "AMI-6.3.1-d"}, obligations=served)),
        Example("WE-17 with the change", rows("TRIPARTITE_CHANGE"), Expect(obligations=served)),
    ]


# --- 9.4 Speed premium (AMI 2) -------------------------------------------------------------------------

E2, SETTLE2 = "2024-06-20", "2024-12-20"
REPORTS = follow_ups("AMI_2", D2, range(5, 13))
CLAIMED = claim(SETTLE2)


def premium(*facts: Fact, settings: dict[str, Any] | None = None, runs: tuple[str, ...] = (), **more: Any) -> Any:
    return caseload(assignment("AMI_2", D2, exited(E2), *facts), settings=settings, runs=runs, **more)


def totals(ordinary: int | str, speed: int | str, bonus: int | str, **more: Any) -> Expect:
    return Expect(totals={"MONTHLY_FEE": ordinary, "SPEED_PREMIUM": speed, "RESULT_BONUS": bonus}, **more)


def we_18() -> list[Example]:
    """Undisturbed: 116,000 in all."""
    bonus = paid(FULL_BONUS, payable_from=SETTLE2, **{"from": E2, "to": SETTLE2})
    return [
        Example(
            "WE-18",
            premium(*REPORTS, CLAIMED, runs=("2025-01-31", "2025-04-01")),
            totals(
                4 * F2,
                8 * F2,
                20000,
                lines={"RESULT_BONUS 1": bonus, "SPEED_PREMIUM 5": {"from": "2024-07-15", "to": "2024-08-15"}},
                paid={"MONTHLY_FEE": 4 * F2, "SPEED_PREMIUM": 8 * F2, "RESULT_BONUS": 20000},
                absent=("MONTHLY_FEE 5", "SPEED_PREMIUM 4", "SPEED_PREMIUM 13"),
            ),
        )
    ]


def we_19() -> list[Example]:
    """Other readings of the started month."""

    def rows(reading: str) -> Any:
        months = [fact(last_day("AMI_2", D2, 4), "premium_follow_up", month=4, continues=True), *REPORTS]
        return premium(*months, CLAIMED, settings={"premium.started_month": reading})

    return [
        Example("WE-19 pro rata with premium", rows("PRO_RATA_WITH_PREMIUM"), totals("25600", "70400", 20000)),
        Example("WE-19 pro rata only", rows("PRO_RATA_ONLY"), totals("25600", "64000", 20000)),
    ]


def we_20() -> list[Example]:
    """Break-off before the settle date."""

    def rows(**settings: Any) -> Any:
        return premium(*REPORTS, broke_off("2024-11-05"), CLAIMED, settings=settings)

    stopped = {"SPEED_PREMIUM 8": "STOPPED", "SPEED_PREMIUM 12": "STOPPED", "RESULT_BONUS 1": REFUSED}
    return [
        Example("WE-20", rows(), totals(4 * F2, 24000, 0, lines=stopped)),
        Example("WE-20 pro rata", rows(**{"premium.breakoff_month": "PRO_RATA"}), totals(4 * F2, "29419.35", 0)),
        Example("WE-20 whole month", rows(**{"premium.breakoff_month": "FULL"}), totals(4 * F2, 32000, 0)),
    ]


def we_21() -> list[Example]:
    """Break-off after the settle date, within the premium period."""
    facts = (*REPORTS, CLAIMED, broke_off("2025-01-10"))
    stopped = {"SPEED_PREMIUM 9": paid("8000.00"), "SPEED_PREMIUM 10": "STOPPED"}
    return [Example("WE-21", premium(*facts), totals(4 * F2, 40000, 20000, lines=stopped))]


def we_22() -> list[Example]:
    """Around the settle date."""
    rows = {"2024-12-19": (REFUSED, REFUSED), "2024-12-20": (paid(FULL_BONUS), REFUSED)}
    rows["2024-12-21"] = (paid(FULL_BONUS), paid(FULL_BONUS))
    found = []
    for day, (at_least, longer) in rows.items():
        facts = (*REPORTS, broke_off(day), claim("2024-12-22"))
        found += [
            Example(f"WE-22 {day}", premium(*facts), Expect(lines={"RESULT_BONUS 1": at_least})),
            Example(
                f"WE-22 {day}, longer than",
                premium(*facts, settings={"sustainability.comparison": "GT"}),
                Expect(lines={"RESULT_BONUS 1": longer}),
            ),
        ]
    return found


def we_23() -> list[Example]:
    """A missing follow-up report holds the month until it comes."""
    others = [report for report in REPORTS if report["month"] != 6]
    late = fact("2024-09-14", "premium_follow_up", month=6, continues=True, known_on="2024-10-04")
    runs = ("2024-10-01", "2024-11-01", "2025-04-01")
    held = {"SPEED_PREMIUM 6": "ON_HOLD"}
    return [
        Example(
            "WE-23 held",
            premium(*others, late, runs=runs, as_of="2024-10-03"),
            Expect(lines=held, paid={"MONTHLY_FEE": 4 * F2, "SPEED_PREMIUM": F2}),
        ),
        Example(
            "WE-23 arrives",
            premium(*others, late, runs=runs, as_of="2024-11-01"),
            Expect(
                lines={"SPEED_PREMIUM 6": paid("8000.00")},
                paid={"MONTHLY_FEE": 4 * F2, "SPEED_PREMIUM": 3 * F2},
            ),
        ),
        Example(
            "WE-23 total unchanged",
            premium(*others, late, CLAIMED, runs=runs),
            totals(4 * F2, 8 * F2, 20000),
        ),
        Example("WE-23 never arrives", premium(*others, CLAIMED), totals(4 * F2, 7 * F2, 20000, lines=held)),
        Example(
            "WE-23 forfeited by setting",
            premium(*others, CLAIMED, settings={"premium.missing_report": "FORFEIT"}),
            totals(4 * F2, 7 * F2, 20000, lines={"SPEED_PREMIUM 6": "REFUSED"}),
        ),
    ]


def we_24() -> list[Example]:
    """A break-off told late: the months after it are credited, the one before stays."""
    told = [report for report in REPORTS if report["month"] in (5, 6, 7)]
    facts = (*told, broke_off("2024-09-01", known_on="2024-10-20"))
    runs = ("2024-08-16", "2024-09-16", "2024-10-16", "2024-11-01", "2024-12-01")
    return [
        Example(
            "WE-24 before it is told",
            premium(*facts, runs=runs, as_of="2024-10-19"),
            Expect(paid={"MONTHLY_FEE": 4 * F2, "SPEED_PREMIUM": 24000}),
        ),
        Example(
            "WE-24 after it is told",
            premium(*facts, runs=runs, as_of="2025-01-15"),
            Expect(
                paid={"MONTHLY_FEE": 4 * F2, "SPEED_PREMIUM": 8000},
                totals={"MONTHLY_FEE": 4 * F2, "SPEED_PREMIUM": 8000},
                lines={"SPEED_PREMIUM 6": "STOPPED", "SPEED_PREMIUM 7": "STOPPED", "RESULT_BONUS 1": REFUSED},
                obligations={"PROMPT_NOTICE 1": {"due": "2024-10-21", "state": "OVERDUE"}},
            ),
        ),
    ]


def we_25() -> list[Example]:
    """Resumption with another provider: the first keeps what it earned, the fees never exceed twelve."""
    facts = [
        exited(E2),
        *follow_ups("AMI_2", D2, [5]),
        broke_off("2024-09-01"),
        fact("2024-09-09", "provider_chosen", provider="beta"),
        fact("2024-09-09", "accepted", provider="beta"),
        fact("2024-09-10", "resumed", provider="beta"),
        exited("2025-01-20", workplace="W2"),
        *follow_ups("AMI_2", D2, [12]),
        claim("2025-07-20"),
    ]
    expected = {
        "alfa MONTHLY_FEE": 4 * F2,
        "alfa SPEED_PREMIUM": F2,
        "beta MONTHLY_FEE": 6 * F2,
        "beta SPEED_PREMIUM": F2,
        "beta RESULT_BONUS": 5000,
    }
    runs = [f"{year}-{month:02d}-01" for year in (2024, 2025) for month in range(1, 13)]
    return [
        Example(
            "WE-25",
            caseload(assignment("AMI_2", D2, *facts), runs=runs),
            Expect(totals=expected, paid=expected),
        )
    ]


def we_26() -> list[Example]:
    """An exit in the last month: no premium, the lowest tier."""
    document = money("AMI_2", D2, exited("2025-03-14"), claim("2025-09-14"))
    bonus = {"RESULT_BONUS 1": paid(QUARTER_BONUS, payable_from="2025-09-14")}
    return [Example("WE-26", document, totals(12 * F2, 0, 5000, lines=bonus))]


# --- 9.5 Sustainability, EB, exit kinds ----------------------------------------------------------------


def we_27() -> list[Example]:
    """Six months at a month's end: 31 August to 28 February."""
    gone = exited("2024-08-31")

    def rows(*facts: Fact) -> Any:
        return money("AMI_2", D2, gone, *facts)

    accepted = paid(FULL_BONUS, payable_from="2025-02-28", to="2025-02-28")
    return [
        Example(
            "WE-27 premature",
            rows(claim("2025-02-27")),
            Expect(rejections={6: "CLAIM_PREMATURE"}, lines={"RESULT_BONUS 1": "ON_HOLD"}),
        ),
        Example("WE-27 on the day", rows(claim("2025-02-28")), Expect(lines={"RESULT_BONUS 1": accepted})),
        Example(
            "WE-27 assistance in February",
            rows(claim("2025-02-28"), eb_paid("2025-02-01", "2025-03-01")),
            Expect(lines={"RESULT_BONUS 1": REFUSED}),
        ),
        Example(
            "WE-27 assistance from March",
            rows(claim("2025-02-28"), eb_paid("2025-03-01", "2025-04-01")),
            Expect(lines={"RESULT_BONUS 1": accepted}),
        ),
    ]


def we_28() -> list[Example]:
    """Studies."""
    october = eb_paid("2024-10-01", "2024-11-01", "HOUSEHOLD")
    day, claimed = "2024-08-26", claim("2025-02-26")
    grant = ["FINAL_REPORT", "STUDY_CERTIFICATE", "CSN_GRANT"]
    income = ["FINAL_REPORT", "STUDY_CERTIFICATE", "HOUSEHOLD_INCOME_PROOF"]
    half = exited(day, "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=True, documents=income)
    alone = exited(day, "STUDY_MIN_HALF_TIME", extent_pct=50, household_income_support=False, documents=income)
    support = {"study_start_support": True, "documents": grant}
    approved = manual("2025-03-01", "BONUS")

    def row(name: str, expected: Any, *facts: Fact) -> Example:
        return Example(f"WE-28 {name}", money("AMI_2", D2, *facts), Expect(lines={"RESULT_BONUS 1": expected}))

    return [
        row("full time", paid(FULL_BONUS), exited(day, "STUDY_FULL_TIME"), claimed),
        row("partner on assistance", REFUSED, exited(day, "STUDY_FULL_TIME"), october, claimed),
        row(
            "study-start support",
            paid(FULL_BONUS),
            exited(day, "STUDY_START_SUPPORT_FULL_TIME", **support),
            october,
            claimed,
        ),
        row(
            "study-start support at 75 per cent",
            REFUSED,
            exited(day, "STUDY_START_SUPPORT_PART_TIME", extent_pct=75, **support),
            october,
            claimed,
        ),
        row("half time waits for the unit", waits(FULL_BONUS), half, claimed),
        row("half time, approved", paid(FULL_BONUS), half, claimed, approved),
        row("half time, nobody with income", REFUSED, alone, claimed, approved),
        row("under half time", REFUSED, exited(day, "STUDY_UNDER_HALF_TIME", extent_pct=49), claimed),
        row(
            "no study certificate",
            "ON_HOLD",
            exited(day, "STUDY_FULL_TIME", documents=["FINAL_REPORT"]),
            claimed,
        ),
        row(
            "study certificate with the claim",
            paid(FULL_BONUS),
            exited(day, "STUDY_FULL_TIME", documents=["FINAL_REPORT"]),
            claim("2025-02-26", documents=["STUDY_CERTIFICATE"]),
        ),
    ]


def we_29() -> list[Example]:
    """Part-time work; the missing advice is told, and takes nothing away."""

    def row(name: str, expected: Any, kind: str, pct: int, *facts: Fact, advice: bool = True) -> Example:
        gone = exited(E2, kind, extent_pct=pct, household_support=True, margin_advice=advice)
        told = () if advice else (("MARGIN_ADVICE_MISSING", "PROVIDER", E2, "AMI-9.1.1-a"),)
        return Example(
            f"WE-29 {name}",
            money("AMI_2", D2, gone, *facts, CLAIMED),
            Expect(lines={"RESULT_BONUS 1": expected}, notices=told),
        )

    september = eb_paid("2024-09-01", "2024-10-01")
    return [
        row("half time with a working spouse", paid(FULL_BONUS), "WORK_MIN_HALF_TIME", 50),
        row("without the advice", paid(FULL_BONUS), "WORK_MIN_HALF_TIME", 50, advice=False),
        row("49 per cent", REFUSED, "WORK_UNDER_HALF_TIME", 49),
        row("49 per cent by another name", REFUSED, "WORK_MIN_HALF_TIME", 49),
        row("assistance in September", REFUSED, "WORK_MIN_HALF_TIME", 50, september),
    ]


def we_30() -> list[Example]:
    """Hourly work at full time: the proof may come with the claim, the premium runs meanwhile."""
    gone = exited("2024-07-01", "WORK_HOURLY_FULL_TIME", hourly_cover_until="2024-11-30")
    months = [fact(last_day("AMI_2", D2, k), "premium_follow_up", month=k, continues=True) for k in range(5, 13)]

    def rows(*facts: Fact) -> Any:
        return money("AMI_2", D2, gone, *months, *facts)

    return [
        Example(
            "WE-30 with proof of extension",
            rows(claim("2025-01-01", covers_until="2025-01-31")),
            totals(4 * F2, 8 * F2, 20000),
        ),
        Example(
            "WE-30 without",
            rows(claim("2025-01-01")),
            totals(4 * F2, 8 * F2, 0, lines={"RESULT_BONUS 1": "ON_HOLD"}),
        ),
        Example(
            "WE-30 the proof comes later",
            rows(claim("2025-01-01"), claim("2025-02-10", covers_until="2025-01-31")),
            totals(4 * F2, 8 * F2, 20000, lines={"RESULT_BONUS 1": paid(FULL_BONUS, payable_from="2025-02-10")}),
        ),
    ]


def we_31() -> list[Example]:
    """A new employer without a gap."""
    change = fact("2024-10-01", "workplace_changed", workplace="W2", gap_days=0)
    ami1 = [exited(E2), *follow_ups("AMI_1", "2024-05-02", [3]), change, CLAIMED]
    approved = manual("2024-12-21", "BONUS")
    return [
        Example(
            "WE-31 AMI 2",
            premium(*REPORTS, change, CLAIMED),
            totals(4 * F2, 8 * F2, 0, lines={"RESULT_BONUS 1": REFUSED}),
        ),
        Example(
            "WE-31 AMI 2, not healed by a person",
            premium(*REPORTS, change, CLAIMED, approved),
            totals(4 * F2, 8 * F2, 0, lines={"RESULT_BONUS 1": REFUSED}),
        ),
        Example(
            "WE-31 AMI 1 waits for a person",
            money("AMI_1", "2024-05-02", *ami1),
            totals(2 * F1, F1, 0, lines={"RESULT_BONUS 1": waits(FULL_BONUS)}),
        ),
        Example(
            "WE-31 AMI 1, approved",
            money("AMI_1", "2024-05-02", *ami1, approved),
            totals(2 * F1, F1, 20000),
        ),
    ]


def we_32() -> list[Example]:
    """Unemployment fund or activity support: neither premium nor bonus."""
    return [
        Example(
            f"WE-32 {kind}",
            premium_free(kind),
            Expect(totals={"MONTHLY_FEE": 4 * F2}, absent=("SPEED_PREMIUM 5", "PREMIUM_FOLLOW_UP 5", "BONUS_CLAIM 1")),
        )
        for kind in ("BENEFIT_TEMPORARY", "BENEFIT_OTHER_PUBLIC")
    ]


def premium_free(kind: str) -> Any:
    return caseload(assignment("AMI_2", D2, exited(E2, kind, documents=["FINAL_REPORT"])))


def we_33() -> list[Example]:
    """Own business."""
    ami1 = [exited("2025-05-20", "OWN_BUSINESS"), claim("2025-11-20")]
    ami2 = [exited(E2, "OWN_BUSINESS"), *REPORTS, CLAIMED]
    reading_a = {"own_business.bonus": {"AMI_1": "MANUAL", "AMI_2": "MANUAL"}}
    return [
        Example(
            "WE-33 AMI 1 waits for a person",
            money("AMI_1", D1, *ami1),
            totals(3 * F1, 0, 0, lines={"RESULT_BONUS 1": waits(FULL_BONUS)}),
        ),
        Example(
            "WE-33 AMI 1, approved",
            money("AMI_1", D1, *ami1, manual("2025-11-20", "BONUS")),
            totals(3 * F1, 0, 20000, lines={"RESULT_BONUS 1": paid(FULL_BONUS, payable_from="2025-11-20")}),
        ),
        Example(
            "WE-33 AMI 2",
            money("AMI_2", D2, *ami2),
            totals(4 * F2, 0, 0, lines={"RESULT_BONUS 1": REFUSED}, absent=("SPEED_PREMIUM 5",)),
        ),
        Example(
            "WE-33 AMI 2, eligible for both",
            money("AMI_2", D2, *ami2, manual("2024-12-20", "BONUS"), settings=reading_a),
            totals(4 * F2, 8 * F2, 20000),
        ),
    ]


# --- 9.6 Eligibility -----------------------------------------------------------------------------------


def decision(programme: str, day: str, about: dict[str, Any], *more: Fact) -> Any:
    return caseload(bare(programme, *more, fact(day, "decided"), about=about))


def we_34() -> list[Example]:
    """Ages on the decision date."""
    eb = {"outside_work_and_studies": False}
    young = {"receives_eb": False, "af_registered": False}
    kaa = {**young, "resident": False, "outside_work_and_studies": False, "in_kaa": True}
    rows = [
        ("group 1 at 66", client(birth_date="1958-06-01", **eb), "2025-05-31", None),
        ("group 1 at 67", client(birth_date="1958-06-01", **eb), "2025-06-01", "AMI-1.3-b"),
        ("group 1 at 17", client(birth_date="2007-03-15", **eb), "2025-03-14", "AMI-1.3-b"),
        ("group 1 at 18", client(birth_date="2007-03-15", **eb), "2025-03-15", None),
        ("group 3 at 24", client(birth_date="2000-03-15", **young), "2025-03-14", None),
        ("group 3 at 25", client(birth_date="2000-03-15", **young), "2025-03-15", "AMI-1.3-d"),
        ("KAA at 20", client(birth_date="2004-03-15", **kaa), "2025-03-14", None),
        ("KAA at 21", client(birth_date="2004-03-15", **kaa), "2025-03-15", "AMI-1.3-c"),
    ]
    return [
        Example(
            f"WE-34 {name}",
            decision("AMI_2", day, about),
            Expect(rejections={0: refused} if refused else {}),
        )
        for name, about, day, refused in rows
    ]


def we_35() -> list[Example]:
    """Work ability, and what only group 4 leads to."""
    group4 = {
        "receives_eb": False,
        "af_registered": False,
        "establishment_period_ended": True,
        "language_obstacle": True,
    }
    both = {**group4, "receives_eb": True, "af_registered": True}
    rows = [
        ("24 per cent", "AMI_2", client(work_ability_pct=24), "AMI-1.3-a"),
        ("24 per cent", "AMI_1", client(work_ability_pct=24), "AMI-1.3-a"),
        ("25 per cent", "AMI_2", client(work_ability_pct=25), None),
        ("99 per cent", "AMI_2", client(work_ability_pct=99), None),
        ("99 per cent", "AMI_1", client(work_ability_pct=99), "AMI-7-a"),
        ("100 per cent", "AMI_1", client(), None),
        ("100 per cent", "AMI_2", client(), None),
        ("only group 4", "AMI_2", client(**group4), None),
        ("only group 4", "AMI_1", client(**group4), "AMI-7-a"),
        ("group 4 beside another", "AMI_1", client(**both), None),
    ]
    return [
        Example(
            f"WE-35 {name}, {programme}",
            decision(programme, "2025-03-03", about),
            Expect(rejections={0: refused} if refused else {}),
        )
        for name, programme, about, refused in rows
    ]


def we_36() -> list[Example]:
    """A client on assistance who is not registered as jobseeker."""
    unregistered = client(af_registered=False)
    day = "2025-03-03"
    override = "OVERRIDE_AF_REGISTRATION"
    youth = client(
        birth_date="2006-01-10", receives_eb=False, af_registered=False, in_kaa=True, outside_work_and_studies=False
    )
    return [
        Example("WE-36 blocked", decision("AMI_2", day, unregistered), Expect(rejections={0: "AMI-1.3.2-a"})),
        Example(
            "WE-36 overridden before", decision("AMI_2", day, unregistered, manual("2025-03-01", override)), Expect()
        ),
        Example("WE-36 overridden on the day", decision("AMI_2", day, unregistered, manual(day, override)), Expect()),
        Example(
            "WE-36 override refused",
            decision("AMI_2", day, unregistered, manual(day, override, approved=False)),
            Expect(rejections={1: "AMI-1.3.2-a"}),
        ),
        Example("WE-36 youth without assistance", decision("AMI_2", day, youth), Expect()),
    ]


# --- 9.7 Programmes of the employment service ------------------------------------------------------------

SOM_START = "2021-03-01"


def at_af(
    programme: str,
    started: str,
    *facts: Fact,
    settings: dict[str, Any] | None = None,
    tariffs: list[dict[str, Any]] | None = None,
    **more: Any,
) -> Any:
    """A caseload of a municipality that is the employment service's supplier."""
    row = assignment(programme, started, *facts, **more)
    return caseload(row, settings=settings, tariffs=tariffs, municipality="trelleborg", as_of="2022-06-30")


def result(on: str, amount: int | str) -> Fact:
    return fact(on, "result_reported", amount=amount)


def we_37() -> list[Example]:
    """Stöd och matchning, track 1: work in the first period."""
    exit_on = {
        "2021-03-29": (2100, 4400),
        "2021-03-30": (2200, 4300),
        "2021-03-31": (2300, 4200),
    }
    return [
        Example(
            f"WE-37 exit on {day}",
            at_af("SOM_1", SOM_START, exited(day), result("2021-10-01", 12000)),
            Expect(
                totals={"BASE": base, "SOM_SPEED_PREMIUM": premium, "RESULT": 12000},
                lines={
                    "BASE 1": {"from": SOM_START, "to": "2021-05-30", "payable_from": day},
                    "SOM_SPEED_PREMIUM 1": {"to": "2021-05-30", "payable_from": day, "status": "PAYABLE"},
                    "RESULT 1": {"from": "2021-10-01", "to": "2021-10-02", "payable_from": "2021-10-01"},
                },
                absent=("BASE 2",),
            ),
        )
        for day, (base, premium) in exit_on.items()
    ] + [
        Example(
            "WE-37 exit to a benefit",
            at_af("SOM_1", SOM_START, exited("2021-03-30", "BENEFIT_TEMPORARY", documents=[])),
            Expect(totals={"BASE": 2200}, absent=("SOM_SPEED_PREMIUM 1",)),
        ),
        Example(
            "WE-37 result above the highest",
            at_af("SOM_1", SOM_START, exited("2021-03-30"), result("2021-10-01", "12000.01")),
            Expect(totals={"BASE": 2200, "SOM_SPEED_PREMIUM": 4300}, rejections={6: "AF-SOM-4"}),
        ),
    ]


def we_38() -> list[Example]:
    """The last day of a period, and the first of the next."""
    extended = fact("2021-05-20", "extended")
    two = result("2021-10-01", 12000)
    return [
        Example(
            "WE-38 exit on the last day",
            at_af("SOM_1", SOM_START, exited("2021-05-29")),
            Expect(totals={"BASE": 6500}, lines={"BASE 1": {"payable_from": "2021-05-29"}}, absent=("BASE 2",)),
        ),
        Example(
            "WE-38 exit on the first day of the extension",
            at_af("SOM_1", SOM_START, extended, exited("2021-05-30"), two),
            Expect(
                totals={"BASE": 6500, "SOM_SPEED_PREMIUM": 6500, "RESULT": 12000},
                lines={"SOM_SPEED_PREMIUM 2": {"amount": "6500.00", "from": "2021-05-31", "to": "2021-08-28"}},
                absent=("BASE 2", "SOM_SPEED_PREMIUM 1"),
            ),
        ),
        Example(
            "WE-38 exit on the second day of the extension",
            at_af("SOM_1", SOM_START, extended, exited("2021-05-31")),
            Expect(totals={"BASE": 6600, "SOM_SPEED_PREMIUM": 6400}, lines={"BASE 2": "PAYABLE"}),
        ),
        Example(
            "WE-38 a third extension",
            at_af("SOM_1", SOM_START, extended, fact("2021-08-20", "extended"), fact("2021-11-20", "extended")),
            Expect(totals={"BASE": 3 * 6500}, rejections={7: "AF-SOM-7"}, absent=("BASE 4",)),
        ),
    ]


def we_39() -> list[Example]:
    """A period of 64 weekdays."""
    start = "2021-03-03"
    return [
        Example(
            "WE-39 whole period",
            at_af("SOM_1", start),
            Expect(totals={"BASE": 6500}, lines={"BASE 1": {"to": "2021-06-01", "payable_from": "2021-06-01"}}),
        ),
        Example(
            "WE-39 work on the last day", at_af("SOM_1", start, exited("2021-05-31")), Expect(totals={"BASE": 6500})
        ),
        Example(
            "WE-39 work on the last day but one",
            at_af("SOM_1", start, exited("2021-05-30")),
            Expect(totals={"BASE": 6300, "SOM_SPEED_PREMIUM": 200}),
        ),
        Example(
            "WE-39 premium by actual days",
            at_af("SOM_1", start, exited("2021-05-30"), settings={"som.premium": "ACTUAL_DAYS"}),
            Expect(totals={"BASE": 6300, "SOM_SPEED_PREMIUM": 100}),
        ),
    ]


def we_40() -> list[Example]:
    """The table of Rusta och matcha: a month, the highest result and the highest premium."""
    table = {
        "RUM_A Lidköping": (1210, 20300, 7260, 28770),
        "RUM_B Västerås": (1364, 32400, 8184, 41948),
        "RUM_B Umeå": (1650, 25000, 9900, 36550),
        "RUM_C Blekinge": (1980, 38000, 11880, 51860),
    }
    always = {"rum.premium.enabled": True, "rum.premium.reading": "ALWAYS_SIX"}
    found: list[Example] = []
    for name, (month, highest, premium, total) in table.items():
        level, area = name.split()
        assert month + highest + premium == total
        told = exited("2021-03-20"), result("2021-10-01", highest)
        found.append(
            Example(
                f"WE-40 {name}",
                at_af(level, SOM_START, *told, area=area, settings=always),
                Expect(totals={"BASE": month, "RESULT": highest, "RUM_SPEED_PREMIUM": premium}),
            )
        )
        found.append(
            Example(
                f"WE-40 {name}, a krona too much",
                at_af(level, SOM_START, *told, result("2021-10-02", 1), area=area),
                Expect(totals={"BASE": month, "RESULT": highest}, rejections={7: "AF-RUM-4"}),
            )
        )
    undefined = bare("RUM_B", fact(SOM_START, "decided"), area="Trelleborg")
    return [
        *found,
        Example(
            "WE-40 undefined area",
            caseload(undefined, municipality="trelleborg"),
            Expect(totals={}, rejections={0: "AF-RUM-7"}),
        ),
    ]


def we_41() -> list[Example]:
    """Readings of the premium of Rusta och matcha."""
    broken = fact("2021-08-01", "broke_off")

    def read(reading: str | None, exit_on: str, *more: Fact) -> Any:
        settings = {"rum.premium.enabled": True, "rum.premium.reading": reading} if reading else {}
        return at_af("RUM_A", SOM_START, exited(exit_on), *more, area="Umeå", settings=settings)

    rows = [
        ("not configured", read(None, "2021-04-30"), {"BASE": 2420}),
        ("what is left", read("REMAINING", "2021-04-30"), {"BASE": 2420, "RUM_SPEED_PREMIUM": 4840}),
        ("what is left, a day later", read("REMAINING", "2021-05-01"), {"BASE": 3630, "RUM_SPEED_PREMIUM": 3630}),
        ("what is left in the sixth month", read("REMAINING", "2021-08-31"), {"BASE": 7260}),
        ("what is left after it", read("REMAINING", "2021-09-01"), {"BASE": 8470}),
        ("always six", read("ALWAYS_SIX", "2021-04-30"), {"BASE": 2420, "RUM_SPEED_PREMIUM": 7260}),
        ("held", read("HELD", "2021-04-30"), {"BASE": 2420, "RUM_SPEED_PREMIUM": 7260}),
        ("not held", read("HELD", "2021-04-30", broken), {"BASE": 2420}),
    ]
    return [Example(f"WE-41 {name}", document, Expect(totals=totals)) for name, document, totals in rows]


def we_42() -> list[Example]:
    """Stöd och matchning: notice of a switch, and who is paid for which days."""
    switch = fact("2021-03-10", "provider_switch", provider="beta", approved=True)
    return [
        Example(
            "WE-42 switch in a period",
            at_af("SOM_1", SOM_START, switch),
            Expect(totals={"alfa BASE": 1800, "beta BASE": 4700}),
        ),
        Example(
            "WE-42 exit on the last day with the old supplier",
            at_af("SOM_1", SOM_START, switch, exited("2021-03-24")),
            Expect(totals={"alfa BASE": 1800, "alfa SOM_SPEED_PREMIUM": 4700}),
        ),
        Example(
            "WE-42 exit on the first day with the new supplier",
            at_af("SOM_1", SOM_START, switch, exited("2021-03-25")),
            Expect(totals={"alfa BASE": 1800, "beta BASE": 100, "beta SOM_SPEED_PREMIUM": 4600}),
        ),
    ]


# --- 9.8 Others ----------------------------------------------------------------------------------------


def we_52() -> list[Example]:
    """The tariff of the decision date holds for the whole assignment."""
    versions = [
        {"valid_from": "2024-01-01", "AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000},
        {"valid_from": "2025-01-01", "AMI1_MONTHLY_FEE": 6500, "AMI2_MONTHLY_FEE": "9000.50"},
    ]
    stated = {"som.rates": {"SOM_1": 110}}

    def rows(day: str) -> Any:
        return caseload(assignment("AMI_2", day), tariffs=versions)

    return [
        Example("WE-52 decided under the first", rows("2024-12-20"), Expect(totals={"MONTHLY_FEE": 12 * 8000})),
        Example("WE-52 decided under the second", rows("2025-01-01"), Expect(totals={"MONTHLY_FEE": "108006.00"})),
        *(
            Example(
                f"WE-52 Stöd och matchning decided on {day}",
                at_af("SOM_1", day, fact("2021-07-01", "extended"), tariffs=[{"valid_from": "2021-04-13", **stated}]),
                Expect(totals={"BASE": 2 * base}),
            )
            for day, base in (("2021-04-12", 6500), ("2021-04-13", 7150), ("2021-04-14", 7150))
        ),
    ]


EXAMPLES: tuple[Callable[[], list[Example]], ...] = (
    we_01, we_02, we_03, we_04, we_05, we_06, we_07, we_08, we_09, we_10, we_11, we_12, we_13, we_14, we_15, we_16,
    we_17, we_18, we_19, we_20, we_21, we_22, we_23, we_24, we_25, we_26, we_27, we_28, we_29, we_30, we_31, we_32,
    we_33, we_34, we_35, we_36, we_37, we_38, we_39, we_40, we_41, we_42, we_52,
)  # fmt: skip


def worked_examples() -> list[Example]:
    """Every row of every worked example, for who wants to run them through something else than `simulate`."""
    return [example for rows in EXAMPLES for example in rows()]
