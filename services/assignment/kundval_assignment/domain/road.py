"""From referral to decision (SM-A1 to A6): inflow, preparation, assessment, and what a decision rests on.

An assignment whose referral is recorded here is on the road: every step and guard of the rulebook holds for it. One
without a referral was prepared elsewhere (a bulk feed, a caseload file) and begins at the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from kundval_contracts.codes import (
    AfCheckResult,
    AssignmentState,
    Channel,
    CommissionedService,
    DecisionAbout,
    FactKind,
    Programme,
    ReferralSource,
    RefusalCode,
)
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule

from .base import Effect, Refusal, State, Terms, refuse
from .local import forum_parties_missing

_P = AssignmentState
_K = FactKind

#: The first of October is assumed: the source names the month only (LOKA-6).
CLOSED_SERVICES: Mapping[CommissionedService, date] = MappingProxyType(
    {CommissionedService.AF_STRENGTHENED_WORK_TRAINING: date(2023, 10, 1)}
)
#: Sources whose assignments are limited in time and answer a question (LOKA-5).
COMMISSIONERS = frozenset({ReferralSource.AF, ReferralSource.AF_JOB, ReferralSource.FK})
ENDED = frozenset({_P.REJECTED, _P.REDIRECTED_TO_AF})
BEFORE = frozenset({_P.REFERRED, _P.IN_PREPARATION, _P.IN_ASSESSMENT})


@rule("LOKA-3", "LOKA-4", "LOKA-5", "LOKA-6", "LOKA-7", "LOKA-63")
def referred(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A1: where the client comes from, and on what terms."""
    if state.road or state.phase is not _P.IN_ASSESSMENT:
        return refuse(RefusalCode.ALREADY_REFERRED, "The assignment has been referred or decided already.", "SM-A1")
    source, service = fact["source"], fact.get("service")
    if source is ReferralSource.SELF and not terms.profile.self_referral_allowed:
        message = "The municipality takes no referrals by the residents themselves."
        return refuse(RefusalCode.SELF_REFERRAL_NOT_ALLOWED, message, "LOKA-7")
    closed = service_closed(service, fact.on)
    if closed is not None:
        return closed
    commissioned = fact.get("commission_end") and fact.get("commission_question")
    if source in COMMISSIONERS and not (commissioned or fact.get("override_reason")):
        message = "An assignment from AF or FK has an end date and a question, or a reason why not."
        return refuse(RefusalCode.COMMISSION_INCOMPLETE, message, "LOKA-5")
    return replace(state, road=True, phase=_P.REFERRED)


@rule("LOKA-6")
def service_closed(service: CommissionedService | None, day: date) -> Refusal | None:
    """A service that the commissioner no longer gives to municipalities: neither referred nor decided from that day."""
    if service is None or day < CLOSED_SERVICES[service]:
        return None
    message = f"The service {service} has been closed to municipalities since {CLOSED_SERVICES[service]}."
    return refuse(RefusalCode.SERVICE_CLOSED, message, "LOKA-6")


