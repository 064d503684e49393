"""What a service holds of the assignment service's truth, kept in step by its events.

The order of arrival does not matter: a fact may come before its assignment, a withdrawal before the fact.
Each fact carries a `revision`; the highest wins, and a withdrawn fact stays as a mark so that an older
revision that comes later loses. Everything is set-based: a batch of some hundred events costs four statements
at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, missing
from psycopg.rows import tuple_row

from kundval_contracts.case import Case, Plan, Provider, Step, Tenant
from kundval_contracts.codes import FactKind, Programme
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Conflict, NotFound
from kundval_contracts.events import EVENTS
from kundval_contracts.facts import Fact
from kundval_contracts.inputs import PROVIDER
from kundval_contracts.settings import RuleSettings, read_settings, read_tariffs

from . import inbox

if TYPE_CHECKING:
    from .db import Tx

#: A case by its tenant and assignment id.
Key = tuple[str, str]

_FACT_EVENTS: Mapping[str, FactKind] = {
    f"assignment.{kind}": kind for kind in FactKind if f"assignment.{kind}" in EVENTS
}
_HEAD = frozenset({"assignment", "fact_id", "ordinal", "on", "known_on", "revision"})

#: The event that moves the business date, for who needs nothing but facts to know a day.
CLOCK = "assignment.day_opened"

#: What `apply` looks at; give it to `@consumes(needs=...)` with what the service handles besides.
NEEDS = frozenset(_FACT_EVENTS) | {
    "assignment.tenant_opened",
    "assignment.registered",
    "assignment.fact_withdrawn",
    CLOCK,
}


def fact_kind(event: Event) -> FactKind | None:
    """The kind of the fact that an event tells, or takes back; None for an event about something else."""
    if event.name == "assignment.fact_withdrawn":
        return FactKind(event.data["fact"])
    return _FACT_EVENTS.get(event.name)


def own_fields(event: Event) -> dict[str, Any]:
    """The fields that the fact of this event has of its own, as they are stored."""
    return {name: value for name, value in event.data.items() if name not in _HEAD}


class NotOpened(LookupError):
    """The tenant has not been opened here yet: its event is still on its way, or never came."""


def apply(tx: Tx, events: Iterable[Event], *, clock: str = CLOCK) -> set[Key]:
    """Take in events of the assignment service; the cases whose facts or plan changed by it.

    Other events are passed over. A tenant's settings or business date may have changed too: ask
    `load_tenant`. `clock` is the event that moves the business date here.
    """
    opened: dict[str, Event] = {}
    days: dict[str, date] = {}
    registered: dict[Key, Event] = {}
    facts: dict[tuple[str, str, str], tuple[int, Event]] = {}
    for event in events:
        if event.name in _FACT_EVENTS or event.name == "assignment.fact_withdrawn":
            data = event.data
            key = (event.tenant, data["assignment"], data["fact_id"])
            if key not in facts or facts[key][0] < data["revision"]:
                facts[key] = (data["revision"], event)
        elif event.name == "assignment.registered":
            case = (event.tenant, event.data["assignment"])
            if case not in registered or registered[case].sequence < event.sequence:
                registered[case] = event
        elif event.name == "assignment.tenant_opened":
            if event.tenant not in opened or opened[event.tenant].sequence < event.sequence:
                opened[event.tenant] = event
        elif event.name == clock:
            day = date.fromisoformat(event.data["date"])
            days[event.tenant] = max(day, days.get(event.tenant, day))
    _open(tx, opened)
    _move(tx, days)
    return _register(tx, registered) | _record(tx, facts)


def _open(tx: Tx, opened: Mapping[str, Event]) -> None:
    tx.insert_rows(
        "tenant",
        ("tenant", "municipality", "settings", "tariffs", "providers", "sequence"),
        [
            (
                tenant,
                *(event.data[name] for name in ("municipality", "settings", "tariffs", "providers")),
                event.sequence,
            )
            for tenant, event in sorted(opened.items())
        ],
        "ON CONFLICT (tenant) DO UPDATE SET municipality = excluded.municipality, settings = excluded.settings,"
        " tariffs = excluded.tariffs, providers = excluded.providers, sequence = excluded.sequence"
        " WHERE tenant.sequence IS NULL OR tenant.sequence < excluded.sequence",
    )


def _move(tx: Tx, days: Mapping[str, date]) -> None:
    tx.insert_rows(
        "tenant",
        ("tenant", "business_date"),
        sorted(days.items()),
        "ON CONFLICT (tenant) DO UPDATE SET business_date = greatest(tenant.business_date, excluded.business_date)",
    )


def _register(tx: Tx, registered: Mapping[Key, Event]) -> set[Key]:
    rows = tx.insert_rows(
        "held_case",
        ("tenant", "assignment", "programme", "delivery_area", "plan", "sequence"),
        [
            (*key, event.data["programme"], event.data.get("delivery_area"), event.data["plan"], event.sequence)
            for key, event in sorted(registered.items())
        ],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET programme = excluded.programme,"
        " delivery_area = excluded.delivery_area, plan = excluded.plan, sequence = excluded.sequence"
        " WHERE held_case.sequence < excluded.sequence RETURNING tenant, assignment",
    )
    return {(row["tenant"], row["assignment"]) for row in rows}


def _record(tx: Tx, facts: Mapping[tuple[str, str, str], tuple[int, Event]]) -> set[Key]:
    rows: list[tuple[Any, ...]] = []
    for key, (revision, event) in sorted(facts.items(), key=lambda item: item[0]):
        data = event.data
        kind = _FACT_EVENTS.get(event.name)
        if kind is None:
            rows.append((*key, revision, False, None, None, None, None, None))
        else:
            own = own_fields(event)
            rows.append((*key, revision, True, kind.value, data["ordinal"], data["on"], data["known_on"], own))
    changed = tx.insert_rows(
        "held_fact",
        ("tenant", "assignment", "fact_id", "revision", "in_effect", "kind", "place", "on_day", "known_on", "data"),
        rows,
        "ON CONFLICT (tenant, assignment, fact_id) DO UPDATE SET revision = excluded.revision,"
        " in_effect = excluded.in_effect, kind = excluded.kind, place = excluded.place, on_day = excluded.on_day,"
        " known_on = excluded.known_on, data = excluded.data"
        " WHERE held_fact.revision < excluded.revision RETURNING tenant, assignment",
    )
    return {(row["tenant"], row["assignment"]) for row in changed}


# --- reading -----------------------------------------------------------------------------------------

# One row and one JSON text a case: decoding each fact's own jsonb costs more than all the rest of loading it.
_CASE = (
    "SELECT c.tenant, c.assignment, c.programme, c.delivery_area, c.plan,"
    " (SELECT json_agg(json_build_array(f.fact_id, f.kind, f.place, f.on_day, f.known_on, f.data)"
    " ORDER BY f.on_day, f.place, f.fact_id) FROM held_fact f"
    " WHERE f.tenant = c.tenant AND f.assignment = c.assignment AND f.in_effect)::text"
)
_IN_ORDER = "ORDER BY c.tenant, c.assignment"
_BY_KEY = (
    f"{_CASE} FROM unnest(%s::text[], %s::text[]) AS k (tenant, assignment)"
    f" JOIN held_case c ON c.tenant = k.tenant AND c.assignment = k.assignment {_IN_ORDER}"
)
_BY_KEY_AND_KIND = _BY_KEY.replace("f.in_effect)", "f.in_effect AND f.kind = ANY(%s))", 1)
_OF_TENANT = (
    f"{_CASE} FROM (SELECT * FROM held_case WHERE tenant = %s AND assignment > %s"
    f" ORDER BY assignment LIMIT %s) c {_IN_ORDER}"
)


def load_cases(tx: Tx, keys: Iterable[Key]) -> list[Case]:
    """The cases of these keys with the facts in effect, in the order of the keys' sorting.

    Keys of assignments that are not registered here yet are passed over; see `load_cases_by_key`.
    """
    return [case for _, case in load_cases_by_key(tx, keys)]


def load_facts_of(tx: Tx, tenant: str, assignments: Iterable[str], kinds: Iterable[FactKind]) -> list[Case]:
    """As `load_cases`, with facts of these kinds alone: much cheaper where few of many facts are looked at."""
    wanted = sorted(set(assignments))
    values = [sorted(kind.value for kind in kinds), [tenant] * len(wanted), wanted]
    return [case for _, case in _cases(tx, _BY_KEY_AND_KIND, values)]


def load_cases_by_key(tx: Tx, keys: Iterable[Key]) -> list[tuple[Key, Case]]:
    """As `load_cases`, each with its key, for batches that touch several tenants."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    return _cases(tx, _BY_KEY, [[tenant for tenant, _ in wanted], [assignment for _, assignment in wanted]])


