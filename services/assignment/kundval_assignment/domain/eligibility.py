"""Who may be granted an intervention: the floor, the four target groups and each programme's own terms.

Everything is tested once, at the decision date (AMB-27). A client may fail several rules at the same time:
each one is a finding, so that the case worker gets the whole list and not the first item of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import age_on
from kundval_contracts.case import Client, Plan
from kundval_contracts.codes import Programme, RefusalCode, TargetGroup
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.tariffs import in_force

FULL = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that the client does not meet: refusal code, rule ids, one sentence without personal data."""

    code: RefusalCode
    rules: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Membership:
    """A target group, whether the client is in it, and whether only the age keeps the client out."""

    group: TargetGroup
    rule: str
    matched: bool
    age_only: bool = False


@rule("AMI-1.3-b")
def resident_on_eb(client: Client, age: int, settings: RuleSettings) -> Membership:
    """Target group 1: residents on financial assistance, 18-66 in whole years."""
    candidate = client.resident and client.receives_eb
    return _membership(TargetGroup.RESIDENT_ON_EB, "AMI-1.3-b", candidate, age, settings["age.group1"])


@rule("AMI-1.3-c")
def kaa_youth(client: Client, age: int, settings: RuleSettings) -> Membership:
    """Target group 2: youth under the municipal activity responsibility, 18-20."""
    return _membership(TargetGroup.KAA_YOUTH, "AMI-1.3-c", client.in_kaa, age, settings["age.kaa"])


@rule("AMI-1.3-d")
def young_adult(client: Client, age: int, settings: RuleSettings) -> Membership:
    """Target group 3: young residents outside work and studies, 18-24."""
    candidate = client.resident and client.outside_work_and_studies
    return _membership(TargetGroup.YOUNG_ADULT, "AMI-1.3-d", candidate, age, settings["age.young"])


@rule("AMI-1.3-e")
def after_establishment(client: Client) -> Membership:
    """Target group 4: outside the labour market after the establishment period; no age limit is stated."""
    matched = (
        client.resident
        and client.establishment_period_ended
        and client.outside_work_and_studies
        and client.language_obstacle
    )
    return Membership(TargetGroup.AFTER_ESTABLISHMENT, "AMI-1.3-e", matched)


def memberships(client: Client, day: date, settings: RuleSettings) -> tuple[Membership, ...]:
    """The client's standing towards each of the four groups on `day`."""
    age = age_on(client.birth_date, day)
    return (
        resident_on_eb(client, age, settings),
        kaa_youth(client, age, settings),
        young_adult(client, age, settings),
        after_establishment(client),
    )


def groups_of(client: Client, day: date, settings: RuleSettings) -> tuple[TargetGroup, ...]:
    """The matched groups in the order of the rules; the first is the primary one (AMI-1.3-f)."""
    return tuple(one.group for one in memberships(client, day, settings) if one.matched)


@rule("AMI-1.3-a", "AMI-8-b")
def ability_floor(client: Client, settings: RuleSettings) -> Finding | None:
    """At least 25 % work ability; AMI 2 asks for the same and has no upper limit."""
    floor = settings["work_ability.min_pct"]
    if client.work_ability_pct >= floor:
        return None
    return Finding(
        RefusalCode.NOT_ELIGIBLE, ("AMI-1.3-a",), f"The work ability is under {floor} per cent, the floor for AMI."
    )


@rule("AMI-1.3-f")
def some_group(client: Client, day: date, settings: RuleSettings) -> Finding | None:
    """At least one of the four groups. The rules named are those that only the age stands against."""
    standing = memberships(client, day, settings)
    if any(one.matched for one in standing):
        return None
    near = tuple(one.rule for one in standing if one.age_only)
    message = "The client is in none of the four target groups on the decision date."
    if near:
        message = "The client is outside the age limits of the target group on the decision date."
    return Finding(RefusalCode.NOT_ELIGIBLE, (*near, "AMI-1.3-f"), message)


@rule("AMI-7-a")
def near_the_labour_market(client: Client, groups: tuple[TargetGroup, ...], settings: RuleSettings) -> Finding | None:
    """AMI 1: full work ability and no pronounced obstacle; group 4 by the reading of AMB-28."""
    if client.work_ability_pct < FULL:
        return Finding(RefusalCode.NOT_ELIGIBLE, ("AMI-7-a",), "AMI 1 asks for full work ability.")
    if client.work_obstacle:
        return Finding(RefusalCode.NOT_ELIGIBLE, ("AMI-7-a",), "A work obstacle is recorded: not AMI 1.")
    if TargetGroup.AFTER_ESTABLISHMENT in groups:
        reading = settings["ami1.group4"]
        if reading == "NEVER" or (reading == "ONLY_IF_OTHER_GROUP" and len(groups) == 1):
            message = "The only target group is the one with a language obstacle, which leads to AMI 2."
            if reading == "NEVER":
                message = "The target group with a language obstacle leads to AMI 2."
            return Finding(RefusalCode.NOT_ELIGIBLE, ("AMI-7-a",), message)
    return None


