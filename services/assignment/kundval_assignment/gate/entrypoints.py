"""RPC of the purpose gate: a base of the assignment service."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from .. import tenants
from ..people.log import Witness
from . import look, pass_through


class GateEntrypoints:
    #: the service's own, which holds the keys under which lies what is kept
    witness: Witness

    @command("assignment.open_ground")
    def open_ground(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        asked = {name: request[name] for name in look.ASKED}
        asked["requester"] = request["requester"] or caller.subject
        return {"ground": pass_through.open(tx, tenant, person=look.person_of(tx, tenant, request), **asked)}

    @command("assignment.end_ground")
    def end_ground(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"ended": pass_through.end(tx, tenants.get(tx, request["tenant"]), request["ground"])}

    @query("assignment.grounds")
    def grounds(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return look.grounds(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)

    @query("assignment.gate_refusals")
    def gate_refusals(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return look.refusals(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)
