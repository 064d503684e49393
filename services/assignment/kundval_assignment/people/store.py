"""SQL about persons. No rules here, and nothing in the clear that says who somebody is."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import OverlapGround, ProtectionKind

from ..domain.overlaps import Overlaps
from ..domain.people import Protection, Reader
from .keys import PersonKeys

NO_DETAILS: Mapping[str, Any] = {
    "name": None,
    "email": None,
    "phone": None,
    "language": None,
    "swedish_ok": True,
    "languages": [],
}


@dataclass(slots=True)
class Held:
    """What is held of a person: the twelve digits of the number, if any, and the details."""

    person: str
    number: str | None = None
    details: dict[str, Any] = field(default_factory=lambda: dict(NO_DETAILS))


def new_id() -> str:
    """An id of which nothing follows."""
    return f"p-{secrets.token_hex(10)}"


# --- persons -----------------------------------------------------------------------------------------


def add(tx: Tx, keys: PersonKeys, tenant: str, held: Held) -> None:
    tx.execute(
        "INSERT INTO person (tenant, person, identity, search, details, key_id) VALUES (%s, %s, %s, %s, %s, %s)",
        (tenant, held.person, *_sealed(keys, tenant, held)),
    )


def save(tx: Tx, keys: PersonKeys, tenant: str, held: Held) -> None:
    tx.execute(
        "UPDATE person SET identity = %s, search = %s, details = %s, key_id = %s WHERE tenant = %s AND person = %s",
        (*_sealed(keys, tenant, held), tenant, held.person),
    )


def load(tx: Tx, keys: PersonKeys, tenant: str, person: str, *, lock: bool = False) -> Held | None:
    """What is held of a person; None if there is none, or it has been erased."""
    row = tx.one(
        "SELECT identity, details, key_id FROM person WHERE tenant = %s AND person = %s AND erased_at IS NULL"
        + (" FOR UPDATE" if lock else ""),
        (tenant, person),
    )
    if row is None:
        return None
    number = None
    if row["identity"] is not None:
        number = keys.open(bytes(row["identity"]), row["key_id"], tenant, person, "identity")
    details = json.loads(keys.open(bytes(row["details"]), row["key_id"], tenant, person, "details"))
    return Held(person, number, {**NO_DETAILS, **details})


def load_all(tx: Tx, keys: PersonKeys, tenant: str, persons: Sequence[str], *, numbers: bool) -> dict[str, Held]:
    """As `load` for many, without those that there are not; with `numbers` their identity numbers too."""
    rows = tx.query(
        "SELECT person, identity, details, key_id FROM person"
        " WHERE tenant = %s AND person = ANY(%s) AND erased_at IS NULL",
        (tenant, list(persons)),
    )
    found: dict[str, Held] = {}
    for row in rows:
        person, number = row["person"], None
        if numbers and row["identity"] is not None:
            number = keys.open(bytes(row["identity"]), row["key_id"], tenant, person, "identity")
        details = json.loads(keys.open(bytes(row["details"]), row["key_id"], tenant, person, "details"))
        found[person] = Held(person, number, {**NO_DETAILS, **details})
    return found


def find(tx: Tx, keys: PersonKeys, tenant: str, number: str) -> str | None:
    """The person with this number, under whatever key it was stored."""
    found = tx.one(
        "SELECT person FROM person WHERE tenant = %s AND search = ANY(%s)", (tenant, keys.searches(tenant, number))
    )
    return None if found is None else str(found["person"])


def lock_number(tx: Tx, keys: PersonKeys, tenant: str, number: str) -> None:
    """So that two who register the same number at once do not make two persons of it."""
    for search in sorted(keys.searches(tenant, number)):
        tx.lock("person", tenant, search.hex())


def exists(tx: Tx, tenant: str, person: str) -> bool:
    return tx.value("SELECT 1 FROM person WHERE tenant = %s AND person = %s", (tenant, person)) is not None


def sealed_otherwise(tx: Tx, keys: PersonKeys, tenant: str, limit: int) -> tuple[list[str], int]:
    """Persons of whom another key than the first has sealed something, at most `limit`; and how many there are."""
    where = (
        " FROM person WHERE tenant = %(tenant)s AND (key_id <> %(key)s OR EXISTS (SELECT FROM protection AS one"
        " WHERE one.tenant = person.tenant AND one.person = person.person AND one.key_id <> %(key)s)"
        " OR EXISTS (SELECT FROM protection_reader AS one"
        " WHERE one.tenant = person.tenant AND one.person = person.person AND one.key_id <> %(key)s)"
        " OR EXISTS (SELECT FROM gate_record AS one"
        " WHERE one.tenant = person.tenant AND one.person = person.person AND one.key_id <> %(key)s))"
    )
    given = {"tenant": tenant, "key": keys.first, "limit": limit}
    rows = tx.query(f"SELECT person{where} ORDER BY person LIMIT %(limit)s FOR UPDATE", given)
    return [row["person"] for row in rows], tx.value(f"SELECT count(*){where}", given)


def reseal(tx: Tx, keys: PersonKeys, tenant: str, person: str) -> None:
    """Seal with the first key what is sealed of a person."""
    held = load(tx, keys, tenant, person)
    if held is not None:
        save(tx, keys, tenant, held)
    for table, column, row_id, what in (
        ("protection", "kind", "number", "protection"),
        ("protection_reader", "reason", "reading", "reason"),
        ("gate_record", "sealed", "record", "gate record"),
    ):
        rows = tx.query(
            f"SELECT {row_id} AS id, {column} AS sealed, key_id FROM {table} WHERE tenant = %s AND person = %s",
            (tenant, person),
        )
        tx.executemany(
            f"UPDATE {table} SET {column} = %s, key_id = %s WHERE tenant = %s AND person = %s AND {row_id} = %s",
            [
                (
                    keys.seal(
                        keys.open(bytes(row["sealed"]), row["key_id"], tenant, person, what), tenant, person, what
                    ),
                    keys.first,
                    tenant,
                    person,
                    row["id"],
                )
                for row in rows
            ],
        )


def _sealed(keys: PersonKeys, tenant: str, held: Held) -> tuple[bytes | None, bytes | None, bytes, str]:
    identity = search = None
    if held.number is not None:
        identity = keys.seal(held.number, tenant, held.person, "identity")
        search = keys.search(tenant, held.number)
    details = keys.seal(json.dumps(held.details, ensure_ascii=False), tenant, held.person, "details")
    return identity, search, details, keys.first


# --- assignments of a person -------------------------------------------------------------------------


def person_of(tx: Tx, tenant: str, assignment: str) -> str | None:
    found = tx.one("SELECT person FROM assignment WHERE tenant = %s AND assignment = %s", (tenant, assignment))
    return None if found is None else found["person"]


def assignments_of(tx: Tx, tenant: str, person: str) -> list[str]:
    rows = tx.query(
        "SELECT assignment FROM assignment WHERE tenant = %s AND person = %s ORDER BY assignment", (tenant, person)
    )
    return [row["assignment"] for row in rows]


def persons_of(tx: Tx, tenant: str, assignments: Collection[str]) -> dict[str, str]:
    """Whose these assignments are, as far as somebody has said."""
    if not assignments:
        return {}
    rows = tx.query(
        "SELECT assignment, person FROM assignment WHERE tenant = %s AND assignment = ANY(%s) AND person IS NOT NULL",
        (tenant, sorted(assignments)),
    )
    return {row["assignment"]: row["person"] for row in rows}


def existing(tx: Tx, tenant: str, assignments: Sequence[str]) -> set[str]:
    rows = tx.query(
        "SELECT assignment FROM assignment WHERE tenant = %s AND assignment = ANY(%s)", (tenant, list(assignments))
    )
    return {row["assignment"] for row in rows}


def unknown(tx: Tx, tenant: str, persons: Iterable[str]) -> list[str]:
    """Those of `persons` that there are not, or that have been erased."""
    wanted = sorted(set(persons))
    rows = tx.query(
        "SELECT person FROM person WHERE tenant = %s AND person = ANY(%s) AND erased_at IS NULL", (tenant, wanted)
    )
    known = {row["person"] for row in rows}
    return [person for person in wanted if person not in known]


def link(tx: Tx, tenant: str, assignment: str, person: str) -> bool:
    """False if the assignment is somebody's already."""
    return bool(
        tx.execute(
            "UPDATE assignment SET person = %s WHERE tenant = %s AND assignment = %s AND person IS NULL",
            (person, tenant, assignment),
        )
    )


