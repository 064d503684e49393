"""RPC of messages to the employment service: a base of the assignment service."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from .. import tenants
from ..people.log import Witness
from . import answers, look, write


class ToAfEntrypoints:
    #: the service's own, which holds the keys under which lies what is told
    witness: Witness

    @command("assignment.draft_af_report")
    def draft_af_report(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        row = write.draft(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)
        return {name: row[name] for name in ("dispatch", "state", "due")}

    @command("assignment.submit_to_af")
    def submit_to_af(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        row = write.submit(tx, tenant, self.witness.keys, request["dispatch"], caller)
        return {
            "state": row["state"],
            "late": row["late"],
            "window": row["closing_window"],
            "tracking": str(row["tracking"]),
        }

    @query("assignment.af_due")
    def af_due(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return look.due(tx, tenants.get(tx, request["tenant"]), request)

    @query("assignment.af_dispatches")
    def af_dispatches(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return look.queue(tx, tenants.get(tx, request["tenant"]), request)

    @query("assignment.af_dispatch")
    def af_dispatch(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, name, dispatch = tenants.get(tx, request["tenant"]), request["assignment"], request["dispatch"]
        return look.read(tx, self.witness.keys, tenant, name, dispatch, caller)

    @command("assignment.resend_to_af")
    def resend_to_af(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"state": write.resend(tx, tenant, self.witness.keys, request["dispatch"], caller)["state"]}

    @command("assignment.park_af")
    def park_af(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"state": write.park(tx, tenants.get(tx, request["tenant"]), request["dispatch"])["state"]}

    @command("assignment.af_feedback")
    def af_feedback(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"state": answers.take_in(tx, self.witness.keys, tenant, request)["state"]}
