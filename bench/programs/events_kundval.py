"""Our event path: a transaction that stores rows and publishes, the relay, the broker, a handler with its inbox.

Two services as in production (green threads, relay in the process of the service): `source` is called assignment,
`sink` billing, because events and migrations are theirs; the tables are the measurement's own.
"""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

import time
from typing import Any

import eventlet

from bench import child
from bench.jobs import COLUMNS, EVENT, INSERT, TABLE, TENANT, data_of, row_of
from kundval_chassis import logs, migrate
from kundval_chassis.consume import consumes
from kundval_chassis.db import Database, Pool, Tx
from kundval_chassis.relay import Outbox
from kundval_chassis.runner import Runner, settings_of
from kundval_contracts.envelope import Event

assert kundval_chassis.bootstrap


class Source:
    name = "assignment"
    db = Database()
    outbox = Outbox()


class Sink:
    name = "billing"
    db = Database()

    @consumes("assignment", needs={EVENT})
    def on_events(self, tx: Tx, events: list[Event]) -> None:
        tx.insert_rows("job", COLUMNS, [row_of(event.data) for event in events])


def send(pool: Pool, first: int, count: int, batch: int, workers: int) -> dict[str, Any]:
    """`count` events, `batch` of them in each transaction, by so many green workers."""

    def work(start: int) -> None:
        with pool.tx() as tx:
            jobs = [data_of(number) for number in range(start, min(start + batch, first + count))]
            if batch == 1:
                tx.execute(INSERT, row_of(jobs[0]))
            else:
                tx.insert_rows("job", COLUMNS, [row_of(data) for data in jobs])
            for data in jobs:
                tx.publish(EVENT, subject=data["assignment"], tenant=TENANT, data=data)

    began = time.monotonic()
    workers_pool = eventlet.GreenPool(workers)
    for _ in workers_pool.imap(work, range(first, first + count, batch)):
        pass
    return {"seconds": time.monotonic() - began}


def main() -> None:
    given = child.parameters()
    service = Source if given["role"] == "source" else Sink
    logs.configure(service=service.name)
    uri = given["database"]
    migrate.apply(uri, service.name)
    with Pool(uri) as pool, pool.tx() as tx:
        tx.execute(TABLE)
    environ = {
        "KUNDVAL_AMQP_URI": given["amqp"],
        f"KUNDVAL_{service.name.upper()}_DATABASE_URI": uri,
        "KUNDVAL_TOKEN_KEY": "0" * 32,
    }
    running = Runner([(service, settings_of(service, environ))])
    running.start()
    database = next(one for one in running.containers[0].dependencies if isinstance(one, Database))

    def ready() -> dict[str, Any]:
        part = "relay" if service is Source else "events"
        return {"trouble": running.health[0].checks()[part]}

    def send_all(first: int, count: int, batch: int, workers: int) -> dict[str, Any]:
        return send(database.pool, first, count, batch, workers)

    child.serve({"send": send_all, "check": ready}, child.green_wait)
    running.stop()


if __name__ == "__main__":
    main()
