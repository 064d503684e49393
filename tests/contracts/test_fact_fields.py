"""The fields of every kind of fact: what is sent is taken as it is or refused by name, and nothing else happens."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from kundval_contracts.codes import FactKind
from kundval_contracts.events import EVENTS, fact_event, fact_from_event
from kundval_contracts.facts import FACT_SCHEMAS, FREE_TEXT, KEPT_HERE, Fact, dump_fields, load_fact
from tests.contracts import fact_values as values

pytestmark = pytest.mark.slow

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
KINDS = list(FactKind)
quick = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def load(kind: FactKind, row: dict[str, Any]) -> Fact:
    return load_fact({"on": "2024-05-01", "fact": kind.value, **row}, 7, "f-1")


def plain(kind: FactKind) -> dict[str, Any]:
    """A row with what the kind asks for, and nothing else."""
    row: dict[str, Any] = {
        field.data_key or name: _first(field) for name, field in FACT_SCHEMAS[kind].fields.items() if field.required
    }
    if kind is FactKind.EB_PAID:
        row = {"from": "2024-04-01", "to": "2024-05-01", "scope": "CLIENT"}
    if kind is FactKind.EXITED:
        row = {"kind": "DISCONTINUED"}
    if kind is FactKind.CIRCUMSTANCES_CHANGED:
        row = {"resident": True}
    load(kind, row)
    return row


def _first(field: fields.Field[Any]) -> Any:
    for value in ("W1", 1, "10.00", "2024-05-01", True, *(v for v in _codes(field)), SECRET_TEXT):
        if values.takes(field, value):
            return value
    raise AssertionError(f"nothing fits {field}")


def _codes(field: fields.Field[Any]) -> list[str]:
    return [member.value for member in field.enum] if isinstance(field, fields.Enum) else []


SECRET_TEXT = f"{values.SECRET}x"


def paths(schema: Schema) -> list[tuple[str, ...]]:
    """Every field of a schema, those of the maps in it too."""
    found: list[tuple[str, ...]] = []
    for name, field in schema.fields.items():
        key = field.data_key or name
        found.append((key,))
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            found += [(key, *path) for path in paths(inner.schema)]
        elif isinstance(field, fields.List):
            found.append((key, "[]"))
    return found


def put(schema: Schema, path: tuple[str, ...], value: Any) -> Any:
    """`value` at the place that `path` leads to, with lists of one where the schema has lists."""
    if not path:
        return value
    name = next((name for name, field in schema.fields.items() if (field.data_key or name) == path[0]), "")
    field, rest = schema.fields[name], path[1:]
    inside = field.inner if isinstance(field, fields.List) else field
    if rest == ("[]",):
        return {path[0]: [value]}
    if not rest:
        return {path[0]: value}
    held = put(inside.schema, rest, value)
    return {path[0]: [held] if isinstance(field, fields.List) else held}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_takes_a_hostile_value_or_refuses_it_by_name(kind: FactKind) -> None:
    schema, base = FACT_SCHEMAS[kind], plain(kind)
    keys = {field.data_key or name for name, field in schema.fields.items()}
    for path in paths(schema):
        for what, value in values.HOSTILE:
            row = base | put(schema, path, value)
            try:
                fact = load(kind, row)
            except ValidationError as error:
                named = set(error.messages_dict)
                assert named <= {*keys, "_schema"} and named & keys, (path, what, named)
                # a field that fits may contradict another, which is then named
                assert path[0] in named or values.takes(_field(schema, path[0]), row[path[0]]), (path, what, named)
                assert values.SECRET not in str(error.messages), (path, what)
                continue
            dumps_and_loads_again(fact)


def _field(schema: Schema, key: str) -> fields.Field[Any]:
    return next(field for name, field in schema.fields.items() if (field.data_key or name) == key)


def dumps_and_loads_again(fact: Fact) -> None:
    text = json.dumps(dump_fields(fact), allow_nan=False)
    assert len(text) < 4 * 10**6
    assert load(fact.kind, json.loads(text)) == fact


HEADS = [
    *((name, what, value) for name in ("on", "known_on", "fact") for what, value in values.HOSTILE),
    ("known_on", "before", "2024-04-30"),
]


@pytest.mark.parametrize(("name", "what", "value"), HEADS, ids=[f"{name} {what}" for name, what, _ in HEADS])
def test_day_and_kind_are_taken_or_refused_by_name(name: str, what: str, value: Any) -> None:
    row = {"on": "2024-05-01", "fact": "started"} | {name: value}
    try:
        fact = load_fact(row, 0)
    except ValidationError as error:
        assert set(error.messages_dict) == {name}
    else:
        assert (name, what) in {("on", "date"), ("known_on", "date"), ("known_on", "null")}
        assert fact.on == date(2024, 5, 1)


@pytest.mark.parametrize(
    ("day", "taken"), [("1899-12-31", False), ("1900-01-01", True), ("2199-12-31", True), ("2200-01-01", False)]
)
def test_a_day_outside_three_centuries_is_a_slip(day: str, taken: bool) -> None:
    if taken:
        assert load_fact({"on": day, "fact": "started"}, 0).on.isoformat() == day
    else:
        with pytest.raises(ValidationError, match="must be from"):
            load_fact({"on": day, "fact": "started"}, 0)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        load_fact({"on": "soon", "known_on": 1, "fact": "contact", "channel": "PIGEON", "shoe_size": 43}, 0)
    assert set(caught.value.messages_dict) == {"on", "known_on", "channel", "shoe_size"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_the_kind_does_not_have_is_refused(kind: FactKind) -> None:
    with pytest.raises(ValidationError) as caught:
        load(kind, plain(kind) | {"shoe_size": 43})
    assert set(caught.value.messages_dict) == {"shoe_size"}


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(data=st.data())
def test_whatever_is_sent_is_taken_or_refused(kind: FactKind, data: st.DataObject) -> None:
    keys = sorted(field.data_key or name for name, field in FACT_SCHEMAS[kind].fields.items())
    row = data.draw(st.dictionaries(st.sampled_from([*keys, "shoe_size"]), junk, max_size=4))
    try:
        fact = load(kind, row)
    except ValidationError as error:
        assert set(error.messages_dict) <= {*keys, "shoe_size", "_schema"}
    else:
        dumps_and_loads_again(fact)


# --- what leaves the assignment service ----------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in KEPT_HERE])
@quick
@given(data=st.data())
def test_what_loads_is_dumped_and_loaded_again_and_its_event_fits_and_tells_no_text(
    kind: FactKind, data: st.DataObject
) -> None:
    fact = load(kind, data.draw(values.rows(kind, DAYS)))
    dumps_and_loads_again(fact)
    event = fact_event("A-1", fact, 3)
    assert EVENTS[f"assignment.{kind}"].schema.validate(event) == {}
    assert values.SECRET not in json.dumps(event, ensure_ascii=False)
    for name in FREE_TEXT.get(kind, ()):
        assert event.get(_key(kind, name), False) in (True, False)
        assert bool(event.get(_key(kind, name), False)) == bool(fact.data.get(name))
    again = fact_from_event(f"assignment.{kind}", json.loads(json.dumps(event)))
    assert (again.id, again.kind, again.on, again.known_on, again.place) == (
        fact.id, fact.kind, fact.on, fact.known_on, fact.place
    )  # fmt: skip
    told = {name: value for name, value in fact.data.items() if name not in FREE_TEXT.get(kind, ())}
    assert {name: again.data[name] for name in told} == told


def _key(kind: FactKind, name: str) -> str:
    return FACT_SCHEMAS[kind].fields[name].data_key or name


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_in_which_a_sentence_could_travel_stays_in_assignment(kind: FactKind) -> None:
    free = {name for name, field in FACT_SCHEMAS[kind].fields.items() if values.is_free(field)}
    assert free <= set(FREE_TEXT.get(kind, ()))
    assert set(FREE_TEXT.get(kind, ())) <= set(FACT_SCHEMAS[kind].fields)


def test_dialogue_and_work_for_a_benefit_on_grounds_of_health_are_told_to_nobody() -> None:
    assert {FactKind.NOTE, FactKind.BENEFIT_BASIS} == KEPT_HERE
    assert not {f"assignment.{kind}" for kind in KEPT_HERE} & set(EVENTS)


#: Fields that tell of health, of circumstances or of whom somebody has to do with.
SENSITIVE = {
    FactKind.ASSESSED: {"needs", "obstacles", "risk_groups"},
    FactKind.REFERRED: {"long_term_sick", "referrer"},
    FactKind.CIRCUMSTANCES_CHANGED: {"work_ability_pct", "language_obstacle", "work_obstacle"},
    FactKind.OTHER_ACTOR: {"actor"},
    FactKind.REPRESENTED: {"towards"},
    FactKind.BENEFIT_BASIS: {"documents"},
    # one of the steps says that there is a disability code (LOKA-37), one of the forms is sheltered work
    FactKind.SUBSIDY_STEP: {"step", "form"},
    FactKind.ACTIVITY_PLANNED: {"criteria"},
    # among the reasons is a work ability too low for AMI (LOKA-43)
    FactKind.REJECTED: {"reason"},
}


@pytest.mark.parametrize("kind", list(SENSITIVE))
@pytest.mark.rule("LOKA-11", "LOKA-37")
def test_health_and_circumstances_stay_in_assignment(kind: FactKind) -> None:
    assert SENSITIVE[kind] <= set(FREE_TEXT[kind])


def test_the_reason_of_a_decision_is_told_as_a_yes() -> None:
    fact = load(FactKind.DECIDED, {"reason": SECRET_TEXT, "needs": ["LANGUAGE"]})
    assert fact_event("A-1", fact, 1)["reason"] is True
    assert fact_event("A-1", load(FactKind.DECIDED, {}), 1).get("reason", False) is False


# --- boundaries of single fields -----------------------------------------------------------------------

BOUNDS = [
    (FactKind.HOURS_REPORTED, "hours_per_week", ["0", "9.5", "10.0", "168"], ["-0.5", "168.5"]),
    (FactKind.JOBS_APPLIED, "count", [0, 1_000_000], [-1, 1_000_001]),
    (FactKind.JOBS_APPLIED, "month", [1, 1200], [0, 1201]),
    (FactKind.MEETING_BOOKED, "sequence", [1], [0]),
    (FactKind.MONTHLY_REPORT, "extent_pct", [0, 100], [-1, 101]),
    (FactKind.CIRCUMSTANCES_CHANGED, "work_ability_pct", [0, 100], [-1, 101]),
    (FactKind.NOTE, "text", ["x" * 4000], ["x" * 4001]),
    (FactKind.PROVIDER_CHOSEN, "provider", ["x" * 100], ["", "x" * 101, "two words"]),
    (FactKind.MONTHLY_REPORT, "attachments", [["agreement-1"]], [["the change of Monday"]]),
    (FactKind.BIP_ASSESSED, "scores", [{"work": 5}, {"work": 2.5}], [{"work": 10**7}, {"work": float("inf")}]),
]


@pytest.mark.parametrize(("kind", "name", "taken", "refused"), BOUNDS, ids=lambda one: str(one)[:30])
def test_a_number_or_text_keeps_its_bounds(kind: FactKind, name: str, taken: list[Any], refused: list[Any]) -> None:
    for value in taken:
        assert name in load(kind, plain(kind) | {name: value}).data
    for value in refused:
        with pytest.raises(ValidationError) as caught:
            load(kind, plain(kind) | {name: value})
        assert set(caught.value.messages_dict) == {name}


@pytest.mark.rule("LOKA-4")
def test_a_project_names_who_pays_for_it() -> None:
    with pytest.raises(ValidationError) as caught:
        load(FactKind.REFERRED, {"source": "PROJECT"})
    assert set(caught.value.messages_dict) == {"financier"}
    for financier in ("COORDINATION_ASSOCIATION", "COUNTY_BOARD", "ESF", "OTHER"):
        assert load(FactKind.REFERRED, {"source": "PROJECT", "financier": financier})["financier"] == financier


@pytest.mark.rule("LOKA-36")
def test_a_granted_subsidy_says_from_when() -> None:
    row = {"subsidy": "s-1", "step": "AF_DECIDED"}
    for missing, rest in (("granted", {}), ("valid_from", {"granted": True})):
        with pytest.raises(ValidationError) as caught:
            load(FactKind.SUBSIDY_STEP, row | rest)
        assert set(caught.value.messages_dict) == {missing}
    assert load(FactKind.SUBSIDY_STEP, row | {"granted": False})["granted"] is False
    assert load(FactKind.SUBSIDY_STEP, row | {"granted": True, "valid_from": "2024-06-01"})
