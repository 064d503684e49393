"""The state machine of an assignment (rulebook 8.1): one fact at a time, taken into effect or refused.

`decide(state, fact, terms)` is the whole of it. Which standing a kind of fact asks for is a table; what it
changes, and the guards beyond the standing, are one small function for each kind that has any. Missing work
by a provider (guidance, plan, placement, reports) never stops a transition (reading 52, GAP-16).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from types import MappingProxyType

from kundval_contracts.case import Case, Client, Tenant
from kundval_contracts.codes import (
    AssignmentState,
    DecisionAbout,
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
from kundval_contracts.timeline import Timeline

from .eligibility import assess, groups_of

CONTENTS = ("schedule", "tasks", "follow_up")
#: Meetings that the municipality holds before there is a decision (NACKA-3, LOKA-14).
BEFORE_DECISION = frozenset({MeetingKind.ASSESSMENT, MeetingKind.FORUM})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a fact does not take effect. The message carries no personal data."""

    code: RefusalCode
    rules: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays the same while the facts of one assignment are told.

    overrides: what persons decided about the registration with the employment service. They count for the
    decision if made before or on its day, wherever they stand in the file.
    """

    case: Case
    client: Client
    tenant: Tenant
    overrides: tuple[Fact, ...] = ()

    def overridden(self, day: date) -> bool:
        made = [fact for fact in self.overrides if fact.on <= day]
        return bool(made and made[-1]["approved"])

    def authorised(self, provider: str, day: date) -> bool:
        known = self.tenant.providers.get(provider)
        since = known.authorised.get(self.case.programme) if known else None
        return since is not None and since <= day


@dataclass(frozen=True, slots=True)
class State:
    """Where an assignment stands after the facts told so far.

    told: the facts in effect, in order. offered: the provider whose answer is awaited. provider: the one in
    charge. pending: a switch that waits for approval. agreements: tripartite agreements in force, by workplace;
    changed: days on which one was changed. broke_off: day of the break-off that no resumption has followed.
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


_P = AssignmentState
_PAST_DECISION = frozenset(_P) - {_P.REFERRED, _P.IN_PREPARATION, _P.IN_ASSESSMENT, _P.REJECTED, _P.REDIRECTED_TO_AF}
_PAST_ACCEPTANCE = _PAST_DECISION - {_P.DECIDED, _P.AWAITING_CHOICE, _P.OFFERED}
_PAST_START = _PAST_ACCEPTANCE - {_P.ACCEPTED}


@dataclass(frozen=True, slots=True)
class Gate:
    """The standing a kind of fact asks for, and the rules named when it is not there."""

    standing: Standing
    rules: tuple[str, ...]


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
    }
)


