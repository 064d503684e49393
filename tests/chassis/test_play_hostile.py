"""Whatever is sent, the answer is typed: files and requests with values at any place that nobody expected there."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from kundval_chassis.play import play
from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import simulate
from kundval_contracts.caseload import CaseloadFault, read
from kundval_contracts.client import Client
from kundval_contracts.errors import KundvalError
from kundval_contracts.rpc import METHODS, CallerRole
from tests.acceptance.builders import assignment, claim, exited
from tests.suite import Suite, Town, client, suite, town

pytestmark = pytest.mark.slow

__all__ = ["client", "suite", "town"]

HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 3, 2**31, 2**63, 10**30, 1e308, 0.1, "", "x" * 10_000, "x" * 100, "å" * 100, "a\0b", "\ud800",
    "a\nb", "A B", "../../x", "NaN", "1e5", "12.345", [], {}, [None], [[]], {"a": 1}, {"a\0": "\0"},
    2, 12, 99, "1900-01-01", "2024-12-31", "2026-06-30",
    "0001-01-01", "9999-12-31", "2199-12-31", "2024-02-29", "2023-02-29", "2024-13-01", "20240229", "2024-W09-4",
    "2024-03-01T00:00:00", "AMI_1", "alfa",
)  # fmt: skip

Place = tuple[str | int, ...]


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    """Every place inside a document."""
    if isinstance(value, dict):
        inner: Any = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        return
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


def spoil(document: Any, random: Random) -> None:
    """Put something else somewhere, leave it out, or add what nobody knows."""
    *way, last = random.choice(list(places(document)))
    where = document
    for key in way:
        where = where[key]
    chance = random.random()
    if chance < 0.85:
        # half of them of the type that belongs there, so that some get past the door
        alike = [value for value in HOSTILE if type(value) is type(where[last])] if chance < 0.45 else []
        where[last] = copy.deepcopy(random.choice(alike or HOSTILE))
    elif chance < 0.95:
        del where[last]
    elif isinstance(where, dict):
        where["unknown"] = 1


@pytest.mark.parametrize("seed", range(4))
def test_a_file_with_anything_anywhere_is_computed_or_its_faults_are_named(seed: int) -> None:
    random = Random(seed)
    sample = make(seed=seed, residents=80)
    seen: Counter[str] = Counter()
    for _ in range(150):
        document = copy.deepcopy(sample | {"assignments": random.sample(sample["assignments"], 1)})
        document["payment_runs"] = document["payment_runs"][:3]
        for _ in range(random.randint(1, 2)):
            spoil(document, random)
        try:
            assert as_json(simulate(read(document)))
            seen["computed"] += 1
        except CaseloadFault as fault:
            assert fault.faults and all(message for _, message in fault.faults)
            seen["faults"] += 1
    assert min(seen["computed"], seen["faults"]) > 10


def requests(town: Town, random: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Good requests to every method; the ids of facts are new every time."""
    facts = assignment("AMI_2", "2024-03-15", exited("2024-06-20"), claim("2024-12-20"))["facts"]
    number = 0
    while True:
        for name, method in METHODS.items():
            if CallerRole.SYSTEM not in method.roles:
                continue  # asked by who may in tests/assignment/test_hostile_requests.py
            number += 1
            fields: dict[str, Any] = {"tenant": town.name} if "tenant" in method.request.fields else {}
            if name == "assignment.open_tenant":
                fields = {
                    "tenant": f"{town.name}-{number}",
                    "municipality": "nacka",
                    "settings": {"AMI1_MONTHLY_FEE": "1.00", "AMI2_MONTHLY_FEE": 2, "plan.due_days": 14},
                    "tariffs": [{"valid_from": "2024-01-01", "AMI2_MONTHLY_FEE": "3.00"}],
                    "providers": [{"id": "alfa", "name": "Alfa", "authorised": {"AMI_1": "2024-01-01"}}],
                }
            elif name == "assignment.register":
                one = assignment("AMI_2", "2024-03-15", name=f"B-{number}")
                fields["assignments"] = [{key: one[key] for key in ("id", "programme", "client", "plan")}]
            elif name == "assignment.record_facts":
                rows = [random.choice(facts) for _ in range(3)]
                fields["facts"] = [
                    {"assignment": "A-1", "id": f"{number}-{place}", "ordinal": 100 + 3 * number + place, **row}
                    for place, row in enumerate(rows)
                ]
                fields["keep_refused"] = True
            elif name == "assignment.open_day":
                fields["date"] = "2024-07-01"
            elif name == "billing.run_payments":
                fields["run"] = "2024-07-01"
            elif "limit" in method.request.fields:
                fields |= {"limit": 10, "after": "A-0"}
            elif "assignment" in method.request.fields:
                fields["assignment"] = "A-1"
            if name == "assignment.withdraw_fact":
                fields["fact"] = "3"
            yield name, copy.deepcopy(fields)


@pytest.mark.parametrize("seed", range(3))
def test_a_request_with_anything_anywhere_gets_a_typed_answer(town: Town, suite: Suite, seed: int) -> None:
    town.add(assignment("AMI_2", "2024-03-15", exited("2024-06-20"), claim("2024-12-20")))
    town.day("2024-07-01")
    random = Random(seed)
    kinds: Counter[str] = Counter()
    for (name, fields), _ in zip(requests(town, random), range(400), strict=False):
        if fields and random.random() < 0.85:
            spoil(fields, random)
        try:
            town.client.call(name, timeout=30, **fields)
            kinds["OK"] += 1
        except KundvalError as error:
            kinds[error.kind] += 1
            assert error.kind in ("INVALID_REQUEST", "NOT_FOUND", "CONFLICT", "FACT_REFUSED"), (name, fields, error)
            assert error.kind != "INVALID_REQUEST" or error.faults
    assert min(kinds["OK"], kinds["INVALID_REQUEST"]) > 30
    town.settle()
    assert all(suite.ready(service) for service in suite.processes)


def test_after_all_that_a_play_is_as_good_as_ever(client: Client) -> None:
    caseload = read(json.loads(json.dumps(make(seed=4, residents=12))))
    assert play(caseload, client) == simulate(caseload)
