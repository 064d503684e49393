"""SQL of the notifications service. No rules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from kundval_chassis.agenda import NOW
from kundval_chassis.db import Tx
from kundval_chassis.held import Key
from kundval_contracts.answer import Notice, Obligation, Posting
from kundval_contracts.codes import LineKind, MessageState, ObligationKind, ObligationState, Role, SubjectKind
from kundval_contracts.envelope import Event

from . import recovery
from .domain import Heard
from .domain.heard import number

# --- what is held of scheduling and billing ----------------------------------------------------------


def take_obligations(tx: Tx, events: Iterable[Event]) -> set[Key]:
    """Take in `scheduling.obligations_changed`, in any order; the cases concerned."""
    latest: dict[tuple[str, str, str, int], tuple[int, bool, Any, str]] = {}
    keys: set[Key] = set()
    for event in events:
        data = event.data
        keys.add((event.tenant, data["assignment"]))
        rows = [(one, False) for one in data["changed"]] + [(one, True) for one in data["removed"]]
        for one, removed in rows:
            key = (event.tenant, data["assignment"], one["kind"], one["sequence"])
            if key not in latest or latest[key][0] < data["revision"]:
                latest[key] = (data["revision"], removed, None if removed else one, data["as_of"])
    tx.insert_rows(
        "held_obligation",
        ("tenant", "assignment", "kind", "sequence", "revision", "removed", "data", "as_of"),
        [(*key, *value) for key, value in latest.items()],
        "ON CONFLICT (tenant, assignment, kind, sequence) DO UPDATE SET revision = excluded.revision,"
        " removed = excluded.removed, data = excluded.data, as_of = excluded.as_of"
        " WHERE held_obligation.revision < excluded.revision",
    )
    return keys


def ahead(tx: Tx, tenant: str, assignments: Sequence[str], day: date) -> set[str]:
    """Those of these assignments whose obligations are of a later day already."""
    rows = tx.query(
        "SELECT DISTINCT assignment FROM held_obligation WHERE tenant = %s AND assignment = ANY(%s) AND as_of > %s",
        (tenant, list(assignments), day),
    )
    return {row["assignment"] for row in rows}


def take_postings(tx: Tx, events: Iterable[Event]) -> set[Key]:
    """Take in `billing.posted`; the cases concerned."""
    rows = []
    keys: set[Key] = set()
    for event in events:
        data = event.data
        keys.add((event.tenant, data["assignment"]))
        rows += [
            (
                event.tenant,
                one["entry"],
                data["assignment"],
                one["provider"],
                one["kind"],
                one["sequence"],
                date.fromisoformat(data["run"]),
                Decimal(one["amount"]),
                date.fromisoformat(one["reverses"]) if one.get("reverses") else None,
            )
            for one in data["postings"]
        ]
    tx.insert_rows(
        "held_posting",
        ("tenant", "entry", "assignment", "provider", "kind", "sequence", "run", "amount", "reverses"),
        rows,
        "ON CONFLICT DO NOTHING",
    )
    return keys


def obligations_of(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, list[Obligation]]:
    found: dict[str, list[Obligation]] = {assignment: [] for assignment in assignments}
    for row in tx.query(
        "SELECT assignment, data FROM held_obligation WHERE tenant = %s AND assignment = ANY(%s) AND NOT removed"
        " ORDER BY assignment, kind, sequence",
        (tenant, list(assignments)),
    ):
        found[row["assignment"]].append(_obligation(row["assignment"], row["data"]))
    return found


def postings_of(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, list[Posting]]:
    found: dict[str, list[Posting]] = {assignment: [] for assignment in assignments}
    for row in tx.query(
        "SELECT * FROM held_posting WHERE tenant = %s AND assignment = ANY(%s) ORDER BY assignment, run, entry::bigint",
        (tenant, list(assignments)),
    ):
        found[row["assignment"]].append(
            Posting(
                row["run"],
                row["assignment"],
                row["provider"],
                LineKind(row["kind"]),
                row["sequence"],
                row["amount"],
                row["reverses"],
            )
        )
    return found


def add_heard(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    """Keep what was told: (tenant, about, subject, name, item, revision, day, data). What is there stays as it is."""
    tx.insert_rows(
        "heard",
        ("tenant", "about", "subject", "name", "item", "revision", "on_day", "data"),
        rows,
        "ON CONFLICT DO NOTHING",
    )


def heard_of(tx: Tx, tenant: str, about: SubjectKind, subjects: Sequence[str]) -> dict[str, list[Heard]]:
    """What was told of these, in order."""
    found: dict[str, list[Heard]] = {subject: [] for subject in subjects}
    for row in tx.query(
        "SELECT subject, name, item, revision, on_day, data FROM heard WHERE tenant = %s AND about = %s"
        " AND subject = ANY(%s) ORDER BY subject, name, item, revision",
        (tenant, about.value, list(subjects)),
    ):
        found[row["subject"]].append(Heard(row["name"], row["item"], row["revision"], row["on_day"], row["data"]))
    return found


def wake_payments(tx: Tx, keys: Iterable[Key]) -> None:
    """There is news of these payments: look at them next time, whatever the day."""
    tx.insert_rows(
        "payment_agenda",
        ("tenant", "payment", "until"),
        [(*key, NOW) for key in sorted(keys)],
        "ON CONFLICT (tenant, payment) DO UPDATE SET until = excluded.until",
    )


def due_payments(tx: Tx, tenant: str, day: date) -> list[str]:
    """The payments of a tenant with news, or that wait for a day up to `day`."""
    rows = tx.query(
        "SELECT payment FROM payment_agenda WHERE tenant = %s AND until <= %s ORDER BY payment", (tenant, day)
    )
    return [row["payment"] for row in rows]


def rest_payments(tx: Tx, tenant: str, until: Mapping[str, date | None]) -> None:
    """Nothing can change for these payments before the day given (None: without news, never)."""
    tx.insert_rows(
        "payment_agenda",
        ("tenant", "payment", "until"),
        [(tenant, payment, day) for payment, day in sorted(until.items())],
        "ON CONFLICT (tenant, payment) DO UPDATE SET until = excluded.until",
    )


def choices(tx: Tx, tenant: str, providers: Sequence[str], day: date) -> dict[str, list[date]]:
    """The days up to `day` on which somebody chose each of these providers, by what is known that day."""
    found: dict[str, list[date]] = {provider: [] for provider in providers}
    for row in tx.query(
        "SELECT DISTINCT data ->> 'provider' AS provider, on_day FROM held_fact WHERE tenant = %s"
        " AND kind = 'provider_chosen' AND in_effect AND data ->> 'provider' = ANY(%s) AND on_day <= %s"
        " AND known_on <= %s",
        (tenant, list(providers), day, day),
    ):
        found[row["provider"]].append(row["on_day"])
    return found


def keep_units(tx: Tx, tenant: str, units: Mapping[str, str | None]) -> None:
    """The unit of the municipality that holds each of these cases; None: none is known."""
    tx.insert_rows(
        "holder",
        ("tenant", "assignment", "unit"),
        [(tenant, assignment, unit) for assignment, unit in sorted(units.items()) if unit is not None],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET unit = excluded.unit"
        " WHERE holder.unit IS DISTINCT FROM excluded.unit",
    )
    without = [assignment for assignment, unit in units.items() if unit is None]
    if without:
        tx.execute(
            "UPDATE holder SET unit = NULL WHERE tenant = %s AND assignment = ANY(%s) AND unit IS NOT NULL",
            (tenant, without),
        )


# --- notices -----------------------------------------------------------------------------------------

_KEY = "tenant = %s AND subject = %s AND kind = %s AND recipient = %s AND on_day = %s AND sequence = %s"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a notice that is held stands: is its reason still there, does it still hold, and what does it say?"""

    superseded: bool
    overtaken: bool
    lapses_on: date | None
    said: int | None