def link_all(tx: Tx, tenant: str, persons: Mapping[str, str]) -> set[str]:
    """`link` for many, assignment -> person; those that were nobody's."""
    if not persons:
        return set()
    rows = tx.query(
        "UPDATE assignment AS a SET person = new.person FROM unnest(%s::text[], %s::text[]) AS new (assignment, person)"
        " WHERE a.tenant = %s AND a.assignment = new.assignment AND a.person IS NULL RETURNING a.assignment",
        (list(persons), list(persons.values()), tenant),
    )
    return {row["assignment"] for row in rows}


# --- protection --------------------------------------------------------------------------------------


def with_protection(tx: Tx, tenant: str, persons: Iterable[str]) -> list[str]:
    """Those of `persons` about whom a protection is held, in force or not."""
    rows = tx.query(
        "SELECT DISTINCT person FROM protection WHERE tenant = %s AND person = ANY(%s) ORDER BY person",
        (tenant, sorted(persons)),
    )
    return [row["person"] for row in rows]


def protections(tx: Tx, keys: PersonKeys, tenant: str, person: str | None) -> list[Protection]:
    """In the order in which they were stated, one of a kind."""
    return [] if person is None else protections_of(tx, keys, tenant, [person]).get(person, [])


def protections_of(tx: Tx, keys: PersonKeys, tenant: str, persons: Sequence[str]) -> dict[str, list[Protection]]:
    """As `protections` for many; those without any are left out."""
    rows = tx.query(
        "SELECT person, kind, key_id, since, until FROM protection"
        " WHERE tenant = %s AND person = ANY(%s) ORDER BY person, number",
        (tenant, list(persons)),
    )
    found: dict[str, list[Protection]] = {}
    for row in rows:
        kind = keys.open(bytes(row["kind"]), row["key_id"], tenant, row["person"], "protection")
        found.setdefault(row["person"], []).append(Protection(ProtectionKind(kind), row["since"], row["until"]))
    return found


