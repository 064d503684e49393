"""How long anything is kept about a person, and how it goes (GAP-14).

The sources say nothing of it, so there is no default: what `retention.<kind>` does not say is kept and named as unset.
What money rests on stays, and stays as it was judged: opaque ids, days, codes. A table that holds rows of assignments
or persons is in `HOLDINGS`, with what becomes of them; a test holds the list against the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from marshmallow import ValidationError
from psycopg.types.json import Jsonb

from kundval_chassis.db import Tx
from kundval_contracts.case import Client, Tenant
from kundval_contracts.codes import FactKind, RecordKind
from kundval_contracts.facts import FACT_SCHEMAS, FREE_TEXT, Fact
from kundval_contracts.inputs import CLIENT

from .. import store as assignments
from ..domain import judge
from ..domain.people import FINISHED, begins, coarse_birth_date, ended_on, expires, without_words
from ..store import Record
from . import log
from .keys import PersonKeys

#: so that the others let go of what they hold by the person's id
ERASED = "assignment.person_erased"

#: assignments that are looked at in one go
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Holding:
    """A table with rows of assignments or persons. `kind`: with what they go; None: they stay, and `why`.

    `erase` is what is executed with (tenant, assignment); rows whose kind is handled in code have none. `some` says in
    SQL whether an assignment `a` has any rows to erase.
    """

    kind: RecordKind | None
    why: str
    erase: str | None = None
    some: str | None = None


HOLDINGS: Mapping[str, Holding] = {
    "assignment": Holding(
        None, "id, programme, plan and state: money rests on them; the birth date goes with the person"
    ),
    "stated_fact": Holding(RecordKind.FACTS_TEXTS, "words go, opaque facts stay: money rests on them"),
    "person": Holding(RecordKind.PERSON, "all but the id"),
    "protection": Holding(None, "so that whereabouts of a person who was protected stay masked"),
    "protection_reader": Holding(RecordKind.PERSON, "who was named, and why"),
    **dict.fromkeys(
        ("gate_ground", "gate_record", "gate_refusal"),
        Holding(RecordKind.PERSON, "on which grounds what was kept; what was kept goes when its ground holds no more"),
    ),
    **dict.fromkeys(
        ("household_member", "reference_link", "inbound_item"),
        Holding(RecordKind.PERSON, "what other systems call the person, and what of theirs was taken in: opaque ids"),
    ),
    "inbound_fact": Holding(None, "which facts stand for which payment: money rests on them"),
    "af_order": Holding(None, "opaque ids, days and codes of orders; what else they say lies in gate_record, sealed"),
    "report": Holding(
        RecordKind.FACTS_TEXTS,
        "what was written goes; that and when it was submitted stays",
        "UPDATE report SET contents = '{}', return_reason = NULL WHERE tenant = %s AND assignment = %s",
        "EXISTS (SELECT FROM report AS one WHERE one.tenant = a.tenant AND one.assignment = a.assignment"
        " AND (one.contents <> '{}' OR one.return_reason IS NOT NULL))",
    ),
    "report_version": Holding(
        RecordKind.FACTS_TEXTS,
        "every submission as it was",
        "DELETE FROM report_version WHERE tenant = %s AND assignment = %s",
        "EXISTS (SELECT FROM report_version AS one WHERE one.tenant = a.tenant AND one.assignment = a.assignment)",
    ),
    "report_watch": Holding(None, "numbers and days"),
    "af_watch": Holding(None, "kinds, numbers and days"),
    "af_dispatch": Holding(None, "numbers, days and codes; what a message says goes when its ground holds no more"),
    "claims_overlap": Holding(None, "opaque ids and codes: billing holds money back by them"),
    "document": Holding(
        RecordKind.DOCUMENTS,
        "the bytes, and what they were found to be",
        "DELETE FROM document WHERE tenant = %s AND assignment = %s",
        "EXISTS (SELECT FROM document AS one WHERE one.tenant = a.tenant AND one.assignment = a.assignment)",
    ),
    **dict.fromkeys(
        ("held_case", "held_fact", "agenda"), Holding(None, "for services that take in facts: no rows in this one")
    ),
    "heard_meeting": Holding(None, "opaque ids and numbers of meetings; when and where they were is not in it"),
    "place": Holding(None, "which provider has a place taken: an opaque id"),
    "outcome": Holding(None, "days, codes and counts: figures rest on them"),
    "outcome_provider": Holding(None, "days, codes and counts: figures rest on them"),
    "outcome_work": Holding(None, "minutes and counts: figures rest on them"),
    "shown_results": Holding(
        RecordKind.SNAPSHOTS,
        "what was shown before the choice",
        "DELETE FROM shown_results WHERE tenant = %s AND assignment = %s",
        "EXISTS (SELECT FROM shown_results AS one WHERE one.tenant = a.tenant AND one.assignment = a.assignment)",
    ),
}


#: tables whose rows go with the person, each before those that it points to
_OF_PERSON = (
    "protection_reader",
    "household_member",
    "reference_link",
    "inbound_item",
    "gate_record",
    "gate_ground",
    "gate_refusal",
)


@dataclass(frozen=True, slots=True)
class Due:
    """What has been kept for its time: of an assignment, a person, or the oldest `count` entries of the access log."""

    kind: RecordKind
    expired: date
    assignment: str | None = None
    person: str | None = None
    count: int = 1

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "person": self.person,
            "assignment": self.assignment,
            "expired": self.expired.isoformat(),
            "count": self.count,
        }


def unset(tenant: Tenant) -> list[str]:
    """The keys without a value."""
    return [kind.setting for kind in RecordKind if tenant.settings[kind.setting] is None]


def due(tx: Tx, tenant: Tenant, limit: int) -> list[Due]:
    """What is past its time on the business date, at most `limit` of each kind. Without a business date, nothing."""
    today = tenant.business_date
    found: list[Due] = []
    if today is None:
        return found
    for kind in RecordKind:
        kept = tenant.settings[kind.setting]
        if kept is not None:
            rows = _LOOK[kind](tx, tenant, today, kept)
            found += [one for one, _ in zip(rows, range(limit), strict=False)]
    return found


def erase(tx: Tx, keys: PersonKeys, tenant: Tenant, limit: int) -> tuple[dict[str, int], list[str]]:
    """Erase what is due: how many of each kind, and which fields had to stay because a judgement rests on them."""
    # triggers that keep rows as they were let them go for this
    tx.execute("SELECT set_config('kundval.erasing', 'on', true)")
    counts: dict[str, int] = {}
    kept: set[str] = set()
    for one in due(tx, tenant, limit):
        number = 1
        if one.kind is RecordKind.ACCESS_LOG:
            assert tenant.business_date is not None
            number = log.cut(tx, keys, tenant.id, begins(tenant.business_date, tenant.settings[one.kind.setting]))
        elif one.kind is RecordKind.PERSON:
            assert one.person is not None
            kept |= _erase_person(tx, tenant, one.person)
        elif one.assignment is not None:
            if one.kind is RecordKind.FACTS_TEXTS:
                kept |= _erase_texts(tx, tenant, [one.assignment])
            _erase_rows(tx, tenant, one.kind, one.assignment)
        counts[one.kind.value] = counts.get(one.kind.value, 0) + number
    tx.execute("SELECT set_config('kundval.erasing', 'off', true)")
    return counts, sorted(kept)


# --- what is due -------------------------------------------------------------------------------------

_FINISHED_BEFORE = (
    "a.state = ANY(%(finished)s) AND NOT EXISTS (SELECT FROM stated_fact AS fact WHERE fact.tenant = a.tenant"
    " AND fact.assignment = a.assignment AND fact.withdrawn_at IS NULL AND fact.known_on >= %(first)s)"
)
_TEXTS_LEFT = (
    "(a.texts_erased_at IS NULL OR EXISTS (SELECT FROM stated_fact AS fact WHERE fact.tenant = a.tenant"
    " AND fact.assignment = a.assignment AND fact.stated_at > a.texts_erased_at))"
)


def _of_assignments(kind: RecordKind) -> Callable[[Tx, Tenant, date, str], Iterator[Due]]:
    some = [holding.some for holding in HOLDINGS.values() if holding.kind is kind and holding.some]
    if kind is RecordKind.FACTS_TEXTS:
        some.append(_TEXTS_LEFT)

    def look(tx: Tx, tenant: Tenant, today: date, kept: str) -> Iterator[Due]:
        after = ""
        while some:
            rows = tx.query(
                f"SELECT a.assignment, a.registered_at::date AS registered FROM assignment AS a"
                f" WHERE a.tenant = %(tenant)s AND a.assignment > %(after)s AND {_FINISHED_BEFORE}"
                f" AND ({' OR '.join(some)}) ORDER BY a.assignment LIMIT %(limit)s",
                {
                    "tenant": tenant.id,
                    "after": after,
                    "finished": [state.value for state in FINISHED],
                    "first": begins(today, kept),
                    "limit": CHUNK,
                },
            )
            ends = _ends(tx, tenant, {row["assignment"]: row["registered"] for row in rows}, today)
            for name, ended in ends.items():
                if expires(ended, kept) <= today:
                    yield Due(kind, expires(ended, kept), assignment=name)
            if len(rows) < CHUNK:
                return
            after = rows[-1]["assignment"]

    return look


def _persons(tx: Tx, tenant: Tenant, today: date, kept: str) -> Iterator[Due]:
    """Persons all of whose assignments are finished and past their time; without any, from the registration on."""
    after = ""
    while True:
        rows = tx.query(
            "SELECT p.person, p.registered_at::date AS registered FROM person AS p WHERE p.tenant = %(tenant)s"
            " AND p.person > %(after)s AND p.erased_at IS NULL AND NOT EXISTS (SELECT FROM assignment AS a"
            f" WHERE a.tenant = p.tenant AND a.person = p.person AND NOT ({_FINISHED_BEFORE}))"
            " ORDER BY p.person LIMIT %(limit)s",
            {
                "tenant": tenant.id,
                "after": after,
                "finished": [state.value for state in FINISHED],
                "first": begins(today, kept),
                "limit": CHUNK,
            },
        )
        persons = [row["person"] for row in rows]
        theirs: dict[str, list[str]] = {}
        registered: dict[str, date] = {}
        for row in tx.query(
            "SELECT assignment, person, registered_at::date AS registered FROM assignment"
            " WHERE tenant = %s AND person = ANY(%s)",
            (tenant.id, persons),
        ):
            theirs.setdefault(row["person"], []).append(row["assignment"])
            registered[row["assignment"]] = row["registered"]
        ends = _ends(tx, tenant, registered, today)
        for row in rows:
            ended = max((ends[name] for name in theirs.get(row["person"], ())), default=row["registered"])
            if expires(ended, kept) <= today:
                yield Due(RecordKind.PERSON, expires(ended, kept), person=row["person"])
        if len(rows) < CHUNK:
            return
        after = rows[-1]["person"]


def _entries(tx: Tx, tenant: Tenant, today: date, kept: str) -> Iterator[Due]:
    count, _, first = log.oldest(tx, tenant.id, begins(today, kept))
    if count and first is not None:
        yield Due(RecordKind.ACCESS_LOG, expires(first, kept), count=count)


_LOOK: Mapping[RecordKind, Callable[[Tx, Tenant, date, str], Iterator[Due]]] = {
    **{kind: _of_assignments(kind) for kind in RecordKind},
    RecordKind.PERSON: _persons,
    RecordKind.ACCESS_LOG: _entries,
}


def _ends(tx: Tx, tenant: Tenant, registered: Mapping[str, date], today: date) -> dict[str, date]:
    found = assignments.load_records(tx, tenant.id, sorted(registered))
    return {
        name: ended_on(
            one.case.having(stated.fact for stated in one.stated.values()), tenant.settings, registered[name], today
        )
        for name, one in found.items()
    }


# --- how it goes -------------------------------------------------------------------------------------


def _erase_rows(tx: Tx, tenant: Tenant, kind: RecordKind, assignment: str) -> None:
    for holding in HOLDINGS.values():
        if holding.kind is kind and holding.erase is not None:
            tx.execute(holding.erase, (tenant.id, assignment))


def _erase_person(tx: Tx, tenant: Tenant, person: str) -> set[str]:
    """Who it was, and with it all words and documents of the assignments; the others are told."""
    names = [
        row["assignment"]
        for row in tx.query(
            "SELECT assignment FROM assignment WHERE tenant = %s AND person = %s ORDER BY assignment",
            (tenant.id, person),
        )
    ]
    kept = _erase_texts(tx, tenant, names)
    for name in names:
        for kind in (RecordKind.FACTS_TEXTS, RecordKind.DOCUMENTS):
            _erase_rows(tx, tenant, kind, name)
    for name, record in assignments.load_records(tx, tenant.id, names, lock=True).items():
        decided = record.case.having(one.fact for one in record.stated.values()).first(FactKind.DECIDED)
        birth = coarse_birth_date(record.client.birth_date, decided.on if decided else None)
        client = replace(record.client, birth_date=birth)
        if _same(tenant, record, client=client):
            tx.execute(
                "UPDATE assignment SET client = %s WHERE tenant = %s AND assignment = %s",
                (Jsonb(CLIENT.dump(client)), tenant.id, name),
            )
        else:
            kept.add("client.birth_date")
    for table in _OF_PERSON:
        tx.execute(f"DELETE FROM {table} WHERE tenant = %s AND person = %s", (tenant.id, person))
    tx.execute(
        "UPDATE person SET identity = NULL, search = NULL, details = NULL, key_id = NULL, erased_at = now()"
        " WHERE tenant = %s AND person = %s",
        (tenant.id, person),
    )
    tx.publish(ERASED, subject=person, tenant=tenant.id, data={"person": person})
    return kept


def _erase_texts(tx: Tx, tenant: Tenant, names: Iterable[str]) -> set[str]:
    """Cross out all words in the facts of these assignments, and empty what else tells of a person's circumstances,
    unless a judgement rests on it. Returns what stayed, as `kind.field`.
    """
    kept: set[str] = set()
    for name in names:
        # withdrawn ones too: all rows, whatever became of them
        rows = tx.query(
            "SELECT fact_id, kind, data, withdrawn_at FROM stated_fact WHERE tenant = %s AND assignment = %s"
            " ORDER BY fact_id FOR UPDATE",
            (tenant.id, name),
        )
        record = assignments.load_records(tx, tenant.id, [name], lock=True)[name]
        for row in rows:
            kind = FactKind(row["kind"])
            data = dict(row["data"])
            for field in FREE_TEXT.get(kind, ()):
                if field not in data or data[field] in (None, "", [], {}):
                    continue
                for other in _others(kind, data, field):
                    if row["withdrawn_at"] is not None or _same(tenant, record, row["fact_id"], kind, other):
                        data = other
                        break
                else:
                    kept.add(f"{kind.value}.{field}")
            if data != row["data"]:
                tx.execute(
                    "UPDATE stated_fact SET data = %s WHERE tenant = %s AND assignment = %s AND fact_id = %s",
                    (Jsonb(data), tenant.id, name, row["fact_id"]),
                )
                if row["withdrawn_at"] is None:
                    stated = record.stated[row["fact_id"]]
                    stated.fact = replace(stated.fact, data=FACT_SCHEMAS[kind].load(data))
        tx.execute(
            "UPDATE assignment SET texts_erased_at = clock_timestamp() WHERE tenant = %s AND assignment = %s",
            (tenant.id, name),
        )
    return kept


def _others(kind: FactKind, data: Mapping[str, Any], field: str) -> Iterator[dict[str, Any]]:
    """`data` with something else in that field, or without it: what fits the schema."""
    candidates = [{**data, field: value} for value in without_words(data[field])]
    candidates.append({key: value for key, value in data.items() if key != field})
    for one in candidates:
        try:
            FACT_SCHEMAS[kind].load(one)
        except ValidationError:
            continue
        if one[field] != data[field] if field in one else True:
            yield one


def _same(
    tenant: Tenant,
    record: Record,
    fact_id: str | None = None,
    kind: FactKind | None = None,
    data: Mapping[str, Any] | None = None,
    *,
    client: Client | None = None,
) -> bool:
    """Whether everything is judged as before with other fields in one fact, or another client."""
    facts: list[Fact] = [one.fact for one in record.stated.values()]
    before = judge(record.case.having(facts), record.client, tenant)
    if fact_id is not None and kind is not None and data is not None:
        facts = [replace(one, data=FACT_SCHEMAS[kind].load(dict(data))) if one.id == fact_id else one for one in facts]
    after = judge(record.case.having(facts), client or record.client, tenant)
    return _gist(before) == _gist(after)


def _gist(verdict: Any) -> Any:
    return (
        [fact.id for fact in verdict.in_effect],
        [(one.fact, one.code, one.rules) for one in verdict.rejections],
        verdict.state,
        verdict.changes_on,
        verdict.groups,
    )


__all__ = ["HOLDINGS", "Due", "Holding", "due", "erase", "unset"]
