"""What other sides say of what was handed over to them: delivered, delayed, bounced, complained about.

The same said twice is one row, and the order does not matter: what has bounced stays bounced. A receipt that is quicker
than our own record of the hand-over is proof that it took place.
"""

from __future__ import annotations

from datetime import datetime

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import DeliveryChannel, ReceiptStatus

from . import metrics, news, store

#: receipts of a channel about something not known here that are kept for a day, in case it becomes known
MOST_EARLY = 10_000
_LONGEST = 200


def take(
    tx: Tx,
    channel: DeliveryChannel,
    reference_or_dispatch: str,
    status: ReceiptStatus,
    code: str | None,
    at: datetime,
) -> bool:
    """Note what the other side says of a dispatch, named by its own id or by the other side's reference.

    Whether it is known here. One that is not is counted, and kept for a day: the other side may have been quicker than
    our record of its reference. Nothing is raised, so that nobody sends it again and again.
    """
    name = reference_or_dispatch[:_LONGEST]
    dispatch = store.find(tx, channel, name)
    if dispatch is None:
        metrics.RECEIPTS.labels(channel.value, "UNKNOWN").inc()
        # an e-mail has no other name than ours, which was recorded before it left: anybody can write such a report
        if channel is not DeliveryChannel.EMAIL:
            store.keep_early(tx, channel, name, status, code, at, MOST_EARLY)
        return False
    metrics.RECEIPTS.labels(channel.value, status.value).inc()
    if store.add_receipt(tx, dispatch["dispatch"], status, code, at):
        _apply(tx, dispatch, status, code)
    return True


def catch_up(tx: Tx, channel: DeliveryChannel, reference: str | None) -> None:
    """Take the receipts that came before this reference was recorded."""
    if reference is not None:
        for row in store.take_early(tx, channel, reference[:_LONGEST]):
            take(tx, channel, reference, ReceiptStatus(row["status"]), row["code"], row["received_at"])


def _apply(tx: Tx, dispatch: Row, status: ReceiptStatus, code: str | None) -> None:
    name, state = dispatch["dispatch"], dispatch["state"]
    # under way, or waiting for another attempt after one of which nobody knows
    open_ = state == "SENDING" or (state == "READY" and dispatch["attempts"] > 0)
    if status is ReceiptStatus.DELIVERED and (open_ or state == "SENT"):
        if open_:
            store.proved(tx, name)
            news.sent(tx, store.accepted(tx, name, None), dispatch["channel"])
        news.delivered(tx, store.delivered(tx, name))
    elif status is ReceiptStatus.BOUNCED and (open_ or state in ("SENT", "DELIVERED")):
        store.fail(tx, [name], "BOUNCED", code or status.value)
