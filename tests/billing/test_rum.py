"""Rusta och matcha: base by months, the premium and its readings, areas and levels (AF-RUM-2..8, AMB-36)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_billing.domain.rum import premium_maximum, table_maximum
from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.codes import Programme
from kundval_contracts.settings import RuleSettings
from kundval_contracts.tariffs import Model, in_force

from .af import LATER, MONDAY, amounts, rum
from .builders import d, exited, line_of, lines_of, on, short, studies

#: Level, area, day rate, month, highest result, highest premium, highest sum: table 4.4 as the source has it.
TABLE = [
    ("A", "Lidköping", 55, 1210, 20300, 7260, 28770),
    ("B", "Västerås", 62, 1364, 32400, 8184, 41948),
    ("B", "Umeå", 75, 1650, 25000, 9900, 36550),
    ("C", "Oskarshamn", 90, 1980, 38000, 11880, 51860),
]
ENABLED = {"rum.premium.enabled": True}
few = settings(max_examples=60, deadline=None)


@pytest.mark.rule("AF-RUM-2", "AF-RUM-3", "AF-RUM-4", "AF-RUM-5", "AF-RUM-6")
@pytest.mark.parametrize(("level", "area", "rate", "month", "result", "premium", "highest"), TABLE)
def test_the_table_is_reproduced_to_the_krona(
    level: str, area: str, rate: int, month: int, result: int, premium: int, highest: int
) -> None:
    left = rum(exited("2021-03-20"), level=level, area=area)
    always = ENABLED | {"rum.premium.reading": "ALWAYS_SIX"}
    assert amounts(left, settings=always) == {"alfa BASE 1": month, "alfa RUM_SPEED_PREMIUM 1": premium}
    terms = in_force(RuleSettings(), Programme(f"RUM_{level}"), d(MONDAY), area)
    part = terms.part(Model.REPORTED_RESULT)
    assert part is not None
    assert terms.value(part, "ceiling").value == result
    assert 22 * rate == month
    assert premium_maximum(Decimal(rate)) == 132 * rate == premium
    assert table_maximum(Decimal(rate), Decimal(result)) == highest == 154 * rate + result


@pytest.mark.rule("AF-RUM-8")
def test_no_order_by_day_rate_is_presumed() -> None:
    """Model 2 of level B has the higher rate and the lower result and sum: nobody refuses or sorts that."""
    rows = {(level, area): (rate, highest) for level, area, rate, _, _, _, highest in TABLE}
    one, two = rows["B", "Västerås"], rows["B", "Umeå"]
    assert two[0] > one[0] and two[1] < one[1] and one[1] - two[1] == 5398
    upside_down = {"rum.rates": {"RUM_A": 90, "RUM_B": {1: 75, 2: 62}, "RUM_C": 55}}
    found = [amounts(rum(level=level, area=area), "2021-03-31", upside_down) for level, area, *_ in TABLE]
    assert found == [{"alfa BASE 1": 22 * rate} for rate in (90, 75, 62, 55)]


# --- the base ----------------------------------------------------------------------------------------


@pytest.mark.rule("AF-RUM-3", "NACKA-30")
@pytest.mark.parametrize(("as_of", "status"), [("2021-03-31", "PLANNED"), ("2021-04-01", "PAYABLE")])
def test_a_month_is_payable_from_its_end(as_of: str, status: str) -> None:
    assert short(lines_of(rum(), as_of))[0] == (1, "alfa", "1210.00", status)


@pytest.mark.rule("AF-RUM-3")
@pytest.mark.parametrize(("last", "months"), [("2021-04-30", 2), ("2021-05-01", 3), ("2021-05-02", 3)])
def test_a_month_that_has_begun_is_paid_in_full_from_the_exit(last: str, months: int) -> None:
    found = lines_of(rum(exited(last, "DISCONTINUED")), LATER)
    assert [line.amount for line in found] == [1210] * months
    assert found[-1].payable_from == d(last)


def test_months_are_counted_from_the_original_start() -> None:
    found = lines_of(rum(started="2021-01-31"), "2021-04-15")
    assert [line.start for line in found] == [d("2021-01-31"), d("2021-02-28"), d("2021-03-31")]


@pytest.mark.rule("AF-SOM-8", "AF-RUM-2")
def test_a_month_is_paid_at_the_level_with_which_it_begins() -> None:
    changed = on("2021-04-15", "track_decided", programme="RUM_C")
    found = amounts(rum(changed), "2021-05-31")
    assert found == {"alfa BASE 1": 1210, "alfa BASE 2": 1210, "alfa BASE 3": 1980}


@pytest.mark.rule("AF-RUM-7")
def test_amounts_of_the_settings_go_before_the_file_where_they_are_stated() -> None:
    stated = {"rum.rates": {"RUM_B": {2: 80}}}
    assert amounts(rum(level="B", area="Umeå"), "2021-03-31", stated) == {"alfa BASE 1": 22 * 80}
    assert amounts(rum(level="B", area="Västerås"), "2021-03-31", stated) == {"alfa BASE 1": 1364}
    both = {"rum.rates": {"RUM_B": 70}}
    assert amounts(rum(level="B", area="Västerås"), "2021-03-31", both) == {"alfa BASE 1": 22 * 70}


# --- the premium -------------------------------------------------------------------------------------


@pytest.mark.rule("AF-RUM-5")
def test_there_is_no_premium_until_it_is_enabled() -> None:
    assert "alfa RUM_SPEED_PREMIUM 1" not in amounts(rum(exited("2021-04-30")))
    assert "alfa RUM_SPEED_PREMIUM 1" in amounts(rum(exited("2021-04-30")), settings=ENABLED)


@pytest.mark.rule("AF-RUM-5")
@pytest.mark.parametrize(
    ("last", "premium"),
    [("2021-04-30", 4840), ("2021-05-01", 3630), ("2021-07-31", 1210), ("2021-08-01", None), ("2021-09-01", None)],
)
def test_what_the_months_begun_leave_of_six(last: str, premium: int | None) -> None:
    assert amounts(rum(exited(last)), settings=ENABLED).get("alfa RUM_SPEED_PREMIUM 1") == premium


@pytest.mark.rule("AF-RUM-5")
def test_only_work_and_studies_have_a_premium_and_only_while_nothing_is_resumed() -> None:
    key = "alfa RUM_SPEED_PREMIUM 1"
    assert key in amounts(rum(studies("2021-04-30")), settings=ENABLED)
    assert key not in amounts(rum(exited("2021-04-30", "DISCONTINUED")), settings=ENABLED)
    again = rum(exited("2021-04-30"), on("2021-05-10", "broke_off"), on("2021-05-20", "resumed", provider="alfa"))
    assert key not in amounts(again, settings=ENABLED)


@pytest.mark.rule("AF-RUM-5")
@pytest.mark.parametrize(
    ("broken", "as_of", "status"),
    [
        (None, "2021-10-29", "PLANNED"),
        (None, "2021-10-30", "PAYABLE"),
        ("2021-10-29", LATER, "STOPPED"),
        ("2021-10-30", LATER, "PAYABLE"),
    ],
)
def test_held_pays_when_six_months_have_held(broken: str | None, as_of: str, status: str) -> None:
    rows = [on(broken, "broke_off")] if broken else []
    line = line_of(
        rum(exited("2021-04-30"), *rows), as_of, "RUM_SPEED_PREMIUM", 1, ENABLED | {"rum.premium.reading": "HELD"}
    )
    assert (line.status, line.amount) == (status, 0 if status == "STOPPED" else 7260)


@pytest.mark.rule("AF-RUM-5", "AF-RUM-3")
@given(st.dates(date(2021, 1, 1), date(2022, 1, 1)), st.integers(0, 400), st.sampled_from(["A", "B", "C"]))
@few
def test_months_and_premium_together_are_six_months_or_those_that_began(started: date, after: int, level: str) -> None:
    left = add_days(started, after)
    told = rum(exited(left.isoformat()), started=started.isoformat(), level=level)
    month = {"A": 1210, "B": 1364, "C": 1980}[level]
    begun = next(number for number in range(1, 20) if left < add_months(started, number))
    assert sum(amounts(told, "2024-12-31", ENABLED).values()) == month * max(6, begun)
