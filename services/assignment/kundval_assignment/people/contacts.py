"""Where the clients of assignments can be reached: asked for when a message leaves, and entered in the access log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis import access
from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import DeliveryChannel

from ..domain.people import protected, written_language
from . import store
from .keys import PersonKeys


def points(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of `assignment.contact_points`.

    Whoever asks, of a person whose identity is protected by any of the three kinds there is no address.
    """
    wanted = set(request["channels"])
    theirs = store.persons_of(tx, tenant.id, request["assignments"])
    persons = sorted(set(theirs.values()))
    protections = store.protections_of(tx, keys, tenant.id, persons)
    hidden = {one for one in persons if protected(protections.get(one, ()), tenant.business_date)}
    numbers = DeliveryChannel.DIGITAL_MAIL in wanted
    held = store.load_all(tx, keys, tenant.id, [one for one in persons if one not in hidden], numbers=numbers)
    rows = []
    for assignment in request["assignments"]:
        person = theirs.get(assignment)
        row: dict[str, Any] = {
            "assignment": assignment,
            "person": None,
            "protected": person in hidden,
            "language": None,
            "email": None,
            "phone": None,
            "digital_mail": None,
        }
        if person in hidden:
            row["person"] = person
        elif person in held:
            row |= {"person": person, **_addresses(held[person], wanted, request["languages"])}
        if row["person"] is not None:
            access.showed("assignment", assignment)
            access.showed("person", row["person"], masked=row["protected"])
        rows.append(row)
    return rows


def _addresses(held: store.Held, wanted: set[DeliveryChannel], languages: list[str]) -> dict[str, Any]:
    details = held.details
    return {
        "language": written_language(details["language"], details["swedish_ok"], details["languages"], languages),
        "email": details["email"] if DeliveryChannel.EMAIL in wanted else None,
        "phone": details["phone"] if DeliveryChannel.SMS in wanted else None,
        "digital_mail": held.number,
    }
