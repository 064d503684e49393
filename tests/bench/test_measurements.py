"""Every measurement of `bench/` runs against real servers and yields figures that can be; none is held to a time."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import (
    assignments,
    billing,
    cases,
    due_scan,
    events,
    footprint,
    notices,
    plan_meetings,
    recompute,
    report,
    rpc,
    sharing,
    sizing,
    soak,
    suite,
)
from bench.__main__ import PARTS
from bench.machine import Machine

pytestmark = pytest.mark.slow
#: many services are started for it: by `make bench-check`, not by `make test`
LONG = pytest.mark.bench


@pytest.fixture(scope="module")
def machine(servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(servers.env, tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize(
    ("measure", "size"),
    [
        pytest.param(suite.measure, suite.TINY, id="a, the whole suite", marks=LONG),
        pytest.param(events.measure, events.TINY, id="b, events", marks=LONG),
        pytest.param(rpc.measure, rpc.TINY, id="c, RPC", marks=LONG),
        pytest.param(recompute.measure, recompute.TINY, id="d, recomputation", marks=LONG),
        pytest.param(footprint.measure, footprint.TINY, id="e, footprint", marks=LONG),
        pytest.param(assignments.measure, assignments.TINY, id="f, assignments", marks=LONG),
        pytest.param(due_scan.measure, due_scan.TINY, id="g, due-scan", marks=LONG),
        pytest.param(plan_meetings.measure, plan_meetings.TINY, id="h, plan of meetings"),
        pytest.param(billing.measure, billing.TINY, id="i, billing at size", marks=LONG),
        pytest.param(notices.measure, notices.TINY, id="j, notices", marks=LONG),
        pytest.param(sizing.measure, sizing.TINY, id="k, what a fact costs", marks=LONG),
        pytest.param(sharing.measure, sharing.TINY, id="l, several processes", marks=LONG),
    ],
)
def test_a_measurement_yields_sane_figures(
    measure: Callable[[Machine, Any], report.Report], size: Any, machine: Machine
) -> None:
    found = measure(machine, size)
    assert found.rows
    for row in found.rows:
        for spread in (row.value, row.peer_value, row.ratio):
            if spread is not None:
                assert 0 < spread.least <= spread.median <= spread.most < math.inf, row
        # a promise is about a ratio
        assert row.target is None or row.met is not None, row
    console = Console(width=150, record=True, file=io.StringIO())
    report.show({"x": found}, console)
    assert found.rows[0].what in console.export_text()
    json.dumps(report.as_json({}, {"x": found}), allow_nan=False)


@pytest.mark.bench
def test_held_assignments_are_copies_of_the_sample_under_ids_of_their_own() -> None:
    known = len(cases.caseload().assignments)
    found = list(cases.held(known + 5, "t"))
    assert len({case[:2] for case, _ in found}) == known + 5
    assert [fact[2:] for fact in found[2][1]] == [fact[2:] for fact in found[known + 2][1]]
    assert all(fact[:2] == case[:2] for case, facts in found for fact in facts)


@pytest.mark.bench
def test_of_the_held_assignments_of_all_programmes_every_fifth_is_of_the_employment_service() -> None:
    found = list(cases.held_of_all_programmes(400, "t"))
    assert len({case[:2] for case, _ in found}) == 400
    programmes = Counter(case[2].partition("_")[0] for case, _ in found)
    assert set(programmes) == {"AMI", "JOBBPENG", "SOM", "RUM"}
    assert programmes["SOM"] + programmes["RUM"] == 80
    # some are refused: Rusta och matcha has no model everywhere
    assert sum(bool(facts) for case, facts in found if case[2].startswith(("SOM", "RUM"))) > 70


@pytest.mark.bench
def test_lives_are_told_to_different_points_and_their_persons_have_no_numbers() -> None:
    known = len(cases.caseload().assignments)
    lives = [cases.life(number) for number in range(4 * known)]
    assert len({one.id for one in lives}) == len({one.person for one in lives}) == len(lives)
    told = [[len(lives[number + turn * known].facts) for turn in range(4)] for number in range(known)]
    # of each assignment one copy is told to the end
    whole = [sum(fact.known_on <= cases.caseload().as_of for fact in one.facts) for one in cases.caseload().assignments]
    assert [max(row) for row in told] == whole
    assert all(len(set(row)) > 1 for row, facts in zip(told, whole, strict=True) if facts > 1)
    assert {len(one.not_a_number) for one in lives} == {12}
    assert not any(one.not_a_number[0].isdigit() for one in lives)


def test_a_ratio_is_taken_round_by_round_and_more_is_better() -> None:
    rates = report.beside("x", "rate", "1/s", [10, 30, 20], "peer", [10, 10, 10], target=1.5)
    assert rates.ratio is not None and (rates.ratio.least, rates.ratio.median, rates.ratio.most) == (1, 2, 3)
    assert rates.met
    times = report.beside("x", "time", "ms", [2.0], "peer", [1.0], target=1.0, less_is_better=True)
    assert times.ratio is not None and times.ratio.median == 0.5
    assert not times.met


def test_a_bound_from_above_is_met_from_below() -> None:
    row = report.Row("x", "time", "s", report.Spread.of([2]), ratio=report.Spread.of([2]), target=3, at_most=True)
    assert row.met


@pytest.mark.parametrize(
    ("a_second", "noise", "grows"),
    [(0.0, 0.0, False), (0.0, 2.0, False), (0.05, 2.0, True), (-0.05, 2.0, False)],
)
def test_what_rises_after_the_warm_up_by_more_than_its_bound_grows(a_second: float, noise: float, grows: bool) -> None:
    """Ten minutes of memory; the first third, in which caches fill, does not count."""
    times = range(0, 600, 5)
    values = [80 + (40 if at < 100 else 0) + a_second * at + noise * (at % 2 - 0.5) for at in times]
    trend = soak.Trend("memory, MiB", "billing", [*zip(map(float, times), values, strict=True)])
    assert trend.grows(600.0) is grows


def test_the_readme_names_every_measurement() -> None:
    text = Path(report.__file__).with_name("README.md").read_text(encoding="utf-8")
    for letter in PARTS:
        assert f"({letter})" in text
