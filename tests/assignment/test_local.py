"""What follows from a municipality's profile: admission, tracks, who is responsible."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment.domain.eligibility import Finding
from kundval_assignment.domain.local import (
    admission,
    care_contact_owner,
    forum_parties_missing,
    life_coordination,
    side_track,
    subsidy_responsible,
)
from kundval_contracts.codes import (
    Actor,
    CareContactOwner,
    ForumParty,
    RefusalCode,
    SubsidyResponsible,
)
from kundval_contracts.profiles import Activity, Profile, profiles

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def activity(key: str) -> Activity:
    return next(one.activities[key] for one in profiles().values() if key in one.activities)


def admitted(key: str, **client: Any) -> bool:
    return refusal(key, **client) is None


def refusal(
    key: str, age: int, criteria: set[str], partners: set[Actor], referrer: Actor | None = None
) -> Finding | None:
    return admission(activity(key), age=age, criteria=criteria, partners=partners, referrer=referrer)


def municipality(**changes: Any) -> Profile:
    """An invented municipality: the fullest profile with changes."""
    return replace(profiles()["kungsbacka"], **changes)


# --- LOKA-62 -------------------------------------------------------------------------------------------

COMPLEX = {"COMPLEX_NEEDS", "COORDINATED_INTERVENTIONS"}


@pytest.mark.rule("LOKA-62")
@pytest.mark.parametrize(
    ("key", "criteria", "partners", "referrer", "ages"),
    [
        ("samkraft", COMPLEX, {Actor.AF, Actor.FK}, None, (18, 65)),
        ("stegsam", {"OUTSIDE_WORK_AND_STUDIES"}, set(), Actor.PROBATION, (16, 29)),
        ("plattform_u", set(), set(), None, (16, 30)),
        ("ateljen", {"MENTAL_HEALTH"}, set(), None, (16, 30)),
    ],
)
def test_the_ages_of_an_activity_are_included_at_both_ends(
    key: str, criteria: set[str], partners: set[Actor], referrer: Actor | None, ages: tuple[int, int]
) -> None:
    client: dict[str, Any] = {"criteria": criteria, "partners": partners, "referrer": referrer}
    low, high = ages
    assert [admitted(key, age=age, **client) for age in (low - 1, low, high, high + 1)] == [False, True, True, False]


@pytest.mark.rule("LOKA-62")
def test_two_of_the_named_partners_are_needed_and_others_do_not_count() -> None:
    client: dict[str, Any] = {"age": 40, "criteria": COMPLEX}
    assert not admitted("samkraft", partners={Actor.AF}, **client)
    assert admitted("samkraft", partners={Actor.AF, Actor.REGION}, **client)
    assert admitted("samkraft", partners={Actor.AF, Actor.FK, Actor.MUNICIPALITY, Actor.REGION}, **client)
    assert not admitted("samkraft", partners={Actor.AF, Actor.HEALTH_CARE, Actor.PROBATION}, **client)


@pytest.mark.rule("LOKA-62")
def test_every_criterion_has_to_be_recorded_as_met() -> None:
    client: dict[str, Any] = {"age": 40, "partners": {Actor.AF, Actor.FK}}
    assert not admitted("samkraft", criteria=set(), **client)
    assert not admitted("samkraft", criteria={"COMPLEX_NEEDS"}, **client)
    assert admitted("samkraft", criteria={*COMPLEX, "SOMETHING_ELSE"}, **client)


@pytest.mark.rule("LOKA-62")
def test_an_activity_without_an_age_limit_takes_every_age() -> None:
    criteria = set(activity("sambandet").admission.criteria)  # type: ignore[union-attr]
    partners = {Actor.SOCIAL_SERVICES, Actor.HEALTH_CARE}
    assert all(admitted("sambandet", age=age, criteria=criteria, partners=partners) for age in (0, 15, 70, 110))


@pytest.mark.rule("LOKA-62")
def test_only_those_who_may_refer_can_refer() -> None:
    client: dict[str, Any] = {"age": 20, "criteria": {"OUTSIDE_WORK_AND_STUDIES"}, "partners": set()}
    assert admitted("stegsam", referrer=Actor.MUNICIPALITY, **client)
    assert not admitted("stegsam", referrer=Actor.EMPLOYER, **client)
    assert not admitted("stegsam", referrer=None, **client)


def test_an_activity_without_terms_takes_everybody() -> None:
    assert admitted("systuga", age=3, criteria=set(), partners=set())


@pytest.mark.rule("LOKA-62")
def test_the_refusal_names_the_rule_and_says_nothing_about_anybodys_health() -> None:
    found = refusal("ateljen", 40, set(), set())
    assert found is not None
    assert (found.code, found.rules) == (RefusalCode.NOT_ADMITTED, ("LOKA-62",))
    assert "age" in found.message
    assert "MENTAL" not in found.message.upper()
    assert "1 of 1 criteria" in found.message


@given(
    st.integers(0, 120),
    st.frozensets(st.sampled_from(sorted({*COMPLEX, "X"}))),
    st.frozensets(st.sampled_from(list(Actor))),
    st.sampled_from(["samkraft", "stegsam", "ateljen", "sambandet", "systuga"]),
)
def test_more_criteria_and_partners_never_shut_anybody_out(
    age: int, criteria: frozenset[str], partners: frozenset[Actor], key: str
) -> None:
    one = activity(key)
    if admission(one, age=age, criteria=criteria, partners=partners, referrer=Actor.AF) is None:
        more = criteria | {"Y"}
        assert admission(one, age=age, criteria=more, partners=frozenset(Actor), referrer=Actor.AF) is None


# --- tracks --------------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-43")
def test_life_coordination_is_for_work_ability_below_twenty_five_per_cent() -> None:
    place = profiles()["lilla_edet"]
    offered = [life_coordination(place, work_ability_pct=pct, long_term_sick=False) for pct in (0, 24, 25, 26)]
    assert offered == [True, True, False, False]
    assert life_coordination(place, work_ability_pct=100, long_term_sick=True)


@pytest.mark.rule("LOKA-43")
def test_life_coordination_is_offered_only_where_the_profile_has_it() -> None:
    for key, place in profiles().items():
        assert life_coordination(place, work_ability_pct=0, long_term_sick=True) == (key == "lilla_edet")


@pytest.mark.rule("LOKA-42")
def test_without_a_number_only_a_long_sick_leave_opens_the_side_track() -> None:
    place = profiles()["kungsbacka"]
    assert side_track(place, long_term_sick=True, attempts=0)
    assert not side_track(place, long_term_sick=False, attempts=99)


@pytest.mark.rule("LOKA-42")
def test_attempts_open_the_side_track_from_the_number_on_that_the_profile_sets() -> None:
    track = replace(municipality().side_track, after_attempts=3)  # type: ignore[type-var]
    place = municipality(side_track=track)
    assert [side_track(place, long_term_sick=False, attempts=n) for n in (0, 2, 3, 4)] == [False, False, True, True]
    narrow = municipality(side_track=replace(track, long_term_sick=False))  # type: ignore[type-var]
    assert not side_track(narrow, long_term_sick=True, attempts=2)


@pytest.mark.rule("LOKA-42")
def test_there_is_no_side_track_where_there_is_no_process() -> None:
    assert not side_track(profiles()["kramfors"], long_term_sick=True, attempts=99)


# --- who is responsible --------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-37", "LOKA-38")
def test_the_employer_sees_to_subsidies_where_staff_are_no_go_betweens() -> None:
    employers = {key for key, one in profiles().items() if subsidy_responsible(one) is SubsidyResponsible.EMPLOYER}
    assert employers == {"kungsbacka"}


@pytest.mark.rule("LOKA-44")
def test_financial_assistance_sees_to_care_contacts_only_where_the_profile_says_so() -> None:
    theirs = {key for key, one in profiles().items() if care_contact_owner(one) is CareContactOwner.EB}
    assert theirs == {"harryda"}


@pytest.mark.rule("LOKA-14")
@pytest.mark.parametrize(
    ("present", "missing"),
    [
        (set(), {ForumParty.EB, ForumParty.LABOUR_MARKET_UNIT}),
        ({ForumParty.EB}, {ForumParty.LABOUR_MARKET_UNIT}),
        ({ForumParty.LABOUR_MARKET_UNIT, ForumParty.FK}, {ForumParty.EB}),
        ({ForumParty.EB, ForumParty.LABOUR_MARKET_UNIT}, set()),
    ],
)
def test_a_forum_needs_both_financial_assistance_and_the_labour_market_unit(
    present: set[ForumParty], missing: set[ForumParty]
) -> None:
    assert forum_parties_missing(profiles()["kramfors"], present) == missing


@pytest.mark.rule("LOKA-15")
def test_a_unit_of_its_own_needs_nobody_else_to_prepare() -> None:
    alone = {key for key, one in profiles().items() if not forum_parties_missing(one, set())}
    assert alone >= {"timra", "kungsbacka", "molndal"}
    assert not alone & {"kramfors", "lilla_edet", "harnosand", "harryda", "ornskoldsvik"}
