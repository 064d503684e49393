"""RPC about payments, holds, problems of runs, and periods."""

from __future__ import annotations

from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import veil
from kundval_contracts.case import Tenant
from kundval_contracts.codes import PaymentAct

from . import accounting, holds, periods, problems, propose, read, release, steps, store
from .run import turn


class PaymentEntrypoints:
    """RPC about payments, holds, problems of runs, and periods."""

    @command("billing.propose_payments")
    def propose_payments(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return propose.propose(tx, _in_turn(tx, request), request["run"], caller)

    @query("billing.payments")
    def payments(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return read.page(tx, request, caller)

    @query("billing.payment")
    def payment(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return read.one(tx, request, caller)

    @command("billing.check_payment")
    def check_payment(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return steps.step(tx, held.tenant_named(tx, request["tenant"]), request, caller, PaymentAct.CHECKED)

    @command("billing.attest_payment")
    def attest_payment(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return steps.step(tx, held.tenant_named(tx, request["tenant"]), request, caller, PaymentAct.ATTESTED)

    @command("billing.approve_payment")
    def approve_payment(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return steps.step(tx, held.tenant_named(tx, request["tenant"]), request, caller, PaymentAct.APPROVED)

    @command("billing.dispute_payment")
    def dispute_payment(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return steps.step(tx, held.tenant_named(tx, request["tenant"]), request, caller, PaymentAct.DISPUTED)

    @command("billing.withdraw_payment")
    def withdraw_payment(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return steps.step(tx, _in_turn(tx, request), request, caller, PaymentAct.WITHDRAWN)

    @command("billing.release_payments")
    def release_payments(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return release.release(tx, held.tenant_named(tx, request["tenant"]), request, caller)

    @command("billing.acknowledge_payment")
    def acknowledge_payment(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return accounting.acknowledge(tx, held.tenant_named(tx, request["tenant"]), request, caller)

    @command("billing.reconcile")
    def reconcile(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return accounting.reconcile(tx, held.tenant_named(tx, request["tenant"]), request, caller)

    @command("billing.hold")
    def hold(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = _in_turn(tx, request)
        holds.require_known(tx, tenant, request)
        return holds.place(tx, tenant, request, caller)

    @command("billing.release_hold")
    def release_hold(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return holds.end(tx, _in_turn(tx, request), request, caller)

    @query("billing.holds")
    def holds(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        found = store.holds(tx, request["tenant"], after=request["after"] or 0, limit=request["limit"])
        return {"holds": found, "next": found[-1]["hold"] if len(found) == request["limit"] else None}

    @query("billing.problems")
    def problems(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        rows, following = problems.rows(tx, request)
        rows = veil(tx, request["tenant"], rows, caller, filtered=request["provider"])
        return {"problems": rows, "next": following}

    @query("billing.balances")
    def balances(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        on = request["on"] or steps.business_date(tenant)
        provider = caller.provider or request["provider"]
        return {"tenant": tenant.id, "on": on, "balances": read.balances(tx, tenant.id, provider, on)}

    @command("billing.close_period")
    def close_period(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return periods.close(tx, _in_turn(tx, request), request["month"], caller)

    @query("billing.corrections")
    def corrections(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        rows, following = periods.corrections(tx, request["tenant"], request)
        rows = veil(tx, request["tenant"], rows, caller, filtered=None)
        closed = store.is_closed(tx, request["tenant"], request["month"])
        return {"corrections": rows, "closed": closed, "next": following}


def _in_turn(tx: Tx, request: dict[str, Any]) -> Tenant:
    """The tenant, while nobody else makes a run, takes in facts, proposes or holds."""
    turn(tx, [request["tenant"]])
    return held.tenant_named(tx, request["tenant"])
