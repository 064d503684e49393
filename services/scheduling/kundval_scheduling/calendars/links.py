"""Addresses to subscribe to: made, listed, revoked.

A caller makes one for itself; a provider one for all of its meetings; who works with clients one for a client. What is
told is told once: only the digest of the secret is kept, and who has lost the address makes another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_chassis.outbox import new_id
from kundval_chassis.tokens import Caller
from kundval_chassis.veil import restricted
from kundval_contracts.codes import CalendarFeed
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from kundval_contracts.rpc.base import CASE, MANAGERS

from ..meetings import store as meetings
from . import store
from .addresses import digest, new_secret

#: addresses that one owner may have open: for a telephone, a computer, a replacement
MOST_OPEN = 10


def make(tx: Tx, request: Mapping[str, Any], caller: Caller, base: str) -> dict[str, Any]:
    """A new address. Raises InvalidRequest, Forbidden, NotFound, Conflict (PROTECTED, TOO_MANY_CALENDARS)."""
    tenant, assignment = request["tenant"], request["assignment"]
    kind = request["kind"] or (CalendarFeed.OWN if caller.provider is None else CalendarFeed.PROVIDER)
    if (kind is CalendarFeed.CLIENT) != (assignment is not None):
        message = "must be given for the calendar of a client, and for no other"
        raise InvalidRequest(faults=[{"path": "assignment", "message": message}])
    owner = _owner(tx, tenant, kind, assignment, caller)
    tx.lock("calendar", tenant, kind.value, owner)
    if store.open_feeds(tx, tenant, kind, owner) >= MOST_OPEN:
        raise Conflict(
            f"There are {MOST_OPEN} addresses already: revoke one that is not used.", code="TOO_MANY_CALENDARS"
        )
    secret, feed = new_secret(), new_id()
    store.add_feed(
        tx,
        {
            "tenant": tenant,
            "feed": feed,
            "kind": kind.value,
            "owner": owner,
            "provider": caller.provider,
            "assignment": assignment,
            "lang": request["lang"],
            "digest": digest(secret),
            "created_by": caller.subject,
        },
    )
    return {"feed": feed, "kind": kind, "address": f"{base.rstrip('/')}/{secret}.ics"}


def _owner(tx: Tx, tenant: str, kind: CalendarFeed, assignment: str | None, caller: Caller) -> str:
    if kind is CalendarFeed.PROVIDER:
        if caller.provider is None:
            raise Forbidden("Only a provider has a calendar of all its meetings.", code="NOT_A_PROVIDER")
        return caller.provider
    if kind is CalendarFeed.OWN:
        row = store.resource_row(tx, tenant, caller.subject)
        if not may_read_own(row, caller.provider):
            raise NotFound("The caller is not among those whose meetings are kept here.", code="NOT_A_RESOURCE")
        return caller.subject
    if caller.role not in CASE:
        raise Forbidden("Who works with the client makes its calendar.", code="ROLE_NOT_ALLOWED")
    assert assignment is not None
    client = meetings.participants(tx, tenant, [assignment])[assignment].client
    if restricted(tx, tenant, store.assignments_of(tx, tenant, client) | {assignment}):
        raise Conflict("The client is told of meetings by hand: no calendar goes out.", code="PROTECTED")
    return client


def may_read_own(row: Row | None, provider: str | None) -> bool:
    """Whether a person of that provider (None: of the municipality) may have the calendar of a resource.

    Staff of the municipality may take part in meetings without being kept as a resource.
    """
    if row is None:
        return provider is None
    return bool(row["active"]) and row["provider"] == provider


def scope(tenant: str, caller: Caller) -> dict[str, Any]:
    """Which calendars a caller may see and revoke: its own; a provider those of its own; who works with clients those
    of clients; who leads, all.
    """
    return {
        "tenant": tenant,
        "subject": caller.subject,
        "provider": caller.provider,
        "clients": caller.role in CASE,
        "all": caller.role in MANAGERS,
    }


def described(row: Row) -> dict[str, Any]:
    """A feed in the shape of `scheduling.calendar_links`."""
    names = ("feed", "kind", "owner", "provider", "assignment", "lang", "created_at", "revoked_at")
    return {name: row[name] for name in names}
