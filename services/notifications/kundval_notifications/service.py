"""The notifications service: computes who is to be told what, sends each message once, keeps the proof."""

from __future__ import annotations

from typing import Any

from kundval_chassis import agenda, held
from kundval_chassis.consume import consumes
from kundval_chassis.db import Database, Tx
from kundval_chassis.relay import Outbox
from kundval_chassis.rpc import query
from kundval_chassis.service import info
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import veil
from kundval_contracts.envelope import Event

from . import store
from .deliver import Post
from .keep import keep
from .settings import SETTINGS

#: A day is looked at when its obligations have come: with yesterday's, a met one would look overdue.
CLOCK = "scheduling.day_opened"


class NotificationsService:
    name = "notifications"
    settings = SETTINGS
    db = Database()
    outbox = Outbox()
    post = Post()

    @consumes(
        "assignment",
        "scheduling",
        "billing",
        needs=held.NEEDS | {"scheduling.obligations_changed", CLOCK, "billing.posted"},
    )
    def on_events(self, tx: Tx, events: list[Event]) -> None:
        news = store.take_obligations(tx, (one for one in events if one.name == "scheduling.obligations_changed"))
        news |= store.take_postings(tx, (one for one in events if one.name == "billing.posted"))
        for tenant, day, cases in agenda.take_in(tx, events, also=news, clock=CLOCK):
            keep(tx, tenant, day, cases)

    @query("notifications.notices")
    def notices(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        provider = caller.provider or request["provider"]
        page = store.page(tx, request, provider)
        rows = store.notices(tx, request["tenant"], page, provider)
        rows = veil(tx, request["tenant"], rows, caller, filtered=provider)
        return {"notices": rows, "next": page[-1] if len(page) == request["limit"] else None}

    @query("notifications.messages")
    def messages(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        page = store.page(tx, request, None)
        rows = [self.post.describe(row) for row in store.messages(tx, request["tenant"], page)]
        return {"messages": rows, "next": page[-1] if len(page) == request["limit"] else None}

    @query("notifications.summary")
    def summary(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"tenant": request["tenant"], **store.summary(tx, request["tenant"])}

    @query("notifications.positions")
    def positions(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return held.positions(tx, request["tenant"])

    @query("notifications.info")
    def info(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return info(tx, self.name)
