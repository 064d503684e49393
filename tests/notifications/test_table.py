"""The table of notices and the code that yields them say the same: kinds, roles, rules and values."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundval_chassis.coverage import coverage
from kundval_contracts.answer import Notice, Obligation, Posting
from kundval_contracts.case import Case, Provider
from kundval_contracts.codes import (
    AfMessage,
    DeauthorisationGround,
    LineKind,
    NoticeKind,
    ObligationKind,
    ObligationState,
    Ownership,
    Programme,
    Role,
)
from kundval_contracts.events import EVENTS
from kundval_contracts.notices import STILL, notice_table, serving
from kundval_contracts.obligations import terms
from kundval_contracts.rules import register
from kundval_notifications.domain import outlook
from kundval_notifications.domain.again import again
from kundval_notifications.domain.money import about_payment
from kundval_notifications.domain.providers import about_provider
from kundval_notifications.hear import NEEDS
from kundval_notifications.keep import NEEDS as ALL_NEEDS
from kundval_scheduling.domain import obligations
from tests.notifications.further import heard, meeting
from tests.notifications.test_further import absent
from tests.notifications.test_providers_and_money import payment
from tests.scheduling.builders import Row, ami1, ami2, case, d, exited, on, start, tenant
from tests.scheduling.histories import FIRST, OTHERS, histories, readings

END = d("2026-12-31")
SETTINGS = {"choice.days": 5, "assignment.accept_days": 5, "supervision.interval_months": 12}


def late(kind: ObligationKind, number: int, responsible: Role, rule: str) -> Obligation:
    day = d("2024-06-03")
    return Obligation("A-001", kind, number, day, responsible, ObligationState.OVERDUE, None, (rule,), day)


def obligations_of_every_kind() -> Iterator[Obligation]:
    """Each kind with each of its rules, late for ever, and one that is late for the career guide to answer for."""
    number = 0
    for kind, row in terms().items():
        if kind is ObligationKind.SUPERVISION:
            continue
        for rule in row.rules:
            number += 1
            yield late(kind, number, row.responsible, rule)
    yield late(ObligationKind.CHECK_IN, number + 1, Role.CAREER_GUIDE, "LOKA-25")
    yield late(ObligationKind.FOLLOWUP_MEETING, 1, Role.CAREER_GUIDE, "AMI-8.2-a")


def cases() -> Iterator[Case]:
    """Lives in which everything happens of which somebody is told."""
    undecided = [on("2024-03-15", "decided"), on("2024-03-15", "results_shown")]
    silent = [*undecided, on("2024-03-16", "provider_chosen", provider="alfa")]
    declines = [*silent, on("2024-03-18", "declined")]
    for rows in (undecided, silent, declines):
        yield case("AMI_2", *rows)
    running: list[Row] = [
        on("2024-04-02", "provider_switch", provider="beta", approved=False),
        on("2024-04-03", "manual_decision", about="SWITCH", approved=True),
        on("2024-04-04", "meeting_booked", meeting="FOLLOWUP_AMI2_M3"),
        on("2024-04-05", "meeting_missed", meeting="FOLLOWUP_AMI2_M3"),
        on("2024-04-08", "placement_started", workplace="W1", hours_per_week="20"),
        on("2024-04-09", "offer_declined", offer="PRACTICE", receives_eb=True),
        on("2024-04-10", "offer_declined", offer="WORK", receives_eb=False),
        on("2024-04-15", "hours_reported", hours_per_week="9"),
        on("2024-04-22", "hours_reported", hours_per_week="12"),
        on("2024-05-02", "coordinator_requested"),
        on("2024-05-03", "coordinator_brokered"),
        on("2024-05-04", "obstacle_found"),
        on("2024-05-05", "plan_broken", reason="ABSENT"),
        on("2024-05-06", "subsidy_step", subsidy="s-1", step="ENQUIRED"),
        on("2024-05-07", "placement_started", workplace="W1", hours_per_week="30"),
        on("2024-05-10", "monthly_report", month=2, extent_pct=10, attachments=["a-1"]),
        absent("2024-05-13", 9),
        absent("2024-05-27", 1, "UNEXCUSED"),
    ]
    lacking = exited("2024-06-20", documents=[])
    after = [
        on("2024-07-20", "premium_follow_up", month=5, continues=False),
        on("2024-08-20", "workplace_changed", workplace="W2", gap_days=0),
        on("2024-12-20", "bonus_claimed", certified=True),
        on("2024-12-27", "manual_decision", about="BONUS", approved=True),
    ]
    yield ami2(*running, lacking, *after)
    yield ami2(*running, lacking, on("2024-07-01", "eb_paid", from_="2024-07-01", to="2024-08-01", scope="CLIENT"))
    broken = [on("2024-07-01", "broke_off"), on("2024-07-08", "resumed", provider="beta")]
    yield ami2(lacking, *broken)
    study = {"documents": [], "csn_eligible": True, "extent_pct": 50, "household_support": True}
    eb = on("2024-07-01", "eb_paid", from_="2024-07-01", to="2024-08-01", scope="CLIENT")
    for kind in ("STUDY_MIN_HALF_TIME", "STUDY_FULL_TIME", "OWN_BUSINESS", "WORK_HOURLY_FULL_TIME"):
        for rows in ((), (eb,), after):
            yield ami2(exited("2024-06-20", kind, **study), *rows)
    yield ami2(exited("2024-06-20", first_day="2024-07-01"))
    yield ami2(exited("2024-06-20"), end_date="2024-12-31")
    yield ami2(exited("2025-03-14"))
    yield ami1(exited("2025-06-01", "OWN_BUSINESS"))
    yield ami1(exited("2025-05-20", "OWN_BUSINESS"))
    yield ami1(exited("2025-05-20"), on("2025-07-20", "workplace_changed", workplace="W2", gap_days=0))
    yield ami2(exited("2024-06-20", "WORK_HOURLY_FULL_TIME"), on("2024-12-20", "bonus_claimed", certified=True))
    yield ami1(exited("2025-05-01"), on("2025-11-20", "bonus_claimed", certified=True))
    yield ami1()
    yield ami1(on("2025-03-12", "offer_declined", offer="PRACTICE", receives_eb=True))
    yield case(
        "JOBBPENG_BASIC", *start("2024-03-15", "2024-03-28"), *(absent(day, 9) for day in ("2024-05-01", "2024-05-20"))
    )


def news() -> list[Any]:
    """Everything that is heard of an assignment beside its facts."""
    declined = {"version": 1, "response": "DECLINED", "mandatory": True}
    return [
        meeting("booked", 1, "2024-04-02", "2024-04-20"),
        meeting("rebooked", 2, "2024-04-03", "2024-04-22"),
        heard("scheduling.meeting_answered", 7, "2024-04-03", "m-1", role="CLIENT", booker="PROVIDER", **declined),
        heard("scheduling.meeting_answered", 8, "2024-04-03", "m-1", role="CLIENT", booker="CAREER_GUIDE", **declined),
        meeting("overdue", 3, "2024-05-22", "2024-04-22"),
        meeting("booked", 1, "2024-04-02", "2024-04-20", "m-2"),
        meeting("cancelled", 2, "2024-04-10", "2024-04-20", "m-2"),
        heard("assignment.choice_required", 9, "2024-06-03", "alfa"),
        heard("assignment.report_returned", 4, "2024-06-12", "MONTHLY:3:1", kind="MONTHLY", sequence=3),
        heard("assignment.claims_overlap", 1, "2024-12-20", others=["A-2"]),
        heard("assignment.evidence_reused", 3, "2024-12-21", "d-1"),
        heard("assignment.af_registration_missing", 1, "2024-05-02", since="2024-05-01", missing=True),
        *(
            heard(
                "assignment.af_dispatch_changed",
                20 + place,
                "2024-05-02",
                f"a-{place}",
                kind=kind.value,
                state="NOT_APPROVED",
                provider="alfa",
            )
            for place, kind in enumerate(AfMessage)
        ),
        heard("assignment.af_report_overdue", 2, "2024-05-02", "FINAL:1", kind="FINAL", due="2024-05-01", overdue=True),
        heard("billing.assignment_parked", 3, "2024-05-31", run="2024-05-31", code="NO_TARIFF"),
    ]


def yielded() -> Iterator[Notice]:
    here = tenant(SETTINGS)
    for one in cases():
        postings = (
            Posting(d("2024-05-31"), "A-001", "alfa", LineKind.MONTHLY_FEE, 1, -8000, d("2024-04-30")),  # type: ignore[arg-type]
        )
        for rows in (obligations(one, here, d("2024-06-01")), obligations(one, here, END)):
            yield from (row.notice for row in outlook(one, rows, postings, here, END, news())[0])
    for one in (ami2(started=None), ami1(), case("LOCAL", *start("2024-01-15", "2024-01-28"))):
        rows = [
            row for row in obligations_of_every_kind() if one.programme.is_ami or not row.rules[0].startswith("AMI")
        ]
        yield from (row.notice for row in outlook(one, rows, (), here, END)[0])
    told = [
        heard("assignment.provider_review_opened", 1, "2024-05-01", programmes=["AMI_2"]),
        *(
            heard("assignment.provider_deauthorised", 2 + place, "2024-09-01", programmes=["AMI_2"], ground=ground)
            for place, ground in enumerate([*DeauthorisationGround, None])
        ),
    ]  # fmt: skip
    ends = {Programme.AMI_2: d("2026-09-01")}
    for provider in (
        Provider("alfa", Ownership.PRIVATE, {Programme.AMI_2: d("2023-01-01")}, deauthorised=ends),
        Provider("beta", Ownership.PRIVATE, {Programme.AMI_2: d("2023-01-01")}),
    ):
        about = again(about_provider(provider, told, [], here, d("2026-06-30")), here.settings)
        yield from (row.notice for row in about)
    payments = [
        payment("parked", 2, "2024-06-03", code="VAT_NOT_SET"),
        payment("attested", 3, "2024-07-03", self_billing=True),
        payment("disputed", 4, "2024-08-03"),
    ]
    yield from (row.notice for row in again(about_payment("12", payments), here.settings))


@pytest.fixture(scope="module")
def gallery() -> dict[str, list[Notice]]:
    found: dict[str, list[Notice]] = defaultdict(list)
    for row in yielded():
        found[row.kind].append(row)
    return found


def test_every_kind_of_the_table_comes_about_and_no_other(gallery: dict[str, list[Notice]]) -> None:
    assert set(gallery) == {kind.value for kind in notice_table()}


@pytest.mark.parametrize("kind", NoticeKind, ids=str)
def test_a_row_of_the_table_says_what_the_code_yields_and_no_more(
    kind: NoticeKind, gallery: dict[str, list[Notice]]
) -> None:
    row, found = notice_table()[kind], gallery[kind.value]
    assert {one.to for one in found} == set(row.routes)
    assert {rule for one in found for rule in one.rules} == set(row.rules)
    assert {one.about for one in found} == {row.about}
    for one in found:
        assert set(one.values) == (set() if one.to is Role.CLIENT else row.values), one
        assert (one.provider is None) or one.to is Role.PROVIDER


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(("AMI_1", "AMI_2", *OTHERS)), readings, st.integers(0, 700))
@pytest.mark.slow
def test_no_history_yields_what_the_table_does_not_know(one: Case, given_: dict[str, Any], days: int) -> None:
    here, day = tenant(given_), FIRST.fromordinal(FIRST.toordinal() + days)
    for row in outlook(one, obligations(one, here, day), (), here, day)[0]:
        known = notice_table()[NoticeKind(row.notice.kind)]
        assert row.notice.to in known.routes
        assert set(row.notice.rules) <= set(known.rules)
        assert set(row.notice.values) == (set() if row.notice.to is Role.CLIENT else known.values)


def test_what_causes_a_notice_is_a_fact_an_event_that_is_listened_to_or_what_is_computed() -> None:
    facts = {name.partition(".")[2] for name in EVENTS if name.startswith("assignment.")}
    for row in notice_table().values():
        for cause in row.causes:
            known = cause in ("obligations", "postings") or cause in facts
            assert known or (cause in NEEDS and cause in EVENTS), (row.kind, cause)
    assert set(EVENTS) >= ALL_NEEDS


def test_every_test_of_standing_is_used() -> None:
    assert {row.still for row in notice_table().values()} == STILL


def test_every_rule_about_telling_or_a_time_is_served_by_a_notice() -> None:
    wanted = [one for one in register().values() if {"NOTIFY", "DEADLINE"} & set(one.kinds)]
    assert len(wanted) > 40
    assert [one.id for one in wanted if not serving(one.id)] == []


def test_the_rules_command_shows_which_notices_serve_a_rule_and_whom_they_tell() -> None:
    rows = {row.rule.id: row.as_json()["notices"] for row in coverage()}
    assert rows["AMI-2.2-b"] == [
        {"kind": "COORDINATOR_REQUESTED", "to": ["CAREER_GUIDE"]},
        {"kind": "AF_REPORT_NOT_APPROVED", "to": ["CAREER_GUIDE", "PROVIDER"]},
    ]
    assert {"kind": "OBLIGATION_ESCALATED", "to": ["CAREER_GUIDE", "TEAM_MANAGER"]} in rows["AMI-3-a"]
    assert rows["NACKA-1"] == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(("AMI_1", "AMI_2", *OTHERS)), readings, st.integers(0, 700), st.randoms(use_true_random=False))
@pytest.mark.slow
def test_the_order_of_facts_and_news_does_not_matter_and_no_key_is_there_twice(
    one: Case, given_: dict[str, Any], days: int, chance: random.Random
) -> None:
    here, day = tenant(given_), FIRST.fromordinal(FIRST.toordinal() + days)
    rows, heard_ = list(obligations(one, here, day)), news()
    found = outlook(one, rows, (), here, day, heard_)
    facts = list(one.facts)
    for shuffled in (facts, rows, heard_):
        chance.shuffle(shuffled)
    assert (
        outlook(Case(one.assignment, one.programme, one.plan, None, tuple(facts)), rows, (), here, day, heard_) == found
    )
    assert len({told.notice.key for told in found[0]}) == len(found[0])
