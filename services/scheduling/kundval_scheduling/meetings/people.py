"""Who and what can take part: staff, rooms, interpreters, absences, and who usually is there for an assignment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import time
from typing import Any

from kundval_chassis.access import is_number
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import BookingRefusal
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound

from ..domain import premises as of_providers
from ..domain.booking import FARTHEST
from ..domain.instants import LOCAL, BadInstant, Span
from ..domain.meeting import Meeting
from ..domain.resources import Hours, Participant, Resource, is_client
from . import book, groups, sight, store
from .times import read_instant


def keep_resources(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> int:
    """Keep resources of the municipality or of a provider; how many. Raises Forbidden for one of somebody else."""
    provider = caller.provider or request["provider"]
    _known(tenant, provider)
    given = {one["resource"]: one for one in request["resources"]}
    if any(is_client(name) for name in given):
        raise InvalidRequest(faults=[{"path": "resources", "message": "must not have the id of a client"}])
    require_opaque(given, "resources")
    # of two who give the same new id at once the second finds it taken
    tx.lock("resources", tenant.id)
    _require_owner(tx, tenant, provider, given)
    kept = [
        store.Kept(
            Resource(
                name,
                one["kind"],
                _hours(one["hours"]),
                one["team"],
                provider,
                one["place"],
                one["fte"],
                tuple(one["languages"]),
                one["seats"],
            ),
            one["active"],
        )
        for name, one in sorted(given.items())
    ]
    store.save_resources(tx, tenant.id, kept)
    return len(kept)


def require_opaque(names: Iterable[str], path: str) -> None:
    """Raise InvalidRequest for an id that looks like a personal identity number; it is not quoted."""
    if any(is_number(name) for name in names):
        raise InvalidRequest(faults=[{"path": path, "message": "must not have a personal identity number as an id"}])


def _known(tenant: Tenant, provider: str | None) -> None:
    if provider is not None and provider not in tenant.providers:
        raise NotFound(f"There is no provider {provider}.")


def _require_owner(tx: Tx, tenant: Tenant, provider: str | None, names: Iterable[str]) -> None:
    """A resource does not pass from one to another."""
    for name, owner in sorted(store.owners(tx, tenant.id, list(names)).items()):
        if owner != provider:
            raise Forbidden(f"The resource {name} is somebody else's.", code="NOT_YOUR_RESOURCE")


def _hours(rows: Iterable[Mapping[str, Any]]) -> tuple[Hours, ...]:
    return tuple(
        Hours(
            one["weekday"],
            time.fromisoformat(one["start"]),
            time.fromisoformat(one["end"]),
            one["place"],
            one["first"],
            one["last"],
        )
        for one in rows
    )


def resources(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """A page of resources; a provider sees its own."""
    found = store.listed(
        tx,
        request["tenant"],
        team=request["team"],
        provider=caller.provider or request["provider"],
        kind=request["kind"],
        after=request["after"],
        limit=request["limit"],
    )
    rows = [
        {
            "resource": one.resource.id,
            "kind": one.resource.kind,
            "team": one.resource.team,
            "provider": one.resource.provider,
            "place": one.resource.place,
            "fte": str(one.resource.fte),
            "languages": one.resource.languages,
            "seats": one.resource.seats,
            "hours": store.dump_hours(one.resource.hours),
            "active": one.active,
        }
        for one in found
    ]
    return {"resources": rows, "next": rows[-1]["resource"] if len(rows) == request["limit"] else None}


def premises(tx: Tx, tenant: Tenant, provider: str | None) -> list[dict[str, Any]]:
    """The premises of one provider, or of all, and whether they are as the employment service asks."""
    resources = store.resources(tx, tenant.id, provider=provider).values()
    found = of_providers.premises(resources, tenant.settings["som.open_hours_week"])
    return [asdict(one) for one in found]


def keep_participants(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> int:
    """Keep who usually takes part for assignments; how many. Raises NotFound for one that there is not."""
    given = {one["assignment"]: one for one in request["participants"]}
    known = tx.query(
        "SELECT assignment FROM held_case WHERE tenant = %s AND assignment = ANY(%s)", (tenant.id, sorted(given))
    )
    missing = sorted(set(given) - {row["assignment"] for row in known})
    if missing:
        raise NotFound(f"There is no assignment {missing[0]}.")
    require_opaque((one["client"] for one in given.values()), "participants")
    store.lock_cases(tx, tenant.id, list(given))
    before = store.participants(tx, tenant.id, list(given))
    kept = [
        Participant(
            name,
            one["client"],
            one["guide"],
            one["contact"],
            one["team"],
            one["place"],
            one["swedish_ok"],
            tuple(one["languages"]),
            _hours(one["hours"]),
        )
        for name, one in sorted(given.items())
    ]
    store.save_participants(tx, tenant.id, kept)
    _rename(tx, tenant, [(one.assignment, before[one.assignment].key, one.key) for one in kept])
    return len(given)


def _rename(tx: Tx, tenant: Tenant, clients: Iterable[tuple[str, str, str]]) -> None:
    """Carry the hours of meetings to come over to who the client is now: (assignment, key before, key now).

    Raises Conflict (ALREADY_TAKEN) if two that were two persons are one, and have meetings at the same time.
    """
    changed = [one for one in clients if one[1] != one[2]]
    for key in sorted({key for _, *keys in changed for key in keys}):
        tx.lock("claim", tenant.id, key)
    for assignment, before, now in changed:
        try:
            store.rename_client(tx, tenant.id, assignment, before, now)
        except store.Taken:
            raise Conflict(
                "The client has meetings at the same time in another assignment: rebook one of them first.",
                code=BookingRefusal.ALREADY_TAKEN.value,
                faults=[{"path": "participants", "message": "has a client who is taken at the time of a meeting"}],
            ) from None


def keep_absence(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> None:
    """Take a resource for an absence. Raises NotFound, Forbidden, InvalidRequest, Conflict (ALREADY_TAKEN)."""
    name, zone = request["resource"], request["zone"] or LOCAL
    provider = caller.provider or request["provider"]
    if name not in store.owners(tx, tenant.id, [name]):
        raise NotFound(f"There is no resource {name}.")
    _require_owner(tx, tenant, provider, [name])
    former = store.absence(tx, tenant.id, request["absence"])
    if former is not None:
        _require_owner(tx, tenant, provider, [former])
    start = read_instant(request["starts_at"], zone, "starts_at")
    end = read_instant(request["ends_at"], zone, "ends_at")
    try:
        span = Span(start, end)
    except BadInstant as error:
        raise InvalidRequest(code=error.code, faults=[{"path": "ends_at", "message": str(error)}]) from None
    if span.end - span.start > FARTHEST:
        message = "is too late: an absence takes two years at the most"
        raise InvalidRequest(code=BookingRefusal.TOO_LONG.value, faults=[{"path": "ends_at", "message": message}])
    tx.lock("claim", tenant.id, name)
    try:
        store.take_absence(tx, tenant.id, request["absence"], name, span)
    except store.Taken:
        raise Conflict(
            "The resource is taken for a part of that time: rebook or cancel its meetings first.",
            code=BookingRefusal.ALREADY_TAKEN.value,
            faults=[{"path": "resource", "message": "is taken at that time"}],
        ) from None


def remove_absence(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> bool:
    """Raises Forbidden if it is another's."""
    found = store.absence(tx, tenant.id, request["absence"])
    if found is None:
        return False
    _require_owner(tx, tenant, caller.provider or request["provider"], [found])
    return store.drop_absence(tx, tenant.id, request["absence"])


def session_for(tx: Tx, tenant: Tenant, meeting: str, assignment: str, caller: Caller) -> Meeting:
    """A group session that an assignment can be in. Raises NotFound, Forbidden, Conflict."""
    sight.require_meeting(tx, tenant, caller, meeting)
    store.lock_cases(tx, tenant.id, [assignment])
    session = groups.load(tx, tenant.id, meeting)
    groups.require_open(session)
    outlook = book.files(tx, tenant, [assignment])[assignment].outlook
    if outlook.exit is not None:
        raise Conflict("The intervention has been ended.", code=BookingRefusal.ENDED.value)
    if session.provider is not None and session.provider != outlook.provider:
        raise Conflict(
            "The session is of a provider that is not in charge of the client.",
            code=BookingRefusal.OTHER_PROVIDERS_CLIENT.value,
        )
    return session
