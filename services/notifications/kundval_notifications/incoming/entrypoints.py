"""RPC about receipts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis import clock
from kundval_chassis.db import Tx
from kundval_chassis.rpc import command
from kundval_chassis.tokens import Caller

from ..delivery import receipts
from ..delivery import store as dispatches


class ReceiptEntrypoints:
    """To be mixed into the service."""

    @command("notifications.take_receipt")
    def take_receipt(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"known": enter(tx, request)}


def enter(tx: Tx, request: Mapping[str, Any]) -> bool:
    """Enter a receipt, as `notifications.take_receipt` gets it; whether the tenant has sent something by that name."""
    channel, reference = request["channel"], request["reference"]
    row = dispatches.find(tx, channel.value, reference)
    if row is None or row["tenant"] != request["tenant"]:
        return False
    at = request["at"] or clock.now()
    return receipts.take(tx, channel, reference, request["status"], request["code"], at)
