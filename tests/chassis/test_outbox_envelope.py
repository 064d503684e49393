"""The envelope: read strictly, every fault named by its attribute, no value ever quoted."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kundval_contracts.envelope import BadEvent, Event, dump_data

EVENT = Event(
    id="01890a5d-ac96-774b-bcce-b302099a8057",
    name="assignment.exited",
    version=1,
    subject="A-001",
    tenant="nacka",
    time=datetime(2024, 6, 20, 9, 30, 0, 123456, tzinfo=UTC),
    sequence=4711,
    data={"kind": "WORK_FULL_TIME", "note": "å ü"},
    correlation_id="c-1",
    traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
)


def changed(**changes: Any) -> str:
    raw = json.loads(EVENT.to_json())
    for name, value in changes.items():
        if value is ...:
            raw.pop(name)
        else:
            raw[name] = value
    return json.dumps(raw)


def test_an_event_travels_as_the_architecture_says() -> None:
    assert json.loads(EVENT.to_json()) == {
        "specversion": "1.0",
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "source": "/kundval/assignment",
        "type": "se.kundval.assignment.exited.v1",
        "subject": "A-001",
        "time": "2024-06-20T09:30:00.123456Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:kundval:event:assignment.exited:v1",
        "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "sequence": "4711",
        "tenant": "nacka",
        "correlationid": "c-1",
        "data": {"kind": "WORK_FULL_TIME", "note": "å ü"},
    }


@pytest.mark.parametrize("form", [str, str.encode, lambda text: bytearray(text.encode())])
def test_an_event_is_read_back_the_same(form: Any) -> None:
    assert Event.from_json(form(EVENT.to_json())) == EVENT


def test_correlation_and_trace_may_be_absent_and_unknown_attributes_are_ignored() -> None:
    read = Event.from_json(changed(traceparent=..., correlationid=..., newattribute="x"))
    assert (read.correlation_id, read.traceparent) == (None, None)
    assert Event.from_json(read.to_json()) == read


def test_an_instant_with_another_offset_is_read_in_utc() -> None:
    read = Event.from_json(changed(time="2024-06-20T11:30:00.123456+02:00"))
    assert read.time == EVENT.time and read.time.utcoffset() == timedelta(0)
    elsewhere = Event(**{**_fields(EVENT), "time": EVENT.time.astimezone(timezone(timedelta(hours=2)))})
    assert elsewhere.to_json() == EVENT.to_json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("specversion", "0.3"),
        ("specversion", 1.0),
        ("id", ""),
        ("id", "01890A5D-AC96-774B-BCCE-B302099A8057"),
        ("id", None),
        ("source", "/kundval/billing"),
        ("source", "assignment"),
        ("type", "se.kundval.exited.v1"),
        ("type", "se.kundval.assignment.exited.v0"),
        ("type", "se.kundval.assignment.exited"),
        ("type", "com.example.assignment.exited.v1"),
        ("subject", "Anna Andersson"),
        ("subject", ""),
        ("subject", 7),
        ("tenant", ...),
        ("tenant", "a\nb"),
        ("time", "2024-06-20"),
        ("time", "2024-06-20T09:30:00"),
        ("time", "2024-13-20T09:30:00Z"),
        ("time", 1718875800),
        ("datacontenttype", "text/plain"),
        ("dataschema", "urn:kundval:event:assignment.exited:v2"),
        ("sequence", 4711),
        ("sequence", "-1"),
        ("sequence", "٣"),
        ("sequence", "1" * 30),
        ("traceparent", "00-xyz"),
        ("correlationid", "with space"),
        ("data", "text"),
        ("data", None),
        ("data", ["list"]),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(field: str, value: Any) -> None:
    with pytest.raises(BadEvent) as refused:
        Event.from_json(changed(**{field: value}))
    assert refused.value.field == field
    if isinstance(value, str) and len(value) > 3:
        assert value not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '"text"', "{", b"\xff\xfe", "[" * 100_000, '{"data": NaN}', '{"data": Infinity}']
)
def test_rubbish_is_refused_as_a_whole(text: str | bytes) -> None:
    with pytest.raises(BadEvent) as refused:
        Event.from_json(text)
    assert refused.value.field == ""


@pytest.mark.parametrize("value", [float("nan"), datetime.now(UTC), {1, 2}, b"bytes"])
def test_only_json_primitives_can_be_dumped(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        dump_data({"value": value})


def test_the_envelope_needs_neither_kombu_nor_eventlet_nor_a_database_driver() -> None:
    program = (
        "import sys, kundval_contracts.envelope;"
        "print([m for m in ('kombu', 'nameko', 'eventlet', 'psycopg', 'amqp', 'marshmallow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"


def _fields(given: Event) -> dict[str, Any]:
    return {name: getattr(given, name) for name in Event.__slots__}
