"""One call that causes events in several services is one trace, and says nothing about anybody."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kundval_contracts.client import Client

from ..acceptance.builders import assignment
from ..conftest import Servers
from ..suite import Suite, Town, eventually, running
from .collector import Collector, Span, collecting


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def traced(servers: Servers, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    settings = {"KUNDVAL_TRACES": collector.address, "KUNDVAL_TRACES_RATIO": "0"}
    folder = tmp_path_factory.mktemp("traced")
    with running(servers, folder, "assignment", "scheduling", "notifications", settings=settings) as suite:
        yield suite


@contextmanager
def client_of(suite: Suite) -> Iterator[Client]:
    with suite.client() as made:
        yield made


def test_a_call_that_causes_events_in_three_services_is_one_trace(traced: Suite, collector: Collector) -> None:
    trace, outside = secrets.token_hex(16), secrets.token_hex(8)
    case = assignment("AMI_1", "2024-03-15", name="secret-case", started="2024-03-20")
    with client_of(traced) as client:
        town = Town(client)
        client.call("assignment.open_day", tenant=town.name, date="2024-04-15")
        town.register(case)
        rows = town.rows("secret-case", case["facts"])
        assert not collector.spans, "nothing is kept of what nobody asked to keep, with a share of none"
        client.call(
            "assignment.record_facts", tenant=town.name, facts=rows, traceparent=f"00-{trace}-{outside}-01"
        )
        eventually(lambda: _in(collector.of(trace), "notifications", "process scheduling."))
        eventually(lambda: _whole(collector.of(trace), outside))
    spans = collector.of(trace)
    assert {span.trace for span in collector.spans} == {trace}
    assert {span.service for span in spans} == {"kundval-assignment", "kundval-scheduling", "kundval-notifications"}
    by_id = {span.id: span for span in spans}
    [call] = [span for span in spans if span.parent == outside]
    assert (call.service, call.name, call.kind) == ("kundval-assignment", "assignment.record_facts", "SERVER")
    assert call.attributes["kundval.outcome"] == "ok" and not call.failed

    def above(span: Span) -> Span:
        return by_id[span.parent]

    for span in spans:
        if span.name.startswith("create assignment."):
            assert above(span) is call
        elif span.name.startswith("create "):
            assert above(span).name.startswith("process ") and above(span).service == span.service
        elif span.name.startswith("send "):
            assert above(span).name == f"create {span.name.removeprefix('send ')}"
            assert above(span).service == span.service
        elif span.name.startswith("process ") and not span.name.endswith("events-in"):
            assert above(span).name == f"create {span.name.removeprefix('process ')}"
            assert above(span).service != span.service
        elif span.name == "transaction":
            assert above(span) is call or above(span).kind == "CONSUMER"
    assert above(above(_in(spans, "notifications", "process scheduling."))).service == "kundval-scheduling"


def test_no_span_says_whose_it_is(traced: Suite, collector: Collector) -> None:
    assert len(collector.bodies) > 1
    text = b"".join(collector.bodies)
    for word in (b"secret-case", b"town-", b"1990", b"alfa"):
        assert word not in text


def _in(spans: list[Span], service: str, start: str) -> Span | None:
    return next((one for one in spans if one.service.endswith(service) and one.name.startswith(start)), None)


def _whole(spans: list[Span], outside: str) -> bool:
    """Whether the span above each has come too."""
    known = {span.id for span in spans} | {outside}
    return {span.parent for span in spans} <= known
