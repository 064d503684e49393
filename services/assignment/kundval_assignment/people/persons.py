"""Registering, changing, showing and protecting persons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kundval_chassis import access
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.errors import Conflict, Fault, InvalidRequest, NotFound

from .. import store as assignments
from ..domain.people import (
    Episode,
    IdentityNumber,
    Protection,
    WrongNumber,
    episode,
    history,
    language_served,
    marked,
    read_number,
)
from . import guard, overlaps, store
from .keys import PersonKeys
from .store import NO_DETAILS, Held

_HERE = ZoneInfo("Europe/Stockholm")


def number_in(request: Mapping[str, Any], tenant: Tenant) -> IdentityNumber | None:
    """The identity number in a request. Raises InvalidRequest, which quotes nothing of it."""
    text = request.get("identity_number")
    if text is None:
        return None
    try:
        return read_number(text, max(tenant.business_date or date.min, datetime.now(_HERE).date()))
    except WrongNumber as error:
        raise InvalidRequest(faults=[Fault(path="identity_number", message=str(error))]) from None


def register(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any]) -> str:
    """The id of a new person, or the one that the number has already: then nothing is changed.

    Which of both is not said, so that nobody finds a protected person by registering it again.
    """
    number = number_in(request, tenant)
    if number is not None:
        store.lock_number(tx, keys, tenant.id, number.digits)
        known = store.find(tx, keys, tenant.id, number.digits)
        if known is not None:
            return known
    held = Held(store.new_id(), number.digits if number else None, _details(request, NO_DETAILS))
    store.add(tx, keys, tenant.id, held)
    return held.person


def update(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> str:
    """Change what the request names. Raises NotFound, and Conflict for a number that another person has."""
    guard.see(tx, keys, tenant, request["person"], caller)
    number = number_in(request, tenant)
    if number is not None:
        store.lock_number(tx, keys, tenant.id, number.digits)
        if store.find(tx, keys, tenant.id, number.digits) not in (None, request["person"]):
            raise Conflict("Another person has this identity number.", code="NUMBER_TAKEN")
    held = store.load(tx, keys, tenant.id, request["person"], lock=True)
    assert held is not None
    if number is not None:
        held.number = number.digits
    held.details = _details(request, held.details)
    store.save(tx, keys, tenant.id, held)
    return held.person


def show(tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.person`. Raises NotFound."""
    held = guard.see(tx, keys, tenant, person, caller)
    number = None if held.number is None else read_number(held.number, date.max)
    return {
        "person": person,
        "identity_number": held.number,
        "birth_date": number.birth_date if number else None,
        "coordination_number": number.coordination if number else False,
        **held.details,
        "marked": marked(store.protections(tx, keys, tenant.id, person), tenant.business_date),
    }


def episodes(tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, caller: Caller) -> tuple[Episode, ...]:
    """All assignments of a person together. Raises NotFound."""
    guard.see(tx, keys, tenant, person, caller)
    names = store.assignments_of(tx, tenant.id, person)
    access.showed("assignment", *names)
    return history(
        episode(
            found.case.having(one.fact for one in found.stated.values() if one.in_effect),
            tenant.settings,
            found.state,
            tenant.business_date,
        )
        for found in assignments.load_records(tx, tenant.id, names).values()
    )


def languages(
    tx: Tx, keys: PersonKeys, tenant: Tenant, assignment: str, offered: Iterable[str], caller: Caller
) -> dict[str, Any]:
    """The answer of `assignment.language`. Raises NotFound, Forbidden for a provider that is not in charge."""
    if caller.provider is not None and not guard.in_charge_of(tx, tenant, assignment, caller.provider):
        caller.require(None)
    person = store.person_of(tx, tenant.id, assignment)
    try:
        held = guard.see(tx, keys, tenant, person or "", caller, assignment)
    except NotFound:
        raise NotFound(f"Nothing is known of the person of assignment {assignment}.") from None
    told = {name: held.details[name] for name in ("swedish_ok", "language", "languages")}
    served = language_served(told["swedish_ok"], told["languages"], list(offered))
    return {"assignment": assignment, **told, "served": served, "rules": ["AF-SOM-17"]}


