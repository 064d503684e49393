"""What follows from the facts of an assignment and is told to the others (rulebook 8.1, column "Events published").

Facts are told by events of their own. Some transitions are no facts: an exit that qualifies, a period that has run
out, an assignment that is settled. They are computed like everything else, compared with what was told before, and
the difference is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kundval_contracts.answer import Rejection
from kundval_contracts.codes import AssignmentState, FactKind, ReassessmentCause
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule

from .state import State, Terms, review, settled_from, standing

_P = AssignmentState
_K = FactKind

#: Milestone by key `name` or `name:exit`, with the data of its event in JSON types.
Milestones = Mapping[str, Mapping[str, Any]]


@rule("AMI-9-a", "AMI-10-a", "AMI-9-j", "AMI-3.2-a", "AMI-7-c")
def milestones(state: State, terms: Terms) -> dict[str, dict[str, Any]]:
    """Every milestone that holds on the tenant's business date."""
    found: dict[str, dict[str, Any]] = {}
    stands = standing(state, terms)
    if stands in (_P.REASSESSMENT, _P.SWITCHING) and (state.reassessing or state.too_few_hours):
        cause, since = _cause(state)
        found["reassessment_requested"] = {"cause": cause.value, "on": since}
    if state.phase is _P.REJECTED or stands is _P.REJECTED:
        found["ended_before_decision"] = {"state": _P.REJECTED.value}
    timeline = state.timeline(terms)
    today, end = terms.tenant.business_date, timeline.end
    if state.phase is _P.ACTIVE and end is not None and today is not None and today >= end:
        found["period_ended"] = {"on": end.isoformat()}
    for one in timeline.exits:
        verdict = review(timeline, one)
        key, kind = f":{one.fact.id}", one.kind.value
        if verdict is _P.SUSTAINABILITY:
            found[f"exit_qualified{key}"] = {
                "exit": one.fact.id,
                "on": one.on.isoformat(),
                "first_day": one.first_day.isoformat(),
                "kind": kind,
                "month": timeline.month_of(timeline.basis(one)),
                "settle_on": timeline.window(one).end.isoformat(),
            }
            if timeline.eb_in_window(one):
                found[f"bonus_blocked{key}"] = {"exit": one.fact.id}
        elif verdict is _P.CLOSED:
            found[f"exit_not_qualified{key}"] = {"exit": one.fact.id, "on": one.on.isoformat(), "kind": kind}
    if stands is _P.SETTLED and timeline.exits:
        on = settled_from(timeline, timeline.exits[-1])
        found["settled"] = {"on": None if on is None else on.isoformat()}
    return found


@rule("AMI-10.2-c", "AMI-9-b")
def rejected_claims(facts: Iterable[Fact], rejections: Iterable[Rejection]) -> dict[str, dict[str, Any]]:
    """Milestones of bonus claims that do not count, before the settle date say (SM-B5), with why."""
    claims = {fact.place: fact for fact in facts if fact.kind is _K.BONUS_CLAIMED}
    found: dict[str, dict[str, Any]] = {}
    for rejection in rejections:
        fact = claims.get(rejection.fact)
        if fact is not None:
            found[f"bonus_claim_rejected:{fact.id}"] = {
                "fact_id": fact.id,
                "on": fact.on.isoformat(),
                "code": rejection.code,
                "rules": list(rejection.rules),
            }
    return found


def _cause(state: State) -> tuple[ReassessmentCause, str]:
    """Why the new assessment is asked for, and since when: the latest fact that says so."""
    if state.reassessing:
        fact = state.latest(_K.OBSTACLE_FOUND)
        cause = ReassessmentCause.OBSTACLE
    else:
        fact = state.latest(_K.HOURS_REPORTED)
        cause = ReassessmentCause.TOO_FEW_HOURS
    assert fact is not None  # one of the two has led to the state
    return cause, fact.on.isoformat()
