"""A service in a process of its own, for the tests that kill it: `python eventing_service.py DATABASE AMQP`.

It hears assignment, stores the number of each event and publishes one event of its own for each.
"""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

import signal
import sys
import time

import eventlet
from nameko.runners import ServiceRunner

from kundval_chassis.consume import consumes
from kundval_chassis.db import Database, Tx
from kundval_chassis.relay import Outbox
from kundval_contracts.envelope import Event

assert kundval_chassis.bootstrap


class Billing:
    name = "billing"
    db = Database()
    outbox = Outbox()

    @consumes("assignment", batch=40, delays=(100, 300))
    def on_events(self, tx: Tx, events: list[Event]) -> None:
        assert self.db.ping()
        tx.insert_rows("effect", ("n",), [(event.data["count"],) for event in events])
        for event in events:
            posted = {"assignment": event.subject, "run": "2024-07-01", "postings": []}
            tx.publish("billing.posted", subject=event.subject, tenant=event.tenant, data=posted)
        tx.flush()
        time.sleep(0.02)


if __name__ == "__main__":
    runner = ServiceRunner({"KUNDVAL_BILLING_DATABASE_URI": sys.argv[1], "AMQP_URI": sys.argv[2], "max_workers": 4})
    runner.add_service(Billing)
    signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_n(runner.stop))
    runner.start()
    print("started", flush=True)
    runner.wait()
    print("stopped", flush=True)
