"""The clients of the sample: what eligibility looks at, by target group, and the plan of the assignment."""

from __future__ import annotations

from datetime import date
from typing import Any

from kundval_contracts.calendar import add_days, add_months

from .chance import Chance
from .market import AMI_1, AMI_2

GROUPS_AMI_1 = (("EB", 62), ("YOUNG", 26), ("KAA", 12))
GROUPS_AMI_2 = (("EB", 56), ("AFTER_ESTABLISHMENT", 20), ("YOUNG", 14), ("KAA", 10))


def born(chance: Chance, decided: date, youngest: int, oldest: int) -> date:
    """A birth date that makes the client `youngest` to `oldest` whole years old on the decision date."""
    years = chance.between(youngest, oldest)
    return add_days(add_months(decided, -12 * years), -chance.between(0, 363))


def client(chance: Chance, programme: str, decided: date) -> dict[str, Any]:
    """A client who is eligible for the programme on the decision date."""
    group = chance.pick(GROUPS_AMI_1 if programme == AMI_1 else GROUPS_AMI_2)
    row: dict[str, Any] = {
        "birth_date": born(chance, decided, 25, 66),
        "resident": True,
        "receives_eb": False,
        "af_registered": chance.yes(0.7),
        "work_ability_pct": chance.pick(((100, 20), (75, 35), (50, 35), (25, 10))) if programme == AMI_2 else 100,
        "outside_work_and_studies": True,
    }
    if group == "EB":
        row |= {"receives_eb": True, "af_registered": True}
    elif group == "YOUNG":
        row |= {
            "birth_date": born(chance, decided, 18, 24),
            "youth_guarantee_informed_on": add_days(decided, chance.between(-3, 0)),
        }
    elif group == "KAA":
        # group 3 may match as well, so they are informed too
        row |= {
            "birth_date": born(chance, decided, 18, 20),
            "in_kaa": True,
            "youth_guarantee_informed_on": add_days(decided, chance.between(-3, 0)),
        }
    else:
        row |= {
            "birth_date": born(chance, decided, 25, 63),
            "establishment_period_ended": True,
            "language_obstacle": True,
        }
    return row


def plan(chance: Chance, programme: str, decided: date) -> dict[str, Any]:
    """Extent, search quota and step-up plan; AMI 1 is full time and has a fixed quota."""
    if programme != AMI_2:
        return {}
    extent = chance.pick(((25, 25), (50, 45), (75, 20), (100, 10)))
    steps: list[dict[str, Any]] = []
    reached, months = extent, 0
    while reached < 100:
        months += chance.between(2, 3)
        reached = min(100, reached + 25 * chance.between(1, 2))
        steps.append({"from": add_months(decided, months), "extent_pct": reached})
    quota = chance.pick(((0, 10), (2, 15), (4, 30), (5, 25), (8, 12), (10, 8)))
    return {"extent_pct": extent, "job_search_quota": quota, "step_up": steps}


def extent_in(plan: dict[str, Any], start: date) -> int:
    """The extent that the plan asks for in a month that begins on `start`."""
    reached = [step["extent_pct"] for step in plan["step_up"] if step["from"] <= start]
    return int(reached[-1] if reached else plan["extent_pct"])
