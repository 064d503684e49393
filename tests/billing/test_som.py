"""Stöd och matchning: base by periods, premium that tops up, suppliers and tracks that change (AF-SOM-2..8, 25)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_billing.domain.som import table_maximum
from kundval_contracts.answer import recompute
from kundval_contracts.calendar import add_days
from kundval_contracts.phrases import text
from kundval_contracts.som import weekdays

from .af import LATER, MONDAY, WEDNESDAY, amounts, rum, som
from .builders import d, exited, line_of, lines_of, net, on, play, short, studies, timeline

#: Day rate, base of a period, highest result and highest sum for a participant: table 4.2 as the source has it.
TABLE = [
    (1, 100, 6500, 12000, 18500),
    (2, 200, 13000, 15000, 28000),
    (3, 185, 12025, 16000, 28025),
    (4, 280, 18200, 18000, 36200),
]
starts = st.dates(date(2021, 1, 1), date(2022, 6, 30))
few = settings(max_examples=60, deadline=None)


@pytest.mark.rule("AF-SOM-2", "AF-SOM-3", "AF-SOM-5")
@pytest.mark.parametrize(("track", "rate", "base", "result", "highest"), TABLE)
def test_the_table_is_reproduced_to_the_krona(track: int, rate: int, base: int, result: int, highest: int) -> None:
    assert amounts(som(track=track)) == {"alfa BASE 1": base}
    assert 65 * rate == base
    assert table_maximum(Decimal(rate), Decimal(result)) == highest


@pytest.mark.rule("AF-SOM-5")
def test_the_highest_sum_of_the_table_is_no_ceiling() -> None:
    told = som(on("2021-05-20", "extended"), exited("2021-05-30"), on("2021-10-01", "result_reported", amount=12000))
    assert sum(amounts(told).values()) == 25000 > table_maximum(Decimal(100), Decimal(12000))


# --- the base ----------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-3", "NACKA-30")
@pytest.mark.parametrize(
    ("as_of", "status"), [("2021-05-29", "PLANNED"), ("2021-05-30", "PAYABLE"), ("2021-05-31", "PAYABLE")]
)
def test_a_period_is_payable_from_its_end_and_never_in_advance(as_of: str, status: str) -> None:
    assert short(lines_of(som(), as_of)) == [(1, "alfa", "6500.00", status)]


@pytest.mark.rule("AF-SOM-7")
def test_an_extension_has_a_base_once_it_has_begun() -> None:
    extended = som(on("2021-05-20", "extended"))
    assert [line.sequence for line in lines_of(extended, "2021-05-29")] == [1]
    assert short(lines_of(extended, "2021-05-30"))[1:] == [(2, "alfa", "6500.00", "PLANNED")]
    assert lines_of(extended, "2021-05-30")[1].end == d("2021-08-28")


@pytest.mark.rule("AF-SOM-3")
@pytest.mark.parametrize(
    ("started", "last", "base"),
    [
        (MONDAY, "2021-03-26", 2000),  # Friday
        (MONDAY, "2021-03-27", 2000),  # Saturday
        (MONDAY, "2021-03-28", 2000),  # Sunday
        (MONDAY, "2021-03-29", 2100),  # Monday
        (MONDAY, "2021-05-28", 6500),  # the last weekday: 65 of them
        (WEDNESDAY, "2021-05-28", 6300),
        (WEDNESDAY, "2021-05-31", 6500),  # the last day of a period is a whole period, of 64 weekdays too
    ],
)
def test_an_exit_is_paid_to_its_last_weekday(started: str, last: str, base: int) -> None:
    for kind in ("DISCONTINUED", "BENEFIT_TEMPORARY"):
        assert amounts(som(exited(last, kind), started=started)) == {"alfa BASE 1": base}


@pytest.mark.rule("AF-SOM-3")
def test_no_base_after_the_exit_and_none_of_nothing() -> None:
    told = som(on("2021-03-10", "extended"), exited("2021-05-30", "DISCONTINUED"))
    assert amounts(told) == {"alfa BASE 1": 6500}
    assert amounts(som(on("2021-03-10", "extended"), exited("2021-05-20", "DISCONTINUED"))) == {"alfa BASE 1": 5900}


def test_an_end_date_of_the_decision_cuts_the_period_off() -> None:
    (line,) = lines_of(som(end_date="2021-03-31"), LATER)
    assert (line.amount, line.end, line.payable_from) == (2200, d("2021-03-31"), d("2021-03-31"))
    assert amounts(som(end_date="2021-05-30")) == {"alfa BASE 1": 6500}
    assert amounts(som(end_date="2021-05-31")) == {"alfa BASE 1": 6500}


def test_who_breaks_off_and_resumes_in_the_period_is_paid_for_the_days_in_it() -> None:
    told = som(exited("2021-03-05"), on("2021-03-15", "broke_off"), on("2021-03-29", "resumed", provider="alfa"))
    assert amounts(told) == {"alfa BASE 1": 500 + 4500, "alfa SOM_SPEED_PREMIUM 1": 1500}
    base = line_of(told, LATER, "BASE")
    assert base.payable_from == d("2021-05-30")


@pytest.mark.rule("AF-SOM-3")
def test_by_the_literal_reading_every_whole_month_has_the_base() -> None:
    monthly = {"som.base_unit": "MONTH"}
    assert amounts(som(), settings=monthly) == {"alfa BASE 1": 6500, "alfa BASE 2": 6500, "alfa BASE 3": 2000}
    left = amounts(som(exited("2021-04-09", "DISCONTINUED")), settings=monthly)
    assert left == {"alfa BASE 1": 6500, "alfa BASE 2": 700}


# --- the premium -------------------------------------------------------------------------------------


@pytest.mark.rule("AF-SOM-6")
@pytest.mark.parametrize(
    ("row", "premium"),
    [
        (exited("2021-03-30"), 4300),
        (exited("2021-03-30", "WORK_UNDER_HALF_TIME", extent_pct=10), 4300),
        (studies("2021-03-30"), 4300),
        (studies("2021-03-30", "STUDY_UNDER_HALF_TIME", extent_pct=20), 4300),
        (exited("2021-03-30", "OWN_BUSINESS"), None),
        (exited("2021-03-30", "OTHER_INTERVENTION"), None),
        (exited("2021-03-30", "DISCONTINUED"), None),
    ],
)
def test_work_and_studies_of_any_extent_have_a_premium(row: Any, premium: int | None) -> None:
    assert amounts(som(row)).get("alfa SOM_SPEED_PREMIUM 1") == premium


@pytest.mark.rule("AF-SOM-6")
@pytest.mark.parametrize(("last", "premium"), [("2021-05-30", 200), ("2021-05-31", None), ("2021-06-01", None)])
def test_nothing_is_left_on_the_last_day(last: str, premium: int | None) -> None:
    told = amounts(som(exited(last), started=WEDNESDAY))
    assert told.get("alfa SOM_SPEED_PREMIUM 1") == premium


@pytest.mark.rule("AF-SOM-6")
def test_by_actual_days_nothing_is_topped_up_beyond_the_weekdays() -> None:
    actual = {"som.premium": "ACTUAL_DAYS"}
    assert amounts(som(exited("2021-05-30"), started=WEDNESDAY), settings=actual) == {
        "alfa BASE 1": 6300,
        "alfa SOM_SPEED_PREMIUM 1": 100,
    }
    told = som(exited("2021-05-28"), started=MONDAY)
    assert amounts(told, settings=actual) == amounts(told) == {"alfa BASE 1": 6500}


@pytest.mark.rule("AF-SOM-6")
def test_an_exit_that_becomes_known_late_corrects_what_was_paid() -> None:
    told = som(exited("2021-03-30", "WORK_FULL_TIME") | {"known_on": "2021-07-15"})
    posted = play(told, "2021-06-01", "2021-08-01")
    assert [row.amount for row in posted] == [6500, -6500, 2200, 4300]
    assert net(posted) == {("alfa", "BASE", 1): 2200, ("alfa", "SOM_SPEED_PREMIUM", 1): 4300}


@pytest.mark.rule("AF-SOM-6", "AF-SOM-3")
@given(starts, st.integers(0, 89), st.sampled_from([1, 2, 3, 4]))
@few
def test_base_and_premium_of_a_period_left_for_work_are_one_period(started: date, after: int, track: int) -> None:
    told = som(exited(add_days(started, after).isoformat()), started=started.isoformat(), track=track)
    rate = {row[0]: row[1] for row in TABLE}[track]
    assert sum(amounts(told, "2023-12-31").values()) == 65 * rate


# --- who and at which rate -------------------------------------------------------------------------


def switch(day: str, **more: Any) -> dict[str, Any]:
    return on(day, "provider_switch", provider="beta", approved=True, **more)


@pytest.mark.rule("AF-SOM-25")
@pytest.mark.parametrize(
    ("rows", "old", "new"),
    [
        ([switch("2021-03-10")], 1800, 4700),  # the notice: beta from 25 March
        ([on("2021-03-01", "switch_notified", provider="beta"), switch("2021-03-16")], 1100, 5400),
        ([on("2021-03-01", "switch_notified", provider="gamma"), switch("2021-03-16")], 2200, 4300),
        ([on("2021-03-10", "provider_switch", provider="beta", approved=False),
          on("2021-03-12", "manual_decision", about="SWITCH", approved=True, by="unit")], 1800, 4700),
        ([on("2021-03-10", "provider_switch", provider="beta", approved=False),
          on("2021-04-01", "manual_decision", about="SWITCH", approved=True, by="unit")], 2300, 4200),
    ],
)  # fmt: skip
def test_each_supplier_has_its_weekdays(rows: list[Any], old: int, new: int) -> None:
    assert amounts(som(*rows)) == {"alfa BASE 1": old, "beta BASE 1": new}


@pytest.mark.rule("AF-SOM-25")
def test_two_suppliers_are_not_topped_up_to_65_days() -> None:
    told = amounts(som(switch("2021-03-10"), started=WEDNESDAY))
    assert told == {"alfa BASE 1": 1600, "beta BASE 1": 4800}


@pytest.mark.rule("AF-SOM-25")
def test_in_other_programmes_a_switch_is_on_its_day() -> None:
    assert timeline(rum(switch("2021-03-10"))).provider_on(d("2021-03-10")) == "beta"
    assert timeline(som(switch("2021-03-10"))).provider_on(d("2021-03-24")) == "alfa"
    assert timeline(som(switch("2021-03-10"))).provider_on(d("2021-03-25")) == "beta"


@pytest.mark.rule("AF-SOM-8", "AF-SOM-2")
def test_the_rate_follows_the_track_on_the_day() -> None:
    changed = on("2021-03-29", "track_decided", programme="SOM_2")
    assert amounts(som(changed)) == {"alfa BASE 1": 20 * 100 + 45 * 200}
    assert amounts(som(changed, started=WEDNESDAY)) == {"alfa BASE 1": 18 * 100 + 47 * 200}  # the 65th day at the last
    left = amounts(som(changed, exited("2021-03-30")))
    assert left == {"alfa BASE 1": 20 * 100 + 2 * 200, "alfa SOM_SPEED_PREMIUM 1": 43 * 200}


@pytest.mark.rule("AF-SOM-25", "AF-SOM-3")
@given(starts, st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["alfa", "beta", "gamma"])), max_size=4),
       st.integers(0, 2), st.none() | st.integers(0, 269), st.booleans())  # fmt: skip
@few
def test_switching_never_pays_more_than_the_weekdays(
    started: date, switches: list[tuple[int, str]], extensions: int, left: int | None, job: bool
) -> None:
    rows = [
        on(add_days(started, after).isoformat(), "provider_switch", provider=name, approved=True)
        for after, name in sorted(switches)
    ]
    rows += [on(started.isoformat(), "extended") for _ in range(extensions)]
    if left is not None:
        kind = "WORK_FULL_TIME" if job else "DISCONTINUED"
        rows.append(exited(add_days(started, left).isoformat(), kind))
    told = som(*rows, started=started.isoformat())
    found = lines_of(told, "2024-12-31")
    for number in range(1, extensions + 2):
        mine = [line for line in found if line.sequence == number]
        base = [line for line in mine if line.kind == "BASE"]
        begins, ends = add_days(started, 90 * (number - 1)), add_days(started, 90 * number)
        days = weekdays(begins, ends)
        assert sum(line.amount for line in mine) <= 6500
        if len(base) > 1:
            assert sum(line.amount for line in base) <= 100 * days
    for line in found:
        assert recompute(line.steps) == line.amount > 0


@given(starts, st.integers(0, 400))
@few
def test_weekdays_are_counted_as_one_by_one(start: date, days: int) -> None:
    every = [start + timedelta(days=number) for number in range(days)]
    assert weekdays(start, start + timedelta(days=days)) == sum(1 for day in every if day.weekday() < 5)


# --- what it says ------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-11", "AF-SOM-2")
def test_a_line_says_days_rate_track_tariff_and_clause() -> None:
    line = line_of(som(exited("2021-03-30")), LATER, "BASE")
    (step,) = line.steps
    assert step.what == (
        "22 days at 100.00 a day in SOM_1, tariff of the programme (Trelleborg paper on AF procurement, table 1)"
    )
    assert step.said is not None
    assert text(step.said, "sv").startswith("22 dagar à 100.00 i SOM_1, insatsens taxa (")
    assert line.said is not None
    assert "22 dagar" in text(line.said, "sv")
    assert line.rules == ("AF-SOM-2", "AF-SOM-3")
    (left,) = line_of(som(exited("2021-03-30")), LATER, "SOM_SPEED_PREMIUM").steps
    assert left.what.startswith("43 days, 65 less 22 paid as base, at 100.00 a day in SOM_1, tariff of the programme (")
    stated = line_of(som(), LATER, "BASE", settings={"som.rates": {"SOM_1": "110.50"}})
    assert (stated.amount, "tariff in the settings" in stated.steps[0].what) == (Decimal("7182.50"), True)