def said(notice: Notice) -> int:
    """A number that belongs to what a notice says and to which provider it goes."""
    return number(notice.provider, *notice.rules, *sorted(notice.values.items()))


NoticeKey = tuple[str, str, str, str, int]


def standing_of(
    tx: Tx, tenant: str, about: SubjectKind, subjects: Sequence[str]
) -> dict[str, dict[NoticeKey, Standing]]:
    """The notices held about these, by their key."""
    found: dict[str, dict[NoticeKey, Standing]] = {subject: {} for subject in subjects}
    for row in tx.query(
        "SELECT subject, kind, recipient, on_day, sequence, superseded_at IS NOT NULL AS superseded,"
        " overtaken_at IS NOT NULL AS overtaken, lapses_on, said FROM notice"
        " WHERE tenant = %s AND about = %s AND subject = ANY(%s)",
        (tenant, about.value, list(subjects)),
    ):
        key = (row["subject"], row["kind"], row["recipient"], row["on_day"].isoformat(), row["sequence"])
        found[row["subject"]][key] = Standing(row["superseded"], row["overtaken"], row["lapses_on"], row["said"])
    return found


@dataclass(frozen=True, slots=True)
class New:
    """A notice to be stored. late: it should have been told before. overtaken: it holds no more already."""

    notice: Notice
    caused_at: datetime | None
    lapses_on: date | None
    late: bool
    overtaken: bool


