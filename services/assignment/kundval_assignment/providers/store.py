"""SQL of providers. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from kundval_chassis.db import Tx
from kundval_contracts.case import Provider
from kundval_contracts.codes import AssignmentState, Programme, ProviderFactKind, ProviderState
from kundval_contracts.inputs import PROVIDER
from kundval_contracts.provider_facts import PROVIDER_FACT_SCHEMAS, ProviderFact, dump_provider_fields

from ..store import paged

_CHOICES = "withdrawn_at IS NULL AND kind IN ('provider_chosen', 'provider_switch', 'resumed')"


@dataclass(slots=True)
class Stated:
    """A fact as stored, with the judgement on it (`{code, message, rules}`, or None)."""

    fact: ProviderFact
    in_effect: bool = False
    judgement: dict[str, Any] | None = None


@dataclass(slots=True)
class Held:
    """A provider with everything that was ever stated about it, and what was told of it last.

    given: as the tenant was opened with it. told: whether `merged` and `states` have been stored.
    """

    id: str
    given: Provider | None = None
    stated: dict[str, Stated] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    merged: Provider | None = None
    states: dict[Programme, ProviderState] = field(default_factory=dict)
    told: bool = False


def lock(tx: Tx, tenant: str, providers: Iterable[str], *, exclusive: Iterable[str] = ()) -> None:
    """Keep others from changing these providers until the transaction ends; `exclusive`: from choosing them too.

    Taken in the order of the ids, and before any assignment is locked, or two transactions might wait for each other.
    """
    alone = set(exclusive)
    for provider in sorted({*providers, *alone}):
        how = "pg_advisory_xact_lock" if provider in alone else "pg_advisory_xact_lock_shared"
        tx.execute(f"SELECT {how}(hashtextextended(%s, 0))", ("\x1f".join(("provider", tenant, provider)),))


def given(tx: Tx, tenant: str) -> dict[str, Provider]:
    """The providers that the tenant was opened with, as they stood there."""
    rows: list[Any] = tx.value("SELECT providers FROM tenant WHERE tenant = %s", (tenant,)) or []
    return {row["id"]: PROVIDER.load(row) for row in rows}


def load(tx: Tx, tenant: str, providers: Sequence[str] | None = None) -> dict[str, Held]:
    """These providers, as far as anything is known of them; without `providers` every one, in the order of the ids."""
    opened = given(tx, tenant)
    where = "tenant = %s" if providers is None else "tenant = %s AND provider = ANY(%s)"
    parameters: list[Any] = [tenant] if providers is None else [tenant, list(providers)]
    found: dict[str, Held] = {
        name: Held(name, opened[name]) for name in opened if providers is None or name in providers
    }
    for row in tx.query(f"SELECT * FROM provider WHERE {where}", parameters):
        one = found.setdefault(row["provider"], Held(row["provider"]))
        one.merged, one.told = PROVIDER.load(row["merged"]), True
        one.states = {Programme(code): ProviderState(state) for code, state in row["states"].items()}
    for row in tx.query(f"SELECT * FROM provider_fact WHERE {where} ORDER BY provider, on_day, place", parameters):
        one = found.setdefault(row["provider"], Held(row["provider"]))
        if row["withdrawn_at"] is not None:
            one.withdrawn.add(row["fact_id"])
        else:
            one.stated[row["fact_id"]] = Stated(_fact(row), row["in_effect"], row["judgement"])
    return dict(sorted(found.items()))


def _fact(row: Mapping[str, Any]) -> ProviderFact:
    kind = ProviderFactKind(row["kind"])
    data = PROVIDER_FACT_SCHEMAS[kind].load(row["data"])
    return ProviderFact(
        row["fact_id"], kind, row["on_day"], row["known_on"], row["place"], data, row["stated_by"], row["for_provider"]
    )


def add_facts(tx: Tx, tenant: str, provider: str, facts: Iterable[Stated]) -> None:
    tx.insert_rows(
        "provider_fact",
        (
            "tenant",
            "provider",
            "fact_id",
            "place",
            "kind",
            "on_day",
            "known_on",
            "data",
            "stated_by",
            "for_provider",
            "in_effect",
            "judgement",
        ),
        [
            (
                tenant,
                provider,
                one.fact.id,
                one.fact.place,
                one.fact.kind.value,
                one.fact.on,
                one.fact.known_on,
                dump_provider_fields(one.fact),
                one.fact.stated_by,
                one.fact.for_provider,
                one.in_effect,
                one.judgement,
            )
            for one in facts
        ],
    )


def save_judgements(tx: Tx, tenant: str, provider: str, facts: Iterable[Stated]) -> None:
    rows = [
        (one.in_effect, None if one.judgement is None else Jsonb(one.judgement), tenant, provider, one.fact.id)
        for one in facts
    ]
    if rows:
        tx.executemany(
            "UPDATE provider_fact SET in_effect = %s, judgement = %s"
            " WHERE tenant = %s AND provider = %s AND fact_id = %s",
            rows,
        )


def withdraw(tx: Tx, tenant: str, provider: str, fact_id: str) -> None:
    tx.execute(
        "UPDATE provider_fact SET in_effect = false, judgement = NULL, withdrawn_at = now()"
        " WHERE tenant = %s AND provider = %s AND fact_id = %s",
        (tenant, provider, fact_id),
    )


def save(
    tx: Tx, tenant: str, merged: Provider, states: Mapping[Programme, ProviderState], changes_on: date | None
) -> None:
    """What has now been told of a provider."""
    tx.execute(
        "INSERT INTO provider (tenant, provider, merged, states, changes_on) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant, provider) DO UPDATE SET merged = excluded.merged, states = excluded.states,"
        " changes_on = excluded.changes_on",
        (
            tenant,
            merged.id,
            Jsonb(PROVIDER.dump(merged)),
            Jsonb({programme.value: state.value for programme, state in states.items()}),
            changes_on,
        ),
    )


def with_facts(tx: Tx, tenant: str) -> list[str]:
    """Providers about which facts have been stated, in order."""
    rows = tx.query("SELECT provider FROM provider WHERE tenant = %s ORDER BY provider", (tenant,))
    return [row["provider"] for row in rows]


def changing_by(tx: Tx, tenant: str, day: date) -> list[str]:
    """Providers whose standing may be another on `day` though nothing is stated, in order."""
    rows = tx.query(
        "SELECT provider FROM provider WHERE tenant = %s AND changes_on <= %s ORDER BY provider", (tenant, day)
    )
    return [row["provider"] for row in rows]


# --- choices and places --------------------------------------------------------------------------------


def last_choices(tx: Tx, tenant: str, providers: Sequence[str], day: date) -> dict[str, date]:
    """The latest day up to `day` on which a client chose each of the providers, for those that were chosen."""
    rows = tx.query(
        "SELECT data ->> 'provider' AS provider, max(on_day) AS day FROM stated_fact"
        f" WHERE tenant = %s AND data ->> 'provider' = ANY(%s) AND {_CHOICES} AND in_effect AND on_day <= %s"
        " AND (kind <> 'provider_switch' OR (data ->> 'approved')::boolean) GROUP BY 1",
        (tenant, list(providers), day),
    )
    return {row["provider"]: row["day"] for row in rows}


def concerned(tx: Tx, tenant: str, provider: str, since: date) -> list[str]:
    """Assignments that a change of the provider's authorisation from `since` on concerns, in order: it was chosen from
    then on, in effect or not, or it has the client now.
    """
    rows = tx.query(
        "SELECT assignment FROM stated_fact"
        f" WHERE tenant = %(tenant)s AND data ->> 'provider' = %(provider)s AND {_CHOICES} AND on_day >= %(since)s"
        " UNION SELECT assignment FROM place WHERE tenant = %(tenant)s AND provider = %(provider)s ORDER BY assignment",
        {"tenant": tenant, "provider": provider, "since": since},
    )
    return [row["assignment"] for row in rows]


def asked_for(tx: Tx, tenant: str, assignments: Sequence[str]) -> set[str]:
    """Providers to which clients of these assignments have asked to switch."""
    rows = tx.query(
        "SELECT DISTINCT data ->> 'provider' AS provider FROM stated_fact WHERE tenant = %s AND assignment = ANY(%s)"
        " AND withdrawn_at IS NULL AND kind = 'provider_switch'",
        (tenant, list(assignments)),
    )
    return {row["provider"] for row in rows}


def places(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, str]:
    """At which provider each of the assignments takes a place, for those that do."""
    rows = tx.query(
        "SELECT assignment, provider FROM place WHERE tenant = %s AND assignment = ANY(%s)", (tenant, list(assignments))
    )
    return {row["assignment"]: row["provider"] for row in rows}


def save_places(tx: Tx, tenant: str, taken: Iterable[tuple[str, str, Programme]], left: Sequence[str]) -> None:
    """`taken`: (assignment, provider, programme). Rows that say the same as before are not touched."""
    if left:
        tx.execute("DELETE FROM place WHERE tenant = %s AND assignment = ANY(%s)", (tenant, list(left)))
    tx.insert_rows(
        "place",
        ("tenant", "assignment", "provider", "programme"),
        [(tenant, assignment, provider, programme.value) for assignment, provider, programme in taken],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET provider = excluded.provider, programme = excluded.programme"
        " WHERE (place.provider, place.programme) IS DISTINCT FROM (excluded.provider, excluded.programme)",
    )


def taken(tx: Tx, tenant: str, providers: Sequence[str] | None = None) -> dict[str, dict[Programme, int]]:
    """How many places are taken, by provider and programme."""
    found: dict[str, dict[Programme, int]] = {}
    for row in tx.query(
        "SELECT provider, programme, count(*) AS n FROM place WHERE tenant = %(tenant)s"
        " AND (%(providers)s::text[] IS NULL OR provider = ANY(%(providers)s)) GROUP BY 1, 2",
        {"tenant": tenant, "providers": None if providers is None else list(providers)},
    ):
        found.setdefault(row["provider"], {})[Programme(row["programme"])] = row["n"]
    return found


def clients_of(tx: Tx, tenant: str, provider: str, programmes: Iterable[Programme]) -> list[str]:
    """Assignments that take a place at the provider in these programmes, in order."""
    rows = tx.query(
        "SELECT assignment FROM place WHERE tenant = %s AND provider = %s AND programme = ANY(%s) ORDER BY assignment",
        (tenant, provider, [programme.value for programme in programmes]),
    )
    return [row["assignment"] for row in rows]


def to_move(
    tx: Tx,
    tenant: str,
    ended: Iterable[tuple[str, Programme, date]],
    assignment: str | None,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The next assignments whose place is with one of `ended`: (provider, programme, first day without)."""
    rows = [(provider, programme.value, day) for provider, programme, day in ended]
    found = tx.query(
        "SELECT p.assignment, p.programme, p.provider, a.state, e.since"
        " FROM unnest(%(providers)s::text[], %(programmes)s::text[], %(days)s::date[])"
        " AS e (provider, programme, since)"
        " JOIN place p ON p.tenant = %(tenant)s AND p.provider = e.provider AND p.programme = e.programme"
        " JOIN assignment a ON a.tenant = p.tenant AND a.assignment = p.assignment"
        f" WHERE true{paged(assignment, after, 'p.assignment')} ORDER BY p.assignment LIMIT %(limit)s",
        {
            "tenant": tenant,
            "providers": [row[0] for row in rows],
            "programmes": [row[1] for row in rows],
            "days": [row[2] for row in rows],
            "one": assignment,
            "after": after,
            "limit": limit,
        },
    )
    return [{**row, "programme": Programme(row["programme"]), "state": AssignmentState(row["state"])} for row in found]
