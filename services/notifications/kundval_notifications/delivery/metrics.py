"""What operations see of delivery at ``/metrics``. No label holds an id of a person or case."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from kundval_chassis.telemetry import REGISTRY

ATTEMPTS = Counter(
    "kundval_delivery_attempts", "Attempts to hand something over, by what came of them", ("channel", "outcome"),
    registry=REGISTRY,
)  # fmt: skip
SECONDS = Histogram(
    "kundval_delivery_seconds",
    "Time from the event that causes a notice until it is handed over",
    ("channel",),
    buckets=(1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600, 31 * 24 * 3600),
    registry=REGISTRY,
)
ROUTED = Counter(
    "kundval_messages_routed", "Messages about which it was decided what to do with them", ("decision",),
    registry=REGISTRY,
)  # fmt: skip
RECEIPTS = Counter(
    "kundval_delivery_receipts", "What other sides said of what was handed over; UNKNOWN: of something not known here",
    ("channel", "status"), registry=REGISTRY,
)  # fmt: skip
QUEUE = Gauge(
    "kundval_delivery_queue",
    "Messages that wait to be routed (channel ROUTING; why), dispatches that wait to be handed over",
    ("channel", "state"),
    registry=REGISTRY,
)
CIRCUITS = Gauge(
    "kundval_delivery_circuits_open", "Lanes of a channel on which nobody answers", ("channel",), registry=REGISTRY
)
