"""RPC of what other systems tell: a base of the assignment service."""

from __future__ import annotations

from typing import Any

from kundval_chassis import inbox
from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from .. import tenants
from ..people.log import Witness
from . import evidence, links
from .read import read
from .take import take


class InboundEntrypoints:
    #: the service's own, which holds the keys under which lies what is kept
    witness: Witness

    @command("assignment.receive")
    def receive(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        event = read(request["event"], tenant.id)
        if not inbox.take(tx, [event]):
            return {"taken": 0, "refused": 0, "repeated": True}
        came = take(tx, self.witness.keys, tenant, event)
        return {"taken": came.taken, "refused": came.refused, "repeated": False}

    @command("assignment.link_household")
    def link_household(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"linked": links.household(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request)}

    @command("assignment.link_reference")
    def link_reference(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"linked": links.reference(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request)}

    @query("assignment.links")
    def links(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return links.links(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)

    @query("assignment.evidence")
    def evidence(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return evidence.evidence(tx, self.witness.keys, tenant, request["assignment"], caller)
