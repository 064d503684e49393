"""What assignment tells of evidence: billing never sees a document, only that two assignments have the same one."""

from __future__ import annotations

from collections.abc import Iterable

from kundval_chassis.db import Tx
from kundval_contracts.envelope import Event

from . import store

NEWS = "assignment.evidence_reused"


def take(tx: Tx, events: Iterable[Event]) -> None:
    """Keep the pairs that these events tell of, both ways round; told again they are no news."""
    pairs = [
        (event.tenant, *ends, event.data["on"])
        for event in events
        if event.name == NEWS
        for other in event.data["others"]
        for ends in ((event.data["assignment"], other), (other, event.data["assignment"]))
    ]
    store.add_reuses(tx, pairs)
