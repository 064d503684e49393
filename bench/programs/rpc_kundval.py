"""Our side of the RPC measurement: one query, with token, schemas both ways, transaction, log line and metrics."""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

from typing import Any

import bench.method
from bench import child, question
from kundval_chassis import logs, migrate
from kundval_chassis.db import Database, Tx, connect
from kundval_chassis.rpc import query
from kundval_chassis.runner import Runner, settings_of
from kundval_chassis.tokens import Caller

assert kundval_chassis.bootstrap and bench.method


class Bench:
    name = "bench"
    db = Database()

    @query(question.METHOD)
    def posted(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        row = tx.one(question.SELECT, (request["tenant"], request["assignment"]))
        assert row is not None
        return row


def main() -> None:
    given = child.parameters()
    logs.configure(service=Bench.name)
    migrate.apply(given["database"], Bench.name)
    with connect(given["database"]) as connection:
        connection.execute(question.TABLE)
    environ = {
        "KUNDVAL_AMQP_URI": given["amqp"],
        "KUNDVAL_BENCH_DATABASE_URI": given["database"],
        "KUNDVAL_TOKEN_KEY": given["token_key"],
    }
    running = Runner([(Bench, settings_of(Bench, environ))])
    running.start()
    child.serve({}, child.green_wait)
    running.stop()


if __name__ == "__main__":
    main()
