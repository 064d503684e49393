"""RPC about explanations."""

from __future__ import annotations

from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.rpc import query
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import restricted, veil
from kundval_contracts.codes import RunProblem
from kundval_contracts.errors import Conflict, NotFound
from kundval_contracts.rpc.base import MONEY

from .. import store as ledger
from . import deliver, explain, then
from .tell import Viewer
from .words import words_of


class ExplanationEntrypoints:
    """To be mixed into the service."""

    @query("billing.explanation")
    def explanation(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, assignment = held.tenant_named(tx, request["tenant"]), request["assignment"]
        hides = caller.provider is None and caller.role not in MONEY and bool(restricted(tx, tenant.id, [assignment]))
        nothing = NotFound(f"There is no such line of {assignment}.")
        if hides and request["provider"] is not None:
            # who asks by provider would learn from the answer which one it is
            raise nothing
        try:
            tree = explain.tree_of(tx, tenant, request, caller.provider or request["provider"])
        except NotFound:
            # a provider does not learn whether an assignment is another's or there is none
            if caller.provider is not None:
                raise nothing from None
            raise
        except LookupError:
            raise Conflict(f"No tariff is in force for {assignment}.", code=RunProblem.NO_TARIFF) from None
        return deliver.answer(tree, request["lang"], request["form"], Viewer(caller.provider, hides))

    @query("billing.as_known")
    def as_known(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        question = then.asked(tx, tenant, request)
        page = ledger.page(tx, tenant.id, request["assignment"], request["after"], request["limit"])
        found = then.look_back(then.histories(tx, tenant, question, page))
        rows = veil(tx, tenant.id, [then.row(one) for one in found.owed], caller, filtered=question.provider)
        changed = [one.assignment for one in found.changes]
        hidden = set() if caller.role in MONEY else restricted(tx, tenant.id, changed)
        words = words_of(request["lang"])
        return {
            "known_by": question.moment.day,
            "as_of": question.as_of,
            "today": tenant.business_date,
            "lines": rows,
            "changes": [
                then.change_row(one, words, Viewer(hides_places=one.assignment in hidden))
                for one in found.changes
                if question.provider is None or one.assignment not in hidden
            ],
            "problems": [{"assignment": name, "code": RunProblem.NO_TARIFF} for name in found.stuck],
            "sums": then.sums(rows),
            "next": page[-1] if len(page) == request["limit"] else None,
        }
