"""SQL of the assignment service. No rules here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from psycopg.types.json import Jsonb

from kundval_chassis.db import Tx
from kundval_chassis.held import reader
from kundval_contracts.answer import Rejection
from kundval_contracts.case import Case, Client, Plan, Provider, Tenant
from kundval_contracts.codes import AssignmentState, FactKind, Programme
from kundval_contracts.facts import FACT_SCHEMAS, Fact, dump_fields
from kundval_contracts.inputs import CLIENT, PLAN, PROVIDER
from kundval_contracts.settings import RuleSettings, dump_settings, dump_tariffs, read_settings, read_tariffs


@dataclass(slots=True)
class Stated:
    """A fact as stored: the statement, the judgement on it and how often it was told."""

    fact: Fact
    in_effect: bool = False
    findings: tuple[Rejection, ...] = ()
    revision: int = 0


@dataclass(slots=True)
class Record:
    """An assignment with everything that was ever stated about it."""

    case: Case
    client: Client
    state: AssignmentState
    changes_on: date | None = None
    #: plan of the latest assignment description, as JSON
    described: dict[str, Any] | None = None
    #: what was told of milestones: key -> {"revision": n, "data": {...} or None}
    milestones: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: target groups matched at the decision, the primary one first
    groups: list[str] = field(default_factory=list)
    stated: dict[str, Stated] = field(default_factory=dict)
    #: ids of facts that were taken back
    withdrawn: set[str] = field(default_factory=set)

    @property
    def effective(self) -> Case:
        """The case with its facts in effect."""
        return self.case.having(stated.fact for stated in self.stated.values() if stated.in_effect)


# --- tenants -----------------------------------------------------------------------------------------


def save_tenant(tx: Tx, tenant: Tenant) -> None:
    tx.execute(
        "INSERT INTO tenant (tenant, municipality, settings, tariffs, providers) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant) DO UPDATE SET municipality = excluded.municipality, settings = excluded.settings,"
        " tariffs = excluded.tariffs, providers = excluded.providers",
        (
            tenant.id,
            tenant.municipality,
            Jsonb(dump_settings(tenant.settings.values)),
            Jsonb(dump_tariffs(tenant.settings.tariffs)),
            Jsonb([PROVIDER.dump(provider) for provider in tenant.providers.values()]),
        ),
    )


def load_tenant(tx: Tx, name: str) -> Tenant | None:
    row = tx.one(
        "SELECT municipality, settings::text, tariffs::text, providers::text, business_date,"
        " (SELECT jsonb_agg(p.merged ORDER BY p.provider) FROM provider p WHERE p.tenant = t.tenant)::text AS judged"
        " FROM tenant t WHERE t.tenant = %s",
        (name,),
    )
    if row is None:
        return None
    settings, providers = _read_tenant(row["settings"], row["tariffs"], row["providers"], row["judged"] or "[]")
    return Tenant(name, row["municipality"], settings, providers, row["business_date"])


@lru_cache(maxsize=256)
def _read_tenant(
    settings: str, tariffs: str, providers: str, judged: str
) -> tuple[RuleSettings, Mapping[str, Provider]]:
    """Every call needs it and it hardly ever changes: read once for each text."""
    # a provider about which facts have been stated is what these come to, with what the tenant was opened with
    given = {item["id"]: item for item in [*json.loads(providers), *json.loads(judged)]}
    loaded: list[Provider] = [PROVIDER.load(item) for item in given.values()]
    return (
        RuleSettings(read_settings(json.loads(settings)), read_tariffs(json.loads(tariffs))),
        MappingProxyType({provider.id: provider for provider in loaded}),
    )


def save_day(tx: Tx, tenant: str, day: date) -> None:
    tx.execute("UPDATE tenant SET business_date = %s WHERE tenant = %s", (day, tenant))


# --- assignments -------------------------------------------------------------------------------------


def add_assignments(tx: Tx, tenant: str, rows: Iterable[tuple[Case, Client, AssignmentState]]) -> set[str]:
    """Store new assignments; the ids that were new."""
    added = tx.insert_rows(
        "assignment",
        ("tenant", "assignment", "programme", "delivery_area", "plan", "client", "state"),
        [
            (
                tenant,
                case.assignment,
                case.programme.value,
                case.delivery_area,
                PLAN.dump(case.plan),
                CLIENT.dump(client),
                state.value,
            )
            for case, client, state in rows
        ],
        "ON CONFLICT DO NOTHING RETURNING assignment",
    )
    return {row["assignment"] for row in added}


# One row and one JSON text an assignment: decoding each fact's own jsonb costs more than judging it. In a statement of
# its own, after the lock: it has to see what others committed while this transaction waited.
_FACTS = (
    "SELECT assignment, json_agg(json_build_array(fact_id, kind, place, on_day, known_on, data, in_effect, findings,"
    " revision, withdrawn_at IS NOT NULL) ORDER BY on_day, place)::text AS facts"
    " FROM stated_fact WHERE tenant = %s AND assignment = ANY(%s) GROUP BY assignment"
)


def load_records(tx: Tx, tenant: str, assignments: Sequence[str], *, lock: bool = False) -> dict[str, Record]:
    """Records of those assignments that exist; with `lock`, nobody else changes them until the transaction ends."""
    rows = tx.query(
        "SELECT assignment, programme, plan::text, delivery_area, client, state, changes_on, described, milestones,"
        " target_groups FROM assignment WHERE tenant = %s AND assignment = ANY(%s) ORDER BY assignment"
        + (" FOR UPDATE" if lock else ""),
        (tenant, list(assignments)),
    )
    found = {
        row["assignment"]: Record(
            Case(row["assignment"], Programme(row["programme"]), _plan(row["plan"]), row["delivery_area"]),
            Client(**_read_client(row["client"])),
            AssignmentState(row["state"]),
            row["changes_on"],
            row["described"],
            row["milestones"],
            row["target_groups"],
        )
        for row in rows
    }
    for row in tx.query(_FACTS, (tenant, list(found))):
        record = found[row["assignment"]]
        for fact_id, kind, place, on, known_on, data, in_effect, findings, revision, withdrawn in json.loads(
            row["facts"]
        ):
            if withdrawn:
                record.withdrawn.add(fact_id)
                continue
            record.stated[fact_id] = Stated(
                _fact(fact_id, kind, place, on, known_on, data),
                in_effect,
                tuple(
                    Rejection(row["assignment"], place, item["code"], item["message"], tuple(item["rules"]))
                    for item in findings
                ),
                revision,
            )
    return found


def add_facts(tx: Tx, tenant: str, facts: Iterable[tuple[str, Stated]]) -> None:
    tx.insert_rows(
        "stated_fact",
        (
            "tenant",
            "assignment",
            "fact_id",
            "place",
            "kind",
            "on_day",
            "known_on",
            "data",
            "in_effect",
            "findings",
            "revision",
        ),
        [
            (
                tenant,
                assignment,
                one.fact.id,
                one.fact.place,
                one.fact.kind.value,
                one.fact.on,
                one.fact.known_on,
                dump_fields(one.fact),
                one.in_effect,
                _findings(one),
                one.revision,
            )
            for assignment, one in facts
        ],
    )


def save_judgements(tx: Tx, tenant: str, facts: Iterable[tuple[str, Stated]]) -> None:
    rows = [
        (one.in_effect, Jsonb(_findings(one)), one.revision, tenant, assignment, one.fact.id)
        for assignment, one in facts
    ]
    if rows:
        tx.executemany(
            "UPDATE stated_fact SET in_effect = %s, findings = %s, revision = %s"
            " WHERE tenant = %s AND assignment = %s AND fact_id = %s",
            rows,
        )


def save_standing(tx: Tx, tenant: str, records: Mapping[str, Record]) -> None:
    """State, the day from which it may be another, description, milestones and target groups of these assignments."""
    if records:
        tx.executemany(
            "UPDATE assignment SET state = %s, changes_on = %s, described = %s, milestones = %s, target_groups = %s"
            " WHERE tenant = %s AND assignment = %s",
            [
                (
                    record.state.value,
                    record.changes_on,
                    None if record.described is None else Jsonb(record.described),
                    Jsonb(record.milestones),
                    record.groups,
                    tenant,
                    assignment,
                )
                for assignment, record in sorted(records.items())
            ],
        )


def changing_by(tx: Tx, tenant: str, day: date) -> list[str]:
    """Assignments whose state may be another on `day` though nothing is stated, in order."""
    rows = tx.query(
        "SELECT assignment FROM assignment WHERE tenant = %s AND changes_on <= %s ORDER BY assignment", (tenant, day)
    )
    return [row["assignment"] for row in rows]


def withdraw(tx: Tx, tenant: str, assignment: str, fact_id: str, revision: int) -> None:
    tx.execute(
        "UPDATE stated_fact SET in_effect = false, findings = '[]', withdrawn_at = now(), revision = %s"
        " WHERE tenant = %s AND assignment = %s AND fact_id = %s",
        (revision, tenant, assignment, fact_id),
    )


def add_withdrawn(tx: Tx, tenant: str, assignment: str, ids: Iterable[tuple[str, int]]) -> None:
    """Keep (id, revision) of facts that were stated and withdrawn and of which no more is known: the ids stay taken."""
    rows = list(ids)
    if rows:
        tx.executemany(
            "INSERT INTO stated_fact (tenant, assignment, fact_id, place, kind, on_day, known_on, data, in_effect,"
            " revision, withdrawn_at) VALUES (%s, %s, %s, 0, %s, '0001-01-01', '0001-01-01', '{}', false, %s, now())"
            " ON CONFLICT DO NOTHING",
            [(tenant, assignment, one, FactKind.NOTE.value, revision) for one, revision in rows],
        )


# --- reading -----------------------------------------------------------------------------------------


def paged(one: str | None, after: str | None, column: str = "assignment") -> str:
    """The condition of a page: of `one` alone, or what comes after `after`; values by these names.

    Nothing is said of what is not asked for. "IS NULL OR" in its place would have every page read from the first row
    on, once the database plans the statement without looking at its values.
    """
    only = "" if one is None else f" AND {column} = %(one)s"
    return only if after is None else f"{only} AND {column} > %(after)s"


def page(tx: Tx, tenant: str, assignment: str | None, after: str | None, limit: int) -> list[str]:
    """Ids of the next assignments of a tenant in order."""
    rows = tx.query(
        f"SELECT assignment FROM assignment WHERE tenant = %(tenant)s{paged(assignment, after)}"
        " ORDER BY assignment LIMIT %(limit)s",
        {"tenant": tenant, "one": assignment, "after": after, "limit": limit},
    )
    return [row["assignment"] for row in rows]


def rejections(tx: Tx, tenant: str, assignments: Sequence[str]) -> list[dict[str, Any]]:
    rows = tx.query(
        "SELECT assignment, place AS fact, findings FROM stated_fact WHERE tenant = %s AND assignment = ANY(%s)"
        " AND NOT in_effect AND withdrawn_at IS NULL ORDER BY assignment, place",
        (tenant, list(assignments)),
    )
    return [{**row, **finding} for row in rows for finding in row.pop("findings")]


def summary(tx: Tx, tenant: str) -> dict[str, Any]:
    """Counts for one tenant: assignments, facts, by state, rejections by code."""
    states = tx.query(
        "SELECT state, count(*) AS n FROM assignment WHERE tenant = %s GROUP BY state ORDER BY state", (tenant,)
    )
    codes = tx.query(
        "SELECT finding ->> 'code' AS code, count(*) AS n FROM stated_fact, jsonb_array_elements(findings) AS finding"
        " WHERE tenant = %s AND NOT in_effect AND withdrawn_at IS NULL GROUP BY 1 ORDER BY 1",
        (tenant,),
    )
    facts = tx.value("SELECT count(*) FROM stated_fact WHERE tenant = %s AND withdrawn_at IS NULL", (tenant,))
    return {
        "assignments": sum(row["n"] for row in states),
        "facts": facts,
        "states": {row["state"]: row["n"] for row in states},
        "rejections": {row["code"]: row["n"] for row in codes},
    }


def _fact(fact_id: str, kind: str, place: int, on: str, known_on: str, data: Mapping[str, Any]) -> Fact:
    known = FactKind(kind)
    return Fact(fact_id, known, date.fromisoformat(on), date.fromisoformat(known_on), place, _READERS[known](data))


_READERS = {kind: reader(schema) for kind, schema in FACT_SCHEMAS.items()}
_read_client = reader(CLIENT)


@lru_cache(maxsize=4096)
def _plan(raw: str) -> Plan:
    plan: Plan = PLAN.loads(raw)
    return plan


def _findings(one: Stated) -> list[dict[str, Any]]:
    return [{"code": item.code, "message": item.message, "rules": list(item.rules)} for item in one.findings]
