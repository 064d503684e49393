"""SQL of what was told of money, of claims and of questions for a person. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from psycopg.rows import tuple_row

from kundval_chassis import agenda, held
from kundval_chassis.db import Row, Tx
from kundval_chassis.held import Key as CaseKey
from kundval_contracts.case import Case
from kundval_contracts.codes import LineKind, MoneyState

from ..domain.claims import Question
from ..domain.states import Key, Standing

# --- what was told ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Told:
    """What was told of one assignment: prints by key, and how often something was."""

    revision: int = 0
    items: dict[Key, str] = field(default_factory=dict)


def wake(tx: Tx, keys: Iterable[CaseKey]) -> None:
    """There is news of these cases: look at them next time, whatever the day."""
    tx.insert_rows(
        "told",
        ("tenant", "assignment", "until"),
        [(*key, agenda.NOW) for key in sorted(keys)],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET until = excluded.until"
        " WHERE told.until IS DISTINCT FROM excluded.until",
    )


def wake_tenants(tx: Tx, tenants: Collection[str]) -> None:
    """Look at every case of these tenants next time."""
    if tenants:
        tx.execute(
            "UPDATE told SET until = %s WHERE tenant = ANY(%s) AND until IS DISTINCT FROM %s",
            (agenda.NOW, sorted(tenants), agenda.NOW),
        )


def due(tx: Tx, tenant: str, day: date) -> Iterator[list[Case]]:
    """The cases with news, or that wait for a day up to `day`, in order, in chunks."""
    with tx.conn.cursor("told_due", row_factory=tuple_row) as cursor:
        cursor.execute(
            "SELECT assignment FROM told WHERE tenant = %s AND until <= %s ORDER BY assignment", (tenant, day)
        )
        while rows := cursor.fetchmany(agenda.CHUNK):
            cases = held.load_cases(tx, [(tenant, assignment) for (assignment,) in rows])
            if cases:
                yield cases


def told(tx: Tx, tenant: str, assignments: Sequence[str]) -> dict[str, Told]:
    """What was told of these assignments; nothing of one that is not there."""
    found = {assignment: Told() for assignment in assignments}
    for row in tx.query(
        "SELECT assignment, revision, items FROM told WHERE tenant = %s AND assignment = ANY(%s)",
        (tenant, list(assignments)),
    ):
        items = {_key(text): told for text, told in row["items"].items()}
        found[row["assignment"]] = Told(row["revision"], items)
    return found


def save_told(tx: Tx, tenant: str, told: Mapping[str, Told], until: Mapping[str, date | None]) -> None:
    """Keep what was told now, and until when nothing changes by itself."""
    tx.insert_rows(
        "told",
        ("tenant", "assignment", "revision", "until", "items"),
        [
            (tenant, name, one.revision, until[name], {_text(key): told for key, told in one.items.items()})
            for name, one in sorted(told.items())
        ],
        "ON CONFLICT (tenant, assignment) DO UPDATE SET revision = excluded.revision, until = excluded.until,"
        " items = excluded.items",
    )


def _text(key: Key) -> str:
    return " ".join(map(str, key))


def _key(text: str) -> Key:
    provider, kind, sequence = text.split(" ")
    return provider, kind, int(sequence)


# --- claims -------------------------------------------------------------------------------------------


def save_claims(tx: Tx, tenant: str, rows: Iterable[tuple[str, Standing]], day: date) -> None:
    """Keep the state of these claims, since `day` if it is another than before."""
    tx.insert_rows(
        "claim",
        ("tenant", "assignment", "provider", "kind", "sequence", "state", "since"),
        [(tenant, name, one.provider, one.kind.value, one.sequence, one.state.value, day) for name, one in rows],
        "ON CONFLICT (tenant, assignment, provider, kind, sequence) DO UPDATE SET state = excluded.state,"
        " since = CASE WHEN claim.state = excluded.state THEN claim.since ELSE excluded.since END",
    )


def remove_claims(tx: Tx, tenant: str, keys: Iterable[tuple[str, Key]]) -> None:
    """These are no claims any more."""
    tx.executemany(
        "DELETE FROM claim WHERE tenant = %s AND assignment = %s AND provider = %s AND kind = %s AND sequence = %s",
        [(tenant, name, *key) for name, key in keys],
    )


def page(
    tx: Tx, tenant: str, assignment: str | None, provider: str | None, state: MoneyState | None, after: str | None,
    limit: int, *, hides: bool = False,
) -> tuple[list[Row], str | None]:  # fmt: skip
    """The claims of the next assignments that have some of this provider and state, and the last assignment if there
    may be more. `hides`: without those of protected persons, whom a page by provider would name by where it ends.
    """
    rows = tx.query(
        "WITH wanted AS (SELECT * FROM claim WHERE tenant = %(tenant)s"
        " AND (%(assignment)s::text IS NULL OR assignment = %(assignment)s)"
        " AND (%(provider)s::text IS NULL OR provider = %(provider)s)"
        " AND (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(after)s::text IS NULL OR assignment > %(after)s)"
        " AND NOT (%(hides)s AND EXISTS (SELECT FROM restricted_subject r WHERE r.tenant = claim.tenant"
        " AND r.subject = claim.assignment AND r.restricted))),"
        " page AS (SELECT DISTINCT assignment FROM wanted ORDER BY assignment LIMIT %(limit)s)"
        " SELECT assignment, provider, kind, sequence, state, since FROM wanted JOIN page USING (assignment)"
        " ORDER BY assignment, kind, sequence, provider",
        {
            "tenant": tenant,
            "assignment": assignment,
            "provider": provider,
            "state": state.value if state else None,
            "after": after,
            "limit": limit,
            "hides": hides,
        },
    )
    names = {row["assignment"] for row in rows}
    return rows, max(names) if len(names) == limit else None


# --- questions ----------------------------------------------------------------------------------------


def save_questions(tx: Tx, tenant: str, asked: Mapping[str, Sequence[Question]]) -> None:
    """Keep the open questions of these assignments; those that are not there any more have been answered."""
    held = {
        (row["assignment"], row["exit"], row["code"]): (row["provider"], row["rules"], row["since"])
        for row in tx.query(
            "SELECT assignment, exit, code, provider, rules, since FROM claim_question"
            " WHERE tenant = %s AND assignment = ANY(%s)",
            (tenant, list(asked)),
        )
    }
    now = {(name, *one.key): one for name, questions in asked.items() for one in questions}
    gone = [key for key in held if key not in now]
    if gone:
        tx.executemany(
            "DELETE FROM claim_question WHERE tenant = %s AND assignment = %s AND exit = %s AND code = %s",
            [(tenant, *key) for key in gone],
        )
    new = [
        (key[0], one) for key, one in sorted(now.items()) if held.get(key) != (one.provider, list(one.rules), one.since)
    ]
    tx.insert_rows(
        "claim_question",
        ("tenant", "assignment", "exit", "code", "provider", "about", "rules", "said", "since"),
        [
            (
                tenant,
                name,
                one.exit,
                one.code.value,
                one.provider,
                one.about.value,
                list(one.rules),
                one.said.as_json(),
                one.since,
            )
            for name, one in new
        ],
        "ON CONFLICT (tenant, assignment, exit, code) DO UPDATE SET provider = excluded.provider,"
        " about = excluded.about, rules = excluded.rules, said = excluded.said, since = excluded.since",
    )


def questions_of(tx: Tx, tenant: str, assignments: Collection[str]) -> dict[str, list[Row]]:
    """The open questions of these assignments, oldest first."""
    found: dict[str, list[Row]] = {}
    for row in tx.query(
        "SELECT assignment, exit, code, provider, about, rules, said, since FROM claim_question"
        " WHERE tenant = %s AND assignment = ANY(%s) ORDER BY since, assignment, exit, code",
        (tenant, sorted(assignments)),
    ):
        found.setdefault(row["assignment"], []).append(row)
    return found


#: overlaps `o` that nobody has looked at yet
_OPEN = "o.others <> '{}' AND o.since IS NOT NULL AND NOT EXISTS (SELECT FROM hold_end x WHERE x.hold = o.hold)"


def oldest_questions(tx: Tx, tenant: str, after: tuple[date, str] | None, limit: int) -> list[tuple[date, str]]:
    """(since when, assignment) of the next assignments of which something is asked, oldest first."""
    since, name = after or (None, None)
    rows = tx.query(
        "SELECT min(since) AS since, assignment FROM"
        " (SELECT since, assignment FROM claim_question WHERE tenant = %(tenant)s UNION ALL"
        f" SELECT o.since, o.assignment FROM claims_overlap o WHERE o.tenant = %(tenant)s AND {_OPEN}) AS asked"
        " GROUP BY assignment HAVING %(since)s::date IS NULL OR (min(since), assignment) > (%(since)s, %(name)s)"
        " ORDER BY 1, 2 LIMIT %(limit)s",
        {"tenant": tenant, "since": since, "name": name, "limit": limit},
    )
    return [(row["since"], row["assignment"]) for row in rows]


# --- claims of one person that overlap ----------------------------------------------------------------


def save_overlaps(tx: Tx, rows: Iterable[tuple[str, str, int, Sequence[str], Sequence[str]]]) -> None:
    """Keep (tenant, assignment, revision, others, grounds), unless a higher revision was heard before."""
    tx.insert_rows(
        "claims_overlap",
        ("tenant", "assignment", "revision", "others", "grounds"),
        rows,
        "ON CONFLICT (tenant, assignment) DO UPDATE SET revision = excluded.revision, others = excluded.others,"
        " grounds = excluded.grounds, since = CASE WHEN excluded.others <> '{}' THEN claims_overlap.since END"
        " WHERE claims_overlap.revision < excluded.revision",
    )


def has_overlaps(tx: Tx, tenant: str) -> bool:
    """Whether any overlap was ever heard of: seldom, so that nothing more has to be asked."""
    return bool(tx.value("SELECT EXISTS (SELECT FROM claims_overlap WHERE tenant = %s)", (tenant,)))


def date_overlaps(tx: Tx, tenant: str, day: date) -> None:
    """What was heard newly was heard on `day`."""
    tx.execute(
        "UPDATE claims_overlap SET since = %s WHERE tenant = %s AND since IS NULL AND others <> '{}'", (day, tenant)
    )


def overlaps_of(tx: Tx, tenant: str, assignments: Collection[str]) -> dict[str, Row]:
    """Overlaps that stand, of these assignments, and whether a person still has to look (`open`)."""
    rows = tx.query(
        f"SELECT o.assignment, o.others, o.grounds, o.since, {_OPEN} AS open FROM claims_overlap o"
        " WHERE o.tenant = %s AND o.assignment = ANY(%s) AND o.others <> '{}'",
        (tenant, sorted(assignments)),
    )
    return {row["assignment"]: row for row in rows}


def overlaps_without_hold(tx: Tx, tenant: str) -> list[Row]:
    """Bonuses whose claim overlaps and that nothing keeps back: assignment, provider, kind, sequence."""
    return tx.query(
        "SELECT DISTINCT ON (assignment) assignment, provider, kind, sequence FROM claims_overlap"
        " JOIN claim USING (tenant, assignment) WHERE tenant = %s AND others <> '{}' AND hold IS NULL AND kind = %s"
        " AND state <> ALL(%s) ORDER BY assignment, provider",
        (tenant, LineKind.RESULT_BONUS.value, [MoneyState.FORFEITED, MoneyState.BLOCKED, MoneyState.REFUSED]),
    )


def holds_without_overlap(tx: Tx, tenant: str) -> list[Row]:
    """What is kept back though its claim overlaps no more: assignment, hold."""
    return tx.query(
        "SELECT assignment, hold FROM claims_overlap WHERE tenant = %s AND others = '{}' AND hold IS NOT NULL"
        " ORDER BY assignment",
        (tenant,),
    )


def remember_hold(tx: Tx, tenant: str, assignment: str, hold: int | None) -> None:
    """This hold keeps the bonus back; None: nothing any more."""
    tx.execute("UPDATE claims_overlap SET hold = %s WHERE tenant = %s AND assignment = %s", (hold, tenant, assignment))
