"""The quick check of event data never says yes where the schema would say no."""

from __future__ import annotations

import random
from typing import Any

import pytest
from marshmallow import RAISE, ValidationError

from kundval_chassis.fits import fits
from kundval_contracts.codes import FactKind
from kundval_contracts.events import EVENTS, fact_event
from kundval_contracts.facts import load_fact

from .eventing import jobs

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 7, 10**30, 1.5, "", "x", "A-1", "a b", "x" * 300, "2024-02-29", "2023-02-29",
    "2024-1-1", "20240101", "٢٠٢٤-٠١-٠١", "2024-01-01T00:00:00", "12.50", "-12.50", "-0.00", "012.50", "12.5", "1e3.00",
    "CLIENT", "client", "PHONE", "WORK",
    "FOLLOWUP_AMI2_M3", "FINAL_REPORT", [], [1], ["CLIENT"], ["CLIENT", None], ["FINAL_REPORT"], {},
    {"from": "2024-01-01"}, {"a": 1}, [{"from": "2024-06-01", "extent_pct": 100}], [{"from": "x"}],
]  # fmt: skip


def accepted(name: str, data: Any, strict: bool) -> bool:
    try:
        if strict:
            EVENTS[name].schema.load(data, unknown=RAISE)
        else:
            EVENTS[name].schema.load(data)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", EVENTS)
def test_what_plainly_fits_is_accepted_by_the_schema(name: str) -> None:
    dice = random.Random(name)
    names = [field.data_key or key for key, field in EVENTS[name].schema.fields.items()]
    head = {key: value for key, value in jobs(1).items() if key in names}
    for _ in range(1500):
        data = {**head, **{key: dice.choice(VALUES) for key in dice.sample(names, dice.randint(0, len(names)))}}
        if dice.random() < 0.2:
            data["another"] = dice.choice(VALUES)
        for strict in (True, False):
            assert not fits(EVENTS[name].schema, data, strict=strict) or accepted(name, data, strict), data


@pytest.mark.parametrize("kind", ["decided", "contact", "jobs_applied", "started", "meeting_held", "broke_off"])
def test_the_most_frequent_events_need_no_second_look(kind: str) -> None:
    own = {"jobs_applied": {"count": 3, "month": 1}, "meeting_held": {"meeting": "FOLLOWUP_AMI2_M3", "sequence": 1}}
    data = fact_event("A-1", load_fact({"on": "2024-05-01", "fact": kind, **own.get(kind, {})}, 0), 1)
    assert fits(EVENTS[f"assignment.{FactKind(kind)}"].schema, data, strict=True)


def test_money_needs_no_second_look() -> None:
    posting = {"entry": "1", "provider": "alfa", "kind": "MONTHLY_FEE", "sequence": 1, "amount": "-8000.00"}
    data: dict[str, Any] = {
        "assignment": "A-1",
        "run": "2024-05-01",
        "postings": [{**posting, "reverses": "2024-04-01"}],
    }
    assert fits(EVENTS["billing.posted"].schema, data, strict=True)
    data["postings"][0]["amount"] = "8000.0"
    assert not fits(EVENTS["billing.posted"].schema, data, strict=True)


def test_one_changed_field_is_noticed() -> None:
    schema = EVENTS["assignment.jobs_applied"].schema
    assert fits(schema, jobs(1), strict=True)
    assert fits(schema, {**jobs(1), "another": 1}, strict=False)
    assert not fits(schema, {**jobs(1), "another": 1}, strict=True)
    for field in jobs(1):
        assert not fits(schema, {key: value for key, value in jobs(1).items() if key != field}, strict=False)
        assert not fits(schema, {**jobs(1), field: None}, strict=False)
    assert not fits(schema, {**jobs(1), "month": 0}, strict=False)
    assert not fits(schema, {**jobs(1), "on": "2024-02-30"}, strict=False)
    assert not fits(schema, [], strict=False)
