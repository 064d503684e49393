"""A restored database among others, without processes: what is taken back, what is not given twice. Each service whole,
with its processes: `tests/rehearsals/test_restored.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from kundval_chassis import db, migrate, recovery
from kundval_chassis.db import Tx
from kundval_chassis.relay import LOCK

T = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def uris(make_database: Callable[..., str]) -> dict[str, str]:
    made = {service: make_database(service) for service in ("scheduling", "notifications")}
    for service, uri in made.items():
        migrate.apply(uri, service)
    return made


def run(uri: str, *statements: str) -> list[tuple[object, ...]]:
    with psycopg.connect(uri) as connection:
        for statement in statements:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


#: scheduling told an obligation three times; the database knows of the first only
OWN = (
    "INSERT INTO obligation (tenant, assignment, kind, sequence, responsible, state, rules)"
    " VALUES ('t', 'A-1', 'MAPPING_AND_PLAN', 1, 'PROVIDER', 'OPEN', '[]')",
    "INSERT INTO obligation_revision VALUES ('t', 'A-1', 1)",
    "INSERT INTO event (id, name, version, subject, tenant, occurred_at, data) VALUES"
    " ('00000000-0000-0000-0000-000000000001', 'scheduling.obligations_changed', 1, 'A-1', 't', now(), '{}')",
    "INSERT INTO subscription (source) VALUES ('assignment')",
    "INSERT INTO meeting (tenant, meeting, kind, state, revision) VALUES ('t', 'm', 'FORUM', 'CANCELLED', 4)",
)
THEIRS = (
    "INSERT INTO inbox (id, source, tenant, sequence) SELECT"
    " ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'scheduling', 't', n FROM generate_series(1, 3) AS n",
    "INSERT INTO held_obligation (tenant, assignment, kind, sequence, revision, removed, as_of, data) VALUES"
    " ('t', 'A-1', 'MAPPING_AND_PLAN', 1, 3, true, '2026-03-02', NULL),"
    """ ('t', 'A-1', 'STUDY_GUIDANCE', 1, 2, false, '2026-03-02', '{"kind": "STUDY_GUIDANCE", "sequence": 1,
        "due": "2026-03-09", "overdue_after": null, "responsible": "PROVIDER",
        "state": "MET", "met_on": "2026-03-01", "provider": "alfa",
        "rules": ["AMI-3.1-a"]}')""",
)
STATE = (
    "SELECT kind, state, met_on::text, provider, (SELECT revision FROM obligation_revision),"
    " (SELECT revision FROM meeting), (SELECT count(*) FROM subscription),"
    " (SELECT count(*) FROM restoration) FROM obligation"
)


def test_what_was_told_is_taken_back_and_no_number_is_given_twice(uris: dict[str, str]) -> None:
    run(uris["scheduling"], *OWN)
    run(uris["notifications"], *THEIRS)
    recovery.mark(uris["scheduling"], T)
    assert "kundval recover scheduling" in str(recovery.refusal(uris["scheduling"], "scheduling"))
    before = run(uris["scheduling"], STATE)

    dry = recovery.recover("scheduling", uris, do=False)
    assert (dry.lost.own_sequence, dry.lost.seen_sequence, dry.lost.others) == (1, 3, {"notifications": 2})
    assert run(uris["scheduling"], STATE) == before
    assert recovery.refusal(uris["scheduling"], "scheduling") is not None

    done = recovery.recover("scheduling", uris, do=True)
    assert done.findings == dry.findings
    leap = recovery.LEAP
    assert run(uris["scheduling"], STATE) == [("STUDY_GUIDANCE", "MET", "2026-03-01", "alfa", 3 + leap, 4 + leap, 0, 1)]
    assert recovery.refusal(uris["scheduling"], "scheduling") is None
    # the next event and position are far above what anybody has seen
    ((next_event, next_position),) = run(
        uris["scheduling"],
        "SELECT nextval(pg_get_serial_sequence('event', 'sequence')),"
        " nextval(pg_get_serial_sequence('told_event', 'position'))",
    )
    assert next_event == next_position == 3 + leap + 1

    # nothing is missing any more, to the doctor and to whoever asks again
    with pytest.raises(recovery.NothingLost):
        recovery.recover("scheduling", uris, do=True)


def test_a_service_that_runs_is_left_alone(uris: dict[str, str]) -> None:
    with db.connect(uris["scheduling"]) as relay:
        relay.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        with pytest.raises(recovery.StillRunning):
            recovery.recover("scheduling", uris, do=True)


def test_numbers_that_were_given_anew_before_the_recovery_are_noticed(uris: dict[str, str]) -> None:
    with db.connect(uris["scheduling"]) as conn, db.connect(uris["notifications"]) as other:
        own = Tx(conn).value("SELECT max(sequence) FROM event")
        conn.execute("BEGIN")
        other.execute("BEGIN")
        other.execute(
            "INSERT INTO inbox (id, source, tenant, sequence) VALUES (gen_random_uuid(), 'scheduling', 't', %s)",
            (5_000_000,),
        )
        conn.execute(
            "INSERT INTO event (sequence, id, name, version, subject, tenant, occurred_at, data)"
            " OVERRIDING SYSTEM VALUE"
            " VALUES (5000000, gen_random_uuid(), 'scheduling.day_opened', 1, 't', 't', now(), '{}')"
        )
        found = recovery.lost(Tx(conn), "scheduling", {"notifications": Tx(other)})
        assert found.others == {"notifications": 1} and found.own_sequence == 4_999_999 > own
        conn.execute("ROLLBACK")
        other.execute("ROLLBACK")
