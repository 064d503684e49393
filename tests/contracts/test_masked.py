"""The masked copy of an event: nothing in it says where a person is, it fits the schema, and the rest is as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from kundval_contracts.envelope import Event
from kundval_contracts.events import EVENTS, MASKED, MEETING_TIMES, PLACE_CODES, TELLS_NO_PLACE, masked
from kundval_contracts.money import MoneyField

pytestmark = pytest.mark.slow

#: Texts as somebody might send them who wants to be found; every schema takes at least one of them.
SECRETS = ("harbour-street-7", "HARBOUR_STREET", "harbour_street", "0a" * 32, "The house at the harbour, second floor")
GENERATE = settings(database=None, deadline=None, phases=(Phase.generate,))


def values(field: fields.Field[Any], key: str) -> st.SearchStrategy[Any]:
    """Values as JSON has them that a field takes; its texts are secrets."""
    found = _of_type(field, key).filter(lambda value: _takes(field, value))
    return st.none() | found if field.allow_none else found


def _of_type(field: fields.Field[Any], key: str) -> st.SearchStrategy[Any]:
    if isinstance(field, fields.Nested):
        return objects(field.schema)
    if isinstance(field, fields.List):
        return st.lists(values(field.inner, key), max_size=3)
    if isinstance(field, fields.Dict):
        return st.dictionaries(
            values(field.key_field, key) if field.key_field else st.sampled_from(SECRETS),
            values(field.value_field, key) if field.value_field else st.sampled_from(SECRETS),
            max_size=2,
        )
    if isinstance(field, fields.Enum):
        return st.sampled_from([member.value for member in field.enum])
    if isinstance(field, fields.Boolean):
        return st.booleans()
    if isinstance(field, fields.Date):
        return st.dates().map(lambda day: day.isoformat())
    if isinstance(field, fields.DateTime):
        return st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat())
    if isinstance(field, fields.Integer):
        return st.integers(0, 100)
    if isinstance(field, MoneyField | fields.Decimal):
        return st.sampled_from(["0.00", "12.50"])
    if isinstance(field, fields.String):
        choices = [one for rule in field.validators if isinstance(rule, validate.OneOf) for one in rule.choices]
        return st.sampled_from(choices or SECRETS)
    assert type(field) is fields.Raw, f"this test does not know what a {type(field).__name__} holds"
    return st.sampled_from(SECRETS) | st.dictionaries(st.sampled_from(SECRETS), st.sampled_from(SECRETS), max_size=2)


def _takes(field: fields.Field[Any], value: Any) -> bool:
    try:
        field.deserialize(value)
    except ValidationError:
        return False
    return True


def objects(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    made = {field.data_key or name: values(field, field.data_key or name) for name, field in schema.fields.items()}
    needed = {field.data_key or name for name, field in schema.fields.items() if field.required}
    return st.fixed_dictionaries(
        {key: made[key] for key in made if key in needed},
        optional={key: made[key] for key in made if key not in needed},
    )


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every simple value in a JSON value with the key under which it stands, and every key of a map as a value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield key, name
            yield from leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, key)
    else:
        yield key, value


def loads(schema: Schema, data: Any) -> bool:
    try:
        schema.load(data, unknown=RAISE)
    except ValidationError:
        return False
    return True


@cache
def told_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """What an event of that name may tell."""
    return objects(EVENTS[name].schema)


@pytest.mark.parametrize("name", EVENTS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_no_text_that_might_name_a_place_is_left_and_the_copy_fits_the_schema(name: str, data: st.DataObject) -> None:
    schema = EVENTS[name].schema
    told = data.draw(told_of(name))
    copy = masked(name, told)
    assert not [key for key, value in leaves(copy) if key in MEETING_TIMES and value is not None]
    found = [(key, value) for key, value in leaves(copy) if value in SECRETS and key not in TELLS_NO_PLACE]
    assert found == []
    assert copy.keys() == told.keys()
    assert loads(schema, copy) or not loads(schema, told), (told, copy)


@pytest.mark.parametrize("name", EVENTS)
def test_the_test_above_makes_data_that_the_schema_takes(name: str) -> None:
    """Else it would prove nothing of this event."""
    schema = EVENTS[name].schema
    assert find(told_of(name), lambda told: loads(schema, told), settings=GENERATE) is not None


def test_codes_numbers_days_and_yes_or_no_stay() -> None:
    told = {
        "assignment": "A-1",
        "fact_id": "f1",
        "ordinal": 3,
        "on": "2024-06-01",
        "known_on": "2024-06-02",
        "revision": 1,
        "kind": "WORK_FULL_TIME",
        "first_day": "2024-06-01",
        "extent_pct": 100,
        "household_support": True,
        "documents": ["EMPLOYMENT_CERTIFICATE"],
        "workplace": "harbour-street-7",
        "next_intervention": None,
    }
    assert masked("assignment.exited", told) == {**told, "workplace": MASKED}


def test_what_stands_deep_inside_is_masked_too() -> None:
    row = {"kind": "MONTHLY_FEE", "sequence": 1, "amount": "12.50", "reverses": None}
    posted = {"assignment": "A-1", "run": "2024-07-01", "postings": [{**row, "entry": "7", "provider": "harbour"}]}
    assert masked("billing.posted", posted)["postings"] == [{**row, "entry": "7", "provider": MASKED}]


def test_a_code_that_tells_the_kind_of_place_becomes_null() -> None:
    assert masked("assignment.contact", {"place": "SUPPLIER_PREMISES", "minutes": 30}) == {"place": None, "minutes": 30}


def test_when_and_with_whom_a_meeting_is_to_be_is_masked_and_that_there_is_one_stays() -> None:
    told = {
        "meeting": "m-1",
        "assignment": "A-1",
        "kind": "FOLLOWUP_AMI2_M3",
        "sequence": 1,
        "attempt": 1,
        "revision": 3,
        "version": 1,
        "needed": True,
        "booker": "PROVIDER",
        "mandatory": ["CLIENT", "CAREER_GUIDE", "PROVIDER"],
        "target": "2026-06-15",
        "rules": ["AMI-8.2-a"],
        "mode": "IN_PERSON",
        "on": "2026-06-01",
    }
    hidden = {"provider": "harbour", "starts_at": "2026-06-15T07:00:00+00:00", "ends_at": "2026-06-15T08:00:00+00:00"}
    copy = masked("scheduling.meeting_booked", told | hidden)
    assert copy == told | {"provider": MASKED, "starts_at": None, "ends_at": None}


def test_what_no_schema_knows_is_left_out() -> None:
    assert masked("assignment.started", {"assignment": "A-1", "house": "harbour"}) == {"assignment": "A-1"}
    assert masked("assignment.of_another_version", {"assignment": "A-1", "provider": "harbour"}) == {}


def test_what_is_declared_about_texts_names_fields_that_there_are() -> None:
    def names(schema: Schema) -> Iterator[str]:
        for name, field in schema.fields.items():
            yield field.data_key or name
            inner = field.inner if isinstance(field, fields.List) else field
            if isinstance(inner, fields.Nested):
                yield from names(inner.schema)

    known = {name for kind in EVENTS.values() for name in names(kind.schema)}
    assert known >= TELLS_NO_PLACE | PLACE_CODES | MEETING_TIMES


def test_a_reader_sees_that_an_event_is_masked() -> None:
    raw = {
        "specversion": "1.0",
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "source": "/kundval/assignment",
        "type": "se.kundval.assignment.started.v1",
        "subject": "A-1",
        "time": "2024-06-20T09:30:00.000000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:kundval:event:assignment.started:v1",
        "sequence": "1",
        "tenant": "nacka",
        "data": {},
    }
    plain, copy, whole = (Event.from_dict({**raw, **more}) for more in ({}, {"masked": True}, {"restricted": True}))
    assert (plain.masked, plain.restricted) == (False, False)
    assert (copy.masked, copy.restricted) == (True, False)
    assert (whole.masked, whole.restricted) == (False, True)
    assert json.loads(plain.to_json()) == raw
    assert Event.from_json(copy.to_json()) == copy and Event.from_json(whole.to_json()) == whole
    for wrong in ("true", 1, None, []):
        with pytest.raises(ValueError, match=r"^masked: must be true or false$"):
            Event.from_dict({**raw, "masked": wrong})
