"""Who the partners are. The same row stands in every service's database, so that none depends on another.

`kundval partner` writes the rows; the newer one counts, so writing again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from kundval_contracts.text import is_identifier

from ..db import Row
from .names import is_pattern

_ID = re.compile(r"[a-z][a-z0-9-]{1,38}", re.ASCII)


class Way(StrEnum):
    """How a partner gets its copies."""

    FEED = "FEED"  #: it asks for pages over HTTP
    QUEUE = "QUEUE"  #: a queue of its own at the broker
    WEBHOOK = "WEBHOOK"  #: a signed request to its address


class SecretKind(StrEnum):
    """What a secret of a partner is for."""

    FEED = "FEED"  #: the token of the feed
    QUEUE = "QUEUE"  #: the password at the broker
    WEBHOOK = "WEBHOOK"  #: what signs its webhooks
    PSEUDONYM = "PSEUDONYM"  #: under what ids it knows persons and cases; it never gets this one itself


@dataclass(frozen=True, slots=True)
class Generation:
    """A secret of one kind: the n-th, made with the deployment's key of that name. `last_day`: of a former one, the
    last day on which it is good; None: the one in use.
    """

    number: int
    key: str
    last_day: date | None = None

    def good(self, on: date) -> bool:
        return self.last_day is None or on <= self.last_day


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner. tenants: municipalities, none named: all. names: patterns of event names (`names.matches`).
    secrets: generations of each kind, the one in use first. ended: from that day it is none any more.
    """

    id: str
    tenants: frozenset[str]
    names: tuple[str, ...]
    ways: frozenset[Way]
    secrets: Mapping[SecretKind, tuple[Generation, ...]]
    since: date
    changed_at: datetime
    webhook_url: str | None = None
    ended: date | None = None

    def __post_init__(self) -> None:
        """Raises ValueError, naming what is wrong."""
        if not _ID.fullmatch(self.id):
            raise ValueError("id: 2 to 39 of a-z, 0-9 and -, beginning with a letter")
        if not self.names or not all(map(is_pattern, self.names)):
            raise ValueError("names: patterns such as assignment.*, billing.bonus_paid or #")
        if not all(map(is_identifier, self.tenants)):
            raise ValueError("tenants: opaque ids")
        if Way.WEBHOOK in self.ways and not self.webhook_url:
            raise ValueError("webhook_url: is needed for webhooks")
        if set(self.secrets) != set(SecretKind) or any(row[0].last_day is not None for row in self.secrets.values()):
            raise ValueError("secrets: one in use of each kind")

    def may_read(self, tenant: str) -> bool:
        return not self.tenants or tenant in self.tenants

    def in_use(self, kind: SecretKind) -> Generation:
        return self.secrets[kind][0]

    def good(self, kind: SecretKind, on: date) -> tuple[Generation, ...]:
        """The generations of a secret that are good on a day, the one in use first."""
        return tuple(one for one in self.secrets[kind] if one.good(on))


def first_secrets(key: str) -> dict[SecretKind, tuple[Generation, ...]]:
    """Of a partner that there has never been."""
    return {kind: (Generation(1, key),) for kind in SecretKind}


def rotated(
    partner: Partner, kind: SecretKind, *, number: int, key: str, last_day: date, on: date, at: datetime
) -> Partner:
    """The partner with secret `number` of a kind in use. The one before stays good until `last_day`; those that are
    good no longer on the day `on` are forgotten. The same partner if that number is in use already.

    Raises ValueError for a number that is not the next one.
    """
    used = partner.in_use(kind)
    if used.number == number:
        return partner
    if number != used.number + 1:
        raise ValueError(f"generation: {used.number} is in use, so the next is {used.number + 1}")
    former = tuple(one for one in (replace(used, last_day=last_day), *partner.secrets[kind][1:]) if one.good(on))
    secrets = {**partner.secrets, kind: (Generation(number, key), *former)}
    return replace(partner, secrets=secrets, changed_at=at)


