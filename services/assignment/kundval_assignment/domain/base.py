"""What the state machine of an assignment is made of: the state after the facts told so far, the terms, a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import IntEnum
from typing import Any

from kundval_contracts.case import Case, Client, Plan, Step, Tenant
from kundval_contracts.codes import AssignmentState, DecisionAbout, FactKind, Obstacle, RefusalCode, TargetGroup
from kundval_contracts.facts import Fact
from kundval_contracts.profiles import Profile, profiles
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Timeline


@rule("AMI-8.1-b", "AMI-1.3.1-c")
def described_plan(facts: Iterable[Fact]) -> Plan | None:
    """The plan of the latest assignment description among `facts`, or None if none has one."""
    plan = None
    for fact in facts:
        if fact.kind is FactKind.DESCRIBED and fact.get("plan") is not None:
            raw = fact["plan"]
            steps = tuple(Step(step["from"], step["extent_pct"]) for step in raw["step_up"])
            plan = Plan(raw.get("extent_pct"), raw.get("job_search_quota"), steps)
    return plan


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a fact does not take effect. The message carries no personal data."""

    code: RefusalCode
    rules: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays the same while the facts of one assignment are told.

    overrides: what persons decided about the registration with the employment service, its direct interventions
    and the assessment. They count for the decision if made before or on its day, wherever they stand in the file.
    """

    case: Case
    client: Client
    tenant: Tenant
    overrides: tuple[Fact, ...] = ()

    def overridden(
        self, day: date, about: DecisionAbout = DecisionAbout.OVERRIDE_AF_REGISTRATION, *, named: bool = False
    ) -> bool:
        """Whether a person had let it pass by `day`; with `named`, only one who is named and gives a reason counts."""
        made = [fact for fact in self.overrides if fact["about"] is about and fact.on <= day]
        if not made or not made[-1]["approved"]:
            return False
        return not named or bool(made[-1].get("by") and made[-1].get("reason"))

    @property
    def profile(self) -> Profile:
        """The municipality's profile: what decides here instead of its name (LOKA-59)."""
        return profiles()[self.tenant.municipality]

    def authorised(self, provider: str, day: date) -> bool:
        known = self.tenant.providers.get(provider)
        return known is not None and known.authorised_on(self.case.programme, day)


@dataclass(frozen=True, slots=True)
class State:
    """Where an assignment stands after the facts told so far.

    told: the facts in effect, in order. offered: the provider whose answer is awaited. provider: the one in
    charge. pending: a switch that waits for approval. agreements: tripartite agreements in force, by workplace;
    changed: days on which one was changed. broke_off: day of the break-off that no resumption has followed.
    road: the way from the referral is recorded here, so its guards hold; without it the decision was prepared
    elsewhere. circumstances: what has changed of the client, by field. reassessing: a new assessment has been asked
    for. closed: a person has closed the assignment.
    """

    phase: AssignmentState = AssignmentState.IN_ASSESSMENT
    told: tuple[Fact, ...] = ()
    groups: tuple[TargetGroup, ...] = ()
    results_shown: bool = False
    offered: str | None = None
    provider: str | None = None
    pending: Fact | None = None
    agreements: tuple[Fact, ...] = ()
    changed: tuple[date, ...] = ()
    too_few_hours: bool = False
    broke_off: date | None = None
    refused_eligibility: bool = False
    road: bool = False
    circumstances: Mapping[str, Any] = field(default_factory=dict)
    reassessing: bool = False
    closed: bool = False

    def latest(self, *kinds: FactKind, **fields: Any) -> Fact | None:
        """The last fact told of these kinds whose fields have these values."""
        for fact in reversed(self.told):
            if fact.kind in kinds and all(fact.get(name) == value for name, value in fields.items()):
                return fact
        return None

    @property
    def long_term_sick(self) -> bool:
        """As the referral or the latest assessment says."""
        referral, assessment = self.latest(FactKind.REFERRED), self.latest(FactKind.ASSESSED)
        told = referral is not None and referral.get("long_term_sick", False)
        return bool(told or (assessment is not None and Obstacle.LONG_TERM_SICK in assessment["obstacles"]))

    def client(self, terms: Terms) -> Client:
        """The client with everything that has changed since the registration."""
        return replace(terms.client, **self.circumstances) if self.circumstances else terms.client

    def plan(self, terms: Terms) -> Plan:
        """Extent, quota and step-up plan: the latest assignment description's, else those of the registration."""
        return described_plan(self.told) or terms.case.plan

    def timeline(self, terms: Terms) -> Timeline:
        """The reading in time of the facts told so far."""
        return Timeline(replace(terms.case, facts=self.told), terms.tenant.settings)


class Standing(IntEnum):
    """How far the assignment must have come for a fact to make sense."""

    ANY = 0
    DECIDED = 1
    ACCEPTED = 2
    STARTED = 3
    ACTIVE = 4
    EXITED = 5


@dataclass(frozen=True, slots=True)
class Gate:
    """The standing a kind of fact asks for, and the rules named when it is not there."""

    standing: Standing
    rules: tuple[str, ...]


#: What a fact of a kind does to the state, or why it does not take effect.
Effect = Callable[[State, Fact, Terms], State | Refusal]


def refuse(code: RefusalCode, message: str, *rules: str) -> Refusal:
    return Refusal(code, rules, message)
