"""The gate of the contracts: what would break somebody is found, told in words, and not published."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs.catalogue.consumers import CLASSES, _services
from docs.publish_contracts import CONSUMERS, PUBLISHED, differences, publish, published
from kundval_chassis.outbox import PROTECTION_CHANGED
from kundval_contracts.compat import Finding, Kind, Need, breaking, compare, compare_all
from kundval_contracts.compat.consumers import Consumer, load, refused, unmet
from kundval_contracts.compat.second import opinion
from kundval_contracts.events import EVENTS
from kundval_contracts.schema import bundle

Json = dict[str, Any]

EVENT, METHOD, TOLD = "assignment.exited", "assignment.af_due", "assistance.paid"
BILLING = Need("billing", {EVENT: ["kind", "on"]}, {METHOD: ["tenant", "limit"]}, {METHOD: ["due[].kind"]})
PARTNER = Need("partner example", {EVENT: ["kind", "assignment"]}, {}, {})


@cache
def _present() -> str:
    return json.dumps(bundle())


def real() -> Json:
    """The contracts of now, to be changed at will."""
    made: Json = json.loads(_present())
    made["release"] = {"version": "1.4", "on": "2026-11-26"}
    return made


def changed(change: Callable[[Json], Any], **how: Any) -> list[Finding]:
    """What is found if the contracts of now had been published and were changed so."""
    new = real()
    change(new)
    return compare(real(), new, needs=(BILLING, PARTNER), opinion=opinion, **how)


def event(new: Json, name: str = EVENT) -> Json:
    return dict(new["events"][name]["1"])


def fields(new: Json, name: str = EVENT) -> Json:
    found: Json = new["events"][name]["1"]["properties"]
    return found


def asked(new: Json) -> Json:
    found: Json = new["rpc"][METHOD]["request"]
    return found


def answered(new: Json) -> Json:
    found: Json = new["rpc"][METHOD]["answer"]
    return found


def rename(things: Json, old: str, new: str) -> None:
    things[new] = things.pop(old)
    if "required" in things:
        things["required"] = [new if one == old else one for one in things["required"]]


def rename_field(schema: Json, old: str, new: str) -> None:
    schema["properties"][new] = schema["properties"].pop(old)
    schema["required"] = [new if one == old else one for one in schema["required"]]


def row(new: Json) -> Json:
    found: Json = answered(new)["properties"]["due"]["items"]
    return found


READS = "Whoever reads events of 1.4 and needs it breaks"
KEPT = "An event kept from 1.4 cannot be read any more, and a replay of it breaks"
SENDS = "Whoever sends requests of 1.4 is refused"
ANSWERS = "Whoever reads answers of 1.4 and needs it breaks"
CALLS = "Whoever calls it as in 1.4 breaks"
LISTS = "Whoever knows the list of 1.4 breaks"
NOBODY = "(nobody has registered that it does)"
V2 = "Publish v2 beside it instead."
METHOD_BESIDE = "Add a method beside it instead."

#: what is done to the contracts of now, the kind that is found, and all that is said of it
BREAKS: dict[str, tuple[Callable[[Json], Any], Kind, str]] = {
    "an event's field is removed": (
        lambda new: fields(new).pop("kind"),
        Kind.FIELD_REMOVED,
        f"assignment.exited v1: field `kind` is gone. {READS}: billing, partner example. {V2}",
    ),
    "an event's field is renamed": (
        lambda new: rename_field(new["events"][EVENT]["1"], "known_on", "known_since"),
        Kind.FIELD_RENAMED,
        f"assignment.exited v1: field `known_on` is called `known_since` now. {READS} {NOBODY}. {V2}",
    ),
    "an event's code list is narrowed": (
        lambda new: fields(new)["kind"]["enum"].remove("OWN_BUSINESS"),
        Kind.CODES_REMOVED,
        f"assignment.exited v1: field `kind` cannot be `OWN_BUSINESS` any more. {KEPT}: billing, partner example. {V2}",
    ),
    "an event's code is renamed": (
        lambda new: fields(new)["kind"].update(
            enum=["STARTED_BUSINESS" if one == "OWN_BUSINESS" else one for one in fields(new)["kind"]["enum"]]
        ),
        Kind.CODES_RENAMED,
        f"assignment.exited v1: field `kind` has `STARTED_BUSINESS` where it had `OWN_BUSINESS`. {KEPT}: billing,"
        f" partner example. {V2}",
    ),
    "an event's field may be missing": (
        lambda new: new["events"][EVENT]["1"]["required"].remove("kind"),
        Kind.OPTIONAL,
        f"assignment.exited v1: field `kind` may be missing now. {READS}: billing, partner example. {V2}",
    ),
    "an event's field may be null": (
        lambda new: fields(new)["on"].update(type=["string", "null"]),
        Kind.NULL_ALLOWED,
        f"assignment.exited v1: field `on` may be null now. {READS}: billing. {V2}",
    ),
    "an event's field is retyped": (
        lambda new: fields(new)["ordinal"].update(type="string"),
        Kind.RETYPED,
        f"assignment.exited v1: field `ordinal` is string now and was integer. {READS} {NOBODY}. {V2}",
    ),
    "a stored event's field has to be given": (
        lambda new: new["events"][EVENT]["1"]["required"].append("first_day"),
        Kind.REQUIRED,
        f"assignment.exited v1: field `first_day` has to be given now. {KEPT} {NOBODY}. {V2}",
    ),
    "a field that means something when it is not given means something else": (
        lambda new: fields(new)["household_support"].update(default=True),
        Kind.DEFAULT,
        "assignment.exited v1: field `household_support` means something else when it is not given: True, where it was"
        f" False. {READS} {NOBODY}. {V2}",
    ),
    "an event's pattern is loosened": (
        lambda new: fields(new)["assignment"].pop("pattern"),
        Kind.CONDITION,
        "assignment.exited v1: field `assignment` has another condition: no condition, where it was pattern"
        f" {bundle()['events'][EVENT]['1']['properties']['assignment']['pattern']}. {READS}: partner example. {V2}",
    ),
    "an event is removed": (
        lambda new: new["events"].pop(EVENT),
        Kind.EVENT_REMOVED,
        f"assignment.exited v1: this event is gone. {READS}: billing, partner example. Publish it under its name too,"
        " until a sunset date that is published before: assignment.exited.",
    ),
    "an event is renamed": (
        lambda new: rename(new["events"], EVENT, "assignment.exit_happened"),
        Kind.EVENT_RENAMED,
        f"assignment.exited v1: this event is called `assignment.exit_happened` now. {READS}: billing, partner example."
        " Publish it under its name too, until a sunset date that is published before: assignment.exited.",
    ),
    "a request's field is removed": (
        lambda new: asked(new)["properties"].pop("limit"),
        Kind.FIELD_REMOVED,
        f"assignment.af_due request: field `limit` is gone. {SENDS}: billing. {METHOD_BESIDE}",
    ),
    "a request's field is renamed": (
        lambda new: rename_field(asked(new), "after", "after_this"),
        Kind.FIELD_RENAMED,
        f"assignment.af_due request: field `after` is called `after_this` now. {SENDS} {NOBODY}. {METHOD_BESIDE}",
    ),
    "a request's field has to be given": (
        lambda new: asked(new)["required"].append("limit"),
        Kind.REQUIRED,
        f"assignment.af_due request: field `limit` has to be given now. {SENDS}: billing. {METHOD_BESIDE}",
    ),
    "a new field of a request has to be given": (
        lambda new: (asked(new)["required"].append("why"), asked(new)["properties"].update(why={"type": "string"})),
        Kind.REQUIRED,
        f"assignment.af_due request: field `why` has to be given now. {SENDS} {NOBODY}. {METHOD_BESIDE}",
    ),
    "a request's range is narrowed": (
        lambda new: asked(new)["properties"]["limit"].update(maximum=500),
        Kind.CONDITION,
        "assignment.af_due request: field `limit` has another condition: maximum 500, where it was maximum 2000."
        f" {SENDS}: billing. {METHOD_BESIDE}",
    ),
    "a request's length is narrowed": (
        lambda new: asked(new)["properties"]["tenant"].update(maxLength=20),
        Kind.CONDITION,
        "assignment.af_due request: field `tenant` has another condition: maxLength 20, where it was no maxLength."
        f" {SENDS}: billing. {METHOD_BESIDE}",
    ),
    "a request's default is changed": (
        lambda new: asked(new)["properties"]["limit"].update(default=100),
        Kind.DEFAULT,
        "assignment.af_due request: field `limit` means something else when it is not given: 100, where it was 500."
        f" {SENDS}: billing. {METHOD_BESIDE}",
    ),
    "a request's field may not be null": (
        lambda new: asked(new)["properties"]["after"].update(type="string"),
        Kind.NULL_REFUSED,
        f"assignment.af_due request: field `after` may not be null any more. {SENDS} {NOBODY}. {METHOD_BESIDE}",
    ),
    "an answer's field is removed": (
        lambda new: (row(new)["properties"].pop("kind"), row(new)["required"].remove("kind")),
        Kind.FIELD_REMOVED,
        f"assignment.af_due answer: field `due[].kind` is gone. {ANSWERS}: billing. {METHOD_BESIDE}",
    ),
    "an answer's field may be missing": (
        lambda new: row(new)["required"].remove("kind"),
        Kind.OPTIONAL,
        f"assignment.af_due answer: field `due[].kind` may be missing now. {ANSWERS}: billing. {METHOD_BESIDE}",
    ),
    "an answer's field is retyped": (
        lambda new: row(new)["properties"]["overdue"].update(type="string"),
        Kind.RETYPED,
        f"assignment.af_due answer: field `due[].overdue` is string now and was boolean. {ANSWERS} {NOBODY}."
        f" {METHOD_BESIDE}",
    ),
    "a method is removed": (
        lambda new: new["rpc"].pop(METHOD),
        Kind.METHOD_REMOVED,
        f"assignment.af_due: this method is gone. {CALLS}: billing. Keep it beside the new one, with a sunset date in"
        " `versions`.",
    ),
    "a method is renamed": (
        lambda new: rename(new["rpc"], METHOD, "assignment.af_due_now"),
        Kind.METHOD_RENAMED,
        f"assignment.af_due: this method is called `assignment.af_due_now` now. {CALLS}: billing. Keep it beside the"
        " new one, with a sunset date in `versions`.",
    ),
    "a query becomes a command": (
        lambda new: new["rpc"][METHOD].update(kind="command"),
        Kind.METHOD_KIND,
        f"assignment.af_due: this is a command now and was a query. {CALLS}: billing. {METHOD_BESIDE}",
    ),
    "a role is taken away": (
        lambda new: new["rpc"][METHOD]["roles"].remove("CASE_WORKER"),
        Kind.ROLE_REMOVED,
        f"assignment.af_due: the role CASE_WORKER may not call it any more. {CALLS}: billing. {METHOD_BESIDE}",
    ),
    "a provider reaches less far": (
        lambda new: new["rpc"]["assignment.state"].update(reach="NOTHING"),
        Kind.REACH_NARROWED,
        "assignment.state: a provider reaches less far with it: NOTHING, where it was"
        f" {bundle()['rpc']['assignment.state']['reach']}. {CALLS} {NOBODY}. {METHOD_BESIDE}",
    ),
    "a token needs a purpose": (
        lambda new: new["rpc"][METHOD].update(personal=True),
        Kind.PURPOSE_NEEDED,
        f"assignment.af_due: a token needs a purpose for it now. {CALLS}: billing. {METHOD_BESIDE}",
    ),
    "a page has another list": (
        lambda new: new["rpc"]["billing.lines"].update(rows="items"),
        Kind.ROWS,
        f"billing.lines: its pages are in another list: `items`, where it was `lines`. {CALLS} {NOBODY}."
        f" {METHOD_BESIDE}",
    ),
    "a code is removed": (
        lambda new: new["codes"]["ExitKind"].remove("OWN_BUSINESS"),
        Kind.CODES_REMOVED,
        f"code list ExitKind: `OWN_BUSINESS` is gone. {LISTS}. Keep the old code beside the new.",
    ),
    "a code is renamed": (
        lambda new: new["codes"].update(
            ExitKind=["X" if one == "OWN_BUSINESS" else one for one in new["codes"]["ExitKind"]]
        ),
        Kind.CODES_RENAMED,
        f"code list ExitKind: `OWN_BUSINESS` is called `X` now. {LISTS}. Keep the old code beside the new.",
    ),
    "a code list is reordered": (
        lambda new: new["codes"]["ExitKind"].reverse(),
        Kind.CODES_REORDERED,
        f"code list ExitKind: its codes stand in another order. {LISTS}, if it goes by their order. Put them back.",
    ),
    "a code list is removed": (
        lambda new: new["codes"].pop("ExitKind"),
        Kind.LIST_REMOVED,
        f"code list ExitKind: this code list is gone. {LISTS}. Keep it.",
    ),
    "a kind of error is removed": (
        lambda new: new["errors"].remove("CONFLICT"),
        Kind.ERROR_REMOVED,
        "errors: it does not answer with errors of kind `CONFLICT` any more. Whoever tells errors apart as in 1.4"
        " breaks.",
    ),
    "what the suite is told is no longer taken in": (
        lambda new: new["events_in"].pop(TOLD),
        Kind.EVENT_REMOVED,
        f"{TOLD} v1: this event is gone. Whoever tells the suite as in 1.4 is not heard {NOBODY}. Go on taking it in.",
    ),
    "what the suite is told needs more": (
        lambda new: new["events_in"][TOLD]["1"]["required"].append("amount"),
        Kind.REQUIRED,
        f"{TOLD} v1: field `amount` has to be given now. {SENDS} {NOBODY}. {METHOD_BESIDE}",
    ),
    "an attribute of every event is removed": (
        lambda new: (new["envelope"]["properties"].pop("tenant"), new["envelope"]["required"].remove("tenant")),
        Kind.FIELD_REMOVED,
        f"envelope: field `tenant` is gone. {READS} {NOBODY}. Keep it as it was.",
    ),
}


@pytest.mark.parametrize("case", BREAKS)
def test_each_kind_of_break_is_told_in_words(case: str) -> None:
    change, kind, text = BREAKS[case]
    found = breaking(changed(change))
    assert [(one.kind, one.text) for one in found] == [(kind, text)]


#: what is done, and the level of all that is found
ALLOWED: dict[str, tuple[Callable[[Json], Any], set[str]]] = {
    "nothing": (lambda new: None, set()),
    "an event has a new field": (lambda new: fields(new).update(why={"type": "string"}), {"ALLOWED"}),
    "an event has a new code": (lambda new: fields(new)["kind"]["enum"].append("NEW"), {"ALLOWED"}),
    "there is a new event": (lambda new: new["events"].update({"assignment.new": {"1": event(new)}}), {"ALLOWED"}),
    "the suite can be told more": (lambda new: new["events_in"].update({"income.new": {"1": {}}}), {"ALLOWED"}),
    "there is a new method": (lambda new: new["rpc"].update({"billing.new": new["rpc"][METHOD]}), {"ALLOWED"}),
    "a list has a new code": (lambda new: new["codes"]["ExitKind"].append("NEW"), {"ALLOWED"}),
    "a list has a new code among others": (lambda new: new["codes"]["ExitKind"].insert(0, "NEW"), {"ALLOWED", "WARNS"}),
    "a request takes more": (lambda new: asked(new)["properties"]["limit"].update(maximum=9000), {"WARNS"}),
    "a request has a new field": (lambda new: asked(new)["properties"].update(why={"type": "string"}), {"WARNS"}),
    "a request needs less": (lambda new: asked(new)["required"].remove("tenant"), {"WARNS"}),
    "an answer has a new field": (lambda new: answered(new)["properties"].update(why={"type": "string"}), {"ALLOWED"}),
    "an answer says less": (lambda new: row(new)["properties"]["kind"]["enum"].remove("FINAL"), {"WARNS"}),
    "a condition has other words": (lambda new: asked(new).update({"x-also-checked": ["something"]}), {"WARNS"}),
    "a role may call it too": (lambda new: new["rpc"][METHOD]["roles"].append("CONTROLLER"), set()),
    "a protected identity changes more": (lambda new: new["rpc"][METHOD].update(shield="READERS"), {"WARNS"}),
    "another description": (lambda new: fields(new)["kind"].update(description="said better"), set()),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_a_compatible_change_passes(case: str) -> None:
    change, levels = ALLOWED[case]
    assert {one.level for one in changed(change)} == levels


# ---------------------------------------------------------------- any place of the real contracts


def objects(schema: Json) -> Iterator[Json]:
    """Every object of a schema with fields of its own."""
    if schema.get("properties"):
        yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", ())]
    inner += [schema[one] for one in ("items", "additionalProperties") if isinstance(schema.get(one), dict)]
    for one in inner:
        yield from objects(one)


def places(part: Json, flow: str) -> list[Json]:
    """Every object of an event, request or answer."""
    return list(objects(part["1"] if flow == "events" else part[flow]))


def _drop(schema: Json, name: str) -> None:
    del schema["properties"][name]
    schema["required"] = [one for one in schema.get("required", ()) if one != name]


def _retype(schema: Json, name: str) -> None:
    schema["properties"][name] = {"type": "number", "exclusiveMaximum": -7.5}


def _require_another(schema: Json, name: str) -> None:
    schema["properties"][f"{name}_too"] = {"type": "string"}
    schema["required"] = [*schema.get("required", ()), f"{name}_too"]


def _rename(schema: Json, name: str) -> None:
    kept = schema["properties"].pop(name)
    schema["properties"][f"{name}s"] = kept
    schema["required"] = [f"{one}s" if one == name else one for one in schema.get("required", ())]


def _add(schema: Json, name: str) -> None:
    schema["properties"][f"{name}_too"] = {"type": ["string", "null"], "default": None}


def _describe(schema: Json, name: str) -> None:
    schema["properties"][name]["description"] = "said better"


def _new_code(schema: Json, name: str) -> None:
    if "x-codes" in schema["properties"][name] and "enum" in schema["properties"][name]:
        schema["properties"][name]["enum"].append("NEVER_HEARD_OF")


ANYWHERE = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
WHERE = sorted((flow, name) for flow, names in (
    ("events", real()["events"]), ("request", real()["rpc"]), ("answer", real()["rpc"])
) for name in names)  # fmt: skip


@cache
def _one(flow: str, name: str) -> str:
    return json.dumps(real()["events" if flow == "events" else "rpc"][name])


def somewhere(data: Any, turns: list[Any], most: int, flows: str = "events request answer") -> tuple[Json, Json]:
    """A pair of bundles of one event or method: as it is, and with some of these done to it somewhere."""
    flow, name = data.draw(st.sampled_from([one for one in WHERE if one[0] in flows]))
    old, new = (json.loads(_one(flow, name)) for _ in range(2))
    for turn in data.draw(st.lists(st.sampled_from(turns), min_size=1, max_size=most)):
        found = places(new, flow)
        if not found:  # a method without fields
            return _real_pair(turns[0])
        schema = data.draw(st.sampled_from(found))
        turn(schema, data.draw(st.sampled_from(sorted(schema["properties"]))))
    part = "events" if flow == "events" else "rpc"
    return {part: {name: old}}, {part: {name: new}}


def _real_pair(turn: Any) -> tuple[Json, Json]:
    old, new = (json.loads(_one("events", EVENT)) for _ in range(2))
    turn(new["1"], "kind")
    return {"events": {EVENT: old}}, {"events": {EVENT: new}}


@pytest.mark.parametrize("turn", [_drop, _retype, _rename])
@ANYWHERE
@given(data=st.data())
def test_a_breaking_change_anywhere_is_found(data: Any, turn: Any) -> None:
    assert breaking(compare(*somewhere(data, [turn], 1)))


@ANYWHERE
@given(data=st.data())
def test_a_field_that_has_to_be_given_anywhere_is_found(data: Any) -> None:
    assert breaking(compare(*somewhere(data, [_require_another], 2, "events request")))


@ANYWHERE
@given(data=st.data())
def test_compatible_changes_anywhere_pass_here_and_with_the_second_opinion(data: Any) -> None:
    assert not breaking(compare(*somewhere(data, [_add, _describe, _new_code], 3), opinion=opinion))


@ANYWHERE
@given(data=st.data())
def test_what_the_second_opinion_finds_is_found_here_and_said_why(data: Any) -> None:
    found = compare(*somewhere(data, [_retype, _rename, _require_another, _add, _drop], 2), opinion=opinion)
    assert Kind.OTHERWISE not in {one.kind for one in found}


def test_without_own_rules_the_second_opinion_still_stands_against_a_break() -> None:
    old, new = ({"type": "object", "x-new": {}, "properties": {"a": {"type": one}}} for one in ("string", "integer"))
    assert not opinion(old, new, "WRITER")
    assert not opinion(old, new, "READER")
    assert opinion(old, old, "WRITER")


# ---------------------------------------------------------------- versions and sunsets


def with_v2(sunset: str | None) -> Json:
    """The contracts with a second version of an event, which tells less."""
    new = real()
    second = deepcopy(new["events"][EVENT]["1"])
    _drop(second, "ordinal")
    new["events"][EVENT]["2"] = second
    if sunset:
        new["sunsets"]["events"] = {EVENT: {"1": sunset}}
    return new


def without_v1() -> Json:
    new = with_v2(None)
    del new["events"][EVENT]["1"]
    return new


SUNSET = date(2027, 6, 30)


def test_a_version_beside_the_old_one_with_a_sunset_passes() -> None:
    assert not breaking(compare(real(), with_v2("2027-06-30"), on=date(2026, 11, 26)))


def test_a_version_beside_the_old_one_needs_a_sunset_after_the_release() -> None:
    for sunset in (None, "2026-11-25", "2026-11-26"):
        (found,) = breaking(compare(real(), with_v2(sunset), on=date(2026, 11, 26)))
        assert found.text == (
            "assignment.exited v1: it has no sunset date after this release, though v2 takes its place."
            " Say in `versions` until when it is told beside the new one."
        )
    assert not breaking(compare(real(), with_v2("2026-11-27"), on=date(2026, 11, 26)))


@pytest.mark.parametrize(
    ("on", "kept"), [(date(2027, 6, 29), True), (SUNSET, False), (date(2027, 7, 1), False)], ids=str
)
def test_a_version_can_be_dropped_from_its_sunset_on(on: date, kept: bool) -> None:
    # the first bundle knew of no sunset: what was published later counts
    found = breaking(compare_all([real(), with_v2("2027-06-30")], without_v1(), needs=[PARTNER], on=on))
    assert {one.text for one in found} == (
        {
            f"assignment.exited v1: this version is gone. {READS}: partner example. It can go after its sunset,"
            " 2027-06-30."
        }
        if kept
        else set()
    )


def test_a_version_that_never_had_a_sunset_cannot_be_dropped() -> None:
    (found,) = breaking(compare(real(), without_v1(), on=date(2099, 1, 1)))
    assert found.kind is Kind.VERSION_REMOVED


def test_a_sunset_can_only_be_put_off() -> None:
    published_before = with_v2("2027-06-30")
    (found,) = breaking(compare(published_before, with_v2("2027-06-29"), on=date(2026, 11, 26)))
    assert found.what == "its sunset is 2027-06-29 now and was 2027-06-30"
    assert not breaking(compare(published_before, with_v2("2027-07-01"), on=date(2026, 11, 26)))


@pytest.mark.parametrize(("on", "gone"), [(date(2027, 6, 29), False), (SUNSET, True)], ids=str)
def test_a_method_can_go_from_its_sunset_on(on: date, gone: bool) -> None:
    old, new = real(), real()
    old["sunsets"]["rpc"] = {METHOD: "2027-06-30"}
    del new["rpc"][METHOD]
    assert bool(breaking(compare(old, new, on=on))) is not gone


# ---------------------------------------------------------------- what is published


def test_the_present_contracts_break_nothing_that_was_published() -> None:
    kept = published()
    assert kept, "there is a first published version"
    assert [one.text for one in breaking(differences(json.loads(_present()), kept))] == []


def test_published_versions_are_complete_and_named_by_their_release() -> None:
    for path in PUBLISHED.glob("*.json"):
        one = json.loads(path.read_text(encoding="utf-8"))
        assert path.stem == one["release"]["version"]
        assert date.fromisoformat(one["release"]["on"]) <= date(2100, 1, 1)
        assert one["events"]
        assert one["rpc"]
        assert one["codes"]


def test_publishing_keeps_the_contracts_once_and_refuses_what_breaks(tmp_path: Path) -> None:
    first = real()
    path = publish(first, tmp_path)
    assert path.name == "1.4.json"
    assert published(tmp_path) == [first]
    assert publish(first, tmp_path) == path

    more = real()
    fields(more)["why"] = {"type": "string"}
    with pytest.raises(ValueError, match=r"1\.4\.json was published with other contents"):
        publish(more, tmp_path)
    more["release"] = {"version": "1.10", "on": "2026-12-01"}
    publish(more, tmp_path)
    assert [one["release"]["version"] for one in published(tmp_path)] == ["1.4", "1.10"]

    # what 1.10 added is promised too, though 1.4 had none
    worse = real()
    worse["release"] = {"version": "1.11", "on": "2027-01-01"}
    with pytest.raises(ValueError, match=r"field `why` is gone\. Whoever reads events of 1\.10"):
        publish(worse, tmp_path)
    assert not (tmp_path / "1.11.json").exists()


# ---------------------------------------------------------------- consumers


def test_every_consumer_has_what_it_needs_and_its_samples_fit() -> None:
    consumers = load(CONSUMERS)
    assert {one.name for one in consumers} >= {*CLASSES, "example-partner"}
    for one in consumers:
        assert unmet(one, json.loads(_present())) == []
        assert refused(one) == []
        for old in published():
            known = replace(one, **{
                part: {name: paths for name, paths in getattr(one, part).items() if name in old[where]}
                for part, where in (("events", "events"), ("requests", "rpc"), ("answers", "rpc"))
            })  # fmt: skip
            assert unmet(known, old) == [], "what it needs was there before too"


def test_the_services_have_registered_what_their_code_consumes() -> None:
    heard: dict[str, set[str]] = {name: set() for name in CLASSES}
    for service, name in _services():
        heard[service].add(name)
    for one in load(CONSUMERS):
        if one.name in heard:
            # the chassis takes this one in before the service sees it
            assert set(one.events) - {PROTECTION_CHANGED} == heard[one.name] - {PROTECTION_CHANGED}, one.name
    assert all(heard.values())


def example() -> Consumer:
    return next(one for one in load(CONSUMERS) if one.name == "example-partner")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("kind", None),
        ("first_day?", None),
        ("documents[]", "which may be missing"),
        ("first_day", "which may be missing"),
        ("nowhere", "which there is not"),
        ("nowhere?", "which there is not"),
        ("kind[]", "which is no list"),
        ("kind.*", "which is no map"),
    ],
)
def test_a_need_is_a_field_that_is_there_and_always_given_unless_said(path: str, problem: str | None) -> None:
    one = Consumer("somebody", "", {EVENT: [path]}, {}, {}, {})
    said = [] if problem is None else [f"somebody needs of {EVENT} `{path}`, {problem}"]
    assert unmet(one, json.loads(_present())) == said


def test_a_need_of_something_that_is_gone_is_said() -> None:
    one = Consumer("somebody", "", {"assignment.never": []}, {"billing.never": []}, {"billing.lines": ["never"]}, {})
    assert unmet(one, json.loads(_present())) == [
        "somebody needs the event assignment.never, which there is not",
        "somebody calls billing.never, which there is not",
        "somebody needs of the answer of billing.lines `never`, which there is not",
    ]


def test_a_sample_that_does_not_fit_is_said_without_its_values() -> None:
    one = example()
    samples = deepcopy(dict(one.samples))
    samples["events"][1]["data"]["kind"] = "SECRET"
    samples["requests"][0]["body"]["secret"] = "SECRET"
    samples["answers"][0]["body"]["state"] = "SECRET"
    said = refused(replace(one, samples=samples))
    assert said == [
        "example-partner, events 2: kind",
        "example-partner, requests 1: secret",
        "example-partner, answers 1: state",
    ]


def test_every_event_name_of_a_need_is_one_of_the_contracts() -> None:
    assert all(name in EVENTS for one in load(CONSUMERS) for name in one.events)
