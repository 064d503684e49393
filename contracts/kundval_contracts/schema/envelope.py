"""JSON Schema of the envelope: one CloudEvents 1.0 JSON object around the data of an event."""

from __future__ import annotations

from ..envelope import CONTENT_TYPE, SPECVERSION, dataschema_of, source_of, type_of
from .values import Json

_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_OPAQUE = r"^[^\s\x00-\x1f\x7f]{1,200}$"
_ABOUT = {
    "id": "The same when the event is sent again, in a replay too: know by it what you have handled.",
    "subject": "The assignment, or whatever else it is about; the tenant where it is about no single one.",
    "time": "When it was recorded.",
    "sequence": "The digits of a number that grows for each source.",
    "tenant": "The municipality instance.",
    "traceparent": "W3C trace context; partners' copies have none.",
    "correlationid": "The same for all that one request led to; partners' copies have none.",
    "versions": "Only of an event that is told in several versions, a message each with the same id: take the highest "
    "that you know, and pass over the others.",
    "masked": "Only of a protected person: what says where the person is has been replaced.",
    "restricted": "Only of a protected person, and only for the services of the suite: the whole event.",
}


def envelope(data: Json, name: str | None = None, version: int = 1) -> Json:
    """The schema of a whole event with `data`. With a name it is that event's; without, any event's."""
    fixed: dict[str, Json] = {
        "source": {"type": "string", "pattern": "^/kundval/[a-z][a-z0-9_]*$"},
        "type": {"type": "string", "pattern": r"^se\.kundval\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.v[1-9][0-9]{0,3}$"},
        "dataschema": {"type": "string"},
    }
    if name is not None:
        fixed = {
            "source": {"const": source_of(name.partition(".")[0])},
            "type": {"const": type_of(name, version)},
            "dataschema": {"const": dataschema_of(name, version)},
        }
    properties: dict[str, Json] = {
        "specversion": {"const": SPECVERSION},
        "id": {"type": "string", "pattern": _UUID},
        **fixed,
        "subject": {"type": "string", "pattern": _OPAQUE},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": CONTENT_TYPE},
        "sequence": {"type": "string", "pattern": "^[0-9]{1,18}$"},
        "tenant": {"type": "string", "pattern": _OPAQUE},
        "traceparent": {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
        "correlationid": {"type": "string", "pattern": _OPAQUE},
        "versions": {"type": "string", "pattern": "^[1-9][0-9]{0,3}( [1-9][0-9]{0,3}){0,19}$"},
        "masked": {"type": "boolean"},
        "restricted": {"type": "boolean"},
        "data": data,
    }
    for field, text in _ABOUT.items():
        properties[field] = {"description": text, **properties[field]}
    needed = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "sequence",
              "tenant", "data"]  # fmt: skip
    return {"type": "object", "properties": properties, "required": needed}
