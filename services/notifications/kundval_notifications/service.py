"""The notifications service: computes who is to be told what, sends each message once, keeps the proof."""

from __future__ import annotations

from typing import Any

from kundval_chassis import held
from kundval_chassis.consume import consumes
from kundval_chassis.db import Database, Tx
from kundval_chassis.partners.distribute import Partners
from kundval_chassis.partners.feed import Feed
from kundval_chassis.relay import Outbox
from kundval_chassis.rpc import query
from kundval_chassis.service import info
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import veil
from kundval_contracts.envelope import Event

from . import keep, store
from .delivery.post import Post
from .directory import Contacts
from .directory import store as preferences
from .directory.entrypoints import DirectoryEntrypoints
from .inbox.entrypoints import InboxEntrypoints
from .incoming.bounces import Bounces
from .incoming.entrypoints import ReceiptEntrypoints
from .incoming.receipt_hooks import ReceiptHooks
from .operate.entrypoints import OperateEntrypoints
from .settings import SETTINGS, faults
from .texts.entrypoints import TextEntrypoints


class NotificationsService(
    DirectoryEntrypoints, InboxEntrypoints, OperateEntrypoints, ReceiptEntrypoints, TextEntrypoints
):
    name = "notifications"
    settings = SETTINGS
    settings_faults = staticmethod(faults)
    db = Database()
    outbox = Outbox()
    feed = Feed()
    partners = Partners()
    contacts = Contacts()
    post = Post()
    bounces = Bounces()
    receipt_hooks = ReceiptHooks()

    @consumes(
        "assignment",
        "scheduling",
        "billing",
        needs=keep.NEEDS | {"assignment.person_erased"},
    )
    def on_events(self, tx: Tx, events: list[Event]) -> None:
        preferences.forget(tx, (one for one in events if one.name == "assignment.person_erased"))
        keep.follow(tx, events)

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
