"""The writing side of the outbox: an event is stored in the transaction of the change that it tells of.

Service code calls `Tx.publish`. `kundval_chassis.relay` sends what is stored here.

An event about a protected person is restricted: it leaves whole for the services of the suite alone, and masked for
everybody else. It is so if it was published so, or if its subject is restricted when it is sent, today or in a
replay. Assignment decides (`restrict`, `unrestrict`); the other services hear of it with the events (`heed`), so that
what they themselves publish about the subject is restricted too.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import psycopg
from marshmallow import RAISE, ValidationError

from kundval_contracts import versions
from kundval_contracts.envelope import Event, dump_data

from . import context, traces
from .fits import fits

if TYPE_CHECKING:
    from .db import Tx

#: The relay listens here; PostgreSQL keeps channels apart per database.
CHANNEL = "kundval_outbox"

#: The event by which assignment tells the others whose whereabouts are restricted.
PROTECTION_CHANGED = "assignment.protection_changed"

_INSERT = """
WITH stored AS (
    INSERT INTO event (id, name, version, subject, tenant, occurred_at, correlation_id, traceparent, restricted, data)
    SELECT id, name, version, subject, tenant, occurred_at, correlation_id, traceparent, coalesce(restricted, false),
           data
    FROM ROWS FROM (
        json_to_recordset(%s::json) AS (id uuid, name text, version smallint, subject text, tenant text,
                                        "time" timestamptz, correlation_id text, traceparent text, restricted boolean,
                                        data jsonb)
    ) WITH ORDINALITY
      AS t (id, name, version, subject, tenant, occurred_at, correlation_id, traceparent, restricted, data, place)
    ORDER BY place
    RETURNING sequence
), waiting AS (
    INSERT INTO outbox (sequence) SELECT sequence FROM stored
)
SELECT pg_notify(%s, '')
"""

_RESTRICT = """
INSERT INTO restricted_subject (tenant, subject, restricted) VALUES (%s, %s, true)
ON CONFLICT (tenant, subject) DO UPDATE SET restricted = true WHERE NOT restricted_subject.restricted
"""
_UNRESTRICT = """
UPDATE restricted_subject SET restricted = false WHERE tenant = %s AND subject = %s AND restricted
"""
_HEED = """
INSERT INTO restricted_subject (tenant, subject, restricted, sequence)
SELECT * FROM json_to_recordset(%s::json) AS t (tenant text, subject text, restricted boolean, sequence bigint)
ON CONFLICT (tenant, subject) DO UPDATE SET restricted = excluded.restricted, sequence = excluded.sequence
WHERE restricted_subject.sequence < excluded.sequence
RETURNING tenant, subject, restricted
"""
_UNMARK = "UPDATE event SET restricted = false WHERE tenant = %s AND subject = %s AND restricted"


class InvalidPublication(ValueError):
    """A service tried to publish what the contracts do not allow: a fault in the service.

    `faults` is marshmallow's map of field to messages; no value is quoted.
    """

    def __init__(self, name: str, faults: Any):
        self.name = name
        self.faults = faults
        super().__init__(f"{name}: {faults}")


@dataclass(frozen=True, slots=True)
class Publication:
    """An event that waits for its transaction. It gets its sequence number from the database."""

    id: str
    name: str
    version: int
    subject: str
    tenant: str
    time: datetime
    correlation_id: str
    traceparent: str
    data: str
    restricted: bool = False

    def head(self) -> dict[str, Any]:
        """Everything but the data, as JSON primitives."""
        return {
            **({"restricted": True} if self.restricted else {}),
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "subject": self.subject,
            "tenant": self.tenant,
            "time": self.time.isoformat(),
            "correlation_id": self.correlation_id,
            "traceparent": self.traceparent,
        }


@cache
def event_types() -> Mapping[str, Any]:
    """Every event type of the contracts, by name."""
    types: Mapping[str, Any] = import_module("kundval_contracts.events").EVENTS
    return types


def received_types() -> Mapping[str, Any]:
    """Every event type that a service may take in, by name: those of the suite, and of systems outside it."""
    outside: Mapping[str, Any] = import_module("kundval_contracts.events_in").EVENTS_IN
    return {**event_types(), **outside}


def prepare(
    name: str,
    *,
    subject: str,
    tenant: str,
    data: Mapping[str, Any],
    cause: Event | None = None,
    restricted: bool = False,
) -> Publication:
    """Check an event against the contracts and give it id, time, correlation and trace.

    Raises `InvalidPublication`. Fields that the schema does not have are refused too: they might be what no
    event may carry.
    """
    kind = event_types().get(name)
    if kind is None:
        raise InvalidPublication(name, {"": ["is no event of the contracts"]})
    faults = {
        field: ["must be a non-empty string"]
        for field, value in (("subject", subject), ("tenant", tenant))
        if not isinstance(value, str) or not value
    }
    if faults:
        raise InvalidPublication(name, faults)
    try:
        if not fits(kind.schema, data, strict=True):
            kind.schema.load(data, unknown=RAISE)
        text = dump_data(data)
        _former_versions(name, data)
    except ValidationError as error:
        raise InvalidPublication(name, error.messages) from None
    except (TypeError, ValueError, LookupError):
        raise InvalidPublication(name, {"": ["must hold JSON primitives only"]}) from None
    if data.get("assignment", subject) != subject:
        # who is protected is known by the subject
        raise InvalidPublication(name, {"subject": ["must be the assignment that the data name"]})
    correlation = (cause.correlation_id if cause else None) or context.correlation_id.get()
    parent = cause.traceparent if cause else None
    return Publication(
        id=new_id(),
        name=name,
        version=kind.version,
        subject=subject,
        tenant=tenant,
        time=datetime.now(UTC),
        correlation_id=correlation or context.new_correlation_id(),
        traceparent=traces.created(name, parent or context.traceparent.get()) or context.child_traceparent(parent),
        data=text,
        restricted=restricted,
    )


def _former_versions(name: str, data: Mapping[str, Any]) -> None:
    """See to it that the event can be told in every version that is told. Raises as the converters and schemas do."""
    if name in versions.FORMER:
        *former, present = versions.told_as(name)
        for version in former:
            versions.schema_of(name, version).load(versions.convert(name, data, present, version))


def store(conn: psycopg.Connection[Any], publications: Iterable[Publication]) -> None:
    """Write events and wake the relay when (and only if) the transaction commits."""
    # the data is JSON text already: it goes into the list of rows as it is
    rows = [f'{dump_data(p.head())[:-1]},"data":{p.data}}}' for p in publications]
    if rows:
        conn.execute(_INSERT, (f"[{','.join(rows)}]", CHANNEL))


def restrict(tx: Tx, tenant: str, subject: str) -> bool:
    """Tell whereabouts of this assignment to the services of the suite alone: from now on, and in every replay of what
    was published before. The other services are told. True if it was not so yet.

    For assignment, when a person becomes protected or a protected one is registered.
    """
    return _decide(tx, _RESTRICT, tenant, subject, restricted=True)


def unrestrict(tx: Tx, tenant: str, subject: str) -> bool:
    """The end of `restrict`: everything about the assignment, what is kept included, is told whole again. The other
    services are told. True if it was restricted.

    That old whereabouts may be told now is for the caller to know.
    """
    changed = _decide(tx, _UNRESTRICT, tenant, subject, restricted=False)
    # also what was published as restricted without the subject being so
    tx.flush()
    tx.execute(_UNMARK, (tenant, subject))
    return changed


def _decide(tx: Tx, statement: str, tenant: str, subject: str, *, restricted: bool) -> bool:
    if not tx.execute(statement, (tenant, subject)):
        return False
    tx.publish(
        PROTECTION_CHANGED, subject=subject, tenant=tenant, data={"assignment": subject, "restricted": restricted}
    )
    return True


def heed(tx: Tx, events: Iterable[Event]) -> None:
    """Remember which subjects are restricted, as events of assignment say: the one with the highest number counts."""
    found = [one for one in events if one.restricted or one.name == PROTECTION_CHANGED]
    said = {
        (one.tenant, one.subject): {
            "tenant": one.tenant,
            "subject": one.subject,
            # an event that came as restricted says it of its subject too
            "restricted": one.name != PROTECTION_CHANGED or one.data.get("restricted") is not False,
            "sequence": one.sequence,
        }
        for one in sorted(found, key=lambda one: one.sequence)
        # numbers of different services cannot be compared, and this one knows
        if one.service == "assignment"
    }
    if not said:
        return
    rows = [said[key] for key in sorted(said)]
    for row in tx.query(_HEED, (dump_data(rows),)):
        if not row["restricted"]:
            tx.execute(_UNMARK, (row["tenant"], row["subject"]))


def new_id() -> str:
    """A UUID that grows with time (version 7), so that indexes on it stay small and hot."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp & ((1 << 48) - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62
    return str(uuid.UUID(int=value | secrets.randbits(62)))
