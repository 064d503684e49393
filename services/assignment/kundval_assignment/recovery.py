"""What assignment makes of its restoration: the facts that the others were told of, it takes back from them.

Free texts never left this service, nor who a client is: those are stated again by people, and listed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from kundval_chassis import outbox
from kundval_chassis.db import Row, Tx
from kundval_chassis.held import read_fact
from kundval_chassis.recovery import LEAP, Recovery
from kundval_contracts.codes import FactKind
from kundval_contracts.facts import FREE_TEXT, KEPT_HERE

from . import record, tenants
from .record import Told
from .to_af import write as to_af

#: assignments whose facts are compared at a time
CHUNK = 500
Key = tuple[str, str]

_HELD = "SELECT tenant, assignment, count(*) AS n, sum(revision) AS r FROM held_fact GROUP BY tenant, assignment"
_OWN = (
    "SELECT tenant, assignment, count(*) AS n, sum(revision) AS r FROM stated_fact"
    " WHERE revision > 0 AND kind <> ALL(%s) GROUP BY tenant, assignment"
)
_FACTS = (
    "SELECT tenant, assignment, fact_id, revision, in_effect, kind, place, on_day, known_on, data FROM held_fact"
    " JOIN unnest(%s::text[], %s::text[]) AS k (tenant, assignment) USING (tenant, assignment)"
)


def recover(recovery: Recovery) -> None:
    """Take back tenants, protection and facts; let nothing leave for the employment service unseen."""
    tx = recovery.tx
    _raise_revisions(recovery)
    _take_tenants(recovery)
    _take_protection(recovery)
    _take_facts(recovery)
    for name in _names(tx):
        tenant = tenants.get(tx, name)
        if tenant.business_date is not None:
            record.day_has_come(tx, tenant, tenant.business_date)
            # who is restored next hears the history alone, where the days opened since are missing
            tenants.tell_day(tx, name, tenant.business_date)
    _hold_back(recovery)


def _names(tx: Tx) -> list[str]:
    return [row["tenant"] for row in tx.query("SELECT tenant FROM tenant ORDER BY tenant")]


def _raise_revisions(recovery: Recovery) -> None:
    tx = recovery.tx
    recovery.raise_revisions("claims_overlap")
    recovery.raise_revisions("af_dispatch")
    for table in ("report_watch", "af_watch"):
        recovery.raise_revisions(table)
        # of those of which nothing was told yet something may have been since
        tx.execute(
            f"INSERT INTO {table} (tenant, assignment, revision) SELECT tenant, assignment, %s FROM assignment"
            " ON CONFLICT DO NOTHING",
            (LEAP,),
        )
    tx.execute(
        "UPDATE assignment SET milestones = (SELECT jsonb_object_agg(key, jsonb_set(value, '{revision}',"
        " to_jsonb((value ->> 'revision')::integer + %s))) FROM jsonb_each(milestones)) WHERE milestones <> '{}'",
        (LEAP,),
    )


# --- tenants -----------------------------------------------------------------------------------------


def _take_tenants(recovery: Recovery) -> None:
    tx = recovery.tx
    newest: dict[str, Row] = {}
    days: dict[str, Any] = {}
    for other in recovery.others.values():
        for row in other.query("SELECT * FROM tenant WHERE sequence IS NOT NULL"):
            name = row["tenant"]
            if name not in newest or newest[name]["sequence"] < row["sequence"]:
                newest[name] = row
            if row["business_date"] is not None:
                days[name] = max(row["business_date"], days.get(name, row["business_date"]))
    own = {row["tenant"]: row for row in tx.query("SELECT * FROM tenant")}
    later = {name: row for name, row in newest.items() if row["sequence"] > recovery.own_sequence}
    for name, row in later.items():
        known = {one["id"] for one in own[name]["providers"]} if name in own else set()
        providers = [*(own[name]["providers"] if name in own else ())]
        providers += [one for one in row["providers"] if one["id"] not in known]
        tx.execute(
            "INSERT INTO tenant (tenant, municipality, settings, tariffs, providers) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (tenant) DO UPDATE SET municipality = excluded.municipality, settings = excluded.settings,"
            " tariffs = excluded.tariffs, providers = excluded.providers",
            (name, row["municipality"], *(Jsonb(part) for part in (row["settings"], row["tariffs"], providers))),
        )
    moved = sum(
        tx.execute(
            "UPDATE tenant SET business_date = %s WHERE tenant = %s AND business_date IS DISTINCT FROM greatest(%s,"
            " business_date)",
            (day, name, day),
        )
        for name, day in days.items()
    )
    for name in later:
        tenants.announce(tx, tenants.get(tx, name))
    recovery.done("tenants whose settings were taken back", len(later))
    recovery.done("tenants whose business date was taken back", moved)
    recovery.ask("tenants whose providers (names, authorisations, agreements) a person looks at", list(later))


def _take_protection(recovery: Recovery) -> None:
    """Whoever became protected since is told of to the services of the suite alone, as before."""
    found = set()
    for other in recovery.others.values():
        for row in other.query(
            "SELECT tenant, subject FROM restricted_subject WHERE restricted AND sequence > %s",
            (recovery.own_sequence,),
        ):
            if outbox.restrict(recovery.tx, row["tenant"], row["subject"]):
                found.add(row["subject"])
    recovery.ask("assignments of persons whose protection has to be stated again", sorted(found))


# --- facts -------------------------------------------------------------------------------------------


def _take_facts(recovery: Recovery) -> None:
    tx = recovery.tx
    registered = {
        (row["tenant"], row["assignment"]) for row in tx.query("SELECT tenant, assignment FROM assignment")
    }
    differing, unknown = _differing(recovery, registered)
    recovery.ask("assignments to be registered again, under the same id; then once more with --again", unknown)
    taken = withdrawn = 0
    without_texts: set[str] = set()
    for part in _chunks(sorted(differing)):
        newest = _newest(recovery, part)
        by_tenant: dict[str, dict[str, list[Told]]] = defaultdict(dict)
        for (tenant, assignment), rows in newest.items():
            by_tenant[tenant][assignment] = rows
        for name, told in by_tenant.items():
            back = record.take_back(tx, tenants.get(tx, name), told)
            taken += len(back.stated)
            withdrawn += back.withdrawn
            without_texts |= {assignment for assignment, fact in back.stated if fact.kind in FREE_TEXT}
    recovery.done("facts that were taken back", taken)
    recovery.done("facts whose withdrawal was taken back", withdrawn)
    recovery.ask("assignments with facts whose free texts are lost", sorted(without_texts))


def _differing(recovery: Recovery, registered: set[Key]) -> tuple[set[Key], list[str]]:
    """The assignments of which others have heard something else than this database knows to have told."""
    kept = [kind.value for kind in KEPT_HERE]
    own = {(row["tenant"], row["assignment"]): (row["n"], row["r"]) for row in recovery.tx.query(_OWN, (kept,))}
    differing: set[Key] = set()
    unknown: set[Key] = set()
    for other in recovery.others.values():
        for row in other.query(_HELD):
            key = (row["tenant"], row["assignment"])
            if key not in registered:
                unknown.add(key)
            elif own.get(key) != (row["n"], row["r"]):
                differing.add(key)
        cases = other.query("SELECT tenant, assignment FROM held_case WHERE sequence > %s", (recovery.own_sequence,))
        unknown |= {(row["tenant"], row["assignment"]) for row in cases} - registered
    return differing, sorted(f"{tenant}/{assignment}" for tenant, assignment in unknown)


def _newest(recovery: Recovery, keys: Sequence[Key]) -> dict[Key, list[Told]]:
    """The newest revision that anybody has of each fact of these assignments."""
    rows: dict[tuple[str, str, str], Row] = {}
    for other in recovery.others.values():
        for row in other.query(_FACTS, ([key[0] for key in keys], [key[1] for key in keys])):
            place = (row["tenant"], row["assignment"], row["fact_id"])
            if place not in rows or rows[place]["revision"] < row["revision"]:
                rows[place] = row
    found: dict[Key, list[Told]] = defaultdict(list)
    for (tenant, assignment, _), row in sorted(rows.items()):
        found[tenant, assignment].append(_told(row))
    return found


def _told(row: Mapping[str, Any]) -> Told:
    fact = None
    if row["in_effect"]:
        data = row["data"] if isinstance(row["data"], dict) else json.loads(row["data"])
        fact = read_fact(
            row["fact_id"], FactKind(row["kind"]), row["place"], row["on_day"], row["known_on"], data
        )
    return Told(row["fact_id"], row["revision"], fact)


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


# --- what leaves -------------------------------------------------------------------------------------


def _hold_back(recovery: Recovery) -> None:
    """What waited to be sent to the employment service may have been sent since: a person looks, and sends it again."""
    tx = recovery.tx
    waiting = tx.query("SELECT tenant, dispatch FROM af_dispatch WHERE state = 'READY' ORDER BY tenant, dispatch")
    for row in waiting:
        to_af.park(tx, tenants.get(tx, row["tenant"]), row["dispatch"])
    recovery.ask(
        "messages to the employment service that may have left: parked", [str(row["dispatch"]) for row in waiting]
    )
