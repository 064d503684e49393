"""The caseload of the measurements: the suite's own sample, a year of an invented municipality, in any size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from kundval_assignment.domain import judge
from kundval_chassis import sample
from kundval_contracts.caseload import Caseload, read
from kundval_contracts.events import fact_event

#: fields of an event about a fact that are columns of their own where it is held
_HEAD = ("assignment", "fact_id", "ordinal", "on", "known_on", "revision")
#: residents that are copied as often as needed where there are to be more assignments than a town has
RESIDENTS = 1000

HeldCase = tuple[Any, ...]
HeldFact = tuple[Any, ...]


@cache
def caseload(residents: int = RESIDENTS) -> Caseload:
    """The sample of so many residents."""
    return read(sample.make(residents=residents))


def held(count: int, tenant: str) -> Iterator[tuple[HeldCase, list[HeldFact]]]:
    """`count` assignments as a service holds them: the row of `held_case` and those of `held_fact`, JSON as text.

    Beyond the sample's own number the same assignments come again under other ids.
    """
    known = _held()
    for number in range(count):
        case, facts = known[number % len(known)]
        key = (tenant, f"A-{number:06d}")
        yield (*key, *case, number + 1), [(*key, *fact) for fact in facts]


@cache
def _held() -> list[tuple[HeldCase, list[HeldFact]]]:
    found = caseload()
    tenant = found.tenant()
    return [
        (
            (one.programme.value, one.delivery_area, _plan(one.plan)),
            [_fact(fact) for fact in judge(one.case(found.as_of), one.client, tenant).in_effect],
        )
        for one in found.assignments
    ]


def _plan(plan: Any) -> str:
    steps = [{"from": step.start.isoformat(), "extent_pct": step.extent_pct} for step in plan.step_up]
    return json.dumps({"extent_pct": plan.extent_pct, "job_search_quota": plan.job_search_quota, "step_up": steps})


def _fact(fact: Any) -> HeldFact:
    data = {name: value for name, value in fact_event("A", fact, 1).items() if name not in _HEAD}
    return fact.id, 1, True, fact.kind.value, fact.place, fact.on, fact.known_on, json.dumps(data)
