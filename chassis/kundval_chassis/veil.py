"""What the services that know assignments only show of protected persons: `Shield.PAYERS`.

They know of whom whereabouts are restricted (`outbox.heed`), and nothing of readers. So the provider of a protected
person is shown to the provider itself and to who pays it; for others it is masked, and a list of one provider's rows
leaves such rows out, since the filter itself would tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from kundval_contracts.events import MASKED
from kundval_contracts.rpc.base import MONEY

from .db import Tx
from .tokens import Caller


def restricted(tx: Tx, tenant: str, subjects: Collection[str]) -> set[str]:
    """Those of these assignments whose whereabouts are told to the suite alone."""
    rows = tx.query(
        "SELECT subject FROM restricted_subject WHERE tenant = %s AND subject = ANY(%s) AND restricted",
        (tenant, sorted(set(subjects))),
    )
    return {row["subject"] for row in rows}


def veil(
    tx: Tx, tenant: str, rows: Iterable[dict[str, Any]], caller: Caller, *, filtered: str | None
) -> list[dict[str, Any]]:
    """`rows` of a list as `caller` may see them. `filtered`: the provider by which they were chosen, if any."""
    found = list(rows)
    if caller.provider is not None or caller.role in MONEY:
        return found
    hidden = restricted(tx, tenant, [row["assignment"] for row in found])
    if not hidden:
        return found
    if filtered is not None:
        return [row for row in found if row["assignment"] not in hidden]
    return [
        {**row, "provider": MASKED} if row["assignment"] in hidden and row.get("provider") is not None else row
        for row in found
    ]
