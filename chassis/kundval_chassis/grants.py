"""What the role of a running service may do in its database, and `kundval migrate` grants: just what is declared.

Beside its migrations each part (the chassis, a service) has a file `rights.toml`: for every table the privileges that
its program uses, as SQL names them, `UPDATE (column, …)` for single columns. Where nothing is to be changed or removed,
the role of the running service cannot, whatever its program does. It owns nothing, so it can neither change the shape
of a table nor switch off a trigger.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import psycopg
from psycopg import sql

from . import db, migrate

FILE = "rights.toml"
_PRIVILEGE = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|USAGE)(?: ?\(([a-z0-9_, ]+)\))?")
_SEPARATOR = re.compile(r",\s*(?![^(]*\))")

# every privilege that a role, or everybody, has in the tables and sequences of the database, but what is its own
_HELD = """
SELECT relname, acl.grantee::regrole::text AS grantee, acl.privilege_type, NULL AS attname
FROM pg_class, aclexplode(relacl) AS acl
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') AND acl.grantee <> relowner
UNION ALL
SELECT relname, acl.grantee::regrole::text, acl.privilege_type, attname
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl) AS acl
WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped AND acl.grantee <> relowner
"""
_OBJECTS = """
SELECT relname, relkind = 'S' AS sequence FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
  -- the sequence of an identity column needs no right of its own
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND classid = 'pg_class'::regclass AND deptype = 'i')
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND classid = 'pg_class'::regclass AND deptype = 'e')
"""

#: a privilege, and the column that it is for or None
Right = tuple[str, str | None]


class Undeclared(migrate.MigrationError):
    """A migration has made a table for which no right is declared."""


@dataclass(frozen=True, slots=True)
class Rights:
    """By name of a table or sequence: what is declared."""

    tables: Mapping[str, frozenset[Right]]
    sequences: Mapping[str, frozenset[Right]]

    def of(self, name: str) -> frozenset[Right]:
        return self.tables.get(name) or self.sequences.get(name) or frozenset()


def declared(service: str) -> Rights:
    """The rights of a service's role. Raises ValueError for a file that is not as it must be."""
    tables: dict[str, frozenset[Right]] = {}
    sequences: dict[str, frozenset[Right]] = {}
    for package in ("kundval_chassis", f"kundval_{service}"):
        if find_spec(package) is None:
            continue
        file = files(package) / "migrations" / FILE
        if not file.is_file():
            continue
        content = tomllib.loads(file.read_text("utf-8"))
        tables |= {name: read(text) for name, text in content.pop("tables", {}).items()}
        sequences |= {name: read(text) for name, text in content.pop("sequences", {}).items()}
        if content:
            raise ValueError(f"{package}: {FILE} has no {', '.join(content)}")
    return Rights(tables, sequences)


def read(text: str) -> frozenset[Right]:
    """``SELECT, UPDATE (a, b)`` as rights. Raises ValueError for what is no privilege of a running service."""
    rights: set[Right] = set()
    for one in _SEPARATOR.split(text):
        match = _PRIVILEGE.fullmatch(one.strip())
        if match is None:
            raise ValueError(f"{one.strip()!r} is no privilege of a running service")
        columns = match[2]
        rights |= {(match[1], name.strip()) for name in columns.split(",")} if columns else {(match[1], None)}
    return frozenset(rights)


def apply(uri: str, service: str, role: str) -> list[str]:
    """Give `role` in the database at `uri`, as whose owner one is connected, its declared rights and no others; the
    tables and sequences where something was different. Everybody else's rights there are taken away.

    Raises `Undeclared`, for a table of a migration that this version knows. What a newer version has made stays as it
    is.
    """
    rights = declared(service)
    with db.connect(uri, name=f"kundval-migrate-{service}") as conn, conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (migrate._LOCK,))
        objects = _objects(conn)
        strange = sorted(set(objects) - rights.tables.keys() - rights.sequences.keys())
        if strange and _knows_all(conn, service):
            raise Undeclared(f"rights of {role} are not declared in a {FILE} of {service}", strange)
        changed = []
        held = _held(conn)
        for name, is_sequence in objects.items():
            if name in strange:
                continue
            of_all = held.get(name, {})
            if {grantee: found for grantee, found in of_all.items() if found} == {role: rights.of(name)}:
                continue
            _give(conn, name, is_sequence, role, rights.of(name), of_all)
            changed.append(name)
    return changed


def migrate_and_grant(
    uri: str, service: str, migration_uri: str | None = None
) -> tuple[list[migrate.Migration], list[str]]:
    """Bring a service's database up to date through `migration_uri` and give the role in `uri` its rights; the
    migrations that were applied, and where rights were changed. Without another role there (a database that the
    running service owns) no rights are given. Raises `migrate.MigrationError`, psycopg.Error.
    """
    through = migration_uri or uri
    applied = migrate.apply(through, service)
    role = role_of(uri)
    if role is None or role == role_of(through):
        return applied, []
    return applied, apply(through, service, role)


def differences(conn: psycopg.Connection[Any], service: str, role: str) -> list[str]:
    """In which tables and sequences `role` may do more or less than is declared, sorted."""
    rights = declared(service)
    held = _held(conn)
    return sorted(
        name
        for name in {*_objects(conn), *rights.tables, *rights.sequences}
        if held.get(name, {}).get(role, frozenset()) != rights.of(name)
    )


def role_of(uri: str) -> str | None:
    """The role in the address of a database."""
    user = psycopg.conninfo.conninfo_to_dict(uri).get("user")
    return str(user) if user else None


def _objects(conn: psycopg.Connection[Any]) -> dict[str, bool]:
    return {row["relname"]: row["sequence"] for row in conn.execute(_OBJECTS)}


def _held(conn: psycopg.Connection[Any]) -> dict[str, dict[str, frozenset[Right]]]:
    """By object and role: the rights. A role's name as SQL quotes it would stand in quotes; ours need none."""
    found: dict[str, dict[str, set[Right]]] = {}
    for row in conn.execute(_HELD):
        name, grantee = row["relname"], row["grantee"].strip('"')
        found.setdefault(name, {}).setdefault(grantee, set()).add((row["privilege_type"], row["attname"]))
    return {
        name: {grantee: frozenset(rights) for grantee, rights in by_role.items()} for name, by_role in found.items()
    }


def _give(
    conn: psycopg.Connection[Any],
    name: str,
    is_sequence: bool,
    role: str,
    rights: Iterable[Right],
    others: Iterable[str],
) -> None:
    what = sql.SQL("SEQUENCE {}" if is_sequence else "TABLE {}").format(sql.Identifier(name))
    for grantee in {role, *others}:
        whom = sql.SQL("PUBLIC") if grantee == "-" else sql.Identifier(grantee)
        conn.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(what, whom))
    whole = sorted(privilege for privilege, column in rights if column is None)
    single: dict[str, list[str]] = {}
    for privilege, column in sorted(rights, key=str):
        if column is not None:
            single.setdefault(privilege, []).append(column)
    given = [sql.SQL(privilege) for privilege in whole] + [
        sql.SQL("{} ({})").format(sql.SQL(privilege), sql.SQL(", ").join(map(sql.Identifier, columns)))
        for privilege, columns in single.items()
    ]
    if given:
        conn.execute(
            sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(", ").join(given), what, sql.Identifier(role))
        )


def _knows_all(conn: psycopg.Connection[Any], service: str) -> bool:
    """Whether the database has only migrations that this version knows."""
    known = {(one.part, one.name) for one in migrate.available(service)}
    return all((one.part, one.name) in known for one in migrate.applied(conn))
