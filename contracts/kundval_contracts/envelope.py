"""The envelope of every event: one CloudEvents 1.0 JSON object.

On the wire::

    {"specversion": "1.0", "id": "018f…", "source": "/kundval/assignment",
     "type": "se.kundval.assignment.exited.v1", "subject": "A-001", "time": "2024-06-20T09:30:00.123456Z",
     "datacontenttype": "application/json", "dataschema": "urn:kundval:event:assignment.exited:v1",
     "traceparent": "00-…", "sequence": "4711", "tenant": "nacka", "correlationid": "…", "data": {…}}

`sequence` is a string, as CloudEvents wants it, of a number that grows per source. `traceparent` and
`correlationid` may be absent; attributes that this version does not know are ignored, as CloudEvents allows.
Everything else is checked strictly and a fault names its attribute.

An event about a person who is protected has one attribute more, and it is `true`. `masked`: this is the copy for
everybody, in which nothing says where the person is. `restricted`: this is the whole event, as only the services of
the suite get it.

An event that is told in several versions is several messages with the same `id`, and each has `versions`, for example
`"1 2"`: a reader takes the highest that it knows and passes over the others (`kundval_contracts.versions`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

#: the most bytes of an event that is read
LARGEST = 8 * 2**20
SPECVERSION = "1.0"
CONTENT_TYPE = "application/json"

_NAME = r"[a-z][a-z0-9_]*"
_TYPE = re.compile(rf"se\.kundval\.(({_NAME})\.{_NAME})\.v([1-9][0-9]{{0,3}})")
_SOURCE = re.compile(rf"/kundval/({_NAME})")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_VERSIONS = re.compile(r"[1-9][0-9]{0,3}( [1-9][0-9]{0,3}){0,19}")
#: Opaque ids: short and without spaces, so that no name or sentence travels in one.
_OPAQUE = re.compile(r"[^\s\x00-\x1f\x7f]{1,200}")


class BadEvent(ValueError):
    """The text is no event of ours. `field` names the attribute (empty: the whole), `problem` says why.

    Neither quotes the value, which may hold what must not reach a log.
    """

    def __init__(self, field: str, problem: str):
        super().__init__(f"{field or 'event'}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as another service hears of it.

    `name` is `<service>.<what>` (also the routing key), `subject` an assignment id or the tenant, `time` the
    instant of recording in UTC, `sequence` grows per source, `data` holds JSON primitives.
    """

    id: str
    name: str
    version: int
    subject: str
    tenant: str
    time: datetime
    sequence: int
    data: dict[str, Any]
    correlation_id: str | None = None
    traceparent: str | None = None
    #: what says where the person is has been replaced by `events.MASKED` or null
    masked: bool = False
    #: whole, and about a person whose whereabouts are for the services of the suite alone
    restricted: bool = False
    #: the versions in which it is told, its own among them; empty: its own alone
    versions: tuple[int, ...] = ()

    @property
    def service(self) -> str:
        """Name of the service that published it, for example `assignment`."""
        return self.name.partition(".")[0]

    @property
    def source(self) -> str:
        """The CloudEvents source, for example `/kundval/assignment`."""
        return source_of(self.service)

    @property
    def type(self) -> str:
        """The CloudEvents type, for example `se.kundval.assignment.exited.v1`."""
        return type_of(self.name, self.version)

    def to_json(self) -> str:
        """The event as it travels."""
        return compose(
            id=self.id,
            name=self.name,
            version=self.version,
            subject=self.subject,
            tenant=self.tenant,
            time=self.time,
            sequence=self.sequence,
            correlation_id=self.correlation_id,
            traceparent=self.traceparent,
            data=dump_data(self.data),
            masked=self.masked,
            restricted=self.restricted,
            versions=self.versions,
        )

    @classmethod
    def from_json(cls, text: str | bytes | bytearray | memoryview) -> Event:
        """Read an event; raises `BadEvent` naming the attribute that is wrong."""
        if isinstance(text, memoryview):
            text = bytes(text)
        if not isinstance(text, str | bytes | bytearray):
            raise BadEvent("", "must be text")
        if len(text) > LARGEST:
            raise BadEvent("", f"has more than {LARGEST} bytes")
        try:
            raw = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            # the parser's own message quotes the text
            raise BadEvent("", "is not JSON in UTF-8") from None
        return cls.from_dict(raw)

    @classmethod
    def from_dict(cls, raw: Any) -> Event:
        """Read an event from its JSON object; raises `BadEvent`."""
        if not isinstance(raw, dict):
            raise BadEvent("", "must be a JSON object")
        if _text(raw, "specversion") != SPECVERSION:
            raise BadEvent("specversion", f"must be {SPECVERSION}")
        type_match = _matching(raw, "type", _TYPE, "must be se.kundval.<service>.<what>.v<number>")
        source_match = _matching(raw, "source", _SOURCE, "must be /kundval/<service>")
        if source_match[1] != type_match[2]:
            raise BadEvent("source", "must name the service of the type")
        if _text(raw, "datacontenttype") != CONTENT_TYPE:
            raise BadEvent("datacontenttype", f"must be {CONTENT_TYPE}")
        name, version = type_match[1], int(type_match[3])
        if _text(raw, "dataschema") != dataschema_of(name, version):
            raise BadEvent("dataschema", "must be the schema of the type")
        data = raw.get("data")
        if not isinstance(data, dict):
            raise BadEvent("data", "must be a JSON object")
        traceparent = raw.get("traceparent")
        if traceparent is not None:
            _matching(raw, "traceparent", _TRACEPARENT, "must be a W3C traceparent")
        correlation_id = raw.get("correlationid")
        if correlation_id is not None:
            _matching(raw, "correlationid", _OPAQUE, "must be an opaque id")
        return cls(
            id=_matching(raw, "id", _UUID, "must be a UUID in lower case")[0],
            name=name,
            version=version,
            subject=_matching(raw, "subject", _OPAQUE, "must be an opaque id")[0],
            tenant=_matching(raw, "tenant", _OPAQUE, "must be an opaque id")[0],
            time=_instant(_text(raw, "time")),
            sequence=_number(_text(raw, "sequence")),
            data=data,
            correlation_id=correlation_id,
            traceparent=traceparent,
            masked=_flag(raw, "masked"),
            restricted=_flag(raw, "restricted"),
            versions=_versions(raw, version),
        )