def decide(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """The state after `fact`, with the fact told, or why it does not take effect."""
    gate = GATES[fact.kind]
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
    if need is Standing.EXITED and not any(one.kind is FactKind.EXITED for one in state.told):
        return Refusal(RefusalCode.NO_EXIT, gate.rules, "There is no exit from the intervention.")
    return None


# --- decision and choice -----------------------------------------------------------------------------


@rule("AMI-1.1-b")
def _decided(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A6: one decision, by the terms of eligibility on its day."""
    if state.phase in _PAST_DECISION:
        return Refusal(RefusalCode.ALREADY_DECIDED, ("SM-A6",), "The intervention has been decided already.")
    case, client, settings = terms.case, terms.client, terms.tenant.settings
    findings = assess(case.programme, client, case.plan, fact.on, settings, overridden=terms.overridden(fact.on))
    if findings:
        rules = tuple(dict.fromkeys(one for finding in findings for one in finding.rules))
        return Refusal(findings[0].code, rules, " ".join(finding.message for finding in findings))
    end = fact.get("end_date")
    if end is not None and end <= fact.on:
        return Refusal(RefusalCode.AFTER_END, ("SM-A6",), "The end date is not after the decision date.")
    groups = groups_of(client, fact.on, settings) if case.programme.is_ami else ()
    return replace(state, phase=_P.DECIDED, groups=groups)


@rule("NACKA-7")
def _results_shown(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A7: the providers' results have been shown, so the client may choose."""
    phase = _P.AWAITING_CHOICE if state.phase is _P.DECIDED else state.phase
    return replace(state, phase=phase, results_shown=True)


@rule("NACKA-7", "AMI-1.3.3-a")
def _provider_chosen(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A8: an informed choice of an authorised provider.

    While the intervention runs a choice belongs to a switch, after a break-off to a resumption: those facts
    move the charge, the choice is only recorded (readings 19, 20).
    """
    if not state.results_shown:
        return Refusal(
            RefusalCode.RESULTS_NOT_SHOWN, ("NACKA-7",), "The providers' results were not shown before the choice."
        )
    if state.phase is _P.EXITED_PENDING_REVIEW:
        return Refusal(RefusalCode.NOT_ACTIVE, ("SM-A8",), "The intervention has been ended.")
    refusal = _unauthorised(fact, terms)
    if refusal is not None:
        return refusal
    informed = terms.client.youth_guarantee_informed_on
    if TargetGroup.YOUNG_ADULT in state.groups and (informed is None or informed > fact.on):
        return Refusal(
            RefusalCode.YOUTH_GUARANTEE_NOT_INFORMED,
            ("AMI-1.3.3-a",),
            "A young adult must have been informed of the youth guarantee before the choice.",
        )
    if state.phase in _PAST_START:
        return replace(state, offered=fact["provider"])
    return replace(state, phase=_P.OFFERED, offered=fact["provider"], provider=None)


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
    phase = _P.AWAITING_CHOICE if state.phase is _P.OFFERED else state.phase
    return replace(state, phase=phase, offered=None)


# --- the intervention --------------------------------------------------------------------------------


def _started(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A11: the start-up meeting, once, within the intervention."""
    if state.phase is not _P.ACCEPTED:
        return Refusal(RefusalCode.ALREADY_STARTED, ("SM-A11",), "The intervention has started already.")
    end = state.timeline(terms).end
    if end is not None and fact.on >= end:
        return Refusal(RefusalCode.AFTER_END, ("SM-A11",), "The period of the intervention has ended.")
    return replace(state, phase=_P.ACTIVE)


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


@rule("AMI-8.1-d", "AMI-6.3.1-d")
def _monthly_report(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-R3: less than planned asks for the reason; a changed tripartite agreement is attached."""
    if not terms.case.programme.is_ami:
        return state
    timeline = state.timeline(terms)
    if timeline.anchor is None:
        return state
    month = timeline.month(fact["month"])
    plan, extent = terms.case.plan, fact.get("extent_pct")
    if terms.case.programme is Programme.AMI_2 and plan.extent_pct is not None and extent is not None:
        planned = [plan.extent_pct, *(step.extent_pct for step in plan.step_up if step.start <= month.start)][-1]
        if extent < planned and not fact.get("deviation_reason"):
            message = "The report states a smaller extent than planned and does not say why."
            return Refusal(RefusalCode.REASON_MISSING, ("AMI-8.1-d",), message)
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
    if fact["approved"]:
        return replace(state, provider=fact["provider"])
    return replace(state, pending=fact)


@rule("NACKA-14")
def _manual_decision(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """A person's decision. Only the one about a switch moves the assignment; the others are read by billing."""
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
    return replace(state, phase=_P.EXITED_PENDING_REVIEW, agreements=(), too_few_hours=False)


@rule("AMI-10.1-d")
def _broke_off(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A23: work, studies or business that an exit led to has ended; a benefit has nothing to break off."""
    exit_fact = [one for one in state.told if one.kind is FactKind.EXITED][-1]
    if state.phase is not _P.EXITED_PENDING_REVIEW or EXITS[exit_fact["kind"]].family == "OTHER":
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
    """Premium and bonus belong to AMI."""
    if not terms.case.programme.is_ami:
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
        rules = ("AMI-9-b",) if terms.case.programme is Programme.AMI_1 else ("AMI-10.2-c",)
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


_EFFECTS: Mapping[FactKind, Callable[[State, Fact, Terms], State | Refusal]] = MappingProxyType(
    {
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
        _K.RESULT_REPORTED: _other_programme,
        _K.EXTENDED: _other_programme,
    }
)


# --- where it stands ---------------------------------------------------------------------------------


def standing(state: State, terms: Terms) -> AssignmentState:
    """The state to show, on the tenant's business date if it has one: what time and matrix add to the facts.

    REASSESSMENT and SWITCHING are shown within ACTIVE (SM-A14, A17), a period that has run out waits for
    review (SM-A22), an exit is in its six months, closed, or waits for a person (SM-A20, A21).
    """
    today = terms.tenant.business_date
    if state.phase is _P.IN_ASSESSMENT:
        return _P.REJECTED if state.refused_eligibility else state.phase
    if state.phase not in (_P.ACTIVE, _P.EXITED_PENDING_REVIEW, _P.BROKEN_OFF):
        return state.phase
    timeline = state.timeline(terms)
    over = timeline.end is not None and today is not None and today >= timeline.end
    if state.phase is _P.ACTIVE:
        if over:
            return _P.EXITED_PENDING_REVIEW
        if state.pending is not None:
            return _P.SWITCHING
        return _P.REASSESSMENT if state.too_few_hours else state.phase
    if state.phase is _P.BROKEN_OFF:
        too_late = timeline.end is not None and state.broke_off is not None and state.broke_off >= timeline.end
        return _P.SETTLED if over or too_late else state.phase
    return _review(timeline)


def changes_on(state: State, terms: Terms) -> date | None:
    """The first later business date on which time alone may change `standing`: the end of what is not over (SM-A22)."""
    if state.phase not in (_P.ACTIVE, _P.BROKEN_OFF):
        return None
    end, today = state.timeline(terms).end, terms.tenant.business_date
    return end if end is not None and (today is None or today < end) else None


def _review(timeline: Timeline) -> AssignmentState:
    """First stage of the two-stage test for the latest exit (rulebook 2.11), with what persons have decided."""
    one = timeline.exits[-1]
    if not timeline.qualifies(one).ok:
        return _P.CLOSED
    if timeline.boundary(one):
        made = timeline.decision_for(one, DecisionAbout.BOUNDARY)
        if made is None:
            return _P.EXITED_PENDING_REVIEW
        return _P.SUSTAINABILITY if made["approved"] else _P.CLOSED
    if not timeline.in_time(one):
        return _P.CLOSED
    if timeline.needs_approval(one):
        made = timeline.decision_for(one, DecisionAbout.BONUS)
        if made is None:
            return _P.EXITED_PENDING_REVIEW
        return _P.SUSTAINABILITY if made["approved"] else _P.CLOSED
    return _P.SUSTAINABILITY


__all__ = ["GATES", "Gate", "Refusal", "Standing", "State", "Terms", "changes_on", "decide", "standing"]
