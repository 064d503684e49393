"""The state machine of an assignment (rulebook 8.1): one fact at a time, taken into effect or refused.

`decide(state, fact, terms)` is the whole of it. Which standing a kind of fact asks for is a table; what it
changes, and the guards beyond the standing, are one small function for each kind that has any. Missing work
by a provider (guidance, plan, placement, reports) never stops a transition (reading 52, GAP-16).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from kundval_contracts.codes import (
    AssignmentState,
    DecisionAbout,
    ExitKind,
    FactKind,
    MeetingKind,
    Programme,
    RefusalCode,
    Signatory,
    TargetGroup,
)
from kundval_contracts.exits import EXITS
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule
from kundval_contracts.som import last_day_with_old, track_on
from kundval_contracts.tariffs import Model, in_force
from kundval_contracts.timeline import Exit, Timeline, replaces

from . import after, road, work
from .base import Effect, Gate, Refusal, Standing, State, Terms, refuse
from .eligibility import Finding, assess, groups_of, tariff_in_force
from .local import life_coordination
from .som import may_refuse

#: What a person may let pass before a decision, and the rule that is let pass.
OVERRIDES: Mapping[DecisionAbout, str] = MappingProxyType(
    {
        DecisionAbout.OVERRIDE_AF_REGISTRATION: "AMI-1.3.2-a",
        DecisionAbout.OVERRIDE_AF_CHECK: "NACKA-4",
        DecisionAbout.OVERRIDE_ASSESSMENT: "NACKA-3",
    }
)
#: Further periods of 90 days that the employment service can grant (AF-SOM-7).
MOST_EXTENSIONS = 2
CONTENTS = ("schedule", "tasks", "follow_up")
#: Meetings that the municipality holds before there is a decision (NACKA-3, LOKA-14).
BEFORE_DECISION = frozenset({MeetingKind.ASSESSMENT, MeetingKind.FORUM})


_P = AssignmentState
_PAST_DECISION = frozenset(_P) - {_P.REFERRED, _P.IN_PREPARATION, _P.IN_ASSESSMENT, _P.REJECTED, _P.REDIRECTED_TO_AF}
_PAST_ACCEPTANCE = _PAST_DECISION - {_P.DECIDED, _P.AWAITING_CHOICE, _P.OFFERED}
_PAST_START = _PAST_ACCEPTANCE - {_P.ACCEPTED}

_K = FactKind
#: Columns "From" and "Rules" of the table in rulebook 8.1, by fact.
GATES: Mapping[FactKind, Gate] = MappingProxyType(
    {
        _K.DECIDED: Gate(Standing.ANY, ("SM-A6",)),
        _K.RESULTS_SHOWN: Gate(Standing.DECIDED, ("SM-A7",)),
        _K.PROVIDER_CHOSEN: Gate(Standing.DECIDED, ("SM-A8",)),
        _K.ACCEPTED: Gate(Standing.DECIDED, ("SM-A9",)),
        _K.DECLINED: Gate(Standing.DECIDED, ("SM-A10",)),
        _K.STARTED: Gate(Standing.ACCEPTED, ("SM-A11",)),
        _K.MAPPING_DONE: Gate(Standing.ACCEPTED, ("AMI-3-c",)),
        _K.PLAN_DONE: Gate(Standing.ACCEPTED, ("AMI-3-c",)),
        _K.STUDY_GUIDANCE: Gate(Standing.ACCEPTED, ("AMI-4.2-a",)),
        _K.WORK_GUIDANCE: Gate(Standing.ACCEPTED, ("AMI-4.1-a",)),
        _K.CONTACT: Gate(Standing.ACCEPTED, ("AMI-3-a",)),
        _K.JOBS_APPLIED: Gate(Standing.ACCEPTED, ("AMI-1.3.1-a",)),
        _K.PLACEMENT_STARTED: Gate(Standing.ACTIVE, ("SM-A12",)),
        _K.PLACEMENT_ENDED: Gate(Standing.STARTED, ("SM-A12",)),
        _K.HOURS_REPORTED: Gate(Standing.STARTED, ("SM-A14",)),
        _K.OFFER_DECLINED: Gate(Standing.STARTED, ("SM-A13",)),
        _K.GUIDE_NOTIFIED: Gate(Standing.ACCEPTED, ("AMI-10.1-e",)),
        _K.MEETING_BOOKED: Gate(Standing.DECIDED, ("AMI-8.2-b",)),
        _K.MEETING_HELD: Gate(Standing.DECIDED, ("AMI-8.2-a",)),
        _K.MEETING_MISSED: Gate(Standing.DECIDED, ("AMI-8.2-a",)),
        _K.MONTHLY_REPORT: Gate(Standing.ACCEPTED, ("SM-R3",)),
        _K.BIP_ASSESSED: Gate(Standing.DECIDED, ("LOKA-23",)),
        _K.PROVIDER_SWITCH: Gate(Standing.ACTIVE, ("SM-A17",)),
        _K.EXITED: Gate(Standing.STARTED, ("SM-A19",)),
        _K.PREMIUM_FOLLOW_UP: Gate(Standing.EXITED, ("SM-P6",)),
        _K.BROKE_OFF: Gate(Standing.EXITED, ("SM-A23",)),
        _K.RESUMED: Gate(Standing.DECIDED, ("AMI-10.1-d",)),
        _K.WORKPLACE_CHANGED: Gate(Standing.EXITED, ("AMI-10.2-d",)),
        _K.EB_PAID: Gate(Standing.ANY, ("AMI-9-d",)),
        _K.BONUS_CLAIMED: Gate(Standing.EXITED, ("SM-B6",)),
        _K.MANUAL_DECISION: Gate(Standing.ANY, ("SM-B8",)),
        _K.RESULT_REPORTED: Gate(Standing.ANY, ("AF-SOM-4",)),
        _K.EXTENDED: Gate(Standing.ANY, ("AF-SOM-7",)),
        _K.REFERRED: Gate(Standing.ANY, ("SM-A1",)),
        _K.PREPARATION_OPENED: Gate(Standing.ANY, ("SM-A2",)),
        _K.PREPARED: Gate(Standing.ANY, ("SM-A3",)),
        _K.STEPPED_BACK: Gate(Standing.ANY, ("LOKA-1",)),
        _K.ASSESSED: Gate(Standing.ANY, ("NACKA-3",)),
        _K.AF_CHECKED: Gate(Standing.ANY, ("NACKA-4",)),
        _K.AF_REGISTRATION_CHECKED: Gate(Standing.ANY, ("AMI-1.3.2-a",)),
        _K.CIRCUMSTANCES_CHANGED: Gate(Standing.ANY, ("AMI-3.2-b",)),
        _K.YOUTH_GUARANTEE_INFORMED: Gate(Standing.ANY, ("AMI-1.3.3-a",)),
        _K.REJECTED: Gate(Standing.ANY, ("SM-A4",)),
        _K.REDIRECTED_TO_AF: Gate(Standing.ANY, ("SM-A5",)),
        _K.DESCRIBED: Gate(Standing.ANY, ("AMI-8.1-a",)),
        _K.UNIT_ASSIGNED: Gate(Standing.DECIDED, ("SM-A9",)),
        _K.OWNER_ASSIGNED: Gate(Standing.ANY, ("LOKA-39",)),
        _K.TRACK_DECIDED: Gate(Standing.DECIDED, ("AF-SOM-8",)),
        _K.SWITCH_NOTIFIED: Gate(Standing.ACTIVE, ("AF-SOM-25",)),
        _K.ACTIVITY_PLANNED: Gate(Standing.ACCEPTED, ("LOKA-17",)),
        _K.ACTIVITY_HELD: Gate(Standing.ACCEPTED, ("LOKA-17",)),
        _K.ACTIVITY_ENDED: Gate(Standing.ACCEPTED, ("LOKA-17",)),
        _K.GROUP_ATTENDANCE: Gate(Standing.ACCEPTED, ("AMI-3-d",)),
        _K.JOB_SEARCH_RESTRICTED: Gate(Standing.ACCEPTED, ("AMI-1.3.1-a",)),
        _K.PLACEMENT_STEP: Gate(Standing.ACCEPTED, ("LOKA-35",)),
        _K.ADAPTATION_AGREED: Gate(Standing.STARTED, ("AMI-6.2-b",)),
        _K.AGREEMENT_SERVED: Gate(Standing.STARTED, ("AMI-6.3.1-b",)),
        _K.OFFER_MADE: Gate(Standing.STARTED, ("AMI-8-a",)),
        _K.INTEREST_EXPRESSED: Gate(Standing.ACCEPTED, ("LOKA-29",)),
        _K.OBSTACLE_FOUND: Gate(Standing.ACTIVE, ("AMI-7-c",)),
        _K.REASSESSED: Gate(Standing.ACTIVE, ("SM-A15",)),
        _K.DEVIATION_REVIEWED: Gate(Standing.STARTED, ("AMI-8.1-e",)),
        _K.SUBSIDY_STEP: Gate(Standing.ACCEPTED, ("LOKA-37",)),
        _K.REPRESENTED: Gate(Standing.ANY, ("LOKA-45",)),
        _K.CHECK_IN: Gate(Standing.ACCEPTED, ("LOKA-25",)),
        _K.PROGRESS_STEP: Gate(Standing.ACCEPTED, ("LOKA-50",)),
        _K.OTHER_ACTOR: Gate(Standing.ANY, ("AMI-8.1-a",)),
        _K.CONSENT_GIVEN: Gate(Standing.ANY, ("SM-A30",)),
        _K.CONSENT_WITHDRAWN: Gate(Standing.ANY, ("SM-A30",)),
        _K.COORDINATOR_REQUESTED: Gate(Standing.ACCEPTED, ("AMI-2.2-b",)),
        _K.COORDINATOR_BROKERED: Gate(Standing.ACCEPTED, ("AMI-2.2-b",)),
        _K.COORDINATOR_INFORMED: Gate(Standing.DECIDED, ("AMI-2.2-c",)),
        _K.ABSENCE_REPORTED: Gate(Standing.STARTED, ("NACKA-JP-3",)),
        _K.PLAN_BROKEN: Gate(Standing.STARTED, ("LOKA-30",)),
        _K.SIDE_TRACK_CHOSEN: Gate(Standing.DECIDED, ("LOKA-42",)),
        _K.BENEFIT_BASIS: Gate(Standing.DECIDED, ("LOKA-48",)),
        _K.COMMISSIONER_REPLIED: Gate(Standing.ANY, ("LOKA-5",)),
        _K.WAITING_FOR_AF: Gate(Standing.ANY, ("AF-SOM-34",)),
        _K.AF_ANSWERED: Gate(Standing.ANY, ("AF-SOM-34",)),
        _K.NOTE: Gate(Standing.ANY, ("LOKA-1",)),
        _K.TRIAL_CALCULATED: Gate(Standing.STARTED, ("AMI-9.3.6-b",)),
        _K.NOT_RESUMED: Gate(Standing.EXITED, ("SM-A25",)),
        _K.CLOSED: Gate(Standing.DECIDED, ("SM-A28",)),
        _K.SUPPORT_AFTER_EXIT: Gate(Standing.EXITED, ("SM-A29",)),
    }
)


#: Dialogue and follow-up go on in every state (LOKA-1); what others pay or look up is recorded whenever it is known.
_ALWAYS = frozenset({_K.NOTE, _K.COMMISSIONER_REPLIED, _K.EB_PAID, _K.MANUAL_DECISION, _K.AF_REGISTRATION_CHECKED})


@rule("LOKA-1")
def decide(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The state after `fact`, with the fact told, or why it does not take effect."""
    gate = GATES[fact.kind]
    if state.phase in road.ENDED and fact.kind not in _ALWAYS:
        return refuse(RefusalCode.FINISHED, "The assignment has ended before a decision.", *gate.rules)
    refusal = _stands(state, fact, gate)
    if refusal is not None:
        return refusal
    effect = _EFFECTS.get(fact.kind)
    after = state if effect is None else effect(state, fact, terms)
    return after if isinstance(after, Refusal) else replace(after, told=(*state.told, fact))


