"""What every service says about itself, and what it has of its own: `Dependency`.

A class attribute of a service that is a `Dependency` is set up with its container; each method gets what its
`get_dependency` gives. It is nameko's, under a name by which a service need not know nameko.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from nameko.extensions import DependencyProvider as Dependency

from . import migrate
from .consume import queue_of
from .db import Tx

__all__ = ["STARTED_AT", "Dependency", "info"]

STARTED_AT = datetime.now(UTC)


def info(tx: Tx, service: str) -> dict[str, Any]:
    """The answer of `<service>.info`: version, latest migration, outbox depth, own queues, start."""
    queue = queue_of(service)
    latest = next(reversed(migrate.applied(tx.conn)), None)
    return {
        "service": service,
        "version": version(f"kundval-{service}"),
        "migration": f"{latest.part}/{latest.name}" if latest else None,
        "outbox": tx.value("SELECT count(*) FROM outbox"),
        "queues": [f"rpc-{service}", queue, f"{queue}.parked"],
        "started_at": STARTED_AT,
    }
