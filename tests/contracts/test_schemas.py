"""The JSON Schemas take what the marshmallow schemas take, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from marshmallow import EXCLUDE, Schema, ValidationError

from kundval_contracts.codes import ExitKind, FactKind
from kundval_contracts.events import EVENTS, SERVICES
from kundval_contracts.events_in import EVENTS_IN
from kundval_contracts.events_in import example as example_in
from kundval_contracts.facts import FACT_SCHEMAS, load_fact
from kundval_contracts.rpc import METHODS
from kundval_contracts.schema import Builder, answer, envelope, event, event_in, request
from kundval_contracts.schema.examples import answer_of, event_data, request_of, whole_event

from .schema_values import conditions, made, reader, spoilt

if TYPE_CHECKING:
    import jsonschema

OWN = [method for method in METHODS.values() if method.service in SERVICES]
#: name, JSON Schema, marshmallow schema, an example
Case = tuple[str, dict[str, Any], Schema, Any]


def requests() -> Iterator[Case]:
    for one in OWN:
        yield f"request {one.name}", request(one), one.request, request_of(one)
    for name, inbound in EVENTS_IN.items():
        yield f"event from outside {name}", event_in(name), inbound.schema, example_in(name)


def sent() -> Iterator[Case]:
    for name, one in EVENTS.items():
        yield f"event {name}", event(name), one.schema, event_data(name)
    for method in OWN:
        yield f"answer {method.name}", answer(method), method.answer, answer_of(method)


def every() -> list[Case]:
    return [*requests(), *sent()]


def faults(schema: Schema, value: Any, **options: Any) -> Any:
    try:
        schema.load(value, **options)
    except ValidationError as error:
        return error.messages
    return None


def test_every_schema_takes_its_example() -> None:
    for name, schema, marshmallow, example in every():
        assert [fault.message for fault in reader(schema).iter_errors(example)] == [], name
        assert faults(marshmallow, example) is None, name


def test_every_event_has_an_example_that_fits_its_envelope() -> None:
    for name, one in EVENTS.items():
        whole = envelope(event(name), name, one.version)
        assert [fault.message for fault in reader(whole).iter_errors(whole_event(name))] == [], name


@pytest.mark.slow
def test_what_a_schema_takes_the_suite_takes() -> None:
    random = Random(1)
    tried = refused = 0
    for name, schema, marshmallow, _ in every():
        check, free = reader(schema), not conditions(schema)
        for _ in range(4):
            value = made(schema, random)
            assert check.is_valid(value), (name, value)
            found = faults(marshmallow, value)
            assert found is None or not free, (name, value, found)
            tried += 1
            refused += found is not None
    assert tried > 1000
    assert refused < tried / 5


@pytest.mark.slow
def test_a_value_that_was_spoilt_is_taken_by_both_or_by_neither() -> None:
    random = Random(2)
    taken = refused = 0
    for name, schema, marshmallow, example in every():
        check, free = reader(schema), not conditions(schema)
        for _ in range(6):
            value = spoilt(example, random)
            told = [fault for fault in flat(check.iter_errors(value)) if not read_leniently(fault)]
            # in what the suite sends fields may be added
            found = faults(marshmallow, value, **({} if name.startswith("request") else {"unknown": EXCLUDE}))
            if found is None:
                taken += 1
                assert told == [], (name, [(fault.json_path, fault.message) for fault in told])
            else:
                refused += 1
                assert not free or not check.is_valid(value) or name.startswith("answer"), (name, value, found)
    assert min(taken, refused) > 200


@pytest.mark.slow
def test_what_the_suite_sends_its_schema_takes() -> None:
    random = Random(3)
    for name, schema, marshmallow, _ in sent():
        value = made(schema, random)
        if faults(marshmallow, value) is None:
            dumped = marshmallow.dump(marshmallow.load(value))
            assert [fault.message for fault in reader(schema).iter_errors(dumped)] == [], (name, value, dumped)


@pytest.mark.parametrize(
    "kind", [kind for kind in FactKind if not conditions(Builder("IN").object(FACT_SCHEMAS[kind]))]
)
def test_a_fact_that_fits_its_schema_is_taken(kind: FactKind) -> None:
    each = Builder("IN").object(METHODS["assignment.record_facts"].request)["properties"]["facts"]["items"]["oneOf"]
    (schema,) = (one for one in each if one["properties"]["fact"] == {"const": kind})
    random = Random(4)
    for _ in range(10):
        row = {key: value for key, value in made(schema, random).items() if key not in ("assignment", "id", "ordinal")}
        row["known_on"] = None
        assert load_fact(row, 0).kind is kind


def test_a_fact_is_one_of_its_kinds_and_no_other() -> None:
    check = reader(request("assignment.record_facts"))
    fact = {"assignment": "A-1", "id": "F-1", "on": "2024-06-20", "fact": "exited", "kind": "BENEFIT_OTHER_PUBLIC"}
    assert check.is_valid({"tenant": "nacka", "facts": [fact]})
    for spoiled in (
        {**fact, "fact": "started"},
        {**fact, "fact": "no_such_fact"},
        {**fact, "surplus": 1},
        {**fact, "on": "1899-12-31"},
        {**fact, "extent_pct": 101},
        {key: value for key, value in fact.items() if key != "kind"},
    ):
        assert not check.is_valid({"tenant": "nacka", "facts": [spoiled]}), spoiled


def test_requests_are_closed_and_what_is_sent_is_open() -> None:
    assert request("billing.lines")["additionalProperties"] is False
    assert "additionalProperties" not in answer("billing.lines")
    assert "additionalProperties" not in event("assignment.exited")


def test_money_is_text_and_null_is_said() -> None:
    lines = answer("billing.lines")["properties"]["lines"]["items"]["properties"]
    assert lines["amount"]["type"] == "string"
    assert not reader(lines["amount"]).is_valid(8000.0)
    assert reader(lines["amount"]).is_valid("8000.00")
    assert lines["payable_from"]["type"] == ["string", "null"]
    assert "payable_from" in answer("billing.lines")["properties"]["lines"]["items"]["required"]


def test_a_code_says_of_which_list_it_is() -> None:
    kind = event("assignment.exited")["properties"]["kind"]
    assert kind == {"type": "string", "enum": [one.value for one in ExitKind], "x-codes": "ExitKind"}


def flat(faults: Any) -> Iterator[jsonschema.ValidationError]:
    """Faults, and those within alternatives in their place."""
    from jsonschema.exceptions import best_match

    for fault in faults:
        if fault.context and fault.validator in ("anyOf", "oneOf"):
            nearest = best_match([fault])
            yield from flat(nearest.context or [nearest])
        else:
            yield fault


def read_leniently(fault: jsonschema.ValidationError) -> bool:
    """The suite reads "5" as 5, "true" as true, 20240620 as a day: nothing that a schema promises."""
    return fault.validator in ("type", "format", "pattern", "const") and isinstance(fault.instance, str | int | float)
