"""The peers of (f): the same answers from the same tables, in SQL that one would write by hand, on one connection.

No token, no schema, no check of who may see what, no entry in the access log, no events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from kundval_assignment.people.keys import PersonKeys
from kundval_chassis.db import connect

Row = dict[str, Any]

#: what `register` and `record_facts` write about an assignment, in the order in which the tables need each other
TABLES = ("assignment", "stated_fact", "place", "outcome", "outcome_provider", "outcome_work", "report_watch")

_STATE = """
SELECT a.assignment, a.programme, a.delivery_area, a.state, a.target_groups,
       (SELECT o.provider FROM outcome_provider o
        WHERE o.tenant = a.tenant AND o.assignment = a.assignment ORDER BY o.start_day DESC LIMIT 1) AS provider,
       (SELECT json_agg(json_build_object('id', f.fact_id, 'fact', f.kind, 'on', f.on_day, 'known_on', f.known_on,
                                          'place', f.place, 'in_effect', f.in_effect, 'findings', f.findings)
                        ORDER BY f.on_day, f.place)
        FROM stated_fact f
        WHERE f.tenant = a.tenant AND f.assignment = a.assignment AND f.withdrawn_at IS NULL)::text AS facts
FROM assignment a WHERE a.tenant = %s AND a.assignment = %s
"""
_FIND = "SELECT person FROM person WHERE tenant = %s AND search = ANY(%s)"
_CLIENTS = """
SELECT a.assignment, a.programme, a.state
FROM ((SELECT assignment FROM place
       WHERE tenant = %(tenant)s AND provider = %(provider)s AND assignment > %(after)s
       ORDER BY assignment LIMIT %(limit)s)
      UNION
      (SELECT assignment FROM outcome_provider
       WHERE tenant = %(tenant)s AND provider = %(provider)s AND assignment > %(after)s
             AND (until_day IS NULL OR ended_on IS NOT NULL)
       ORDER BY assignment LIMIT %(limit)s)) AS mine
JOIN assignment a ON a.tenant = %(tenant)s AND a.assignment = mine.assignment
ORDER BY a.assignment LIMIT %(limit)s
"""
_COMPARED = """
SELECT provider, exit_kind, count(*) AS rows,
       count(*) FILTER (WHERE start_day <= %(day)s AND (until_day IS NULL OR until_day > %(start)s)) AS clients,
       count(*) FILTER (WHERE ended_on BETWEEN %(start)s AND %(day)s) AS ended,
       sum(days) FILTER (WHERE ended_on BETWEEN %(start)s AND %(day)s) AS days,
       sum(days * days::bigint) FILTER (WHERE ended_on BETWEEN %(start)s AND %(day)s) AS days_squared,
       count(*) FILTER (WHERE settles_on BETWEEN %(start)s AND %(day)s) AS over,
       count(*) FILTER (WHERE settles_on BETWEEN %(start)s AND %(day)s AND self_supporting) AS self_supporting,
       sum(contacts) AS contacts, sum(in_person) AS in_person
FROM outcome_provider
WHERE tenant = %(tenant)s AND programme = %(programme)s AND ground = 'LABOUR_MARKET' AND last_day >= %(start)s
GROUP BY provider, exit_kind
"""
_TAKEN = "SELECT provider, count(*) FROM place WHERE tenant = %(tenant)s GROUP BY provider"
_PARTICIPANTS = """
SELECT source, count(*) AS n, count(*) FILTER (WHERE supplementary_support IS NOT NULL) AS newcomers,
       count(*) FILTER (WHERE supplementary_support) AS supplementary
FROM outcome
WHERE tenant = %(tenant)s AND ground = 'LABOUR_MARKET' AND started_on <= %(last)s
      AND COALESCE(until_day, 'infinity'::date) > %(first)s
GROUP BY source
"""
_ENDED = """
SELECT programme, exit_kind, count(*) FILTER (WHERE ended_on >= %(first)s) AS ended,
       sum(days) FILTER (WHERE ended_on >= %(first)s) AS days,
       sum(days * days::bigint) FILTER (WHERE ended_on >= %(first)s) AS days_squared,
       count(*) FILTER (WHERE settles_on <= %(last)s) AS over,
       count(*) FILTER (WHERE settles_on <= %(last)s AND supported AND NOT broken) AS held,
       count(*) FILTER (WHERE ended_on >= %(first)s AND self_support_loka) AS loka,
       count(*) FILTER (WHERE ended_on >= %(first)s AND bonus_eligible_ami) AS ami