def tenant_cases(tx: Tx, tenant: str, chunk: int = 1000) -> Iterator[list[Case]]:
    """Every case of a tenant, in chunks, ordered by assignment. Each chunk is one query: memory stays small."""
    last = ""
    while True:
        cases = [case for _, case in _cases(tx, _OF_TENANT, (tenant, last, chunk))]
        if cases:
            yield cases
            last = cases[-1].assignment
        if len(cases) < chunk:
            return


def _cases(tx: Tx, sql: Any, params: Any) -> list[tuple[Key, Case]]:
    with tx.conn.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(sql, params)
        return [((row[0], row[1]), _case(row)) for row in cursor]


def _case(row: tuple[Any, ...]) -> Case:
    _, assignment, programme, delivery_area, plan, facts = row
    return Case(
        assignment=assignment,
        programme=Programme(programme),
        plan=_plan(plan),
        delivery_area=delivery_area,
        facts=tuple(_fact(*one) for one in json.loads(facts)) if facts else (),
    )


def _fact(fact_id: str, kind: str, place: int, on: str, known_on: str, data: Mapping[str, Any]) -> Fact:
    return read_fact(fact_id, kind, place, date.fromisoformat(on), date.fromisoformat(known_on), data)


def read_fact(fact_id: str, kind: str, place: int, on: date, known_on: date, data: Mapping[str, Any]) -> Fact:
    """A fact from what is stored of it: its columns, and its own fields as they travelled."""
    known = _KINDS[kind]
    return Fact(fact_id, known, on, known_on, place, _READERS[known](data))


