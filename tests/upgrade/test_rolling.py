"""Processes restarted one after the other under load: nobody is refused, nothing is lost and nothing is done twice."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import simulate
from kundval_contracts.caseload import read
from tests.conftest import Servers
from tests.faults.disturbed import parked
from tests.suite import SERVICES, Suite, running

from .load import Load
from .stepwise import Stepwise

# test_side_by_side.py replaces both processes of a service in every run of the tests
pytestmark = [pytest.mark.slow, pytest.mark.bench]


def roll(suite: Suite, *services: str) -> None:
    """Restart both processes of each service, one after the other."""
    for name in (f"{service}{number}" for service in services for number in ("", "#2")):
        assert suite.stop(name) == 0, suite.log(name)[-2000:]
        suite.start(name)


def test_a_service_of_two_processes_refuses_nobody_while_they_are_restarted_in_turn(
    servers: Servers, tmp_path: Path
) -> None:
    with running(servers, tmp_path, "assignment") as suite:
        suite.start("assignment#2")
        with Load(suite) as load:
            roll(suite, "assignment")
        print(load.figures())
        assert load.errors == {}
        # each command that was answered had its effect, once
        assert load.answered["assignment.register"] == load.registered() > 0


def test_a_rolling_restart_of_everything_changes_nothing(servers: Servers, tmp_path: Path) -> None:
    caseload = read(make(seed=21, residents=16))
    with running(servers, tmp_path) as suite:
        suite.start(*(f"{service}#2" for service in SERVICES))
        with Load(suite) as load:
            disturbed = Stepwise(suite, caseload, *(partial(roll, suite, one) for one in SERVICES))
        print(load.figures())
        assert load.errors == {}
        assert set(load.answered) >= {f"{service}.summary" for service in SERVICES}
        assert disturbed.answer == as_json(simulate(caseload))
        disturbed.check(servers)
        assert not +parked(suite)
