"""What a service holds about an assignment, and the tenant it belongs to: input of every pure core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from .calendar import Period
from .codes import FactKind, Ownership, Programme
from .facts import Fact
from .rules import rule
from .settings import RuleSettings


@dataclass(frozen=True, slots=True)
class Client:
    """What eligibility looks at. Stays in the assignment service."""

    birth_date: date
    resident: bool = False
    receives_eb: bool = False
    af_registered: bool = False
    work_ability_pct: int = 0
    outside_work_and_studies: bool = False
    in_kaa: bool = False
    establishment_period_ended: bool = False
    language_obstacle: bool = False
    youth_guarantee_informed_on: date | None = None
    work_obstacle: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the step-up plan: extent from a day on."""

    start: date
    extent_pct: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Extent, job-search quota and step-up plan of the assignment description (AMI-8.1-b, AMI-1.3.1-c)."""

    extent_pct: int | None = None
    job_search_quota: int | None = None
    step_up: tuple[Step, ...] = ()


@rule("NACKA-2")
@dataclass(frozen=True, slots=True)
class Provider:
    """A provider and the day from which it is authorised for each programme (NACKA-1, NACKA-2).

    deauthorised: the first day on which it is so no longer. earlier: authorisations that had ended before the present
    one, for choices made then. capacity: places that it has declared; None: no limit known (AF-SOM-23).
    """

    id: str
    ownership: Ownership
    authorised: Mapping[Programme, date]
    name: str = ""
    deauthorised: Mapping[Programme, date] = field(default_factory=dict)
    earlier: Mapping[Programme, tuple[Period, ...]] = field(default_factory=dict)
    capacity: int | None = None

    def authorised_on(self, programme: Programme, day: date) -> bool:
        """True if a client may choose the provider for the programme on `day`."""
        since, end = self.authorised.get(programme), self.deauthorised.get(programme, date.max)
        if since is not None and since <= day < end:
            return True
        return any(day in period for period in self.earlier.get(programme, ()))


@dataclass(frozen=True, slots=True)
class Tenant:
    """A municipality instance: profile key, the readings and tariffs in force, its providers."""

    id: str
    municipality: str
    settings: RuleSettings
    providers: Mapping[str, Provider] = field(default_factory=dict)
    business_date: date | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One assignment with its facts, ordered by (on, place)."""

    assignment: str
    programme: Programme
    plan: Plan = Plan()
    delivery_area: str | None = None
    facts: tuple[Fact, ...] = ()

    def of(self, *kinds: FactKind) -> tuple[Fact, ...]:
        """The facts of these kinds, in order."""
        return tuple(fact for fact in self.facts if fact.kind in kinds)

    def first(self, kind: FactKind) -> Fact | None:
        return next((fact for fact in self.facts if fact.kind is kind), None)

    def known_by(self, day: date) -> Case:
        """The case as it was known at the end of `day`."""
        return self.having(fact for fact in self.facts if fact.known_on <= day)

    def having(self, facts: Iterable[Fact]) -> Case:
        """The same case with these facts instead, put in order."""
        return replace(self, facts=tuple(sorted(facts, key=lambda fact: fact.order)))
