"""Metrics of a service process, in Prometheus' form at ``/metrics``. No label ever holds an id of a person or case.

Names are part of what operations rely on (dashboards, alarms); they are not renamed. What is counted here is of this
process. What is looked up in the database (`watch`, and the outbox) is the same in every instance of a service: take
the highest, never the sum.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client import ProcessCollector as _ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REGISTRY = CollectorRegistry()
_ProcessCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

RPC_SECONDS = Histogram(
    "kundval_rpc_seconds",
    "How long calls took in the service, by method and outcome (ok, replayed, or the error's kind)",
    ("method", "outcome"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
REMOTE_SECONDS = Histogram(
    "kundval_remote_seconds",
    "How long calls of another service took, as the caller sees it, by outcome (ok, failed, or the error's kind)",
    ("service", "method", "outcome"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
RPC_REPLIES_FAILED = Counter(
    "kundval_rpc_replies_failed", "Answers that could not be sent", ("service",), registry=REGISTRY
)
RPC_EXPIRED = Counter(
    "kundval_rpc_expired", "Requests not carried out because the caller had given up", ("service",), registry=REGISTRY
)
EVENTS_HANDLED = Counter("kundval_events_handled", "Events that took effect", ("service", "source"), registry=REGISTRY)
EVENTS_REPEATED = Counter(
    "kundval_events_repeated", "Events that had taken effect before", ("service", "source"), registry=REGISTRY
)
EVENTS_MASKED = Counter(
    "kundval_events_masked",
    "Masked copies of events about protected persons, passed over: the whole event comes on its own",
    ("service", "source"),
    registry=REGISTRY,
)
EVENTS_RETRIED = Counter(
    "kundval_events_retried", "Events sent to a later attempt", ("service", "step"), registry=REGISTRY
)
EVENTS_PARKED = Counter(
    "kundval_events_parked", "Events parked for a person to look at", ("service", "reason"), registry=REGISTRY
)
EVENT_BATCH_SECONDS = Histogram(
    "kundval_event_batch_seconds",
    "How long a batch of events took",
    ("service",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
EVENT_SECONDS = Summary(
    "kundval_event_seconds",
    "Seconds that events took to be handled, by event; of a batch each has its share",
    ("service", "event"),
    registry=REGISTRY,
)
EVENT_FAILURES = Counter(
    "kundval_event_failures",
    "Times that an event could not be handled, by event and what became of it (retried, parked)",
    ("service", "event", "outcome"),
    registry=REGISTRY,
)
EVENTS_WAITING = Gauge(
    "kundval_events_waiting",
    "Events that were taken from the broker and wait for a process of the service",
    ("service",),
    registry=REGISTRY,
)
EVENTS_PUBLISHED = Counter(
    "kundval_events_published", "Events that the broker has confirmed", ("service",), registry=REGISTRY
)
EVENTS_RETURNED = Counter("kundval_events_returned", "Events that no queue takes", ("service",), registry=REGISTRY)
OUTBOX_DEPTH = Gauge("kundval_outbox_depth", "Events written and not yet sent", ("service",), registry=REGISTRY)
OUTBOX_AGE = Gauge(
    "kundval_outbox_age_seconds", "Age of the oldest event not yet sent", ("service",), registry=REGISTRY
)
DB_CONNECTIONS = Gauge(
    "kundval_db_connections", "Connections of the pool, by state", ("service", "state"), registry=REGISTRY
)
DB_WAITING = Gauge(
    "kundval_db_waiting", "Requests that wait for a connection of the pool", ("service",), registry=REGISTRY
)
DB_REQUESTS = Counter(
    "kundval_db_requests",
    "Times that a connection of the pool was asked for: all, those that had to wait, those that got none",
    ("service", "outcome"),
    registry=REGISTRY,
)
DB_WAIT_SECONDS = Counter(
    "kundval_db_wait_seconds", "Seconds that requests waited for a connection of the pool", ("service",),
    registry=REGISTRY,
)
DB_LOST = Counter(
    "kundval_db_connections_lost", "Connections of the pool that were found dead", ("service",), registry=REGISTRY
)
WORKERS = Gauge(
    "kundval_workers", "Places for calls, by state (busy, free)", ("service", "state"), registry=REGISTRY
)
HUB_LAG = Histogram(
    "kundval_hub_lag_seconds",
    "How late a green thread wakes: what every call and event in this process waits besides its own work",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
    registry=REGISTRY,
)
HUB_WAITS = Gauge(
    "kundval_hub_waits", "Green threads that wait for a socket or a moment, by kind", ("kind",), registry=REGISTRY
)
THREADS = Gauge("kundval_process_threads", "Threads of the process, those of the system", registry=REGISTRY)
QUEUE_MESSAGES = Gauge(
    "kundval_queue_messages",
    "Messages that wait in a queue of the service: requests, events, retry (all delays together), parked",
    ("service", "queue"),
    registry=REGISTRY,
)
MIGRATIONS_MISSING = Gauge(
    "kundval_migrations_missing", "1 if the database lacks a migration of this version", ("service",),
    registry=REGISTRY,
)
BUSINESS_DATE = Gauge(
    "kundval_business_date_seconds",
    "Start (UTC) of the business date of the tenants, as Unix time: of the one furthest behind, furthest ahead",
    ("service", "which"),
    registry=REGISTRY,
)
TENANTS = Gauge("kundval_tenants", "Tenants that have a business date", ("service",), registry=REGISTRY)
CLOCK_OFFSET = Gauge(
    "kundval_clock_offset_seconds", "How far the clock of this machine is ahead of that of the database", ("service",),
    registry=REGISTRY,
)
CERTIFICATE_EXPIRES = Gauge(
    "kundval_certificate_expires_seconds",
    "Unix time at which a certificate ends (of several: the first), by whose it is",
    ("service", "what"),
    registry=REGISTRY,
)
BACKUP = Gauge(
    "kundval_backup_seconds", "Unix time of the last good backup, if the service is told; 0: there is none",
    ("service",), registry=REGISTRY,
)
LOOKED_AT = Gauge(
    "kundval_looked_at_seconds",
    "Unix time at which the service last managed to look at something",
    ("service", "what"),
    registry=REGISTRY,
)
SPANS = Counter("kundval_spans", "Spans of traces by outcome: sent, lost", ("outcome",), registry=REGISTRY)
PAGES = Counter("kundval_pages", "Answers to who asked for a page, by status", ("service", "status"), registry=REGISTRY)
GATE_REFUSALS = Counter(
    "kundval_gate_refusals",
    "Times that the purpose gate stayed shut, by kind of data, purpose and code",
    ("what", "purpose", "code"),
    registry=REGISTRY,
)
PARTNER_BEHIND = Gauge(
    "kundval_partner_behind",
    "Positions that a partner has not been told yet, by the way in which it is told",
    ("service", "partner", "way"),
    registry=REGISTRY,
)
PARTNER_PARKED = Gauge(
    "kundval_partner_parked",
    "Events that a partner could not be told and that were passed over",
    ("service", "partner", "way"),
    registry=REGISTRY,
)
PARTNER_ATTEMPTS = Counter(
    "kundval_partner_attempts",
    "Events that a partner was told, or attempts to, by outcome (TAKEN, AWAY, FAILED, UNWANTED)",
    ("service", "partner", "way", "outcome"),
    registry=REGISTRY,
)
READY = Gauge("kundval_ready", "1 if the service is ready", ("service",), registry=REGISTRY)
INFO = Gauge("kundval_info", "Always 1; the labels say which version runs", ("service", "version"), registry=REGISTRY)


def exposition() -> bytes:
    """All metrics as Prometheus reads them."""
    return generate_latest(REGISTRY)
