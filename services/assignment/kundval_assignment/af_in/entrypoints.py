"""RPC of what the employment service tells: a base of the assignment service."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from .. import tenants
from ..people.log import Witness
from . import checks, decisions, orders, statuses, store
from .port import EmploymentService


class AfInEntrypoints:
    employment_service = EmploymentService()
    #: the service's own, which holds the keys under which lies what is kept
    witness: Witness

    @command("assignment.fetch_af_status")
    def fetch_af_status(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return statuses.fetch(tx, self.witness.keys, tenant, request, caller, self.employment_service)

    @command("assignment.receive_af_status")
    def receive_af_status(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return statuses.receive(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)

    @query("assignment.af_status")
    def af_status(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return statuses.shown(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)

    @command("assignment.receive_af_orders")
    def receive_af_orders(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, forms = tenants.get(tx, request["tenant"]), self.employment_service.forms
        return orders.receive(tx, self.witness.keys, tenant, request, caller, forms)

    @query("assignment.af_orders")
    def af_orders(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, limit = tenants.get(tx, request["tenant"]), request["limit"]
        rows = store.page(tx, tenant.id, request["assignment"], request["outcome"], request["after"], limit)
        return {"orders": rows, "next": str(rows[-1]["n"]) if len(rows) == limit else None}

    @command("assignment.receive_af_decisions")
    def receive_af_decisions(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return decisions.receive(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)

    @query("assignment.af_checks")
    def af_checks(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return checks.due(tx, tenants.get(tx, request["tenant"]), request)