def begun_again(partner: Partner, key: str) -> dict[SecretKind, tuple[Generation, ...]]:
    """The secrets of a partner that had ended and comes back: none that it had is good."""
    return {kind: (Generation(row[0].number + 1, key),) for kind, row in partner.secrets.items()}


_COLUMNS = "id, tenants, names, ways, secrets, webhook_url, since, ended, changed_at"
_KEEP = """
INSERT INTO partner (id, tenants, names, ways, secrets, webhook_url, since, ended, changed_at)
VALUES (%(id)s, %(tenants)s, %(names)s, %(ways)s, %(secrets)s, %(webhook_url)s, %(since)s, %(ended)s, %(changed_at)s)
ON CONFLICT (id) DO UPDATE SET
    tenants = excluded.tenants, names = excluded.names, ways = excluded.ways, secrets = excluded.secrets,
    webhook_url = excluded.webhook_url, since = excluded.since, ended = excluded.ended,
    changed_at = excluded.changed_at
WHERE partner.changed_at < excluded.changed_at
"""
_WAYS = """
INSERT INTO partner_way (partner, way) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING
"""
_GONE_WAYS = "DELETE FROM partner_way WHERE partner = %s AND NOT way = ANY(%s)"


def find(conn: psycopg.Connection[Row], partner: str) -> Partner | None:
    """The partner of that id, one that has ended too."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM partner WHERE id = %s", (partner,)).fetchone()
    return None if row is None else _read(row)


def read(conn: psycopg.Connection[Row]) -> list[Partner]:
    """All partners, those that have ended too, by id."""
    return [_read(row) for row in conn.execute(f"SELECT {_COLUMNS} FROM partner ORDER BY id")]


def present(conn: psycopg.Connection[Row]) -> list[Partner]:
    """The partners that have not ended, by id."""
    return [one for one in read(conn) if one.ended is None]


def keep(conn: psycopg.Connection[Row], partner: Partner) -> bool:
    """Write a partner, unless a newer row of it stands there; False then. A way that is new begins before the first
    event; of one that it has no more, and of all when it has ended, nothing is left.
    """
    pushed = [] if partner.ended else sorted(partner.ways - {Way.FEED})
    values: dict[str, Any] = {
        "id": partner.id,
        "tenants": sorted(partner.tenants),
        "names": list(partner.names),
        "ways": sorted(partner.ways),
        "secrets": Jsonb(_as_json(partner.secrets)),
        "webhook_url": partner.webhook_url,
        "since": partner.since,
        "ended": partner.ended,
        "changed_at": partner.changed_at,
    }
    with conn.transaction():
        conn.execute(_KEEP, values)
        now = find(conn, partner.id)
        if now is None or now.changed_at != partner.changed_at:
            return False
        conn.execute(_WAYS, (partner.id, pushed))
        conn.execute(_GONE_WAYS, (partner.id, pushed))
        conn.execute("DELETE FROM partner_parked WHERE partner = %s AND NOT way = ANY(%s)", (partner.id, pushed))
        return True


def _as_json(secrets: Mapping[SecretKind, tuple[Generation, ...]]) -> dict[str, Any]:
    return {
        kind.value: [
            {"number": one.number, "key": one.key, "last_day": one.last_day and one.last_day.isoformat()}
            for one in generations
        ]
        for kind, generations in secrets.items()
    }


def _read(row: Row) -> Partner:
    secrets = {
        SecretKind(kind): tuple(
            Generation(one["number"], one["key"], one["last_day"] and date.fromisoformat(one["last_day"]))
            for one in generations
        )
        for kind, generations in row["secrets"].items()
    }
    return Partner(
        id=row["id"],
        tenants=frozenset(row["tenants"]),
        names=tuple(row["names"]),
        ways=frozenset(map(Way, row["ways"])),
        secrets=secrets,
        since=row["since"],
        changed_at=row["changed_at"],
        webhook_url=row["webhook_url"],
        ended=row["ended"],
    )
