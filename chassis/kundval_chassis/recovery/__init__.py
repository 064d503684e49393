"""A service whose database was put back to an older moment, brought in step with the others again.

They went on: they have events of it that it no longer knows, and it lacks theirs. Four things have to be seen to.

1. **Numbers are not given twice.** The numbers of events, the positions of partners and the numbers of rows go on far
   above what the others have seen (`LEAP`); so do revisions, or what is told next would count as old news.
2. **What it was told since** comes by itself: its `subscription` is emptied, so that it asks for the history.
3. **What it had told since** is what the others hold: their copies are its memory. What each service makes of them is
   in its own module `kundval_<service>.recovery`, a function `recover(recovery)`.
4. **What has left the suite since** must not leave again: that too is there, and in the table `restoration`.

All of it is one transaction in the restored database. A dry run is the same transaction, rolled back, without the leap
of numbers. Copies of others that are wrong now are put right in theirs, after it; repeated, nothing happens twice.

Until it is done the service does not start: the database itself says that it was restored (`mark`, `refusal`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import psycopg
from psycopg import sql as composed

from kundval_contracts.client import SERVICES

from .. import db
from ..db import Row, Tx
from ..relay import LOCK

#: By how much numbers and revisions go on above the highest that is known. What is told within a leap is told by a
#: service that nobody has heard of yet.
LEAP = 1_000_000
#: Comment of a database that was restored and not recovered yet; the instant follows.
MARK = "kundval: restored to "


class StillRunning(RuntimeError):
    """The service runs: its relay has the lock."""


class NothingLost(RuntimeError):
    """The database knows everything that the others have seen of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was done, or that a person has to do. `count` of what; `examples`: ids, some of them."""

    what: str
    count: int
    by_hand: bool = False
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class Recovery:
    """What `kundval_<service>.recovery.recover` is given.

    tx: the restored database. others: the databases of the other services, read-only here. restored_to: the last that
    the database knows of. lost_at: until when the lost one may have worked. `later` runs with a transaction of another
    service, after this one has been committed.
    """

    service: str
    tx: Tx
    others: Mapping[str, Tx]
    restored_to: datetime
    lost_at: datetime
    own_sequence: int
    seen_sequence: int
    findings: list[Finding] = field(default_factory=list)
    afterwards: list[tuple[str, Callable[[Tx], object]]] = field(default_factory=list)

    def done(self, what: str, count: int) -> None:
        """Say what was done by itself."""
        if count:
            self.findings.append(Finding(what, count))

    def ask(self, what: str, ids: list[str]) -> None:
        """Say what a person has to do, for these."""
        if ids:
            self.findings.append(Finding(what, len(ids), True, tuple(sorted(ids)[:20])))

    def raise_revisions(self, table: str, column: str = "revision") -> None:
        """Let every revision in a table go on above those that others have heard."""
        statement = composed.SQL("UPDATE {table} SET {column} = {column} + {leap}").format(
            table=composed.Identifier(table), column=composed.Identifier(column), leap=composed.Literal(LEAP)
        )
        self.tx.execute(statement)

    def later(self, service: str, work: Callable[[Tx], object]) -> None:
        """Put something right in another service's database, once this one's is."""
        self.afterwards.append((service, work))


@dataclass(frozen=True, slots=True)
class Lost:
    """What others have seen of a service and it does not know. own_sequence: up to there it has what they have.
    others: by service, how many events of the newest it does not know.
    """

    own_sequence: int
    seen_sequence: int
    others: Mapping[str, int]

    @property
    def any(self) -> bool:
        return any(self.others.values())


# --- the mark ----------------------------------------------------------------------------------------


def mark(uri: str, restored_to: datetime) -> None:
    """Let a restored database say so, so that its service does not start before it is recovered. For its owner."""
    with db.connect(uri, name="kundval-recover") as conn:
        _comment(conn, f"{MARK}{restored_to.isoformat()}")


def marked(conn: psycopg.Connection[Row]) -> str | None:
    """The instant to which the database was restored, if it has not been recovered since."""
    row = conn.execute(
        "SELECT shobj_description(oid, 'pg_database') AS said FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    said = row["said"] if row else None
    return str(said).removeprefix(MARK) if said and str(said).startswith(MARK) else None


def refusal(uri: str, service: str) -> str | None:
    """Why the service of this database must not start; None: it may."""
    with db.connect(uri, name="kundval") as conn:
        instant = marked(conn)
    return instant and f"the database was restored to {instant} (run: kundval recover {service})"


def _comment(conn: psycopg.Connection[Row], text: str | None) -> None:
    conn.execute(
        composed.SQL("COMMENT ON DATABASE {} IS {}").format(
            composed.Identifier(conn.info.dbname), composed.Literal(text)
        )
    )


# --- what was lost -----------------------------------------------------------------------------------

_SEEN = "SELECT coalesce(max(sequence), 0) AS top FROM inbox WHERE source = %s"
_NEWEST = "SELECT id::text AS id, sequence FROM inbox WHERE source = %s ORDER BY sequence DESC LIMIT %s"
_SEEN_TO = "SELECT own_sequence AS low, seen_sequence AS high FROM restoration"
#: of how many of the newest events each of the others is asked
NEWEST = 2000


def lost(tx: Tx, service: str, others: Mapping[str, Tx]) -> Lost:
    """What the others have taken in of a service that its own log does not have. Looks at the newest events; what an
    earlier recovery has seen to is passed over.
    """
    own = int(tx.value("SELECT coalesce(max(sequence), 0) FROM event"))
    seen_to = [(row["low"], row["high"]) for row in tx.query(_SEEN_TO)]
    seen, missing, first = 0, {}, own + 1
    for name, other in others.items():
        seen = max(seen, int(other.value(_SEEN, (service,))))
        rows = {row["sequence"]: row["id"] for row in other.query(_NEWEST, (service, NEWEST))}
        known = {
            row["sequence"]: row["id"]
            for row in tx.query("SELECT sequence, id::text AS id FROM event WHERE sequence = ANY(%s)", (list(rows),))
        }
        unknown = [
            number
            for number, id in rows.items()
            if known.get(number) != id and not any(low < number <= high for low, high in seen_to)
        ]
        missing[name] = len(unknown)
        first = min([first, *unknown])
    return Lost(first - 1, seen, missing)


# --- recovering --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """What `recover` did, or in a dry run would do."""

    service: str
    restored_to: datetime
    lost_at: datetime
    lost: Lost
    findings: tuple[Finding, ...]


class _RollBack(Exception):
    pass


def recover(
    service: str, uris: Mapping[str, str], *, lost_at: datetime | None = None, again: bool = False, do: bool
) -> Report:
    """Bring a restored service in step with the others; without `do` only say what would be done.

    uris: the databases of the services for their owners, this one among them. again: also if nothing is missing, to
    take back what could not be before. Raises `StillRunning`, `NothingLost` (it was recovered already, or nothing is
    known to be missing) and psycopg.Error.
    """
    with ExitStack() as stack:
        conn = stack.enter_context(db.connect(uris[service], name="kundval-recover"))
        _require_stopped(conn)
        others = {
            name: stack.enter_context(_reading(uri)) for name, uri in uris.items() if name != service and name in
            SERVICES
        }
        tx = Tx(conn)
        found = lost(tx, service, others)
        if not found.any and not again and marked(conn) is None:
            raise NothingLost
        recovery = Recovery(
            service,
            tx,
            others,
            restored_to=_last_known(tx),
            lost_at=lost_at or datetime.now(UTC),
            own_sequence=found.own_sequence,
            seen_sequence=found.seen_sequence,
        )
        try:
            for name, count in found.others.items():
                if count:
                    low, high = found.own_sequence, found.seen_sequence
                    recovery.later(name, partial(_forget, service=service, low=low, high=high))
            with conn.transaction():
                if do:
                    _leap(tx, found.seen_sequence)
                _settle(recovery)
                if not do:
                    raise _RollBack
        except _RollBack:
            pass
        else:
            for name, work in recovery.afterwards:
                _put_right(uris[name], work)
            _comment(conn, None)
        return Report(service, recovery.restored_to, recovery.lost_at, found, tuple(recovery.findings))


def _forget(tx: Tx, service: str, low: int, high: int) -> None:
    """Forget that events were taken in that their source does not know: whoever counts finds as many here as there."""
    tx.execute("DELETE FROM inbox WHERE source = %s AND sequence > %s AND sequence <= %s", (service, low, high))


def _settle(recovery: Recovery) -> None:
    tx = recovery.tx
    tx.execute(
        "INSERT INTO restoration (restored_to, lost_at, own_sequence, seen_sequence)"
        " VALUES (least(%s, %s), %s, %s, %s)",
        (
            recovery.restored_to,
            recovery.lost_at,
            recovery.lost_at,
            recovery.own_sequence,
            recovery.seen_sequence,
        ),
    )
    recovery.done("sources whose history is asked for", tx.execute("DELETE FROM subscription"))
    module = f"kundval_{recovery.service}.recovery"
    if find_spec(f"kundval_{recovery.service}") and find_spec(module):
        import_module(module).recover(recovery)
    tx.flush()


def _leap(tx: Tx, seen: int) -> None:
    """Let every number that the database gives go on far above what it has given and what others have seen."""
    for row in tx.query(
        "SELECT c.table_schema AS s, c.table_name AS t, c.column_name AS c,"
        " pg_get_serial_sequence(format('%I.%I', c.table_schema, c.table_name), c.column_name) AS seq"
        " FROM information_schema.columns c WHERE c.is_identity = 'YES' AND c.table_schema = current_schema()"
    ):
        top = tx.value(
            composed.SQL("SELECT coalesce(max({}), 0) FROM {}").format(
                composed.Identifier(row["c"]), composed.Identifier(row["s"], row["t"])
            )
        )
        # positions of partners are at most as many as events
        above = max(int(top), seen if row["t"] in ("event", "told_event") else 0)
        tx.value("SELECT setval(%s, %s)", (row["seq"], above + LEAP))


def _last_known(tx: Tx) -> datetime:
    """The last instant of which the database knows anything."""
    found = tx.value(
        "SELECT greatest((SELECT max(occurred_at) FROM event), (SELECT max(handled_at) FROM inbox),"
        " (SELECT max(told_at) FROM told_event), timestamptz '1970-01-01')"
    )
    assert isinstance(found, datetime)
    return found


def _require_stopped(conn: psycopg.Connection[Row]) -> None:
    row = conn.execute("SELECT pg_try_advisory_lock(%s) AS mine", (LOCK,)).fetchone()
    if not row or not row["mine"]:
        raise StillRunning


@contextmanager
def _reading(uri: str) -> Iterator[Tx]:
    """One state of another service's database."""
    with db.connect(uri, name="kundval-recover") as conn:
        conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield Tx(conn, readonly=True)
        conn.execute("ROLLBACK")


def _put_right(uri: str, work: Callable[[Tx], Any]) -> None:
    with db.connect(uri, name="kundval-recover") as conn, conn.transaction():
        tx = Tx(conn)
        work(tx)
        tx.flush()
