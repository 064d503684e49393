"""RPC about parties and preferences."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from . import keep, store
from .contacts import Contacts


class DirectoryEntrypoints:
    """To be mixed into the service."""

    contacts: Contacts

    @command("notifications.set_party")
    def set_party(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        secret = keep.set_party(tx, self.contacts, request, caller)
        return {"role": request["role"], "party": request["party"], "secret": secret}

    @command("notifications.remove_party")
    def remove_party(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"removed": store.remove_party(tx, request["tenant"], request["role"], keep.name_of(request))}

    @command("notifications.close_webhook")
    def close_webhook(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"closed": store.close_webhook(tx, request["tenant"], request["role"], keep.name_of(request))}

    @query("notifications.parties")
    def parties(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"parties": store.list_parties(tx, request["tenant"], request["role"])}

    @command("notifications.prefer")
    def prefer(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.prefer(tx, request, caller)

    @query("notifications.preferences")
    def preferences(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return keep.preferences(tx, request["tenant"], keep.whose(request, caller))
