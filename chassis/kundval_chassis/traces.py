"""Traces: the way of one call or event through all services, told to an OpenTelemetry collector (OTLP over HTTP).

Off unless ``KUNDVAL_TRACES`` names a collector; then every function here costs one comparison, and nothing of
OpenTelemetry is imported. The ids travel either way: `context.traceparent` is the work in hand, and an event keeps the
one under which it was made.

What a trace consists of, each below the one that caused it:

| Span | |
| --- | --- |
| ``POST /v1/<service>/<method>`` | a call over HTTP, in the gateway |
| ``<service>.<method>`` | a call in its service; ``call <method>`` where a service calls another |
| ``transaction`` | of the database, as a whole |
| ``create <event>`` | an event was written, with its change |
| ``send <event>`` | from then until the broker had confirmed it: the time in the outbox |
| ``process <event>`` | it was handled, in each service that takes it in; several at once are linked to their batch, |
| ``process <queue>`` | which is a trace of its own unless all of them belong to one |

A trace is kept or not as its beginning was: a share of those that begin here (``KUNDVAL_TRACES_RATIO``), all of those
that a caller has begun and keeps. A collector that is away holds up nothing: what does not fit into a queue of bounded
length is lost, and counted. Names are those of the contracts, attributes those of `ATTRIBUTES` and of nothing else; no
text of an exception ever becomes part of a span.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kundval_contracts.envelope import Event

from . import context, logs, telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

log = logs.get(__name__)

#: The attributes that a span may have. None of them can hold an id of a person or case, or a text.
ATTRIBUTES = frozenset(
    {
        "db.system.name", "error.type", "http.request.method", "http.response.status_code", "kundval.code",
        "kundval.outcome", "kundval.readonly", "kundval.role", "messaging.batch.message_count",
        "messaging.destination.name", "messaging.operation.name", "messaging.system", "rpc.method", "rpc.system.name",
    }
)  # fmt: skip
#: events of a batch to which its span is linked, and spans that wait to be sent
LINKS, WAITING, AT_ONCE = 128, 2048, 256
#: seconds after which spans are sent, that one attempt may take, and that the last ones get at the end
EVERY, PATIENCE, LAST = 2.0, 5.0, 2.0

_WORD = re.compile(r"[\w.:@/+-]{1,200}", re.ASCII)


class Piece:
    """A piece of work. This one stands for all that are not traced."""

    #: what its parts, and what it causes, continue; None if it is not traced
    traceparent: str | None = None

    def note(self, **attributes: Any) -> None:
        """Say something more about it; underscores in names stand for dots."""

    def fail(self, kind: str) -> None:
        """It came to nothing: `kind` is the name of an exception or a code."""


#: for a `with` block of work that is not traced
untraced: AbstractContextManager[Piece] = nullcontext(Piece())


class _Span(Piece):
    def __init__(self, span: Any):
        self.span = span
        self.traceparent = _written(span)

    def note(self, **attributes: Any) -> None:
        for name, value in allowed(attributes).items():
            self.span.set_attribute(name, value)

    def fail(self, kind: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self.note(error_type=kind)
        self.span.set_status(Status(StatusCode.ERROR))


_tracer: Any = None
_provider: Any = None


def configure(settings: Mapping[str, Any], service: str, version: str) -> None:
    """Send traces from now on if the settings say where to. `service` and `version` name this process."""
    address: str | None = settings["TRACES"]
    if address is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    # what it says of a collector that is away is counted and told once, by us
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    authority: Path | None = settings["TLS_AUTHORITY"]
    url = address if address.endswith("/v1/traces") else f"{address.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(url, certificate_file=str(authority) if authority else None, timeout=PATIENCE)
    begin(exporter, service, version, settings["TRACES_RATIO"])


def begin(exporter: SpanExporter, service: str, version: str, ratio: float) -> None:
    """Send spans with `exporter`; `ratio` is the share of traces that begin here and are kept."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    global _tracer, _provider
    resource = Resource.create(
        {"service.namespace": "kundval", "service.name": f"kundval-{service}", "service.version": version}
    )
    _provider = TracerProvider(
        resource=resource, sampler=ParentBased(TraceIdRatioBased(ratio)), shutdown_on_exit=False
    )
    _provider.add_span_processor(
        BatchSpanProcessor(
            _counting(exporter),
            max_queue_size=WAITING,
            max_export_batch_size=AT_ONCE,
            schedule_delay_millis=EVERY * 1000,
        )
    )
    _tracer = _provider.get_tracer("kundval")
    bound = round(ratio * 2**64)
    context.sampled = lambda trace_id: int(trace_id[16:], 16) < bound


def end() -> None:
    """Send what is left, as long as that takes at most `LAST` seconds. Never raises."""
    global _tracer, _provider
    provider, _provider, _tracer = _provider, None, None
    context.sampled = context.always
    if provider is not None:
        try:
            for processor in provider._active_span_processor._span_processors:
                processor._batch_processor.shutdown(timeout_millis=int(LAST * 1000))
        except Exception as error:
            log.warning("traces_not_ended", error=type(error).__name__)


def work(name: str, kind: str, parent: str | None, **attributes: Any) -> AbstractContextManager[Piece]:
    """A piece of work that came from outside with the traceparent `parent`, or began here (None)."""
    return untraced if _tracer is None else _running(name, kind, parent, (), attributes)


def part(name: str, kind: str = "INTERNAL", **attributes: Any) -> AbstractContextManager[Piece]:
    """A part of the work in hand, if that is traced."""
    if _tracer is None or not _kept(parent := context.traceparent.get()):
        return untraced
    return _running(name, kind, parent, (), attributes)


