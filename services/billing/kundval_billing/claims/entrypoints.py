"""RPC about claims and what a person must decide about them."""

from __future__ import annotations

from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.rpc import query
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import veil
from kundval_contracts.rpc.base import MONEY

from . import view


class ClaimsEntrypoints:
    """RPC about claims and what a person must decide about them."""

    @query("billing.claims")
    def claims(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, provider = held.tenant_named(tx, request["tenant"]), caller.provider or request["provider"]
        staff = caller.provider is None
        hides = staff and provider is not None and caller.role not in MONEY
        found = view.claims(tx, tenant, request, provider, staff=staff, hides=hides)
        return {**found, "claims": veil(tx, tenant.id, found["claims"], caller, filtered=provider)}

    @query("billing.questions")
    def questions(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        found = view.questions(tx, tenant, request["after"], request["limit"])
        return {**found, "questions": veil(tx, tenant.id, found["questions"], caller, filtered=None)}