# --- whose assignment it is --------------------------------------------------------------------------


def require_persons(tx: Tx, tenant: Tenant, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The persons of assignments that are about to be registered: id -> person, of the new ones. Raises NotFound."""
    wanted = {row["id"]: row["person"] for row in rows if row.get("person") is not None}
    if not wanted:
        return {}
    missing = store.unknown(tx, tenant.id, wanted.values())
    if missing:
        raise NotFound(f"There is no person {missing[0]}.")
    known = store.existing(tx, tenant.id, list(wanted))
    return {name: person for name, person in wanted.items() if name not in known}


def link(tx: Tx, keys: PersonKeys, tenant: Tenant, assignment: str, person: str) -> bool:
    """Say whose assignment it is; False if that was known. Raises NotFound, Conflict if it is another's."""
    if not store.existing(tx, tenant.id, [assignment]):
        raise NotFound(f"There is no assignment {assignment}.")
    if store.unknown(tx, tenant.id, [person]):
        raise NotFound(f"There is no person {person}.")
    if not store.link(tx, tenant.id, assignment, person):
        if store.person_of(tx, tenant.id, assignment) != person:
            raise Conflict(f"The assignment {assignment} is another person's.", code="OTHER_PERSON")
        return False
    guard.keep_restricted(tx, keys, tenant, tenant.business_date, person=person)
    overlaps.look_at(tx, tenant, [assignment])
    return True


def link_new(tx: Tx, keys: PersonKeys, tenant: Tenant, theirs: Mapping[str, str]) -> None:
    """Say whose assignments these are (id -> person) that `require_persons` found to be new, in a few statements.

    Raises as `link` for one that somebody else has registered in the meantime.
    """
    linked = store.link_all(tx, tenant.id, theirs)
    for person in store.with_protection(tx, tenant.id, {theirs[name] for name in linked}):
        guard.keep_restricted(tx, keys, tenant, tenant.business_date, person=person)
    for name in theirs.keys() - linked:
        link(tx, keys, tenant, name, theirs[name])


# --- protection --------------------------------------------------------------------------------------


def protect(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> None:
    """Protect a person, or change the days of a protection. Raises NotFound."""
    guard.see(tx, keys, tenant, request["person"], caller)
    protection = Protection(request["kind"], request["since"], request["until"])
    # two at once must not both be the first of their kind
    store.load(tx, keys, tenant.id, request["person"], lock=True)
    store.protect(tx, keys, tenant.id, request["person"], protection, caller.subject)
    guard.keep_restricted(tx, keys, tenant, tenant.business_date, person=request["person"])


def allow(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> None:
    """Name a reader; one who is named already gets the new reason and day. Raises NotFound."""
    person = request["person"]
    if store.load(tx, keys, tenant.id, person, lock=True) is None:
        raise NotFound(f"There is no person {person}.")
    store.revoke_reader(tx, tenant.id, person, request["reader"], caller.subject)
    store.name_reader(
        tx, keys, tenant.id, person, request["reader"], request["reason"], request["until"], caller.subject
    )


def reseal(tx: Tx, keys: PersonKeys, tenant: str, limit: int) -> dict[str, int]:
    """Seal with the first key what another has sealed; how many persons, and how many are left."""
    names, count = store.sealed_otherwise(tx, keys, tenant, limit)
    for person in names:
        store.reseal(tx, keys, tenant, person)
    return {"resealed": len(names), "left": count - len(names)}


def _details(request: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    return {name: request.get(name, value) for name, value in before.items()}


__all__ = [
    "allow",
    "episodes",
    "languages",
    "link",
    "link_new",
    "protect",
    "register",
    "require_persons",
    "reseal",
    "show",
    "update",
]
