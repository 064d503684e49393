"""Plans of many meetings: what is placed, what is not and why, and that nothing of it breaks a constraint."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings

from kundval_chassis.background import Failed
from kundval_contracts.codes import MeetingParty, PlanReason, PlanSolver
from kundval_scheduling.domain.resources import Hours
from kundval_scheduling.plans.check import breaches
from kundval_scheduling.plans.form import PROBLEM, SOLUTION
from kundval_scheduling.plans.greedy import first_fit
from kundval_scheduling.plans.problem import Client, Problem, Solution, Way
from kundval_scheduling.plans.score import considered, gini, score
from kundval_scheduling.plans.solver import Limits, plan, solve
from kundval_scheduling.plans.work import read
from tests.scheduling.planning import (
    CONTACT,
    DAY,
    at,
    guide,
    in_rooms,
    interpreter,
    problem,
    problems,
    room,
    taken,
    task,
)

GREEDY, SOLVER = PlanSolver.GREEDY, PlanSolver.SOLVER


def planned(given: Problem, solver: PlanSolver = SOLVER) -> Solution:
    found = plan(given, solver, Limits(seconds=20))
    assert breaches(given, found) == []
    return found


def starts(found: Solution) -> dict[str, str]:
    return {one.task: one.start.astimezone().isoformat() for one in found.placed}


def why(given: Problem, solver: PlanSolver = SOLVER) -> dict[str, tuple[str, int]]:
    return {one.task: (one.reason.value, one.count) for one in planned(given, solver).refused}


# --- what is placed ------------------------------------------------------------------------------------


def test_a_meeting_is_placed_on_its_target_day() -> None:
    found = planned(problem([task("a", "kim", target=3)], guide("kim")))
    assert [one.start.date() for one in found.placed] == [DAY + timedelta(days=3)]
    assert found.figures.days == 0


def test_the_solver_places_all_where_greed_takes_the_only_time_of_another() -> None:
    # `only` can be on Monday alone; `soon`, whose last day comes first, takes that hour although Tuesday would do
    hours = (Hours(1, time(9), time(10)), Hours(2, time(9), time(10)))
    can = {"client/only": Client("client/only", hours[:1])}
    tight = problem(
        [task("soon", "kim", days=(0, 1), target=0), task("only", "kim", days=(0, 4), target=0)],
        guide("kim", hours),
        clients=can,
    )
    assert set(starts(planned(tight, GREEDY))) == {"soon"}
    assert set(starts(planned(tight))) == {"soon", "only"}


def test_what_is_overdue_comes_first_when_there_is_room_for_one() -> None:
    hour = (Hours(1, time(9), time(10)),)
    tight = problem([task("a", "kim", target=0), task("b", "kim", target=0, overdue=True)], guide("kim", hour))
    for solver in (GREEDY, SOLVER):
        assert set(starts(planned(tight, solver))) == {"b"}


@pytest.mark.rule("LOKA-64")
def test_meetings_go_to_the_staff_by_share_of_a_full_time() -> None:
    many = problem(
        [task(f"t{number}", "kim", "lo", target=number % 3) for number in range(6)],
        guide("kim"),
        guide("lo", fte="0.5"),
    )
    taken_by = [party.resource for one in planned(many).placed for party in one.parties if party.role != "CLIENT"]
    assert sorted(taken_by) == ["kim"] * 4 + ["lo"] * 2


@pytest.mark.rule("LOKA-64")
@pytest.mark.parametrize(("booked", "placed"), [(1, 1), (2, 0)])
def test_a_week_that_is_full_by_share_of_a_full_time_takes_no_more(booked: int, placed: int) -> None:
    # a twentieth of forty hours is two
    busy = {"kim": (taken(0, 9, 9 + booked),)}
    found = planned(problem([task("a", "kim")], guide("kim", fte="0.05"), busy=busy))
    assert found.figures.placed == placed
    if not placed:
        assert found.refused[0].reason is PlanReason.GUIDE_FULL


@pytest.mark.parametrize(("minutes", "placed"), [(60, True), (61, False)])
def test_time_for_the_way_is_kept_and_not_a_minute_more(minutes: int, placed: bool) -> None:
    # kim is at the hall until ten and there until one: after an hour's way there are two hours left, and no minute more
    hours = (Hours(1, time(9), time(13)),)
    busy = {"kim": (taken(0, 9, 10, "hall"),)}
    elsewhere = problem(
        [task("a", "kim", days=(0, 0), target=0, minutes=120, **in_rooms("r", place="north"))],
        guide("kim", hours),
        room("r", "north"),
        busy=busy,
        ways=(Way("hall", "north", minutes),),
    )
    assert bool(planned(elsewhere).placed) is placed


@pytest.mark.rule("AF-SOM-17")
def test_a_client_who_needs_a_language_gets_own_staff_or_else_an_interpreter() -> None:
    wants = {"languages": ("so",), "interpreters": ("ines",)}
    own = planned(problem([task("a", "lo", **wants)], guide("lo", languages=("so",)), interpreter("ines", "so")))
    assert MeetingParty.INTERPRETER not in {party.role for party in own.placed[0].parties}
    with_her = planned(problem([task("a", "kim", **wants)], guide("kim"), interpreter("ines", "so")))
    assert "ines" in {party.resource for party in with_her.placed[0].parties}


# --- what is not, and why ------------------------------------------------------------------------------

AFTERNOONS = tuple(Hours(weekday, time(13), time(16)) for weekday in range(1, 6))


def test_each_meeting_without_a_time_says_what_stands_against_it() -> None:
    both = (task("x", "kim").seats[0], replace(task("x", "noon").seats[0], role=CONTACT))
    tasks = [
        task("past", "kim", days=(-9, -3)),
        task("nobody", "kim", seats=(replace(task("x", "kim").seats[0], choices=()),)),
        task("apart", "kim", seats=both),
        task("client", "kim", client="client/late"),
        task("small", "part", minutes=150),
        task("mute", "kim", languages=("ar",), interpreters=("ines",)),
        task("roomless", "kim", days=(0, 0), target=0, **in_rooms("r")),
    ]
    reasons = why(
        problem(
            tasks,
            guide("kim"),
            guide("noon", AFTERNOONS),
            guide("part", fte="0.05"),
            room("r"),
            interpreter("ines", "so"),
            clients={"client/late": Client("client/late", AFTERNOONS)},
            busy={"r": (taken(0, 8, 17),)},
        )
    )
    assert {name: code for name, (code, _) in reasons.items()} == {
        "past": "WINDOW_PAST",
        "nobody": "NO_STAFF",
        "apart": "NO_COMMON_HOURS",
        "client": "CLIENT_UNAVAILABLE",
        "small": "GUIDE_FULL",
        "mute": "NO_INTERPRETER",
        "roomless": "ROOMS_TAKEN",
    }


def test_a_meeting_that_others_crowd_out_says_how_many() -> None:
    # three hours on one day, and four meetings of an hour
    tasks = [task(f"t{number}", "kim", days=(0, 0), target=0) for number in range(4)]
    assert list(why(problem(tasks, guide("kim"))).values()) == [("CROWDED_OUT", 3)]


def test_a_full_week_that_the_plan_itself_has_filled_counts_the_others() -> None:
    tasks = [task(f"t{number}", "kim") for number in range(3)]
    assert list(why(problem(tasks, guide("kim", fte="0.05"))).values()) == [("GUIDE_FULL", 2)]


# --- what holds always ---------------------------------------------------------------------------------

QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@QUICK
@given(problems())
def test_whatever_is_planned_keeps_every_constraint_and_the_solver_places_no_fewer(given_: Problem) -> None:
    greedy, solved = plan(given_, GREEDY), plan(given_, SOLVER, Limits(seconds=10))
    assert breaches(given_, greedy) == breaches(given_, solved) == []
    assert solved.figures.placed >= greedy.figures.placed
    board, _ = solve(given_, Limits(seconds=10))
    even = considered(given_)
    assert score(board, even) >= score(first_fit(given_), even)


@pytest.mark.slow
@QUICK
@given(problems())
def test_what_cannot_be_placed_alone_is_never_called_crowded_out_and_the_reverse(given_: Problem) -> None:
    for refusal in plan(given_, GREEDY).refused:
        alone = replace(given_, tasks=(given_.task[refusal.task],))
        found = plan(alone, GREEDY)
        crowded = refusal.reason is PlanReason.CROWDED_OUT or (
            refusal.reason is PlanReason.GUIDE_FULL and refusal.count > 0
        )
        assert bool(found.placed) is crowded


@pytest.mark.slow
@QUICK
@given(problems())
def test_a_problem_and_its_plan_survive_the_way_to_another_process(given_: Problem) -> None:
    assert PROBLEM.load(json.loads(json.dumps(PROBLEM.dump(given_)))) == given_
    found = plan(given_, GREEDY)
    assert SOLUTION.load(json.loads(json.dumps(SOLUTION.dump(found)))) == found


def test_the_same_problem_and_seed_give_the_same_plan() -> None:
    tasks = [task(f"t{number}", "kim", "lo", target=number % 5, **in_rooms("r", "s")) for number in range(5)]
    given_ = problem(tasks, guide("kim"), guide("lo"), room("r"), room("s"))
    assert plan(given_, SOLVER, Limits(seconds=60)) == plan(given_, SOLVER, Limits(seconds=60))


# --- the checker itself --------------------------------------------------------------------------------


def test_the_checker_finds_whatever_is_changed_in_a_good_plan() -> None:
    tasks = [task("a", "kim", **in_rooms("r")), task("b", "kim", target=2), task("c", "lo", languages=("so",))]
    given_ = problem(
        tasks, guide("kim"), guide("lo", languages=("so",)), guide("noon", AFTERNOONS), room("r"), room("s")
    )
    good = planned(given_)
    first, second, third = good.placed
    later = timedelta(hours=6)

    def codes(*placed: object) -> set[str]:
        return {one.partition(" ")[0] for one in breaches(given_, replace(good, placed=placed))}

    assert codes(first, second) == {"NOT_ONCE"}
    assert codes(first, first, second, third) >= {"NOT_ONCE"}
    assert "LENGTH" in codes(replace(first, end=first.end + timedelta(minutes=15)), second, third)
    assert "GRID" in codes(replace(first, start=first.start + timedelta(minutes=1)), second, third)
    assert "HOURS" in codes(replace(first, start=first.start + later, end=first.end + later), second, third)
    assert "DAY" in codes(first, second, replace(third, start=at(7, 9), end=at(7, 10)))
    assert "VENUE" in codes(replace(first, room="s"), second, third)
    assert "PARTIES" in codes(replace(first, parties=first.parties[:1]), second, third)
    wrong = replace(third, parties=(third.parties[0], replace(third.parties[1], resource="kim")))
    assert codes(first, second, wrong) >= {"SEAT", "LANGUAGE"}
    assert "OVERLAP" in codes(first, replace(second, start=first.start, end=first.end), third)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text[:-10], "BROKEN_OUTPUT"),
        (lambda text: b"{}", "BROKEN_OUTPUT"),
        (lambda text: text.replace(b"T07:00", b"T17:00"), "BROKEN_OUTPUT"),
        (lambda text: text.replace(b"T07:00", b"T05:00"), "UNSOUND"),
        (lambda text: text.replace(b"kim", b"lo"), "UNSOUND"),
    ],
)
def test_what_a_process_writes_is_used_only_if_it_is_a_plan_that_can_be_carried_out(
    change: Callable[[bytes], bytes], code: str
) -> None:
    given_ = problem([task("a", "kim", days=(0, 0), target=0)], guide("kim"), guide("lo"))
    text = json.dumps(SOLUTION.dump(planned(given_, GREEDY))).encode()
    assert read(given_, text) == planned(given_, GREEDY)
    with pytest.raises(Failed) as raised:
        read(given_, change(text))
    assert raised.value.code == code


# --- figures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "expected"), [([], 0), ([5, 5, 5], 0), ([0, 0, 9], 666), ([0, 0, 0], 0), ([1, 3], 250)]
)
def test_evenness_is_the_gini_coefficient_per_mille(shares: list[int], expected: int) -> None:
    pairs = sum(abs(one - other) for one, other in product(shares, shares))
    assert gini(shares) == expected
    if sum(shares):
        assert gini(shares) == pairs * 1000 // (2 * len(shares) * sum(shares))


@pytest.mark.slow
def test_a_plan_of_many_meetings_places_more_than_greed_does() -> None:
    from bench.plan_cases import Team, instance

    given_ = instance(Team(meetings=150, staff=8, providers=8))
    greedy, solved = planned(given_, GREEDY), plan(given_, SOLVER, Limits(seconds=60, rounds=8))
    assert breaches(given_, solved) == []
    assert solved.figures.placed > greedy.figures.placed
