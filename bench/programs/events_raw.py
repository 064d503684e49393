"""The limit of this broker and this database for the job: py-amqp and psycopg by hand, everything in batches.

One loop on each side, no threads, no outbox, no inbox: rows by `unnest`, then the batch published on a quorum queue
with one wait for all its confirms; the other side stores a batch, commits and acknowledges it as a whole. A kill
between commit and publish loses events, one between commit and acknowledgement repeats them.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import amqp
import psycopg
from amqp import spec

from bench import child
from bench.jobs import EVENT, INSERT_MANY, TABLE, data_of, row_of
from kundval_chassis.amqp import parse_uri

EXCHANGE, QUEUE = "bench.events", "bench.raw"


class Source:
    def __init__(self, database: psycopg.Connection[Any], broker: amqp.Connection):
        self.database = database
        self.broker = broker
        self.channel = broker.channel()
        self.channel.exchange_declare(EXCHANGE, "topic", durable=True, auto_delete=False)
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._confirmed)
        self.published = 0
        self.waiting: set[int] = set()

    def send(self, first: int, count: int, batch: int, workers: int) -> dict[str, Any]:
        """`workers` is for the others: this is one loop."""
        began = time.monotonic()
        for start in range(first, first + count, batch):
            self._batch([data_of(number) for number in range(start, min(start + batch, first + count))])
        return {"seconds": time.monotonic() - began}

    def _batch(self, jobs: list[dict[str, Any]]) -> None:
        self.database.execute(INSERT_MANY, _columns(jobs))
        for data in jobs:
            self.published += 1
            self.waiting.add(self.published)
            message = amqp.Message(json.dumps(data), content_type="application/json", delivery_mode=2)
            # as basic_publish does it, without polling the socket before each message
            self.channel.send_method(spec.Basic.Publish, "Bssbb", (0, EXCHANGE, EVENT, True, False), message)
        while self.waiting:
            self.broker.drain_events(timeout=30)

    def _confirmed(self, tag: int, multiple: bool) -> None:
        if multiple:
            self.waiting = {one for one in self.waiting if one > tag}
        else:
            self.waiting.discard(tag)


class Sink:
    def __init__(self, database: psycopg.Connection[Any], broker: amqp.Connection, batch: int):
        self.database = database
        self.broker = broker
        self.batch = batch
        self.taken: list[amqp.Message] = []
        self.channel = channel = broker.channel()
        channel.exchange_declare(EXCHANGE, "topic", durable=True, auto_delete=False)
        channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(QUEUE, EXCHANGE, "#")
        channel.basic_qos(0, 2 * batch, False)
        channel.basic_consume(QUEUE, callback=self.taken.append)

    def run(self) -> None:
        """Take, store, acknowledge, for ever."""
        while True:
            try:
                self.broker.drain_events(timeout=0.002 if self.taken else 1.0)
                if len(self.taken) < self.batch:
                    continue
            except TimeoutError:
                pass
            if self.taken:
                self.database.execute(INSERT_MANY, _columns([json.loads(one.body) for one in self.taken]))
                self.channel.basic_ack(self.taken[-1].delivery_tag, multiple=True)
                self.taken.clear()


def _columns(jobs: list[dict[str, Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*map(row_of, jobs), strict=True)]


def main() -> None:
    given = child.parameters()
    database = psycopg.connect(given["database"], autocommit=True)
    database.execute(TABLE)
    broker = amqp.Connection(**parse_uri(given["amqp"]), heartbeat=0)
    broker.connect()
    handlers: dict[str, child.Handler] = {"check": lambda: {"trouble": None}}
    if given["role"] == "source":
        handlers["send"] = Source(database, broker).send
    else:
        threading.Thread(target=Sink(database, broker, given["batch"]).run, daemon=True).start()
    child.serve(handlers)


if __name__ == "__main__":
    main()
