"""Plain nameko as its documentation shows it: `@rpc` with its defaults, no schema, no token."""

from bench.programs.nameko_rows import Rows  # isort: skip  # first: it patches the process

from typing import Any

import psycopg
from nameko.containers import ServiceContainer
from nameko.rpc import rpc

from bench import child, question


class Plain:
    name = "plain"
    rows = Rows()

    @rpc
    def posted(self, tenant: str, assignment: str) -> dict[str, Any]:
        with self.rows.connection() as connection:
            row = connection.execute(question.SELECT, (tenant, assignment)).fetchone()
        return question.answer(row)


def main() -> None:
    given = child.parameters()
    with psycopg.connect(given["database"], autocommit=True) as connection:
        connection.execute(question.TABLE)
    container = ServiceContainer(Plain, {"AMQP_URI": given["amqp"], "DATABASE": given["database"]})
    container.start()
    child.serve({}, child.green_wait)
    container.stop()


if __name__ == "__main__":
    main()
