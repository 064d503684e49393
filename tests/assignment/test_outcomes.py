"""What came of an assignment: one row, from its facts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment.domain.outcomes import Outcome, outcome
from kundval_contracts.calendar import add_months
from kundval_contracts.case import Case, Client
from kundval_contracts.codes import (
    ActivityCategory,
    ExitKind,
    ParticipationGround,
    Programme,
    ProgressKind,
    ReferralSource,
    SixMonths,
)
from kundval_contracts.exits import EXITS, counts_as_self_support_loka
from kundval_contracts.facts import load_fact
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline
from tests.acceptance.builders import broke_off, eb_paid, exited, fact

D, S = "2024-03-15", "2024-04-01"
BORN = date(1990, 5, 17)


def of(
    *rows: dict[str, Any],
    programme: Programme = Programme.AMI_2,
    on: str = "2026-06-30",
    settings: dict[str, Any] | None = None,
    **about: bool,
) -> Outcome:
    """The outcome of these facts, all of them in effect, on the business date `on`."""
    facts = [load_fact(row, place) for place, row in enumerate(rows)]
    case = Case("A-1", programme).having(facts)
    reading = Timeline(case, RuleSettings(settings or {}))
    return outcome(case, reading, Client(BORN, **about), date.fromisoformat(on))


def begun(*more: dict[str, Any], **said: Any) -> Outcome:
    """Decided, chosen alfa and started on S."""
    return of(
        fact(D, "decided"),
        fact(D, "results_shown"),
        fact("2024-03-20", "provider_chosen", provider="alfa"),
        fact("2024-03-21", "accepted"),
        fact(S, "started"),
        *more,
        **said,
    )


# --- when it ended -----------------------------------------------------------------------------------------


def test_an_intervention_that_runs_has_neither_end_nor_days() -> None:
    one = begun(on="2024-05-01")
    assert (one.decided_on, one.started_on) == (date(2024, 3, 15), date(2024, 4, 1))
    assert (one.ended_on, one.until, one.days, one.exit_kind, one.settles_on) == (None,) * 5


def test_the_day_of_the_exit_is_the_last_day_in_the_intervention() -> None:
    one = begun(exited("2024-04-30"))
    assert (one.ended_on, one.until, one.days) == (date(2024, 4, 30), date(2024, 5, 1), 30)
    assert one.exit_kind is ExitKind.WORK_FULL_TIME


@pytest.mark.parametrize(("day", "kind"), [("2025-03-14", None), ("2025-03-15", ExitKind.PERIOD_ENDED)])
def test_a_period_that_runs_out_ends_on_the_first_day_after_it(day: str, kind: ExitKind | None) -> None:
    one = begun(on=day)
    assert one.exit_kind is kind
    if kind is not None:
        assert (one.ended_on, one.until) == (date(2025, 3, 15), date(2025, 3, 15))
        assert one.days == (date(2025, 3, 15) - date(2024, 4, 1)).days
        assert one.settles_on == date(2025, 9, 15)


def test_an_exit_that_was_resumed_from_is_no_end() -> None:
    resumed = fact("2024-09-01", "resumed", provider="alfa")
    one = begun(exited("2024-06-30"), broke_off("2024-08-01"), resumed, on="2024-10-01")
    assert (one.ended_on, one.days, one.supported) == (None, None, False)
    again = begun(exited("2024-06-30"), broke_off("2024-08-01"), resumed, exited("2024-11-30"), on="2024-12-01")
    assert again.ended_on == date(2024, 11, 30)
    assert again.days == 91 + 91  # 1 April to 30 June, 1 September to 30 November


def test_what_has_not_started_has_no_days_and_nobody_in_charge() -> None:
    one = of(fact(D, "decided"), fact(D, "results_shown"), fact(D, "provider_chosen", provider="alfa"))
    assert (one.started_on, one.providers, one.days) == (None, (), None)


def test_what_the_municipality_delivers_itself_begins_with_the_first_activity() -> None:
    held = fact("2024-03-10", "activity_held", activity="kitchen", category="EQUIP", minutes=60)
    one = of(held, fact(D, "decided"), programme=Programme.LOCAL)
    assert one.started_on == date(2024, 3, 10)
    left = of(held, fact(D, "decided"), exited("2024-03-20"), programme=Programme.LOCAL)
    assert left.days == 11


# --- six months after --------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-12", "NACKA-22")
@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("2024-12-29", SixMonths.RUNNING),
        ("2024-12-30", SixMonths.HELD),
        ("2024-12-31", SixMonths.HELD),
    ],
)
def test_work_holds_on_the_day_on_which_six_months_have_passed(day: str, status: SixMonths) -> None:
    one = begun(exited("2024-06-30"))
    assert one.settles_on == date(2024, 12, 30)
    assert one.six_months(date.fromisoformat(day)) is status


@pytest.mark.rule("NACKA-12", "NACKA-22")
@pytest.mark.parametrize(
    ("broken", "status"),
    [("2024-12-29", SixMonths.BROKEN), ("2024-12-30", SixMonths.HELD), ("2024-12-31", SixMonths.HELD)],
)
def test_work_that_is_broken_off_before_that_day_does_not_hold(broken: str, status: SixMonths) -> None:
    one = begun(exited("2024-06-30"), broke_off(broken))
    assert one.six_months(date(2025, 6, 30)) is status
    assert one.self_supporting(date(2025, 6, 30)) == (status is SixMonths.HELD)


@pytest.mark.parametrize("kind", ["BENEFIT_OTHER_PUBLIC", "DISCONTINUED", "OTHER_INTERVENTION"])
def test_an_exit_to_no_work_or_studies_has_nothing_to_hold_but_its_six_months_end_too(kind: str) -> None:
    one = begun(exited("2024-06-30", kind))
    assert one.six_months(date(2026, 1, 1)) is SixMonths.NOT_APPLICABLE
    assert one.settles_on == date(2024, 12, 30)


@pytest.mark.parametrize(("paid", "supporting"), [("2024-12-29", False), ("2024-12-30", True), ("2024-05-01", True)])
def test_assistance_within_the_six_months_means_no_self_support_though_the_work_holds(
    paid: str, supporting: bool
) -> None:
    end = (date.fromisoformat(paid) + timedelta(days=1)).isoformat()
    one = begun(exited("2024-06-30"), eb_paid(paid, end))
    assert one.six_months(date(2025, 6, 30)) is SixMonths.HELD
    assert one.self_supporting(date(2025, 6, 30)) is supporting


def test_assistance_to_the_household_counts_for_work_by_the_recommended_reading_and_not_by_the_other() -> None:
    rows = (exited("2024-06-30"), eb_paid("2024-09-01", "2024-10-01", "HOUSEHOLD"))
    assert begun(*rows).assisted
    assert not begun(*rows, settings={"eb_test.work_scope": "CLIENT_ONLY"}).assisted


def test_with_study_start_support_the_test_of_assistance_is_waived() -> None:
    documents = ["FINAL_REPORT", "STUDY_CERTIFICATE", "CSN_GRANT"]
    rows = (exited("2024-06-30", "STUDY_START_SUPPORT_FULL_TIME", documents=documents), eb_paid(S, "2024-10-01"))
    assert not begun(*rows).assisted
    assert begun(*rows, settings={"studiestartsstod.waive_eb_test": False}).assisted


# --- two meanings of self-support ----------------------------------------------------------------------------


@pytest.mark.rule("LOKA-46", "LOKA-47")
@pytest.mark.parametrize("kind", list(ExitKind))
def test_self_support_in_the_wide_sense_is_any_support_but_assistance(kind: ExitKind) -> None:
    no_support = {ExitKind.OTHER_INTERVENTION, ExitKind.PERIOD_ENDED, ExitKind.DISCONTINUED}
    assert counts_as_self_support_loka(kind) is (kind not in no_support)
    if EXITS[kind].bonus:  # what can give a bonus is support in the wide sense too
        assert counts_as_self_support_loka(kind)


@pytest.mark.rule("LOKA-46")
@pytest.mark.parametrize(
    ("kind", "loka", "ami"),
    [("WORK_FULL_TIME", True, True), ("BENEFIT_OTHER_PUBLIC", True, False), ("DISCONTINUED", False, False)],
)
def test_the_two_meanings_of_self_support_are_kept_apart(kind: str, loka: bool, ami: bool) -> None:
    one = begun(exited("2024-06-30", kind))
    assert (one.self_support_loka, one.bonus_eligible_ami) == (loka, ami)


@pytest.mark.rule("LOKA-46")
@pytest.mark.parametrize(("day", "ami"), [("2025-03-14", True), ("2025-03-15", False), ("2025-03-16", False)])
def test_work_after_the_end_is_self_support_in_the_wide_sense_only(day: str, ami: bool) -> None:
    one = begun(exited(day))
    assert (one.self_support_loka, one.bonus_eligible_ami) == (True, ami)


# --- from where, on what ground ------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-9", "LOKA-63")
def test_the_referral_gives_source_year_and_ground() -> None:
    one = of(fact("2023-12-31", "referred", source="EB", ground="MEANINGFUL_OCCUPATION"), fact(D, "decided"))
    assert (one.source, one.source_year) == (ReferralSource.EB, 2023)
    assert one.ground is ParticipationGround.MEANINGFUL_OCCUPATION


@pytest.mark.rule("LOKA-9")
def test_without_a_referral_the_source_is_unknown_and_the_year_that_of_the_decision() -> None:
    one = of(fact(D, "decided"))
    assert (one.source, one.source_year, one.ground) == (None, 2024, ParticipationGround.LABOUR_MARKET)


@pytest.mark.rule("NACKA-22")
@pytest.mark.parametrize(
    ("about", "needs"),
    [
        ({"receives_eb": True}, None),
        ({"establishment_period_ended": True, "receives_eb": True}, True),
        ({"establishment_period_ended": True}, False),
    ],
)
def test_supplementary_support_is_a_question_about_newcomers_only(about: dict[str, bool], needs: bool | None) -> None:
    assert begun(**about).supplementary_support is needs


# --- who was in charge -----------------------------------------------------------------------------------------


def test_each_provider_has_its_own_days_and_contacts_and_the_last_one_the_exit() -> None:
    one = begun(
        fact("2024-04-02", "contact", channel="IN_PERSON"),
        fact("2024-04-09", "contact", channel="PHONE"),
        fact("2024-04-10", "contact", channel="IN_PERSON", party="WORKPLACE"),
        fact("2024-05-01", "provider_switch", provider="beta", approved=True),
        fact("2024-05-01", "contact", channel="VIDEO"),
        exited("2024-05-31"),
    )
    alfa, beta = one.providers
    assert (alfa.provider, alfa.start, alfa.until, alfa.days) == ("alfa", date(2024, 4, 1), date(2024, 5, 1), 30)
    assert (alfa.contacts, alfa.in_person, alfa.last) == (2, 1, False)
    assert (beta.provider, beta.start, beta.until, beta.days) == ("beta", date(2024, 5, 1), date(2024, 6, 1), 31)
    assert (beta.contacts, beta.in_person, beta.last) == (1, 0, True)
    assert (one.contacts, one.in_person) == (3, 1)


def test_a_provider_that_is_in_charge_has_no_end_and_its_predecessor_has() -> None:
    one = begun(fact("2024-05-01", "provider_switch", provider="beta", approved=True), on="2024-06-01")
    alfa, beta = one.providers
    assert (alfa.until, alfa.days) == (date(2024, 5, 1), 30)
    assert (beta.until, beta.days, beta.last) == (None, None, False)


@given(st.integers(1, 300), st.lists(st.tuples(st.integers(1, 330), st.sampled_from("abc")), max_size=4))
def test_the_days_of_all_providers_are_the_days_of_the_intervention(last: int, switches: list[tuple[int, str]]) -> None:
    start = date.fromisoformat(S)
    rows = [
        fact((start + timedelta(days=after)).isoformat(), "provider_switch", provider=name, approved=True)
        for after, name in sorted(switches)
        if after <= last
    ]
    one = begun(*rows, exited((start + timedelta(days=last)).isoformat()))
    assert one.days == last + 1
    assert sum(part.days or 0 for part in one.providers) == one.days
    assert sum(part.last for part in one.providers) == 1


@given(st.dates(date(2024, 4, 1), date(2025, 3, 14)), st.dates(date(2024, 4, 1), date(2026, 12, 31)))
def test_what_is_stored_does_not_depend_on_the_day_once_the_intervention_has_ended(ended: date, today: date) -> None:
    rows = (exited(ended.isoformat()),)
    assert begun(*rows, on=today.isoformat()) == begun(*rows, on="2030-01-01")
    assert begun(*rows).settles_on == add_months(ended, 6)


# --- waiting for a choice ----------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
def test_a_choice_is_awaited_from_the_last_thing_that_opened_it_until_it_is_made() -> None:
    decided, shown = fact(D, "decided"), fact("2024-03-18", "results_shown")
    chosen = fact("2024-03-20", "provider_chosen", provider="alfa")
    declined = fact("2024-03-22", "declined", provider="alfa")
    assert of(fact("2024-03-01", "referred", source="EB")).awaiting_since is None
    assert of(decided).awaiting_since == date(2024, 3, 15)
    assert of(decided, shown).awaiting_since == date(2024, 3, 18)
    assert of(decided, shown, chosen).awaiting_since is None
    assert of(decided, shown, chosen, declined).awaiting_since == date(2024, 3, 22)
    assert begun().awaiting_since is None


# --- what was done -------------------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-20")
def test_time_is_summed_by_year_activity_and_category() -> None:
    def held(on: str, minutes: int | None, activity: str = "kitchen") -> dict[str, Any]:
        return fact(on, "activity_held", activity=activity, category="EQUIP", minutes=minutes)

    one = begun(held("2024-05-01", 60), held("2024-12-31", 30), held("2025-01-01", 45), held("2024-06-01", None, "cv"))
    assert [(row.year, row.activity, row.held, row.minutes) for row in one.times] == [
        (2024, "cv", 1, 0),
        (2024, "kitchen", 2, 90),
        (2025, "kitchen", 1, 45),
    ]
    assert {row.category for row in one.times} == {ActivityCategory.EQUIP}


@pytest.mark.rule("LOKA-50")
def test_steps_forward_are_counted_apart_and_end_nothing() -> None:
    step = fact("2024-05-01", "progress_step", kind="MORE_HOURS")
    one = begun(step, step | {"on": "2024-06-01"}, step | {"kind": "CONFIDENCE"}, on="2024-07-01")
    assert [(row.kind, row.steps) for row in one.steps] == [(ProgressKind.CONFIDENCE, 1), (ProgressKind.MORE_HOURS, 2)]
    assert one.ended_on is None
