"""Metrics: their names are a promise, and no label can hold a person."""

from __future__ import annotations

from kundval_chassis import telemetry

LABELS = {"method", "outcome", "service", "source", "step", "reason", "state", "status", "version"}
# of the purpose gate and of partners, whose ids are the operator's own
LABELS |= {"what", "purpose", "code", "why", "kind", "partner", "way"}
# names of events and of queues of a service; which of the tenants
LABELS |= {"event", "queue", "which"}


def test_the_names_that_operations_rely_on_are_there() -> None:
    names = {metric.name for metric in telemetry.REGISTRY.collect()}
    assert {
        "kundval_rpc_seconds",
        "kundval_rpc_replies_failed",
        "kundval_rpc_expired",
        "kundval_events_handled",
        "kundval_events_repeated",
        "kundval_events_retried",
        "kundval_events_parked",
        "kundval_events_published",
        "kundval_events_returned",
        "kundval_outbox_depth",
        "kundval_outbox_age_seconds",
        "kundval_db_connections",
        "kundval_db_waiting",
        "kundval_ready",
        "kundval_info",
    } <= names


def test_no_metric_is_labelled_by_anything_but_parts_of_the_suite() -> None:
    for value in vars(telemetry).values():
        assert set(getattr(value, "_labelnames", ())) <= LABELS


def test_counts_show_in_the_exposition() -> None:
    telemetry.EVENTS_PARKED.labels("billing", "UNKNOWN_TYPE").inc()
    telemetry.RPC_SECONDS.labels("billing.lines", "ok").observe(0.004)
    text = telemetry.exposition().decode()
    assert 'kundval_events_parked_total{reason="UNKNOWN_TYPE",service="billing"} 1.0' in text
    assert 'kundval_rpc_seconds_bucket{le="0.005",method="billing.lines",outcome="ok"} 1.0' in text
