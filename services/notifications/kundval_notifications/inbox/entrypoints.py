"""RPC about inboxes and what is to be told by hand."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from . import page, view


class InboxEntrypoints:
    """RPC about inboxes and what is to be told by hand."""

    @query("notifications.inbox")
    def inbox(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.inbox(tx, request, caller)

    @query("notifications.inbox_count")
    def inbox_count(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.count(tx, request, caller)

    @command("notifications.mark_read")
    def mark_read(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.mark_read(tx, request, caller)

    @query("notifications.inbox_page")
    def inbox_page(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"html": page.show(tx, request, caller)}

    @command("notifications.hold_cases")
    def hold_cases(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.hold_cases(tx, request)

    @query("notifications.tasks")
    def tasks(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.tasks(tx, request, caller)

    @command("notifications.task_done")
    def task_done(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.task_done(tx, request, caller)
