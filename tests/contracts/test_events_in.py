"""Events that are taken in from outside: what they carry, and what is no such event."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import RAISE, ValidationError, fields

from kundval_contracts.codes import InboundSource
from kundval_contracts.events import EVENTS, SERVICES
from kundval_contracts.events_in import EVENTS_IN, SOURCES, InboundType, _examples, example
from kundval_contracts.lawful import table
from kundval_contracts.rules import register

NAMES = sorted(EVENTS_IN)


def good(name: str, **changes: Any) -> dict[str, Any]:
    return {**example(name), **changes}


def test_every_event_has_an_example_and_its_source_is_none_of_the_suite() -> None:
    assert sorted(_examples()) == NAMES
    assert {name.partition(".")[0] for name in NAMES} == set(SOURCES) == {one.lower() for one in InboundSource}
    assert not set(SOURCES) & set(SERVICES) and not set(EVENTS_IN) & set(EVENTS)


@pytest.mark.parametrize("name", NAMES)
def test_an_event_names_what_it_is_about_the_purpose_it_is_for_and_rules_that_there_are(name: str) -> None:
    kind: InboundType = EVENTS_IN[name]
    kind.schema.load(good(name), unknown=RAISE)
    assert kind.type == f"se.kundval.{name}.v1" and kind.source.lower() == name.partition(".")[0]
    assert kind.schema.fields[kind.item].required
    assert table()[kind.what].uses[kind.purpose]
    assert kind.rules and set(kind.rules) <= set(register())


@pytest.mark.parametrize("name", NAMES)
def test_no_field_can_hold_a_sentence_and_unknown_ones_are_passed_over(name: str) -> None:
    schema = EVENTS_IN[name].schema
    for field, value in good(name).items():
        if isinstance(value, str):
            with pytest.raises(ValidationError):
                schema.load(good(name, **{field: "Anna Hemlig, Lönngatan 7"}))
    assert "more" not in schema.load(good(name, more="said"))
    texts = [one for one in schema.fields.values() if type(one) is fields.String]
    assert all(one.validators for one in texts)


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("assistance.paid", {"to": "2024-02-01"}, "to"),
        ("assistance.paid", {"to": "2200-01-01"}, "to"),
        ("assistance.paid", {"revision": 0}, "revision"),
        ("assistance.paid", {"revision": "1"}, "revision"),
        ("assistance.paid", {"amount": "-1.00"}, "amount"),
        ("assistance.paid", {"amount": 1.5}, "amount"),
        ("education.certificate_issued", {"extent_pct": 0}, "extent_pct"),
        ("education.certificate_issued", {"extent_pct": 101}, "extent_pct"),
        ("education.study_aid_decided", {"aid": "PRIZE"}, "aid"),
        ("income.employment_confirmed", {"month": "2024-02-02"}, "month"),
    ],
)
def test_what_does_not_fit_is_named(name: str, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        EVENTS_IN[name].schema.load(good(name, **changes))
    assert list(wrong.value.messages_dict) == [field]
