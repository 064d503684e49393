"""RPC about who is paid and who pays."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, primitives, query
from kundval_chassis.tokens import Caller

from . import store
from .check import require_sound


class PayeeEntrypoints:
    """RPC about who is paid and who pays."""

    @command("billing.set_payee")
    def set_payee(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        require_sound(request["party"])
        tenant, provider, valid_from = request["tenant"], request["provider"], request["valid_from"]
        party, agreement = primitives(request["party"]), primitives(request["self_billing"])
        version = store.add_payee(tx, tenant, provider, valid_from, party, agreement, caller.subject)
        return {"tenant": tenant, "version": version, "valid_from": valid_from}

    @query("billing.payees")
    def payees(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        found = store.payees(tx, request["tenant"], caller.provider or request["provider"])
        if caller.provider is not None:
            found = [{**row, "recorded_by": None} for row in found]
        return {"payees": found}

    @command("billing.set_payer")
    def set_payer(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        require_sound(request["party"])
        tenant, role, valid_from = request["tenant"], request["role"], request["valid_from"]
        party, vat = primitives(request["party"]), primitives(request["vat_by_ownership"])
        version = store.add_payer(tx, tenant, role, valid_from, party, vat, caller.subject)
        return {"tenant": tenant, "version": version, "valid_from": valid_from}

    @query("billing.payer")
    def payer(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"payers": store.payers(tx, request["tenant"])}
