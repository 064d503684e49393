"""Read an event of another system that comes in a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from kundval_contracts.envelope import BadEvent, Event
from kundval_contracts.errors import InvalidRequest, faults_of
from kundval_contracts.events_in import EVENTS_IN


def read(raw: Mapping[str, Any], tenant: str) -> Event:
    """The event, which fits its schema. Raises InvalidRequest naming what is wrong; no value is quoted."""
    try:
        event = Event.from_dict(dict(raw))
    except BadEvent as error:
        raise _wrong(error.field, error.problem) from None
    kind = EVENTS_IN.get(event.name)
    if kind is None:
        raise _wrong("type", f"must be one of: {', '.join(EVENTS_IN)}")
    if event.version > kind.version:
        raise _wrong("type", "is of a newer version")
    if event.tenant != tenant:
        raise _wrong("tenant", "must be that of the request")
    try:
        kind.schema.load(event.data)
    except ValidationError as error:
        raise InvalidRequest(faults=faults_of(error.messages, "event.data")) from None
    return event


def _wrong(field: str, problem: str) -> InvalidRequest:
    return InvalidRequest(faults=[{"path": f"event.{field}" if field else "event", "message": problem}])
