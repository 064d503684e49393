"""RPC about the municipality itself."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import query
from kundval_chassis.tokens import Caller
from kundval_contracts.errors import NotFound
from kundval_contracts.profiles import as_data, profiles

from .. import tenants


class LocalEntrypoints:
    """Adds `assignment.profile`."""

    @query("assignment.profile")
    def profile(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        found = profiles().get(tenant.municipality)
        if found is None:  # it was complete when the tenant was opened, and its file has been changed since
            raise NotFound(f"There is no complete profile of {tenant.municipality}.")
        return {"tenant": tenant.id, "municipality": tenant.municipality, "profile": as_data(found)}
