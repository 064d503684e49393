"""The work itself: activities, placements, subsidies, consent and contacts, reassessment (SM-A12 to A16, A30).

What is missing of a provider's work never stops a transition (reading 52, GAP-16). Refused is what contradicts itself:
a step out of order, a mandate that does not exist, somebody spoken to without the client's consent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from kundval_contracts.activities import COMMON_ACTIVITIES
from kundval_contracts.calendar import age_on
from kundval_contracts.case import Case
from kundval_contracts.codes import (
    Actor,
    AssignmentState,
    ConsentScope,
    FactKind,
    LegalBasis,
    PlacementStepKind,
    Programme,
    ReassessmentOutcome,
    ReferralSource,
    RefusalCode,
    RepresentationManner,
    SubsidyStepKind,
)
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Timeline

from .base import Effect, Refusal, State, Terms, refuse
from .local import admission, side_track, subsidy_responsible

_P = AssignmentState
_K = FactKind
_STEPS = tuple(PlacementStepKind)
_SUBSIDY = tuple(SubsidyStepKind)

MAPPING_CONTENTS = ("experience", "competences", "strengths")


# --- mapping and guidance ------------------------------------------------------------------------------


@rule("AMI-3.1-a", "LOKA-21")
def mapping_done(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """A mapping that states contents states at least experience, competences and strengths; the list is open."""
    if any(fact.data.values()) and not all(fact.get(name) for name in MAPPING_CONTENTS):
        message = f"A mapping states at least {', '.join(MAPPING_CONTENTS)}."
        return refuse(RefusalCode.CONTENTS_MISSING, message, "AMI-3.1-a")
    return state


@rule("AMI-4.2-b", "AMI-4.2-c")
def study_guidance(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """With its channel go the three things that the client is to know afterwards: each is said, yes or no."""
    if fact.get("channel") is None:
        return state
    missing = [name for name in ("knows_study_aid", "knows_forms_of_study", "knows_courses") if fact.get(name) is None]
    if missing:
        message = f"Guidance through a channel says what the client knows afterwards; missing: {', '.join(missing)}."
        return refuse(RefusalCode.CONTENTS_MISSING, message, "AMI-4.2-c")
    return state


# --- activities ----------------------------------------------------------------------------------------


@rule("LOKA-62", "LOKA-17", "LOKA-18")
def activity_planned(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """An activity of the municipality's catalogue has its own terms of admission, as of the referral."""
    wrong, activity = miscategorised(fact, terms), terms.profile.activities.get(fact["activity"])
    if wrong is not None or activity is None:
        return wrong or state
    client, referral, assessment = state.client(terms), state.latest(_K.REFERRED), state.latest(_K.ASSESSED)
    criteria: set[str] = set(fact.get("criteria", ()))
    if assessment is not None:
        criteria |= {*assessment["needs"], *assessment["obstacles"]}
        if assessment["obstacles"]:
            criteria.add("COMPLEX_NEEDS")
    if client.outside_work_and_studies:
        criteria.add("OUTSIDE_WORK_AND_STUDIES")
    finding = admission(
        activity,
        age=age_on(client.birth_date, referral.on if referral else fact.on),
        criteria=criteria,
        partners=involved(state),
        referrer=referrer(referral),
    )
    return Refusal(finding.code, finding.rules, finding.message) if finding else state


@rule("LOKA-17", "LOKA-28", "LOKA-31", "LOKA-33", "LOKA-45")
def miscategorised(fact: Fact, terms: Terms) -> Refusal | None:
    """Each activity has one category: the catalogue's, else that of what the report names as contents of a category.

    The list is open: an activity by another name has the category that is stated.
    """
    activity = terms.profile.activities.get(fact["activity"])
    category = activity.category if activity is not None else COMMON_ACTIVITIES.get(fact["activity"])
    if category is None or category is fact["category"]:
        return None
    return refuse(RefusalCode.CONTENTS_MISSING, f"This activity stands under {category}.", "LOKA-17")


