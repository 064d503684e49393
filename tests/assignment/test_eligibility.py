"""Who may be granted an intervention, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from kundval_assignment.domain.eligibility import assess, groups_of
from kundval_contracts.case import Client, Plan, Step
from kundval_contracts.codes import Programme, TargetGroup
from kundval_contracts.settings import RuleSettings, TariffVersion, read_settings

D = date(2025, 3, 3)
FEES = {"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000}
SETTINGS = RuleSettings(read_settings(FEES))
CLIENT = Client(
    birth_date=date(1990, 5, 17),
    resident=True,
    receives_eb=True,
    af_registered=True,
    work_ability_pct=100,
    outside_work_and_studies=True,
)
NEWCOMER = replace(
    CLIENT, receives_eb=False, af_registered=False, establishment_period_ended=True, language_obstacle=True
)
FULL_TIME = Plan(extent_pct=100, job_search_quota=5)


def settings(**values: object) -> RuleSettings:
    return RuleSettings(read_settings({**FEES, **{key.replace("__", "."): value for key, value in values.items()}}))


def refused_by(
    programme: Programme,
    client: Client = CLIENT,
    plan: Plan = FULL_TIME,
    day: date = D,
    rules: RuleSettings = SETTINGS,
    overridden: bool = False,
) -> list[str]:
    found = assess(programme, client, plan, day, rules, overridden=overridden)
    return [one for finding in found for one in finding.rules]


def test_a_resident_on_assistance_is_eligible_for_both_interventions() -> None:
    assert refused_by(Programme.AMI_1) == []
    assert refused_by(Programme.AMI_2) == []


@pytest.mark.rule("AMI-1.3-a")
def test_below_the_floor_only_the_floor_is_named() -> None:
    low = replace(CLIENT, work_ability_pct=24)
    assert refused_by(Programme.AMI_1, low) == ["AMI-1.3-a"]
    assert refused_by(Programme.AMI_2, low) == ["AMI-1.3-a"]


@pytest.mark.rule("AMI-1.3-a")
def test_the_floor_is_a_setting() -> None:
    assert refused_by(Programme.AMI_2, replace(CLIENT, work_ability_pct=25), rules=settings(work_ability__min_pct=30))


@pytest.mark.rule("AMI-1.3-f")
def test_everything_that_stands_against_a_decision_is_named() -> None:
    client = replace(CLIENT, work_ability_pct=10, resident=False, outside_work_and_studies=False, af_registered=False)
    assert refused_by(Programme.AMI_2, client, Plan(50)) == ["AMI-1.3-a", "AMI-1.3-f", "AMI-1.3.2-a", "AMI-8.1-b"]


@pytest.mark.rule("AMI-1.3-f")
def test_all_matched_groups_are_kept_in_the_order_of_the_rules() -> None:
    young = replace(NEWCOMER, birth_date=date(2005, 6, 1), receives_eb=True, in_kaa=True)
    assert groups_of(young, D, SETTINGS) == tuple(TargetGroup)


@pytest.mark.rule("AMI-1.3-d")
def test_residence_is_asked_of_a_young_adult() -> None:
    young = replace(CLIENT, birth_date=date(2003, 1, 1), receives_eb=False)
    assert groups_of(young, D, SETTINGS) == (TargetGroup.YOUNG_ADULT,)
    assert groups_of(replace(young, resident=False), D, SETTINGS) == ()


@pytest.mark.rule("AMI-1.3-e")
def test_group_4_has_no_age_limit_but_four_conditions() -> None:
    assert groups_of(replace(NEWCOMER, birth_date=date(1940, 1, 1)), D, SETTINGS) == (TargetGroup.AFTER_ESTABLISHMENT,)
    for missing in ("resident", "establishment_period_ended", "outside_work_and_studies", "language_obstacle"):
        assert groups_of(replace(NEWCOMER, **{missing: False}), D, SETTINGS) == ()


@pytest.mark.rule("AMI-1.3-b")
def test_a_client_born_on_a_leap_day_has_the_birthday_on_28_february() -> None:
    client = replace(CLIENT, birth_date=date(2008, 2, 29), outside_work_and_studies=False)
    assert refused_by(Programme.AMI_2, client, day=date(2026, 2, 27)) == ["AMI-1.3-b", "AMI-1.3-f"]
    assert refused_by(Programme.AMI_2, client, day=date(2026, 2, 28)) == []


@pytest.mark.rule("AMI-1.3-b", "AMI-1.3-c", "AMI-1.3-d")
def test_age_limits_are_settings() -> None:
    rules = settings(age__group1=[18, 30], age__young="18-29", age__kaa={"from": 16, "to": 20})
    client = replace(CLIENT, outside_work_and_studies=False)
    assert refused_by(Programme.AMI_2, client, rules=rules) == ["AMI-1.3-b", "AMI-1.3-f"]
    pupil = replace(client, birth_date=date(2009, 1, 1), receives_eb=False, in_kaa=True)
    assert refused_by(Programme.AMI_2, pupil, rules=rules) == []


@pytest.mark.rule("AMI-7-a")
def test_a_recorded_obstacle_closes_ami_1_and_not_ami_2() -> None:
    client = replace(CLIENT, work_obstacle=True)
    assert refused_by(Programme.AMI_1, client) == ["AMI-7-a"]
    assert refused_by(Programme.AMI_2, client) == []


@pytest.mark.rule("AMI-7-a")
def test_the_readings_of_group_4_in_ami_1() -> None:
    beside = replace(NEWCOMER, receives_eb=True, af_registered=True)
    never, always = settings(ami1__group4="NEVER"), settings(ami1__group4="ALWAYS")
    assert refused_by(Programme.AMI_1, NEWCOMER) == ["AMI-7-a"]
    assert refused_by(Programme.AMI_1, beside) == []
    assert refused_by(Programme.AMI_1, beside, rules=never) == ["AMI-7-a"]
    assert refused_by(Programme.AMI_1, NEWCOMER, rules=always) == []


@pytest.mark.rule("AMI-1.3.2-a")
def test_registration_is_asked_only_of_clients_on_assistance() -> None:
    assert refused_by(Programme.AMI_2, replace(CLIENT, af_registered=False)) == ["AMI-1.3.2-a"]
    assert refused_by(Programme.AMI_2, replace(CLIENT, af_registered=False), overridden=True) == []
    assert refused_by(Programme.AMI_2, NEWCOMER) == []


@pytest.mark.rule("AMI-8.1-b")
@pytest.mark.parametrize(
    ("plan", "refused"),
    [
        (Plan(100), False),
        (Plan(50, None, (Step(date(2025, 6, 1), 100),)), False),
        (Plan(50, None, (Step(date(2025, 6, 1), 75), Step(date(2025, 9, 1), 100))), False),
        (Plan(50), True),
        (Plan(50, None, (Step(date(2025, 6, 1), 75),)), True),
        (Plan(50, None, (Step(date(2025, 6, 1), 40), Step(date(2025, 9, 1), 100))), True),
        (Plan(50, None, (Step(date(2025, 9, 1), 75), Step(date(2025, 6, 1), 100))), True),
        (Plan(None, None, (Step(date(2025, 6, 1), 100),)), True),
    ],
)
def test_the_step_up_plan_of_ami_2_leads_to_full_time_without_setback(plan: Plan, refused: bool) -> None:
    assert refused_by(Programme.AMI_2, plan=plan) == (["AMI-8.1-b"] if refused else [])
    assert refused_by(Programme.AMI_1, plan=plan) == []


@pytest.mark.rule("AMI-8.1-b")
def test_a_plan_that_is_not_stated_is_not_judged() -> None:
    assert refused_by(Programme.AMI_2, plan=Plan()) == []
    assert refused_by(Programme.AMI_2, plan=Plan(job_search_quota=0)) == []


@pytest.mark.rule("AMI-0-b")
def test_decisions_older_than_the_rule_set_are_refused_for_ami_only() -> None:
    assert refused_by(Programme.AMI_2, day=date(2024, 2, 28)) == ["AMI-0-b"]
    assert refused_by(Programme.AMI_2, day=date(2024, 2, 29)) == []
    assert refused_by(Programme.JOBBPENG_BASIC, day=date(2020, 1, 1)) == []


@pytest.mark.rule("NACKA-11")
def test_a_decision_needs_a_tariff_in_force_on_its_day() -> None:
    later = RuleSettings({}, (TariffVersion(date(2025, 4, 1), {"AMI2_MONTHLY_FEE": Decimal(8000)}),))
    assert refused_by(Programme.AMI_2, rules=later) == ["NACKA-11"]
    assert refused_by(Programme.AMI_2, day=date(2025, 4, 1), rules=later) == []


@pytest.mark.rule("NACKA-JP-1")
def test_a_level_of_jobbpeng_without_amount_is_refused_and_nothing_else_is_asked() -> None:
    stranger = Client(birth_date=date(1930, 1, 1))
    only_basic = RuleSettings({"jobbpeng.fees": {"JOBBPENG_BASIC": Decimal(3686)}})
    assert refused_by(Programme.JOBBPENG_BASIC, stranger, rules=only_basic) == []
    assert refused_by(Programme.JOBBPENG_ENHANCED, stranger, rules=only_basic) == ["NACKA-JP-1"]


def test_no_message_tells_an_age_or_a_birth_date() -> None:
    client = replace(CLIENT, birth_date=date(1950, 5, 17), work_ability_pct=10, af_registered=False)
    for finding in assess(Programme.AMI_1, client, Plan(), D, SETTINGS, overridden=False):
        assert "1950" not in finding.message and "74" not in finding.message and "10" not in finding.message
