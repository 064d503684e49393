"""Tells partners by the ways in which the service comes to them: queues at the broker and webhooks.

One instance of a service tells (an advisory lock sees to that, the others stand by). Each way of each partner has a
thread of its own, which walks the log in the order of positions, so that who is slow, away or broken holds up nobody
else. The position moves on when the copies are in safe hands, and not before: killed at any moment, this or the next
instance tells the same again, with the same ids.

What is done to the database goes over the connection that holds the lock: who has lost it cannot move a position.

Of an event that is not taken the way waits, longer each time. While nobody takes anything all events wait. One that its
receiver does not want, or that has failed often, is parked, and the next ones go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg

from .. import background, db, logs, telemetry
from ..amqp import Stopped
from ..db import Row
from ..reach import Network
from ..relay import TOLD, Pause
from ..service import Dependency
from ..web import trusting
from . import log as told
from . import operate, parked, registry, ways
from .copies import copy_of
from .keys import KeyMissing, PartnerKeys
from .outlets import Away, Copy, Failed, NotTold, Outlet, Patience, QueueOutlet, Unwanted, WebhookOutlet
from .registry import Partner, Way

log = logs.get(__name__)

#: any number that means "who tells this database's partners"
LOCK = 0x746F6C64  # "told"
#: seconds between two looks at the partners, and at a way that nothing woke
POLL = 1.0
#: events that are read for one way at once
BATCH = 100
#: seconds for which what was read may be told: who has become protected since must be so in the copy
FRESH = 2.0


@dataclass(frozen=True, slots=True)
class Portion:
    """What is told at once: copies, and the position up to which all has been told then. broken: there is an event
    there of which no copy can be made.
    """

    copies: Sequence[Copy]
    end: int
    broken: bool = False


class Teller:
    """Tells one partner by one way. `step` does what is to be done now; `run` goes on until `stop`.

    patience: when to try again; None: as the outlet has it. unwanted: events in a row that are parked at once because
    the receiver does not want them; after so many it may be the receiver who is wrong, and an event gets all its
    attempts.
    """

    unwanted = 10

    def __init__(
        self,
        conn: psycopg.Connection[Row],
        service: str,
        partner: Partner,
        way: Way,
        outlet: Outlet,
        keys: PartnerKeys,
        patience: Patience | None,
        stop: threading.Event,
    ):
        #: as the last look found it
        self.partner = partner
        self._conn, self._service, self._way = conn, service, way
        self._outlet, self._keys, self._patience = outlet, keys, patience or outlet.patience
        self._stop = stop
        self._news = threading.Event()
        self._trouble: str | None = None
        # the position, and attempts at the event after it that failed on its own account
        self._failed = (0, 0)
        self._unwanted = 0

    def wake(self) -> None:
        """There may be something to tell."""
        self._news.set()

    def stop(self) -> None:
        self._stop.set()
        self._news.set()

    def run(self) -> None:
        """Ends when it is stopped, or the database is lost."""
        try:
            while not self._stop.is_set():
                self._news.clear()
                try:
                    wait = self.step()
                except (Stopped, psycopg.Error):
                    return
                except Exception as error:
                    # a fault of ours, for which no other way is to wait
                    log.error("partner_way_failed", partner=self.partner.id, way=self._way.value, exc_info=error)
                    self._stop.wait(5.0)
                    wait = POLL
                if wait > 0 and not self._stop.is_set():
                    self._outlet.idle()
                    self._news.wait(min(wait, POLL))
        finally:
            self._outlet.close()

    def step(self) -> float:
        """Tell what there is, at most one batch; seconds until the next is due, 0: at once. Raises psycopg.Error."""
        partner = self.partner
        state = ways.state(self._conn, partner.id, self._way)
        if state is None:
            return POLL
        if state.wait > 0:
            return state.wait
        if not self._tell_parked(partner, state.position, state.attempts):
            return 0
        read = monotonic()
        stretch = told.read(self._conn, partner, state.position, BATCH)
        position, attempts = state.position, state.attempts
        try:
            for portion in self._portions(stretch.rows, partner, self._outlet.at_once):
                if self._stop.is_set() or monotonic() - read > FRESH:
                    return 0
                try:
                    if portion.broken:
                        moved = self._park(position, portion.end, "NO_COPY", 1)
                    else:
                        self._tell(partner, portion.copies)
                        moved = ways.advance(self._conn, partner.id, self._way, before=position, after=portion.end)
                except NotTold as error:
                    return self._not_told(error, position, portion.end, attempts)
                if not moved:
                    # somebody has said meanwhile where to go on
                    return 0
                position, attempts = portion.end, 0
        except KeyMissing:
            return self._not_told(Away("NO_KEY"), position, position, attempts)
        if position != stretch.next:
            ways.advance(self._conn, partner.id, self._way, before=position, after=stretch.next)
        return 0 if stretch.more else POLL

    def _tell_parked(self, partner: Partner, position: int, attempts: int) -> bool:
        """Tell what was parked and is wanted again; False if nothing can be told, or there is more of it."""
        read = monotonic()
        rows = parked.wanted(self._conn, partner.id, self._way, BATCH)
        for row in rows:
            if self._stop.is_set() or monotonic() - read > FRESH:
                return False
            try:
                for portion in self._portions([row], partner, 1):
                    if portion.broken:
                        raise Unwanted("NO_COPY")
                    self._tell(partner, portion.copies)
            except KeyMissing:
                self._not_told(Away("NO_KEY"), position, position, attempts)
                return False
            except Away as error:
                self._not_told(error, position, position, attempts)
                return False
            except NotTold as error:
                self._count(_OUTCOMES[type(error)])
                parked.stays(self._conn, partner.id, self._way, row["position"], error.code)
            else:
                parked.taken(self._conn, partner.id, self._way, row["position"])
        return len(rows) < BATCH

    def _portions(self, rows: Sequence[Row], partner: Partner, most: int) -> Iterator[Portion]:
        copies: list[Copy] = []
        for row in rows:
            try:
                copy = copy_of(row, partner, self._keys)
            except KeyMissing:
                raise
            except Exception as error:
                # one event that is wrong must not keep a partner from all others
                log.error("partner_copy_failed", partner=partner.id, event_name=row["name"], exc_info=error)
                if copies:
                    yield Portion(copies, row["position"] - 1)
                    copies = []
                yield Portion((), row["position"], broken=True)
                continue
            if copy is not None:
                copies.append(copy)
            if len(copies) == most:
                yield Portion(copies, row["position"])
                copies = []
        if copies:
            yield Portion(copies, rows[-1]["position"])

    def _tell(self, partner: Partner, copies: Sequence[Copy]) -> None:
        if not copies:
            return
        self._outlet.tell(partner, copies)
        self._count("TAKEN", len(copies))
        self._unwanted = 0
        if self._trouble is not None:
            log.info("partner_told_again", partner=partner.id, way=self._way.value)
            self._trouble = None

    def _not_told(self, error: NotTold, position: int, end: int, attempts: int) -> float:
        """Wait, or pass over the event after `position`, which ends at `end`; seconds until there is more to do."""
        self._count(_OUTCOMES[type(error)])
        if error.code != self._trouble:
            log.warning("partner_not_told", partner=self.partner.id, way=self._way.value, code=error.code)
            self._trouble = error.code
        if not isinstance(error, Away):
            failed = 1 + (self._failed[1] if self._failed[0] == position else 0)
            self._failed = (position, failed)
            at_once = isinstance(error, Unwanted) and self._unwanted < self.unwanted
            self._unwanted += isinstance(error, Unwanted) and failed == 1
            if at_once or failed >= self._patience.attempts:
                self._park(position, end, error.code, attempts + 1)
                return 0
        wait = self._patience.after(error, attempts)
        ways.fail(self._conn, self.partner.id, self._way, at=position, code=error.code, wait=wait)
        return wait

    def _park(self, position: int, end: int, code: str, attempts: int) -> bool:
        log.warning("partner_event_parked", partner=self.partner.id, way=self._way.value, position=end, code=code)
        return parked.park(
            self._conn, self.partner.id, self._way, before=position, position=end, code=code, attempts=attempts
        )

    def _count(self, outcome: str, count: int = 1) -> None:
        telemetry.PARTNER_ATTEMPTS.labels(self._service, self.partner.id, self._way.value, outcome).inc(count)


_OUTCOMES: Mapping[type[NotTold], str] = {Away: "AWAY", Failed: "FAILED", Unwanted: "UNWANTED"}


class Distributor:
    """Tells the partners of one database. `run` it in a thread or green thread of its own until `stop`.

    outlet: makes the outlet of a way: with what it is to be called at the other side, and what says that it should end.
    """

    def __init__(
        self,
        *,
        service: str,
        database_uri: str,
        keys: PartnerKeys,
        outlet: Callable[[Way, str, Callable[[], bool]], Outlet],
        patience: Patience | None = None,
    ):
        self.service = service
        self._uri = database_uri
        self._keys = keys
        self._outlet = outlet
        self._patience = patience
        self._stop = threading.Event()
        self._tellers: dict[tuple[str, Way], tuple[Teller, threading.Thread]] = {}
        self._measured: set[tuple[str, str, str]] = set()

    def stop(self) -> None:
        """Ask it to end: what is under way is finished."""
        self._stop.set()

    def run(self) -> None:
        """Tell until stopped. Waits out a missing database or broker."""
        pause = Pause()
        while not self._stop.is_set():
            try:
                # the second is for who waits for news, and so keeps a connection to itself
                with self._connect("partners") as conn, self._connect("partners-news") as news:
                    if self._elected(conn):
                        pause.reset()
                        self._serve(conn, news)
            except psycopg.Error as error:
                log.warning("partners_interrupted", service=self.service, error=type(error).__name__)
                self._stop.wait(pause.next())

    def _connect(self, what: str) -> psycopg.Connection[Row]:
        return db.connect(self._uri, name=f"kundval-{self.service}-{what}")

    def _elected(self, conn: psycopg.Connection[Row]) -> bool:
        while not self._stop.is_set():
            if background.elect(conn, LOCK):
                return True
            self._stop.wait(POLL)
        return False

    def _serve(self, conn: psycopg.Connection[Row], news: psycopg.Connection[Row]) -> None:
        news.execute(f"LISTEN {TOLD}")
        try:
            while not self._stop.is_set():
                # who has lost it tells no more
                conn.execute("SELECT 1")
                self._keep_in_step(conn, registry.present(news))
                self._measure(operate.standing(news))
                until = monotonic() + POLL
                while not self._stop.is_set() and (left := until - monotonic()) > 0:
                    if list(news.notifies(timeout=min(left, 0.25), stop_after=1)):
                        for teller, _ in self._tellers.values():
                            teller.wake()
        finally:
            self._end(list(self._tellers))
            # who tells no more knows nothing
            self._measure([])

    def _keep_in_step(self, conn: psycopg.Connection[Row], partners: Sequence[Partner]) -> None:
        """A teller for each way by which a partner is to be told, and no other."""
        wanted = {(one.id, way): one for one in partners for way in sorted(one.ways) if way is not Way.FEED}
        # one that has ended by itself met with what only a new one cures
        self._end([key for key, (_, thread) in self._tellers.items() if key not in wanted or not thread.is_alive()])
        for (id, way), partner in wanted.items():
            if (id, way) in self._tellers:
                self._tellers[id, way][0].partner = partner
                continue
            stop = threading.Event()
            outlet = self._outlet(way, f"kundval {self.service} partner {id}", stop.is_set)
            teller = Teller(conn, self.service, partner, way, outlet, self._keys, self._patience, stop)
            thread = threading.Thread(target=teller.run, name=f"partner {id} {way.value}", daemon=True)
            self._tellers[id, way] = (teller, thread)
            thread.start()

    def _end(self, keys: Sequence[tuple[str, Way]]) -> None:
        ended = [self._tellers.pop(key) for key in keys]
        for teller, _ in ended:
            teller.stop()
        for _, thread in ended:
            # two of one way would tell the same twice
            thread.join()

    def _measure(self, partners: Sequence[operate.Standing]) -> None:
        measured = set()
        for one in partners:
            for way, standing in one.ways.items():
                labels = (self.service, one.partner.id, way.value)
                telemetry.PARTNER_BEHIND.labels(*labels).set(standing.behind)
                telemetry.PARTNER_PARKED.labels(*labels).set(standing.parked)
                measured.add(labels)
        for labels in self._measured - measured:
            telemetry.PARTNER_BEHIND.remove(*labels)
            telemetry.PARTNER_PARKED.remove(*labels)
        self._measured = measured


class Partners(Dependency):
    """Tells partners from inside the service's process. In a service class: `partners = Partners()`.

    Without KUNDVAL_PARTNER_KEY there are none.
    """

    _distributor: Distributor | None = None
    _thread: Any = None

    def setup(self) -> None:
        config, service = self.container.config, self.container.service_name
        given = config.get("KUNDVAL_PARTNER_KEY")
        if not given:
            return
        keys = PartnerKeys(given)
        context = trusting(config["KUNDVAL_TLS_AUTHORITY"])
        networks: Sequence[Network] = config["KUNDVAL_PARTNER_NETWORKS"]
        uri: str = config["AMQP_URI"]

        def outlet(way: Way, name: str, stopping: Callable[[], bool]) -> Outlet:
            if way is Way.QUEUE:
                return QueueOutlet(uri, name, stopping)
            return WebhookOutlet(context, keys, networks)

        self._distributor = Distributor(
            service=service,
            database_uri=config[f"KUNDVAL_{service.upper()}_DATABASE_URI"],
            keys=keys,
            outlet=outlet,
        )

    def start(self) -> None:
        if self._distributor is not None:
            self._thread = self.container.spawn_managed_thread(self._distributor.run, identifier="partners")

    def stop(self) -> None:
        if self._distributor is not None:
            self._distributor.stop()
            if self._thread is not None:
                self._thread.wait()

    def kill(self) -> None:
        if self._distributor is not None:
            self._distributor.stop()

    def get_dependency(self, worker_ctx: Any) -> Partners:
        return self
