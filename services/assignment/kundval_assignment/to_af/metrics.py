"""What operations see at ``/metrics`` of messages to the employment service. No label holds an id of a case."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from kundval_chassis.telemetry import REGISTRY

ATTEMPTS = Counter(
    "kundval_af_attempts", "Attempts to hand a message to the employment service, by what came of them",
    ("kind", "outcome"), registry=REGISTRY,
)  # fmt: skip
QUEUE = Gauge(
    "kundval_af_queue", "Messages to the employment service, by where they stand", ("kind", "state"), registry=REGISTRY
)
AGE = Gauge("kundval_af_queue_age_seconds", "For how long the oldest message has waited to be sent", registry=REGISTRY)
CIRCUIT = Gauge("kundval_af_circuit_open", "1 while the employment service does not answer", registry=REGISTRY)