def protect(tx: Tx, keys: PersonKeys, tenant: str, person: str, protection: Protection, by: str) -> None:
    """Add a protection, or give the one of that kind other days."""
    held = protections(tx, keys, tenant, person)
    number = next((place for place, one in enumerate(held) if one.kind is protection.kind), len(held))
    tx.execute(
        "INSERT INTO protection (tenant, person, number, kind, key_id, since, until, stated_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (tenant, person, number) DO UPDATE"
        " SET kind = excluded.kind, key_id = excluded.key_id, since = excluded.since, until = excluded.until,"
        " stated_by = excluded.stated_by, stated_at = now()",
        (
            tenant,
            person,
            number,
            keys.seal(protection.kind.value, tenant, person, "protection"),
            keys.first,
            protection.since,
            protection.until,
            by,
        ),
    )


def protected_assignments(
    tx: Tx, tenant: str, *, person: str | None = None, after: date | None = None, until: date | None = None
) -> list[Row]:
    """Assignments of persons with a protection, `(assignment, person)`: of one person, or of those for whom one begins
    or ends after `after` and by `until`.
    """
    return tx.query(
        "SELECT assignment, person FROM assignment WHERE tenant = %(tenant)s AND person IN (SELECT person"
        " FROM protection WHERE tenant = %(tenant)s AND (%(person)s::text IS NULL OR person = %(person)s)"
        " AND (%(until)s::date IS NULL OR %(after)s::date IS NULL"
        " OR since > %(after)s AND since <= %(until)s OR protection.until > %(after)s"
        " AND protection.until <= %(until)s)) ORDER BY assignment",
        {"tenant": tenant, "person": person, "after": after, "until": until},
    )


