"""RPC methods around the work on one assignment."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from .. import record, store, tenants
from . import looks


class CaseworkEntrypoints:
    """To be mixed into the service."""

    @command("assignment.eb_application")
    def eb_application(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"referred": looks.eb_application(tx, tenants.get(tx, request["tenant"]), request)}

    @query("assignment.assignments")
    def assignments(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return looks.assignments(tx, tenants.get(tx, request["tenant"]), request, caller)

    @query("assignment.exit_checklist")
    def exit_checklist(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        name, planned = request["exit"]["assignment"], request["exit"]["fact"]
        record.require_access(tx, tenant, caller, [(name, planned)])
        return looks.exit_checklist(tx, tenant, name, planned)

    @query("assignment.consent")
    def consent(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        seen, today = record.seen_by(tx, tenant, request["assignment"], caller)
        return {"holds": looks.consent(tenant, seen, request["scope"], request["on"] or today)}

    @query("assignment.coordinator_handoff")
    def coordinator_handoff(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return looks.coordinator_handoff(tx, tenants.get(tx, request["tenant"]), request["assignment"])

    @query("assignment.bip")
    def bip(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        seen, _ = record.seen_by(tx, tenant, request["assignment"], caller)
        return looks.bip(tenant, request["assignment"], seen, request["lang"])

    @query("assignment.attention")
    def attention(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        page = store.page(tx, tenant.id, request["assignment"], request["after"], request["limit"])
        rows = looks.attention_rows(tx, tenant, page)
        return {"attention": rows, "next": page[-1] if len(page) == request["limit"] else None}
