"""Random legal lives of an assignment: step by step, on the road and off it, in every municipality and programme.

At each step a kind of fact is stated that the table of `test_state_machine` allows in the state, or one that leads on,
or now and then any; what is refused is left out, as by RPC. After each step the last lines of 8.1 must hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kundval_assignment.domain import Judgement, judge, milestones
from kundval_contracts.calendar import add_months
from kundval_contracts.case import Case, Client, Plan, Tenant
from kundval_contracts.codes import AssignmentState, FactKind, Programme, ReassessmentOutcome
from kundval_contracts.events import EVENTS
from kundval_contracts.exits import EXITS
from kundval_contracts.facts import FREE_TEXT, Fact, load_fact
from kundval_contracts.profiles import profiles
from kundval_contracts.rules import register
from kundval_contracts.timeline import Timeline
from tests.acceptance.builders import exited, fact
from tests.contracts import fact_values as values

from . import lives
from .lives import S, person
from .test_state_machine import TABLE

pytestmark = pytest.mark.slow

K = FactKind
DAYS = st.dates(date(2024, 1, 1), date(2026, 6, 30))
ROWS = {kind: values.rows(kind, DAYS) for kind in K}
#: no others are stated in a state of this kind (LOKA-1)
QUIET = {K.NOTE, K.COMMISSIONER_REPLIED, K.EB_PAID, K.MANUAL_DECISION, K.AF_REGISTRATION_CHECKED}
STEPS = 30

#: What leads on from each state, so that lives get far.
ONWARDS: dict[AssignmentState, list[dict[str, Any]]] = {
    S.REFERRED: [fact("", "preparation_opened")],
    S.IN_PREPARATION: [fact("", "prepared", relevant=True, purpose="p", parties=["EB", "LABOUR_MARKET_UNIT"])],
    S.IN_ASSESSMENT: [
        fact("", "assessed", channel="IN_PERSON", needs=["GUIDANCE"]),
        fact("", "af_checked", result="NONE_SUITABLE"),
        fact("", "described", other_actors_checked=True, plan={"extent_pct": 100, "job_search_quota": 0}),
        *[fact("", "decided", reason="r")] * 3,
        fact("", "af_checked", result="SUITABLE"),
        fact("", "redirected_to_af"),
    ],
    S.DECIDED: [fact("", "results_shown", snapshot="s-1"), fact("", "youth_guarantee_informed")],
    S.AWAITING_CHOICE: [fact("", "provider_chosen", provider=name) for name in ("alfa", "beta")],
    S.OFFERED: [fact("", "accepted"), fact("", "accepted"), fact("", "declined")],
    S.ACCEPTED: [fact("", "mapping_done"), fact("", "started"), fact("", "started")],
    S.ACTIVE: [
        fact("", "provider_switch", provider="beta", approved=True),
        fact("", "provider_switch", provider="alfa", approved=False),
        fact("", "hours_reported", hours_per_week="9.5"),
        fact("", "switch_notified", provider="beta"),
        exited("", "WORK_FULL_TIME", documents=[]),
        exited("", "STUDY_FULL_TIME"),
        exited("", "WORK_FULL_TIME"),
        exited("", "OWN_BUSINESS"),
        exited("", "STUDY_MIN_HALF_TIME", extent_pct=50, household_support=True),
        exited("", "BENEFIT_TEMPORARY"),
    ],
    S.REASSESSMENT: [
        fact("", "reassessed", outcome="NO_CHANGE"),
        fact("", "reassessed", outcome="REPLACE", next_intervention="A-2"),
    ],
    S.SWITCHING: [fact("", "manual_decision", about="SWITCH", approved=True, by="unit head")],
    S.EXITED_PENDING_REVIEW: [fact("", "manual_decision", about="BONUS", approved=True, by="unit head")],
    S.SUSTAINABILITY: [fact("", "broke_off"), fact("", "bonus_claimed", certified=True)],
    S.BROKEN_OFF: [fact("", "resumed", provider="beta"), fact("", "resumed", provider="alfa"), fact("", "not_resumed")],
    S.SETTLED: [fact("", "closed")],
    # an exit that does not qualify is closed too, and may be broken off
    S.CLOSED: [fact("", "support_after_exit"), fact("", "broke_off"), fact("", "note", text="n")],
}

WHO = {
    "adult": {"work_ability_pct": 60},
    "able": {"work_ability_pct": 100},
    "far": {"work_ability_pct": 20},
    "young": {"work_ability_pct": 100, "birth_date": "2003-04-05", "receives_eb": False},
}
#: (municipality, programme, on the road)
PLACES = [
    *((key, programme, True) for key, profile in profiles().items() for programme in profile.programmes),
    *((key, programme, False) for key in profiles() for programme in Programme),
]
#: the seed says all there is to know of a failure: nothing is gained by making it smaller
quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
#: steps of a subsidy case that a refusal may name, for they say nothing of the client
NAMED = {"ENQUIRED", "BASIS_COLLECTED", "AF_DECIDED"}


class Life:
    """A life so far: the facts that were stated and took effect, and the judgement on them."""

    def __init__(self, programme: Programme, client: Client, tenant: Tenant) -> None:
        self.case = Case("A-1", programme, Plan(), "Umeå" if programme.is_rum else None)
        self.client, self.tenant = client, tenant
        self.facts: list[Fact] = []
        self.refused: list[Fact] = []

    def judged(self, facts: Iterable[Fact], today: date) -> Judgement:
        return judge(self.case.having(facts), self.client, replace(self.tenant, business_date=today))

    def state(self, today: date) -> Judgement:
        return self.judged(self.facts, today)


def straight(municipality: str, programme: Programme, *, road: bool = True) -> list[dict[str, Any]]:
    """What is stated from the referral, or the decision, to an exit to work, where nothing comes between."""
    local, at_af = programme.is_local, programme.is_som or programme.is_rum
    before = [
        fact("", "referred", source="EB"),
        *ONWARDS[S.REFERRED],
        *ONWARDS[S.IN_PREPARATION],
        *ONWARDS[S.IN_ASSESSMENT][:3],
    ]
    unit = next(iter(profiles()[municipality].units))
    return [
        *(before if road else []),
        fact("", "decided", reason="r"),
        *([fact("", "unit_assigned", unit=unit)] if local else []),
        *([] if local or at_af else ONWARDS[S.DECIDED]),
        *([] if local else [ONWARDS[S.AWAITING_CHOICE][0], ONWARDS[S.OFFERED][0]]),
        *ONWARDS[S.ACCEPTED][:2],
        exited("", "WORK_FULL_TIME"),
    ]


def suits(programme: Programme) -> str:
    """Who may have the programme."""
    if programme is Programme.LIFE_COORDINATION:
        return "far"
    return "able" if programme is Programme.AMI_1 or programme.is_jobbpeng else "adult"


def statement(data: st.DataObject, chance: Random, state: AssignmentState, units: list[str]) -> dict[str, Any]:
    """Something to state next; its day comes later."""
    how = chance.random()
    if how < 0.4 and state in ONWARDS:
        choices = list(ONWARDS[state])
        if state is S.DECIDED:
            choices += [fact("", "unit_assigned", unit=unit) for unit in units[:2]]
            choices += [fact("", "provider_chosen", provider="alfa")]
        return dict(chance.choice(choices))
    legal = sorted(kind for kind, (states, _) in TABLE.items() if state in states)
    kind = chance.choice(legal if how < 0.85 and legal else sorted(TABLE))
    fields = TABLE[kind][1] if chance.random() < 0.5 else data.draw(ROWS[FactKind(kind)], kind)
    return {"fact": kind, **fields}


@quick
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_whatever_happens_in_a_legal_life_the_invariants_hold(data: st.DataObject, seed: int) -> None:
    chance = Random(seed)  # lives are to differ widely, and this spreads them evenly
    municipality, programme, road = chance.choice(PLACES)
    if chance.random() < 0.4:
        programme = chance.choice([Programme.AMI_1, Programme.AMI_2])
    who = suits(programme) if chance.random() < 0.8 else chance.choice(sorted(WHO))
    life = Life(programme, person(**WHO[who]), lives.tenant(municipality))
    units = list(profiles()[municipality].units)
    begin = straight(municipality, programme, road=road)
    if chance.random() < 0.5:
        begin = begin[: chance.randint(1 if road else 0, len(begin))]
    day = date(2024, 3, 1)
    found = life.state(day)
    for place in range(len(begin) + STEPS):
        row = begin[place] if place < len(begin) else statement(data, chance, found.state, units)
        if place >= len(begin):
            day += timedelta(days=chance.choice([0, 0, 0, 1, 7, 30, 95]))
        row = {**row, "on": day.isoformat()}
        if row["fact"] == "exited" and row.get("first_day") == "":
            row["first_day"] = row["on"]
        new = load_fact(row, place, f"f-{place}")
        before = life.state(day)
        after = life.judged([*life.facts, new], day)
        if after.rejections:
            the_refusal_says_why_and_tells_nothing(after, new, life)
            life.refused.append(new)
            # a refused fact changes nothing but the reason why a decision was not made
            if new.kind is not K.DECIDED:
                assert (after.in_effect, after.state, after.after) == (before.in_effect, before.state, before.after)
            continue
        life.facts.append(new)
        found = after
        the_story_is_possible(found, programme)
        the_reading_in_time_agrees(found, day)
        the_milestones_fit(found)
        # taking the last fact back gives what was before
        again = life.judged([one for one in found.in_effect if one.id != new.id], day)
        assert (again.state, again.after, again.changes_on) == (before.state, before.after, before.changes_on)
    arrival_does_not_matter(life, day, chance)
    time_alone_changes_the_state_when_it_says_so(life, day, chance)


# --- what holds after each step ---------------------------------------------------------------------------------


def the_refusal_says_why_and_tells_nothing(found: Judgement, new: Fact, life: Life) -> None:
    (one,) = found.rejections
    assert one.fact == new.place
    assert one.rules and one.message
    for rule in one.rules:
        assert rule in register() or re.fullmatch(r"SM-[A-Z]\d{1,2}", rule), rule
    for told in (*life.facts, new):
        for name in FREE_TEXT.get(told.kind, ()):
            for secret in texts(told.get(name)):
                assert len(secret) < 5 or secret in NAMED or secret not in one.message, (told.kind, name, one.message)
    assert str(life.client.birth_date.year) not in one.message
    assert f"{life.client.work_ability_pct} per cent" not in one.message
    assert values.SECRET not in one.message


def texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield str(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def the_story_is_possible(found: Judgement, programme: Programme) -> None:
    told = found.in_effect
    kinds = [one.kind for one in told]
    assert [one.on for one in told] == sorted(one.on for one in told)
    # one decision, one start, one referral, and none of them without what comes before
    assert max(kinds.count(kind) for kind in (K.DECIDED, K.STARTED, K.REFERRED, K.CLOSED)) <= 1
    if K.STARTED in kinds:
        assert K.DECIDED in kinds[: kinds.index(K.STARTED)]
    if found.state in (S.ACTIVE, S.REASSESSMENT, S.SWITCHING):
        assert K.DECIDED in kinds and K.STARTED in kinds
    at_af = programme.is_som or programme.is_rum
    for place, one in enumerate(told):
        if one.kind is K.PROVIDER_CHOSEN and not at_af:
            assert K.RESULTS_SHOWN in kinds[:place]
        if one.kind is K.DECIDED and found.after.road:
            decision_rests_on_what_the_road_asks(told[:place], one, programme)
    turns(told)
    exits_lead_where_they_may(found, programme)


def decision_rests_on_what_the_road_asks(told: tuple[Fact, ...], decision: Fact, programme: Programme) -> None:
    assert any(one.kind is K.PREPARED and one["relevant"] for one in told)
    if not (programme.is_ami or programme.is_jobbpeng):
        return
    assert decision["reason"]
    named = [one for one in told if one.kind is K.MANUAL_DECISION and one["approved"] and one.get("reason")]
    overridden = {one["about"].value for one in named}
    assert any(one.kind is K.ASSESSED for one in told) or "OVERRIDE_ASSESSMENT" in overridden
    checks = [one["result"].value for one in told if one.kind is K.AF_CHECKED]
    assert checks[-1:] == ["NONE_SUITABLE"] or "OVERRIDE_AF_CHECK" in overridden


def turns(told: tuple[Fact, ...]) -> None:
    """Start, exit, break-off and resumption take turns: never is an intervention ended twice, or run twice."""
    allowed = {
        None: {"started"},
        "started": {"exited"},
        "exited": {"broke_off"},
        "broke_off": {"resumed", "not_resumed"},
        "resumed": {"exited"},
        "not_resumed": set(),
    }
    before: str | None = None
    for one in told:
        turn = one.kind.value
        if one.kind is K.REASSESSED and one["outcome"] is ReassessmentOutcome.REPLACE:
            turn = "exited"
        if turn in ("started", "exited", "broke_off", "resumed", "not_resumed"):
            assert turn in allowed[before], (before, turn)
            before = turn


def exits_lead_where_they_may(found: Judgement, programme: Programme) -> None:
    told = found.in_effect
    timeline = found.after.timeline(found.terms)
    exits = [one for one in told if one.kind is K.EXITED]
    if found.state is S.SUSTAINABILITY:
        assert programme.is_ami
        assert EXITS[exits[-1]["kind"]].family != "OTHER"
    for place, one in enumerate(told):
        if one.kind is K.BONUS_CLAIMED:
            gone = [other for other in told[:place] if other.kind is K.EXITED]
            gone += [other for other in told[:place] if other.kind is K.REASSESSED and other.get("next_intervention")]
            assert programme.is_ami
            assert any(one.on >= add_months(max(other.on, other.get("first_day", other.on)), 6) for other in gone)
        if one.kind is K.RESUMED and timeline.end is not None:
            broken = [other for other in told[:place] if other.kind is K.BROKE_OFF][-1]
            assert one.on < timeline.end and broken.on < timeline.end
        if one.kind is K.BROKE_OFF:
            last = [other for other in told[:place] if other.kind is K.EXITED][-1]
            assert EXITS[last["kind"]].family != "OTHER"


def the_reading_in_time_agrees(found: Judgement, today: date) -> None:
    """The state machine and the reading that the other services share name the same provider, one at a time."""
    state, timeline = found.after, found.after.timeline(found.terms)
    assert [day for day, _ in timeline.charges] == sorted(day for day, _ in timeline.charges)
    if any(one.kind is K.STARTED for one in found.in_effect):
        # in Stöd och matchning a switch is known before the notice has run out and the new provider is in charge
        coming = [day for day, _ in timeline.charges] if found.terms.case.programme.is_som else []
        assert timeline.provider_on(max([today, *coming])) == state.provider
    for day, provider in timeline.charges:
        assert found.terms.authorised(provider, day)
    if state.phase is S.BROKEN_OFF:
        assert state.broke_off == timeline.exits[-1].break_off.on
    assert found.changes_on is None or found.changes_on > today
    if state.phase in (S.REJECTED, S.REDIRECTED_TO_AF):
        ended = [
            place
            for place, one in enumerate(found.in_effect)
            if one.kind in (K.REJECTED, K.REDIRECTED_TO_AF, K.PREPARED)
        ]
        assert {one.kind for one in found.in_effect[ended[-1] + 1 :]} <= QUIET


def the_milestones_fit(found: Judgement) -> None:
    hold = milestones(found.after, found.terms)
    for key, data in hold.items():
        schema = EVENTS[f"assignment.{key.partition(':')[0]}"].schema
        assert schema.validate({"assignment": "A-1", "revision": 1, **data}) == {}, key
    names = {key.partition(":")[0] for key in hold}
    assert ("exit_qualified" in names) or found.state is not S.SUSTAINABILITY
    assert ("settled" in names) or found.state is not S.SETTLED
    assert ("reassessment_requested" in names) or found.state is not S.REASSESSMENT


# --- what holds at the end ------------------------------------------------------------------------------------------


def arrival_does_not_matter(life: Life, today: date, chance: Random) -> None:
    everything = [*life.facts, *life.refused]
    shuffled = chance.sample(everything, len(everything))
    case = replace(life.case, facts=tuple(shuffled))
    tenant = replace(life.tenant, business_date=today)
    assert judge(case, life.client, tenant) == life.judged(everything, today)
    again = life.judged(life.facts, today)
    assert again.rejections == ()
    assert again.in_effect == tuple(life.facts)


def time_alone_changes_the_state_when_it_says_so(life: Life, today: date, chance: Random) -> None:
    now = life.state(today)
    later = today + timedelta(days=chance.randint(0, 800))
    then = life.judged(life.facts, later)
    assert then.in_effect == now.in_effect
    if now.changes_on is None or later < now.changes_on:
        assert then.state is now.state
    else:
        day_before = now.changes_on - timedelta(days=1)
        assert life.judged(life.facts, max(today, day_before)).state is now.state


# --- the generator itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("municipality", "programme"), [(k, p) for k, v in profiles().items() for p in v.programmes])
def test_a_life_from_its_profile_gets_from_the_referral_to_the_exit(municipality: str, programme: Programme) -> None:
    """Each of the ten municipalities: what leads on, told in order, leads through each of its programmes."""
    life = Life(programme, person(**WHO[suits(programme)]), lives.tenant(municipality))
    day = date(2024, 3, 1)
    for place, row in enumerate(straight(municipality, programme)):
        on = (day + timedelta(days=place)).isoformat()
        row = {**row, "on": on, **({"first_day": on} if row["fact"] == "exited" else {})}
        life.facts.append(load_fact(row, place, f"f-{place}"))
    found = life.state(day + timedelta(days=40))
    assert found.rejections == ()
    assert found.state is (S.SUSTAINABILITY if programme.is_ami else S.CLOSED)
    assert Timeline(life.case.having(found.in_effect), life.tenant.settings).exits
