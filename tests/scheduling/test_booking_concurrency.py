"""No hour is taken twice, in any interleaving of bookings on real connections; the database itself refuses it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
import pytest

from kundval_chassis import held
from kundval_chassis.db import Pool, is_contention
from kundval_contracts.client import Client
from kundval_contracts.codes import CancelReason, MeetingKind, MeetingMode, MeetingParty
from kundval_contracts.errors import Conflict
from kundval_scheduling.domain.instants import Span
from kundval_scheduling.domain.meeting import Party
from kundval_scheduling.meetings import book, groups
from kundval_scheduling.meetings.book import Wish
from tests.scheduling.diary import Diary
from tests.suite import Suite, client, suite

__all__ = ["client", "suite"]

THREADS, ROUNDS = 6, 25
NAMES = tuple(f"A-{number}" for number in range(1, 7))
#: 08:00 local time, and starts every quarter of an hour within two hours: most of them overlap
MORNING = datetime(2026, 5, 5, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def diary(suite: Suite) -> Iterator[Diary]:
    with suite.client() as made:
        yield Diary(made, *NAMES)


@pytest.fixture(scope="module")
def pool(suite: Suite) -> Iterator[Pool]:
    with Pool(suite.databases["scheduling"], name="race", max_size=THREADS + 1) as made:
        yield made


def wish(random: Random, meeting: str | None = None) -> Wish:
    start = MORNING + timedelta(minutes=15 * random.randrange(8))
    role, who = random.choice(
        [
            (MeetingParty.CAREER_GUIDE, "kim"),
            (MeetingParty.CAREER_GUIDE, "lo"),
            (MeetingParty.PROVIDER, "alfa-1"),
        ]
    )
    in_person = random.random() < 0.5
    return Wish(
        Span(start, start + timedelta(minutes=random.choice([15, 30, 60]))),
        MeetingMode.IN_PERSON if in_person else MeetingMode.PHONE,
        meeting,
        None if meeting else random.choice(NAMES),
        None if meeting else MeetingKind.WEEKLY_CONTACT,
        parties=(Party(role, who), Party(MeetingParty.CLIENT, "whoever")),
        room=random.choice(["hall-1", "hall-2"]) if in_person else None,
    )


class Racer(threading.Thread):
    """Books, moves and cancels meetings at random, and remembers which it believes to have booked."""

    def __init__(self, pool: Pool, tenant: str, seed: int, session: str, start: threading.Barrier):
        super().__init__()
        self.pool, self.tenant, self.session, self.gate = pool, tenant, session, start
        self.random = Random(seed)
        self.mine: list[str] = []
        self.refused: dict[str, int] = {}
        self.done = 0
        self.trouble: BaseException | None = None

    def run(self) -> None:
        self.gate.wait()
        try:
            for _ in range(ROUNDS):
                self._once()
        except BaseException as error:
            self.trouble = error

    def _once(self) -> None:
        chance, fresh = self.random.random(), wish(self.random)
        moved = wish(self.random, self.random.choice(self.mine)) if self.mine else None
        name = self.random.choice(NAMES)
        while True:
            try:
                with self.pool.tx() as tx:
                    tenant = held.tenant_named(tx, self.tenant)
                    if moved is not None and chance < 0.25:
                        book.rebook(tx, tenant, moved)
                    elif moved is not None and chance < 0.45:
                        book.cancel(tx, tenant, moved.meeting or "", CancelReason.OTHER)
                    elif chance < 0.6:
                        session = groups.load(tx, self.tenant, self.session)
                        if any(one.assignment == name for one in session.subjects):
                            groups.leave(tx, self.tenant, self.session, name, CancelReason.CLIENT_CANNOT)
                        else:
                            groups.join(tx, self.tenant, session, name)
                    else:
                        made = book.book(tx, tenant, fresh)
                if moved is not None and 0.25 <= chance < 0.45:
                    self.mine.remove(moved.meeting or "")
                elif chance >= 0.6:
                    self.mine.append(made.id)
                self.done += 1
                return
            except Conflict as error:
                self.refused[error.code] = self.refused.get(error.code, 0) + 1
                return
            except psycopg.Error as error:
                if not is_contention(error):
                    raise


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_booked_at_once_no_two_meetings_have_the_same_person_room_or_hour(
    diary: Diary, pool: Pool, seed: int
) -> None:
    session = diary.call(
        "open_group_session", starts_at=f"2026-05-05T0{seed + 7}:30", minutes=60, mode="VIDEO", seats=2,
        parties=[{"role": "OTHER", "resource": f"teacher-{seed}"}],
    )["meeting"]["meeting"]  # fmt: skip
    gate = threading.Barrier(THREADS)
    racers = [Racer(pool, diary.town.name, seed * 100 + number, session, gate) for number in range(THREADS)]
    for one in racers:
        one.start()
    for one in racers:
        one.join(120)
    assert [one.trouble for one in racers] == [None] * THREADS
    assert sum(one.done for one in racers) > THREADS
    assert sum(one.refused.get("ALREADY_TAKEN", 0) for one in racers) > THREADS
    assert {code for one in racers for code in one.refused} <= {"ALREADY_TAKEN", "NOT_REACHABLE"}
    with pool.tx(readonly=True) as tx:
        overlaps = tx.query(
            "SELECT a.resource FROM claim a JOIN claim b ON a.tenant = b.tenant AND a.resource = b.resource"
            " AND a.claim < b.claim AND a.during && b.during"
        )
        assert overlaps == []
        lacking = tx.query(
            "SELECT m.meeting, p.resource FROM meeting m JOIN LATERAL ("
            " SELECT resource FROM party WHERE party.tenant = m.tenant AND party.meeting = m.meeting"
            " UNION SELECT m.room WHERE m.room IS NOT NULL"
            " UNION SELECT 'client/' || c.client FROM meeting_subject s JOIN participant c USING (tenant, assignment)"
            "  WHERE s.tenant = m.tenant AND s.meeting = m.meeting AND s.waiting IS NULL) p ON true"
            " WHERE m.tenant = %s AND m.state = 'BOOKED' AND NOT EXISTS (SELECT FROM claim c WHERE c.tenant = m.tenant"
            " AND c.meeting = m.meeting AND c.resource = p.resource"
            " AND c.during = tstzrange(m.starts_at, m.ends_at))",
            (diary.town.name,),
        )
        assert lacking == []
        left = tx.query(
            "SELECT meeting FROM claim JOIN meeting m USING (tenant, meeting) WHERE tenant = %s"
            " AND (m.state <> 'BOOKED' OR NOT EXISTS (SELECT FROM party p WHERE p.tenant = claim.tenant"
            " AND p.meeting = claim.meeting AND p.resource = claim.resource) AND claim.resource <> coalesce(m.room, '')"
            " AND NOT starts_with(claim.resource, 'client/'))",
            (diary.town.name,),
        )
        assert left == []
    booked = {row["meeting"] for row in diary.meetings(states=["BOOKED"], kinds=["WEEKLY_CONTACT"])}
    assert booked >= {meeting for one in racers for meeting in one.mine}


def test_the_database_refuses_a_second_claim_by_whatever_way_it_comes(diary: Diary, pool: Pool, client: Client) -> None:
    name = diary.town.name
    made = diary.book("2026-05-06T10:00", assignment="A-1", kind="WEEKLY_CONTACT", mode="PHONE")
    insert = (
        "INSERT INTO claim (tenant, resource, absence, during)"
        " VALUES (%s, 'client/p-A-1', 'by-hand', tstzrange(%s::timestamptz, %s::timestamptz))"
    )
    with pytest.raises(psycopg.errors.ExclusionViolation), pool.tx() as tx:
        tx.execute(insert, (name, "2026-05-06 08:59+00", "2026-05-06 10:00+00"))
    # another municipality's person of the same id, and a time that only touches, are free
    with pool.tx() as tx:
        tx.execute(insert, (name, "2026-05-06 09:00+00", "2026-05-06 10:00+00"))
        tx.execute(insert, ("another", "2026-05-06 08:00+00", "2026-05-06 09:00+00"))
    with pytest.raises(psycopg.errors.CheckViolation), pool.tx() as tx:
        tx.execute("UPDATE meeting SET starts_at = NULL, ends_at = NULL WHERE meeting = %s", (made["meeting"],))
