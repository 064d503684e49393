"""RPC methods around the work on one assignment."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller
from kundval_contracts.errors import NotFound

from .. import record, store, tenants
from ..people import guard, persons
from ..people.log import Witness
from . import looks


class CaseworkEntrypoints:
    """To be mixed into the service."""

    #: the service's own, which holds the keys under which lies who is protected
    witness: Witness

    @command("assignment.eb_application")
    def eb_application(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        theirs = persons.require_persons(tx, tenant, [{"id": request["assignment"], "person": request["person"]}])
        referred = looks.eb_application(tx, tenant, request)
        for assignment, person in theirs.items() if referred else ():
            persons.link(tx, self.witness.keys, tenant, assignment, person)
        return {"referred": referred}

    @query("assignment.assignments")
    def assignments(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return looks.assignments(tx, self.witness.keys, tenants.get(tx, request["tenant"]), request, caller)

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
        tenant, name = tenants.get(tx, request["tenant"]), request["assignment"]
        # the goals are told in words: of a protected person to named readers only
        if guard.is_masked(tx, self.witness.keys, tenant, name, caller):
            raise NotFound(f"There is no assignment {name}.")
        return looks.coordinator_handoff(tx, tenant, name)

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
