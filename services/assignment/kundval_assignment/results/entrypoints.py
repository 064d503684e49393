"""RPC of comparisons and figures."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller

from .. import tenants
from ..domain.figures import as_csv
from . import page, shown, store, years


class ResultsEntrypoints:
    @query("assignment.results")
    def results(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"comparison": _current(tx, request)}

    @query("assignment.results_page")
    def results_page(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"html": page.render(_current(tx, request), request["lang"])}

    @command("assignment.show_results")
    def show_results(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return shown.show(tx, tenants.get(tx, request["tenant"]), request["assignment"], request["on"])

    @command("assignment.rank")
    def rank(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return shown.rank(tx, tenants.get(tx, request["tenant"]), request["assignment"], request["on"])

    @query("assignment.snapshot")
    def snapshot(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return shown.snapshot(tx, tenants.get(tx, request["tenant"]), request["snapshot"])

    @query("assignment.snapshot_page")
    def snapshot_page(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        kept = shown.snapshot(tx, tenants.get(tx, request["tenant"]), request["snapshot"])
        return {"html": page.render(kept["content"], request["lang"])}

    @query("assignment.awaiting_choice")
    def awaiting_choice(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        rows = store.awaiting(tx, tenant.id, request["assignment"], request["after"], request["limit"])
        more = rows[-1]["assignment"] if len(rows) == request["limit"] else None
        return {"waiting": [shown.waiting(tenant, row) for row in rows], "next": more}

    @command("assignment.record_yearly_value")
    def record_yearly_value(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        years.record_value(tx, tenants.get(tx, request["tenant"]), request)
        return {"recorded": True}

    @query("assignment.figures")
    def figures(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        rows = years.read(tx, tenant, request)
        return {
            "as_of": shown.today(tenant),
            "smallest_group": tenant.settings["figures.smallest_group"],
            "lines": [row.as_json() for row in rows],
            "published": years.published(tenant),
        }

    @query("assignment.figures_csv")
    def figures_csv(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"csv": as_csv(years.read(tx, tenants.get(tx, request["tenant"]), request))}

    @query("assignment.figures_chart")
    def figures_chart(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        rows = years.read(tx, tenants.get(tx, request["tenant"]), request)
        return {"svg": years.chart(rows, request["figure"], request["lang"])}


def _current(tx: Tx, request: dict[str, Any]) -> dict[str, Any]:
    """The comparison on the business date."""
    tenant = tenants.get(tx, request["tenant"])
    day = shown.today(tenant)
    table = shown.compare(tx, tenant, request["programme"], day, request["seed"])
    return shown.content(tenant, request["programme"], day, table)