def _stands(state: State, fact: Fact, gate: Gate) -> Refusal | None:
    """The refusal of a fact that comes too early or too late in the life of the assignment."""
    need, phase = gate.standing, state.phase
    if fact.get("meeting") in BEFORE_DECISION:
        need = Standing.ANY
    if need >= Standing.DECIDED and phase not in _PAST_DECISION:
        return Refusal(RefusalCode.NOT_DECIDED, gate.rules, "There is no decision in effect.")
    if need is Standing.ACCEPTED and phase not in _PAST_ACCEPTANCE:
        return Refusal(RefusalCode.NOT_ACCEPTED, gate.rules, "No provider has accepted the assignment.")
    if need in (Standing.STARTED, Standing.ACTIVE) and phase not in _PAST_START:
        return Refusal(RefusalCode.NOT_ACTIVE, gate.rules, "The intervention has not started.")
    if need is Standing.ACTIVE and phase is not _P.ACTIVE:
        return Refusal(RefusalCode.NOT_ACTIVE, gate.rules, "The intervention has been ended.")
    if need is Standing.EXITED and not any(one.kind is FactKind.EXITED or replaces(one) for one in state.told):
        return Refusal(RefusalCode.NO_EXIT, gate.rules, "There is no exit from the intervention.")
    return None


