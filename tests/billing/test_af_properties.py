"""What holds for every assignment at the employment service, whenever its facts become known."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_billing.domain import lines, next_change
from kundval_contracts.answer import recompute
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Case
from kundval_contracts.phrases import text

from .af import rum, som
from .builders import Row, exited, net, on, play, tenant

pytestmark = pytest.mark.slow

few = settings(max_examples=50, deadline=None)
FAR = "2025-12-31"
READINGS: dict[str, list[Any]] = {
    "som.base_unit": ["PERIOD_65", "MONTH"],
    "som.premium": ["TOP_UP_65", "ACTUAL_DAYS"],
    "rum.premium.enabled": [True, False],
    "rum.premium.reading": ["REMAINING", "ALWAYS_SIX", "HELD"],
    "som.rates": [None, {"SOM_1": "100.10", "SOM_2": "0.01"}],
}
readings = st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in READINGS.items()})
moments = st.dates(date(2021, 1, 1), date(2023, 6, 30))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Switches, tracks, extensions, results, an exit with what follows, each known on its day or later."""
    started = draw(st.dates(date(2021, 1, 1), date(2021, 12, 31)))
    in_som = draw(st.booleans())

    def day(after: int) -> str:
        return add_days(started, after).isoformat()

    def known(after: int, kind: str, **fields: Any) -> Row:
        return on(day(after), kind, known_on=day(after + draw(st.sampled_from([0, 0, 3, 45, 200]))), **fields)

    rows: list[Row] = []
    for after in draw(st.lists(st.integers(0, 250), max_size=3)):
        what = draw(st.sampled_from(["switch", "track", "result", "extended"]))
        if what == "switch":
            rows.append(
                known(after, "provider_switch", provider=draw(st.sampled_from(["alfa", "beta"])), approved=True)
            )
        elif what == "track":
            track = draw(st.sampled_from(["SOM_1", "SOM_2"] if in_som else ["RUM_B", "RUM_C"]))
            rows.append(known(after, "track_decided", programme=track))
        elif what == "result":
            rows.append(known(after, "result_reported", amount=draw(st.sampled_from(["1.00", "1234.56"]))))
        else:
            rows.append(known(after, "extended"))
    left = draw(st.none() | st.integers(0, 300))
    if left is not None:
        kind = draw(st.sampled_from(["WORK_FULL_TIME", "STUDY_FULL_TIME", "DISCONTINUED", "OWN_BUSINESS"]))
        rows.append(exited(day(left), kind) | {"known_on": day(left + draw(st.sampled_from([0, 30, 120])))})
        if kind != "DISCONTINUED" and draw(st.booleans()):
            broken = left + draw(st.integers(0, 200))
            rows.append(known(broken, "broke_off"))
            if draw(st.booleans()):
                rows.append(known(broken + draw(st.integers(0, 60)), "resumed", provider="beta"))
    if in_som:
        return som(*rows, started=started.isoformat(), track=draw(st.sampled_from([1, 2])))
    return rum(*rows, started=started.isoformat(), level=draw(st.sampled_from(["A", "B", "C"])))


def runs(draw_from: list[date]) -> list[str]:
    return [day.isoformat() for day in sorted(draw_from)]


@pytest.mark.rule("AF-SOM-2", "AF-RUM-2")
@given(cases(), readings, st.lists(moments, max_size=5))
@few
def test_when_facts_become_known_and_payments_run_changes_nothing_in_the_end(
    case: Case, read: dict[str, Any], days: list[date]
) -> None:
    stated = {key: value for key, value in read.items() if value is not None}
    paid = net(play(case, *runs(days), FAR, settings=stated))
    assert paid == net(play(case, FAR, settings=stated))
    assert play(case, FAR, FAR, settings=stated) == play(case, FAR, settings=stated)


@given(cases(), readings, moments)
@few
def test_every_line_explains_itself(case: Case, read: dict[str, Any], day: date) -> None:
    who = tenant({key: value for key, value in read.items() if value is not None})
    found = lines(case.known_by(day), who, day)
    assert len({line.key for line in found}) == len(found)
    for line in found:
        assert recompute(line.steps) == line.amount >= 0
        assert line.rules and line.facts and line.provider
        assert line.start < line.end
        assert line.said is not None
        assert text(line.said, "sv").endswith(".")
        assert all(step.said is not None and text(step.said, "sv") for step in line.steps)


@given(cases(), readings, moments)
@few
def test_nothing_changes_before_the_day_that_is_named(case: Case, read: dict[str, Any], day: date) -> None:
    who = tenant({key: value for key, value in read.items() if value is not None})
    known = case.known_by(day)
    found = lines(known, who, day)
    change = next_change(found, day)
    until = add_days(change, -1) if change is not None else add_days(day, 400)

    def due(rows: Any, on_day: date) -> dict[Any, Decimal]:
        return {row.key: row.amount for row in rows if row.payable_from is not None and row.payable_from <= on_day}

    assert due(lines(known, who, until), until) == due(found, day)