def _plan(raw: Mapping[str, Any]) -> Plan:
    return Plan(
        raw.get("extent_pct"),
        raw.get("job_search_quota"),
        tuple(Step(date.fromisoformat(step["from"]), step["extent_pct"]) for step in raw.get("step_up") or ()),
    )


def load_tenant(tx: Tx, tenant: str) -> Tenant:
    """A tenant with its settings, tariffs, providers and business date. Raises `NotOpened`."""
    row = tx.one(
        "SELECT municipality, settings::text, tariffs::text, providers::text, business_date FROM tenant"
        " WHERE tenant = %s AND sequence IS NOT NULL",
        (tenant,),
    )
    if row is None:
        raise NotOpened("the tenant has not been opened")
    return read_tenant(tenant, row, row["business_date"])


def read_tenant(tenant: str, row: Mapping[str, Any], business_date: date | None) -> Tenant:
    """A tenant from what its event told: municipality, and settings, tariffs and providers as JSON texts."""
    settings, providers = _read_tenant(row["settings"], row["tariffs"], row["providers"])
    return Tenant(
        id=tenant,
        municipality=row["municipality"],
        settings=settings,
        providers=providers,
        business_date=business_date,
    )


def tenant_named(tx: Tx, name: str) -> Tenant:
    """As `load_tenant`, for who was asked about it: raises NotFound."""
    try:
        return load_tenant(tx, name)
    except NotOpened:
        raise NotFound(f"There is no tenant {name}.") from None


def tenant_today(tx: Tx, name: str) -> tuple[Tenant, date]:
    """The tenant and its business date. Raises NotFound, Conflict (NO_BUSINESS_DATE)."""
    tenant = tenant_named(tx, name)
    if tenant.business_date is None:
        raise Conflict(f"The tenant {name} has no business date yet.", code="NO_BUSINESS_DATE")
    return tenant, tenant.business_date


@lru_cache(maxsize=256)
def _read_tenant(settings: str, tariffs: str, providers: str) -> tuple[RuleSettings, dict[str, Provider]]:
    loaded = [PROVIDER.load(provider) for provider in json.loads(providers)]
    return (
        RuleSettings(read_settings(json.loads(settings)), read_tariffs(json.loads(tariffs))),
        {provider.id: provider for provider in loaded},
    )


def positions(tx: Tx, tenant: str) -> dict[str, Any]:
    """How far a service is for a tenant: `{"published": n, "handled": {source: n}, "outbox": n}`.

    A suite is quiet when every outbox is 0 and each consumer has handled as many events as its sources
    published.
    """
    row = tx.one(
        "SELECT (SELECT count(*) FROM event WHERE tenant = %(tenant)s) AS published,"
        " (SELECT count(*) FROM outbox JOIN event USING (sequence) WHERE tenant = %(tenant)s) AS outbox",
        {"tenant": tenant},
    )
    assert row is not None
    return {"published": row["published"], "handled": inbox.handled(tx, tenant), "outbox": row["outbox"]}


# --- fields of facts ---------------------------------------------------------------------------------

_KINDS = {kind.value: kind for kind in FactKind}


def reader(schema: Schema) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """How to read the stored fields of a kind of fact back into native types.

    They were checked by their schema when they were stated, published and taken in; loading them through it again
    would cost more than computing the case.
    """
    readers: dict[str, tuple[str, Callable[[Any], Any] | None]] = {}
    defaults: dict[str, Any] = {}
    for name, field in schema.fields.items():
        if name in _HEAD:
            continue
        attribute = field.attribute or name
        readers[field.data_key or name] = (attribute, _convert(field))
        if field.load_default is not missing:
            defaults[attribute] = field.load_default

    def read(raw: Mapping[str, Any]) -> dict[str, Any]:
        data = {}
        for key, value in raw.items():
            known = readers.get(key)
            if known is not None:
                attribute, convert = known
                data[attribute] = value if value is None or convert is None else convert(value)
        for attribute, default in defaults.items():
            if attribute not in data:
                data[attribute] = default() if callable(default) else default
        return data

    return read


def _convert(field: Any) -> Callable[[Any], Any] | None:
    if type(field) in (fields.Integer, fields.String, fields.Boolean):
        return None
    if type(field) is fields.Date:
        return date.fromisoformat
    if type(field) is fields.Enum:
        enum: Callable[[Any], Any] = field.enum
        return enum
    if type(field) is fields.List:
        inner = _convert(field.inner)
        return list if inner is None else lambda values: [inner(value) for value in values]
    deserialize: Callable[[Any], Any] = field.deserialize
    return deserialize


_READERS = {kind: reader(EVENTS[name].schema) for name, kind in _FACT_EVENTS.items()}
