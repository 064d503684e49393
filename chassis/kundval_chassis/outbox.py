"""The writing side of the outbox: an event is stored in the transaction of the change that it tells of.

Service code calls `Tx.publish`. `kundval_chassis.relay` sends what is stored here.
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
from typing import Any

import psycopg
from marshmallow import RAISE, ValidationError

from kundval_contracts.envelope import Event, dump_data

from . import context
from .fits import fits

#: The relay listens here; PostgreSQL keeps channels apart per database.
CHANNEL = "kundval_outbox"

_INSERT = """
WITH stored AS (
    INSERT INTO event (id, name, version, subject, tenant, occurred_at, correlation_id, traceparent, data)
    SELECT id, name, version, subject, tenant, occurred_at, correlation_id, traceparent, data FROM ROWS FROM (
        json_to_recordset(%s::json) AS (id uuid, name text, version smallint, subject text, tenant text,
                                        "time" timestamptz, correlation_id text, traceparent text, data jsonb)
    ) WITH ORDINALITY AS t (id, name, version, subject, tenant, occurred_at, correlation_id, traceparent, data, place)
    ORDER BY place
    RETURNING sequence
), waiting AS (
    INSERT INTO outbox (sequence) SELECT sequence FROM stored
)
SELECT pg_notify(%s, '')
"""


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

    def head(self) -> dict[str, Any]:
        """Everything but the data, as JSON primitives."""
        return {
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


def prepare(
    name: str, *, subject: str, tenant: str, data: Mapping[str, Any], cause: Event | None = None
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
    except ValidationError as error:
        raise InvalidPublication(name, error.messages) from None
    except (TypeError, ValueError):
        raise InvalidPublication(name, {"": ["must hold JSON primitives only"]}) from None
    correlation = (cause.correlation_id if cause else None) or context.correlation_id.get()
    return Publication(
        id=new_id(),
        name=name,
        version=kind.version,
        subject=subject,
        tenant=tenant,
        time=datetime.now(UTC),
        correlation_id=correlation or context.new_correlation_id(),
        traceparent=context.child_traceparent(cause.traceparent if cause else None),
        data=text,
    )


def store(conn: psycopg.Connection[Any], publications: Iterable[Publication]) -> None:
    """Write events and wake the relay when (and only if) the transaction commits."""
    # the data is JSON text already: it goes into the list of rows as it is
    rows = [f'{dump_data(p.head())[:-1]},"data":{p.data}}}' for p in publications]
    if rows:
        conn.execute(_INSERT, (f"[{','.join(rows)}]", CHANNEL))


def new_id() -> str:
    """A UUID that grows with time (version 7), so that indexes on it stay small and hot."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp & ((1 << 48) - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62
    return str(uuid.UUID(int=value | secrets.randbits(62)))