FROM outcome
WHERE tenant = %(tenant)s AND ground = 'LABOUR_MARKET' AND started_on IS NOT NULL
      AND ended_on <= %(last)s AND settles_on >= %(first)s
GROUP BY programme, exit_kind
"""
_WORK = """
SELECT kind, code, category, count(*), sum(held), sum(minutes) FROM outcome_work
WHERE tenant = %(tenant)s AND year = %(year)s GROUP BY kind, code, category
"""
_ADD_PERSON = "INSERT INTO person (tenant, person, details, key_id) VALUES (%s, %s, %s, %s)"


class ByHand:
    """One connection to the assignment service's database; every statement commits."""

    def __init__(self, uri: str, keys: str, tenant: str, other: str):
        self.connection = connect(uri)
        self.keys = PersonKeys(keys)
        self.tenant, self.other = tenant, other

    def close(self) -> None:
        self.connection.close()

    # --- questions -----------------------------------------------------------------------------------

    def state(self, assignment: str) -> Row:
        (row,) = self._rows(_STATE, (self.tenant, assignment))
        row["facts"] = json.loads(row["facts"])
        return row

    def find(self, number: str) -> str | None:
        rows = self._rows(_FIND, (self.tenant, self.keys.searches(self.tenant, number)))
        return rows[0]["person"] if rows else None

    def clients(self, provider: str, after: str, limit: int) -> list[Row]:
        return self._rows(_CLIENTS, {"tenant": self.tenant, "provider": provider, "after": after, "limit": limit})

    def compared(self, programme: str, start: date, day: date) -> list[Row]:
        values = {"tenant": self.tenant, "programme": programme, "start": start, "day": day}
        self._rows(_TAKEN, values)
        return self._rows(_COMPARED, values)

    def figures(self, year: int) -> list[Row]:
        """The participants; the rest is read and left."""
        values = {"tenant": self.tenant, "first": date(year, 1, 1), "last": date(year, 12, 31), "year": year}
        self._rows(_ENDED, values)
        self._rows(_WORK, values)
        return self._rows(_PARTICIPANTS, values)

    # --- registering ---------------------------------------------------------------------------------

    def add_person(self, person: str) -> None:
        sealed = self.keys.seal("{}", self.other, person, "details")
        self.connection.execute(_ADD_PERSON, (self.other, person, sealed, self.keys.first))

    def open_other(self) -> None:
        """The tenant under which the rows by hand go into the same tables."""
        self.connection.execute("INSERT INTO tenant (tenant) VALUES (%s) ON CONFLICT DO NOTHING", (self.other,))

    def taken(self, assignments: Sequence[str]) -> Mapping[str, bytes]:
        """The rows of these assignments as text for `put`, under the other tenant."""
        found = {}
        for table in TABLES:
            with self.connection.cursor().copy(
                sql.SQL("COPY (SELECT {}, {} FROM {} WHERE tenant = {} AND assignment = ANY({})) TO STDOUT").format(
                    sql.Literal(self.other),
                    sql.SQL(", ").join(map(sql.Identifier, self._columns(table))),
                    sql.Identifier(table),
                    sql.Literal(self.tenant),
                    sql.Literal(list(assignments)),
                )
            ) as out:
                found[table] = b"".join(map(bytes, out))
        return found

    def put(self, rows: Mapping[str, bytes]) -> None:
        """COPY into the same tables, in one transaction."""
        with self.connection.transaction():
            for table, text in rows.items():
                names = map(sql.Identifier, ("tenant", *self._columns(table)))
                statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), sql.SQL(", ").join(names))
                with self.connection.cursor().copy(statement) as into:
                    into.write(text)

    def _columns(self, table: str) -> list[str]:
        """All columns but the tenant's and those that are computed."""
        found = self._rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " AND attgenerated = '' AND attname <> 'tenant' ORDER BY attnum",
            (table,),
        )
        return [row["attname"] for row in found]

    def sizes(self) -> dict[str, float]:
        """MiB of the largest tables with their indexes."""
        rows = self._rows(
            "SELECT relname, pg_total_relation_size(oid) AS bytes FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 10"
        )
        return {row["relname"]: round(row["bytes"] / 2**20, 1) for row in rows}

    def tidy(self) -> None:
        """What autovacuum would do in its own time."""
        self.connection.execute("VACUUM ANALYZE")

    def forget_events(self) -> None:
        """The events of the filling would otherwise be sent while others are measured."""
        self.connection.execute("TRUNCATE outbox")

    def _rows(self, text: LiteralString, values: Any = None) -> list[Row]:
        cursor: psycopg.Cursor[Row] = self.connection.execute(text, values)
        return cursor.fetchall()