def activity_held(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Under the category that it has."""
    return miscategorised(fact, terms) or state


#: Who refers, where the source of the referral says it.
_REFERRERS: Mapping[ReferralSource, Actor] = MappingProxyType(
    {
        ReferralSource.AF: Actor.AF,
        ReferralSource.AF_JOB: Actor.AF,
        ReferralSource.FK: Actor.FK,
        ReferralSource.EB: Actor.MUNICIPALITY,
        ReferralSource.KAA: Actor.MUNICIPALITY,
    }
)


def referrer(referral: Fact | None) -> Actor | None:
    """Who referred the client: as stated, else by the source."""
    if referral is None:
        return None
    stated: Actor | None = referral.get("referrer")
    return stated or _REFERRERS.get(referral["source"])


@rule("NACKA-25", "LOKA-34")
def involved(state: State) -> set[Actor]:
    """The other actors around the client as last said, with the one that referred (NACKA-25)."""
    found: dict[Actor, bool] = {}
    for fact in state.told:
        if fact.kind is _K.OTHER_ACTOR:
            found[fact["actor"]] = fact["involved"]
        elif fact.kind is _K.REFERRED:
            who = referrer(fact)
            if who is not None:
                found[who] = True
    return {actor for actor, yes in found.items() if yes}


@rule("AMI-3-d", "LOKA-32")
def group_attendance(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Attendance belongs to a group activity that the client has been offered."""
    planned = state.latest(_K.ACTIVITY_PLANNED, activity=fact["activity"])
    if planned is None or not planned.get("group"):
        message = "No group activity of this name is planned for the client."
        return refuse(RefusalCode.STEP_OUT_OF_ORDER, message, "AMI-3-d")
    return state


# --- placements ----------------------------------------------------------------------------------------


@rule("LOKA-35")
def placement_step(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """From a suitable workplace to a yes of both: one step after the other; a step may be repeated."""
    done = [
        _STEPS.index(one["step"])
        for one in state.told
        if one.kind is _K.PLACEMENT_STEP and one["workplace"] == fact["workplace"]
    ]
    step = _STEPS.index(fact["step"])
    if step > max(done, default=-1) + 1:
        message = f"{fact['step']} comes after {_STEPS[step - 1]}."
        return refuse(RefusalCode.STEP_OUT_OF_ORDER, message, "LOKA-35")
    if fact["step"] is PlacementStepKind.BOTH_ASKED:
        for who in ("participant_positive", "employer_positive"):
            if fact.get(who) is None:
                return refuse(RefusalCode.CONTENTS_MISSING, f"{who} is not said.", "LOKA-35")
    return state


@rule("LOKA-35", "AMI-6.2-a", "LOKA-22")
def may_be_placed(state: State, fact: Fact, terms: Terms) -> Refusal | None:
    """Both are positive, where they were asked; on the road, the match rests on a mapping.

    Where a predefined process takes the place of the mapping there is none to rest on (LOKA-22).
    """
    asked = state.latest(_K.PLACEMENT_STEP, workplace=fact.get("workplace"), step=PlacementStepKind.BOTH_ASKED)
    if asked is not None and not (asked["participant_positive"] and asked["employer_positive"]):
        message = "Participant and employer are not both positive."
        return refuse(RefusalCode.NOT_BOTH_POSITIVE, message, "LOKA-35")
    mapped = state.latest(_K.MAPPING_DONE) is not None or not terms.profile.initial_mapping_required
    if state.road and terms.case.programme.is_ami and not mapped:
        message = "A placement is matched on a mapping, and there is none."
        return refuse(RefusalCode.MAPPING_MISSING, message, "AMI-6.2-a")
    return None


# --- reassessment --------------------------------------------------------------------------------------


@rule("AMI-7-c")
def obstacle_found(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A14: an obstacle to work has come to light, so the career guide assesses anew."""
    return replace(state, reassessing=True)


@rule("AMI-3.2-b", "NACKA-21", "AMI-1.2-b")
def reassessed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A15, SM-A16: no change, another intervention beside it, or one in its place, which must have been decided."""
    if not (state.reassessing or state.too_few_hours):
        message = "No new assessment has been asked for."
        return refuse(RefusalCode.NOT_IN_REASSESSMENT, message, "SM-A15")
    outcome = fact["outcome"]
    if outcome is not ReassessmentOutcome.NO_CHANGE and not fact.get("next_intervention"):
        message = f"{outcome} names the assignment of the other intervention."
        return refuse(RefusalCode.DECISION_MISSING, message, "SM-A16", "AMI-1.2-b")
    after = replace(state, reassessing=False, too_few_hours=False)
    if outcome is ReassessmentOutcome.REPLACE:
        return replace(after, phase=_P.EXITED_PENDING_REVIEW, agreements=())
    return after


@rule("AMI-8.1-e")
def deviation_reviewed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The career guide's decision about a month whose report deviates."""
    report = state.latest(_K.MONTHLY_REPORT, month=fact["month"])
    if report is None:
        return refuse(RefusalCode.STEP_OUT_OF_ORDER, "There is no report of that month.", "AMI-8.1-e")
    return state


# --- subsidies -----------------------------------------------------------------------------------------


@rule("LOKA-36", "LOKA-37", "LOKA-38", "AMI-6.1-a")
def subsidy_step(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """A wage-subsidy case: enquiry, basis, a code where needed, AF's decision, follow-ups, reports to AF.

    Where the municipality is no go-between the employer does all of it; only AF's decision is recorded.
    """
    step = fact["step"]
    if subsidy_responsible(terms.profile) == "EMPLOYER":
        if step is not SubsidyStepKind.AF_DECIDED:
            message = "The employer deals with AF itself; only AF's decision is recorded."
            return refuse(RefusalCode.NOT_GO_BETWEEN, message, "LOKA-38")
        return state
    done = {one["step"] for one in state.told if one.kind is _K.SUBSIDY_STEP and one["subsidy"] == fact["subsidy"]}
    before = [one for one in _SUBSIDY[: _SUBSIDY.index(step)] if one is not SubsidyStepKind.CODE_OBTAINED]
    missing = [one for one in before[:3] if one not in done]
    if missing:
        return refuse(RefusalCode.STEP_OUT_OF_ORDER, f"{missing[0]} comes first and is not recorded.", "LOKA-37")
    return state


#: Forms of employment for which the employment service decides on a subsidy.
SUBSIDISED = frozenset({"NEW_START_JOB", "INTRODUCTION_JOB", "SHELTERED_PUBLIC"})


@rule("LOKA-36")
def subsidy_decided(state: State, fact: Fact) -> Refusal | None:
    """On the road a subsidised employment starts after AF's decision on it, within its days and of its form."""
    if not state.road or fact.get("employment_form") not in SUBSIDISED:
        return None
    first_day = fact.get("first_day", fact.on)
    for one in state.told:
        if one.kind is _K.SUBSIDY_STEP and one["step"] is SubsidyStepKind.AF_DECIDED and one["granted"]:
            if one.get("form", fact["employment_form"]) is not fact["employment_form"]:
                continue
            until = one.get("valid_to")
            if one.on <= first_day and one["valid_from"] <= first_day and (until is None or first_day < until):
                return None
    message = "A subsidised employment needs a decision of the employment service before it starts."
    return refuse(RefusalCode.DECISION_MISSING, message, "LOKA-36")


# --- for and with the client ---------------------------------------------------------------------------


@rule("LOKA-45")
def represented(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """From guiding to speaking for the person; the last takes a mandate."""
    if fact["manner"] is RepresentationManner.SPEAK_FOR and not fact.get("mandate"):
        return refuse(RefusalCode.MANDATE_MISSING, "Speaking for the client takes a mandate.", "LOKA-45")
    return state


@rule("AMI-2.1-a")
def consent_holds(case: Case, timeline: Timeline, scope: ConsentScope, day: date) -> bool:
    """Consent is the client's, to one provider: given by `day` to the one now in charge, not withdrawn since.

    `case` holds the facts in effect. A switch of provider makes it void, also a switch there and back.
    """
    given = None
    for fact in case.facts:
        if fact.on > day or fact.get("scope") is not scope:
            continue
        if fact.kind is _K.CONSENT_GIVEN:
            given = fact
        elif fact.kind is _K.CONSENT_WITHDRAWN:
            given = None
    if given is None:
        return False
    to = timeline.provider_on(given.on)
    return not any(given.on < start <= day and provider != to for start, provider in timeline.charges)


@rule("AMI-2.2-b")
def coordinator_brokered(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The provider in charge asks, the career guide brokers; nobody goes to the coordinator directly."""
    request, timeline = state.latest(_K.COORDINATOR_REQUESTED), state.timeline(terms)
    if request is None or timeline.provider_on(request.on) != timeline.provider_on(fact.on):
        message = "The provider in charge has not asked for contact with the coordinator."
        return refuse(RefusalCode.STEP_OUT_OF_ORDER, message, "AMI-2.2-b")
    return state


@rule("AMI-2.2-c")
def coordinator_informed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The three fields are passed on when a legal ground is recorded: consent, or a named one (AMB-30)."""
    basis = fact.get("legal_basis")
    if basis is None and terms.tenant.settings["af.coordinator.legal_basis_required"]:
        message = "Nothing is passed to the coordinator without a recorded legal basis."
        return refuse(RefusalCode.CONSENT_MISSING, message, "AMI-2.2-c")
    if basis is LegalBasis.CONSENT:
        timeline = state.timeline(terms)
        if not consent_holds(timeline.case, timeline, ConsentScope.AF_COORDINATOR, fact.on):
            message = "The client has not consented to that, or to another provider."
            return refuse(RefusalCode.CONSENT_MISSING, message, "AMI-2.2-c", "AMI-2.1-a")
    return state


def handoff(assignment: str, programme: Programme, goals: str | None) -> Mapping[str, str | None]:
    """What the coordinator is told: which client, which intervention, which goals; no less and no more (AMI-2.2-c)."""
    return MappingProxyType({"client": assignment, "intervention": programme.value, "goals": goals})


@rule("LOKA-42")
def side_track_chosen(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The individual side track of a process: for the long-term sick, or after attempts without success."""
    attempts = sum(1 for one in state.told if one.kind is _K.PLAN_BROKEN)
    if not side_track(terms.profile, long_term_sick=state.long_term_sick, attempts=attempts):
        message = "The side track is not open to the client."
        return refuse(RefusalCode.SIDE_TRACK_NOT_OPEN, message, "LOKA-42")
    return state


@rule("LOKA-5")
def commissioner_replied(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """A reply answers a question that was asked."""
    referral = state.latest(_K.REFERRED)
    if referral is None or not referral.get("commission_question"):
        message = "No commissioner has asked a question about this assignment."
        return refuse(RefusalCode.STEP_OUT_OF_ORDER, message, "LOKA-5")
    return state


EFFECTS: Mapping[FactKind, Effect] = MappingProxyType(
    {
        _K.MAPPING_DONE: mapping_done,
        _K.STUDY_GUIDANCE: study_guidance,
        _K.ACTIVITY_PLANNED: activity_planned,
        _K.ACTIVITY_HELD: activity_held,
        _K.GROUP_ATTENDANCE: group_attendance,
        _K.PLACEMENT_STEP: placement_step,
        _K.OBSTACLE_FOUND: obstacle_found,
        _K.REASSESSED: reassessed,
        _K.DEVIATION_REVIEWED: deviation_reviewed,
        _K.SUBSIDY_STEP: subsidy_step,
        _K.REPRESENTED: represented,
        _K.COORDINATOR_BROKERED: coordinator_brokered,
        _K.COORDINATOR_INFORMED: coordinator_informed,
        _K.SIDE_TRACK_CHOSEN: side_track_chosen,
        _K.COMMISSIONER_REPLIED: commissioner_replied,
    }
)