def readers(tx: Tx, keys: PersonKeys, tenant: str, person: str | None) -> list[Row]:
    """Who is named now, with reason: `{reader, reason, until, named_by}`."""
    if person is None:
        return []
    rows = tx.query(
        "SELECT reader, reason, key_id, until, named_by FROM protection_reader"
        " WHERE tenant = %s AND person = %s AND revoked_at IS NULL ORDER BY reading",
        (tenant, person),
    )
    for row in rows:
        row["reason"] = keys.open(bytes(row["reason"]), row.pop("key_id"), tenant, person, "reason")
    return rows


def named(tx: Tx, tenant: str, person: str) -> list[Reader]:
    rows = tx.query(
        "SELECT reader, until FROM protection_reader WHERE tenant = %s AND person = %s AND revoked_at IS NULL",
        (tenant, person),
    )
    return [Reader(row["reader"], row["until"]) for row in rows]


def name_reader(
    tx: Tx, keys: PersonKeys, tenant: str, person: str, reader: str, reason: str, until: date, by: str
) -> None:
    tx.execute(
        "INSERT INTO protection_reader (tenant, person, reader, reason, key_id, until, named_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (tenant, person, reader, keys.seal(reason, tenant, person, "reason"), keys.first, until, by),
    )


def revoke_reader(tx: Tx, tenant: str, person: str, reader: str, by: str) -> bool:
    return bool(
        tx.execute(
            "UPDATE protection_reader SET revoked_by = %s, revoked_at = now()"
            " WHERE tenant = %s AND person = %s AND reader = %s AND revoked_at IS NULL",
            (by, tenant, person, reader),
        )
    )


# --- claims that overlap -----------------------------------------------------------------------------


def overlapping(tx: Tx, tenant: str, assignments: Collection[str]) -> set[str]:
    """Those of these assignments of which it was told last that their claim overlaps with another."""
    rows = tx.query(
        "SELECT assignment FROM claims_overlap WHERE tenant = %s AND assignment = ANY(%s) AND others <> '{}'",
        (tenant, sorted(assignments)),
    )
    return {row["assignment"] for row in rows}


def changed_overlaps(tx: Tx, tenant: str, assignments: Sequence[str], found: Overlaps) -> Overlaps:
    """What of `found` differs from what was told of these assignments; empty where it is no longer so."""
    rows = tx.query(
        "SELECT assignment, others, grounds FROM claims_overlap WHERE tenant = %s AND assignment = ANY(%s)",
        (tenant, list(assignments)),
    )
    nothing: tuple[tuple[str, ...], tuple[OverlapGround, ...]] = ((), ())
    told = {
        row["assignment"]: (tuple(row["others"]), tuple(OverlapGround(ground) for ground in row["grounds"]))
        for row in rows
    }
    now = {name: found.get(name, nothing) for name in sorted(assignments)}
    return {name: one for name, one in now.items() if one != told.get(name, nothing)}


def save_overlap(tx: Tx, tenant: str, assignment: str, others: Sequence[str], grounds: Sequence[OverlapGround]) -> int:
    """Keep what is told of an assignment; its revision."""
    revision: int = tx.value(
        "INSERT INTO claims_overlap (tenant, assignment, revision, others, grounds) VALUES (%s, %s, 1, %s, %s)"
        " ON CONFLICT (tenant, assignment) DO UPDATE SET revision = claims_overlap.revision + 1,"
        " others = excluded.others, grounds = excluded.grounds RETURNING revision",
        (tenant, assignment, list(others), [ground.value for ground in grounds]),
    )
    return revision
