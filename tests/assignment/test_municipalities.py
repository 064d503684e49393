"""Each of the ten municipalities runs a life from end to end, by its profile.

No municipality is named here, as none is in the code: which roads there are, who prepares, what is refused and what is
given after the exit is read from the profiles, which are loaded as the service loads them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import psycopg
import pytest

from kundval_contracts.client import Client
from kundval_contracts.codes import (
    AssignmentState,
    CoordinationModel,
    Need,
    Obstacle,
    PlacementStepKind,
    PreparationModel,
    Programme,
    ReferralSource,
    SubsidyStepKind,
)
from kundval_contracts.errors import FactRefused
from kundval_contracts.profiles import Activity, Admission, Profile, profiles
from kundval_contracts.transitions import TRANSITIONS
from tests.acceptance.builders import client as about
from tests.acceptance.builders import fact
from tests.suite import Suite, Town, client, suite

from .lives import AGREEMENT, SIGNED

__all__ = ["client", "suite"]

Row = dict[str, Any]
S = AssignmentState
ALL = profiles()
COMMISSIONERS = {ReferralSource.AF, ReferralSource.AF_JOB, ReferralSource.FK}
PARTIES = ["EB", "LABOUR_MARKET_UNIT"]
FEES = {"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000, "figures.smallest_group": 1}
EVENTS = {row.id: row.events for row in TRANSITIONS}
_number = count(1)
ROAD = ("SM-A1", "SM-A2", "SM-A3", "SM-A6")


class Place:
    """A municipality as its profile has it, in the running suite, with two providers for all that it offers."""

    def __init__(self, suite: Suite, client: Client, profile: Profile, stack: ExitStack):
        self.suite, self.profile = suite, profile
        authorised = {programme.value: "2020-01-01" for programme in Programme}
        providers = [{"id": name, "name": name.title(), "authorised": authorised} for name in ("alfa", "beta")]
        self.town = Town(client, municipality=profile.key, providers=providers, settings=FEES)
        self.alfa, self.beta = (
            stack.enter_context(suite.client("PROVIDER", organisation=name, tenant=self.town.name, subject=f"{name}-1"))
            for name in ("alfa", "beta")
        )
        self.guide = stack.enter_context(suite.client("CAREER_GUIDE", subject="guide-1"))

    def call(self, method: str, by: Client | None = None, **fields: Any) -> Row:
        return dict((by or self.guide).call(f"assignment.{method}", tenant=self.town.name, **fields))

    def day(self, on: str) -> None:
        """Open a business date, and wait for nobody."""
        self.call("open_day", self.town.client, date=on)

    def register(self, name: str, programme: Programme, **changes: Any) -> None:
        row = {"id": name, "programme": programme.value, "client": about(work_ability_pct=60) | changes, "plan": None}
        self.town.register(row)

    def state(self, name: str, *facts: Row, by: Client | None = None) -> str:
        rows = [{"assignment": name, "id": f"by-hand-{next(_number)}", **one} for one in facts]
        self.call("record_facts", by, facts=rows)
        return str(self.town.states(name)["state"])

    def refused(self, name: str, what: Row, rule: str) -> None:
        """The fact is refused, by that rule, and nothing has come of it."""
        before = self.town.states(name)
        with pytest.raises(FactRefused) as refusal:
            self.state(name, what)
        assert rule in refusal.value.rules, (self.profile.key, what, refusal.value.rules)
        assert self.town.states(name) == before

    def told(self, name: str) -> list[str]:
        with psycopg.connect(self.suite.databases["assignment"]) as connection:
            rows = connection.execute(
                "SELECT name FROM event WHERE tenant = %s AND subject = %s ORDER BY sequence", (self.town.name, name)
            )
            return [row[0] for row in rows]

    def figures(self, *years: int) -> dict[tuple[int, str, str], str | None]:
        """(year, figure, part) -> value."""
        lines = self.call("figures", first_year=years[0], last_year=years[-1])["lines"]
        return {(row["year"], row["figure"], row["part"]): row["value"] for row in lines}

    # --- the road that all have ------------------------------------------------------------------------------

    def referral(self, source: ReferralSource | None = None, **more: Any) -> Row:
        source = source or self.profile.main_inflow
        if source in COMMISSIONERS:
            more |= {"commission_end": "2025-12-31", "commission_question": "What helps?"}
        return fact("2024-02-01", "referred", source=source.value, **more)

    def prepare(self, name: str, referral: Row | None = None) -> None:
        """From the referral to the assessment, by a forum or by a unit of its own."""
        assert self.state(name, referral or self.referral()) == S.REFERRED
        assert self.state(name, fact("2024-02-05", "preparation_opened")) == S.IN_PREPARATION
        alone = fact("2024-02-10", "prepared", relevant=True, purpose="work", parties=["LABOUR_MARKET_UNIT"])
        if self.profile.preparation_model is PreparationModel.FORUM:
            self.refused(name, alone, "LOKA-14")
            alone |= {"parties": PARTIES}
        assert self.state(name, alone) == S.IN_ASSESSMENT


@pytest.fixture
def make(suite: Suite, client: Client) -> Iterator[Any]:
    with ExitStack() as stack:
        yield lambda key: Place(suite, client, ALL[key], stack)


def offering(*programmes: Programme) -> list[str]:
    return sorted(key for key, profile in ALL.items() if {*programmes} & {*profile.programmes})


def test_there_are_ten_and_each_runs_a_life_below() -> None:
    assert len(ALL) == 10
    assert {*offering(Programme.AMI_2), *offering(Programme.LOCAL), *offering(Programme.SOM_1)} == set(ALL)
    # what differs is tried on both sides
    for name in ("self_referral_allowed", "uses_bip", "subsidy_intermediary", "post_exit_support", "life_coordination"):
        assert {getattr(profile, name) for profile in ALL.values()} == {True, False}, name


# --- what a profile forbids ------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-7", "LOKA-3", "LOKA-59")
@pytest.mark.parametrize("key", sorted(ALL))
def test_who_may_be_referred_and_to_what_is_as_the_profile_says(make: Any, key: str) -> None:
    place: Place = make(key)
    profile = place.profile
    some = profile.programmes[0]
    place.register("by-herself", some)
    asked = place.referral(ReferralSource.SELF)
    if profile.self_referral_allowed:
        assert place.state("by-herself", asked) == S.REFERRED
    else:
        place.refused("by-herself", asked, "LOKA-7")
    missing = next(programme for programme in Programme if programme not in profile.programmes)
    place.register("elsewhere", missing, work_ability_pct=100)
    place.prepare("elsewhere")
    place.state("elsewhere", *assessment())
    place.refused("elsewhere", fact("2024-03-15", "decided", reason="r"), "LOKA-59")


@pytest.mark.rule("LOKA-16")
@pytest.mark.parametrize("key", sorted(ALL))
def test_an_applicant_is_referred_where_all_are_and_stays_the_person_that_applied(make: Any, key: str) -> None:
    place: Place = make(key)
    who = place.call("register_person", name="Somebody")["person"]
    application = {"assignment": "eb-1", "programme": "LOCAL", "on": "2024-02-01", "client": about(), "person": who}
    referred = place.profile.auto_refer_all_eb_applicants
    assert place.call("eb_application", **application) == {"referred": referred}
    history = place.call("person_history", person=who)["assignments"]
    assert [(row["assignment"], row["state"]) for row in history] == ([("eb-1", "REFERRED")] if referred else [])


def assessment(**more: Any) -> tuple[Row, ...]:
    plan = {"extent_pct": 50, "job_search_quota": 0, "step_up": [{"from": "2024-09-01", "extent_pct": 100}]}
    return (
        fact("2024-02-20", "assessed", **{"channel": "IN_PERSON", "needs": ["WORK_TRAINING"], **more}),
        fact("2024-02-21", "af_checked", result="NONE_SUITABLE"),
        fact("2024-02-22", "described", other_actors_checked=True, plan=plan),
    )


# --- an AMI-like life --------------------------------------------------------------------------------------------


@pytest.mark.rule(
    "LOKA-13", "LOKA-14", "LOKA-15", "LOKA-37", "LOKA-38", "LOKA-51", "LOKA-59", "NACKA-7", "AMI-8.1-c", "AMI-10.1-c"
)
@pytest.mark.parametrize("key", offering(Programme.AMI_2))
def test_an_ami_2_runs_from_the_referral_to_the_closed_case(make: Any, key: str) -> None:
    place: Place = make(key)
    profile, name = place.profile, "A-1"
    place.register(name, Programme.AMI_2)
    place.prepare(name)
    place.state(name, *assessment())
    place.refused(name, fact("2024-03-15", "decided"), "NACKA-5")
    assert place.state(name, fact("2024-03-15", "decided", reason="the nearest way to work")) == S.DECIDED

    # an informed choice
    place.day("2024-03-18")
    place.refused(name, fact("2024-03-18", "provider_chosen", provider="alfa"), "NACKA-7")
    shown = place.call("show_results", assignment=name)
    assert {row["provider"] for row in shown["content"]["rows"]} == {"alfa", "beta"}
    assert place.call("snapshot", snapshot=shown["snapshot"]) == shown
    assert place.state(name, fact("2024-03-18", "provider_chosen", provider="alfa")) == S.OFFERED
    assert place.state(name, fact("2024-03-20", "accepted"), by=place.alfa) == S.ACCEPTED
    assert place.state(name, fact("2024-03-28", "started"), by=place.alfa) == S.ACTIVE

    work(place, name)
    report_monthly(place, name)
    leave(place, name)
    afterwards(place, name)

    told = set(place.told(name))
    passed = [*ROAD, "SM-A7", "SM-A8", "SM-A9", "SM-A11", "SM-A12", "SM-A19", "SM-A20", "SM-A27", "SM-A28"]
    if profile.post_exit_support:
        passed.append("SM-A29")
    assert {event for row in passed for event in EVENTS[row]} <= told, passed
    figures = place.figures(2024, 2025)
    assert figures[2024, "PARTICIPANTS", "ALL"] == "1"
    assert figures[2024, "PARTICIPANTS", profile.main_inflow.value] == "1"
    assert figures[2024, "EXITS", "WORK_FULL_TIME"] == "1.0000"
    assert figures[2024, "SIX_MONTH_RETENTION", "AMI_2"] == "1.0000"
    place.town.run("2025-04-30")
    paid = place.town.balance()
    assert paid["MONTHLY_FEE"] > 0 and paid["RESULT_BONUS"] > 0 and paid["SPEED_PREMIUM"] > 0


def work(place: Place, name: str) -> None:
    """Mapping, plan, guidance, a placement in its steps, self-assessment, a subsidy."""
    profile, mine = place.profile, place.alfa
    if profile.initial_mapping_required:
        place.refused(name, placement("2024-04-01"), "AMI-6.2-a")
    place.state(
        name,
        fact("2024-04-02", "mapping_done", experience="e", competences="c", strengths="s"),
        fact("2024-04-03", "plan_done", wish="w", goal="g"),
        fact("2024-04-04", "work_guidance", topics=["INTERVIEW_TRAINING"]),
        fact("2024-04-04", "study_guidance", channel="OWN_COUNSELLOR", knows_study_aid=True,
             knows_forms_of_study=True, knows_courses=True),
        by=mine,
    )  # fmt: skip
    *before, both_asked = PlacementStepKind
    place.refused(name, fact("2024-04-05", "placement_step", workplace="W9", step=before[1].value), "LOKA-35")
    steps = [fact("2024-04-05", "placement_step", workplace="W9", step=step.value) for step in before]
    yes = {"participant_positive": True, "employer_positive": True}
    steps.append(fact("2024-04-06", "placement_step", workplace="W9", step=both_asked.value, **yes))
    steps += [placement("2024-04-08"), fact("2024-04-09", "agreement_served", workplace="W9")]
    assert place.state(name, *steps, by=mine) == S.ACTIVE
    diagram = place.call("bip", mine, assignment=name)
    assert bool(diagram["areas"]) is profile.uses_bip
    if profile.bip is not None:
        scores = {area.key: profile.bip.scale_max for area in profile.bip.areas}
        place.state(name, fact("2024-04-10", "bip_assessed", scores=scores), by=mine)
        diagram = place.call("bip", mine, assignment=name)
        assert diagram["assessments"][0]["scores"] == scores and diagram["svg"].startswith("<svg")
    first = fact("2024-04-11", "subsidy_step", subsidy="s-1", step=next(iter(SubsidyStepKind)).value)
    if profile.subsidy_intermediary:
        assert place.state(name, first) == S.ACTIVE
    else:
        place.refused(name, first, "LOKA-38")
        granted = {"step": "AF_DECIDED", "granted": True, "valid_from": "2024-04-12"}
        assert place.state(name, {**first, **granted}) == S.ACTIVE


def placement(on: str) -> Row:
    fields = {"workplace": "W9", "hours_per_week": "20", "signatures": SIGNED, "agreement": AGREEMENT}
    return fact(on, "placement_started", **fields)


def hand_in(place: Place, name: str, kind: str, number: int, by: Client, contents: Row, *documents: str) -> Row:
    which = {"assignment": name, "kind": kind, "sequence": number}
    saved = place.call("save_report", by, **which, contents=contents, attachments=list(documents))
    assert saved["lacks"] == [], saved
    return place.call("submit_report", by, **which)


def report_monthly(place: Place, name: str) -> None:
    for number, on in enumerate(("2024-04-14", "2024-05-14", "2024-06-14"), 1):
        place.day(on)
        hand_in(place, name, "MONTHLY", number, place.alfa, {"progression": "forwards", "extent_pct": 50})
        place.call("approve_report", assignment=name, kind="MONTHLY", sequence=number)
    if place.profile.main_inflow in COMMISSIONERS:
        hand_in(place, name, "COMMISSIONER_REPLY", 1, place.guide, {"answer": "a workplace"})
        assert "assignment.commissioner_replied" in place.told(name)


def leave(place: Place, name: str) -> None:
    """The exit with its documents, in the fourth month."""
    place.day("2024-06-20")
    documents = {"contract": "EMPLOYMENT_CONTRACT", "certificate": "EMPLOYMENT_CERTIFICATE"}
    for document, code in documents.items():
        content = b64encode(f"{code} of {name}".encode()).decode()
        fields = {"assignment": name, "document": document, "code": code, "type": "TEXT", "content": content}
        place.call("add_document", place.alfa, **fields)
    contents = {"on": "2024-06-20", "kind": "WORK_FULL_TIME", "first_day": "2024-06-20", "workplace": "W1",
                "extent_pct": 100, "employment_form": "ORDINARY", "margin_advice": True, "summary": "work"}  # fmt: skip
    handed_in = hand_in(place, name, "FINAL", 1, place.alfa, contents, *documents)
    assert handed_in["fact"]
    assert place.town.states(name)["state"] == S.SUSTAINABILITY


def afterwards(place: Place, name: str) -> None:
    """Six months, follow-ups, the certificate; settled, closed, and support where the municipality gives it."""
    place.day("2024-12-20")
    hand_in(place, name, "SIX_MONTH_CERTIFICATE", 1, place.alfa, {"certified": True})
    for on, months in (("2024-12-20", range(5, 10)), ("2025-03-14", range(10, 13))):
        place.day(on)
        for number in months:
            hand_in(place, name, "PREMIUM_FOLLOWUP", number, place.alfa, {"continues": True})
    assert place.town.states(name)["state"] == S.SUSTAINABILITY
    place.refused(name, fact("2025-03-14", "closed"), "SM-A28")
    place.day("2025-03-15")
    assert place.town.states(name)["state"] == S.SETTLED
    support = fact("2025-03-16", "support_after_exit", text="a talk about the first weeks")
    if place.profile.post_exit_support:
        assert place.state(name, support) == S.SETTLED
    else:
        place.refused(name, support, "LOKA-51")
    assert place.state(name, fact("2025-03-20", "closed")) == S.CLOSED
    place.town.day("2025-04-30")
    assert place.town.ask("assignment.rejections") == []


# --- a process of the municipality's own -----------------------------------------------------------------------------


@pytest.mark.rule(
    "LOKA-1", "LOKA-17", "LOKA-22", "LOKA-25", "LOKA-32", "LOKA-39", "LOKA-40", "LOKA-42", "LOKA-50", "LOKA-61"
)
@pytest.mark.parametrize("key", offering(Programme.LOCAL))
def test_a_process_of_its_own_runs_from_the_referral_to_the_exit(make: Any, key: str) -> None:
    place: Place = make(key)
    profile, name = place.profile, "L-1"
    place.register(name, Programme.LOCAL)
    place.prepare(name, place.referral(long_term_sick=True))
    place.state(name, fact("2024-02-20", "assessed", channel="IN_PERSON"))
    assert place.state(name, fact("2024-03-15", "decided", reason="needs structure")) == S.DECIDED
    place.refused(name, fact("2024-03-16", "unit_assigned", unit="nowhere"), "LOKA-61")
    unit = next(unit.key for unit in profile.organisation.units if unit.activities)
    assert place.state(name, fact("2024-03-16", "unit_assigned", unit=unit)) == S.ACCEPTED

    # whoever is responsible stays so, or goes with the step
    place.state(name, fact("2024-03-17", "owner_assigned", owner="u-1", function="CASE_WORKER"))
    other = fact("2024-03-18", "owner_assigned", owner="u-2", function="CASE_WORKER")
    if profile.coordination_model is CoordinationModel.INDIVIDUAL:
        place.refused(name, other, "LOKA-39")
        other |= {"reason": "parental leave"}
    place.state(name, other)

    if profile.initial_mapping_required:
        place.refused(name, fact("2024-03-28", "started"), "LOKA-22")
        place.state(name, fact("2024-03-20", "mapping_done", experience="e", competences="c", strengths="s"))
    assert place.state(name, fact("2024-03-28", "started")) == S.ACTIVE

    for activity in profile.activities.values():
        if activity.admission is None:
            take_part(place, name, activity)
    assert place.state(name, fact("2024-04-10", "check_in", contributions=["SUPERVISOR"], reflection="r")) == S.ACTIVE
    place.state(name, fact("2024-04-12", "progress_step", kind="CONFIDENCE", before="shy", after="less so"))
    beside = fact("2024-04-15", "side_track_chosen", reason="a quieter pace")
    if profile.side_track is not None and profile.side_track.long_term_sick:
        assert place.state(name, beside) == S.ACTIVE
    else:
        place.refused(name, beside, "LOKA-42")
    place.refused(name, fact("2024-06-19", "bonus_claimed", certified=True), "SM-B6")
    gone = fact("2024-06-20", "exited", kind="WORK_FULL_TIME", first_day="2024-06-20", workplace="W1", extent_pct=100)
    # nothing is waited for: the municipality's own process has neither premium nor bonus
    assert place.state(name, gone) == S.CLOSED
    support = fact("2024-07-16", "support_after_exit", text="a talk about the first weeks")
    if profile.post_exit_support:
        assert place.state(name, support) == S.CLOSED
    else:
        place.refused(name, support, "LOKA-51")

    place.town.day("2024-12-31")
    assert {event for row in (*ROAD, "SM-A11", "SM-A19", "SM-A21") for event in EVENTS[row]} <= set(place.told(name))
    figures = place.figures(2024)
    assert figures[2024, "PARTICIPANTS", "ALL"] == "1"
    assert figures[2024, "EXITS", "WORK_FULL_TIME"] == "1.0000"
    assert figures[2024, "PROGRESS_STEPS", "CONFIDENCE"] == "1"
    assert place.town.ask("billing.lines") == []
    assert place.town.ask("assignment.rejections") == []


def take_part(place: Place, name: str, activity: Activity) -> None:
    """Plan an activity of the catalogue under its category, and be there."""
    category = activity.category.value if activity.category else "EQUIP"
    planned = fact("2024-04-02", "activity_planned", activity=activity.key, category=category, group=True)
    if activity.category is not None:
        wrong = "COACH" if category != "COACH" else "EQUIP"
        place.refused(name, {**planned, "category": wrong}, "LOKA-17")
    there = fact("2024-04-03", "group_attendance", activity=activity.key, session="1", attended=True)
    place.refused(name, there, "AMI-3-d")
    held = fact("2024-04-03", "activity_held", activity=activity.key, category=category, group=True, minutes=90)
    assert place.state(name, planned, there, held) == S.ACTIVE


ADMITTING = sorted(
    (key, activity.key) for key, one in ALL.items() for activity in one.activities.values() if activity.admission
)
RECORDED = {*Need, *Obstacle, "OUTSIDE_WORK_AND_STUDIES", "COMPLEX_NEEDS"}


@pytest.mark.rule("LOKA-62")
@pytest.mark.parametrize(("key", "activity"), ADMITTING)
def test_an_activity_admits_whoever_meets_its_terms_and_nobody_else(make: Any, key: str, activity: str) -> None:
    place: Place = make(key)
    found = place.profile.activities[activity]
    terms = found.admission
    assert terms is not None
    category = found.category.value if found.category else "EQUIP"
    planned = fact("2024-04-02", "activity_planned", activity=activity, category=category)
    admit(place, "in", terms)
    # what no assessment records, a person states
    stated = [one for one in terms.criteria if one not in RECORDED]
    if stated:
        place.refused("in", planned, "LOKA-62")
    assert place.state("in", {**planned, "criteria": stated}) == S.ACTIVE
    admit(place, "out", None, birth_date="1940-01-01")
    place.refused("out", planned, "LOKA-62")


def admit(place: Place, name: str, terms: Admission | None, **changes: Any) -> None:
    """A client in the municipality's own process who meets the terms; without any, who meets none."""
    needs, obstacles, partners, referral = [], [], [], place.referral()
    if terms is not None:
        age = terms.age_min if terms.age_min is not None else 30
        changes |= {"birth_date": f"{2024 - age - 1}-06-01", "outside_work_and_studies": True}
        needs = [one for one in terms.criteria if one in set(Need)] or ["OTHER"]
        obstacles = [one for one in terms.criteria if one in set(Obstacle)]
        if "COMPLEX_NEEDS" in terms.criteria:
            obstacles.append(Obstacle.SOCIAL_NETWORK)
        partners = [one.value for one in terms.partners[: terms.partners_min]]
        referral = place.referral(**({"referrer": terms.referrers[0].value} if terms.referrers else {}))
    else:
        changes["outside_work_and_studies"] = False
    place.register(name, Programme.LOCAL, **changes)
    place.prepare(name, referral)
    unit = next(iter(place.profile.units))
    place.state(
        name,
        fact("2024-02-20", "assessed", channel="IN_PERSON", needs=needs, obstacles=obstacles),
        *(fact("2024-02-21", "other_actor", actor=one, involved=True) for one in partners),
        fact("2024-03-15", "decided", reason="r"),
        fact("2024-03-16", "unit_assigned", unit=unit),
        fact("2024-03-20", "mapping_done"),
        fact("2024-03-28", "started"),
    )


