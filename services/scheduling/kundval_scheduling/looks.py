"""What operations see of obligations at ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import Gauge

from kundval_chassis.db import Tx
from kundval_chassis.telemetry import REGISTRY
from kundval_chassis.watch import Look
from kundval_contracts.codes import ObligationKind

from . import store

OVERDUE = Gauge(
    "kundval_obligations_overdue", "Obligations that are overdue, of all tenants, by kind", ("kind",), registry=REGISTRY
)
#: seconds between two looks
EVERY = 60.0


def looks(settings: Mapping[str, Any]) -> Iterable[Look]:
    """What scheduling has looked at."""
    return (Look("obligations", EVERY, see_overdue),)


def see_overdue(tx: Tx) -> None:
    """Count what is overdue."""
    found = store.overdue(tx)
    for kind in ObligationKind:
        OVERDUE.labels(kind.value).set(found.get(kind.value, 0))