def add(tx: Tx, tenant: str, rows: Iterable[New]) -> None:
    """Store new notices, and a message to be sent for each. One that is there already stays as it is."""
    stored = list(rows)
    now = tx.value("SELECT now()") if any(one.overtaken for one in stored) else None
    added = tx.insert_rows(
        "notice",
        (
            "tenant", "about", "subject", "kind", "recipient", "on_day", "sequence", "round", "provider", "rules",
            "details", "late", "caused_at", "lapses_on", "overtaken_at", "said",
        ),
        [
            (
                tenant,
                one.notice.about.value,
                one.notice.assignment,
                one.notice.kind,
                one.notice.to.value,
                one.notice.on,
                one.notice.sequence,
                one.notice.round,
                one.notice.provider,
                list(one.notice.rules),
                dict(one.notice.values),
                one.late,
                one.caused_at,
                one.lapses_on,
                now if one.overtaken else None,
                said(one.notice),
            )
            for one in stored
        ],
        "ON CONFLICT DO NOTHING RETURNING notice",
    )  # fmt: skip
    tx.insert_rows("message", ("notice", "tenant"), [(row["notice"], tenant) for row in added])
    recovery.perhaps_told(tx, [row["notice"] for row in added])


def supersede(tx: Tx, tenant: str, keys: Iterable[NoticeKey]) -> None:
    """The reason of these notices has gone."""
    _mark(tx, tenant, keys, "superseded_at = now()")


def overtake(tx: Tx, tenant: str, keys: Iterable[NoticeKey]) -> None:
    """What these notices ask for, or are about, has come about or is over."""
    _mark(tx, tenant, keys, "overtaken_at = now()")


def restore(tx: Tx, tenant: str, keys: Iterable[NoticeKey]) -> None:
    """The reason of these notices is back, or they hold again; a message that was withdrawn is sent after all."""
    back = [
        row["notice"]
        for key in keys
        for row in tx.query(
            f"WITH back AS (UPDATE notice SET superseded_at = NULL, overtaken_at = NULL WHERE {_KEY} RETURNING notice)"
            " UPDATE message SET state = 'PENDING', reason = NULL, tried = '{}', pending_since = now(),"
            " next_attempt = now() FROM back WHERE message.notice = back.notice AND state = 'WITHDRAWN'"
            " RETURNING message.notice",
            (tenant, *key),
        )
    ]
    recovery.perhaps_told(tx, back)


def say(tx: Tx, tenant: str, notices: Iterable[Notice]) -> None:
    """These notices say something else than before, or go to another provider, who has not read them. The words of what
    has been told stay as they were told.
    """
    for one in notices:
        tx.execute(
            "UPDATE notice n SET said = %(said)s, provider = %(provider)s,"
            " rules = CASE WHEN m.state IN ('PENDING', 'WITHDRAWN') THEN %(rules)s ELSE n.rules END,"
            " details = CASE WHEN m.state IN ('PENDING', 'WITHDRAWN') THEN %(details)s ELSE n.details END,"
            " read_at = CASE WHEN n.provider IS NOT DISTINCT FROM %(provider)s THEN n.read_at END,"
            " read_by = CASE WHEN n.provider IS NOT DISTINCT FROM %(provider)s THEN n.read_by END"
            " FROM message m WHERE m.notice = n.notice AND n.tenant = %(tenant)s AND n.subject = %(subject)s"
            " AND n.kind = %(kind)s AND n.recipient = %(to)s AND n.on_day = %(on)s AND n.sequence = %(sequence)s",
            {
                "tenant": tenant,
                "subject": one.assignment,
                "kind": one.kind,
                "to": one.to.value,
                "on": one.on,
                "sequence": one.sequence,
                "provider": one.provider,
                "rules": Jsonb(list(one.rules)),
                "details": Jsonb(dict(one.values)),
                "said": said(one),
            },
        )


