"""What a partner gets of an event: a copy under its own ids, masked if the person is protected when it is read.

The same copy whichever way it goes: a CloudEvent as every other, with its id and number, its `position` in what the
service has told, and without what ties it to other events (correlation and trace). Ids of persons and cases are
pseudonyms or hashes (`pseudonyms`); those of providers, codes, days and amounts stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from marshmallow import Schema, fields

from kundval_contracts import versions
from kundval_contracts.envelope import CONTENT_TYPE, SPECVERSION, dataschema_of, source_of, type_of
from kundval_contracts.events import MASKED, masked
from kundval_contracts.identifiers import IDS, TELLS_NOBODY, IdKind, kind_of

from ..db import Row
from .keys import PartnerKeys
from .names import both, version_of
from .pseudonyms import IdOf, Pseudonyms
from .registry import Partner

#: of what a subject is that no field of the data names
_SUBJECT = "SUBJECT"
_TEXTS = (fields.String, fields.Dict)


def copy_of(row: Row, partner: Partner, keys: PartnerKeys) -> dict[str, Any] | None:
    """The CloudEvent for the partner of a row of `log.read`, as a JSON object; None if it is not for the partner, or
    not an event that this version knows. Raises `keys.KeyMissing`.
    """
    name = row["name"]
    if not partner.may_read(row["tenant"]) or name not in both(partner.names, ("#",)):
        return None
    pseudonyms = keys.pseudonyms(partner)
    version = version_of(partner.names, name)
    try:
        schema = versions.schema_of(name, version)
        data = versions.convert(name, json.loads(row["data"]), row["version"], version)
    except versions.NoWay:
        return None
    if row["restricted"]:
        data = masked(name, data, schema)
    return {
        "specversion": SPECVERSION,
        "id": row["id"],
        "source": source_of(name.partition(".")[0]),
        "type": type_of(name, version),
        "subject": _subject(row, data, pseudonyms),
        "time": row["occurred_at"].astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": CONTENT_TYPE,
        "dataschema": dataschema_of(name, version),
        "sequence": str(row["sequence"]),
        "position": str(row["position"]),
        "tenant": row["tenant"],
        **({"masked": True} if row["restricted"] else {}),
        "data": _Copy(row["tenant"], data, pseudonyms, row["restricted"]).object(schema, data),
    }


class _Copy:
    """Data of one event under the partner's ids."""

    def __init__(self, tenant: str, data: Mapping[str, Any], pseudonyms: Pseudonyms, is_masked: bool):
        self._tenant = tenant
        self._data = data
        self._pseudonyms = pseudonyms
        self._masked = is_masked

    def object(self, schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
        """Fields that the schema does not have are left out: nobody has said what they hold."""
        known = {field.data_key or name: field for name, field in schema.fields.items()}
        return {key: self._value(known[key], key, value) for key, value in data.items() if key in known}

    def _value(self, field: fields.Field[Any], key: str, value: Any) -> Any:
        if value is None or (self._masked and value == MASKED):
            return value
        if isinstance(field, fields.Nested):
            inner = field.schema
            if field.many:
                return [self.object(inner, one) for one in value]
            return self.object(inner, value)
        if isinstance(field, fields.List):
            return [self._value(field.inner, key, one) for one in value]
        if not isinstance(field, _TEXTS) or key in TELLS_NOBODY:
            # a code can have the name of an id
            return value
        if key in IDS:
            kind = kind_of(key, self._data)
            return value if kind is None else named(self._pseudonyms, self._tenant, kind, value)
        # a field that nobody has classified yet: nothing of it is passed on as it is
        return self._pseudonyms.hashed(self._tenant, key, value) if isinstance(value, str) else {}


def named(pseudonyms: Pseudonyms, tenant: str, kind: IdKind, id: str) -> str:
    """What stands for an id of that kind."""
    if kind in IdOf.__members__:
        return pseudonyms.of(tenant, IdOf(kind.value), id)
    return pseudonyms.hashed(tenant, kind.value, id)


def _subject(row: Row, data: Mapping[str, Any], pseudonyms: Pseudonyms) -> str:
    """The subject under the id that it has in the data; hashed if nothing there says what it is."""
    subject, tenant = row["subject"], row["tenant"]
    if subject in (tenant, f"payment-{data.get('payment')}"):
        return str(subject)
    for key in ("assignment", "person", "meeting"):
        if data.get(key) == subject:
            kind = kind_of(key, data)
            return str(subject) if kind is None else named(pseudonyms, tenant, kind, subject)
    return str(subject) if data.get("provider") == subject else pseudonyms.hashed(tenant, _SUBJECT, subject)