@pytest.mark.rule("LOKA-43")
@pytest.mark.parametrize("key", sorted(ALL))
def test_life_is_coordinated_for_those_whom_ami_leaves_out_where_the_municipality_does_so(make: Any, key: str) -> None:
    place: Place = make(key)
    limit = place.profile.life_coordination_below_pct or 25
    for name, ability in (("below", limit - 1), ("at-the-limit", limit)):
        place.register(name, Programme.LIFE_COORDINATION, work_ability_pct=ability)
        place.prepare(name)
        place.state(name, fact("2024-02-20", "assessed", channel="IN_PERSON"))
    decision = fact("2024-03-15", "decided", reason="r")
    if place.profile.life_coordination:
        assert place.state("below", decision) == S.DECIDED
        place.refused("at-the-limit", decision, "LOKA-43")
    else:
        place.refused("below", decision, "LOKA-59")


# --- a supplier of the employment service ----------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-7", "AF-SOM-8", "AF-SOM-24", "AF-SOM-25", "AF-GEN-3")
@pytest.mark.parametrize("key", sorted(key for key, one in ALL.items() if one.af_supplier))
def test_an_order_of_the_employment_service_runs_to_its_end(make: Any, key: str) -> None:
    place: Place = make(key)
    tracks = [one for one in place.profile.programmes if one.is_som]
    name, near = "SOM-A", "near"
    for one in (name, near):
        place.register(one, tracks[0], birth_date="1985-02-02")
        place.prepare(one)
    close = fact("2024-02-20", "af_checked", result="NONE_SUITABLE", near_labour_market=True)
    place.state(near, close)
    place.refused(near, fact("2024-03-15", "decided"), "AF-GEN-3")
    place.state(name, fact("2024-02-20", "af_checked", result="NONE_SUITABLE"))
    assert place.state(name, fact("2024-03-15", "decided", end_date="2024-12-10")) == S.DECIDED
    place.state(name, fact("2024-03-16", "provider_chosen", provider="alfa", by="AF_RANKING"))
    # a long placement may not be refused
    place.refused(name, fact("2024-03-17", "declined"), "AF-SOM-26")
    assert place.state(name, fact("2024-03-18", "accepted"), by=place.alfa) == S.ACCEPTED
    assert place.state(name, fact("2024-03-20", "started"), by=place.alfa) == S.ACTIVE
    place.refused(name, fact("2024-04-15", "track_decided", programme="RUM_A"), "AF-SOM-8")
    place.state(name, fact("2024-04-15", "track_decided", programme=tracks[1].value))
    place.state(name, fact("2024-06-13", "extended"), fact("2024-09-11", "extended"))
    place.refused(name, fact("2024-09-12", "extended"), "AF-SOM-7")
    days = 14
    switch = fact(f"2024-10-{1 + days}", "provider_switch", provider="beta", approved=True)
    place.refused(name, switch, "AF-SOM-25")
    place.state(name, fact("2024-10-01", "switch_notified", provider="beta"))
    place.refused(name, switch, "AF-SOM-25")
    place.state(name, switch | {"on": f"2024-10-{2 + days}"})
    assert place.town.states(name)["provider"] == "beta"
    support = fact("2024-11-20", "support_after_exit", text="a talk")
    gone = fact("2024-11-01", "exited", kind="WORK_FULL_TIME", first_day="2024-11-01", workplace="W1", extent_pct=100)
    assert place.state(name, gone, by=place.beta) == S.CLOSED
    place.refused(name, support, "LOKA-51")
    place.town.day("2024-12-31")
    passed = [*ROAD, "SM-A8", "SM-A9", "SM-A11", "SM-A17", "SM-A19", "SM-A21"]
    assert {event for row in passed for event in EVENTS[row]} <= set(place.told(name))
    assert place.figures(2024)[2024, "PARTICIPANTS", "ALL"] == "1"
    assert place.town.ask("assignment.rejections") == []
