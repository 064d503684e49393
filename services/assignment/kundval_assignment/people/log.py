"""The access log: entries are made, sealed in a chain, shown, looked through, and erased after their time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from kundval_chassis.access import Access
from kundval_chassis.db import Row, Tx
from kundval_chassis.service import Dependency

from ..domain.chain import START, Chain, Cut, Entry
from .keys import PersonKeys

#: entries that are read at a time
CHUNK = 5000
SEALED = "assignment.access_log_sealed"

_COLUMNS = "tenant, n, at, actor, role, organisation, purpose, method, subjects, outcome, key_id, previous, mac"


class Witness(Dependency):
    """Enters the calls about persons. In a service class: `witness = Witness()`; it holds the keys too."""

    keys: PersonKeys

    def setup(self) -> None:
        self.keys = PersonKeys(self.container.config["KUNDVAL_PERSON_KEYS"])

    def get_dependency(self, worker_ctx: Any) -> Witness:
        return self

    def enter(self, tx: Tx, access: Access) -> None:
        """Enter a call as the last of its tenant's log; of a tenant that there is not, nothing."""
        enter(tx, self.keys, access)

    def fingerprint(self, text: str) -> str:
        return self.keys.fingerprint(text)


def enter(tx: Tx, keys: PersonKeys, access: Access, at: datetime | None = None) -> None:
    """See `Witness.enter`."""
    # two at once: the second waits until the first is there to be followed
    tx.lock("access log", access.tenant)
    found = _head(tx, access.tenant)
    if found is None:
        return
    last, head = found
    entry = Entry(
        access.tenant,
        last + 1,
        at or datetime.now(UTC),
        access.actor,
        access.role,
        access.organisation,
        access.purpose,
        access.method,
        access.subjects,
        access.outcome.value,
        keys.first,
        head,
    )
    mac = keys.mac(entry.text(), entry.key_id)
    assert mac is not None
    tx.execute(
        f"INSERT INTO access_log ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            entry.tenant,
            entry.n,
            entry.at,
            entry.actor,
            entry.role,
            entry.organisation,
            entry.purpose,
            entry.method,
            list(entry.subjects),
            entry.outcome,
            entry.key_id,
            entry.previous,
            mac,
        ),
    )


def tell_head(tx: Tx, tenant: str) -> None:
    """Publish how many entries there are and the last one's seal, if there are new ones since it was told.

    Kept by others, it shows a log that has lost its end.
    """
    n, head = _head(tx, tenant) or (0, START)
    told = tx.value("SELECT max(n) FROM access_log_told WHERE tenant = %s", (tenant,))
    if n > (told or 0):
        tx.execute("INSERT INTO access_log_told (tenant, n, head) VALUES (%s, %s, %s)", (tenant, n, head))
        data = {"entries": n, "head": head.hex()}
        tx.publish(SEALED, subject=tenant, tenant=tenant, data=data)


def verify(tx: Tx, keys: PersonKeys, tenant: str, known: tuple[int, str] | None = None) -> dict[str, Any]:
    """The answer of `assignment.verify_access_log`: a look through all entries.

    They are held against what this service has published of them, and against what the caller knows.
    """
    seals = _told(tx, tenant)
    faults = []
    if known is not None:
        n, seal = known[0], bytes.fromhex(known[1])
        if seals.setdefault(n, seal) != seal:
            # then the record of what was published is not as it was either
            faults.append((n, "NOT_AS_KNOWN"))
        seals[n] = seal
    chain = Chain(keys.mac, seals, _cut(tx, tenant))
    after = 0
    while rows := tx.query(
        f"SELECT {_COLUMNS} FROM access_log WHERE tenant = %s AND n > %s ORDER BY n LIMIT %s", (tenant, after, CHUNK)
    ):
        chain.take(map(_entry, rows))
        after = rows[-1]["n"]
    found = sorted({*faults, *((n, fault.value) for n, fault in chain.end())})
    return {
        "intact": not found,
        "first": chain.first,
        "entries": chain.last,
        "head": chain.head.hex() if chain.last else None,
        "faults": [{"n": n, "fault": fault} for n, fault in found],
    }


