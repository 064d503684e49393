"""Notices about providers and about payments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from kundval_contracts.case import Provider
from kundval_contracts.codes import Ownership, Programme, Role, SubjectKind
from kundval_notifications.domain import Heard, Told
from kundval_notifications.domain.again import again
from kundval_notifications.domain.money import about_payment
from kundval_notifications.domain.providers import about_provider
from tests.notifications.further import brief, heard
from tests.scheduling.builders import d, tenant

SUPERVISED = {"supervision.interval_months": 12}


def provider(since: str = "2024-01-31", end: str | None = None) -> Provider:
    deauthorised = {Programme.AMI_2: d(end)} if end else {}
    return Provider("alfa", Ownership.PRIVATE, {Programme.AMI_2: d(since)}, deauthorised=deauthorised)


def about(
    one: Provider,
    as_of: str,
    kind: str,
    news: Iterable[Heard] = (),
    chosen: Iterable[str] = (),
    given: dict[str, Any] | None = None,
) -> list[Told]:
    here = tenant(given)
    rows = again(about_provider(one, news, [d(day) for day in chosen], here, d(as_of)), here.settings)
    return [row for row in rows if row.notice.kind == kind and row.notice.on <= d(as_of)]


def visited(*days: str) -> list[Heard]:
    channels = {"ON_SITE": list(days[:1]), "REPORT_REVIEW": list(days[1:])}
    return [heard("assignment.provider_supervised", 5, days[0], channels=channels)]


@pytest.mark.rule("NACKA-18")
def test_a_visit_is_reminded_of_thirty_days_before_and_late_on_the_day_after() -> None:
    one = provider()  # the first visit is due on 31 January 2025
    assert about(one, "2024-12-31", "SUPERVISION_DUE_SOON", given=SUPERVISED) == []
    (row,) = about(one, "2025-01-01", "SUPERVISION_DUE_SOON", given=SUPERVISED)
    assert (row.notice.to, row.notice.values["due"], row.lapses_on) == (
        Role.CAREER_GUIDE,
        "2025-01-31",
        d("2025-02-01"),
    )
    assert (row.notice.about, row.notice.assignment) == (SubjectKind.PROVIDER, "alfa")
    assert about(one, "2025-01-31", "SUPERVISION_OVERDUE", given=SUPERVISED) == []
    late = about(one, "2025-02-01", "SUPERVISION_OVERDUE", given=SUPERVISED)
    assert brief(late) == [("2025-02-01", "CAREER_GUIDE"), ("2025-02-01", "TEAM_MANAGER")]


@pytest.mark.rule("NACKA-18")
def test_a_visit_through_any_channel_is_one_and_without_an_interval_none_is_due() -> None:
    one = provider()
    assert about(one, "2025-06-01", "SUPERVISION_OVERDUE", visited("2024-03-01", "2025-01-20"), given=SUPERVISED) == []
    late = about(one, "2025-06-01", "SUPERVISION_OVERDUE", visited("2024-03-01", "2025-04-20"), given=SUPERVISED)
    assert {(row.notice.values["due"], row.ended) for row in late} == {("2025-03-01", d("2025-04-20"))}
    assert about(one, "2025-06-01", "SUPERVISION_OVERDUE") == []


@pytest.mark.rule("NACKA-16")
def test_a_review_is_told_of_until_it_is_closed_or_the_authorisation_ends() -> None:
    opened = heard("assignment.provider_review_opened", 5, "2024-05-01", programmes=["AMI_2"])
    (row,) = about(provider(), "2024-06-01", "PROVIDER_REVIEW", [opened])
    assert (row.notice.to, row.ended) == (Role.TEAM_MANAGER, None)
    other = heard("assignment.provider_review_closed", 6, "2024-05-10", programmes=["AMI_1"])
    closed = heard("assignment.provider_review_closed", 7, "2024-05-20", programmes=["AMI_2"])
    assert [row.ended for row in about(provider(), "2024-06-01", "PROVIDER_REVIEW", [opened, other])] == [None]
    assert [row.ended for row in about(provider(), "2024-06-01", "PROVIDER_REVIEW", [opened, closed])] == [
        d("2024-05-20")
    ]


@pytest.mark.rule("NACKA-17")
def test_we_47_nobody_who_chooses_a_provider_for_twelve_months() -> None:
    one = provider("2023-06-01")
    assert about(one, "2025-01-31", "PROVIDER_IDLE", chosen=["2024-01-31"]) == []
    (row,) = about(one, "2025-02-01", "PROVIDER_IDLE", chosen=["2024-01-31"])
    assert (row.notice.on, row.notice.to, row.notice.values["day"]) == (
        d("2025-02-01"),
        Role.TEAM_MANAGER,
        "2024-01-31",
    )
    never = provider("2024-06-15")
    assert about(never, "2025-06-14", "PROVIDER_IDLE") == []
    assert brief(about(never, "2025-06-15", "PROVIDER_IDLE")) == [("2025-06-15", "TEAM_MANAGER")]


@pytest.mark.rule("NACKA-17")
def test_a_provider_that_is_chosen_again_is_idle_no_more_and_one_that_has_ended_never_gets_so() -> None:
    one = provider("2023-06-01")
    (row,) = about(one, "2025-06-01", "PROVIDER_IDLE", chosen=["2024-01-31", "2025-03-01"])
    assert row.ended == d("2025-03-01")
    assert about(provider("2023-06-01", "2025-02-01"), "2025-06-01", "PROVIDER_IDLE", chosen=["2024-01-31"]) == []
    (row,) = about(provider("2023-06-01", "2025-02-02"), "2025-06-01", "PROVIDER_IDLE", chosen=["2024-01-31"])
    assert row.ended == d("2025-02-02")


@pytest.mark.rule("AF-SOM-27", "NACKA-16")
def test_the_end_of_an_authorisation_is_told_a_month_ahead_after_notice_and_on_its_day() -> None:
    one = provider(end="2024-09-01")
    assert about(one, "2024-08-01", "AUTHORISATION_ENDS") == []
    assert brief(about(one, "2024-08-02", "AUTHORISATION_ENDS")) == [
        ("2024-08-02", "PROVIDER"),
        ("2024-08-02", "TEAM_MANAGER"),
    ]
    ended = heard("assignment.provider_deauthorised", 5, "2024-09-01", programmes=["AMI_2"], ground="NOTICE")
    rows = about(one, "2024-09-01", "AUTHORISATION_ENDS", [ended])
    assert [(row.notice.on, row.ended) for row in rows if row.notice.to is Role.PROVIDER] == [
        (d("2024-09-01"), None),
        (d("2024-08-02"), d("2024-09-01")),
    ]
    at_once = heard(
        "assignment.provider_deauthorised",
        5,
        "2024-09-01",
        programmes=["AMI_2"],
        ground="TERMS_NOT_MET",
    )
    rows = about(one, "2024-09-01", "AUTHORISATION_ENDS", [at_once])
    assert {(row.notice.on, row.notice.rules) for row in rows} == {(d("2024-09-01"), ("NACKA-16",))}


# --- payments -------------------------------------------------------------------------------------------


def payment(what: str, revision: int, on: str, **data: Any) -> Heard:
    own = {"run": "2024-05-31", "provider": "alfa", "code": None, "self_billing": None, **data}
    return heard(f"billing.payment_{what}", revision, on, **own)


def paid(*news: Heard, as_of: str = "2024-07-31") -> list[Told]:
    rows = again(about_payment("12", news), tenant().settings)
    return [row for row in rows if row.notice.on <= d(as_of)]


@pytest.mark.rule("NACKA-12")
def test_a_parked_payment_is_told_again_each_week_and_after_two_to_the_team_manager_until_it_goes_on() -> None:
    parked = payment("parked", 2, "2024-06-03", code="VAT_NOT_SET")  # a Monday
    rows = paid(payment("proposed", 1, "2024-06-03"), parked, as_of="2024-06-17")
    assert sorted(brief(rows)) == [
        ("2024-06-03", "CONTROLLER"),
        ("2024-06-10", "CONTROLLER"),
        ("2024-06-17", "CONTROLLER"),
        ("2024-06-17", "TEAM_MANAGER"),
    ]
    assert {row.notice.values["code"] for row in rows} == {"VAT_NOT_SET"}
    on_again = paid(parked, payment("attested", 3, "2024-06-11", self_billing=False))
    assert brief(on_again) == [("2024-06-03", "CONTROLLER"), ("2024-06-10", "CONTROLLER")]
    assert not any(row.holds(date(2024, 6, 11)) for row in on_again)


@pytest.mark.rule("NACKA-12")
def test_a_payment_by_self_billing_waits_for_the_provider_and_a_declined_one_for_the_controller() -> None:
    attested = payment("attested", 2, "2024-06-03", self_billing=True)
    (row,) = paid(attested, as_of="2024-06-03")
    assert (row.notice.kind, row.notice.to, row.notice.provider) == ("PAYMENT_TO_APPROVE", Role.PROVIDER, "alfa")
    assert (row.notice.about, row.notice.assignment) == (SubjectKind.PAYMENT, "12")
    both = paid(attested, payment("disputed", 3, "2024-06-04"), as_of="2024-06-04")
    assert [(row.notice.kind, row.notice.to.value, row.holds(d("2024-06-04"))) for row in both] == [
        ("PAYMENT_TO_APPROVE", "PROVIDER", False),
        ("PAYMENT_DISPUTED", "CONTROLLER", True),
    ]
    assert paid(payment("attested", 2, "2024-06-03", self_billing=False)) == []


def test_the_order_in_which_billing_is_heard_does_not_matter() -> None:
    news = [payment("attested", 2, "2024-06-03", self_billing=True), payment("approved", 3, "2024-06-05")]
    assert paid(*news) == paid(*reversed(news))
