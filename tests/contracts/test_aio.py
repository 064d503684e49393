"""The client for asyncio against a real broker, with a service that does what the test wants."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from typing import Any

import pytest

from kundval_contracts import errors
from kundval_contracts.aio import AsyncClient

from .test_client import SILENT, Service, event, publish, serve, text

__all__ = ["serve"]


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """On an event loop, in bounded time."""

    async def bounded() -> Any:
        async with asyncio.timeout(30):
            return await coroutine

    return asyncio.run(bounded())


def test_many_tasks_share_one_connection_and_get_their_own_answers(vhost: str, serve: Callable[..., Service]) -> None:
    serve(lambda request: {"doubled": text(request)["number"] * 2})

    async def ask() -> None:
        async with AsyncClient(vhost, "a token") as client:
            answers = await asyncio.gather(*(client.call("fake.double", number=n) for n in range(60)))
            assert [answer["doubled"] for answer in answers] == [n * 2 for n in range(60)]

    before = threading.active_count()
    run(ask())
    assert threading.active_count() <= before + 1  # to close it; none for each call


def test_a_typed_error_arrives_as_itself_and_the_key_goes_along(vhost: str, serve: Callable[..., Service]) -> None:
    def refuse(request: dict[str, Any]) -> Any:
        raise errors.FactRefused("No.", code="NOT_ELIGIBLE", rules=["AMI-1.3-a"])

    service = serve(refuse)

    async def ask() -> None:
        async with AsyncClient(vhost, lambda: "made for it") as client:
            with pytest.raises(errors.FactRefused) as caught:
                await client.call("fake.state", idempotency_key="k-1", correlation_id="c-1")
            assert caught.value.code == "NOT_ELIGIBLE"

    run(ask())
    headers = service.requests[0]["headers"]
    assert (headers["nameko.idempotency_key"], headers["nameko.correlation_id"]) == ("k-1", "c-1")
    assert headers["nameko.auth_token"] == "made for it"


def test_a_call_without_answer_ends_at_its_deadline_and_others_go_on(vhost: str, serve: Callable[..., Service]) -> None:
    serve(lambda request: SILENT if request["key"] == "fake.silent" else {})

    async def ask() -> None:
        async with AsyncClient(vhost, "a token") as client:
            silent = asyncio.create_task(client.call("fake.silent", timeout=0.5))
            assert await client.call("fake.answers") == {}
            assert not silent.done()
            with pytest.raises(errors.TimedOut):
                await silent

    run(ask())


def test_a_broker_that_is_not_there_holds_no_task_past_its_deadline() -> None:
    async def ask() -> None:
        async with AsyncClient("amqp://guest:guest@127.0.0.1:1//") as client:
            with pytest.raises(errors.Unavailable):
                await client.call("fake.answers", timeout=0.3)

    run(ask())


def test_a_cancelled_call_stops_waiting_and_what_was_not_sent_is_not_sent(
    vhost: str, serve: Callable[..., Service]
) -> None:
    service = serve(lambda request: SILENT if request["key"] == "fake.silent" else {})
    may_go = threading.Event()

    def slow_token() -> str:
        may_go.wait(10)  # holds the client's thread, not the loop
        return "a token"

    async def ask() -> None:
        async with AsyncClient(vhost) as client:
            await client.call("fake.answers", token="a token")
            held = asyncio.create_task(client.call("fake.first", token=slow_token))
            await asyncio.sleep(0.05)
            behind = asyncio.create_task(client.call("fake.second"))
            sent = asyncio.create_task(client.call("fake.silent"))
            await asyncio.sleep(0)
            for task in (behind, sent):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            may_go.set()
            await held
            await client.call("fake.answers")

    run(ask())
    assert [request["key"] for request in service.requests] == ["fake.answers", "fake.first", "fake.answers"]


def test_many_calls_are_answered_in_their_order_with_a_limit_to_what_is_under_way(
    vhost: str, serve: Callable[..., Service]
) -> None:
    def odd_ones_fail(request: dict[str, Any]) -> Any:
        if text(request)["number"] % 2:
            raise errors.NotFound()
        return text(request)["number"]

    serve(odd_ones_fail)

    async def ask() -> None:
        requests: Iterator[tuple[str, dict[str, Any]]] = (("fake.ask", {"number": n}) for n in range(50))
        async with AsyncClient(vhost) as client:
            answers = [one async for one in client.call_many(requests, window=4, errors="return")]
            assert answers[::2] == list(range(0, 50, 2))
            assert all(isinstance(one, errors.NotFound) for one in answers[1::2])
            with pytest.raises(errors.NotFound):
                async for _ in client.call_many([("fake.ask", {"number": 1}), ("fake.ask", {"number": 2})]):
                    pass

    run(ask())


def test_the_rows_of_all_pages_come_one_after_the_other(vhost: str, serve: Callable[..., Service]) -> None:
    pages = {None: ([{"n": 1}, {"n": 2}], "A-2"), "A-2": ([{"n": 3}], None)}

    def page(request: dict[str, Any]) -> Any:
        rows, after = pages[text(request).get("after")]
        return {"lines": rows, "next": after}

    serve(page, name="billing")

    async def ask() -> None:
        async with AsyncClient(vhost) as client:
            assert [row["n"] async for row in client.rows("billing.lines", tenant="nacka")] == [1, 2, 3]
            with pytest.raises(ValueError, match="not paged"):
                async for _ in client.rows("billing.summary"):
                    pass

    run(ask())


def test_events_are_followed_while_the_loop_does_other_things_and_leaving_ends_the_connection(
    vhost: str, serve: Callable[..., Service]
) -> None:
    serve(lambda request: {})

    async def publish_when(listens: asyncio.Event) -> None:
        await listens.wait()
        await asyncio.to_thread(publish, vhost, *(event(number).to_json() for number in range(1, 6)))

    async def follow() -> list[str]:
        subjects = []
        async with AsyncClient(vhost) as client:
            listens = asyncio.Event()
            publishing = asyncio.create_task(publish_when(listens))
            async with aclosing(client.events(["assignment"], timeout=10, ready=listens.set)) as events:
                async for one in events:
                    subjects.append(one.subject)
                    assert await client.call("fake.answers") == {}
                    if len(subjects) == 5:
                        break
            await publishing
            # silence ends it too
            assert [one async for one in client.events(["assignment"], timeout=0.2)] == []
        return subjects

    assert run(follow()) == [f"A-{number}" for number in range(1, 6)]
    deadline = time.monotonic() + 10
    while any(one.name.startswith("kundval-events") for one in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [one.name for one in threading.enumerate() if one.name.startswith("kundval-events")]


def test_a_task_that_is_cancelled_while_it_follows_leaves_nothing_behind(vhost: str) -> None:
    async def follow() -> None:
        async with AsyncClient(vhost) as client:
            listens = asyncio.Event()

            async def all_of_them() -> None:
                async for _ in client.events(["assignment"], ready=listens.set):
                    pass

            following = asyncio.create_task(all_of_them())
            await listens.wait()
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    run(follow())
