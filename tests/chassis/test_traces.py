"""Traces: nothing without a collector, nothing personal with one, and no harm from one that is away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from kundval_chassis import context, telemetry, traces
from kundval_contracts.envelope import Event

KEPT = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
NOT_KEPT = KEPT[:-1] + "0"


class Kept:
    """An exporter that keeps spans, or loses them."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.away = False

    def export(self, spans: Any) -> Any:
        from opentelemetry.sdk.trace.export import SpanExportResult

        if self.away:
            return SpanExportResult.FAILURE
        self.spans += spans
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


@pytest.fixture
def kept() -> Iterator[Kept]:
    exporter = Kept()
    traces.begin(exporter, "probe", "0", 0.0)  # type: ignore[arg-type]
    yield exporter
    traces.end()


def event(number: int, traceparent: str | None) -> Event:
    return Event(
        id=str(number), name="assignment.exited", version=1, subject=f"A-{number}", tenant="nacka",
        time=datetime(2024, 3, 1, tzinfo=UTC), sequence=number, data={}, traceparent=traceparent,
    )  # fmt: skip


def spans(kept: Kept) -> dict[str, list[Any]]:
    traces.end()
    found: dict[str, list[Any]] = {}
    for span in kept.spans:
        found.setdefault(span.name, []).append(span)
    return found


def test_without_a_collector_nothing_of_opentelemetry_is_imported() -> None:
    program = (
        "import sys\n"
        "from kundval_chassis import runner, traces\n"
        "traces.configure({'TRACES': None}, 'probe', '0')\n"
        "with traces.work('a.b', 'SERVER', None) as piece:\n"
        "    piece.note(kundval_outcome='ok')\n"
        "print(piece.traceparent, [one for one in sys.modules if one.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "None []"


def test_without_a_collector_a_trace_goes_on_by_its_ids() -> None:
    with context.working(trace=KEPT, at=None):
        found = context.traceparent.get()
    assert found is not None and found[:36] == KEPT[:36] and found != KEPT
    assert traces.created("assignment.exited", KEPT) is None


def test_a_call_that_its_caller_keeps_is_kept_and_another_is_not(kept: Kept) -> None:
    with traces.work("billing.lines", "SERVER", KEPT, rpc_method="billing.lines") as piece:
        piece.note(kundval_outcome="ok", kundval_role="SYSTEM")
    with traces.work("billing.totals", "SERVER", NOT_KEPT) as other:
        assert other.traceparent is not None
        assert (other.traceparent[:36], other.traceparent[-3:]) == (NOT_KEPT[:36], "-00")
    with traces.work("billing.explain", "SERVER", None) as own:
        assert own.traceparent is not None and own.traceparent.endswith("-00")
    [[span]] = spans(kept).values()
    assert (span.name, f"{span.parent.span_id:x}") == ("billing.lines", "2" * 16)
    assert dict(span.attributes) == {"rpc.method": "billing.lines", "kundval.outcome": "ok", "kundval.role": "SYSTEM"}


def test_the_text_of_an_exception_is_in_no_span(kept: Kept) -> None:
    with pytest.raises(RuntimeError), traces.work("billing.lines", "SERVER", KEPT):
        raise RuntimeError("Anna Andersson, 19900517-1234")
    [[span]] = spans(kept).values()
    assert not span.status.is_ok and span.status.description is None and not span.events
    assert dict(span.attributes) == {"error.type": "RuntimeError"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("assignment", "A-1"),
        ("tenant", "nacka"),
        ("kundval_code", "Anna Andersson"),
        ("kundval_outcome", "x" * 201),
        ("kundval_outcome", {"name": "Anna"}),
        ("rpc_method", None),
    ],
)
def test_an_attribute_that_is_not_allowed_is_left_out(name: str, value: object) -> None:
    assert traces.allowed({name: value}) == {}


def test_events_of_one_batch_stay_in_their_own_traces_and_are_linked(kept: Kept) -> None:
    other = KEPT.replace("1" * 32, "3" * 32)
    events = [event(1, KEPT), event(2, other), event(3, NOT_KEPT), event(4, None)]
    with traces.handling("billing.events-in", events) as batch:
        causes = [batch.cause(one).traceparent for one in events]
        made = traces.created("billing.posted", causes[0])
    assert causes[2:] == [NOT_KEPT, None] and made is not None
    assert [one and one[3:35] for one in causes[:2]] == ["1" * 32, "3" * 32]
    found = spans(kept)
    first, second = found["process assignment.exited"]
    assert {first.context.trace_id, second.context.trace_id} == {int("1" * 32, 16), int("3" * 32, 16)}
    [published] = found["create billing.posted"]
    assert published.parent.span_id == int((causes[0] or "")[36:52], 16)
    assert first.links and first.links[0].context.trace_id not in (int("1" * 32, 16), int("3" * 32, 16))


def test_an_event_alone_is_handled_in_its_trace_with_its_transaction(kept: Kept) -> None:
    with traces.handling("billing.events-in", [event(1, KEPT)]) as batch, traces.part("transaction", "CLIENT") as part:
        assert part.traceparent is not None and batch.cause(event(1, KEPT)).traceparent == batch.traceparent
    assert context.traceparent.get() is None
    found = spans(kept)
    assert found["transaction"][0].parent.span_id == found["process assignment.exited"][0].context.span_id


def test_the_time_in_the_outbox_is_seen(kept: Kept) -> None:
    written = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
    row = {"name": "billing.posted", "occurred_at": written}
    traces.sent([{**row, "traceparent": traceparent} for traceparent in (KEPT, NOT_KEPT, None)])
    [[span]] = spans(kept).values()
    assert span.name == "send billing.posted" and span.start_time == int(written.timestamp()) * 10**9 < span.end_time


def test_what_a_collector_does_not_take_is_lost_counted_and_bounded(kept: Kept) -> None:
    kept.away = True
    before = telemetry.SPANS.labels("lost")._value.get()
    for _ in range(traces.WAITING + 500):
        assert traces.created("billing.posted", KEPT)
    traces.end()
    lost = telemetry.SPANS.labels("lost")._value.get() - before
    assert traces.AT_ONCE <= lost <= traces.WAITING + 500 and not kept.spans


def test_a_share_of_what_begins_here_is_kept_and_the_ids_say_so() -> None:
    exporter = Kept()
    traces.begin(exporter, "probe", "0", 0.5)  # type: ignore[arg-type]
    try:
        begun = [context.new_traceparent() for _ in range(400)]
        assert 100 < sum(one.endswith("-01") for one in begun) < 300
        for one in begun:
            with traces.work("billing.lines", "SERVER", one):
                pass
    finally:
        traces.end()
    assert len(exporter.spans) == sum(one.endswith("-01") for one in begun)
    assert context.new_traceparent().endswith("-01")