def entries(
    tx: Tx, tenant: str, subjects: Sequence[str] | None, actor: str | None, before: int | None, limit: int
) -> list[Row]:
    """Entries about any of `subjects`, by `actor`, the newest first."""
    return tx.query(
        "SELECT n, at, actor, role, organisation, purpose, method, subjects, outcome FROM access_log"
        " WHERE tenant = %(tenant)s AND (%(subjects)s::text[] IS NULL OR subjects && %(subjects)s)"
        " AND (%(actor)s::text IS NULL OR actor = %(actor)s) AND (%(before)s::bigint IS NULL OR n < %(before)s)"
        " ORDER BY n DESC LIMIT %(limit)s",
        {
            "tenant": tenant,
            "subjects": None if subjects is None else list(subjects),
            "actor": actor,
            "before": before,
            "limit": limit,
        },
    )


def oldest(tx: Tx, tenant: str, until: date) -> tuple[int, int, date | None]:
    """Of the entries made before the day `until` (UTC): how many, the number of the last, the day of the first."""
    row = tx.one(
        # the chain is in the order of time but for clocks that were set; so it is cut before the first that stays
        "SELECT count(*) AS count, max(n) AS last, min(at)::date AS first FROM access_log WHERE tenant = %(tenant)s"
        " AND n < coalesce((SELECT min(n) FROM access_log WHERE tenant = %(tenant)s AND at >= %(until)s), 2^62)",
        {"tenant": tenant, "until": until},
    )
    assert row is not None
    return row["count"], row["last"] or 0, row["first"]


def cut(tx: Tx, keys: PersonKeys, tenant: str, until: date) -> int:
    """Erase the oldest entries, up to those of the day before `until`; how many. The rest stays a chain."""
    tx.lock("access log", tenant)
    count, last, _ = oldest(tx, tenant, until)
    if not count:
        return 0
    head = tx.value("SELECT mac FROM access_log WHERE tenant = %s AND n = %s", (tenant, last))
    made = Cut(tenant, last, bytes(head), datetime.now(UTC), keys.first)
    mac = keys.mac(made.text(), made.key_id)
    assert mac is not None
    made = replace(made, mac=mac)
    tx.execute(
        "INSERT INTO access_log_cut (tenant, n, head, at, key_id, mac) VALUES (%s, %s, %s, %s, %s, %s)",
        (made.tenant, made.n, made.head, made.at, made.key_id, made.mac),
    )
    return tx.execute("DELETE FROM access_log WHERE tenant = %s AND n <= %s", (tenant, last))


def _head(tx: Tx, tenant: str) -> tuple[int, bytes] | None:
    """Number and seal of the last entry, or of the last that was erased; None if there is no such tenant."""
    row = tx.one(
        "SELECT last.n, last.mac FROM tenant LEFT JOIN LATERAL (SELECT n, mac FROM access_log"
        " WHERE access_log.tenant = tenant.tenant ORDER BY n DESC LIMIT 1) AS last ON true WHERE tenant.tenant = %s",
        (tenant,),
    )
    if row is None:
        return None
    if row["n"] is not None:
        return row["n"], bytes(row["mac"])
    before = _cut(tx, tenant)
    return (0, START) if before is None else (before.n, before.head)


def _cut(tx: Tx, tenant: str) -> Cut | None:
    row = tx.one(
        "SELECT tenant, n, head, at, key_id, mac FROM access_log_cut WHERE tenant = %s ORDER BY n DESC LIMIT 1",
        (tenant,),
    )
    return None if row is None else Cut(**{**row, "head": bytes(row["head"]), "mac": bytes(row["mac"])})


def _told(tx: Tx, tenant: str) -> dict[int, bytes]:
    rows = tx.query("SELECT n, head FROM access_log_told WHERE tenant = %s", (tenant,))
    return {row["n"]: bytes(row["head"]) for row in rows}


def _entry(row: Row) -> Entry:
    return Entry(
        **{
            **row,
            "subjects": tuple(row["subjects"]),
            "previous": bytes(row["previous"]),
            "mac": bytes(row["mac"]),
        }
    )