def source_of(service: str) -> str:
    """The CloudEvents source of a service."""
    return f"/kundval/{service}"


def type_of(name: str, version: int) -> str:
    """The CloudEvents type of an event name in a version."""
    return f"se.kundval.{name}.v{version}"


def dataschema_of(name: str, version: int) -> str:
    """The URI that names the schema of an event's data."""
    return f"urn:kundval:event:{name}:v{version}"


def exchange_of(service: str) -> str:
    """The topic exchange to which a service publishes; nameko's own convention."""
    return f"{service}.events"


def restricted_exchange_of(service: str) -> str:
    """The topic exchange to which a service publishes whole events about protected persons, for the suite alone."""
    return f"{service}.restricted"


def dump_data(data: Any) -> str:
    """JSON text of JSON primitives. Decimal, date and other types raise TypeError; NaN raises ValueError."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def compose(
    *,
    id: str,
    name: str,
    version: int,
    subject: str,
    tenant: str,
    time: datetime,
    sequence: int,
    correlation_id: str | None,
    traceparent: str | None,
    data: str,
    masked: bool = False,
    restricted: bool = False,
    versions: tuple[int, ...] = (),
) -> str:
    """The envelope around `data`, which is JSON text already (a stored event needs no second encoding)."""
    head: dict[str, str | bool] = {
        "specversion": SPECVERSION,
        "id": id,
        "source": source_of(name.partition(".")[0]),
        "type": type_of(name, version),
        "subject": subject,
        "time": time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": CONTENT_TYPE,
        "dataschema": dataschema_of(name, version),
        "sequence": str(sequence),
        "tenant": tenant,
    }
    if traceparent is not None:
        head["traceparent"] = traceparent
    if correlation_id is not None:
        head["correlationid"] = correlation_id
    if masked:
        head["masked"] = True
    if restricted:
        head["restricted"] = True
    if len(versions) > 1:
        head["versions"] = " ".join(map(str, versions))
    return f'{dump_data(head)[:-1]},"data":{data}}}'


def _text(raw: dict[str, Any], field: str) -> str:
    value = raw.get(field)
    if value is None:
        raise BadEvent(field, "is missing")
    if not isinstance(value, str):
        raise BadEvent(field, "must be a string")
    return value


def _flag(raw: dict[str, Any], field: str) -> bool:
    value = raw.get(field, False)
    if value is not True and value is not False:
        raise BadEvent(field, "must be true or false")
    return value


def _versions(raw: dict[str, Any], own: int) -> tuple[int, ...]:
    if raw.get("versions") is None:
        return ()
    _matching(raw, "versions", _VERSIONS, "must be the numbers of versions")
    found = tuple(map(int, raw["versions"].split(" ")))
    if own not in found:
        raise BadEvent("versions", "must have the version of the type among them")
    return found


def _matching(raw: dict[str, Any], field: str, pattern: re.Pattern[str], problem: str) -> re.Match[str]:
    match = pattern.fullmatch(_text(raw, field))
    if match is None:
        raise BadEvent(field, problem)
    return match


def _instant(text: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise BadEvent("time", "must be an RFC 3339 instant with an offset")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise BadEvent("time", "must be an RFC 3339 instant with an offset") from None
    return instant if instant.utcoffset() == timedelta(0) else instant.astimezone(UTC)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadEvent("sequence", "must be the digits of a number")
    return int(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
