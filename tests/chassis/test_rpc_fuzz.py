"""Rubbish on the wire: whatever bytes, headers and properties come to a service's queue, each gets a typed answer.

Wrong values in well-formed requests are the business of `tests/assignment/test_hostile_requests.py`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import amqp
import kombu
import psutil
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kundval_contracts.errors import KINDS

from .probing import TENANT, Probe, probing

#: what may come of rubbish; INTERNAL_ERROR and a silence may not
REFUSALS = {"INVALID_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "UNKNOWN_METHOD", "FACT_REFUSED", "CONFLICT"}
SAID = "Anna Hemlig"
#: megabytes that the service may have grown by at the end
GROWTH = 200


class Wire:
    """A raw way to the probe: any bytes, any headers."""

    def __init__(self, probe: Probe):
        self.probe = probe
        self.token = probe.token(purpose="test")
        self._connection = kombu.Connection(probe.amqp_uri)
        self._channel = self._connection.default_channel
        self._answers: dict[str, dict[str, Any]] = {}
        self._reply_to = str(uuid.uuid4())
        queue = self._channel.queue_declare("", exclusive=True, auto_delete=True).queue
        self._channel.queue_bind(queue, "nameko-rpc", self._reply_to)
        self._channel.basic_consume(queue, no_ack=True, callback=self._take)
        #: rows that must be there in the end
        self.added = 0

    def close(self) -> None:
        self._connection.release()

    def send(self, key: str, body: bytes, headers: dict[str, Any], **properties: Any) -> dict[str, Any]:
        """The answer to a message; fails if there is none."""
        number = uuid.uuid4().hex
        given = {name: value for name, value in properties.items() if value is not None}
        message = amqp.Message(
            body, application_headers=headers, reply_to=self._reply_to, correlation_id=number, **given
        )
        self._channel.basic_publish(message, "nameko-rpc", key)
        until = time.monotonic() + 20
        while number not in self._answers:
            assert time.monotonic() < until, f"no answer to {key} {body[:100]!r} {headers!r} {properties!r}"
            self._connection.drain_events(timeout=20)
        return self._answers.pop(number)

    def _take(self, message: Any) -> None:
        self._answers[message.properties["correlation_id"]] = json.loads(message.body)


@pytest.fixture(scope="module")
def probe(vhost: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    yield from probing(vhost, database, tmp_path_factory.mktemp("probe"))


@pytest.fixture(scope="module")
def wire(probe: Probe) -> Iterator[Wire]:
    one = Wire(probe)
    yield one
    one.close()


def envelope(kwargs: Any, args: Any = ()) -> bytes:
    return json.dumps({"args": list(args), "kwargs": kwargs}).encode()


GOOD = {"tenant": TENANT, "amount": "1.00"}
DEEP = b"[" * 50_000 + b"]" * 50_000
#: bodies that are JSON, or nearly, and no request
CRAFTED = (
    b"", b"null", b"{}", b"[]", b'"text"', b"\xff\xfe\x00", b"{", b"\xef\xbb\xbf{}",
    DEEP,
    b'{"args": [], "kwargs": {"tenant": ' + b"[" * 400 + b"]" * 400 + b"}}",
    b'{"args": [], "kwargs": {"text": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}",
    b'{"args": [], "kwargs": {"tenant": "nacka", "amount": ' + b"9" * 6000 + b"}}",
    b'{"args": [], "kwargs": {"tenant": "nacka", "amount": NaN}}',
    b'{"args": [], "kwargs": {"tenant": "nacka", "amount": 1e400}}',
    b'{"args": [], "kwargs": {"tenant": "nacka", "amount": "1e400"}}',
    b'{"args": [], "kwargs": {"tenant": "nacka", "amount": "NaN"}}',
    b'{"args": [], "kwargs": {"text": "\\ud800"}}',
    b'{"args": [], "kwargs": {"\\ud800": 1}}',
    b'{"args": [], "kwargs": {"tenant": "\\u0000", "amount": "1.00"}}',
    b'{"args": {}, "kwargs": {}}', b'{"args": [], "kwargs": []}', b'{"args": null, "kwargs": null}',
    b'{"args": ["nacka", "1.00"], "kwargs": {}}',
    b'{"args": [], "kwargs": {"self": 1, "tx": 1, "request": 1, "caller": {"role": "SYSTEM"}}}',
    envelope({SAID: SAID}),
    b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.one_of(
    st.sampled_from(CRAFTED),
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(["tenant", "amount", "text", "sleep", "x"]), JSON, max_size=4).map(envelope),
    st.just(envelope(GOOD)),
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**31), 2**31), st.text(max_size=300), st.binary(max_size=20),
    st.lists(st.integers(0, 9), max_size=3), st.dictionaries(st.just("a"), st.integers(0, 9), max_size=1),
)  # fmt: skip
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "nameko.idempotency_key": VALUES,
        "nameko.correlation_id": VALUES,
        "nameko.traceparent": VALUES,
        "nameko.auth_token": VALUES,
        "auth_token": VALUES,
        "other": VALUES,
    },
)
KINDS_OF_TEXT = st.sampled_from(
    ["application/json", "application/json", "application/x-python-serialize", "application/x-yaml", "text/plain",
     "application/octet-stream", "application/data", "rubbish", None]
)  # fmt: skip
ENCODINGS = st.sampled_from(["utf-8", "utf-8", "binary", "utf-16", "latin-1", "rubbish", None])
METHODS = st.sampled_from(
    ["probe.add", "probe.add", "probe.ask", "probe.echo", "probe.tell", "probe.nothing", "probe.__init__", "probe.db",
     "probe.", "probe.å"]
)  # fmt: skip


@given(METHODS, BODIES, HEADERS, KINDS_OF_TEXT, ENCODINGS, st.booleans())
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@example("probe.add", envelope(GOOD), {"nameko.idempotency_key": "one"}, "application/json", "utf-8", True)
def test_whatever_comes_gets_a_typed_answer_and_leaves_nothing_half_written(
    wire: Wire,
    key: str,
    body: bytes,
    headers: dict[str, Any],
    content_type: str | None,
    content_encoding: str | None,
    known: bool,
) -> None:
    if known:
        headers = {**headers, "nameko.auth_token": wire.token}
    try:
        answer = wire.send(key, body, headers, content_type=content_type, content_encoding=content_encoding)
    finally:
        assert wire.probe.process is not None and wire.probe.process.poll() is None
    if answer["error"] is None:
        assert known
        wire.added = max(wire.added, rows(wire.probe))
    else:
        error = answer["error"]["exc_args"][0]
        assert error["kind"] in REFUSALS <= set(KINDS)
        # what is refused has written nothing
        assert rows(wire.probe) == wire.added


def test_each_crafted_body_is_invalid_and_not_a_fault_of_the_service(wire: Wire) -> None:
    headers = {"nameko.auth_token": wire.token, "nameko.idempotency_key": "key"}
    wrong = {
        (key, body[:60]): answer
        for body in CRAFTED
        for key in ("probe.add", "probe.echo")
        if not (answer := wire.send(key, body, headers, content_type="application/json", content_encoding="utf-8"))[
            "error"
        ]
        or answer["error"]["exc_args"][0]["kind"] != "INVALID_REQUEST"
    }
    assert not wrong


def test_at_the_end_the_service_is_as_it_was(wire: Wire) -> None:
    process = psutil.Process(wire.probe.process.pid)  # type: ignore[union-attr]
    before = process.memory_info().rss
    large = (b"[" * (10 * 2**20), b'"' + b"x" * (12 * 2**20) + b'"', envelope({"text": ["x"] * 2_000_000}))
    for body in large * 2:
        answer = wire.send("probe.echo", body, {"nameko.auth_token": wire.token}, content_type="application/json",
                           content_encoding="utf-8")  # fmt: skip
        assert answer["error"]["exc_args"][0]["kind"] == "INVALID_REQUEST"
    assert (process.memory_info().rss - before) / 2**20 < GROWTH
    assert wire.probe.ready()
    with wire.probe.client() as client:
        assert client.call("probe.echo", text="still here") == {"text": "still here"}
    assert not wire.probe.logged("rpc_failed")
    log = wire.probe.log.read_text()
    assert "Traceback" not in log and SAID not in log


def rows(probe: Probe) -> int:
    with psycopg.connect(probe.database) as connection:
        found = connection.execute("SELECT count(*) FROM added").fetchone()
    assert found is not None
    return int(found[0])
