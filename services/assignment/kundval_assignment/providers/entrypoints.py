"""RPC about providers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import ProviderFactKind
from kundval_contracts.errors import Forbidden
from kundval_contracts.events import MASKED
from kundval_contracts.provider_facts import BY_PROVIDER, ProviderFact
from kundval_contracts.rpc import CallerRole
from kundval_contracts.rpc.providers import ANSWERS_FOR_PROVIDERS
from kundval_contracts.rules import rule

from .. import tenants
from ..people import guard
from ..people.log import Witness
from . import record, store, view


class ProviderEntrypoints:
    """Adds facts about providers and what is shown of them."""

    witness: Witness

    @command("assignment.record_provider_facts")
    def record_provider_facts(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        stated = [_stated(fact, caller) for fact in request["facts"]]
        return {"recorded": record.record_facts(tx, tenant, request["provider"], stated)}

    @command("assignment.withdraw_provider_fact")
    def withdraw_provider_fact(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"withdrawn": record.withdraw_fact(tx, tenant, request["provider"], request["fact"])}

    @query("assignment.providers")
    def providers(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"providers": view.providers(tx, tenant, caller.provider or request["provider"])}

    @query("assignment.provider")
    def provider(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        texts, own = caller.role in ANSWERS_FOR_PROVIDERS, caller.provider is not None
        return view.provider(tx, tenant, request["provider"], texts=texts, own=own)

    @query("assignment.provider_proposals")
    def provider_proposals(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return {"proposals": view.provider_proposals(tx, tenant, request["provider"])}

    @query("assignment.clients_to_move")
    def clients_to_move(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        named, limit = request["provider"], request["limit"]
        rows = store.to_move(tx, tenant.id, view.ended(tenant, named), request["assignment"], request["after"], limit)
        last = rows[-1]["assignment"] if len(rows) == limit else None
        hidden = {
            row["assignment"]
            for row in rows
            if guard.is_masked(tx, self.witness.keys, tenant, row["assignment"], caller)
        }
        # a list of one provider's clients says of each where the person is
        shown = [row for row in rows if named is None or row["assignment"] not in hidden]
        clients = [{**row, "provider": MASKED} if row["assignment"] in hidden else row for row in shown]
        return {"clients": clients, "next": last}


@rule("NACKA-2")
def _stated(fact: ProviderFact, caller: Caller) -> ProviderFact:
    """The fact with who states it. Raises Forbidden.

    A provider states what is its own to state: whether a term is met, and every decision, is the municipality's. A
    person decides in his or her own name; a system names the person who has decided.
    """
    if caller.provider is not None and fact.kind not in BY_PROVIDER:
        raise Forbidden(f"A provider may not state the fact {fact.kind}.", code="FACT_NOT_ALLOWED")
    decides = fact.kind in (ProviderFactKind.AUTHORISED, ProviderFactKind.DEAUTHORISED)
    if decides and caller.role is not CallerRole.SYSTEM and fact["by"] != caller.subject:
        raise Forbidden("A decision names the person who makes it.", code="OTHER_PERSON")
    return replace(fact, stated_by=caller.subject, for_provider=caller.provider is not None)
