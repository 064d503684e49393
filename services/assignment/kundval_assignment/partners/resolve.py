"""Pseudonyms that a partner was told, led back to the ids of assignments and persons. The keys alone are asked: no
table holds a pseudonym.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from kundval_chassis.access import showed
from kundval_chassis.db import Tx
from kundval_chassis.partners import registry
from kundval_chassis.partners.keys import PartnerKeys
from kundval_chassis.partners.pseudonyms import IdOf, Pseudonyms
from kundval_chassis.tokens import Caller
from kundval_contracts.errors import Forbidden, NotFound


def resolve(
    tx: Tx, keys: PartnerKeys | None, tenant: str, request: dict[str, Any], caller: Caller, on: date
) -> dict[str, Any]:
    """The answer of `assignment.resolve_pseudonyms`. on: the date in Sweden; pseudonyms of former generations are good
    through their last day.

    Raises Forbidden (OTHER_PARTNER): a system of a partner asks for another's; NotFound: there is no such partner.
    """
    name = request["partner"]
    if caller.organisation not in (None, name) and registry.find(tx.conn, caller.organisation) is not None:
        raise Forbidden("A partner asks for its own pseudonyms only.", code="OTHER_PARTNER")
    partner = registry.find(tx.conn, name)
    if partner is None or partner.ended or keys is None:
        raise NotFound(f"There is no partner {name}.")
    known = keys.known_pseudonyms(partner, on) if partner.may_read(tenant) else []
    found = {one: _found(known, tenant, one) for one in dict.fromkeys(request["pseudonyms"])}
    for kind, subject in (("assignment", IdOf.ASSIGNMENT), ("person", IdOf.PERSON)):
        showed(kind, *(place[1] for place in found.values() if place is not None and place[0] is subject))
    return {
        "resolved": [
            {"pseudonym": one, "kind": place[0].value, "id": place[1]} for one, place in found.items() if place
        ],
        "unresolved": [one for one, place in found.items() if place is None],
    }


def _found(known: Sequence[Pseudonyms], tenant: str, pseudonym: str) -> tuple[IdOf, str] | None:
    return next((place for one in known if (place := one.find(tenant, pseudonym)) is not None), None)
