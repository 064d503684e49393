"""RPC about a controller's figures and what stands out in payments."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from . import page, view


class ControlEntrypoints:
    """RPC about a controller's figures and what stands out in payments."""

    @query("billing.figures")
    def figures(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.figures_json(view.figures(tx, request, caller))

    @query("billing.figures_csv")
    def figures_csv(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"csv": view.figures_csv(view.figures(tx, request, caller))}

    @query("billing.anomalies")
    def anomalies(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.anomalies_json(view.stands_out(tx, request), request["provider"])

    @command("billing.set_aside_anomaly")
    def set_aside_anomaly(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return view.set_aside(tx, request, caller)

    @query("billing.control_page")
    def control_page(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"html": page.render(*view.whole(tx, request), request["lang"])}
