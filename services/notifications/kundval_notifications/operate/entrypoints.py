"""RPC for who operates the sending of messages."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from ..delivery import acts
from . import page, view


class OperateEntrypoints:
    """RPC for who operates the sending of messages."""

    @query("notifications.queue")
    def queue(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.queue(tx, request)

    @query("notifications.failures")
    def failures(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.failures(tx, request, caller)

    @query("notifications.figures")
    def figures(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.figures(tx, request)

    @query("notifications.figures_csv")
    def figures_csv(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"csv": view.figures_csv(view.figures(tx, request))}

    @query("notifications.operations_page")
    def operations_page(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"html": page.show(tx, request, caller)}

    @query("notifications.proof")
    def proof(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.proof(tx, request, caller)

    @command("notifications.resend")
    def resend(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        named = (request["tenant"], request["notice"], request["reason"], caller.subject)
        return acts.resend(tx, *named, anyway=request["anyway"])

    @command("notifications.cancel")
    def cancel(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return acts.cancel(tx, request["tenant"], request["notice"], request["reason"], caller.subject)
