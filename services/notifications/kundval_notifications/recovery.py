"""What notifications makes of its restoration: nobody is told twice by itself, and nobody is forgotten.

Which messages have left since the moment to which it was restored, no one can say but those who got them. So what was
to be sent then is not sent: who has an inbox finds it there, and for clients it becomes a task of a person, who tells
it, sends it after all or cancels it. The same holds for what is made anew of events from before the loss
(`perhaps_told`).
"""

from __future__ import annotations

from collections.abc import Sequence

from kundval_chassis.db import Row, Tx
from kundval_chassis.recovery import Recovery
from kundval_contracts.codes import ByHandReason, DeliveryChannel, MessageState, Role

from .delivery import news
from .delivery import store as delivery

_INBOX = DeliveryChannel.INBOX.value

_PERHAPS = (
    "SELECT n.* FROM notice n WHERE n.notice = ANY(%s) AND coalesce(n.caused_at, n.created_at)"
    " <= (SELECT max(lost_at) FROM restoration)"
)


def recover(recovery: Recovery) -> None:
    """Let nothing leave of what was on its way."""
    tx = recovery.tx
    withdrawn = tx.execute(
        "UPDATE dispatch SET state = 'WITHDRAWN', code = 'RESTORED', settled_at = now(), leased_by = NULL,"
        " leased_until = NULL WHERE state IN ('READY', 'SENDING')"
    )
    rows = tx.query(
        "SELECT n.* FROM notice n JOIN message m USING (notice) WHERE m.state = 'PENDING' ORDER BY n.notice"
        " FOR UPDATE OF m"
    )
    tasks = _settle(tx, rows)
    recovery.done("messages on their way that are not handed over", withdrawn)
    recovery.done("messages that are found in an inbox alone", len(rows) - len(tasks))
    recovery.ask("messages to clients that may have been sent: tasks, as are those that are made anew", tasks)


def perhaps_told(tx: Tx, notices: Sequence[int]) -> None:
    """Of new notices: what was caused before a loss may have been told before it, and is not sent by itself."""
    if notices:
        _settle(tx, tx.query(_PERHAPS, (list(notices),)))


def _settle(tx: Tx, rows: Sequence[Row]) -> list[str]:
    """Let these messages end without anything going out; those that are tasks now."""
    tasks = [row for row in rows if row["recipient"] == Role.CLIENT]
    read = [row for row in rows if row["recipient"] != Role.CLIENT]
    by_hand: dict[int, str | None] = {row["notice"]: ByHandReason.UNDELIVERABLE.value for row in tasks}
    inbox: dict[int, str | None] = {row["notice"]: None for row in read}
    delivery.settle(tx, MessageState.BY_HAND, by_hand)
    delivery.settle(tx, MessageState.SENT, inbox, _INBOX)
    news.by_hand(tx, tasks)
    news.sent(tx, read, _INBOX)
    return [str(row["notice"]) for row in tasks]
