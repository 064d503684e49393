"""RPC about partners: a base of the assignment service."""

from __future__ import annotations

from typing import Any

from kundval_chassis import clock
from kundval_chassis.db import Tx
from kundval_chassis.partners.feed import Feed
from kundval_chassis.rpc import query
from kundval_chassis.tokens import Caller

from .. import tenants
from . import resolve


class PartnerEntrypoints:
    #: the service's own, which holds the keys of partners
    feed: Feed

    @query("assignment.resolve_pseudonyms")
    def resolve_pseudonyms(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = tenants.get(tx, request["tenant"])
        return resolve.resolve(tx, self.feed.keys, tenant.id, request, caller, clock.business_date())
