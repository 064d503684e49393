"""SQL of finding times. No rules here."""

from __future__ import annotations

from kundval_chassis.db import Tx


def restricted(tx: Tx, tenant: str, assignment: str) -> bool:
    """Whether the whereabouts of the person are not to be told."""
    row = tx.one(
        "SELECT FROM restricted_subject WHERE tenant = %s AND subject = %s AND restricted", (tenant, assignment)
    )
    return row is not None
