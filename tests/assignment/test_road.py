"""From referral to decision: the guards of SM-A1 to SM-A6, each by the card of its rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kundval_assignment.domain import described_plan
from kundval_assignment.domain.eligibility import area_defined
from kundval_assignment.domain.state import OVERRIDES
from kundval_contracts.codes import AssignmentState, Need, Obstacle, ReferralSource, RiskGroup
from kundval_contracts.events import fact_event
from kundval_contracts.facts import load_fact
from kundval_contracts.profiles import profiles
from kundval_contracts.settings import RuleSettings, read_settings
from tests.acceptance.builders import fact

from . import lives
from .lives import D, live, person, refusals

S = AssignmentState
BOTH = ["EB", "LABOUR_MARKET_UNIT"]
FORUM = {"kramfors", "lilla_edet", "harnosand", "harryda", "ornskoldsvik"}
EIGHT = {"kramfors", "lilla_edet", "harnosand", "molndal", "timra", "harryda", "ornskoldsvik", "kungsbacka"}
REASON = fact(D, "decided", reason="r")


def prepared(municipality: str = "nacka", on: str = "2024-02-01", **referral: Any) -> list[dict[str, Any]]:
    """A life up to the assessment, in any municipality."""
    return [
        fact(on, "referred", **{"source": "EB", **referral}),
        fact(on, "preparation_opened"),
        fact(on, "prepared", relevant=True, purpose="p", parties=BOTH),
    ]


def without(facts: Any, *kinds: str) -> list[dict[str, Any]]:
    return [one for one in facts if one["fact"] not in kinds]


# --- SM-A1: where the client comes from ------------------------------------------------------------------


@pytest.mark.rule("LOKA-3", "LOKA-4")
@pytest.mark.parametrize("source", list(ReferralSource))
def test_every_source_of_referrals_is_taken(source: ReferralSource) -> None:
    more: dict[str, Any] = {"financier": "ESF"} if source is ReferralSource.PROJECT else {}
    more |= {"commission_end": "2024-09-01", "commission_question": "able to work?"}
    found = live([fact("2024-02-01", "referred", source=source.value, **more)], municipality="kramfors")
    assert found.rejections == ()
    assert found.state is S.REFERRED
    assert found.in_effect[0]["source"] is source


@pytest.mark.rule("LOKA-4")
@pytest.mark.parametrize("referrer", ["PROBATION", "REGION", "SOCIAL_SERVICES", "HEALTH_CARE"])
def test_whoever_refers_to_a_single_project_is_recorded_and_not_told(referrer: str) -> None:
    row = fact("2024-02-01", "referred", source="PROJECT", financier="COORDINATION_ASSOCIATION", referrer=referrer)
    found = live([row])
    assert found.in_effect[0]["referrer"] == referrer
    assert referrer not in str(fact_event("A-1", found.in_effect[0], 1))


@pytest.mark.rule("LOKA-7")
@pytest.mark.parametrize("municipality", sorted(EIGHT))
def test_residents_refer_themselves_only_in_three_of_the_eight(municipality: str) -> None:
    found = live([fact("2024-02-01", "referred", source="SELF")], municipality=municipality)
    if municipality in {"kungsbacka", "kramfors", "harnosand"}:
        assert found.state is S.REFERRED
    else:
        assert refusals(found) == [("SELF_REFERRAL_NOT_ALLOWED", ("LOKA-7",))]


@pytest.mark.rule("LOKA-5")
@pytest.mark.parametrize("source", ["AF", "AF_JOB", "FK"])
@pytest.mark.parametrize(
    ("fields", "complete"),
    [
        ({"commission_end": "2024-09-01", "commission_question": "q"}, True),
        ({"commission_end": "2024-09-01"}, False),
        ({"commission_question": "q"}, False),
        ({"commission_end": "2024-09-01", "commission_question": ""}, False),
        ({}, False),
        ({"override_reason": "agreed by phone"}, True),
        ({"override_reason": ""}, False),
    ],
)
def test_an_assignment_from_af_or_fk_has_an_end_and_a_question(
    source: str, fields: dict[str, Any], complete: bool
) -> None:
    found = live([fact("2024-02-01", "referred", source=source, **fields)])
    assert refusals(found) == ([] if complete else [("COMMISSION_INCOMPLETE", ("LOKA-5",))])


@pytest.mark.rule("LOKA-5")
@pytest.mark.parametrize("source", ["EB", "KAA", "OTHER"])
def test_other_referrals_need_neither(source: str) -> None:
    assert refusals(live([fact("2024-02-01", "referred", source=source)])) == []


CLOSED = {
    "source": "AF_JOB",
    "service": "AF_STRENGTHENED_WORK_TRAINING",
    "commission_end": "2024-01-01",
    "commission_question": "q",
}


@pytest.mark.rule("LOKA-6")
@pytest.mark.parametrize(("day", "taken"), [("2023-09-30", True), ("2023-10-01", False), ("2023-10-02", False)])
def test_we_50_the_closed_service_of_af_is_not_referred_from_october(day: str, taken: bool) -> None:
    found = live([fact(day, "referred", **CLOSED)], municipality="harnosand")
    assert refusals(found) == ([] if taken else [("SERVICE_CLOSED", ("LOKA-6",))])


@pytest.mark.rule("LOKA-6")
@pytest.mark.parametrize(("day", "taken"), [("2023-09-30", True), ("2023-10-01", False)])
def test_we_50_nor_decided_though_it_was_referred_before(day: str, taken: bool) -> None:
    facts = [*prepared(on="2023-09-20", **CLOSED), fact(day, "decided")]
    found = live(facts, programme="LOCAL", municipality="harnosand")
    assert refusals(found) == ([] if taken else [("SERVICE_CLOSED", ("LOKA-6",))])
    assert found.state is (S.DECIDED if taken else S.IN_ASSESSMENT)


@pytest.mark.rule("LOKA-6")
def test_other_assignments_from_af_go_on_after_october() -> None:
    row = fact("2024-02-01", "referred", source="AF", commission_end="2024-09-01", commission_question="q")
    assert refusals(live([row])) == []


@pytest.mark.rule("LOKA-63")
def test_the_legal_ground_is_the_labour_market_unless_another_is_stated() -> None:
    assert live([fact("2024-02-01", "referred", source="EB")]).in_effect[0]["ground"] == "LABOUR_MARKET"
    other = fact("2024-02-01", "referred", source="EB", ground="MEANINGFUL_OCCUPATION")
    assert live([other], municipality="timra").in_effect[0]["ground"] == "MEANINGFUL_OCCUPATION"


def test_an_assignment_is_referred_once_and_not_after_its_decision() -> None:
    twice = [fact("2024-02-01", "referred", source="EB"), fact("2024-02-02", "referred", source="KAA")]
    assert refusals(live(twice)) == [("ALREADY_REFERRED", ("SM-A1",))]
    late = [fact(D, "decided"), fact(D, "referred", source="EB")]
    assert refusals(live(late)) == [("ALREADY_REFERRED", ("SM-A1",))]


# --- SM-A2 to A4: preparation ------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-13")
@pytest.mark.parametrize(
    ("fields", "state", "refused"),
    [
        ({"relevant": True, "purpose": "towards a job"}, S.IN_ASSESSMENT, []),
        ({"relevant": True}, S.IN_PREPARATION, [("CONTENTS_MISSING", ("LOKA-13",))]),
        ({"relevant": True, "purpose": ""}, S.IN_PREPARATION, [("CONTENTS_MISSING", ("LOKA-13",))]),
        ({"relevant": False}, S.REJECTED, []),
    ],
)
def test_preparation_decides_relevance_and_purpose(fields: Any, state: AssignmentState, refused: Any) -> None:
    found = live([*lives.IN_PREPARATION, fact("2024-02-10", "prepared", **fields)])
    assert refusals(found) == refused
    assert found.state is state


@pytest.mark.rule("LOKA-14", "LOKA-15")
@pytest.mark.parametrize("municipality", sorted(EIGHT))
@pytest.mark.parametrize(
    ("parties", "joint"),
    [
        (BOTH, True),
        ([*BOTH, "AF"], True),
        (["EB"], False),
        (["LABOUR_MARKET_UNIT"], False),
        (["PLANNING_AND_FOLLOWUP_UNIT"], False),
        ([], False),
    ],
)
def test_a_forum_decides_jointly_and_an_own_unit_alone(municipality: str, parties: list[str], joint: bool) -> None:
    row = fact("2024-02-10", "prepared", relevant=True, purpose="p", parties=parties)
    found = live([*lives.IN_PREPARATION, row], municipality=municipality)
    legal = joint or municipality not in FORUM
    assert refusals(found) == ([] if legal else [("CONTENTS_MISSING", ("LOKA-14",))])


@pytest.mark.rule("LOKA-13")
def test_preparation_comes_after_a_referral_and_before_the_assessment() -> None:
    opened = fact("2024-02-05", "preparation_opened")
    done = fact("2024-02-06", "prepared", relevant=True, purpose="p", parties=BOTH)
    assert refusals(live([opened])) == [("NOT_REFERRED", ("SM-A2",))]
    assert refusals(live([*lives.REFERRED, done])) == [("NOT_PREPARED", ("SM-A3",))]
    assert refusals(live([*lives.REFERRED, fact("2024-02-06", "assessed", channel="IN_PERSON")])) == [
        ("NOT_PREPARED", ("SM-A3",))
    ]


@pytest.mark.parametrize(
    ("facts", "code"), [(lives.REFERRED, "FINISHED"), (lives.DECIDED, "FINISHED"), (lives.IN_PREPARATION, None)]
)
def test_only_what_is_prepared_or_assessed_is_rejected_sm_a4(facts: Any, code: str | None) -> None:
    found = live([*facts, fact(D, "rejected", reason="NOT_RELEVANT")])
    assert refusals(found) == ([(code, ("SM-A4",))] if code else [])


@pytest.mark.rule("LOKA-1")
def test_a_rejected_assignment_still_takes_notes_and_nothing_else() -> None:
    found = live(
        [*lives.REJECTED, fact("2024-02-20", "note", text="n"), fact("2024-02-20", "assessed", channel="PHONE")]
    )
    assert refusals(found) == [("FINISHED", ("NACKA-3",))]
    assert found.state is S.REJECTED


@pytest.mark.rule("LOKA-1")
@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (lives.IN_PREPARATION, S.REFERRED),
        (lives.IN_ASSESSMENT, S.IN_PREPARATION),
        (lives.OFFERED, S.AWAITING_CHOICE),
        (lives.ACCEPTED, S.AWAITING_CHOICE),
    ],
)
def test_one_can_go_back_a_step_before_the_decision_and_before_the_start(facts: Any, state: AssignmentState) -> None:
    found = live([*facts, fact("2024-03-22", "stepped_back")])
    assert refusals(found) == []
    assert found.state is state
    assert (found.after.offered, found.after.provider) == (None, None)


@pytest.mark.rule("LOKA-1")
@pytest.mark.parametrize(
    "facts", [lives.REFERRED, lives.DECIDED, lives.AWAITING_CHOICE, lives.ACTIVE, lives.SUSTAINABILITY]
)
def test_there_is_no_step_back_over_a_decision_or_a_start(facts: Any) -> None:
    assert refusals(live([*facts, fact("2024-12-01", "stepped_back")])) == [("NO_WAY_BACK", ("LOKA-1",))]


@pytest.mark.rule("LOKA-1")
def test_after_a_step_back_the_way_goes_on() -> None:
    again = [
        *lives.ACCEPTED,
        fact("2024-03-21", "stepped_back"),
        fact("2024-03-22", "provider_chosen", provider="beta"),
        fact("2024-03-23", "accepted"),
        fact("2024-03-28", "started"),
    ]
    found = live(again)
    assert refusals(found) == []
    assert found.after.provider == "beta"
    assert [provider for _, provider in found.after.timeline(found.terms).charges] == ["beta"]


@pytest.mark.rule("LOKA-1", "LOKA-61")
def test_a_unit_that_stepped_back_can_be_followed_by_another() -> None:
    local = [
        *prepared(),
        fact(D, "decided"),
        fact(D, "unit_assigned", unit="arbetscentrum"),
        fact("2024-03-16", "stepped_back"),
        fact("2024-03-17", "unit_assigned", unit="arbetsmarknadsteamet"),
    ]
    found = live(local, programme="LOCAL", municipality="lilla_edet")
    assert refusals(found) == []
    assert found.state is S.ACCEPTED


# --- the assessment ----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-1.1-a", "LOKA-11", "AF-GEN-2")
def test_needs_obstacles_and_risk_groups_are_kept_and_not_told() -> None:
    row = fact(
        "2024-02-20",
        "assessed",
        channel="IN_PERSON",
        needs=list(Need),
        obstacles=list(Obstacle),
        risk_groups=list(RiskGroup),
    )
    kept = live([*lives.IN_ASSESSMENT, row]).in_effect[-1]
    assert set(kept["needs"]) == set(Need)
    assert set(kept["obstacles"]) == set(Obstacle)
    assert len(RiskGroup) == 5 and set(kept["risk_groups"]) == set(RiskGroup)
    told = fact_event("A-1", kept, 1)
    assert [told[name] for name in ("needs", "obstacles", "risk_groups")] == [True, True, True]


@pytest.mark.rule("AMI-1.1-a")
def test_the_decision_states_the_needs() -> None:
    assert live(lives.DECIDED).in_effect[-1]["needs"] == [Need.WORK_TRAINING]


@pytest.mark.rule("NACKA-3")
@pytest.mark.parametrize("receives_eb", [True, False])
@pytest.mark.parametrize("channel", ["IN_PERSON", "PHONE", "VIDEO", "OTHER", None])
def test_an_applicant_for_assistance_is_assessed_in_a_physical_meeting(receives_eb: bool, channel: str | None) -> None:
    meeting = [fact("2024-02-20", "assessed", channel=channel)] if channel else []
    rest = [one for one in without(lives.ASSESSED, "assessed") if one["on"] > "2024-02-20"]
    found = live(
        [*lives.IN_ASSESSMENT, *meeting, *rest, REASON],
        who=person(receives_eb=receives_eb, in_kaa=True, birth_date="2004-05-17"),
    )
    legal = channel == "IN_PERSON" or (channel is not None and not receives_eb)
    assert refusals(found) == ([] if legal else [("ASSESSMENT_MISSING", ("NACKA-3",))])


@pytest.mark.rule("NACKA-3")
def test_a_meeting_in_person_counts_though_a_call_came_after_it_and_not_one_after_the_decision() -> None:
    call = fact("2024-03-01", "assessed", channel="PHONE")
    assert refusals(live([*lives.ASSESSED, call, REASON])) == []
    late = [*without(lives.ASSESSED, "assessed"), REASON, fact("2024-03-16", "assessed", channel="IN_PERSON")]
    assert refusals(live(late)) == [("ASSESSMENT_MISSING", ("NACKA-3",))]


def test_assistance_that_began_after_the_registration_asks_for_the_meeting_in_person() -> None:
    facts = [
        *without(lives.ASSESSED, "assessed"),
        fact("2024-02-24", "assessed", channel="PHONE"),
        fact("2024-02-25", "circumstances_changed", receives_eb=True),
        REASON,
    ]
    who = person(receives_eb=False, establishment_period_ended=True, language_obstacle=True)
    assert refusals(live(facts, who=who)) == [("ASSESSMENT_MISSING", ("NACKA-3",))]


@pytest.mark.rule("NACKA-4")
@pytest.mark.parametrize(
    ("checks", "legal"),
    [
        ([], False),
        (["NONE_SUITABLE"], True),
        (["SUITABLE"], False),
        (["SUITABLE", "NONE_SUITABLE"], True),
        (["NONE_SUITABLE", "SUITABLE"], False),
    ],
)
def test_a_decision_rests_on_a_check_that_found_nothing_suitable_at_af(checks: list[str], legal: bool) -> None:
    made = [fact(f"2024-02-2{3 + place}", "af_checked", result=one) for place, one in enumerate(checks)]
    found = live([*without(lives.ASSESSED, "af_checked"), *made, REASON])
    assert refusals(found) == ([] if legal else [("AF_CHECK_MISSING", ("NACKA-4",))])


@pytest.mark.rule("NACKA-4")
def test_the_check_says_when_it_was_made_and_that_a_person_looked() -> None:
    row = fact("2024-02-21", "af_checked", result="NONE_SUITABLE", manual=True)
    kept = live([*lives.IN_ASSESSMENT, row]).in_effect[-1]
    assert (kept.on.isoformat(), kept["result"], kept["manual"]) == ("2024-02-21", "NONE_SUITABLE", True)


@pytest.mark.rule("NACKA-4", "NACKA-6")
@pytest.mark.parametrize(("result", "legal"), [("SUITABLE", True), ("NONE_SUITABLE", False), (None, False)])
def test_whom_af_can_help_is_passed_on_and_freed_from_the_municipalitys_duty(result: str | None, legal: bool) -> None:
    check = [fact("2024-02-21", "af_checked", result=result)] if result else []
    found = live([*lives.IN_ASSESSMENT, *check, fact("2024-02-25", "redirected_to_af")])
    assert refusals(found) == ([] if legal else [("AF_CHECK_MISSING", ("NACKA-4",))])
    assert found.state is (S.REDIRECTED_TO_AF if legal else S.IN_ASSESSMENT)


# --- SM-A6: the decision -------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-5")
@pytest.mark.parametrize("reason", [None, ""])
def test_a_decision_states_why(reason: str | None) -> None:
    found = live([*lives.ASSESSED, fact(D, "decided", reason=reason)])
    assert refusals(found) == [("REASON_MISSING", ("NACKA-5",))]


def test_everything_that_is_missing_is_said_at_once() -> None:
    found = live([*lives.IN_ASSESSMENT, fact(D, "decided")], who=person(work_ability_pct=24, af_registered=False))
    (one,) = found.rejections
    assert set(one.rules) >= {"AMI-1.3-a", "AMI-1.3.2-a", "NACKA-3", "NACKA-4", "NACKA-5", "AMI-8.1-a"}


def test_a_decision_that_came_before_its_preparation_rejects_nobody() -> None:
    who = person(work_ability_pct=20)
    early = [*lives.REFERRED, fact("2024-02-02", "decided", reason="r"), *lives.IN_ASSESSMENT[1:]]
    assert live(early, who=who).state is S.IN_ASSESSMENT
    ineligible = [*lives.IN_ASSESSMENT, fact(D, "decided", reason="r")]
    assert live(ineligible, who=who).state is S.REJECTED
    # what else is refused afterwards takes nothing back
    assert live([*ineligible, fact("2024-03-16", "started")], who=who).state is S.REJECTED


@pytest.mark.rule("AMI-1.1-b")
def test_an_intervention_is_decided_once() -> None:
    found = live([*lives.DECIDED, fact("2024-03-16", "decided", reason="r")])
    assert refusals(found) == [("ALREADY_DECIDED", ("SM-A6",))]


@pytest.mark.rule("LOKA-59")
@pytest.mark.parametrize(
    ("municipality", "programme", "offered"),
    [
        ("nacka", "AMI_2", True),
        ("nacka", "LOCAL", False),
        ("trelleborg", "AMI_2", False),
        ("trelleborg", "SOM_1", True),
        ("kungsbacka", "LOCAL", True),
        ("kungsbacka", "LIFE_COORDINATION", False),
        ("lilla_edet", "LIFE_COORDINATION", True),
    ],
)
def test_only_what_the_profile_offers_is_decided(municipality: str, programme: str, offered: bool) -> None:
    facts = [*lives.ASSESSED, REASON]
    found = live(
        facts,
        programme=programme,
        municipality=municipality,
        who=person(work_ability_pct=20 if programme == "LIFE_COORDINATION" else 60),
    )
    assert ("LOKA-59" in {rule for _, rules in refusals(found) for rule in rules}) is not offered
    assert (found.state is S.DECIDED) is offered


@pytest.mark.rule("LOKA-59")
def test_every_municipality_decides_what_its_profile_offers() -> None:
    for key, profile in profiles().items():
        for programme in profile.programmes:
            full = programme in ("AMI_1", "JOBBPENG_BASIC", "JOBBPENG_ENHANCED")
            ability = 100 if full else 24 if programme == "LIFE_COORDINATION" else 60
            facts = [*(one for one in lives.ASSESSED if not (full and one["fact"] == "described")), REASON]
            area = "Västerås" if programme.is_rum else None
            found = live(facts, programme=programme, municipality=key, who=person(work_ability_pct=ability), area=area)
            assert (key, programme, refusals(found)) == (key, programme, [])


@pytest.mark.rule("AMI-8.1-a")
def test_the_description_of_ami_2_says_whether_others_are_involved() -> None:
    silent = fact("2024-02-22", "described", plan={"extent_pct": 100, "job_search_quota": 5})
    found = live([*without(lives.ASSESSED, "described"), silent, REASON])
    assert refusals(found) == [("PLAN_INCOMPLETE", ("AMI-8.1-a",))]
    said = fact("2024-02-23", "described", other_actors_checked=True)
    assert refusals(live([*without(lives.ASSESSED, "described"), silent, said, REASON])) == []


@pytest.mark.rule("AMI-8.1-b", "AMI-1.3.1-c")
@pytest.mark.parametrize(
    ("plan", "rules"),
    [
        ({"extent_pct": 100, "job_search_quota": 0}, None),
        ({"extent_pct": 100}, ("AMI-1.3.1-c",)),
        ({"job_search_quota": 5}, ("AMI-8.1-b",)),
        ({"extent_pct": 50, "job_search_quota": 5}, ("AMI-8.1-b",)),
        (
            {"extent_pct": 50, "job_search_quota": 5, "step_up": [{"from": "2024-06-01", "extent_pct": 99}]},
            ("AMI-8.1-b",),
        ),
        ({"extent_pct": 50, "job_search_quota": 5, "step_up": [{"from": "2024-06-01", "extent_pct": 100}]}, None),
        (
            {
                "extent_pct": 50,
                "job_search_quota": 5,
                "step_up": [{"from": "2024-06-01", "extent_pct": 40}, {"from": "2024-07-01", "extent_pct": 100}],
            },
            ("AMI-8.1-b",),
        ),
    ],
)
def test_ami_2_has_an_extent_steps_to_full_time_and_a_quota_that_may_be_none_but_not_missing(
    plan: dict[str, Any], rules: tuple[str, ...] | None
) -> None:
    described = fact("2024-02-22", "described", other_actors_checked=True, plan=plan)
    found = live([*without(lives.ASSESSED, "described"), described, REASON])
    assert refusals(found) == ([("PLAN_INCOMPLETE", rules)] if rules else [])


@pytest.mark.rule("AMI-8.1-b", "AMI-1.3.1-c")
def test_the_latest_description_with_a_plan_counts() -> None:
    facts = live(lives.ASSESSED).in_effect
    plan = described_plan(facts)
    assert plan is not None and (plan.extent_pct, plan.job_search_quota) == (50, 5)
    later = fact("2024-03-01", "described", plan={"extent_pct": 75, "job_search_quota": 0})
    silent = fact("2024-03-02", "described", practice_needed=True)
    plan = described_plan(live([*lives.ASSESSED, later, silent]).in_effect)
    assert plan is not None and (plan.extent_pct, plan.job_search_quota, plan.step_up) == (75, 0, ())
    assert described_plan(()) is None


@pytest.mark.rule("AMI-7.1-a")
@pytest.mark.parametrize(("extent", "legal"), [(100, True), (99, False), (50, False), (None, True)])
def test_ami_1_is_planned_full_time(extent: int | None, legal: bool) -> None:
    described = fact("2024-02-22", "described", plan={"extent_pct": extent})
    facts = [*without(lives.ASSESSED, "described"), described, REASON]
    found = live(facts, programme="AMI_1", who=person(work_ability_pct=100))
    assert refusals(found) == ([] if legal else [("PLAN_INCOMPLETE", ("AMI-7.1-a",))])


@pytest.mark.rule("AMI-1.3-b", "AMI-1.3-c", "AMI-1.3-d")
@pytest.mark.parametrize(
    ("born", "day", "client", "rule"),
    [
        ("1958-06-01", "2025-05-31", {}, None),
        ("1958-06-01", "2025-06-01", {}, "AMI-1.3-b"),
        ("2007-03-15", "2025-03-14", {}, "AMI-1.3-b"),
        ("2007-03-15", "2025-03-15", {}, None),
        ("2000-03-15", "2025-03-14", {"receives_eb": False}, None),
        ("2000-03-15", "2025-03-15", {"receives_eb": False}, "AMI-1.3-d"),
        ("2004-03-15", "2025-03-14", {"receives_eb": False, "outside_work_and_studies": False, "in_kaa": True}, None),
        (
            "2004-03-15",
            "2025-03-15",
            {"receives_eb": False, "outside_work_and_studies": False, "in_kaa": True},
            "AMI-1.3-c",
        ),
    ],
)
def test_we_34_ages_count_on_the_day_of_the_decision(
    born: str, day: str, client: dict[str, Any], rule: str | None
) -> None:
    found = live([*lives.ASSESSED, fact(day, "decided", reason="r")], who=person(birth_date=born, **client))
    assert (found.rejections == ()) is (rule is None)
    if rule is not None:
        (one,) = found.rejections
        assert one.code == "NOT_ELIGIBLE" and rule in one.rules
        assert found.state is S.REJECTED


@pytest.mark.rule("AMI-1.3-a", "AMI-7-a", "AMI-8-b")
@pytest.mark.parametrize(
    ("ability", "programme", "rule"),
    [
        (24, "AMI_2", "AMI-1.3-a"),
        (24, "AMI_1", "AMI-1.3-a"),
        (25, "AMI_2", None),
        (25, "AMI_1", "AMI-7-a"),
        (99, "AMI_2", None),
        (99, "AMI_1", "AMI-7-a"),
        (100, "AMI_1", None),
        (100, "AMI_2", None),
    ],
)
def test_we_35_work_ability_decides_which_intervention(ability: int, programme: str, rule: str | None) -> None:
    facts = without(lives.ASSESSED, "described") if programme == "AMI_1" else lives.ASSESSED
    found = live([*facts, REASON], programme=programme, who=person(work_ability_pct=ability))
    assert refusals(found) == ([("NOT_ELIGIBLE", (rule,))] if rule else [])


@pytest.mark.rule("AMI-1.3-e", "AMI-1.3-f", "AMI-7-a", "AMI-8-b")
def test_we_35_who_is_only_in_the_fourth_group_is_for_ami_2() -> None:
    who = person(
        work_ability_pct=100,
        receives_eb=False,
        af_registered=False,
        establishment_period_ended=True,
        language_obstacle=True,
    )
    first = live([*without(lives.ASSESSED, "described"), REASON], programme="AMI_1", who=who)
    assert refusals(first) == [("NOT_ELIGIBLE", ("AMI-7-a",))]
    assert refusals(live([*lives.ASSESSED, REASON], who=who)) == []


@pytest.mark.rule("LOKA-43")
@pytest.mark.parametrize(("ability", "sick", "legal"), [(24, False, True), (25, False, False), (60, True, True)])
def test_we_35_below_the_floor_life_is_coordinated_where_the_profile_has_it(
    ability: int, sick: bool, legal: bool
) -> None:
    by_referral = [*prepared(long_term_sick=sick), fact(D, "decided")]
    obstacles = ["LONG_TERM_SICK"] if sick else ["SOCIAL_NETWORK"]
    by_assessment = [
        *prepared(),
        fact("2024-02-20", "assessed", channel="IN_PERSON", obstacles=obstacles),
        fact(D, "decided"),
    ]
    for facts in (by_referral, by_assessment):
        found = live(
            facts, programme="LIFE_COORDINATION", municipality="lilla_edet", who=person(work_ability_pct=ability)
        )
        assert refusals(found) == ([] if legal else [("NOT_ELIGIBLE", ("LOKA-43",))])


@pytest.mark.rule("LOKA-43")
def test_elsewhere_there_is_no_formal_coordination_of_life() -> None:
    facts = [*prepared(long_term_sick=True), fact(D, "decided")]
    found = live(facts, programme="LIFE_COORDINATION", municipality="kramfors", who=person(work_ability_pct=20))
    assert "LOKA-43" in found.rejections[0].rules


@pytest.mark.rule("AMI-1.3.2-a")
def test_we_36_a_client_on_assistance_is_registered_at_af_before_the_decision() -> None:
    who = person(af_registered=False)
    blocked = live([*lives.ASSESSED, REASON], who=who)
    assert refusals(blocked) == [("AF_REGISTRATION_MISSING", ("AMI-1.3.2-a",))]
    assert blocked.state is S.IN_ASSESSMENT
    registered = fact("2024-03-14", "af_registration_checked", registered=True)
    assert refusals(live([*lives.ASSESSED, registered, REASON], who=who)) == []
    late = fact("2024-03-16", "af_registration_checked", registered=True)
    assert refusals(live([*lives.ASSESSED, REASON, late], who=who)) == [("AF_REGISTRATION_MISSING", ("AMI-1.3.2-a",))]
    lapsed = fact("2024-03-14", "af_registration_checked", registered=False)
    assert refusals(live([*lives.ASSESSED, lapsed, REASON])) == [("AF_REGISTRATION_MISSING", ("AMI-1.3.2-a",))]


@pytest.mark.rule("AMI-1.3.2-a")
@pytest.mark.parametrize(
    ("day", "fields", "legal"),
    [
        ("2024-03-14", {"by": "unit head", "reason": "card is being renewed"}, True),
        (D, {"by": "unit head", "reason": "card is being renewed"}, True),
        ("2024-03-16", {"by": "unit head", "reason": "card is being renewed"}, False),
        ("2024-03-14", {"by": "unit head"}, False),
        ("2024-03-14", {"reason": "card is being renewed"}, False),
        ("2024-03-14", {"by": "unit head", "reason": "no", "approved": False}, False),
    ],
)
def test_we_36_or_a_named_person_overrides_it_with_a_reason(day: str, fields: dict[str, Any], legal: bool) -> None:
    override = fact(day, "manual_decision", **{"about": "OVERRIDE_AF_REGISTRATION", "approved": True, **fields})
    found = live([*lives.ASSESSED, override, REASON], who=person(af_registered=False))
    assert (found.state is S.DECIDED) is legal
    if not legal:
        assert refusals(found)[-1] == ("AF_REGISTRATION_MISSING", ("AMI-1.3.2-a",))


@pytest.mark.rule("AMI-1.3.2-a")
def test_we_36_off_the_road_a_name_is_enough_as_the_format_has_no_reason() -> None:
    override = fact(D, "manual_decision", about="OVERRIDE_AF_REGISTRATION", approved=True, by="unit head")
    assert refusals(live([override, fact(D, "decided")], who=person(af_registered=False))) == []


@pytest.mark.rule("AMI-1.3.2-a")
def test_we_36_nothing_of_the_kind_is_asked_of_a_youth_without_assistance() -> None:
    youth = person(receives_eb=False, af_registered=False, in_kaa=True, birth_date="2005-05-17")
    assert refusals(live([*lives.ASSESSED, REASON], who=youth)) == []


@pytest.mark.rule("NACKA-3", "NACKA-4")
@pytest.mark.parametrize(("about", "kind"), [("OVERRIDE_ASSESSMENT", "assessed"), ("OVERRIDE_AF_CHECK", "af_checked")])
def test_meeting_and_check_are_overridden_by_a_named_person_with_a_reason(about: str, kind: str) -> None:
    facts = without(lives.ASSESSED, kind)
    named = fact("2024-03-01", "manual_decision", about=about, approved=True, by="unit head", reason="hospital")
    assert refusals(live([*facts, named, REASON])) == []
    for missing in ({"reason": None}, {"by": None}):
        codes = [code for code, _ in refusals(live([*facts, {**named, **missing}, REASON]))]
        assert len(codes) == 2 and codes[0] == "REASON_MISSING"
    assert len(refusals(live([*facts, {**named, "approved": False}, REASON]))) == 1
    assert {one.value for one in OVERRIDES} == {"OVERRIDE_AF_REGISTRATION", "OVERRIDE_AF_CHECK", "OVERRIDE_ASSESSMENT"}


@pytest.mark.rule("AMI-3.2-b")
def test_eligibility_looks_at_the_client_as_of_the_decision() -> None:
    better = fact("2024-03-14", "circumstances_changed", work_ability_pct=25)
    worse = fact("2024-03-16", "circumstances_changed", work_ability_pct=10)
    found = live([*lives.ASSESSED, better, REASON, worse], who=person(work_ability_pct=24))
    assert refusals(found) == []
    assert found.after.client(found.terms).work_ability_pct == 10
    late = live([*lives.ASSESSED, REASON, {**better, "on": "2024-03-16"}], who=person(work_ability_pct=24))
    assert refusals(late) == [("NOT_ELIGIBLE", ("AMI-1.3-a",))]


@pytest.mark.rule("AMI-1.3.3-a")
@pytest.mark.parametrize(
    ("told", "legal"), [("2024-03-17", True), ("2024-03-18", True), ("2024-03-19", False), (None, False)]
)
def test_a_young_adult_is_told_of_the_youth_guarantee_before_the_choice(told: str | None, legal: bool) -> None:
    facts = [*lives.AWAITING_CHOICE]
    if told:
        facts.append(fact(told, "youth_guarantee_informed"))
    facts.append(fact("2024-03-18", "provider_chosen", provider="alfa"))
    found = live(facts, who=person(birth_date="2002-05-17"))
    assert refusals(found) == ([] if legal else [("YOUTH_GUARANTEE_NOT_INFORMED", ("AMI-1.3.3-a",))])


@pytest.mark.rule("AMI-1.3.3-a")
def test_the_first_information_counts() -> None:
    facts = [fact("2024-02-01", "youth_guarantee_informed"), fact("2024-05-01", "youth_guarantee_informed")]
    found = live(facts)
    assert str(found.after.client(found.terms).youth_guarantee_informed_on) == "2024-02-01"


@pytest.mark.rule("AF-GEN-3")
@pytest.mark.parametrize(
    ("programme", "near", "legal"),
    [
        ("SOM_1", True, False),
        ("RUM_A", True, False),
        ("SOM_1", False, True),
        ("SOM_1", None, True),
        ("AMI_2", True, True),
    ],
)
def test_whom_af_judges_near_the_labour_market_is_not_for_afs_programmes(
    programme: str, near: bool | None, legal: bool
) -> None:
    judged = {} if near is None else {"near_labour_market": near}
    facts = [fact("2024-03-01", "af_checked", result="NONE_SUITABLE", **judged), fact(D, "decided")]
    found = live(facts, programme=programme, municipality="trelleborg", area="Västerås")
    assert refusals(found) == ([] if legal else [("NOT_ELIGIBLE", ("AF-GEN-3",))])


@pytest.mark.rule("AF-RUM-7", "AF-RUM-1")
@pytest.mark.parametrize(
    ("area", "legal"), [("Västerås", True), ("Umeå", True), ("Trelleborg", False), ("", False), (None, False)]
)
@pytest.mark.parametrize("level", ["RUM_A", "RUM_B", "RUM_C"])
def test_rusta_och_matcha_has_only_the_delivery_areas_of_its_two_models(
    level: str, area: str | None, legal: bool
) -> None:
    found = live([fact(D, "decided")], programme=level, municipality="trelleborg", area=area)
    assert refusals(found) == ([] if legal else [("AREA_UNDEFINED", ("AF-RUM-7",))])
    assert (area_defined(area, RuleSettings(read_settings({}), ())) is None) is legal


@pytest.mark.rule("AMI-0-b")
@pytest.mark.parametrize(("day", "legal"), [("2024-02-28", False), ("2024-02-29", True), ("2024-03-01", True)])
def test_the_rule_set_begins_on_its_day(day: str, legal: bool) -> None:
    found = live([*lives.ASSESSED, fact(day, "decided", reason="r")])
    assert refusals(found) == ([] if legal else [("BEFORE_RULESET", ("AMI-0-b",))])


# --- who holds the case ----------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-39", "LOKA-40")
@pytest.mark.parametrize("municipality", sorted(EIGHT))
def test_one_person_holds_the_case_unless_the_process_changes_hands(municipality: str) -> None:
    first = fact("2024-02-02", "owner_assigned", owner="u-1", function="CASE_WORKER")
    other = fact("2024-03-02", "owner_assigned", owner="u-2", function="BIP_COORDINATOR")
    same = fact("2024-03-02", "owner_assigned", owner="u-1", function="COORDINATOR")
    reasoned = {**other, "reason": "u-1 has left"}
    individual = municipality in FORUM  # the five with individual coordination are those with a forum
    assert refusals(live([*lives.REFERRED, first, same], municipality=municipality)) == []
    assert refusals(live([*lives.REFERRED, first, reasoned], municipality=municipality)) == []
    found = live([*lives.REFERRED, first, other], municipality=municipality)
    assert refusals(found) == ([("OWNER_CONSTANT", ("LOKA-39",))] if individual else [])


# --- off the road: what a caseload file may say (readings 4, 19, 20, 22, 39, 52) ------------------------------------


def test_off_the_road_the_decision_was_prepared_elsewhere() -> None:
    facts = [
        fact(D, "decided"),
        fact(D, "results_shown"),
        fact(D, "provider_chosen", provider="alfa"),
        fact(D, "accepted"),
        fact(D, "started"),
    ]
    found = live(facts)
    assert refusals(found) == []
    assert found.state is S.ACTIVE and not found.after.road
    assert refusals(live(facts, municipality="trelleborg")) == []


def test_off_the_road_there_is_nothing_to_prepare_and_no_step_back() -> None:
    assert refusals(live([fact("2024-02-01", "preparation_opened")])) == [("NOT_REFERRED", ("SM-A2",))]
    offered = [fact(D, "decided"), fact(D, "results_shown"), fact(D, "provider_chosen", provider="alfa")]
    assert refusals(live([*offered, fact(D, "stepped_back")])) == [("NO_WAY_BACK", ("LOKA-1",))]


# --- messages ----------------------------------------------------------------------------------------------------


def test_no_message_quotes_what_was_said_of_the_client() -> None:
    said = "the client told a secret"
    who = replace(person(work_ability_pct=13, af_registered=False), work_obstacle=True)
    facts = [
        fact("2024-02-01", "referred", source="AF", commission_question=said),
        fact("2024-02-01", "referred", source="EB", override_reason=said),
        fact("2024-02-02", "preparation_opened"),
        fact("2024-02-03", "prepared", relevant=True, purpose="", parties=[]),
        fact("2024-02-04", "decided", reason=said),
        fact("2024-02-05", "owner_assigned", owner="u-1", function="CASE_WORKER"),
        fact("2024-02-06", "owner_assigned", owner="u-2", function="CASE_WORKER"),
    ]
    found = live(facts, municipality="kramfors", who=who, programme="AMI_1")
    assert len(found.rejections) == 4
    for one in found.rejections:
        for secret in (said, "13", "1990", "u-1", "u-2"):
            assert secret not in one.message


def test_what_a_fact_says_in_words_is_loaded_and_kept() -> None:
    loaded = load_fact(
        fact("2024-02-01", "referred", source="FK", commission_end="2024-05-01", commission_question="q"), 0
    )
    assert loaded["commission_question"] == "q"
