"""RPC about what is due and whether there is time for it."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import query
from kundval_chassis.tokens import Caller

from . import page, view


class WorkloadEntrypoints:
    """RPC about what is due and whether there is time for it."""

    @query("scheduling.workload")
    def workload(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.as_json(tx, view.count(tx, request, caller), caller)

    @query("scheduling.workload_csv")
    def workload_csv(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"csv": view.csv(view.count(tx, request, caller))}

    @query("scheduling.workload_page")
    def workload_page(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        found = view.count(tx, request, caller)
        return {"html": page.render(view.as_json(tx, found, caller), request["lang"])}

    @query("scheduling.without_follow_up")
    def without_follow_up(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.without_follow_up(tx, request, caller)
