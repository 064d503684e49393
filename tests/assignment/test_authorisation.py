"""Authorisation of providers: the table of rulebook 8.6, the checklist, staff, supervision, proposals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment.domain.authorisation import (
    MOVES,
    Ground,
    ProviderJudgement,
    bound_until,
    judge_provider,
    termination_ends,
)
from kundval_assignment.domain.capacity import has_capacity, places_left
from kundval_assignment.domain.checklist import capacity_suffices, checklist, qualification, staff_needed
from kundval_assignment.domain.som import may_refuse
from kundval_assignment.domain.supervision import followed_up, penalties, proposals, review
from kundval_contracts.authorisation import families, family, file_terms, terms
from kundval_contracts.calendar import Period, add_months
from kundval_contracts.case import Provider
from kundval_contracts.codes import (
    DeauthorisationGround,
    Ownership,
    Programme,
    ProviderFactKind,
    ProviderState,
    ReviewCause,
    SupervisionChannel,
    TermEvidence,
    TermState,
)
from kundval_contracts.followups import next_review
from kundval_contracts.inputs import PROVIDER
from kundval_contracts.provider_facts import ProviderFact, load_provider_fact
from kundval_contracts.rules import register
from kundval_contracts.settings import RuleSettings, SettingsFault, read_settings
from kundval_contracts.som import last_day_with_old

AMI, SOM = [Programme.AMI_1, Programme.AMI_2], [Programme.SOM_1]
APPLIED, AUTHORISED, UNDER_REVIEW, DEAUTHORISED = (
    ProviderState.APPLIED,
    ProviderState.AUTHORISED,
    ProviderState.UNDER_REVIEW,
    ProviderState.DEAUTHORISED,
)
GUIDE = "guide-1"


def day(text: str) -> date:
    return date.fromisoformat(text)


class Told:
    """Facts about a provider, one after the other."""

    def __init__(self, *facts: ProviderFact):
        self.facts = list(facts)

    def __call__(self, on: str, what: str, **fields: Any) -> ProviderFact:
        row = {"on": on, "fact": what, **fields}
        fact = load_provider_fact(row, len(self.facts), f"{what}-{len(self.facts)}")
        self.facts.append(fact)
        return fact


def settings(**values: Any) -> RuleSettings:
    return RuleSettings(read_settings({key.replace("__", "."): value for key, value in values.items()}))


def judged(
    facts: Iterable[ProviderFact],
    on: str = "2024-12-31",
    given: Provider | None = None,
    last_choice: str | None = None,
    **values: Any,
) -> ProviderJudgement:
    ground = Ground.of("alfa", settings(**values), given, day(last_choice) if last_choice else None)
    return judge_provider(facts, ground, day(on))


def states(judgement: ProviderJudgement) -> dict[str, str]:
    return {one.programme.value: one.state.value for one in judgement.standings}


def evidence(told: Told, programmes: Iterable[Programme], on: str = "2024-01-10", but: str = "", **fields: Any) -> None:
    """Everything that the checklist asks of these programmes, except the term `but`."""
    for term in terms(RuleSettings({})):
        if term.code == but or not any(term.belongs_to(one) for one in programmes):
            continue
        if term.evidence is TermEvidence.CAPACITY:
            told(on, "capacity_declared", places=20)
            continue
        if term.evidence is TermEvidence.STAFF:
            told(on, "staff_listed", staff="s-1", credits=120, subject_ok=True, fte_years_last5="2")
        rating = {"rating": "AA"} if term.evidence is TermEvidence.RATING else {}
        told(on, "term_met", term=term.code, evidence=f"doc:{term.code}", **rating, **fields)


def authorised(programmes: list[Programme] = AMI, on: str = "2024-02-01", applied: str = "2024-01-05") -> Told:
    """A provider that has applied, met every term and been authorised."""
    told = Told()
    told(applied, "applied", programmes=[one.value for one in programmes], ownership="PRIVATE")
    evidence(told, programmes)
    told(on, "authorised", programmes=[one.value for one in programmes], by=GUIDE)
    return told


def base(**fields: Any) -> Provider:
    """A provider that the tenant was opened with: authorised for AMI 2 from 2024-01-01."""
    return PROVIDER.load({"id": "alfa", "authorised": {"AMI_2": "2024-01-01"}, **fields})


# --- the table of 8.6 ----------------------------------------------------------------------------------


def in_state(state: ProviderState | None) -> Told:
    """Facts until 2024-03-31 that bring a provider into that state for AMI."""
    if state is None:
        told = Told()
        # known for another programme, with no standing in AMI
        told("2024-01-05", "applied", programmes=["SOM_1"], ownership="PRIVATE")
        evidence(told, AMI)
        return told
    if state is APPLIED:
        told = authorised()
        told.facts.pop()
        return told
    told = authorised()
    if state is UNDER_REVIEW:
        told("2024-03-01", "finding", severity="MINOR")
    elif state is DEAUTHORISED:
        told("2024-03-01", "term_unmet", term="EMPLOYER_METHOD")
        told("2024-03-02", "deauthorised", programmes=["AMI_1", "AMI_2"], ground="TERMS_NOT_MET", by=GUIDE)
        told("2024-03-03", "term_met", term="EMPLOYER_METHOD", evidence="doc:again")
    return told


def attempt(told: Told, kind: ProviderFactKind) -> ProviderFact:
    """The fact of that kind on 2024-04-01, with every guard satisfied as far as the state allows."""
    programmes = {"programmes": ["AMI_1", "AMI_2"]}
    if kind is ProviderFactKind.DEAUTHORISED:
        told("2024-03-31", "term_unmet", term="EMPLOYER_METHOD")
    fields: dict[str, Any] = {
        ProviderFactKind.APPLIED: {**programmes, "ownership": "PRIVATE"},
        ProviderFactKind.APPLICATION_WITHDRAWN: programmes,
        ProviderFactKind.AUTHORISED: {**programmes, "by": GUIDE},
        ProviderFactKind.FINDING: {**programmes, "severity": "MAJOR"},
        ProviderFactKind.FINDING_CLOSED: {
            "finding": next((one.id for one in told.facts if one.kind is ProviderFactKind.FINDING), "none")
        },
        ProviderFactKind.DEAUTHORISED: {**programmes, "ground": "TERMS_NOT_MET", "by": GUIDE},
        ProviderFactKind.NOTICE_GIVEN: {**programmes, "by_whom": "PROVIDER", "ends_on": "2024-04-01"},
    }[kind]
    return told("2024-04-01", kind.value, **fields)


@pytest.mark.rule("NACKA-1", "NACKA-15", "NACKA-16")
@pytest.mark.parametrize("state", [None, *ProviderState], ids=str)
@pytest.mark.parametrize("kind", MOVES, ids=str)
def test_every_pair_of_state_and_trigger_moves_or_is_refused_as_the_table_says(
    state: ProviderState | None, kind: ProviderFactKind
) -> None:
    told, move = in_state(state), MOVES[kind]
    before = judged(told.facts, "2024-03-31")
    assert {one.state for one in before.standings if one.programme in AMI} == ({state} if state else set())
    assert not before.refused
    fact = attempt(told, kind)
    after = judged(told.facts, "2024-04-01")
    now = {one.state for one in after.standings if one.programme in AMI}
    if state in move.come_from:
        assert fact.id not in after.refused
        assert now == ({move.to} if move.to else set())
    else:
        assert after.refused[fact.id].rules[0] == move.id
        assert fact not in after.in_effect
        if kind is not ProviderFactKind.DEAUTHORISED:  # the unmet term that it needs opens a review by itself
            assert now == ({state} if state else set())


def test_the_table_has_the_four_transitions_of_the_rulebook() -> None:
    assert {move.id for move in MOVES.values()} == {"SM-V1", "SM-V2", "SM-V3", "SM-V4"}


def test_nothing_can_be_stated_about_a_provider_that_has_not_applied() -> None:
    for kind in ("term_met", "capacity_declared", "authorised", "supervised"):
        fields: dict[str, Any] = {
            "term_met": {"term": "EMPLOYER_METHOD", "evidence": "d"},
            "capacity_declared": {"places": 3},
            "authorised": {"programmes": ["AMI_1"], "by": GUIDE},
            "supervised": {"channel": "ON_SITE"},
        }[kind]
        told = Told()
        fact = told("2024-01-01", kind, **fields)
        refused = judged(told.facts).refused[fact.id]
        assert (refused.code.value, refused.rules) == ("NOT_APPLIED", ("SM-V1", "NACKA-1"))


@pytest.mark.rule("NACKA-1")
@pytest.mark.parametrize("on", ["2024-02-29", "2024-07-06", "2024-12-24", "2024-12-31", "2025-01-01"])
def test_a_provider_may_apply_and_be_authorised_on_any_day_of_the_year(on: str) -> None:
    told = Told()
    told(on, "applied", programmes=["AMI_1", "AMI_2"], ownership="NON_PROFIT")
    evidence(told, AMI, on=on)
    told(on, "authorised", programmes=["AMI_1", "AMI_2"], by=GUIDE)
    found = judged(told.facts, on)
    assert not found.refused
    assert states(found) == {"AMI_1": "AUTHORISED", "AMI_2": "AUTHORISED"}
    assert found.provider.ownership is Ownership.NON_PROFIT


@pytest.mark.rule("AF-GEN-4")
@pytest.mark.parametrize("ownership", list(Ownership))
def test_the_employment_service_takes_everybody_who_meets_the_terms_municipalities_too(ownership: Ownership) -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["SOM_1"], ownership=ownership.value)
    evidence(told, SOM)
    told("2024-02-01", "authorised", programmes=["SOM_1"], by=GUIDE)
    assert states(judged(told.facts)) == {"SOM_1": "AUTHORISED"}


def test_who_was_deauthorised_may_apply_again_and_earlier_choices_keep_their_day() -> None:
    told = in_state(DEAUTHORISED)
    told("2024-05-01", "applied", programmes=["AMI_2"], ownership="PRIVATE")
    told("2024-06-01", "authorised", programmes=["AMI_2"], by=GUIDE)
    found = judged(told.facts)
    assert states(found) == {"AMI_1": "DEAUTHORISED", "AMI_2": "AUTHORISED"}
    provider = found.provider
    assert provider.earlier == {Programme.AMI_2: (Period(day("2024-02-01"), day("2024-03-02")),)}
    can = {text: provider.authorised_on(Programme.AMI_2, day(text)) for text in (
        "2024-01-31", "2024-02-01", "2024-03-01", "2024-03-02", "2024-05-31", "2024-06-01",
    )}  # fmt: skip
    assert list(can.values()) == [False, True, True, False, False, True]


def test_the_order_of_arrival_changes_nothing() -> None:
    told = in_state(DEAUTHORISED)
    assert judged(reversed(told.facts)) == judged(told.facts)


# --- the terms -----------------------------------------------------------------------------------------


def asked(programmes: list[Programme]) -> list[str]:
    return [term.code for term in file_terms() if any(term.belongs_to(one) for one in programmes)]


@pytest.mark.rule(
    "AMI-4.3-a", "AMI-6.3-a", "AF-SOM-9", "AF-SOM-11", "AF-SOM-12", "AF-SOM-13", "AF-SOM-14", "AF-SOM-15",
    "AF-SOM-16", "AF-SOM-23", "AF-SOM-30",
)  # fmt: skip
@pytest.mark.parametrize(
    ("programmes", "lacking"),
    [*((AMI, code) for code in asked(AMI)), *((SOM, code) for code in asked(SOM))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nobody_is_authorised_without_one_of_the_terms(programmes: list[Programme], lacking: str) -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=[one.value for one in programmes], ownership="PRIVATE")
    evidence(told, programmes, but=lacking)
    fact = told("2024-02-01", "authorised", programmes=[one.value for one in programmes], by=GUIDE)
    refusal = judged(told.facts).refused[fact.id]
    [term] = [one for one in file_terms() if one.code == lacking]
    assert refusal.code.value == "TERMS_NOT_MET"
    assert refusal.rules == ("SM-V2", *term.rules)
    assert lacking in refusal.message
    # and with it it is
    assert not judged(authorised(programmes).facts).refused


def test_the_rules_of_the_terms_are_in_the_rulebook_and_every_programme_has_a_family() -> None:
    assert {one for term in file_terms() for one in term.rules} <= set(register())
    assert {one for term in file_terms() for one in term.rules} >= {
        "AMI-4.3-a", "AMI-6.3-a", *(f"AF-SOM-{n}" for n in (9, 10, 11, 12, 13, 14, 15, 16, 20, 21, 23, 30)),
    }  # fmt: skip
    assert {family(programme) for programme in Programme} == set(families())


def test_a_municipality_adds_terms_of_its_own_as_data() -> None:
    own = {"code": "FIRE_SAFETY", "families": ["AMI"], "title": "Fire safety", "evidence": "DOCUMENT"}
    told = authorised()
    fact = told.facts[-1]
    refused = judged(told.facts, authorisation__local_terms=[own]).refused
    assert "FIRE_SAFETY" in refused[fact.id].message
    told("2024-01-20", "term_met", term="FIRE_SAFETY", evidence="doc:fire")
    assert not judged(told.facts, authorisation__local_terms=[own]).refused


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"code": "fire", "families": ["AMI"], "title": "x", "evidence": "DOCUMENT"}, "capital"),
        ({"code": "FIRE", "families": ["PILOTS"], "title": "x", "evidence": "DOCUMENT"}, "families"),
        ({"code": "FIRE", "families": [], "title": "x", "evidence": "DOCUMENT"}, "families"),
        ({"code": "ECONOMY", "families": ["AMI"], "title": "x", "evidence": "DOCUMENT"}, "twice"),
        ({"code": "FIRE", "families": ["AMI"], "title": "x", "evidence": "RUMOUR"}, "RUMOUR"),
        ({"code": "FIRE", "families": ["AMI"], "title": "", "evidence": "DOCUMENT"}, "title"),
        ({"code": "FIRE", "families": ["AMI"], "evidence": "DOCUMENT"}, "title is missing"),
        ({"code": "FIRE", "families": ["AMI"], "title": "x", "evidence": "DOCUMENT", "validity_months": 0}, "1200"),
        ({"code": "FIRE", "families": ["AMI"], "title": "x", "evidence": "DOCUMENT", "colour": 1}, "colour"),
    ],
)
def test_a_term_that_is_not_complete_is_a_fault_of_the_settings(row: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsFault, match=why):
        settings(authorisation__local_terms=[row])


def test_a_term_that_is_not_in_the_checklist_is_refused() -> None:
    told = authorised()
    for what in ("term_met", "term_evidence_offered"):
        fact = told("2024-03-01", what, term="GOOD_WILL", evidence="d")
        assert judged(told.facts).refused[fact.id].code.value == "TERM_UNKNOWN"
    fact = told("2024-03-01", "term_unmet", term="GOOD_WILL")
    assert judged(told.facts).refused[fact.id].code.value == "TERM_UNKNOWN"


def test_evidence_that_a_provider_hands_in_waits_and_meets_nothing() -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["AMI_1", "AMI_2"], ownership="PRIVATE")
    evidence(told, AMI, but="EMPLOYER_METHOD")
    told("2024-01-11", "term_evidence_offered", term="EMPLOYER_METHOD", evidence="doc:method")
    [status] = [one for one in judged(told.facts).checklist if one.term.code == "EMPLOYER_METHOD"]
    assert (status.state, status.offered) == (TermState.MISSING, "doc:method")
    told("2024-01-12", "term_met", term="EMPLOYER_METHOD", evidence="doc:method")
    [status] = [one for one in judged(told.facts).checklist if one.term.code == "EMPLOYER_METHOD"]
    assert (status.state, status.offered) == (TermState.MET, None)


@pytest.mark.rule("AF-SOM-14")
def test_a_credit_rating_is_shown_by_a_rating() -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["SOM_1"], ownership="PRIVATE")
    bare = told("2024-01-06", "term_met", term="CREDIT_RATING", evidence="report-1")
    assert judged(told.facts).refused[bare.id].code.value == "EVIDENCE_MISSING"
    rated = told("2024-01-06", "term_met", term="CREDIT_RATING", evidence="report-1", rating="AAA")
    assert rated.id not in judged(told.facts).refused


@pytest.mark.rule("AF-SOM-16")
def test_each_declared_subcontractor_needs_a_credit_rating_too() -> None:
    told = authorised(SOM)
    told("2024-03-01", "subcontractor_declared", organisation="interpreters-1", part="interpreting")
    found = judged(told.facts, "2024-03-01")
    [status] = [one for one in found.checklist if one.term.code == "CREDIT_RATING"]
    assert (status.state, status.lacking) == (TermState.MISSING, ("interpreters-1",))
    assert states(found) == {"SOM_1": "UNDER_REVIEW"}
    unknown = told("2024-03-02", "term_met", term="CREDIT_RATING", evidence="r-2", rating="A", subcontractor="somebody")
    told("2024-03-02", "term_met", term="CREDIT_RATING", evidence="r-2", rating="A", subcontractor="interpreters-1")
    found = judged(told.facts, "2024-03-02")
    assert found.refused[unknown.id].rules == ("AF-SOM-16",)
    assert states(found) == {"SOM_1": "AUTHORISED"}


@pytest.mark.rule("NACKA-18")
@pytest.mark.parametrize(
    ("on", "state", "term"),
    [
        ("2024-05-31", "AUTHORISED", "MET"),
        ("2024-06-01", "AUTHORISED", "EXPIRING"),
        ("2024-06-30", "AUTHORISED", "EXPIRING"),
        ("2024-07-01", "UNDER_REVIEW", "EXPIRED"),
    ],
)
def test_evidence_that_expires_is_listed_and_opens_a_review_and_the_provider_can_still_be_chosen(
    on: str, state: str, term: str
) -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["AMI_1", "AMI_2"], ownership="PRIVATE")
    evidence(told, AMI, but="EMPLOYER_METHOD")
    told("2024-01-10", "term_met", term="EMPLOYER_METHOD", evidence="d", valid_until="2024-06-30")
    told("2024-02-01", "authorised", programmes=["AMI_1", "AMI_2"], by=GUIDE)
    found = judged(told.facts, on)
    assert set(states(found).values()) == {state}
    [status] = [one for one in found.checklist if one.term.code == "EMPLOYER_METHOD"]
    assert status.state.value == term
    assert found.provider.authorised_on(Programme.AMI_1, day("2024-07-01"))
    if state == "UNDER_REVIEW":
        assert {cause.cause for one in found.standings for cause in one.causes} == {ReviewCause.TERM_EXPIRED}
        assert {one.since for one in found.standings} == {day("2024-07-01")}
    else:
        assert found.changes_on == day("2024-07-01")


@pytest.mark.rule("NACKA-18")
def test_renewed_evidence_ends_the_review() -> None:
    told = authorised()
    told("2024-03-01", "term_met", term="EMPLOYER_METHOD", evidence="short", valid_until="2024-03-31")
    # the first evidence, which has no end, still holds
    assert set(states(judged(told.facts, "2024-04-01")).values()) == {"AUTHORISED"}
    told("2024-05-01", "term_unmet", term="EMPLOYER_METHOD")
    assert set(states(judged(told.facts, "2024-05-01")).values()) == {"UNDER_REVIEW"}
    told("2024-06-01", "term_met", term="EMPLOYER_METHOD", evidence="again")
    assert set(states(judged(told.facts, "2024-05-31")).values()) == {"UNDER_REVIEW"}
    assert set(states(judged(told.facts, "2024-06-01")).values()) == {"AUTHORISED"}


@given(
    on=st.dates(day("2023-01-01"), day("2026-12-31")),
    months=st.integers(1, 60),
    own=st.one_of(st.none(), st.integers(-5, 2000)),
    later=st.integers(0, 3000),
)
def test_evidence_holds_until_its_own_last_day_and_no_longer_than_the_term_allows(
    on: date, months: int, own: int | None, later: int
) -> None:
    last = add_months(on, months) - timedelta(days=1)
    fields = {}
    if own is not None:
        fields["valid_until"] = (on + timedelta(days=own)).isoformat()
        last = min(last, on + timedelta(days=own))
    told = Told()
    told(on.isoformat(), "term_met", term="ECONOMY", evidence="d", **fields)
    held = settings(authorisation__validity_months={"ECONOMY": months})
    today = on + timedelta(days=later)
    [status] = [one for one in checklist(told.facts, terms(held), SOM, today, held) if one.term.code == "ECONOMY"]
    assert status.fulfilled == (today <= last)
    assert status.valid_until == last


@pytest.mark.rule("NACKA-1")
def test_a_decision_stands_when_terms_or_evidence_change_afterwards() -> None:
    told = authorised()
    later = judge_provider(
        [fact for fact in told.facts if fact.data.get("term") != "EMPLOYER_METHOD"],
        Ground.of("alfa", settings()),
        day("2024-03-01"),
        stating=(),
    )
    assert not later.refused
    assert states(later) == {"AMI_1": "UNDER_REVIEW", "AMI_2": "UNDER_REVIEW"}
    assert {cause.cause for one in later.standings for cause in one.causes} == {ReviewCause.TERM_MISSING}


# --- staff and capacity --------------------------------------------------------------------------------


def person(**fields: Any) -> ProviderFact:
    return Told()("2024-01-01", "staff_listed", staff="s-1", **fields)


@pytest.mark.rule("AF-SOM-9")
@pytest.mark.parametrize(
    ("fields", "both", "vocational_only"),
    [
        ({"credits": 120, "subject_ok": True, "fte_years_last5": "2"}, "A", "A"),
        ({"credits": 119, "subject_ok": True, "fte_years_last5": "2"}, None, None),
        ({"old_points": 80, "subject_ok": True, "fte_years_last5": "2"}, "A", "A"),
        ({"old_points": 79, "subject_ok": True, "fte_years_last5": "2"}, None, None),
        ({"vocational_points": 400, "subject_ok": True, "fte_years_last5": "2"}, "A", "A"),
        ({"vocational_points": 399, "subject_ok": True, "fte_years_last5": "2"}, None, None),
        ({"credits": 120, "subject_ok": True, "fte_years_last5": "1.99"}, None, None),
        # the two readings of the sentence
        ({"credits": 180, "subject_ok": False, "fte_years_last5": "5"}, None, "A"),
        ({"old_points": 80, "subject_ok": False, "fte_years_last5": "2"}, None, "A"),
        ({"vocational_points": 400, "subject_ok": False, "fte_years_last5": "2"}, None, None),
    ],
)
def test_path_a_asks_points_within_the_subjects_and_two_years_in_the_last_five(
    fields: dict[str, Any], both: str | None, vocational_only: str | None
) -> None:
    assert qualification(person(**fields), settings()) == both
    other = settings(som__staff__subject_condition="VOCATIONAL_ONLY")
    assert qualification(person(**fields), other) == vocational_only


@pytest.mark.rule("AF-SOM-10")
@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"study_years": "1", "passed": True, "fte_years_in_list": "3"}, "B"),
        ({"study_years": "0.99", "passed": True, "fte_years_in_list": "3"}, None),
        ({"study_years": "1", "passed": False, "fte_years_in_list": "3"}, None),
        ({"study_years": "1", "passed": True, "fte_years_in_list": "2.99"}, None),
    ],
)
def test_path_b_asks_a_years_studies_passed_and_three_years_in_the_occupations(
    fields: dict[str, Any], path: str | None
) -> None:
    assert qualification(person(**fields), settings()) == path


@pytest.mark.rule("AF-SOM-9", "AF-SOM-10")
def test_one_case_worker_without_qualification_opens_a_review_until_he_leaves() -> None:
    told = authorised(SOM)
    told("2024-03-01", "staff_listed", staff="s-2", credits=30, **{"from": "2024-03-15"})
    assert states(judged(told.facts, "2024-03-14")) == {"SOM_1": "AUTHORISED"}
    found = judged(told.facts, "2024-03-15")
    assert states(found) == {"SOM_1": "UNDER_REVIEW"}
    [status] = [one for one in found.checklist if one.term.evidence is TermEvidence.STAFF]
    assert (status.state, status.lacking, status.since) == (TermState.UNMET, ("s-2",), day("2024-03-15"))
    told("2024-03-20", "staff_listed", staff="s-2", credits=30, **{"from": "2024-03-15"}, until="2024-04-01")
    assert states(judged(told.facts, "2024-03-31")) == {"SOM_1": "UNDER_REVIEW"}
    assert states(judged(told.facts, "2024-04-01")) == {"SOM_1": "AUTHORISED"}


@pytest.mark.rule("AF-SOM-9")
def test_the_paths_are_asked_of_case_workers_alone_and_there_must_be_one() -> None:
    told = authorised(SOM)
    told("2024-03-01", "staff_listed", staff="s-3", function="SUPERVISOR")
    assert states(judged(told.facts, "2024-03-01")) == {"SOM_1": "AUTHORISED"}
    told(
        "2024-03-02", "staff_listed", staff="s-1", credits=120, subject_ok=True, fte_years_last5="2", until="2024-04-01"
    )
    assert states(judged(told.facts, "2024-03-31")) == {"SOM_1": "AUTHORISED"}
    found = judged(told.facts, "2024-04-01")
    assert [cause.since for one in found.standings for cause in one.causes] == [day("2024-04-01")]


@pytest.mark.rule("AF-SOM-23", "AF-SOM-29")
def test_we_46_staff_and_capacity() -> None:
    assert [staff_needed(n) for n in (0, 1, 35, 36, 70, 71)] == [0, 1, 1, 2, 2, 3]
    assert [capacity_suffices(n) for n in (None, 0, 19, 20, 21)] == [False, False, False, True, True]


@given(st.integers(0, 10_000), st.integers(1, 200))
def test_so_many_employees_are_needed_that_nobody_has_too_many_clients(participants: int, most: int) -> None:
    needed = staff_needed(participants, most)
    assert needed * most >= participants > (needed - 1) * most or participants == needed == 0


@pytest.mark.rule("AF-SOM-23")
@pytest.mark.parametrize(("places", "state"), [(19, "UNDER_REVIEW"), (20, "AUTHORISED"), (21, "AUTHORISED")])
def test_a_supplier_that_takes_back_places_below_twenty_comes_under_review(places: int, state: str) -> None:
    told = authorised(SOM)
    told("2024-03-01", "capacity_declared", places=places)
    found = judged(told.facts)
    assert states(found) == {"SOM_1": state}
    assert found.provider.capacity == places


@pytest.mark.rule("NACKA-7", "AF-SOM-23")
def test_places_left_are_those_declared_less_those_taken() -> None:
    three = base(capacity=3)
    assert [places_left(three, taken) for taken in (0, 2, 3, 4)] == [3, 1, 0, 0]
    assert [has_capacity(three, taken) for taken in (2, 3)] == [True, False]
    assert places_left(base(), 10_000) is None
    assert has_capacity(base(), 10_000)


# --- de-authorisation ----------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-16")
def test_a_provider_falls_out_only_by_a_decision_and_from_its_day() -> None:
    told = authorised()
    told("2024-03-01", "term_unmet", term="EMPLOYER_CONTACTS", reason="none found")
    found = judged(told.facts, "2030-01-01")
    assert set(states(found).values()) == {"UNDER_REVIEW"}
    assert found.provider.authorised_on(Programme.AMI_2, day("2030-01-01"))
    told("2024-04-01", "deauthorised", programmes=["AMI_2"], ground="TERMS_NOT_MET", by=GUIDE)
    found = judged(told.facts, "2024-04-01")
    assert states(found) == {"AMI_1": "UNDER_REVIEW", "AMI_2": "DEAUTHORISED"}
    assert [found.provider.authorised_on(Programme.AMI_2, day(text)) for text in (
        "2024-03-31", "2024-04-01", "2024-04-02",
    )] == [True, False, False]  # fmt: skip
    assert found.provider.authorised_on(Programme.AMI_1, day("2024-04-02"))


@pytest.mark.rule("NACKA-16")
def test_no_decision_for_unmet_terms_without_a_term_that_is_recorded_as_not_met() -> None:
    told = authorised()
    fact = told("2024-04-01", "deauthorised", programmes=["AMI_2"], ground="TERMS_NOT_MET", by=GUIDE)
    refusal = judged(told.facts).refused[fact.id]
    assert (refusal.code.value, refusal.rules) == ("TERMS_MET", ("SM-V4", "NACKA-16"))


@pytest.mark.rule("NACKA-16")
def test_an_unmet_term_of_another_family_is_no_ground() -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["AMI_2", "SOM_1"], ownership="PRIVATE")
    evidence(told, [*AMI, *SOM])
    told("2024-02-01", "authorised", programmes=["AMI_2", "SOM_1"], by=GUIDE)
    told("2024-03-01", "term_unmet", term="ENVIRONMENTAL_POLICY")
    assert states(judged(told.facts)) == {"AMI_2": "AUTHORISED", "SOM_1": "UNDER_REVIEW"}
    both = told("2024-04-01", "deauthorised", programmes=["AMI_2", "SOM_1"], ground="TERMS_NOT_MET", by=GUIDE)
    assert judged(told.facts).refused[both.id].code.value == "TERMS_MET"


WE_47 = {
    "2025-01-31": ("2024-01-31", "2023-01-01", False),
    "2025-02-01": ("2024-01-31", "2023-01-01", True),
    "2025-06-14": (None, "2024-06-15", False),
    "2025-06-15": (None, "2024-06-15", True),
}


@pytest.mark.rule("NACKA-17")
@pytest.mark.parametrize("on", WE_47)
def test_we_47_de_authorisation_window(on: str) -> None:
    chosen, since, expected = WE_47[on]
    given = base(authorised={"AMI_2": since})
    found = judged([], on, given)
    made = proposals(found, day(chosen) if chosen else None, 0, day(on), settings())
    assert bool(made) == expected
    told = Told()
    fact = told(on, "deauthorised", programmes=["AMI_2"], ground="NO_CLIENTS", by=GUIDE)
    refused = judged(told.facts, on, given, last_choice=chosen).refused
    assert (fact.id not in refused) == expected
    if not expected:
        assert refused[fact.id].rules == ("SM-V4", "NACKA-17")


@pytest.mark.rule("NACKA-17")
def test_active_clients_do_not_count_as_attracted_but_are_told_with_the_proposal() -> None:
    found = judged([], "2025-02-01", base(authorised={"AMI_2": "2023-01-01"}))
    [made] = proposals(found, day("2024-01-31"), 4, day("2025-02-01"), settings())
    assert (made.ground, made.active_clients, made.rules) == (DeauthorisationGround.NO_CLIENTS, 4, ("NACKA-17",))
    assert made.last_choice == day("2024-01-31")


@pytest.mark.rule("NACKA-17")
def test_a_programme_that_is_newer_than_the_window_is_not_proposed() -> None:
    found = judged([], "2025-02-01", base(authorised={"AMI_1": "2023-01-01", "AMI_2": "2024-06-01"}))
    [made] = proposals(found, None, 0, day("2025-02-01"), settings())
    assert made.programmes == (Programme.AMI_1,)
    assert not proposals(found, None, 0, day("2025-02-01"), settings(deauth__window_months=36))


@pytest.mark.rule("NACKA-17")
@given(st.dates(day("2022-01-01"), day("2027-12-31")), st.integers(0, 800), st.integers(0, 1200))
def test_who_was_chosen_within_twelve_months_is_never_proposed(today: date, ago: int, since: int) -> None:
    chosen = today - timedelta(days=ago)
    start = today - timedelta(days=since)
    found = judge_provider([], Ground.of("alfa", settings(), base(authorised={"AMI_2": start.isoformat()})), today)
    made = proposals(found, chosen, 0, today, settings())
    assert bool(made) == (chosen < add_months(today, -12) and add_months(start, 12) <= today)


@pytest.mark.rule("NACKA-16")
def test_an_unmet_term_is_proposed_and_expired_evidence_is_not() -> None:
    told = authorised()
    told("2024-03-01", "term_unmet", term="EMPLOYER_CONTACTS")
    found = judged(told.facts, "2024-03-01")
    [made] = proposals(found, day("2024-02-20"), 2, day("2024-03-01"), settings())
    assert (made.ground, made.terms) == (DeauthorisationGround.TERMS_NOT_MET, ("EMPLOYER_CONTACTS",))
    assert made.rules == ("NACKA-16", "AMI-4.3-a", "AMI-6.3-a")
    assert made.programmes == (Programme.AMI_1, Programme.AMI_2)
    told("2024-03-02", "term_met", term="EMPLOYER_CONTACTS", evidence="d", valid_until="2024-03-31")
    found = judged(told.facts, "2024-04-01")
    assert set(states(found).values()) == {"UNDER_REVIEW"}
    assert not proposals(found, day("2024-02-20"), 2, day("2024-04-01"), settings())


def test_a_provider_that_is_only_applied_or_out_already_is_not_proposed() -> None:
    for told in (in_state(APPLIED), in_state(DEAUTHORISED)):
        told("2024-03-30", "term_unmet", term="EMPLOYER_METHOD")
        assert not proposals(judged(told.facts, "2029-01-01"), None, 0, day("2029-01-01"), settings())


# --- separate roles ------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-2")
def test_who_has_acted_for_the_municipal_provider_does_not_decide_about_it() -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["AMI_2"], ownership="MUNICIPAL")
    told("2024-01-06", "staff_listed", staff="p-7", function="SUPERVISOR", until="2024-01-20")
    evidence(told, AMI)
    own = told("2024-02-01", "authorised", programmes=["AMI_2"], by="p-7")
    refusal = judged(told.facts).refused[own.id]
    assert (refusal.code.value, refusal.rules) == ("ACTED_FOR_PROVIDER", ("NACKA-2",))
    told("2024-02-01", "authorised", programmes=["AMI_2"], by=GUIDE)
    told("2024-03-01", "term_unmet", term="EMPLOYER_METHOD")
    out = told("2024-03-02", "deauthorised", programmes=["AMI_2"], ground="TERMS_NOT_MET", by="p-7")
    assert judged(told.facts).refused[out.id].rules == ("NACKA-2",)


@pytest.mark.rule("NACKA-2")
def test_who_stated_a_fact_in_the_providers_name_does_not_decide_about_it_either() -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["AMI_2"], ownership="MUNICIPAL")
    applied = told.facts[0]
    told.facts[0] = ProviderFact(
        applied.id, applied.kind, applied.on, applied.known_on, 0, applied.data, "p-9", for_provider=True
    )
    evidence(told, AMI)
    own = told("2024-02-01", "authorised", programmes=["AMI_2"], by="p-9")
    assert judged(told.facts).refused[own.id].code.value == "ACTED_FOR_PROVIDER"


@pytest.mark.rule("NACKA-2")
def test_a_decision_stands_when_the_person_joins_the_provider_afterwards() -> None:
    told = authorised()
    told("2025-01-01", "staff_listed", staff=GUIDE)
    assert not judged(told.facts, "2025-01-01").refused


# --- the employment service's contract -------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-28")
@pytest.mark.parametrize(("on", "free"), [("2024-05-04", False), ("2024-05-05", True), ("2024-05-06", True)])
def test_an_application_to_the_employment_service_is_binding_for_four_months(on: str, free: bool) -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["SOM_1"], ownership="PRIVATE")
    fact = told(on, "application_withdrawn", programmes=["SOM_1"])
    found = judged(told.facts)
    assert (fact.id not in found.refused) == free
    assert states(found) == ({} if free else {"SOM_1": "APPLIED"})
    if not free:
        assert found.refused[fact.id].rules == ("AF-SOM-28",)


def test_an_application_to_the_municipality_may_be_withdrawn_on_the_day() -> None:
    told = Told()
    told("2024-01-05", "applied", programmes=["AMI_2"], ownership="PRIVATE")
    told("2024-01-05", "application_withdrawn", programmes=["AMI_2"])
    assert judged(told.facts).standings == ()
    assert not judged(told.facts).refused


@pytest.mark.rule("AF-SOM-27", "AF-SOM-28")
def test_months_of_notice_and_binding_end_with_the_month_where_the_day_is_missing() -> None:
    assert termination_ends(day("2023-11-30")) == day("2024-02-29")
    assert termination_ends(day("2024-01-15")) == day("2024-04-15")
    assert bound_until(day("2023-10-31")) == day("2024-02-29")


@pytest.mark.rule("AF-SOM-27")
@pytest.mark.parametrize("by_whom", ["PROVIDER", "COMMISSIONER"])
def test_a_notice_ends_the_authorisation_three_months_later_whoever_gives_it(by_whom: str) -> None:
    told = authorised(SOM)
    told("2024-03-15", "notice_given", programmes=["SOM_1"], by_whom=by_whom)
    before = judged(told.facts, "2024-06-14")
    assert states(before) == {"SOM_1": "AUTHORISED"}
    assert (before.standings[0].until, before.changes_on) == (day("2024-06-15"), day("2024-06-15"))
    after = judged(told.facts, "2024-06-15")
    assert states(after) == {"SOM_1": "DEAUTHORISED"}
    assert after.standings[0].ground is DeauthorisationGround.NOTICE
    assert [after.provider.authorised_on(Programme.SOM_1, day(text)) for text in ("2024-06-14", "2024-06-15")] == [
        True, False,
    ]  # fmt: skip


@pytest.mark.rule("AF-SOM-27")
def test_a_notice_may_say_a_later_day_and_no_earlier_one_and_is_given_once() -> None:
    told = authorised(SOM)
    early = told("2024-03-15", "notice_given", programmes=["SOM_1"], by_whom="PROVIDER", ends_on="2024-06-14")
    assert judged(told.facts).refused[early.id].rules == ("AF-SOM-27",)
    told("2024-03-15", "notice_given", programmes=["SOM_1"], by_whom="PROVIDER", ends_on="2024-08-01")
    again = told("2024-03-16", "notice_given", programmes=["SOM_1"], by_whom="COMMISSIONER")
    found = judged(told.facts, "2024-07-31")
    assert found.refused[again.id].code.value == "ALREADY_ENDING"
    assert states(found) == {"SOM_1": "AUTHORISED"}
    assert states(judged(told.facts, "2024-08-01")) == {"SOM_1": "DEAUTHORISED"}


def test_a_notice_about_the_municipalitys_programmes_says_itself_when_they_end() -> None:
    told = authorised()
    silent = told("2024-03-15", "notice_given", programmes=["AMI_2"], by_whom="PROVIDER")
    assert judged(told.facts).refused[silent.id].code.value == "END_MISSING"
    past = told("2024-03-15", "notice_given", programmes=["AMI_2"], by_whom="PROVIDER", ends_on="2024-03-14")
    assert judged(told.facts).refused[past.id].code.value == "TOO_EARLY"
    told("2024-03-15", "notice_given", programmes=["AMI_2"], by_whom="PROVIDER", ends_on="2024-05-01")
    assert states(judged(told.facts, "2024-05-01")) == {"AMI_1": "AUTHORISED", "AMI_2": "DEAUTHORISED"}


@pytest.mark.rule("AF-SOM-16", "AF-SOM-27")
def test_who_is_out_by_a_decision_is_not_kept_in_by_a_notice() -> None:
    told = authorised(SOM)
    told("2024-03-15", "notice_given", programmes=["SOM_1"], by_whom="PROVIDER")
    told("2024-04-01", "term_unmet", term="SUBCONTRACTORS_DECLARED")
    told("2024-04-02", "deauthorised", programmes=["SOM_1"], ground="TERMS_NOT_MET", by=GUIDE)
    assert judged(told.facts, "2024-04-02").provider.deauthorised == {Programme.SOM_1: day("2024-04-02")}


@pytest.mark.rule("AF-SOM-32")
def test_a_penalty_is_recorded_as_it_was_decided_and_changes_nothing_else() -> None:
    told = authorised(SOM)
    before = judged(told.facts)
    told("2024-03-01", "penalty_recorded", case="AF-7", ground="late reports", amount="12500.50")
    after = judged(told.facts)
    [fact] = penalties(after.in_effect)
    assert (fact["case"], fact["ground"], fact["amount"]) == ("AF-7", "late reports", Decimal("12500.50"))
    assert after.standings == before.standings


@pytest.mark.rule("AF-SOM-25", "AF-SOM-26")
def test_we_42_som_switch_and_refusal() -> None:
    assert last_day_with_old(day("2021-03-10"), 14) == day("2021-03-24")
    end = day("2021-05-30")  # the first day after the period
    assert [may_refuse(day(text), end, 60) for text in ("2021-03-25", "2021-03-31", "2021-04-01")] == [
        False, False, True,
    ]  # fmt: skip


# --- supervision ---------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-15")
@pytest.mark.parametrize("channel", list(SupervisionChannel))
def test_each_of_the_three_channels_is_recorded(channel: SupervisionChannel) -> None:
    told = authorised()
    told("2024-03-01", "supervised", channel=channel.value, text="seen")
    found = review(told.facts, judged(told.facts).standings, day("2024-04-01"), settings())
    assert found.by_channel == {**dict.fromkeys(SupervisionChannel), channel: day("2024-03-01")}
    assert found.last == day("2024-03-01")


@pytest.mark.rule("NACKA-18")
def test_without_an_interval_no_review_is_due_and_that_is_said() -> None:
    told = authorised()
    found = review(told.facts, judged(told.facts).standings, day("2034-01-01"), settings())
    assert (found.interval, found.due, found.overdue) == (None, None, False)


@pytest.mark.rule("NACKA-18")
@pytest.mark.parametrize(("on", "overdue"), [("2024-08-30", False), ("2024-08-31", False), ("2024-09-01", True)])
def test_the_next_review_is_due_an_interval_after_the_last(on: str, overdue: bool) -> None:
    told = authorised()
    held = settings(supervision__interval_months=6)
    standing = judged(told.facts).standings
    assert review(told.facts, standing, day(on), held).due == day("2024-08-01")
    told("2024-02-29", "supervised", channel="ON_SITE")
    assert next_review(day("2024-02-29"), 6) == day("2024-08-29")
    told("2024-02-29", "supervised", channel="REPORT_REVIEW")
    told("2024-08-29", "supervised", channel="CLIENT_DIALOGUE")
    assert review(told.facts, standing, day("2024-08-28"), held).due == day("2024-08-29")
    shorter = settings(supervision__interval_months=1)
    told.facts.pop()
    told("2024-07-31", "supervised", channel="CLIENT_DIALOGUE")
    found = review(told.facts, standing, day(on), shorter)
    assert (found.due, found.overdue) == (day("2024-08-31"), overdue)


@pytest.mark.rule("NACKA-15")
def test_a_finding_opens_a_review_that_the_municipality_closes_not_the_provider() -> None:
    told = authorised()
    found = told("2024-03-01", "finding", severity="MAJOR", measure="hire", due="2024-03-31", programmes=["AMI_2"])
    assert states(judged(told.facts, "2024-03-01")) == {"AMI_1": "AUTHORISED", "AMI_2": "UNDER_REVIEW"}
    told("2024-03-20", "measure_done", finding=found.id)
    assert states(judged(told.facts, "2024-03-20")) == {"AMI_1": "AUTHORISED", "AMI_2": "UNDER_REVIEW"}
    [one] = followed_up(told.facts, day("2024-03-31"))
    assert (one.measure_done_on, one.closed_on, one.overdue) == (day("2024-03-20"), None, False)
    assert followed_up(told.facts, day("2024-04-01"))[0].overdue
    told("2024-04-02", "finding_closed", finding=found.id)
    assert states(judged(told.facts, "2024-04-02")) == {"AMI_1": "AUTHORISED", "AMI_2": "AUTHORISED"}
    assert not followed_up(told.facts, day("2024-04-02"))[0].overdue


def test_a_measure_belongs_to_a_finding_that_is_open() -> None:
    told = authorised()
    for what in ("measure_done", "finding_closed"):
        fact = told("2024-03-20", what, finding="no-such")
        assert judged(told.facts).refused[fact.id].code.value == "FINDING_UNKNOWN"


def test_a_provider_that_was_handed_over_as_authorised_is_reviewed_for_what_is_found_not_for_what_is_elsewhere() -> (
    None
):
    given = base()
    assert states(judged([], given=given)) == {"AMI_2": "AUTHORISED"}
    told = Told()
    told("2024-03-01", "supervised", channel="ON_SITE")
    assert states(judged(told.facts, given=given)) == {"AMI_2": "AUTHORISED"}
    told("2024-03-01", "finding", severity="MINOR")
    assert states(judged(told.facts, given=given)) == {"AMI_2": "UNDER_REVIEW"}


# --- how it meets what the tenant was opened with ---------------------------------------------------------


def test_a_provider_counts_as_authorised_from_the_days_it_was_handed_over_with() -> None:
    given = base(name="Alfa", deauthorised={"AMI_2": "2024-09-01"}, capacity=7)
    found = judged([], "2024-08-31", given)
    assert states(found) == {"AMI_2": "AUTHORISED"}
    assert found.provider == given
    assert states(judged([], "2024-09-01", given)) == {"AMI_2": "DEAUTHORISED"}
    assert states(judged([], "2023-12-31", given)) == {}


def test_facts_add_to_what_was_handed_over_and_end_it() -> None:
    told = Told()
    told("2024-02-01", "applied", programmes=["SOM_1"], ownership="NON_PROFIT")
    evidence(told, SOM, on="2024-02-02")
    told("2024-03-01", "authorised", programmes=["SOM_1"], by=GUIDE)
    told("2024-03-02", "term_unmet", term="EMPLOYER_METHOD")
    told("2024-04-01", "deauthorised", programmes=["AMI_2"], ground="TERMS_NOT_MET", by=GUIDE)
    found = judged(told.facts, given=base())
    assert not found.refused
    assert found.provider.authorised == {Programme.AMI_2: day("2024-01-01"), Programme.SOM_1: day("2024-03-01")}
    assert found.provider.deauthorised == {Programme.AMI_2: day("2024-04-01")}
    assert found.provider.ownership is Ownership.NON_PROFIT


def test_a_provider_without_facts_stays_exactly_as_it_was_handed_over() -> None:
    given = base(earlier={"AMI_2": [{"from": "2020-01-01", "to": "2021-01-01"}]}, ownership="MUNICIPAL", name="Beta")
    assert judged([], given=given).provider == given
    assert PROVIDER.load(PROVIDER.dump(given)) == given


@given(
    st.lists(
        st.tuples(st.dates(day("2024-01-01"), day("2025-12-31")), st.sampled_from(sorted(MOVES))),
        min_size=1,
        max_size=12,
    ),
    st.dates(day("2024-01-01"), day("2026-12-31")),
)
def test_whatever_is_stated_the_standing_agrees_with_the_days_on_which_it_can_be_chosen(
    steps: list[tuple[date, ProviderFactKind]], today: date
) -> None:
    told = Told()
    evidence(told, [Programme.AMI_2], on="2023-12-01")
    told.facts.insert(0, Told()("2023-12-01", "applied", programmes=["AMI_1"], ownership="PRIVATE"))
    told.facts = [
        ProviderFact(f"f-{n}", one.kind, one.on, one.known_on, n, one.data) for n, one in enumerate(told.facts)
    ]
    for on, kind in steps:
        fields: dict[str, Any] = {"programmes": ["AMI_2"]}
        fields |= {"ownership": "PRIVATE"} if kind is ProviderFactKind.APPLIED else {}
        fields |= {"by": GUIDE} if kind in (ProviderFactKind.AUTHORISED, ProviderFactKind.DEAUTHORISED) else {}
        fields |= {"ground": "NO_CLIENTS"} if kind is ProviderFactKind.DEAUTHORISED else {}
        fields |= {"severity": "MINOR"} if kind is ProviderFactKind.FINDING else {}
        if kind is ProviderFactKind.FINDING_CLOSED:
            fields = {"finding": next((one.id for one in told.facts if one.kind is ProviderFactKind.FINDING), "none")}
        if kind is ProviderFactKind.NOTICE_GIVEN:
            fields |= {"by_whom": "PROVIDER", "ends_on": (on + timedelta(days=30)).isoformat()}
        told(on.isoformat(), kind.value, **fields)
    found = judged(told.facts, today.isoformat(), deauth__window_months=1)
    standing = {one.programme: one.state for one in found.standings}
    can = found.provider.authorised_on(Programme.AMI_2, today)
    assert can == (standing.get(Programme.AMI_2) in (AUTHORISED, UNDER_REVIEW))
    # judged again, what is in effect stays so; and nothing changes before the day that was named
    again = judge_provider(found.in_effect, Ground.of("alfa", settings()), today, stating=())
    assert again.in_effect == found.in_effect
    if found.changes_on is not None:
        eve = found.changes_on - timedelta(days=1)
        later = judged(told.facts, eve.isoformat(), deauth__window_months=1)
        assert {one.programme: one.state for one in later.standings} == standing
