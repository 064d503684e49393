"""RPC about plans of many meetings."""

from __future__ import annotations

from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller
from kundval_contracts.errors import NotFound

from . import decide, show, store


class PlanEntrypoints:
    """To be mixed into the service. The plans themselves are made by `work.PlanWork`."""

    @command("scheduling.request_plan")
    def request_plan(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        plan = decide.request(
            tx, tenant, request["team"], request["from_"], request["weeks"], request["solver"].value, caller.subject
        )
        return {"plan": plan.id, "from": plan.first_day, "until": plan.last_day, "state": plan.state.value}

    @query("scheduling.plans")
    def plans(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        found = store.page(tx, tenant.id, request["team"], request["after"], request["limit"])
        counts = store.counts(tx, tenant.id, [one.id for one in found])
        return {
            "plans": [show.plan(one, counts[one.id], tenant.business_date) for one in found],
            "next": found[-1].id if len(found) == request["limit"] else None,
        }

    @query("scheduling.plan")
    def plan(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        one = store.one(tx, tenant.id, request["plan"])
        if one is None:
            raise NotFound(f"There is no plan {request['plan']}.")
        rows = store.rows(tx, tenant.id, one.id, request["after"], request["limit"])
        counts = store.counts(tx, tenant.id, [one.id])[one.id]
        return {
            "plan": show.plan(one, counts, tenant.business_date),
            "meetings": show.rows(tx, tenant.id, rows, request["lang"]),
            "next": rows[-1].meeting if len(rows) == request["limit"] else None,
        }

    @command("scheduling.accept_plan")
    def accept_plan(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        found = decide.accept(tx, tenant, request["plan"], request["meetings"], caller.subject)
        return {"booked": list(found.booked), "refused": list(found.refused), "left": found.left}

    @command("scheduling.reject_plan")
    def reject_plan(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        return {"rejected": decide.reject(tx, tenant, request["plan"], caller.subject)}
