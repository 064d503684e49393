"""Delivery in the running service: one green thread routes, and one hands over for each channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg

from kundval_chassis import logs
from kundval_chassis.db import Pool, Row
from kundval_chassis.service import Dependency
from kundval_contracts.codes import DeliveryChannel

from .. import channels, directory, texts
from ..domain.party import Party
from . import metrics, store
from .compose import Composer
from .life import Life
from .routing import BATCH, Router
from .sending import Sender

#: seconds between two looks at what is to be routed; at what is to be handed over, which routing tells of
IDLE_SECONDS = 0.3
SENDER_SECONDS = 1.0
#: seconds after which connections that nobody uses are let go
REST_SECONDS = 30.0
#: seconds between two looks at what has to be done now and then
HOUSEKEEPING_SECONDS = 15.0

log = logs.get(__name__)


class Recipients:
    """The directory, as delivery asks it."""

    def __init__(self, contacts: directory.Contacts, usable: frozenset[DeliveryChannel], marks: directory.Marks):
        self._contacts = contacts
        self._usable = usable
        self._marks = marks

    def parties(self, pool: Pool, tenant: str, rows: Sequence[Row]) -> Mapping[int, Party]:
        asked = self._contacts.ask(tenant, rows, self._usable)
        with pool.tx(readonly=True) as tx:
            return directory.resolve(tx, asked, tenant, rows)

    def mark(self, channel: DeliveryChannel, address: str) -> bytes:
        return self._marks.mark(channel, address)


class Post(Dependency):
    """Delivers what is pending. In a worker: the `Post` itself, which can describe a message."""

    pool: Pool
    composer: Composer

    def setup(self) -> None:
        config = self.container.config
        self._ports = channels.from_settings(config)
        self._pace = {one: config[f"KUNDVAL_{one}_PER_SECOND"] for one in self._ports}
        self._outage_hours: int = config["KUNDVAL_OUTAGE_HOURS"]
        self._mark_days: int | None = config["KUNDVAL_ADDRESS_MARK_DAYS"]
        self._marks = directory.Marks.of(config)
        # a link must not be found by trying ids
        self.composer = Composer(config["KUNDVAL_LINK_BASE"], directory.link_key(config))
        # of its own, so that requests never wait for deliveries
        self.pool = Pool(
            config["KUNDVAL_NOTIFICATIONS_DATABASE_URI"],
            name="kundval-notifications-delivery",
            max_size=len(self._ports) + 2,
        )
        self.life = Life(config["KUNDVAL_NOTIFICATIONS_DATABASE_URI"])
        self._threads: list[Any] = []
        self._stopping = False
        self._news = threading.Condition()

    def start(self) -> None:
        self.pool.open()
        contacts = next(one for one in self.container.dependencies if isinstance(one, directory.Contacts))
        recipients = Recipients(contacts, frozenset(self._ports), self._marks)
        router = Router(self.pool, recipients, self._ports)
        self._spawn("routing", lambda: self._route(router))
        self._spawn("housekeeping", self._keep_house, every=HOUSEKEEPING_SECONDS)
        for channel, port in self._ports.items():
            self._spawn_sender(channel, port, recipients)

    def stop(self) -> None:
        self._stopping = True
        with self._news:
            self._news.notify_all()
        for thread in self._threads:
            with suppress(Exception):
                thread.wait()
        self.pool.close()
        self.life.close()

    def kill(self) -> None:
        self._stopping = True
        for thread in self._threads:
            thread.kill()
        self.pool.close()
        self.life.close()

    def get_dependency(self, worker_ctx: Any) -> Post:
        return self

    def describe(self, row: Row) -> dict[str, Any]:
        """A message in the shape of `notifications.messages`, as its recipient reads it after logging in."""
        said = self.composer.inside(row, *texts.LANGUAGES)
        names = ("assignment", "kind", "to", "on", "state", "attempts", "sent_at")
        return {
            **{name: row[name] for name in names},
            "channel": row["channel"] or "NONE",
            "language": "+".join(texts.LANGUAGES),
            "subject": said[0].subject,
            "text": "\n\n-- \n\n".join(one.text.strip() for one in said) + "\n",
        }

    def _spawn_sender(self, channel: DeliveryChannel, port: channels.Port, recipients: Recipients) -> None:
        sender = Sender(
            self.pool,
            port,
            recipients,
            self.composer,
            self.life.token,
            per_second=self._pace[channel],
            stopping=lambda: self._stopping,
        )
        self._spawn(
            channel.value, lambda: sender.work() == sender.batch, sender.close, every=SENDER_SECONDS, woken=True
        )

    def _route(self, router: Router) -> bool:
        count = router.work() if self.life.elected() else 0
        if count:
            with self._news:
                self._news.notify_all()
        return count == BATCH

    def _spawn(
        self,
        name: str,
        work: Callable[[], bool],
        rest: Callable[[], None] = lambda: None,
        *,
        every: float = IDLE_SECONDS,
        woken: bool = False,
    ) -> None:
        run = partial(self._run, name, work, rest, every, woken)
        self._threads.append(self.container.spawn_managed_thread(run, identifier=f"delivery: {name}"))

    def _run(self, name: str, work: Callable[[], bool], rest: Callable[[], None], every: float, woken: bool) -> None:
        """Work until the service stops. `work` says whether there is more at once; when there has not been for a while
        `rest` is called, and at the end."""
        busy = time.monotonic()
        while not self._stopping:
            more = False
            try:
                more = work()
                if more:
                    busy = time.monotonic()
                elif time.monotonic() - busy > REST_SECONDS:
                    rest()
            except psycopg.Error as error:
                log.warning("delivery_interrupted", part=name, error=type(error).__name__)
                time.sleep(1.0)
            except Exception as error:
                # what is wrong with one batch must not end delivery for good; leases bring it back later
                log.error("delivery_failed", part=name, exc_info=error)
                time.sleep(5.0)
            self._sleep(0 if more else every, woken)
        rest()

    def _sleep(self, seconds: float, woken: bool) -> None:
        """In short pieces, so that the service stops without waiting for it; `woken`: until something is routed."""
        until = time.monotonic() + seconds
        time.sleep(0)
        while not self._stopping and (left := until - time.monotonic()) > 0:
            with self._news:
                if self._news.wait(min(left, SENDER_SECONDS)) and woken:
                    return

    def _keep_house(self) -> bool:
        with self.pool.tx() as tx:
            overdue = store.overdue_in_outage(tx, self._outage_hours)
            store.fail(tx, overdue, "FAILED", "AWAY")
            store.forget(tx, self._mark_days)
            depth, circuits = store.depth(tx), store.open_circuits(tx)
        if overdue:
            log.warning("channel_away_too_long", dispatches=len(overdue))
        metrics.QUEUE.clear()
        for row in depth:
            metrics.QUEUE.labels(row["channel"], row["state"]).set(row["n"])
        for channel in self._ports:
            metrics.CIRCUITS.labels(channel.value).set(circuits.get(channel.value, 0))
        return False
