"""FastStream as its documentation shows it: a subscriber that answers, psycopg's own asyncio pool."""

import asyncio
from typing import Any

import psycopg
from faststream.rabbit import RabbitBroker
from psycopg_pool import AsyncConnectionPool

from bench import child, question

QUEUE = "faststream.posted"


async def run(given: dict[str, Any]) -> None:
    broker = RabbitBroker(given["amqp"], logger=None)
    async with AsyncConnectionPool(
        given["database"], open=False, min_size=1, max_size=10, kwargs={"autocommit": True}
    ) as pool:

        @broker.subscriber(QUEUE)
        async def posted(tenant: str, assignment: str) -> dict[str, Any]:
            async with pool.connection() as connection:
                cursor = await connection.execute(question.SELECT, (tenant, assignment))
                row = await cursor.fetchone()
            assert row is not None
            return question.answer(row)

        async with broker:
            await broker.start()
            await asyncio.to_thread(child.serve, {})


def main() -> None:
    given = child.parameters()
    with psycopg.connect(given["database"], autocommit=True) as connection:
        connection.execute(question.TABLE)
    asyncio.run(run(given))


if __name__ == "__main__":
    main()
