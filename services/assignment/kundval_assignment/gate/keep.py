"""What is kept on a ground: sealed, found for the same purpose alone, gone when the ground holds no more."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_chassis import access
from kundval_chassis.db import Row, Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import DataKind, GateRefusal, Purpose

from ..domain.gate import Ground, Need, holds_until, why_not
from ..people.keys import PersonKeys
from . import store
from .pass_through import cases_of, refused, why_no_more

#: for what a record is sealed, beside tenant and person
PLACE = "gate record"


@dataclass(frozen=True, slots=True)
class Record:
    """Something that was kept. `kind`: what it is, with version; `expires_on`: its ground ends then at the latest."""

    id: str
    ground: str
    kind: str
    data: dict[str, Any]
    kept_on: date
    expires_on: date


def keep(
    tx: Tx, keys: PersonKeys, tenant: Tenant, ground: Ground, *, kind: str, data: Mapping[str, Any], on: date
) -> str:
    """Keep `data` (JSON primitives) on a ground that `require` gave; the record's id.

    Raises Forbidden (`NO_LAWFUL_GROUND`) if it holds no more: since it was given somebody may have ended it, opened the
    day on which it expires, or withdrawn the consent. What is kept after the rest of it was let go would stay.
    """
    _still_holds(tx, tenant, ground, on)
    record = f"r-{secrets.token_hex(10)}"
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    sealed = keys.seal(text, tenant.id, ground.person, PLACE)
    store.add_record(tx, tenant.id, record, ground, kind, sealed, keys.first, on)
    return record


def _still_holds(tx: Tx, tenant: Tenant, ground: Ground, on: date) -> None:
    held = store.ground(tx, tenant.id, ground.id, lock="FOR SHARE")
    day = max(on, store.business_date(tx, tenant.id) or on)
    reason = GateRefusal.ENDED if held is None else why_no_more(tx, tenant, held, day)
    if reason is not None:
        need = Need(ground.what, ground.purpose, day, ground.provider)
        raise refused(tx, tenant, need, ground.requester, reason, ground.person)


def kept(
    tx: Tx,
    keys: PersonKeys,
    tenant: Tenant,
    *,
    person: str,
    what: DataKind,
    purpose: Purpose,
    on: date,
    provider: str | None = None,
) -> list[Record]:
    """What is kept about a person and may be used for this purpose on the day `on`, the oldest first; and the access
    log is told. Nothing where no ground holds: ask `require` first to have that entered.
    """
    found = kept_for_all(tx, keys, tenant, person=person, what=what, purpose=purpose, on=on)
    return [record for ground, record in found if ground.provider == provider]


def kept_for_all(
    tx: Tx, keys: PersonKeys, tenant: Tenant, *, person: str, what: DataKind, purpose: Purpose, on: date
) -> list[tuple[Ground, Record]]:
    """As `kept`, for whichever provider: who asks sees to it that each record serves the provider of its ground."""
    grounds = store.grounds(tx, tenant.id, [person], what)
    cases = cases_of(tx, tenant, grounds)
    holding = {
        one.id: one
        for one in grounds
        if why_not(one, cases, tenant.settings, Need(what, purpose, on, one.provider)) is None
    }
    access.showed("person", person)
    return [
        (holding[row["ground"]], _record(keys, tenant, row, holding[row["ground"]]))
        for row in store.records(tx, tenant.id, list(holding))
    ]


def _record(keys: PersonKeys, tenant: Tenant, row: Row, ground: Ground) -> Record:
    text = keys.open(bytes(row["sealed"]), row["key_id"], tenant.id, ground.person, PLACE)
    return Record(row["record"], ground.id, row["kind"], json.loads(text), row["kept_on"], ground.until)


def opened(tx: Tx, keys: PersonKeys, tenant: Tenant, person: str) -> dict[str, dict[str, Any]]:
    """Everything that is kept about a person, by record, for the person: the right to see it takes no ground."""
    found = {ground.id: ground for ground in store.grounds(tx, tenant.id, [person])}
    rows = store.records(tx, tenant.id, list(found))
    return {row["record"]: _record(keys, tenant, row, found[row["ground"]]).data for row in rows}


def forget(tx: Tx, tenant: Tenant, record: str) -> bool:
    """Let go of one record before its ground ends; False if it has gone."""
    return store.remove_record(tx, tenant.id, record)


def expire(tx: Tx, tenant: Tenant, on: date) -> int:
    """Let go of everything whose ground holds no more on `on`; how many records. A ground whose consent is gone has
    ended on the day on which it went.
    """
    store.lock_expiring(tx, tenant.id, tenant.business_date, on)
    grounds = store.by_consent(tx, tenant.id, on)
    cases = cases_of(tx, tenant, grounds)
    for ground in grounds:
        until = max(holds_until(ground, cases, tenant.settings), ground.since)
        if until <= on:
            store.end(tx, tenant.id, ground.id, until)
    return store.remove_expired(tx, tenant.id, on)
