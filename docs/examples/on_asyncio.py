"""Python with asyncio: the same client, awaited. Needs kundval-contracts and nothing else."""

import asyncio
import os
from contextlib import aclosing

from kundval_contracts.aio import AsyncClient
from kundval_contracts.errors import FactRefused, KundvalError

TENANT = os.environ["TENANT"]


async def follow(client: AsyncClient, listening: asyncio.Event) -> None:
    """Wait for the event that tells of our fact."""
    events = client.events(["assignment"], names="assignment.contact", timeout=30, ready=listening.set)
    async with aclosing(events):
        async for event in events:
            if event.tenant == TENANT and event.data["fact_id"] == "asyncio-1":
                print("heard", event.name, "of", event.subject, "on", event.data["on"])
                return


async def main() -> None:
    async with AsyncClient(os.environ["KUNDVAL_AMQP_URI"], os.environ["KUNDVAL_TOKEN"]) as client:
        listening = asyncio.Event()
        follower = asyncio.create_task(follow(client, listening))
        await asyncio.wait_for(listening.wait(), 10)

        state, summary = await asyncio.gather(  # two questions at once, over one connection
            client.call("assignment.state", tenant=TENANT, assignment="A-1"),
            client.call("assignment.info"),
        )
        print("A-1 is", state["state"], "says", summary["service"])

        fact = {"assignment": "A-1", "id": "asyncio-1", "fact": "contact", "on": "2024-04-03", "channel": "VIDEO"}
        for _ in range(2):  # as after a lost answer: the same key, so one effect and the same answer
            answer = await client.call(
                "assignment.record_facts", tenant=TENANT, facts=[fact], idempotency_key="asyncio-1"
            )
            print("stated", answer["recorded"])

        try:
            early = {**fact, "id": "asyncio-2", "on": "2024-03-01"}  # before there was a decision
            await client.call("assignment.record_facts", tenant=TENANT, facts=[early])
        except FactRefused as error:
            print("refused", error.code, *error.rules)
        except KundvalError as error:
            print(error.kind, error.code, error.faults)
        await follower


if __name__ == "__main__":
    asyncio.run(main())
