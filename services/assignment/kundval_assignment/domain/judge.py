"""Which facts of an assignment take effect: the fold of `decide` over everything stated so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from kundval_contracts.answer import Rejection
from kundval_contracts.case import Case, Client, Tenant
from kundval_contracts.codes import AssignmentState, FactKind, RefusalCode, TargetGroup
from kundval_contracts.facts import Fact

from .state import OVERRIDES, Refusal, State, Terms, changes_on, decide, standing


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of the facts: those in effect in order, the rejections, and where the assignment stands.

    changes_on: the business date from which `state` may be another though nothing is stated; None if never.
    groups, primary_group: the target groups matched at the decision (AMI-1.3-f); empty without a decision.
    after, terms: where the state machine ended, and on what terms: what milestones and checklists look at.
    """

    in_effect: tuple[Fact, ...]
    rejections: tuple[Rejection, ...]
    state: AssignmentState
    changes_on: date | None
    groups: tuple[TargetGroup, ...]
    primary_group: TargetGroup | None
    after: State
    terms: Terms


def judge(case: Case, client: Client, tenant: Tenant) -> Judgement:
    """Judge all facts of `case`, in whatever order they are given; they are told by (on, place).

    A refused fact changes nothing, so that what depends on it is refused in its turn. Judging the facts in
    effect again accepts every one of them.
    """
    facts = sorted(case.facts, key=lambda fact: (*fact.order, fact.id))
    overrides = tuple(fact for fact in facts if fact.kind is FactKind.MANUAL_DECISION and fact["about"] in OVERRIDES)
    terms = Terms(replace(case, facts=()), client, tenant, overrides)
    state = State()
    rejections: list[Rejection] = []
    for fact in facts:
        after = decide(state, fact, terms)
        if isinstance(after, State):
            state = after
            continue
        rejections.append(Rejection(case.assignment, fact.place, after.code.value, after.message, after.rules))
        if fact.kind is FactKind.DECIDED and state.phase is AssignmentState.IN_ASSESSMENT:
            state = replace(state, refused_eligibility=_ineligible(after))
    rejections.sort(key=lambda one: (one.fact, one.code))
    return Judgement(
        state.told,
        tuple(rejections),
        standing(state, terms),
        changes_on(state, terms),
        state.groups,
        next(iter(state.groups), None),
        state,
        terms,
    )


def _ineligible(refusal: Refusal) -> bool:
    """True for a refusal that ends in REJECTED (SM-A4), not one that waits for a registration or a plan."""
    return refusal.code is RefusalCode.NOT_ELIGIBLE
