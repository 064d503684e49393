"""Everything about one person as one object: every table that has rows of the person or of its assignments.

The tables are asked of the database itself, so that a new one cannot be forgotten. Bytes (documents, what is sealed)
are left out, their size is told. Events are copies of the facts without their words and are not repeated.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from psycopg import sql

from kundval_chassis import access
from kundval_chassis.db import Tx
from kundval_chassis.rpc import primitives
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant

from ..gate.keep import opened
from . import log, persons, store
from .keys import PersonKeys

#: entries of the access log that an export holds at most; the rest is in `assignment.access_log`
MOST_ENTRIES = 20_000


def tables(tx: Tx) -> dict[str, tuple[str, ...]]:
    """Tables with rows of assignments or persons, each with those of the two columns that it has."""
    rows = tx.query(
        "SELECT c.table_name, c.column_name FROM information_schema.columns AS c"
        " JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE c.table_schema = current_schema() AND table_type = 'BASE TABLE'"
        " AND c.column_name IN ('assignment', 'person') ORDER BY 1, 2"
    )
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        found[row["table_name"]] = (*found.get(row["table_name"], ()), row["column_name"])
    return found


def export(tx: Tx, keys: PersonKeys, tenant: Tenant, person: str, caller: Caller) -> dict[str, Any]:
    """The answer of `assignment.export_person`. Raises NotFound."""
    shown = persons.show(tx, keys, tenant, person, caller)
    names = store.assignments_of(tx, tenant.id, person)
    access.showed("assignment", *names)
    subjects = [f"person:{person}", *(f"assignment:{name}" for name in names)]
    entries = log.entries(tx, tenant.id, subjects, None, None, MOST_ENTRIES)
    # who was shown a list saw others too, which is nothing about this person
    entries = [{**row, "subjects": [one for one in row["subjects"] if one in subjects]} for row in entries]
    found = {table: _rows(tx, table, columns, tenant.id, person, names) for table, columns in tables(tx).items()}
    # why somebody may see the person is sealed in the table
    readers = {(row["reader"], row["named_by"]): row["reason"] for row in store.readers(tx, keys, tenant.id, person)}
    for row in found.get("protection_reader", ()):
        row["reason"] = readers.get((row["reader"], row["named_by"]))
    kept = opened(tx, keys, tenant, person)
    for row in found.get("gate_record", ()):
        row["sealed"] = kept.get(row["record"])
    return {
        "person": shown,
        "protections": [primitives(asdict(one)) for one in store.protections(tx, keys, tenant.id, person)],
        "history": [asdict(one) for one in persons.episodes(tx, keys, tenant, person, caller)],
        "tables": found,
        "access_log": [primitives(row) for row in entries],
    }


def _rows(
    tx: Tx, table: str, columns: tuple[str, ...], tenant: str, person: str, names: list[str]
) -> list[dict[str, Any]]:
    values = {"assignment": names, "person": [person]}
    where = sql.SQL(" OR ").join(
        sql.SQL("t.{} = ANY({})").format(sql.Identifier(column), sql.Placeholder(column)) for column in columns
    )
    statement = sql.SQL("SELECT to_jsonb(t)::text AS row FROM {} AS t WHERE t.tenant = %(tenant)s AND ({})").format(
        sql.Identifier(table), where
    )
    sealed = {
        row["column_name"]
        for row in tx.query(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND table_name = %s AND data_type = 'bytea'",
            (table,),
        )
    }
    rows = tx.query(statement, {"tenant": tenant, **values})
    return [
        {
            key: _size(value) if key in sealed else value
            for key, value in json.loads(row["row"], parse_float=str).items()
        }
        for row in rows
    ]


def _size(value: str | None) -> dict[str, int] | None:
    """What stands for bytes, which come as `\\x` and two digits each."""
    return None if value is None else {"bytes": (len(value) - 2) // 2}