def preparation_opened(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A2: by a forum or by a unit of its own, as the profile says."""
    if state.phase is not _P.REFERRED:
        return refuse(RefusalCode.NOT_REFERRED, "There is no referral that waits for preparation.", "SM-A2")
    return replace(state, phase=_P.IN_PREPARATION)


@rule("LOKA-13", "LOKA-14", "LOKA-15")
def prepared(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A3, SM-A4: both outputs, decided jointly where the municipality has a forum."""
    if state.phase is not _P.IN_PREPARATION:
        return refuse(RefusalCode.NOT_PREPARED, "The preparation has not been opened.", "SM-A3")
    missing = forum_parties_missing(terms.profile, frozenset(fact["parties"]))
    if missing:
        message = f"The forum decides together; missing: {', '.join(sorted(missing))}."
        return refuse(RefusalCode.CONTENTS_MISSING, message, "LOKA-14")
    if not fact["relevant"]:
        return replace(state, phase=_P.REJECTED)
    if not fact.get("purpose"):
        return refuse(RefusalCode.CONTENTS_MISSING, "The overall purpose is missing.", "LOKA-13")
    return replace(state, phase=_P.IN_ASSESSMENT)


_BACK: Mapping[AssignmentState, AssignmentState] = MappingProxyType(
    {
        _P.IN_PREPARATION: _P.REFERRED,
        _P.IN_ASSESSMENT: _P.IN_PREPARATION,
        _P.OFFERED: _P.AWAITING_CHOICE,
        _P.ACCEPTED: _P.AWAITING_CHOICE,
    }
)


@rule("LOKA-1")
def stepped_back(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Reality is less linear than the figure: one step back, before the decision or before the start."""
    to = _BACK.get(state.phase)
    if to is None or not state.road:
        return refuse(RefusalCode.NO_WAY_BACK, "There is no step back from here.", "LOKA-1")
    if state.phase is _P.ACCEPTED and state.provider is None:
        to = _P.DECIDED  # a unit of the municipality had taken it: nobody had chosen
    return replace(state, phase=to, offered=None, provider=None)


@rule("NACKA-3", "AMI-1.1-a", "LOKA-11", "AF-GEN-2")
def assessed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The assessment meeting, with needs, obstacles and risk groups; after the preparation, and perhaps again."""
    if state.phase in (_P.REFERRED, _P.IN_PREPARATION):
        return refuse(RefusalCode.NOT_PREPARED, "The preparation has not been finished.", "SM-A3")
    return state


@rule("AMI-1.3.2-a")
def af_registration_checked(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """What the employment service's register says, as of the day of the check."""
    return replace(state, circumstances={**state.circumstances, "af_registered": fact["registered"]})


@rule("AMI-3.2-b")
def circumstances_changed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Eligibility looks at the client as of the decision; later changes are for a new assessment."""
    return replace(state, circumstances={**state.circumstances, **fact.data})


@rule("AMI-1.3.3-a")
def youth_guarantee_informed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The first information counts: whoever knows does not have to be told again."""
    if state.client(terms).youth_guarantee_informed_on is not None:
        return state
    return replace(state, circumstances={**state.circumstances, "youth_guarantee_informed_on": fact.on})


def rejected(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A4: not relevant or not eligible."""
    if state.phase not in (_P.IN_PREPARATION, _P.IN_ASSESSMENT):
        return refuse(RefusalCode.FINISHED, "Only what is being prepared or assessed can be rejected.", "SM-A4")
    return replace(state, phase=_P.REJECTED)


@rule("NACKA-4", "NACKA-6")
def redirected_to_af(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A5: the employment service has a suitable direct intervention, so the municipality's duty rests."""
    if state.phase is not _P.IN_ASSESSMENT:
        return refuse(RefusalCode.NOT_PREPARED, "The assignment is not being assessed.", "SM-A5")
    check = state.latest(_K.AF_CHECKED)
    if check is None or check["result"] is not AfCheckResult.SUITABLE:
        message = "No check has shown a suitable direct intervention of the employment service."
        return refuse(RefusalCode.AF_CHECK_MISSING, message, "NACKA-4")
    return replace(state, phase=_P.REDIRECTED_TO_AF)


@rule("LOKA-39", "LOKA-40")
def owner_assigned(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Individual coordination has one constant owner; another takes a reason. In a process it changes by step."""
    if terms.profile.coordination_model == "INDIVIDUAL":
        before = state.latest(_K.OWNER_ASSIGNED)
        if before is not None and before["owner"] != fact["owner"] and not fact.get("reason"):
            message = "One person stays responsible from enrolment to exit: a change needs a reason."
            return refuse(RefusalCode.OWNER_CONSTANT, message, "LOKA-39")
    return state


# --- what a decision on the road rests on --------------------------------------------------------------


def ready_for_decision(state: State, fact: Fact, terms: Terms) -> tuple[Refusal, ...]:
    """Everything that stands against a decision on the road beside the terms of eligibility (SM-A6)."""
    if state.phase is not _P.IN_ASSESSMENT:
        return (refuse(RefusalCode.NOT_PREPARED, "The preparation has not been finished.", "SM-A3"),)
    programme = terms.case.programme
    referral = state.latest(_K.REFERRED)
    found = [offered_here(terms), service_closed(referral.get("service") if referral else None, fact.on)]
    if programme.is_ami or programme.is_jobbpeng:
        found += [assessed_in_person(state, fact.on, terms), checked_with_af(state, fact.on, terms)]
        found.append(reasoned(fact))
    if programme.is_ami:
        found.append(described(state, terms))
    return tuple(one for one in found if one is not None)


@rule("NACKA-5")
def reasoned(fact: Fact) -> Refusal | None:
    """The intervention that is expected to lead to self-support fastest: the decision says why it is this one."""
    if fact.get("reason"):
        return None
    return refuse(RefusalCode.REASON_MISSING, "The decision states no reason.", "NACKA-5")


@rule("LOKA-59")
def offered_here(terms: Terms) -> Refusal | None:
    """Only what the municipality's profile offers can be decided."""
    if terms.case.programme in terms.profile.programmes:
        return None
    message = f"{terms.case.programme} is not offered by the municipality."
    return refuse(RefusalCode.PROGRAMME_NOT_OFFERED, message, "LOKA-59")


@rule("NACKA-3")
def assessed_in_person(state: State, day: date, terms: Terms) -> Refusal | None:
    """Who applies for financial assistance is assessed in a physical meeting before the decision; others somehow."""
    in_person = {"channel": Channel.IN_PERSON} if state.client(terms).receives_eb else {}
    if state.latest(_K.ASSESSED, **in_person) or terms.overridden(day, DecisionAbout.OVERRIDE_ASSESSMENT, named=True):
        return None
    message = "No assessment meeting in person has been held." if in_person else "No assessment has been made."
    return refuse(RefusalCode.ASSESSMENT_MISSING, message, "NACKA-3")


@rule("NACKA-4")
def checked_with_af(state: State, day: date, terms: Terms) -> Refusal | None:
    """The employment service's direct interventions are looked at first; a suitable one goes before."""
    check = state.latest(_K.AF_CHECKED)
    if terms.overridden(day, DecisionAbout.OVERRIDE_AF_CHECK, named=True):
        return None
    if check is None:
        message = "No check against the employment service's direct interventions is recorded."
        return refuse(RefusalCode.AF_CHECK_MISSING, message, "NACKA-4")
    if check["result"] is AfCheckResult.SUITABLE:
        message = "The employment service has a suitable direct intervention."
        return refuse(RefusalCode.AF_CHECK_MISSING, message, "NACKA-4")
    return None


@rule("AMI-8.1-a", "AMI-8.1-b", "AMI-1.3.1-c", "AMI-7.1-a")
def described(state: State, terms: Terms) -> Refusal | None:
    """The assignment description: AMI 1 is planned full time; AMI 2 states other actors, extent, steps and quota."""
    plan = state.plan(terms)
    if terms.case.programme is Programme.AMI_1:
        if plan.extent_pct is not None and plan.extent_pct < 100:
            return refuse(RefusalCode.PLAN_INCOMPLETE, "AMI 1 is planned full time.", "AMI-7.1-a")
        return None
    if not any(fact.get("other_actors_checked") for fact in state.told if fact.kind is _K.DESCRIBED):
        message = "The assignment description does not say whether other actors are involved."
        return refuse(RefusalCode.PLAN_INCOMPLETE, message, "AMI-8.1-a")
    if plan.extent_pct is None:
        return refuse(RefusalCode.PLAN_INCOMPLETE, "The extent of participation is missing.", "AMI-8.1-b")
    if plan.job_search_quota is None:
        return refuse(RefusalCode.PLAN_INCOMPLETE, "The quota of job search is missing; none is 0.", "AMI-1.3.1-c")
    return None


EFFECTS: Mapping[FactKind, Effect] = MappingProxyType(
    {
        _K.REFERRED: referred,
        _K.PREPARATION_OPENED: preparation_opened,
        _K.PREPARED: prepared,
        _K.STEPPED_BACK: stepped_back,
        _K.ASSESSED: assessed,
        _K.AF_REGISTRATION_CHECKED: af_registration_checked,
        _K.CIRCUMSTANCES_CHANGED: circumstances_changed,
        _K.YOUTH_GUARANTEE_INFORMED: youth_guarantee_informed,
        _K.REJECTED: rejected,
        _K.REDIRECTED_TO_AF: redirected_to_af,
        _K.OWNER_ASSIGNED: owner_assigned,
    }
)
