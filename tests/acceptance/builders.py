"""Caseloads in a few words, and what is expected of their answer.

An `Example` is one row of a worked example of the rulebook: a caseload as a plain document (what a user would
write as YAML) and an `Expect`. The same examples go through `simulate` and through `play`. The fees are invented
(GAP-01): 6,000 for a month of AMI 1 and 8,000 for a month of AMI 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from kundval_contracts.calendar import add_months

F1, F2 = 6000, 8000
AS_OF = "2026-06-30"

WORK_DOCUMENTS = ["FINAL_REPORT", "EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"]
STUDY_DOCUMENTS = ["FINAL_REPORT", "STUDY_CERTIFICATE"]

Fact = dict[str, Any]


# --- the document ------------------------------------------------------------------------------------


def caseload(
    *assignments: dict[str, Any],
    as_of: str = AS_OF,
    settings: Mapping[str, Any] | None = None,
    runs: Iterable[str] = (),
    tariffs: list[dict[str, Any]] | None = None,
    municipality: str = "nacka",
) -> dict[str, Any]:
    """A whole file: two providers authorised for everything, and the invented fees."""
    programmes = dict.fromkeys(("AMI_1", "AMI_2", "JOBBPENG_BASIC", "JOBBPENG_ENHANCED"), "2024-01-01")
    programmes |= dict.fromkeys(("SOM_1", "SOM_2", "SOM_3", "SOM_4", "RUM_A", "RUM_B", "RUM_C"), "2020-01-01")
    document: dict[str, Any] = {
        "kundval": 1,
        "municipality": municipality,
        "as_of": as_of,
        "settings": {"AMI1_MONTHLY_FEE": F1, "AMI2_MONTHLY_FEE": F2, **(settings or {})},
        "providers": [
            {"id": name, "name": name.title(), "ownership": owner, "authorised": dict(programmes)}
            for name, owner in (("alfa", "PRIVATE"), ("beta", "MUNICIPAL"))
        ],
        "payment_runs": list(runs),
        "assignments": list(assignments),
    }
    if tariffs is not None:
        document["tariffs"] = tariffs
    return document


def client(**changes: Any) -> dict[str, Any]:
    """A resident of 33 on financial assistance, registered as jobseeker, with full work ability."""
    return {
        "birth_date": "1990-05-17",
        "resident": True,
        "receives_eb": True,
        "af_registered": True,
        "work_ability_pct": 100,
        "outside_work_and_studies": True,
        "in_kaa": False,
        "establishment_period_ended": False,
        "language_obstacle": False,
        "youth_guarantee_informed_on": None,
    } | changes


def assignment(
    programme: str,
    decided: str,
    *facts: Fact,
    name: str = "A-1",
    started: str | None = None,
    end_date: str | None = None,
    about: dict[str, Any] | None = None,
    plan: dict[str, Any] | None = None,
    area: str | None = None,
) -> dict[str, Any]:
    """An assignment that alfa accepts on the decision date and starts on `started` (default: the same day)."""
    decision = fact(decided, "decided", **({"end_date": end_date} if end_date else {}))
    return bare(
        programme,
        decision,
        fact(decided, "results_shown"),
        fact(decided, "provider_chosen", provider="alfa"),
        fact(decided, "accepted"),
        fact(started or decided, "started"),
        *facts,
        name=name,
        about=about,
        plan=plan,
        area=area,
    )


def bare(
    programme: str,
    *facts: Fact,
    name: str = "A-1",
    about: dict[str, Any] | None = None,
    plan: dict[str, Any] | None = None,
    area: str | None = None,
) -> dict[str, Any]:
    """An assignment with these facts and no others."""
    return {
        "id": name,
        "programme": programme,
        "client": about or client(),
        "plan": plan or {"extent_pct": 100, "job_search_quota": 5, "step_up": []},
        "facts": list(facts),
        **({"delivery_area": area} if area is not None else {}),
    }


# --- facts -------------------------------------------------------------------------------------------


def fact(on: str, what: str, /, *, known_on: str | None = None, **fields: Any) -> Fact:
    row: Fact = {"on": on, "fact": what, **fields}
    if known_on is not None:
        row["known_on"] = known_on
    return row


def exited(on: str, kind: str = "WORK_FULL_TIME", **fields: Any) -> Fact:
    """An exit whose W is `on` and whose documents are complete, unless said otherwise."""
    defaults: dict[str, Any] = {}
    if kind.startswith("WORK"):
        defaults = {
            "first_day": on,
            "workplace": "W1",
            "extent_pct": 100,
            "employment_form": "ORDINARY",
            "margin_advice": True,
            "documents": WORK_DOCUMENTS,
        }
    elif kind.startswith("STUDY"):
        defaults = {"first_day": on, "extent_pct": 100, "csn_eligible": True, "documents": STUDY_DOCUMENTS}
    elif kind == "OWN_BUSINESS":
        defaults = {"first_day": on, "documents": ["FINAL_REPORT"]}
    return fact(on, "exited", kind=kind, **(defaults | fields))


def claim(on: str, **fields: Any) -> Fact:
    return fact(on, "bonus_claimed", **({"certified": True, "documents": []} | fields))


def manual(on: str, about: str, approved: bool = True) -> Fact:
    return fact(on, "manual_decision", about=about, approved=approved, by="unit head")


def eb_paid(start: str, end: str, scope: str = "CLIENT") -> Fact:
    return fact(start, "eb_paid", **{"from": start, "to": end, "scope": scope})


def broke_off(on: str, known_on: str | None = None) -> Fact:
    return fact(on, "broke_off", known_on=known_on)


def follow_ups(programme: str, decided: str, months: Iterable[int]) -> list[Fact]:
    """A confirming report on the last day of each of these months of the intervention (reading 41)."""
    return [fact(last_day(programme, decided, k), "premium_follow_up", month=k, continues=True) for k in months]


def last_day(programme: str, decided: str, month: int) -> str:
    """Last covered day of a month: blocks of 30 days in AMI 1, anniversary months else (AMB-03)."""
    anchor = date.fromisoformat(decided)
    end = anchor + timedelta(days=30 * month) if programme == "AMI_1" else add_months(anchor, month)
    return (end - timedelta(days=1)).isoformat()


def settle_date(exit_day: str) -> str:
    return add_months(date.fromisoformat(exit_day), 6).isoformat()


# --- what is expected ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expect:
    """What to look at in an answer; what is not named is not looked at.

    totals: all totals, as "KIND" or "provider KIND" to amount. paid: net of the postings, in the same way.
    lines, obligations: "KIND sequence" to a status or state, or to some of the fields.
    rejections: place of each rejected fact to a code, or to one of its rules; {} for none.
    notices: (kind, to, on, rule) that must be there; silent: kinds of notice that must not be.
    absent: "KIND sequence" of lines and obligations that must not be there.
    """

    totals: Mapping[str, int | str] | None = None
    paid: Mapping[str, int | str] | None = None
    lines: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    obligations: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    rejections: Mapping[int, str] | None = field(default_factory=dict)
    notices: tuple[tuple[str, str, str, str], ...] = ()
    silent: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """A row of a worked example: its id (`WE-02 exit on the end`), the caseload, what is expected."""

    id: str
    caseload: dict[str, Any]
    expect: Expect


def check(answer: Mapping[str, Any], expect: Expect) -> None:
    """Assert that an answer in the form of the format is as expected."""
    if expect.rejections is not None:
        found = {row["fact"]: row for row in answer["rejections"]}
        assert set(found) == set(expect.rejections), answer["rejections"]
        for place, what in expect.rejections.items():
            assert what in (found[place]["code"], *found[place]["rules"]), found[place]
    if expect.totals is not None:
        _amounts(answer["totals"], expect.totals, answer["lines"])
    if expect.paid is not None:
        _amounts(answer["postings"], expect.paid, answer["postings"])
    _rows(answer["lines"], expect.lines, "status")
    _rows(answer["obligations"], expect.obligations, "state")
    there = {(row["kind"], row["to"], row["on"], rule) for row in answer["notices"] for rule in row["rules"]}
    for notice in expect.notices:
        assert notice in there, f"{notice} is not among {sorted(there)}"
    assert not {row["kind"] for row in answer["notices"]} & set(expect.silent), sorted(there)
    keys = {f"{row['kind']} {row['sequence']}" for row in (*answer["lines"], *answer["obligations"])}
    assert not keys & set(expect.absent), sorted(keys)


def _amounts(rows: Iterable[Mapping[str, Any]], expected: Mapping[str, int | str], shown: Any) -> None:
    by_provider = any(" " in key for key in expected)
    sums: dict[str, Decimal] = {}
    for row in rows:
        key = f"{row['provider']} {row['kind']}" if by_provider else row["kind"]
        sums[key] = sums.get(key, Decimal(0)) + Decimal(row["amount"])
    sums = {key: amount for key, amount in sums.items() if amount}
    assert sums == {key: Decimal(str(amount)) for key, amount in expected.items() if amount}, shown


def _rows(rows: Iterable[Mapping[str, Any]], expected: Mapping[str, Any], main: str) -> None:
    by_key = {f"{row['kind']} {row['sequence']}": row for row in rows}
    for key, what in expected.items():
        assert key in by_key, f"{key} is not among {sorted(by_key)}"
        fields = {main: what} if isinstance(what, str) else what
        assert {name: by_key[key][name] for name in fields} == dict(fields), by_key[key]
