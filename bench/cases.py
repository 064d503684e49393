"""The caseload of the measurements: the suite's own sample, a year of an invented municipality, in any size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from kundval_assignment.domain import judge
from kundval_chassis import sample
from kundval_contracts.caseload import Assignment, Caseload, read
from kundval_contracts.events import fact_event
from kundval_contracts.facts import Fact, dump_fields
from kundval_contracts.inputs import CLIENT, PLAN, PROVIDER
from kundval_contracts.settings import dump_settings, dump_tariffs

if TYPE_CHECKING:
    # a program has to choose how psycopg waits before anything imports it
    from kundval_chassis.db import Tx

#: fields of an event about a fact that are columns of their own where it is held
HEAD = ("assignment", "fact_id", "ordinal", "on", "known_on", "revision")
#: residents that are copied as often as needed where there are to be more assignments than a town has
RESIDENTS = 1000

HeldCase = tuple[Any, ...]
HeldFact = tuple[Any, ...]


@cache
def caseload(residents: int = RESIDENTS) -> Caseload:
    """The sample of so many residents."""
    return read(sample.make(residents=residents))


def open_tenant(tx: Tx, tenant: str, day: date) -> None:
    """The sample's municipality as a service holds it, on that business date."""
    opened = caseload()
    tx.insert_rows(
        "tenant",
        ("tenant", "municipality", "settings", "tariffs", "providers", "business_date", "sequence"),
        [
            (
                tenant,
                opened.municipality,
                dump_settings(opened.settings.values),
                dump_tariffs(opened.settings.tariffs),
                [PROVIDER.dump(provider) for provider in opened.providers.values()],
                day,
                0,
            )
        ],
    )


def held(count: int, tenant: str) -> Iterator[tuple[HeldCase, list[HeldFact]]]:
    """`count` assignments as a service holds them: the row of `held_case` and those of `held_fact`, JSON as text.

    Beyond the sample's own number the same assignments come again under other ids.
    """
    yield from _copies(_held(), count, tenant)


def held_of_all_programmes(count: int, tenant: str) -> Iterator[tuple[HeldCase, list[HeldFact]]]:
    """As `held`, but every fifth assignment is one of Stöd och matchning or Rusta och matcha, led by chance."""
    yield from _copies(_mixed(), count, tenant)


def _copies(
    known: list[tuple[HeldCase, list[HeldFact]]], count: int, tenant: str
) -> Iterator[tuple[HeldCase, list[HeldFact]]]:
    for number in range(count):
        case, facts = known[number % len(known)]
        key = (tenant, f"A-{number:06d}")
        yield (*key, *case, number + 1), [(*key, *fact) for fact in facts]


@cache
def _held() -> list[tuple[HeldCase, list[HeldFact]]]:
    return list(_of_caseload(caseload()))


#: of as many assignments one is of the employment service's programmes
_ONE_IN = 5


@cache
def _mixed() -> list[tuple[HeldCase, list[HeldFact]]]:
    # the sample has none of these programmes; the histories of the acceptance tests have
    from tests.acceptance.histories import RUM, SOM, history

    known = _held()
    wanted = len(known) // (_ONE_IN - 1)
    lives: list[tuple[HeldCase, list[HeldFact]]] = []
    for seed in range(wanted):
        document = history(seed, (*SOM, *RUM), assignments=1).caseload
        lives += _of_caseload(read({**document, "as_of": caseload().as_of.isoformat(), "payment_runs": []}))
    mixed: list[tuple[HeldCase, list[HeldFact]]] = []
    for place, one in enumerate(known):
        mixed.append(one)
        if place % (_ONE_IN - 1) == _ONE_IN - 2 and lives:
            mixed.append(lives.pop())
    return mixed


def _of_caseload(found: Caseload) -> Iterator[tuple[HeldCase, list[HeldFact]]]:
    tenant = found.tenant()
    for one in found.assignments:
        facts = judge(one.case(found.as_of), one.client, tenant).in_effect
        yield (one.programme.value, one.delivery_area, _plan(one.plan)), [_fact(fact) for fact in facts]


def _plan(plan: Any) -> str:
    steps = [{"from": step.start.isoformat(), "extent_pct": step.extent_pct} for step in plan.step_up]
    return json.dumps({"extent_pct": plan.extent_pct, "job_search_quota": plan.job_search_quota, "step_up": steps})


def _fact(fact: Any) -> HeldFact:
    data = {name: value for name, value in fact_event("A", fact, 1).items() if name not in HEAD}
    return fact.id, 1, True, fact.kind.value, fact.place, fact.on, fact.known_on, json.dumps(data)


@dataclass(frozen=True, slots=True)
class Life:
    """An assignment of the sample under an id of its own, led so far: as the assignment service is told of it."""

    id: str
    person: str
    source: Assignment
    facts: tuple[Fact, ...]

    @property
    def registration(self) -> dict[str, Any]:
        """A row of `assignment.register`, as its schema loads it."""
        return {
            "id": self.id,
            "programme": self.source.programme,
            "delivery_area": self.source.delivery_area,
            "client": CLIENT.dump(self.source.client),
            "plan": PLAN.dump(self.source.plan),
            "person": self.person,
        }

    def stated(self, most: int) -> list[dict[str, Any]]:
        """Rows of `assignment.record_facts` for the first facts, at most so many, as they are sent."""
        return [
            {
                **dump_fields(fact),
                "assignment": self.id,
                "id": fact.id,
                "ordinal": fact.place,
                "fact": fact.kind.value,
                "on": fact.on.isoformat(),
                "known_on": fact.known_on.isoformat(),
            }
            for fact in self.facts[:most]
        ]

    @property
    def not_a_number(self) -> str:
        """Twelve characters where a person has a number of twelve digits: any number might be somebody's."""
        return f"N{self.id.rpartition('-')[2]:>11}"


#: of what the sample tells of an assignment, so many quarters are told of its copies
_SHARES = (1, 2, 3, 4)


def life(number: int) -> Life:
    """Assignment `number` of as many as wanted."""
    known = _ordered()
    turn, place = divmod(number, len(known))
    source, facts = known[place]
    # neighbours differ, so that every number of them holds all states
    share = _SHARES[(turn + place) % len(_SHARES)]
    return Life(f"A-{number:06d}", f"P-{number:06d}", source, facts[: -(-len(facts) * share // len(_SHARES))])


@cache
def _ordered() -> list[tuple[Assignment, tuple[Fact, ...]]]:
    found = caseload()
    return [
        (one, tuple(sorted((fact for fact in one.facts if fact.known_on <= found.as_of), key=lambda fact: fact.order)))
        for one in found.assignments
    ]