# --- decision and choice -----------------------------------------------------------------------------


@rule("AMI-1.1-b")
def _decided(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A6: one decision, by the terms of eligibility on its day."""
    if state.phase in _PAST_DECISION:
        return Refusal(RefusalCode.ALREADY_DECIDED, ("SM-A6",), "The intervention has been decided already.")
    case, client, settings = terms.case, state.client(terms), terms.tenant.settings
    findings: list[Finding | Refusal] = [
        *assess(
            case.programme,
            client,
            state.plan(terms),
            fact.on,
            settings,
            overridden=terms.overridden(fact.on, named=state.road),
            area=case.delivery_area,
        ),
        *(road.ready_for_decision(state, fact, terms) if state.road else ()),
        *by_af(state, terms),
        *coordinated(state, terms),
    ]
    if findings:
        rules = tuple(dict.fromkeys(one for finding in findings for one in finding.rules))
        return Refusal(findings[0].code, rules, " ".join(finding.message for finding in findings))
    end = fact.get("end_date")
    if end is not None and end <= fact.on:
        return Refusal(RefusalCode.AFTER_END, ("SM-A6",), "The end date is not after the decision date.")
    groups = groups_of(client, fact.on, settings) if case.programme.is_ami else ()
    return replace(state, phase=_P.DECIDED, groups=groups)


@rule("AF-GEN-3")
def by_af(state: State, terms: Terms) -> tuple[Refusal, ...]:
    """AF's programmes: who is near the labour market is out, by AF's own judgement; nothing is computed here."""
    check = state.latest(_K.AF_CHECKED)
    programme = terms.case.programme
    if (programme.is_som or programme.is_rum) and check is not None and check.get("near_labour_market"):
        message = "The employment service judges the client to be near the labour market."
        return (refuse(RefusalCode.NOT_ELIGIBLE, message, "AF-GEN-3"),)
    return ()


@rule("LOKA-43")
def coordinated(state: State, terms: Terms) -> tuple[Refusal, ...]:
    """Formal coordination of life is for those whom AMI leaves out, where the profile has it."""
    if terms.case.programme is not Programme.LIFE_COORDINATION:
        return ()
    ability = state.client(terms).work_ability_pct
    if life_coordination(terms.profile, work_ability_pct=ability, long_term_sick=state.long_term_sick):
        return ()
    message = "Life coordination is for work ability under the floor, or long-term sickness, where it is offered."
    return (refuse(RefusalCode.NOT_ELIGIBLE, message, "LOKA-43"),)


@rule("LOKA-61")
def _unit_assigned(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Where clients do not choose a provider, a unit of the municipality takes the assignment."""
    if not terms.case.programme.is_local or state.phase not in (_P.DECIDED, _P.ACCEPTED):
        message = "A unit takes an assignment of the municipality's own process between decision and start."
        return refuse(RefusalCode.STEP_OUT_OF_ORDER, message, "SM-A9")
    if fact["unit"] not in terms.profile.units:
        return refuse(RefusalCode.UNIT_UNKNOWN, "The municipality's profile has no such unit.", "LOKA-61")
    return replace(state, phase=_P.ACCEPTED)


@rule("NACKA-7")
def _results_shown(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A7: the providers' results have been shown, so the client may choose; on the road it is said which."""
    if state.road and not fact.get("snapshot"):
        message = "It is not said which snapshot of the providers' results was shown."
        return refuse(RefusalCode.RESULTS_NOT_SHOWN, message, "NACKA-7")
    phase = _P.AWAITING_CHOICE if state.phase is _P.DECIDED else state.phase
    return replace(state, phase=phase, results_shown=True)


@rule("NACKA-7", "AMI-1.3.3-a")
def _provider_chosen(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A8: an informed choice of an authorised provider.

    While the intervention runs a choice belongs to a switch, after a break-off to a resumption: those facts
    move the charge, the choice is only recorded (readings 19, 20).
    """
    if not state.results_shown and not _chosen_at_af(terms):
        return Refusal(
            RefusalCode.RESULTS_NOT_SHOWN, ("NACKA-7",), "The providers' results were not shown before the choice."
        )
    if state.phase in (_P.EXITED_PENDING_REVIEW, _P.SETTLED):
        return Refusal(RefusalCode.NOT_ACTIVE, ("SM-A8",), "The intervention has been ended.")
    refusal = _unauthorised(fact, terms)
    if refusal is not None:
        return refusal
    informed = state.client(terms).youth_guarantee_informed_on
    if TargetGroup.YOUNG_ADULT in state.groups and (informed is None or informed > fact.on):
        return Refusal(
            RefusalCode.YOUTH_GUARANTEE_NOT_INFORMED,
            ("AMI-1.3.3-a",),
            "A young adult must have been informed of the youth guarantee before the choice.",
        )
    if state.phase in _PAST_START:
        return replace(state, offered=fact["provider"])
    return replace(state, phase=_P.OFFERED, offered=fact["provider"], provider=None)


@rule("AF-SOM-24")
def _chosen_at_af(terms: Terms) -> bool:
    """AF's jobseekers choose their supplier at AF, or AF chooses by its ranking; the order tells which."""
    return terms.case.programme.is_som or terms.case.programme.is_rum


def _accepted(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A9. A new provider's answer during the intervention is optional and moves nothing (reading 19)."""
    who = fact.get("provider") or state.offered or state.provider
    expected = {state.offered, state.provider, state.pending["provider"] if state.pending else None} - {None}
    if who is None or who not in expected:
        return Refusal(RefusalCode.PROVIDER_NOT_CHOSEN, ("SM-A9",), "The provider has not been chosen.")
    if state.phase is _P.OFFERED:
        return replace(state, phase=_P.ACCEPTED, offered=None, provider=who)
    return replace(state, offered=None if who == state.offered else state.offered)


def _declined(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A10: the client chooses again."""
    who = fact.get("provider") or state.offered
    if who is None or who != state.offered:
        return Refusal(RefusalCode.PROVIDER_NOT_CHOSEN, ("SM-A10",), "No offer to the provider waits for an answer.")
    if _chosen_at_af(terms) and not _may_decline(state, fact, terms):
        message = "A supplier may refuse only a placement shorter than the limit."
        return refuse(RefusalCode.MAY_NOT_REFUSE, message, "AF-SOM-26")
    phase = _P.AWAITING_CHOICE if state.phase is _P.OFFERED else state.phase
    return replace(state, phase=phase, offered=None)


@rule("AF-SOM-26")
def _may_decline(state: State, fact: Fact, terms: Terms) -> bool:
    """Less than 60 days are left from the proposed start (AMB-35: or in all); without an end nothing is short.

    A jobseeker who changes supplier has what is left of the period of 90 days, or of the latest extension (AF-SOM-7).
    """
    timeline, settings = state.timeline(terms), terms.tenant.settings
    start = fact.get("proposed_start", fact.on)
    if settings["som.refusal.basis"] == "TOTAL" and timeline.decided_on is not None:
        start = timeline.decided_on
    end = timeline.end
    if end is None and timeline.periods:
        end = timeline.periods[-1].end
    return end is not None and may_refuse(start, end, settings["som.refusal_below_days"])


# --- the intervention --------------------------------------------------------------------------------


def _started(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A11: the start-up meeting, once, within the intervention."""
    if state.phase is not _P.ACCEPTED:
        return Refusal(RefusalCode.ALREADY_STARTED, ("SM-A11",), "The intervention has started already.")
    end = state.timeline(terms).end
    if end is not None and fact.on >= end:
        return Refusal(RefusalCode.AFTER_END, ("SM-A11",), "The period of the intervention has ended.")
    if terms.case.programme is Programme.LOCAL and not mapped(state, terms):
        return refuse(RefusalCode.MAPPING_MISSING, "The initial mapping has not been made.", "LOKA-22")
    return replace(state, phase=_P.ACTIVE)


@rule("LOKA-22")
def mapped(state: State, terms: Terms) -> bool:
    """A municipality's own process begins with a mapping, unless its profile says that none is needed."""
    return not terms.profile.initial_mapping_required or state.latest(_K.MAPPING_DONE) is not None


@rule("AMI-6.3.1-a", "AMI-6.3.1-c")
def _placement_started(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A12: signed by three, with its three contents. Told again for the same workplace, it is a change.

    Too few hours do not stop the placement; it only does not fulfil AMI-8.3-b (reading 39).
    """
    if terms.case.programme.is_ami:
        signed = set(fact.get("signatures", ())) >= set(Signatory)
        agreement = fact.get("agreement", {})
        complete = all(agreement.get(name) for name in CONTENTS)
        if not (signed and complete):
            rules: list[str] = []
            if not signed:
                rules.append("AMI-6.3.1-a")
            if not complete:
                rules.append("AMI-6.3.1-c")
            message = "The tripartite agreement lacks a signature or one of its three contents."
            return Refusal(RefusalCode.AGREEMENT_INCOMPLETE, tuple(rules), message)
    stopped = work.may_be_placed(state, fact, terms)
    if stopped is not None:
        return stopped
    workplace = fact.get("workplace")
    before = next((one for one in state.agreements if one.get("workplace") == workplace), None)
    others = tuple(one for one in state.agreements if one is not before)
    changed = state.changed
    if before is not None and any(before.get(name) != fact.get(name) for name in ("hours_per_week", "agreement")):
        changed = (*changed, fact.on)
    return replace(state, agreements=(*others, fact), changed=changed)


def _placement_ended(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    workplace = fact.get("workplace")
    kept = tuple(one for one in state.agreements if workplace is not None and one.get("workplace") != workplace)
    return replace(state, agreements=kept, too_few_hours=state.too_few_hours and bool(kept))


@rule("AMI-3.2-a")
def _hours_reported(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A14: under ten hours a week at present calls for a new assessment; ten do not."""
    low = terms.tenant.settings["placement.min_hours_week"]
    return replace(state, too_few_hours=terms.case.programme.is_ami and fact["hours_per_week"] < low)


@rule("AMI-8.1-d", "AMI-6.3.1-d", "AMI-1.3.1-a")
def _monthly_report(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-R3: less than planned asks for the reason; a changed tripartite agreement is attached."""
    if not terms.case.programme.is_ami:
        return state
    timeline = state.timeline(terms)
    if timeline.anchor is None:
        return state
    month = timeline.month(fact["month"])
    plan, extent = state.plan(terms), fact.get("extent_pct")
    if terms.case.programme is Programme.AMI_2 and plan.extent_pct is not None and extent is not None:
        planned = [plan.extent_pct, *(step.extent_pct for step in plan.step_up if step.start <= month.start)][-1]
        if extent < planned and not fact.get("deviation_reason"):
            message = "The report states a smaller extent than planned and does not say why."
            return Refusal(RefusalCode.REASON_MISSING, ("AMI-8.1-d",), message)
    restricted = state.latest(_K.JOB_SEARCH_RESTRICTED)
    if restricted is not None and not fact.get("deviation_reason"):
        until = restricted.get("until")
        if restricted.on < month.end and (until is None or month.start < until):
            message = "The search for work was limited to a part of the country, and the report does not say why."
            return Refusal(RefusalCode.REASON_MISSING, ("AMI-1.3.1-a",), message)
    if any(day in month for day in state.changed) and not fact.get("attachments"):
        message = "The tripartite agreement was changed in the month; the change is not attached."
        return Refusal(RefusalCode.ATTACHMENT_MISSING, ("AMI-6.3.1-d",), message)
    return state


@rule("NACKA-14")
def _provider_switch(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A17, A18: at once if approved, else when a person approves it; D and the end stay (AMB-24)."""
    refusal = _unauthorised(fact, terms)
    if refusal is not None:
        return refusal
    end = state.timeline(terms).end
    if end is not None and fact.on >= end:
        return Refusal(RefusalCode.AFTER_END, ("NACKA-14",), "The period of the intervention has ended.")
    notified = state.latest(_K.SWITCH_NOTIFIED) is not None
    if _chosen_at_af(terms) and (state.road or notified):  # else the notice was dealt with elsewhere (reading 19)
        notice = state.latest(_K.SWITCH_NOTIFIED, provider=fact["provider"])
        if notice is None or fact.on <= last_day_with_old(notice.on, terms.tenant.settings["som.switch_notice_days"]):
            message = "The notice for switching supplier has not been given or has not run out."
            return refuse(RefusalCode.SWITCH_NOT_APPROVED, message, "AF-SOM-25")
    if fact["approved"]:
        return replace(state, provider=fact["provider"])
    return replace(state, pending=fact)


@rule("AF-SOM-8", "NACKA-11")
def _track_decided(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The employment service decides the track; a change keeps within the same service.

    The assignment stays locked to the tariffs of its decision date, so the new track must have one then, with a base.
    """
    mine, new = terms.case.programme, fact["programme"]
    if not ((mine.is_som and new.is_som) or (mine.is_rum and new.is_rum)):
        return refuse(RefusalCode.WRONG_PROGRAMME, f"{mine} has no track {new}.", "AF-SOM-8")
    decided_on, settings, area = state.timeline(terms).decided_on, terms.tenant.settings, terms.case.delivery_area
    if decided_on is None:
        return state
    missing = tariff_in_force(new, decided_on, settings, area)
    if missing is not None:
        return Refusal(missing.code, missing.rules, missing.message)
    base = Model.SOM_PERIOD_BASE if mine.is_som else Model.RUM_MONTH_BASE
    if in_force(settings, new, decided_on, area).part(base) is None:
        return refuse(RefusalCode.NO_TARIFF, f"The tariff of {new} on the decision date has no base.", "NACKA-11")
    return state


@rule("AF-SOM-7")
def _extended(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """AF extends by a further period, once or twice (reading 15), or as often as is set for the track on that day."""
    if not state.timeline(terms).period_days:
        return _other_programme(state, fact, terms)
    track = track_on(terms.case.programme, state.told, fact.on)
    most = (terms.tenant.settings["som.extensions"] or {}).get(track.value, MOST_EXTENSIONS)
    if sum(1 for one in state.told if one.kind is _K.EXTENDED) >= most:
        message = f"There are at most {most} further periods."
        return refuse(RefusalCode.TOO_MANY_EXTENSIONS, message, "AF-SOM-7")
    return state


@rule("AF-SOM-4", "AF-RUM-4")
def _result_reported(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Result compensation, decided by who pays: in all no more than the highest sum of the track on that day."""
    timeline = state.timeline(terms)
    if timeline.tariff is None or not timeline.tariff.has(Model.REPORTED_RESULT):
        return _other_programme(state, fact, terms)
    if timeline.decided_on is None:
        return Refusal(RefusalCode.NOT_DECIDED, GATES[fact.kind].rules, "There is no decision in effect.")
    track = track_on(terms.case.programme, state.told, fact.on)
    held = in_force(terms.tenant.settings, track, timeline.decided_on, terms.case.delivery_area)
    part = held.part(Model.REPORTED_RESULT)
    if part is None:
        return _other_programme(state, fact, terms)
    highest = held.find(part, "ceiling")
    before = sum((one["amount"] for one in state.told if one.kind is _K.RESULT_REPORTED), Decimal(0))
    if highest is None or before + fact["amount"] <= highest.value:
        return state
    message = f"The results would be {before + fact['amount']} in all; the highest sum is {highest.value}."
    return refuse(RefusalCode.ABOVE_MAXIMUM, message, *part.rules)


@rule("NACKA-14", "AMI-1.3.2-a")
def _manual_decision(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """A person's decision. Only the one about a switch moves the assignment; the others are read by billing.

    On the road, what lets a guard of the decision pass has a name and a reason.
    """
    if state.road and fact["about"] in OVERRIDES and not (fact.get("by") and fact.get("reason")):
        message = "Who lets a guard of the decision pass says so by name, and why."
        return refuse(RefusalCode.REASON_MISSING, message, OVERRIDES[fact["about"]])
    if fact["about"] is not DecisionAbout.SWITCH or state.pending is None:
        return state
    provider = state.pending["provider"] if fact["approved"] else state.provider
    return replace(state, provider=provider, pending=None)


# --- exit and after ----------------------------------------------------------------------------------


@rule("AMI-1.2-b")
def _exited(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A19: a running intervention is ended, in time or not; what it gives is billing's answer."""
    if state.phase is not _P.ACTIVE:
        return Refusal(RefusalCode.NOT_ACTIVE, ("AMI-1.2-b",), "The intervention has been ended already.")
    undecided = work.subsidy_decided(state, fact)
    if undecided is not None:
        return undecided
    if state.road and fact["kind"] is ExitKind.OTHER_INTERVENTION and not fact.get("next_intervention"):
        message = "An exit to another intervention names the assignment of that intervention."
        return refuse(RefusalCode.DECISION_MISSING, message, "AMI-1.2-b")
    return replace(state, phase=_P.EXITED_PENDING_REVIEW, agreements=(), too_few_hours=False, reassessing=False)


@rule("AMI-10.1-d")
def _broke_off(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A23: work, studies or business that an exit led to has ended; a benefit has nothing to break off."""
    if state.closed:
        return refuse(RefusalCode.FINISHED, "The assignment has been closed.", "SM-A28")
    ended = state.latest(FactKind.EXITED, FactKind.REASSESSED)
    family = EXITS[ended["kind"]].family if ended is not None and ended.kind is FactKind.EXITED else "OTHER"
    if state.phase is not _P.EXITED_PENDING_REVIEW or family == "OTHER":
        return Refusal(RefusalCode.NO_EXIT, ("SM-A23",), "There is no work or study in progress to break off.")
    return replace(state, phase=_P.BROKEN_OFF, broke_off=fact.on)


@rule("AMI-10.1-d")
def _resumed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A24: after a break-off, before the end, with the same or another provider (reading 20)."""
    if state.phase is not _P.BROKEN_OFF or state.broke_off is None:
        return Refusal(RefusalCode.NO_BREAK_OFF, ("AMI-10.1-d",), "There is no break-off to resume from.")
    end = state.timeline(terms).end
    if end is not None and (fact.on >= end or state.broke_off >= end):
        return Refusal(RefusalCode.AFTER_END, ("AMI-10.1-d",), "The period of the intervention has ended.")
    refusal = _unauthorised(fact, terms)
    if refusal is not None:
        return refusal
    return replace(state, phase=_P.ACTIVE, provider=fact["provider"], offered=None, broke_off=None)


@rule("AMI-9-a")
def _only_ami(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Premium and bonus belong to AMI, and to programmes whose tariff is built of the same parts."""
    if not state.timeline(terms).pays_for_sustained_exits:
        message = f"{terms.case.programme} has no premium and no bonus."
        return Refusal(RefusalCode.WRONG_PROGRAMME, ("AMI-9-a",), message)
    return state


@rule("AMI-9-b", "AMI-10.2-c")
def _bonus_claimed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-B5, B6: from the settle date on; before it the claim is premature (reading 28).

    With two exits the earliest settle date counts of those whose six months no break-off has cut short.
    """
    outside = _only_ami(state, fact, terms)
    if isinstance(outside, Refusal):
        return outside
    timeline = state.timeline(terms)
    alive = [one for one in timeline.exits if not timeline.broke_off_before_settle(one)] or timeline.exits[-1:]
    settle = min(timeline.window(one).end for one in alive)
    if fact.on < settle:
        rules = ("AMI-10.2-c",) if timeline.has_part(Model.RESULT_BONUS_TIERS) else ("AMI-9-b",)
        return Refusal(RefusalCode.CLAIM_PREMATURE, rules, f"The bonus cannot be claimed before {settle}.")
    return state


def _other_programme(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """Facts of the employment service's programmes."""
    rules = GATES[fact.kind].rules
    return Refusal(RefusalCode.WRONG_PROGRAMME, rules, f"{terms.case.programme} knows no fact of this kind.")


@rule("NACKA-1")
def _unauthorised(fact: Fact, terms: Terms) -> Refusal | None:
    """Only a provider authorised for the programme on the day can be chosen (readings 19, 57)."""
    if terms.authorised(fact["provider"], fact.on):
        return None
    message = f"The provider is not authorised for {terms.case.programme} on that day."
    return Refusal(RefusalCode.PROVIDER_NOT_AUTHORISED, ("NACKA-1",), message)


def _consent(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A30: at any time before the assignment is closed, by a person or because an exit does not qualify."""
    seen = replace(terms, tenant=replace(terms.tenant, business_date=fact.on))
    if standing(state, seen) is _P.CLOSED:
        return refuse(RefusalCode.FINISHED, "The assignment has been closed.", "SM-A30")
    return state


def _closed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A28: what is settled is closed by a person who sees no open correction."""
    if state.closed:
        return refuse(RefusalCode.FINISHED, "The assignment has been closed already.", "SM-A28")
    seen = replace(terms, tenant=replace(terms.tenant, business_date=fact.on))
    if standing(state, seen) is not _P.SETTLED:
        return refuse(RefusalCode.NOT_SETTLED, "The assignment is not settled.", "SM-A28")
    return replace(state, closed=True)


_EFFECTS: Mapping[FactKind, Effect] = MappingProxyType(
    {
        **road.EFFECTS,
        **work.EFFECTS,
        **after.EFFECTS,
        _K.UNIT_ASSIGNED: _unit_assigned,
        _K.TRACK_DECIDED: _track_decided,
        _K.CLOSED: _closed,
        _K.CONSENT_GIVEN: _consent,
        _K.CONSENT_WITHDRAWN: _consent,
        _K.DECIDED: _decided,
        _K.RESULTS_SHOWN: _results_shown,
        _K.PROVIDER_CHOSEN: _provider_chosen,
        _K.ACCEPTED: _accepted,
        _K.DECLINED: _declined,
        _K.STARTED: _started,
        _K.PLACEMENT_STARTED: _placement_started,
        _K.PLACEMENT_ENDED: _placement_ended,
        _K.HOURS_REPORTED: _hours_reported,
        _K.MONTHLY_REPORT: _monthly_report,
        _K.PROVIDER_SWITCH: _provider_switch,
        _K.MANUAL_DECISION: _manual_decision,
        _K.EXITED: _exited,
        _K.BROKE_OFF: _broke_off,
        _K.RESUMED: _resumed,
        _K.PREMIUM_FOLLOW_UP: _only_ami,
        _K.BONUS_CLAIMED: _bonus_claimed,
        _K.RESULT_REPORTED: _result_reported,
        _K.EXTENDED: _extended,
    }
)


# --- where it stands ---------------------------------------------------------------------------------


def standing(state: State, terms: Terms) -> AssignmentState:
    """The state to show, on the tenant's business date if it has one: what time and matrix add to the facts.

    REASSESSMENT and SWITCHING are shown within ACTIVE (SM-A14, A17), a period that has run out waits for
    review (SM-A22), an exit is in its six months, closed, or waits for a person (SM-A20, A21).
    """
    today = terms.tenant.business_date
    if state.closed:
        return _P.CLOSED
    if state.phase is _P.IN_ASSESSMENT:
        return _P.REJECTED if state.refused_eligibility else state.phase
    if state.phase not in (_P.ACTIVE, _P.EXITED_PENDING_REVIEW, _P.BROKEN_OFF):
        return state.phase
    timeline = state.timeline(terms)
    over = timeline.end is not None and today is not None and today >= timeline.end
    if state.phase is _P.ACTIVE:
        if over:
            return _P.EXITED_PENDING_REVIEW
        if state.pending is not None or must_choose_anew(state, terms):
            return _P.SWITCHING
        return _P.REASSESSMENT if state.too_few_hours or state.reassessing else state.phase
    if state.phase is _P.BROKEN_OFF:
        too_late = timeline.end is not None and state.broke_off is not None and state.broke_off >= timeline.end
        return _P.SETTLED if over or too_late else state.phase
    last = timeline.exits[-1]
    found = review(timeline, last)
    settled = settled_from(timeline, last) if found is _P.SUSTAINABILITY else None
    return _P.SETTLED if settled is not None and today is not None and today >= settled else found


@rule("NACKA-16")
def must_choose_anew(state: State, terms: Terms) -> bool:
    """The provider in charge has been de-authorised by the business date: the client must choose anew (SM-V4)."""
    known, today = terms.tenant.providers.get(state.provider or ""), terms.tenant.business_date
    ended = known.deauthorised.get(terms.case.programme) if known else None
    return ended is not None and today is not None and today >= ended


@rule("AMI-10.1-a", "AMI-9-b", "AMI-10.2-c")
def settled_from(timeline: Timeline, one: Exit) -> date | None:
    """SM-A27: the day from which premium and bonus of the exit are both done; None while the bonus is open.

    The premium is done when the intervention's months are over. The bonus is decided by a person's refusal, by a
    break-off or by a certified claim with its evidence.
    """
    if timeline.end is None:
        return None
    decided: date | None = None
    refusal = timeline.decision_for(one, DecisionAbout.BONUS)
    if refusal is not None and not refusal["approved"]:
        decided = refusal.on
    elif timeline.broke_off_before_settle(one) and one.break_off is not None:
        decided = one.break_off.on
    else:
        complete = timeline.documents_complete_on(one)
        claim = next((fact for fact in timeline.claims(one) if fact["certified"]), None)
        if claim is not None and complete is not None:
            decided = max(claim.on, complete)
    return None if decided is None else max(decided, timeline.end)


def changes_on(state: State, terms: Terms) -> date | None:
    """The first later business date on which time alone may change `standing`: the end of what is not over (SM-A22),
    the settling of what is decided (SM-A27), the de-authorisation of the provider (SM-V4).
    """
    if state.closed or state.phase not in (_P.ACTIVE, _P.BROKEN_OFF, _P.EXITED_PENDING_REVIEW):
        return None
    timeline, today = state.timeline(terms), terms.tenant.business_date
    if state.phase is _P.EXITED_PENDING_REVIEW:
        last = timeline.exits[-1]
        days = [settled_from(timeline, last) if review(timeline, last) is _P.SUSTAINABILITY else None]
    else:
        known = terms.tenant.providers.get(state.provider or "")
        days = [timeline.end, known.deauthorised.get(terms.case.programme) if known else None]
    return min((day for day in days if day is not None and (today is None or today < day)), default=None)


def review(timeline: Timeline, one: Exit) -> AssignmentState:
    """First stage of the two-stage test for an exit (rulebook 2.11), with what persons have decided: SUSTAINABILITY,
    CLOSED, or EXITED_PENDING_REVIEW while a person must decide.
    """
    if not timeline.qualifies(one).ok:
        return _P.CLOSED
    if timeline.boundary(one):
        made = timeline.decision_for(one, DecisionAbout.BOUNDARY)
    elif not timeline.in_time(one):
        return _P.CLOSED
    elif timeline.needs_approval(one):
        made = timeline.decision_for(one, DecisionAbout.BONUS)
    else:
        return _P.SUSTAINABILITY
    if made is None:
        return _P.EXITED_PENDING_REVIEW
    return _P.SUSTAINABILITY if made["approved"] else _P.CLOSED


__all__ = [
    "GATES",
    "Gate",
    "Refusal",
    "Standing",
    "State",
    "Terms",
    "changes_on",
    "decide",
    "review",
    "settled_from",
    "standing",
]
