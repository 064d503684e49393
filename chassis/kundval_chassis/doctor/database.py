"""What can be said of one service's database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import psycopg

from .. import certificates, migrate, recovery
from ..db import Tx
from .finding import Finding, bad, ok, warn
from .machine import certificate

#: oldest version of PostgreSQL that is supported
OLDEST = 130_000
#: seconds by which the clocks of the doctor's machine and of the database may differ
OFFSET, FAR_OFF = 2.0, 30.0
#: seconds that events may lie in the database before they are handled
WAITING = 60.0
#: share of the server's connections in use at which it gets narrow
NARROW = 0.8


def setting(service: str, key: str, message: str) -> Finding:
    """A setting that is missing or wrong."""
    return bad(
        service, f"{key} {message}", "the service does not start", "set it; docs/how-to/operate.md lists the settings"
    )


def seen_from_here(service: str, key: str, message: str) -> Finding:
    """A setting that only the service needs."""
    return warn(
        service,
        f"{key} {message}, as seen from here",
        "with these settings the service does not start",
        "run the doctor with the settings of the service, or set it; docs/how-to/operate.md lists them",
    )


def unreachable(service: str, error: BaseException) -> Finding:
    """The database does not answer, or does not let one in."""
    return bad(
        service,
        f"its database cannot be used ({type(error).__name__})",
        "nothing that belongs to it is answered or handled; events wait at the broker",
        "see whether the server runs, the address is right and the certificate holds",
        "database-lost",
    )


def look(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    """Everything about the database of a service, in one read-only transaction."""
    for part in (_server, _role, _restored, _migrations, _outbox, _waiting, _clock, _archive, _room, _partners, _own):
        yield from _bounded(service, settings, tx, part)


Part = Callable[[str, Mapping[str, Any], Tx], Iterator[Finding]]


def _bounded(service: str, settings: Mapping[str, Any], tx: Tx, part: Part) -> Iterator[Finding]:
    """What a part finds; one that cannot be looked at is told of, and the others go on."""
    what = part.__name__.strip("_")
    try:
        with tx.attempt():
            found = list(part(service, settings, tx))
    except psycopg.Error as error:
        yield warn(
            service,
            f"{what} could not be looked at ({type(error).__name__})",
            "the doctor does not know it",
            "run it again; as the owner (KUNDVAL_…_MIGRATION_URI) if a right is missing",
        )
    else:
        yield from found


def _server(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    number = tx.conn.info.server_version
    if number < OLDEST:
        yield bad(service, f"its PostgreSQL is {number // 10_000}", "this suite needs 13", "upgrade the server")
    if tx.value("SELECT pg_is_in_recovery()"):
        yield bad(
            service,
            "its address leads to a replica",
            "nothing can be written",
            "let the address lead to the primary, or promote this one",
            "database-failover",
        )
    else:
        yield ok(service, f"its database answers (PostgreSQL {number // 10_000})")
    with suppress(OSError):
        ends = certificates.of_database(tx.conn)
        if ends is not None:
            yield certificate(service, "its database", ends)


def _role(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    if tx.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        yield bad(
            service,
            "it works as a superuser of the database",
            "whoever takes it over has every database of the server",
            "give it a role of its own (deploy/postgresql)",
        )
    owned = tx.value("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relowner = current_user::regrole")
    if owned:
        yield warn(
            service,
            "its role owns its tables",
            "the ledger's and the log's guards hold against mistakes, not against whoever has the role",
            "let a role that cannot log in own them, and migrate by KUNDVAL_…_MIGRATION_URI (deploy/postgresql)",
        )
    if tx.value("SELECT has_database_privilege('public', current_database(), 'CONNECT')"):
        yield warn(
            service,
            "every role of the server may enter its database",
            "one service that is taken over can look into the others",
            "REVOKE ALL ON DATABASE … FROM PUBLIC",
        )


def _restored(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    mark = recovery.marked(tx.conn)
    if mark is not None:
        yield bad(
            service,
            f"its database was restored to {mark} and not recovered",
            "it does not start, and must not: others know more of it than it does",
            f"kundval recover {service}, then again with --do",
            "restore-a-service",
        )


def _migrations(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    have = {(row.part, row.name): row.checksum for row in migrate.applied(tx.conn)}
    known = {(one.part, one.name): one for one in migrate.available(service)}
    missing = [str(one) for key, one in known.items() if key not in have]
    changed = [str(one) for key, one in known.items() if have.get(key, one.checksum) != one.checksum]
    newer = [f"{part}/{name}" for part, name in sorted(set(have) - set(known))]
    if missing:
        yield bad(
            service,
            f"its database lacks {len(missing)} migrations ({missing[0]} first)",
            "this version does not start there",
            f"kundval migrate {service}",
            "service-not-ready",
        )
    if changed:
        yield bad(
            service,
            f"migrations differ from those that were applied ({changed[0]} first)",
            "nobody knows what the tables are like",
            "install the release as it was published",
        )
    if newer:
        yield warn(
            service,
            f"its database has {len(newer)} migrations that this version does not know ({newer[0]} first)",
            "a newer version has been here; in the midst of an upgrade that is as it should be",
            "finish the upgrade",
        )
    if not missing and not changed:
        yield ok(service, f"its database has every migration ({len(known)})")


def _outbox(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    row = tx.one(
        "SELECT count(*) AS depth, coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float AS age"
        " FROM outbox JOIN event USING (sequence)"
    )
    assert row is not None
    if row["age"] > settings["OUTBOX_AGE_LIMIT"]:
        yield bad(
            service,
            f"{row['depth']} events wait in its outbox, the oldest for {row['age']:.0f} seconds",
            "the others do not hear of what has happened; nothing is lost",
            "see whether the service runs and the broker takes what it is sent",
            "outbox-not-draining",
        )
    else:
        yield ok(service, f"its outbox drains ({row['depth']} in it)")


def _waiting(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    if tx.value("SELECT to_regclass('waiting_event')") is None:
        return
    row = tx.one(
        "SELECT count(*) AS depth, coalesce(extract(epoch FROM now() - min(since)), 0)::float AS age FROM waiting_event"
    )
    assert row is not None
    if row["age"] > WAITING:
        yield warn(
            service,
            f"{row['depth']} events lie in its database for their turn, the oldest for {row['age']:.0f} seconds",
            "it is behind; what follows from these events follows later",
            "see whether the service runs, and whether one more process of it is needed",
            "service-not-ready",
        )


def _clock(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    found = []
    for _ in range(3):
        asked = time.time()
        there = float(tx.value("SELECT extract(epoch FROM clock_timestamp())::float8"))
        took = time.time() - asked
        found.append((took, asked + took / 2 - there))
    offset = min(found)[1]
    if abs(offset) < OFFSET:
        yield ok(service, "clock and database's clock agree")
        return
    say = bad if abs(offset) > FAR_OFF else warn
    yield say(
        service,
        f"this machine's clock is {abs(offset):.0f} seconds {'ahead of' if offset > 0 else 'behind'} its database's",
        "tokens are refused or hold too long, and instants in logs and events are wrong; business dates are right",
        "find the one that is wrong, and let it follow a time server",
        "clock-wrong",
    )


def _archive(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    row = tx.one(
        "SELECT failed_count, last_archived_time, last_failed_time,"
        " last_failed_time > coalesce(last_archived_time, '-infinity') AS failing FROM pg_stat_archiver"
    )
    if row is not None and row["failing"]:
        yield bad(
            service,
            f"the server cannot archive its log (since {row['last_failed_time']:%Y-%m-%d %H:%M})",
            "the disk fills with it, and a restore to this moment is not possible",
            "see why archive_command fails (deploy/postgresql/backup)",
            "database-lost",
        )


def _room(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    row = tx.one(
        "SELECT (SELECT count(*) FROM pg_stat_activity) AS used, current_setting('max_connections')::int AS most"
    )
    assert row is not None
    if row["used"] > NARROW * row["most"]:
        yield warn(
            service,
            f"{row['used']} of {row['most']} connections of its server are in use",
            "soon a service gets none, and waits",
            "raise max_connections, or lower KUNDVAL_MAX_WORKERS",
            "rpc-slow-or-failing",
        )
    rows = tx.query(
        "SELECT application_name, state, extract(epoch FROM replay_lag)::float AS lag FROM pg_stat_replication"
    )
    for one in rows:
        # without the right to see it, name and lag are null
        if one["lag"] is not None and one["lag"] > WAITING:
            yield warn(
                service,
                f"the replica {one['application_name']} is {one['lag']:.0f} seconds behind",
                "what is not there would be lost with the primary",
                "see whether the replica and its network keep up",
                "database-failover",
            )


def _partners(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    parked = tx.value("SELECT count(*) FROM partner_parked")
    if parked:
        yield warn(
            service,
            f"{parked} events could not be told to partners",
            "they lack them until they are told again",
            "kundval partner parked says why; then kundval partner resend",
            "partner-behind",
        )


def _own(service: str, settings: Mapping[str, Any], tx: Tx) -> Iterator[Finding]:
    """What the service itself judges."""
    module = f"kundval_{service}.doctor"
    if find_spec(f"kundval_{service}") and find_spec(module):
        yield from import_module(module).look(tx)
