"""RPC about the supervision of providers."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import query
from kundval_chassis.tokens import Caller

from . import store


class SupervisionEntrypoints:
    """RPC about the supervision of providers."""

    @query("scheduling.provider_obligations")
    def provider_obligations(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        provider = caller.provider or request["provider"]
        found = store.held(tx, request["tenant"], provider, request["after"], request["limit"])
        providers = sorted({one.provider for one in found})
        return {
            "obligations": [one.as_json() for one in found],
            "next": providers[-1] if len(providers) == request["limit"] else None,
        }
