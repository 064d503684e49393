"""What people do about a message: send it again, cancel it, tell it by hand. Each is entered, with who did it."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import MessageState
from kundval_contracts.errors import Conflict, NotFound

from . import store


def resend(tx: Tx, tenant: str, notice: int, reason: str, actor: str, *, anyway: bool = False) -> dict[str, Any]:
    """Send a message once more, as a new dispatch, by every channel that there is now.

    `anyway`: also if its reason has gone. Raises NotFound, and Conflict: UNDER_WAY (it has not been sent yet),
    REASON_GONE.
    """
    row = _message(tx, tenant, notice)
    if row["state"] == MessageState.PENDING:
        raise Conflict("The message is on its way.", code="UNDER_WAY")
    gone = row["superseded_at"] is not None or row["overtaken_at"] is not None or bool(row["lapsed"])
    if gone and not anyway:
        raise Conflict("What the message says is not so any more.", code="REASON_GONE")
    store.send_again(tx, notice, insisted=gone)
    return _entered(tx, row, "RESENT", actor, MessageState.PENDING, reason=reason)


def cancel(tx: Tx, tenant: str, notice: int, reason: str, actor: str) -> dict[str, Any]:
    """See to it that a message is not sent, nor told by hand.

    Raises NotFound, and Conflict: UNDER_WAY (it is just being handed over), NOT_PENDING.
    """
    row = _message(tx, tenant, notice)
    if row["state"] not in (MessageState.PENDING, MessageState.BY_HAND):
        raise Conflict("The message does not wait for anything.", code="NOT_PENDING")
    if row["state"] == MessageState.PENDING and row["dispatch_state"] == "SENDING":
        raise Conflict("The message is being handed over.", code="UNDER_WAY")
    store.end(tx, notice, MessageState.CANCELLED)
    return _entered(tx, row, "CANCELLED", actor, MessageState.CANCELLED, reason=reason)


def told(tx: Tx, tenant: str, notice: int, how: str, actor: str) -> dict[str, Any]:
    """A person has told what had to be told by hand. Raises NotFound, and Conflict: ALREADY_TOLD, NOT_BY_HAND."""
    row = _message(tx, tenant, notice)
    if row["state"] == MessageState.TOLD:
        raise Conflict("Somebody has told it already.", code="ALREADY_TOLD")
    if row["state"] != MessageState.BY_HAND:
        raise Conflict("The message is not one to be told by hand.", code="NOT_BY_HAND")
    store.end(tx, notice, MessageState.TOLD)
    return _entered(tx, row, "TOLD", actor, MessageState.TOLD, how=how)


def _message(tx: Tx, tenant: str, notice: int) -> Row:
    row = store.message(tx, tenant, notice)
    if row is None:
        raise NotFound("There is no such message.", code="NO_MESSAGE")
    return row


def _entered(
    tx: Tx, row: Row, what: str, actor: str, state: MessageState, *, reason: str | None = None, how: str | None = None
) -> dict[str, Any]:
    store.act(tx, row["tenant"], row["notice"], what, actor, reason=reason, how=how)
    return {"notice": row["notice"], "state": state.value}
