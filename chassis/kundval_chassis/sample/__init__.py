"""The sample caseload: an invented year of a municipality, the same for the same seed on every machine.

`make(seed, residents)` gives a document of the caseload format: decisions of one year (March 2024 to February 2025),
what became of them up to 31 January 2026, monthly payment runs, two tariffs. The first residents stand on the
boundaries of the rules (`edges`); the others have what an ordinary year brings, each from a chance of its own, so that
a sample of 100 residents is the beginning of one of 1,000. Nobody in it exists: there are no names of people, and the
providers are invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.rules import rule

from . import people
from .chance import Chance, weekday
from .edges import EDGES
from .leaving import leave, plan_exit, sustain
from .market import AMI_1, AMI_2, BASIC, ENHANCED, SELLERS
from .running import intake, routine, run
from .story import AS_OF, FIRST, LAST, Story

SEED, RESIDENTS = 2024, 1100
PROGRAMMES = ((AMI_1, 47), (AMI_2, 41), (BASIC, 7), (ENHANCED, 5))
#: Invented fees; chosen so that a year of 1,100 residents costs about 40 million kronor (NACKA-19).
TARIFFS = (
    {"valid_from": "2024-01-01", "AMI1_MONTHLY_FEE": 4500, "AMI2_MONTHLY_FEE": 5200},
    {"valid_from": "2025-01-01", "AMI1_MONTHLY_FEE": 4650, "AMI2_MONTHLY_FEE": 5400},
)


@rule("NACKA-19", "NACKA-22")
def make(seed: int = SEED, residents: int = RESIDENTS, *, weekly_contacts: bool = False) -> dict[str, Any]:
    """A caseload document of `residents` residents (a few have two assignments), as JSON values.

    With `weekly_contacts` there is a fact for nearly every week of every client, and the municipality asks for them:
    about as much again of everything. Without, weekly contact is not followed up in the system.
    """
    # the sources set no day for monthly reports; the sample's municipality wants them within a week
    settings: dict[str, Any] = {"monthly_report.due_day": 7}
    if not weekly_contacts:
        settings["contact.min_per_week"] = 0
    return {
        "kundval": 1,
        "municipality": "nacka",
        "as_of": AS_OF.isoformat(),
        "settings": settings,
        "tariffs": [dict(version) for version in TARIFFS],
        "providers": [seller.document() for seller in SELLERS],
        "payment_runs": [day.isoformat() for day in _runs()],
        "assignments": [
            story.document() for number in range(1, residents + 1) for story in _resident(seed, number, weekly_contacts)
        ],
    }


def as_text(document: dict[str, Any]) -> str:
    """The document as JSON with one fact on a line: easy to read, to search and to compare."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    rows = []
    for one in document["assignments"]:
        facts = ",\n    ".join(line(fact) for fact in one["facts"])
        head = line({key: value for key, value in one.items() if key != "facts"})
        rows.append(f'  {head[:-1]}, "facts": [\n    {facts}]}}')
    parts = [
        f" {line(key)}: {line(value)}" for key, value in document.items() if key not in ("providers", "assignments")
    ]
    providers = ",\n  ".join(line(one) for one in document["providers"])
    parts += [f' "providers": [\n  {providers}]', ' "assignments": [\n' + ",\n".join(rows) + "]"]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _runs() -> Iterator[date]:
    """The first day of each month, from the second month on."""
    day = date(2024, 4, 1)
    while day <= AS_OF:
        yield day
        day = add_months(day, 1)


def _resident(seed: int, number: int, weekly: bool) -> Iterator[Story]:
    """The assignments of one resident: one, or two if the first leads to another intervention."""
    id = f"N-{number:04d}"
    chance = Chance(f"{seed}:{number}")
    if number <= len(EDGES):
        story = EDGES[number - 1](id)
        story.weekly_contacts = weekly
        for start, until in _running(story):
            routine(story, chance, start, until)
        yield story
        return
    programme, decided = chance.pick(PROGRAMMES), _decision_day(chance)
    story = _ordinary(chance, id, programme, decided, people.client(chance, programme, decided), weekly)
    yield story
    last = story.facts[-1]
    moves_on = last.get("kind") == "OTHER_INTERVENTION" and story.programme == AMI_1 and story.client["receives_eb"]
    if moves_on and chance.yes(0.8):
        decided = weekday(add_days(date.fromisoformat(last["on"]), chance.between(5, 20)))
        if decided <= LAST:
            last["next_intervention"] = f"{id}-B"
            yield _ordinary(chance, f"{id}-B", AMI_2, decided, dict(story.client), weekly)


def _running(story: Story) -> Iterator[tuple[date, date]]:
    """The first and last day of each stretch in which an intervention ran, from its facts."""
    last = min(story.last_day, AS_OF)
    start = story.started
    for fact in sorted(story.facts, key=lambda fact: fact["on"]):
        day = date.fromisoformat(fact["on"])
        if fact["fact"] == "exited" and start is not None:
            yield start, min(day, last)
            start = None
        elif fact["fact"] == "resumed":
            start = day
    if start is not None:
        yield start, last


def _decision_day(chance: Chance) -> date:
    """A weekday of the year of decisions; fewer in July."""
    day = chance.day(FIRST, LAST)
    if day.month == 7 and chance.yes(0.5):
        day = add_days(day, 35)
    return min(weekday(day), LAST)


def _ordinary(chance: Chance, id: str, programme: str, decided: date, client: dict[str, Any], weekly: bool) -> Story:
    """One assignment from the decision to whatever became of it by the sample's last day."""
    plan = people.plan(chance, programme, decided)
    story = Story(id, programme, decided, client, plan, weekly_contacts=weekly)
    if _refused(story, chance):
        return story
    started = intake(story, chance)
    if started is None or started > AS_OF:
        return story
    kind, on = plan_exit(story, chance, started)
    run(story, chance, started, on)
    if kind is not None and on <= AS_OF:
        sustain(story, chance, leave(story, chance, kind, on))
    return story


def _refused(story: Story, chance: Chance) -> bool:
    """Now and then a decision that the rules do not allow."""
    if story.programme not in (AMI_1, AMI_2) or not chance.yes(0.018):
        return False
    change: dict[str, Any] = chance.pick(
        (
            ({"work_ability_pct": chance.between(5, 24)}, 3),
            ({"resident": False, "in_kaa": False}, 3),
            ({"birth_date": people.born(chance, story.decided, 67, 70), "in_kaa": False,
              "establishment_period_ended": False}, 2),
            ({"receives_eb": True, "af_registered": False}, 3),
        )
    )  # fmt: skip
    story.client |= change
    story.tell(story.decided, "decided")
    return True


__all__ = ["RESIDENTS", "SEED", "as_text", "make"]
