"""PostgreSQL for a service: a pool, transactions, and what went wrong when one failed.

`Pool` is plain and works in threads, green threads, tests and the command line; `Database` gives it to a
nameko service. A transaction is retried only at its very start (a connection that died while it lay in the
pool), never once the work has begun: what to do then is for the caller to decide, with `is_outage` and
`is_contention`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import psycopg
import structlog
from nameko.extensions import DependencyProvider
from psycopg import sql as composed
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.json import Json, Jsonb, set_json_dumps
from psycopg_pool import ConnectionPool

from . import outbox, traces

if TYPE_CHECKING:
    from kundval_contracts.envelope import Event

log = structlog.get_logger("kundval.db")

Row = dict[str, Any]
Query = str | composed.Composable

#: What a connection gets unless the URI says otherwise: a dead peer is noticed within some seconds.
DEFAULTS: Mapping[str, str] = {
    "connect_timeout": "5",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}

# SQLSTATE of a server that cannot work for anybody now; the same request succeeds once it can again
_OUTAGE_CLASSES = ("08", "57P", "53")
_OUTAGE_STATES = ("25006", "58030")
# the last: not within the time that the role's lock_timeout gives
_CONTENTION_STATES = ("40001", "40P01", "55P03")
# where the server finds that the plan of a prepared statement fits its table no more
_REVALIDATION = "RevalidateCachedQuery"


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


set_json_dumps(_dumps)


def is_outage(error: BaseException) -> bool:
    """True if the database was not there or lost (not: what we asked of it was wrong).

    Whether the transaction took effect is unknown if the error came at its commit.
    """
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = getattr(error, "sqlstate", None)
    if state is None:
        # made by the client library: no server answered, or the pool had no connection in time
        return isinstance(error, psycopg.OperationalError) or "closed" in str(error)
    return state.startswith(_OUTAGE_CLASSES) or state in _OUTAGE_STATES


def is_contention(error: BaseException) -> bool:
    """True if the transaction lost against another one (deadlock, serialization, a migration) and may simply run
    again.
    """
    return isinstance(error, psycopg.Error) and (error.sqlstate in _CONTENTION_STATES or is_outdated(error))


def is_outdated(error: BaseException) -> bool:
    """True if a statement was prepared before a migration gave its table another column, so that its rows would have
    another form. Every connection from before has such statements.
    """
    # the text of the error is in the language of the server
    return isinstance(error, psycopg.errors.FeatureNotSupported) and error.diag.source_function == _REVALIDATION


class Tx:
    """One transaction. Everything written and published through it takes effect together or not at all."""

    def __init__(self, conn: psycopg.Connection[Row], *, readonly: bool = False):
        self.conn = conn
        self.readonly = readonly
        #: the events being handled, by (tenant, subject): what is published about the same subject continues
        #: their correlation and trace
        self.causes: dict[tuple[str, str], Event] = {}
        self._publications: list[outbox.Publication] = []
        self._notes: list[Callable[[Tx], object]] = []

    def query(self, sql: Query, params: Sequence[Any] | Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a query, each a dict."""
        return self.conn.execute(_query(sql), params).fetchall()

    def one(self, sql: Query, params: Sequence[Any] | Mapping[str, Any] | None = None) -> Row | None:
        """The first row of a query, or None."""
        return self.conn.execute(_query(sql), params).fetchone()

    def value(self, sql: Query, params: Sequence[Any] | Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, params)
        return None if row is None else next(iter(row.values()))

    def execute(self, sql: Query, params: Sequence[Any] | Mapping[str, Any] | None = None) -> int:
        """Run a statement; how many rows it touched."""
        return self.conn.execute(_query(sql), params).rowcount

    def executemany(self, sql: Query, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> int:
        """Run a statement for each row; how many rows were touched in all. For inserts see `insert_rows`."""
        with self.conn.cursor() as cursor:
            cursor.executemany(_query(sql), rows)
            return cursor.rowcount

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], tail: LiteralString = ""
    ) -> list[Row]:
        """Insert rows in one statement: the quickest way for a few to a few thousand.

        `tail` follows the statement, for example `ON CONFLICT DO NOTHING RETURNING id`; the rows that it returns
        are the answer. Values for json and jsonb columns are dicts and lists, for array columns lists.
        """
        data = list(rows)
        if not data:
            return []
        source, text = rowset(_column_types(self.conn, table, columns), data)
        statement = composed.SQL("INSERT INTO {} ({}) SELECT * FROM {} {}").format(
            composed.Identifier(table),
            composed.SQL(", ").join(map(composed.Identifier, columns)),
            source,
            composed.SQL(tail),
        )
        cursor = self.conn.execute(statement, (text,))
        return cursor.fetchall() if cursor.description else []

    def copy_rows(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """COPY rows into a table, for bulk; how many."""
        statement = composed.SQL("COPY {} ({}) FROM STDIN").format(
            composed.Identifier(table), composed.SQL(", ").join(map(composed.Identifier, columns))
        )
        count = 0
        with self.conn.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
        return count

    def lock(self, *key: str) -> None:
        """Wait until no other transaction holds the lock of this name; held to the end of this one.

        Take locks of several names in sorted order, or two transactions may wait for each other.
        """
        self.conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ("\x1f".join(key),))

    def publish(
        self,
        name: str,
        *,
        subject: str,
        tenant: str,
        data: Mapping[str, Any],
        cause: Event | None = None,
        restricted: bool = False,
    ) -> str:
        """Publish an event, in this transaction: it will be sent if and only if the transaction commits.

        `data` holds JSON primitives and must fit the event's schema exactly. Correlation and trace come from
        `cause`, else from the event about the same subject that is being handled, else from the context.
        A `restricted` event leaves whole for the services of the suite alone, masked for everybody else; so do all
        events of a subject that `outbox.restrict` named.
        Returns the event's id. Raises `outbox.InvalidPublication` naming every wrong field.
        """
        if self.readonly:
            raise outbox.InvalidPublication(name, {"": ["a query publishes nothing"]})
        publication = outbox.prepare(
            name,
            subject=subject,
            tenant=tenant,
            data=data,
            cause=cause or self.causes.get((tenant, subject)),
            restricted=restricted,
        )
        self._publications.append(publication)
        return publication.id

    def flush(self) -> None:
        """Write the published events now (otherwise: at commit)."""
        publications, self._publications = self._publications, []
        if publications:
            outbox.store(self.conn, publications)

    def note(self, work: Callable[[Tx], object]) -> None:
        """Have `work` done with a transaction whatever becomes of this one: this one right before it commits, else (it
        only reads, or what it was to do failed) one of its own right after. For what must be known of an attempt that
        was refused. Not when the database was lost, or this one lost against another: then nothing was refused.
        """
        self._notes.append(work)

    def write_notes(self, tx: Tx) -> None:
        """Do with `tx` what was noted."""
        notes, self._notes = self._notes, []
        for work in notes:
            work(tx)

    @property
    def has_notes(self) -> bool:
        return bool(self._notes)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part that may fail without taking the rest of the transaction with it (a savepoint).

        What was published inside is dropped if it raises.
        """
        published = len(self._publications)
        try:
            with self.conn.transaction():
                yield
        except BaseException:
            del self._publications[published:]
            raise


class Pool:
    """Connections to one database. Open it before use, close it at the end; or use it in a `with` block."""

    def __init__(self, uri: str, *, name: str = "kundval", max_size: int = 10, timeout: float = 5.0):
        self.name = name
        self.uri = with_defaults(uri, application_name=name)
        self._pool: ConnectionPool[psycopg.Connection[Row]] = ConnectionPool(
            self.uri,
            open=False,
            min_size=1,
            max_size=max_size,
            timeout=timeout,
            name=name,
            # the pool waits longer and longer between attempts; give up early so that the next request tries
            reconnect_timeout=2.0,
            kwargs={"autocommit": True, "row_factory": dict_row},
            num_workers=2,
        )

    def open(self) -> None:
        """Start connecting; does not wait."""
        self._pool.open()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._pool.close(timeout=2.0)

    def __enter__(self) -> Pool:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def tx(self, *, readonly: bool = False) -> Iterator[Tx]:
        """A transaction: commits at the end of the block, rolls back if the block raises.

        Read-only ones see one snapshot throughout.
        """
        with traces.part("transaction", "CLIENT", db_system_name="postgresql", kundval_readonly=readonly):
            yield from self._transaction(readonly)

    def _transaction(self, readonly: bool) -> Iterator[Tx]:
        conn = self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if readonly else "BEGIN")
        tx = Tx(conn, readonly=readonly)
        try:
            with self._ending(tx):
                yield tx
        except Exception as error:
            if tx.has_notes and not is_outage(error) and not is_contention(error):
                self._write_notes(tx)
            raise
        if tx.has_notes:
            self._write_notes(tx)

    @contextmanager
    def _ending(self, tx: Tx) -> Iterator[None]:
        """Commit at the end of the block, roll back if it raises; and give the connection back."""
        conn = tx.conn
        try:
            try:
                yield
                if not tx.readonly:
                    tx.write_notes(tx)
                tx.flush()
                if conn.execute("COMMIT").statusmessage != "COMMIT":
                    raise psycopg.errors.InFailedSqlTransaction("a statement failed, so nothing was committed")
            except Exception as error:
                _roll_back(conn)
                if is_outdated(error):
                    # whoever tries again is not to meet the same on each connection
                    self._pool.drain()
                raise
            except BaseException:
                # killed in the middle of a query, perhaps: the connection's state is unknown
                conn.close()
                raise
        finally:
            self._pool.putconn(conn)

    def _write_notes(self, tx: Tx) -> None:
        """What was noted in a transaction that is over, in one of its own. What became of the first stands either
        way.
        """
        try:
            with self.tx() as own:
                tx.write_notes(own)
        except psycopg.Error as error:
            log.error("note_not_written", database=self.name, error=type(error).__name__)

    def ping(self) -> bool:
        """True if the database answers."""
        try:
            with self.tx(readonly=True) as tx:
                return bool(tx.value("SELECT 1") == 1)
        except psycopg.Error:
            return False

    def stats(self) -> dict[str, int]:
        """Sizes and counts of the pool, as psycopg_pool names them."""
        return self._pool.get_stats()

    def _begin(self, statement: LiteralString) -> psycopg.Connection[Row]:
        for last in (False, True):
            conn = self._pool.getconn()
            try:
                conn.execute(statement)
                return conn
            except psycopg.Error as error:
                conn.close()
                self._pool.putconn(conn)
                if last or not is_outage(error):
                    raise
                # one connection was dead: so may be the others (server restarted)
                self._pool.check()
            except BaseException:
                conn.close()
                self._pool.putconn(conn)
                raise
        raise AssertionError("unreachable")


class Database(DependencyProvider):
    """The service's database. In a service class: `db = Database()`; in a worker, `self.db` is the `Pool`.

    Takes the URI from nameko's config: `KUNDVAL_<SERVICE>_DATABASE_URI`, else `KUNDVAL_DATABASE_URI`. Refuses
    to start if migrations are missing.
    """

    pool: Pool

    def setup(self) -> None:
        service = self.container.service_name
        config = self.container.config
        key = f"KUNDVAL_{service.upper()}_DATABASE_URI"
        uri = config.get(key) or config.get("KUNDVAL_DATABASE_URI")
        if not uri:
            raise LookupError(f"{key} is not set")
        from . import migrate

        migrate.require_current(uri, service)
        workers = int(self.container.max_workers)
        # beside the workers: the reader of events and the helper, and one for health and status
        self.pool = Pool(uri, name=f"kundval-{service}", max_size=workers + 3)
        self.pool.open()

    def stop(self) -> None:
        self.pool.close()

    def kill(self) -> None:
        if hasattr(self, "pool"):
            self.pool.close()

    def get_dependency(self, worker_ctx: Any) -> Pool:
        return self.pool


def with_defaults(uri: str, **more: str) -> str:
    """`uri` with the connection defaults of the suite where it says nothing itself."""
    given = conninfo_to_dict(uri)
    return make_conninfo(
        uri,
        **{key: value for key, value in {**DEFAULTS, **more}.items() if key not in given},
        options=f"{given.get('options') or ''} -c timezone=UTC".strip(),
    )


def connect(uri: str, *, name: str = "kundval") -> psycopg.Connection[Row]:
    """One connection of its own, in autocommit, with rows as dicts."""
    return psycopg.Connection[Row].connect(
        with_defaults(uri, application_name=name), autocommit=True, row_factory=dict_row
    )


def rowset(types: Sequence[LiteralString], rows: Sequence[Sequence[Any]]) -> tuple[composed.Composed, str]:
    """Rows as something to select from: an SQL fragment `… AS t (c0 type, …)` with one placeholder, and its value.

    All rows travel as one JSON text: that costs the client a fifth of what an array for each column costs.
    """
    names = [f"c{place}" for place in range(len(types))]
    definition = composed.SQL(", ").join(
        composed.SQL("{} {}").format(composed.Identifier(name), composed.SQL(kind))
        for name, kind in zip(names, types, strict=True)
    )
    text = json.dumps(
        [dict(zip(names, row, strict=True)) for row in rows],
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
        default=_plain,
    )
    return composed.SQL("json_to_recordset(%s::json) AS t ({})").format(definition), text


def _plain(value: Any) -> Any:
    if isinstance(value, date | Decimal | UUID):
        return str(value)
    if isinstance(value, Json | Jsonb):
        return value.obj
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} cannot be inserted")


def _roll_back(conn: psycopg.Connection[Row]) -> None:
    try:
        if conn.info.transaction_status == TransactionStatus.IDLE:
            return
        if conn.info.transaction_status == TransactionStatus.ACTIVE:
            conn.close()
        else:
            conn.execute("ROLLBACK")
    except psycopg.Error:
        conn.close()


def _query(sql: Query) -> Any:
    # service code is trusted to pass values as parameters; psycopg types want a literal
    return sql


_types: dict[tuple[str, tuple[str, ...]], list[LiteralString]] = {}


def _column_types(conn: psycopg.Connection[Row], table: str, columns: Sequence[str]) -> list[LiteralString]:
    """SQL types of the columns, asked once per process: tables only change with a migration."""
    key = (table, tuple(columns))
    if key not in _types:
        rows = conn.execute(
            "SELECT attname, format_type(atttypid, atttypmod) AS kind FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            (table,),
        ).fetchall()
        kinds = {row["attname"]: row["kind"] for row in rows}
        missing = [column for column in columns if column not in kinds]
        if missing:
            raise LookupError(f"table {table} has no column {', '.join(missing)}")
        _types[key] = [kinds[column] for column in columns]
    return _types[key]
