"""Plain nameko as its documentation shows it: `EventDispatcher`, `@event_handler`, its defaults.

The row is stored, then the event dispatched (a kill between the two loses it); the handler stores a row, and an
error in it would acknowledge and lose the event.
"""

from bench.programs.nameko_rows import Rows  # isort: skip  # first: it patches the process

import time
from typing import Any

import eventlet
from nameko.containers import ServiceContainer
from nameko.events import EventDispatcher, event_handler
from nameko.testing.services import dummy, entrypoint_hook

from bench import child
from bench.jobs import EVENT, INSERT, TABLE, data_of, row_of


class Source:
    name = "assignment"
    rows = Rows()
    dispatch = EventDispatcher()

    @dummy
    def send(self, first: int, count: int, workers: int) -> float:
        def work(number: int) -> None:
            data = data_of(number)
            with self.rows.connection() as connection:
                connection.execute(INSERT, row_of(data))
            self.dispatch(EVENT, data)

        began = time.monotonic()
        for _ in eventlet.GreenPool(workers).imap(work, range(first, first + count)):
            pass
        return time.monotonic() - began


class Sink:
    name = "billing"
    rows = Rows()

    @event_handler("assignment", EVENT)
    def on_event(self, data: dict[str, Any]) -> None:
        with self.rows.connection() as connection:
            connection.execute(INSERT, row_of(data))


def main() -> None:
    given = child.parameters()
    container = ServiceContainer(
        Source if given["role"] == "source" else Sink, {"AMQP_URI": given["amqp"], "DATABASE": given["database"]}
    )
    container.start()
    rows = next(one for one in container.dependencies if isinstance(one, Rows))
    with rows.pool.connection() as connection:
        connection.execute(TABLE)

    def send(first: int, count: int, batch: int, workers: int) -> dict[str, Any]:
        with entrypoint_hook(container, "send", timeout=600) as entrypoint:
            return {"seconds": entrypoint(first, count, workers)}

    child.serve({"send": send, "check": lambda: {"trouble": None}}, child.green_wait)
    container.stop()


if __name__ == "__main__":
    main()