def created(name: str, cause: str | None) -> str | None:
    """The traceparent of an event that is made now because of `cause`; None if that is not traced."""
    if _tracer is None or not _kept(cause):
        return None
    span = _begun(f"create {name}", "PRODUCER", cause, (), {"messaging_operation_name": "create"})
    span.end()
    return _written(span)


def sent(rows: Iterable[Mapping[str, Any]]) -> None:
    """The broker has confirmed these events: rows with `name`, `traceparent` and `occurred_at` (aware)."""
    if _tracer is None:
        return
    for row in rows:
        if _kept(row["traceparent"]):
            attributes = {"messaging_operation_name": "send", "messaging_system": "rabbitmq"}
            written: datetime = row["occurred_at"]
            since = int(written.timestamp() * 1e9)
            _begun(f"send {row['name']}", "PRODUCER", row["traceparent"], (), attributes, since).end()


class Handling:
    """A batch of events that is being handled. This one stands for a batch that is not traced."""

    traceparent: str | None = None

    def cause(self, event: Event) -> Event:
        """The event as the cause of others: with the traceparent of its handling."""
        return event


_UNTRACED: AbstractContextManager[Handling] = nullcontext(Handling())


class _Batch(Handling):
    def __init__(self, traceparent: str | None, of: Mapping[str, str | None]):
        self.traceparent = traceparent
        self._of = of

    def cause(self, event: Event) -> Event:
        own = self._of.get(event.id)
        return event if own is None else replace(event, traceparent=own)


def handling(queue: str, events: Sequence[Event]) -> AbstractContextManager[Handling]:
    """These events of a queue are handled now, together."""
    return _UNTRACED if _tracer is None or not events else _handled(queue, events)


@contextmanager
def _handled(queue: str, events: Sequence[Event]) -> Iterator[Handling]:
    of: dict[str, str | None] = {}
    spans: list[Any] = []
    links: tuple[str, ...] = ()
    said = {"messaging_system": "rabbitmq", "messaging_operation_name": "process"}
    where = said | {"messaging_destination_name": queue}
    if len(events) == 1:
        name, parent = f"process {events[0].name}", events[0].traceparent
    else:
        kept = {event.traceparent for event in events if _kept(event.traceparent)}
        traces = {one[3:35] for one in kept if one}
        name, parent, links = f"process {queue}", None, tuple(sorted(filter(None, kept)))
        where["messaging_batch_message_count"] = str(len(events))
        if len(traces) == 1 and len({event.traceparent and event.traceparent[3:35] for event in events}) == 1:
            parent, links = events[0].traceparent, links[1:]
    with _running(name, "CONSUMER", parent, links, where) as batch:
        if len(events) == 1:
            of[events[0].id] = batch.traceparent
        else:
            for event in events:
                if _kept(event.traceparent):
                    linked = (batch.traceparent,) if batch.traceparent else ()
                    span = _begun(f"process {event.name}", "CONSUMER", event.traceparent, linked, said)
                    of[event.id] = _written(span)
                    spans.append(span)
        before = context.traceparent.set(batch.traceparent)
        try:
            yield _Batch(batch.traceparent, of)
        finally:
            context.traceparent.reset(before)
            for span in spans:
                span.end()


@contextmanager
def _running(
    name: str, kind: str, parent: str | None, links: Sequence[str], attributes: Mapping[str, Any]
) -> Iterator[Piece]:
    piece = _Span(_begun(name, kind, parent, links, attributes))
    try:
        yield piece
    except BaseException as error:
        piece.fail(type(error).__name__)
        raise
    finally:
        piece.span.end()


def _begun(
    name: str,
    kind: str,
    parent: str | None,
    links: Sequence[str],
    attributes: Mapping[str, Any],
    since: int | None = None,
) -> Any:
    from opentelemetry import trace
    from opentelemetry.context import Context

    above = trace.set_span_in_context(trace.NonRecordingSpan(_read(parent)), Context()) if parent else Context()
    return _tracer.start_span(
        name,
        above,
        trace.SpanKind[kind],
        allowed(attributes),
        [trace.Link(_read(link)) for link in links[:LINKS]],
        since,
        record_exception=False,
    )


def allowed(attributes: Mapping[str, Any]) -> dict[str, str | int | bool]:
    """Those that a span may have: names of `ATTRIBUTES` (underscores for dots), values that are numbers or words."""
    found: dict[str, str | int | bool] = {}
    for name, value in attributes.items():
        dotted = _NAMES.get(name)
        if dotted is not None and (isinstance(value, int) or (isinstance(value, str) and _WORD.fullmatch(value))):
            found[dotted] = value
    return found


_NAMES = {one.replace(".", "_"): one for one in ATTRIBUTES}


def _kept(traceparent: str | None) -> bool:
    """Whether whoever began the trace keeps it."""
    return traceparent is not None and traceparent[-1] in "13579bdf"


def _read(traceparent: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    ids = int(traceparent[3:35], 16), int(traceparent[36:52], 16)
    return SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(int(traceparent[53:55], 16)))


def _written(span: Any) -> str:
    of = span.get_span_context()
    return f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags & 1:02x}"


def _counting(exporter: SpanExporter) -> SpanExporter:
    """`exporter`, whose losses are counted, and told of when they begin and end."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Counting(SpanExporter):
        well = True

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = exporter.export(spans)
            well = result is SpanExportResult.SUCCESS
            telemetry.SPANS.labels("sent" if well else "lost").inc(len(spans))
            if well != self.well:
                self.well = well
                log.warning("traces_lost") if not well else log.info("traces_sent_again")
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Counting()
