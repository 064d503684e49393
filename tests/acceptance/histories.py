"""Histories made by chance, the same for the same seed: lives of assignments with everything that makes money move.

`history(seed)` is a caseload and the days of its payment runs. Facts come late and in any order; providers change,
exits are broken off and resumed, claims come early, late or without a document, decisions name an end of their own,
tariffs change under way, and facts are withdrawn that were paid for. Every life begins properly, so that there is money
to move; what comes after may be anything, also what the rules forbid (it is rejected then). Thousands take seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from tests.acceptance.builders import STUDY_DOCUMENTS, WORK_DOCUMENTS, Fact, bare, caseload, client, fact

AMI = ("AMI_1", "AMI_2")
JOBBPENG = ("JOBBPENG_BASIC", "JOBBPENG_ENHANCED")
SOM = ("SOM_1", "SOM_2", "SOM_3", "SOM_4")
RUM = ("RUM_A", "RUM_B", "RUM_C")
PROGRAMMES = (*AMI, *JOBBPENG, *SOM, *RUM)
#: most rules of money are those of AMI
MIXED = (*AMI, *AMI, *AMI, *PROGRAMMES)
#: one without a model (AF-RUM-7), which the rules refuse
AREAS = ("Lidköping", "Blekinge", "Västerås", "Oskarshamn", "Trollhättan", "Umeå", "Trelleborg")
FIRST, LAST = date(2024, 3, 1), date(2026, 6, 30)

QUALIFYING = ("WORK_FULL_TIME", "WORK_HOURLY_FULL_TIME", "WORK_MIN_HALF_TIME", "STUDY_FULL_TIME")
SPECIAL = ("STUDY_START_SUPPORT_FULL_TIME", "STUDY_MIN_HALF_TIME", "OWN_BUSINESS")
NOTHING = ("BENEFIT_TEMPORARY", "OTHER_INTERVENTION", "DISCONTINUED", "WORK_UNDER_HALF_TIME", "STUDY_UNDER_HALF_TIME")
EXTENT = {
    "WORK_FULL_TIME": 100,
    "WORK_HOURLY_FULL_TIME": 100,
    "WORK_MIN_HALF_TIME": 50,
    "WORK_UNDER_HALF_TIME": 49,
    "STUDY_FULL_TIME": 100,
    "STUDY_START_SUPPORT_FULL_TIME": 100,
    "STUDY_MIN_HALF_TIME": 75,
    "STUDY_UNDER_HALF_TIME": 40,
}


@dataclass(frozen=True)
class Withdrawal:
    """On `day` it is said that the fact at `place` of an assignment never was."""

    day: date
    assignment: str
    place: int


@dataclass(frozen=True)
class History:
    """A caseload, the days of its payment runs (also among its `payment_runs`) and what is withdrawn in between."""

    caseload: dict[str, Any]
    runs: list[date]
    withdrawals: tuple[Withdrawal, ...] = ()

    def withdrawn(self, day: date) -> set[tuple[str, int]]:
        """What had been withdrawn up to and including a day: assignment id and place of the fact."""
        return {(one.assignment, one.place) for one in self.withdrawals if one.day <= day}


def history(seed: int, programmes: Iterable[str] = MIXED, assignments: int = 3) -> History:
    """A history of so many assignments, each of a programme by chance; the same for the same arguments."""
    dice = Random(f"{seed}")
    chosen = list(programmes)
    lives = [_life(dice, dice.choice(chosen), f"H-{n + 1}") for n in range(assignments)]
    runs = sorted({_day(dice) for _ in range(dice.randint(1, 8))} | {LAST})
    document = caseload(*lives, as_of=LAST.isoformat(), runs=[run.isoformat() for run in runs], tariffs=_tariffs(dice))
    for provider in document["providers"]:
        provider["authorised"] = dict.fromkeys(PROGRAMMES, "2024-01-01")
    withdrawals = [
        Withdrawal(dice.choice(runs), life["id"], dice.randrange(5, len(life["facts"])))
        for life in lives
        if len(life["facts"]) > 5 and dice.random() < 0.3
    ]
    return History(document, runs, tuple(withdrawals))


def _day(dice: Random, first: date = FIRST, last: date = LAST) -> date:
    return first + timedelta(days=dice.randrange((last - first).days + 1))


def _tariffs(dice: Random) -> list[dict[str, Any]] | None:
    """In every third history the fees change, and change again: NACKA-11."""
    if dice.random() < 2 / 3:
        return None
    days = ["2024-01-01", *sorted(_day(dice, last=date(2025, 1, 31)).isoformat() for _ in range(dice.randint(1, 2)))]
    return [
        {"valid_from": since, "AMI1_MONTHLY_FEE": 6000 + 100 * n, "AMI2_MONTHLY_FEE": 8000 + 150 * n}
        for n, since in enumerate(dict.fromkeys(days))
    ]


def _life(dice: Random, programme: str, name: str) -> dict[str, Any]:
    decided = _day(dice, last=date(2025, 1, 31))
    started = decided + timedelta(days=dice.choice((0, 0, 5, 12, 33)))
    own_end = programme not in SOM and dice.random() < 0.15  # the length of SOM is AF's: AF-SOM-7
    ends = own_end and decided + timedelta(days=dice.choice((45, 89, 90, 91, 180, 366, 400)))
    facts = [
        fact(decided.isoformat(), "decided", **({"end_date": ends.isoformat()} if ends else {})),
        fact(decided.isoformat(), "results_shown"),
        fact(decided.isoformat(), "provider_chosen", provider=_provider(dice)),
        fact(decided.isoformat(), "accepted"),
        fact(started.isoformat(), "started"),
    ]
    facts += _course(dice, programme, started)
    facts += [_stray(dice) for _ in range(dice.choice((0, 0, 0, 1, 3)))]
    for row in facts[1:]:
        late = dice.choice((0, 40, 170) if row["fact"] in ("broke_off", "eb_paid") else (0, 0, 0, 0, 0, 1, 9, 40, 170))
        if late:
            row["known_on"] = (date.fromisoformat(row["on"]) + timedelta(days=late)).isoformat()
    one = bare(programme, *facts, name=name, about=client(work_ability_pct=60 if programme == "AMI_2" else 100))
    return {**one, "delivery_area": dice.choice(AREAS)} if programme in RUM else one


def _provider(dice: Random) -> str:
    return dice.choice(("alfa", "alfa", "beta"))


def _course(dice: Random, programme: str, started: date) -> list[Fact]:
    """Switches, the exit and what follows it; a break-off and a second exit in every fourth life."""
    found: list[Fact] = []
    stay = dice.choice((0, 7, 13, 14, 29, 30, 45, 63, 88, 89, 90, 120, 200, 300, 364, 365, 500))
    left = started + timedelta(days=stay)
    if dice.random() < 0.35:
        found += _switch(dice, _day(dice, started, left))
    if programme in SOM:
        found += [_on(started + timedelta(days=90 * n), "extended") for n in range(1, dice.choice((1, 1, 2, 3, 4)))]
    if programme in (*SOM, *RUM):
        amounts = [dice.choice((1500, 6000, 12000, 30000)) for _ in range(dice.choice((0, 1, 2)))]
        found += [
            _on(left + timedelta(days=40 * n), "result_reported", amount=amount, reason="decided")
            for n, amount in enumerate(amounts)
        ]
    if dice.random() < 0.1:
        return found
    found += _exit(dice, left)
    if dice.random() < 0.35:
        broken = _day(dice, left, left + timedelta(days=300))
        found.append(_on(broken, "broke_off"))
        if dice.random() < 0.7:
            back = broken + timedelta(days=dice.choice((0, 5, 20, 60)))
            found.append(_on(back, "resumed", provider=_provider(dice)))
            if dice.random() < 0.7:
                found += _exit(dice, back + timedelta(days=dice.choice((10, 40, 90))))
    return found


def _switch(dice: Random, day: date) -> list[Fact]:
    if dice.random() < 0.6:
        return [_on(day, "provider_switch", provider=_provider(dice), approved=True)]
    word = day + timedelta(days=dice.choice((0, 3, 30)))
    return [
        _on(day, "provider_switch", provider=_provider(dice), approved=False),
        _on(word, "manual_decision", about="SWITCH", approved=dice.random() < 0.7, by="unit"),
    ]


def _exit(dice: Random, left: date) -> list[Fact]:
    """An exit, the follow-ups of its premium, the claim and what a person or the assistance office says."""
    kind = dice.choice((*QUALIFYING, *QUALIFYING, *SPECIAL, *NOTHING))
    begins = left + timedelta(days=dice.choice((0, 0, 0, 0, -3, 2, 14)))
    settle = _half_a_year(max(left, begins))
    documents = _documents(kind)
    missing = [documents.pop(dice.randrange(len(documents)))] if documents and dice.random() < 0.2 else []
    found = [_on(left, "exited", kind=kind, documents=documents, **_terms(dice, kind, begins))]
    for month in range(1, 13):
        if dice.random() < 0.8:
            told = left + timedelta(days=30 * month)
            found.append(_on(told, "premium_follow_up", month=month, continues=dice.random() < 0.9))
    for _ in range(dice.choice((0, 1, 1, 1, 2))):
        day = settle + timedelta(days=dice.choice((-1, 0, 0, 0, 1, 25)))
        more: dict[str, Any] = {"covers_until": settle.isoformat()} if dice.random() < 0.3 else {}
        handed = missing if dice.random() < 0.5 else []
        found.append(_on(day, "bonus_claimed", certified=dice.random() < 0.85, documents=handed, **more))
    if dice.random() < 0.5:
        about = dice.choice(("BONUS", "BONUS", "BOUNDARY"))
        day = settle + timedelta(days=dice.choice((-100, 0, 2, 30)))
        found.append(_on(day, "manual_decision", about=about, approved=dice.random() < 0.75, by="unit"))
    if dice.random() < 0.15:
        paid = _day(dice, left - timedelta(days=20), settle + timedelta(days=20))
        until = (paid + timedelta(days=dice.choice((1, 30)))).isoformat()
        scope = dice.choice(("CLIENT", "HOUSEHOLD"))
        found.append(_on(paid, "eb_paid", **{"from": paid.isoformat(), "to": until, "scope": scope}))
    if dice.random() < 0.15:
        day = _day(dice, left, settle + timedelta(days=5))
        found.append(_on(day, "workplace_changed", workplace="W2", gap_days=dice.choice((0, 0, 3))))
    return found


def _terms(dice: Random, kind: str, begins: date) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    if kind in EXTENT or kind == "OWN_BUSINESS":
        terms["first_day"] = begins.isoformat()
    if kind in EXTENT:
        terms["extent_pct"] = EXTENT[kind] - (1 if dice.random() < 0.05 else 0)
    short = (_half_a_year(begins) - timedelta(days=dice.choice((1, 1, 2, 40)))).isoformat()
    if kind.startswith("WORK"):
        terms |= {"workplace": "W1", "employment_form": "ORDINARY", "margin_advice": True}
        terms["contract_until"] = short if dice.random() < 0.3 else None
    if kind == "WORK_HOURLY_FULL_TIME":
        terms["hourly_cover_until"] = short
    if kind.startswith("STUDY"):
        terms |= {"csn_eligible": dice.random() < 0.95, "margin_advice": True}
    if kind.startswith("STUDY_START"):
        terms["study_start_support"] = True
    if kind == "STUDY_MIN_HALF_TIME":
        terms["household_income_support"] = dice.random() < 0.85
    return terms


def _documents(kind: str) -> list[str]:
    further = {"STUDY_START_SUPPORT_FULL_TIME": ["CSN_GRANT"], "STUDY_MIN_HALF_TIME": ["HOUSEHOLD_INCOME_PROOF"]}
    if kind.startswith("WORK"):
        return [*WORK_DOCUMENTS]
    return [*(STUDY_DOCUMENTS if kind.startswith("STUDY") else ["FINAL_REPORT"]), *further.get(kind, [])]


def _stray(dice: Random) -> Fact:
    """A fact where nobody expects it."""
    day = _day(dice)
    return dice.choice(
        (
            _on(day, "exited", kind="DISCONTINUED", documents=["FINAL_REPORT"]),
            _on(day, "broke_off"),
            _on(day, "resumed", provider=_provider(dice)),
            _on(day, "provider_switch", provider=_provider(dice), approved=dice.random() < 0.8),
            _on(day, "provider_chosen", provider=_provider(dice)),
            _on(day, "bonus_claimed", certified=True, documents=["FINAL_REPORT"]),
            _on(day, "manual_decision", about=dice.choice(("BONUS", "BOUNDARY", "SWITCH")), approved=True, by="unit"),
            _on(day, "contact", channel="PHONE", party="CLIENT"),
        )
    )


def _on(day: date, what: str, /, **fields: Any) -> Fact:
    return fact(day.isoformat(), what, **fields)


def _half_a_year(day: date) -> date:
    month = day.month + 6
    year, month = (day.year + 1, month - 12) if month > 12 else (day.year, month)
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))
