"""Stöd och matchning: periods of 90 days, the notice before a switch, refusals of short placements."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_assignment.domain import judge
from kundval_assignment.domain.som import may_refuse
from kundval_contracts.som import last_day_with_old, period
from kundval_contracts.tariffs import Model, tariffs
from tests.acceptance.builders import fact, manual

from .lives import case, live, person, refusals, tenant

START = "2021-03-01"
BEGIN = (
    fact("2021-02-20", "decided"),
    fact("2021-02-21", "provider_chosen", provider="alfa"),
    fact("2021-02-22", "accepted"),
    fact(START, "started"),
)
NOTICE = fact("2021-03-10", "switch_notified", provider="beta")
TOO_EARLY = [("SWITCH_NOT_APPROVED", ("AF-SOM-25",))]


def som(*facts: Any, **more: Any) -> Any:
    return live(facts, **{"programme": "SOM_1", "municipality": "trelleborg", **more})


@pytest.mark.rule("AF-SOM-7")
def test_a_period_is_90_calendar_days_and_the_extensions_follow_it() -> None:
    first = period(date(2021, 3, 1), 1)
    assert (first.start, first.end) == (date(2021, 3, 1), date(2021, 5, 30))
    second = period(date(2021, 3, 1), 2)
    assert (second.start, second.end) == (date(2021, 5, 30), date(2021, 8, 28))


@pytest.mark.rule("AF-SOM-7")
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 3))
def test_periods_are_of_one_length_and_leave_no_gap(start: date, number: int) -> None:
    assert period(start, number).days == 90
    assert period(start, number).end == period(start, number + 1).start


@pytest.mark.rule("AF-SOM-7")
@pytest.mark.parametrize(("extensions", "legal"), [(1, True), (2, True), (3, False)])
def test_there_are_at_most_two_extensions(extensions: int, legal: bool) -> None:
    found = som(*BEGIN, *(fact(f"2021-05-2{day}", "extended") for day in range(extensions)))
    assert refusals(found) == ([] if legal else [("TOO_MANY_EXTENSIONS", ("AF-SOM-7",))])


@pytest.mark.rule("AF-SOM-7")
@pytest.mark.parametrize(("most", "refused"), [(0, 2), (1, 1), (2, 0)])
def test_how_many_extensions_a_track_has_can_be_set(most: int, refused: int) -> None:
    extended = (fact("2021-05-20", "extended"), fact("2021-08-20", "extended"))
    found = som(*BEGIN, *extended, **{"som.extensions": {"SOM_1": most, "SOM_4": 2 - most}})
    assert refusals(found) == [("TOO_MANY_EXTENSIONS", ("AF-SOM-7",))] * refused


@pytest.mark.rule("AF-SOM-7", "AF-SOM-8")
def test_the_extensions_are_those_of_the_track_on_the_day_and_two_for_a_track_that_is_not_set() -> None:
    extended, further = fact("2021-05-20", "extended"), fact("2021-08-20", "extended")
    moved = fact("2021-06-01", "track_decided", programme="SOM_4")
    assert len(refusals(som(*BEGIN, extended, further, **{"som.extensions": {"SOM_1": 1}}))) == 1
    assert refusals(som(*BEGIN, extended, moved, further, **{"som.extensions": {"SOM_1": 1}})) == []


@pytest.mark.rule("AF-SOM-8", "NACKA-11")
@pytest.mark.parametrize("change", ["later", "no base"])
def test_a_track_without_a_base_on_the_decision_date_is_refused(change: str) -> None:
    moved = fact("2021-03-10", "track_decided", programme="SOM_2")
    assert refusals(som(*BEGIN, moved)) == []
    track = tariffs()["SOM_2"]
    version = track.versions[0]
    if change == "later":
        version = replace(version, valid_from=date(2021, 2, 21))
    else:
        version = replace(version, parts=tuple(part for part in version.parts if part.model is Model.REPORTED_RESULT))
    where = tenant("trelleborg", "2021-06-30")
    settings = replace(where.settings, programmes={"SOM_2": replace(track, versions=(version,))})
    found = judge(case([*BEGIN, moved], "SOM_1"), person(), replace(where, settings=settings))
    assert refusals(found) == [("NO_TARIFF", ("NACKA-11",))]


def result(day: str, amount: int | str) -> Any:
    return fact(day, "result_reported", amount=amount)


ABOVE = [("ABOVE_MAXIMUM", ("AF-SOM-4",))]


@pytest.mark.rule("AF-SOM-4")
@pytest.mark.parametrize(("amounts", "refused"), [
    ([12000], []),
    (["11999.99", "0.01"], []),
    (["11999.99", "0.02"], ABOVE),
    ([12001, 12000], ABOVE),
    ([0], []),
])  # fmt: skip
def test_results_are_taken_down_up_to_the_highest_sum(amounts: list[Any], refused: list[Any]) -> None:
    told = (result(f"2021-04-0{place}", amount) for place, amount in enumerate(amounts, 1))
    assert refusals(som(*BEGIN, *told)) == refused


@pytest.mark.rule("AF-SOM-4", "AF-SOM-8")
def test_the_highest_sum_is_that_of_the_track_on_the_day() -> None:
    track = fact("2021-04-10", "track_decided", programme="SOM_4")
    assert refusals(som(*BEGIN, track, result("2021-04-09", 12001))) == ABOVE
    assert refusals(som(*BEGIN, track, result("2021-04-10", 18000))) == []
    assert refusals(som(*BEGIN, track, result("2021-04-10", 18001))) == ABOVE


@pytest.mark.rule("AF-SOM-4")
def test_a_result_before_the_decision_is_refused() -> None:
    assert refusals(som(result("2021-02-19", 1), *BEGIN)) == [("NOT_DECIDED", ("AF-SOM-4",))]


@pytest.mark.rule("AF-RUM-4", "AF-RUM-7")
@pytest.mark.parametrize(("area", "highest"), [("Västerås", 32400), ("Umeå", 25000)])
def test_the_highest_sum_of_level_b_is_that_of_the_model_of_its_area(area: str, highest: int) -> None:
    rum = {"programme": "RUM_B", "area": area}
    assert refusals(som(*BEGIN, result("2021-04-01", highest), **rum)) == []
    assert refusals(som(*BEGIN, result("2021-04-01", highest), result("2021-04-02", 1), **rum)) == [
        ("ABOVE_MAXIMUM", ("AF-RUM-4",))
    ]


@pytest.mark.rule("AF-SOM-25")
def test_we_42_the_last_day_with_the_old_supplier() -> None:
    assert last_day_with_old(date(2021, 3, 10), 14) == date(2021, 3, 24)


@pytest.mark.rule("AF-SOM-25")
@pytest.mark.parametrize(("day", "legal"), [("2021-03-24", False), ("2021-03-25", True), ("2021-03-26", True)])
@pytest.mark.parametrize("approved", [True, False])
def test_we_42_the_new_supplier_begins_on_the_day_after_the_notice_has_run_out(
    day: str, legal: bool, approved: bool
) -> None:
    switch = fact(day, "provider_switch", provider="beta", approved=approved)
    assert refusals(som(*BEGIN, NOTICE, switch)) == ([] if legal else TOO_EARLY)


@pytest.mark.rule("AF-SOM-25")
def test_the_notice_names_the_new_supplier_and_its_days_are_a_setting() -> None:
    switch = fact("2021-03-25", "provider_switch", provider="beta", approved=True)
    assert refusals(som(*BEGIN, {**NOTICE, "provider": "alfa"}, switch)) == TOO_EARLY
    assert refusals(som(*BEGIN, NOTICE, switch, **{"som.switch_notice_days": 15})) == TOO_EARLY


@pytest.mark.rule("AF-SOM-25")
def test_on_the_road_a_switch_needs_a_notice_and_off_it_the_notice_was_given_elsewhere_reading_19() -> None:
    switch = fact("2021-03-25", "provider_switch", provider="beta", approved=True)
    found = som(*BEGIN, switch)
    assert refusals(found) == []
    assert found.after.provider == "beta"
    road = [
        fact("2021-02-01", "referred", source="AF", override_reason="order in AF's system"),
        fact("2021-02-02", "preparation_opened"),
        fact("2021-02-03", "prepared", relevant=True, purpose="p"),
    ]
    assert refusals(som(*road, *BEGIN, switch)) == TOO_EARLY
    assert refusals(som(*road, *BEGIN, NOTICE, switch)) == []


@pytest.mark.rule("AF-SOM-25", "NACKA-14")
def test_amis_clients_switch_without_notice_on_approval() -> None:
    begin = [
        fact("2024-03-15", "decided"),
        fact("2024-03-15", "results_shown"),
        *(
            fact("2024-03-16", kind, **more)
            for kind, more in (("provider_chosen", {"provider": "alfa"}), ("accepted", {}), ("started", {}))
        ),
    ]
    switch = fact("2024-03-20", "provider_switch", provider="beta", approved=False)
    found = live([*begin, switch, manual("2024-03-21", "SWITCH", True)])
    assert refusals(found) == []
    assert found.after.provider == "beta"


@pytest.mark.rule("AF-SOM-26")
@pytest.mark.parametrize(
    ("start", "left", "may"),
    [("2021-03-25", 66, False), ("2021-03-31", 60, False), ("2021-04-01", 59, True), ("2021-04-02", 58, True)],
)
def test_we_42_a_supplier_may_refuse_what_is_shorter_than_sixty_days(start: str, left: int, may: bool) -> None:
    day, end = date.fromisoformat(start), period(date(2021, 3, 1), 1).end
    assert (end - day).days == left
    assert may_refuse(day, end, 60) is may


@pytest.mark.rule("AF-SOM-26")
@pytest.mark.parametrize(("start", "may"), [("2021-03-25", False), ("2021-03-31", False), ("2021-04-01", True)])
@pytest.mark.parametrize("end_date", [None, "2021-05-30"])
def test_we_42_the_new_supplier_counts_what_is_left_of_the_period(start: str, may: bool, end_date: str | None) -> None:
    begin = [{**BEGIN[0], "end_date": end_date}, *BEGIN[1:]]
    chosen = fact("2021-03-10", "provider_chosen", provider="beta")
    declined = fact("2021-03-11", "declined", provider="beta", proposed_start=start)
    found = som(*begin, NOTICE, chosen, declined)
    assert refusals(found) == ([] if may else [("MAY_NOT_REFUSE", ("AF-SOM-26",))])


@pytest.mark.rule("AF-SOM-26", "AF-SOM-7")
def test_an_extension_makes_the_placement_longer() -> None:
    chosen = fact("2021-04-20", "provider_chosen", provider="beta")
    declined = fact("2021-04-21", "declined", provider="beta", proposed_start="2021-05-10")
    assert refusals(som(*BEGIN, chosen, declined)) == []
    longer = som(*BEGIN, fact("2021-04-19", "extended"), chosen, declined)
    assert refusals(longer) == [("MAY_NOT_REFUSE", ("AF-SOM-26",))]


@pytest.mark.rule("AF-SOM-26")
@pytest.mark.parametrize(("end_date", "may"), [("2021-04-20", True), ("2021-04-21", False), (None, False)])
def test_a_new_placement_is_short_by_its_end(end_date: str | None, may: bool) -> None:
    decided = fact("2021-02-18", "decided", end_date=end_date)
    declined = fact("2021-02-20", "declined")
    found = som(decided, fact("2021-02-20", "provider_chosen", provider="alfa"), declined)
    assert refusals(found) == ([] if may else [("MAY_NOT_REFUSE", ("AF-SOM-26",))])


@pytest.mark.rule("AF-SOM-26")
@pytest.mark.parametrize(("basis", "may"), [("REMAINING", True), ("TOTAL", False)])
def test_the_length_is_what_remains_or_the_whole_by_setting(basis: str, may: bool) -> None:
    decided = fact("2021-01-18", "decided", end_date="2021-04-20")
    chosen = fact("2021-03-10", "provider_chosen", provider="alfa")
    found = som(decided, chosen, fact("2021-03-10", "declined"), **{"som.refusal.basis": basis})
    assert refusals(found) == ([] if may else [("MAY_NOT_REFUSE", ("AF-SOM-26",))])


@pytest.mark.rule("AF-SOM-26")
def test_a_provider_of_ami_may_decline_gap_04() -> None:
    facts = [
        fact("2024-03-15", "decided"),
        fact("2024-03-15", "results_shown"),
        fact("2024-03-16", "provider_chosen", provider="alfa"),
        fact("2024-03-17", "declined"),
    ]
    found = live(facts)
    assert refusals(found) == []
    assert found.state == "AWAITING_CHOICE"
