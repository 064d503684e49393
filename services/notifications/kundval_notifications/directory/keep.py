"""Parties and preferences: checked, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import DeliveryChannel, Role
from kundval_contracts.errors import Conflict, Fault, Forbidden, InvalidRequest, NotFound
from kundval_contracts.rpc.base import CallerRole
from kundval_contracts.webhooks import new_secret

from ..texts import languages
from . import store
from .addresses import Network, mobile_number, webhook_fault
from .contacts import Contacts
from .store import ANYBODY, Whose

#: as what a caller gets notices itself; a provider is told as one, whoever of it reads
_ROLES = {
    CallerRole.CASE_WORKER: Role.CAREER_GUIDE,
    CallerRole.CAREER_GUIDE: Role.CAREER_GUIDE,
    CallerRole.TEAM_MANAGER: Role.TEAM_MANAGER,
}


def name_of(request: Mapping[str, Any]) -> str:
    """The party that a request names, as it is kept."""
    return request["party"] or ANYBODY


def set_party(tx: Tx, contacts: Contacts, request: Mapping[str, Any], caller: Caller) -> str | None:
    """Keep what is stated of a party; the webhook's secret if it is new. Raises InvalidRequest, and Conflict
    (UNIT_TAKEN) if another leads the unit.
    """
    _require_sound(request, contacts.networks)
    tenant, role, name, unit = request["tenant"], request["role"], name_of(request), request["unit"]
    if role is Role.TEAM_MANAGER and unit is not None:
        tx.lock("unit", tenant, unit)
        if store.leads(tx, tenant, unit) not in (None, name):
            raise Conflict(f"The unit {unit} has another team manager.", code="UNIT_TAKEN")
    tx.lock("party", tenant, role.value, name)
    held = store.party(tx, tenant, role, name)
    told, sealed = _secret(contacts, request, held)
    addresses = {
        DeliveryChannel.EMAIL: request["email"],
        DeliveryChannel.SMS: request["phone"],
        DeliveryChannel.WEBHOOK: request["webhook"],
    }
    store.save_party(
        tx,
        {
            "tenant": tenant,
            "role": role.value,
            "party": name,
            "unit": unit,
            "addresses": {channel.value: address for channel, address in addresses.items() if address is not None},
            "secret": sealed,
            "language": request["language"],
            "changed_by": caller.subject,
        },
    )
    return told


def _secret(
    contacts: Contacts, request: Mapping[str, Any], held: Mapping[str, Any] | None
) -> tuple[str | None, bytes | None]:
    """The secret to be told, and what is to be kept sealed: with a new one the one before it, with a space between,
    so that both sign until the party is stated again.
    """
    if request["webhook"] is None:
        return None, None
    place = (request["tenant"], request["role"].value, name_of(request))
    before: list[str] = []
    if held is not None and held["addresses"].get(DeliveryChannel.WEBHOOK.value) == request["webhook"]:
        before = (contacts.seal.open(bytes(held["secret"]), *place) or "").split()[:1]
    if before and not request["new_secret"]:
        return None, contacts.seal.seal(before[0], *place)
    secret = new_secret()
    return secret, contacts.seal.seal(" ".join([secret, *before]), *place)


def _require_sound(request: Mapping[str, Any], networks: Sequence[Network]) -> None:
    faults = _language_faults(request)
    if request["phone"] is not None and mobile_number(request["phone"]) != request["phone"]:
        faults.append(Fault(path="phone", message="is no number that takes an SMS"))
    if request["webhook"] is not None and (fault := webhook_fault(request["webhook"], networks)) is not None:
        faults.append(Fault(path="webhook", message=fault))
    if faults:
        raise InvalidRequest(faults=faults)


def _language_faults(request: Mapping[str, Any]) -> list[Fault]:
    if request["language"] in (None, *languages()):
        return []
    return [Fault(path="language", message=f"must be one of {', '.join(languages())}")]


# --- preferences -------------------------------------------------------------------------------------


def whose(request: Mapping[str, Any], caller: Caller) -> Whose:
    """About whom a request is: a client, the caller, or the caller's provider. Raises Forbidden, NotFound."""
    if caller.provider is not None:
        if request["person"] is not None:
            raise Forbidden("Who works with the client says what it wants.", code="ROLE_NOT_ALLOWED")
        return Role.PROVIDER.value, caller.provider
    if request["person"] is not None:
        return Role.CLIENT.value, request["person"]
    role = _ROLES.get(caller.role)
    if role is None:
        raise NotFound("A program gets no notices: name the person.", code="NOT_A_RECIPIENT")
    return role.value, caller.subject


def prefer(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """Keep what somebody wants; the answer of `notifications.preferences`. Raises as `whose`."""
    role, name = whose(request, caller)
    if faults := _language_faults(request):
        raise InvalidRequest(faults=faults)
    store.save_preference(
        tx,
        {
            "tenant": request["tenant"],
            "role": role,
            "party": name,
            "refused": [one.value for one in request["refused"]],
            "channels": None if request["channels"] is None else [one.value for one in request["channels"]],
            "digest": request["digest"],
            "language": request["language"],
            "changed_by": caller.subject,
        },
    )
    return preferences(tx, request["tenant"], (role, name))


def preferences(tx: Tx, tenant: str, of: Whose) -> dict[str, Any]:
    """What somebody wants, or that nothing has been said."""
    row = store.preferences(tx, tenant, [of]).get(of)
    if row is None:
        return {"refused": [], "channels": None, "digest": False, "language": None, "changed_at": None}
    return {name: row[name] for name in ("refused", "channels", "digest", "language", "changed_at")}