def lapse(tx: Tx, tenant: str, days: Mapping[NoticeKey, date | None]) -> None:
    """These notices are of use until another day than before."""
    rows = [(day, tenant, *key) for key, day in days.items()]
    if rows:
        tx.executemany(f"UPDATE notice SET lapses_on = %s WHERE {_KEY}", rows)


def _mark(tx: Tx, tenant: str, keys: Iterable[NoticeKey], what: LiteralString) -> None:
    rows = [(tenant, *key) for key in keys]
    if rows:
        tx.executemany(f"UPDATE notice SET {what} WHERE {_KEY}", rows)


def page(tx: Tx, request: Mapping[str, Any], provider: str | None) -> list[str]:
    """Ids of the next assignments that have notices, in order."""
    rows = tx.query(
        "SELECT DISTINCT subject FROM notice WHERE tenant = %(tenant)s AND about = 'ASSIGNMENT'"
        " AND (%(assignment)s::text IS NULL OR subject = %(assignment)s)"
        " AND (%(own)s::text IS NULL OR provider = %(own)s)"
        " AND (%(after)s::text IS NULL OR subject > %(after)s) ORDER BY subject LIMIT %(limit)s",
        {**request, "own": provider},
    )
    return [row["subject"] for row in rows]


def notices(tx: Tx, tenant: str, assignments: Sequence[str], provider: str | None) -> list[dict[str, Any]]:
    """The notices that stand, in the shape of the answer."""
    return tx.query(
        'SELECT subject AS assignment, kind, recipient AS "to", on_day AS "on", rules, round, about FROM notice'
        " WHERE tenant = %s AND about = 'ASSIGNMENT' AND subject = ANY(%s) AND superseded_at IS NULL"
        " AND (%s::text IS NULL OR provider = %s)"
        " ORDER BY subject, on_day, kind, recipient, sequence",
        (tenant, list(assignments), provider, provider),
    )


def messages(tx: Tx, tenant: str, assignments: Sequence[str]) -> list[dict[str, Any]]:
    """Messages with their notice, oldest first."""
    return tx.query(
        'SELECT n.*, n.subject AS assignment, n.recipient AS "to", n.on_day AS "on", m.state, m.channel, m.attempts,'
        " m.sent_at FROM message m JOIN notice n USING (notice) WHERE n.tenant = %s AND n.about = 'ASSIGNMENT'"
        " AND n.subject = ANY(%s)"
        " ORDER BY n.subject, n.notice",
        (tenant, list(assignments)),
    )


def summary(tx: Tx, tenant: str) -> dict[str, dict[str, int]]:
    notices = tx.query(
        "SELECT kind, recipient, count(*) AS n FROM notice WHERE tenant = %s AND superseded_at IS NULL"
        " GROUP BY 1, 2 ORDER BY 1, 2",
        (tenant,),
    )
    roles = _sums((row["recipient"], row["n"]) for row in notices)
    messages = tx.query(
        "SELECT state, channel, waits, count(*) AS n FROM message WHERE tenant = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (tenant,),
    )
    gone = (MessageState.SENT, MessageState.DELIVERED)
    return {
        "notices": _sums((row["kind"], row["n"]) for row in notices),
        "recipients": dict(sorted(roles.items())),
        "messages": _sums((row["state"], row["n"]) for row in messages),
        "channels": _sums((row["channel"], row["n"]) for row in messages if row["state"] in gone),
        "waiting": _sums((row["waits"], row["n"]) for row in messages if row["waits"] is not None),
    }


def _sums(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in pairs:
        found[name] = found.get(name, 0) + count
    return found


# --- rows as what they stand for -----------------------------------------------------------------------


def as_notice(row: Mapping[str, Any]) -> Notice:
    """A stored row as the notice that the templates render."""
    return Notice(
        row["subject"],
        row["kind"],
        Role(row["recipient"]),
        row["on_day"],
        tuple(row["rules"]),
        row["sequence"],
        row["provider"],
        row["details"],
        SubjectKind(row["about"]),
        row["round"],
    )


def _obligation(assignment: str, data: Mapping[str, Any]) -> Obligation:
    return Obligation(
        assignment=assignment,
        kind=ObligationKind(data["kind"]),
        sequence=data["sequence"],
        due=_date(data["due"]),
        responsible=Role(data["responsible"]),
        state=ObligationState(data["state"]),
        met_on=_date(data["met_on"]),
        rules=tuple(data["rules"]),
        overdue_after=_date(data.get("overdue_after")),
        provider=data.get("provider"),
    )


def _date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
