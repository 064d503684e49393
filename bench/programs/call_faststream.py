"""Calls with FastStream's `request()`.

One broker object makes its requests one after the other (they share the direct reply queue under a lock), so a
window alone changes nothing: it gets several, each with a connection of its own, which is the quickest it can do.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from faststream.rabbit import RabbitBroker

from bench import child, question
from bench.programs.rpc_faststream import QUEUE


async def run(given: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    brokers = [RabbitBroker(given["amqp"], logger=None) for _ in range(given["brokers"])]
    for broker in brokers:
        await broker.connect()

    async def ask(broker: RabbitBroker, number: int) -> None:
        message = await broker.request(question.request(number), QUEUE, timeout=30)
        assert question.right(number, await message.decode())

    async def all_of(count: int, window: int) -> None:
        numbers = iter(range(count))

        async def work(broker: RabbitBroker) -> None:
            for number in numbers:
                await ask(broker, number)

        await asyncio.gather(*(work(brokers[turn % len(brokers)]) for turn in range(window)))

    async def each(count: int) -> list[float]:
        times = []
        for number in range(count):
            began = time.monotonic()
            await ask(brokers[0], number)
            times.append(time.monotonic() - began)
        return times

    def many(count: int, window: int) -> dict[str, Any]:
        began = time.monotonic()
        asyncio.run_coroutine_threadsafe(all_of(count, window), loop).result()
        return {"seconds": time.monotonic() - began}

    def one_by_one(count: int) -> dict[str, Any]:
        return {"times": asyncio.run_coroutine_threadsafe(each(count), loop).result()}

    await asyncio.to_thread(child.serve, {"many": many, "one_by_one": one_by_one})
    for broker in brokers:
        await broker.stop()


if __name__ == "__main__":
    asyncio.run(run(child.parameters()))