@rule("AMI-1.3.2-a")
def af_registration(client: Client, overridden: bool) -> Finding | None:
    """A client on financial assistance is registered as jobseeker, or a person has let that pass."""
    if not client.receives_eb or client.af_registered or overridden:
        return None
    return Finding(
        RefusalCode.AF_REGISTRATION_MISSING,
        ("AMI-1.3.2-a",),
        "A client on financial assistance must be registered with the employment service before the decision.",
    )


@rule("AMI-8.1-b")
def step_up(plan: Plan) -> Finding | None:
    """AMI 2: the stated extent rises without setback to full time; full time from the start is a plan of one step.

    A plan that says nothing about extent is not judged: it may be agreed after the decision has been fed in.
    """
    if plan.extent_pct is None and not plan.step_up:
        return None
    message = ""
    if plan.extent_pct is None:
        message = "The step-up plan lacks the extent that it starts from."
    else:
        days = [step.start for step in plan.step_up]
        extents = [plan.extent_pct, *(step.extent_pct for step in plan.step_up)]
        if days != sorted(days) or extents != sorted(extents):
            message = "The extent in the step-up plan falls, or its steps are not in order of time."
        elif extents[-1] != FULL:
            message = "The step-up plan does not lead to full time."
    return Finding(RefusalCode.PLAN_INCOMPLETE, ("AMI-8.1-b",), message) if message else None


@rule("AMI-0-b")
def within_ruleset(day: date, settings: RuleSettings) -> Finding | None:
    """The rule set has no say about decisions made before its date (reading 40)."""
    if day >= settings["ruleset.valid_from"]:
        return None
    return Finding(RefusalCode.BEFORE_RULESET, ("AMI-0-b",), "The decision is older than the rule set.")


@rule("NACKA-11", "NACKA-JP-1")
def tariff_in_force(programme: Programme, day: date, settings: RuleSettings, area: str | None = None) -> Finding | None:
    """An assignment is locked to the tariff of its decision date, so there must be one, with all of its amounts."""
    try:
        complete = not in_force(settings, programme, day, area).missing()
    except LookupError:
        complete = False
    if not complete:
        rules = ("NACKA-JP-1",) if programme.is_jobbpeng else ("NACKA-11",)
        return Finding(RefusalCode.NO_TARIFF, rules, f"No tariff for {programme} is in force on the decision date.")
    return None


@rule("AF-RUM-7", "AF-RUM-1")
def area_defined(area: str | None, settings: RuleSettings) -> Finding | None:
    """Rusta och matcha: only the delivery areas of the two models are defined (reading 31: at every level)."""
    if area in settings["rum.area_model"]:
        return None
    return Finding(RefusalCode.AREA_UNDEFINED, ("AF-RUM-7",), "The delivery area belongs to neither model.")


def assess(
    programme: Programme,
    client: Client,
    plan: Plan,
    day: date,
    settings: RuleSettings,
    *,
    overridden: bool,
    area: str | None = None,
) -> tuple[Finding, ...]:
    """Everything that stands against a decision on `day`; empty if it may be made.

    `overridden`: a person has let the missing registration with the employment service pass. Jobbpeng has no
    terms of eligibility in the sources: only a tariff is asked for. The employment service decides on its own
    programmes; the municipality's own have the terms of their activities.
    """
    findings: list[Finding | None] = []
    if programme.is_ami:
        floor = ability_floor(client, settings)
        findings = [within_ruleset(day, settings), floor, some_group(client, day, settings)]
        if programme is Programme.AMI_1 and floor is None:
            findings.append(near_the_labour_market(client, groups_of(client, day, settings), settings))
        findings.append(af_registration(client, overridden))
        if programme is Programme.AMI_2:
            findings.append(step_up(plan))
    undefined = area_defined(area, settings) if programme.is_rum else None
    findings.append(undefined)
    if undefined is None and settings.tariff_of(programme) is not None:
        findings.append(tariff_in_force(programme, day, settings, area))
    return tuple(finding for finding in findings if finding is not None)


def _membership(group: TargetGroup, rule_id: str, candidate: bool, age: int, limits: tuple[int, int]) -> Membership:
    in_age = limits[0] <= age <= limits[1]
    return Membership(group, rule_id, candidate and in_age, candidate and not in_age)
