"""The client for programs on asyncio: the same calls as `kundval_contracts.client`, awaited.

::

    async with AsyncClient("amqp://localhost//", token) as client:
        answer = await client.call("billing.summary", tenant="nacka")
        async for line in client.rows("billing.lines", tenant="nacka"):
            print(line["assignment"], line["amount"])
        async for event in client.events(["assignment"]):
            print(event.name, event.subject)

Input and output are done by the one thread of the plain client, so no event loop ever waits for the broker, and
calls of many tasks travel together. The deadlines, repeats and typed errors are those of the plain client.

**Cancelling.** A task that is cancelled stops waiting at once. What was not sent yet is not sent; a command that was
sent may be carried out all the same: repeat it with its key to know.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal

from .client import SERVICES, TIMEOUT, Call, Client, Token
from .envelope import Event
from .errors import KundvalError
from .rpc import METHODS

#: seconds after its deadline at which a call is given up here, if the client's thread has not done so
_GRACE = 0.1


class AsyncClient:
    """Calls methods and follows events. See the module's docstring.

    `token` is a signed token, or a function that returns one; it is asked for every request, from a thread of the
    client's, and is no coroutine. `timeout` is for calls that name none, in seconds.
    """

    def __init__(self, amqp_uri: str, token: Token = None, *, timeout: float = TIMEOUT, name: str = "kundval-client"):
        self._client = Client(amqp_uri, token, timeout=timeout, name=name)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def call(
        self,
        method: str,
        /,
        *,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        correlation_id: str | None = None,
        traceparent: str | None = None,
        retry: bool = True,
        token: Token = None,
        **fields: Any,
    ) -> Any:
        """Call ``service.method`` with `fields` and return its answer, as `Client.call` does."""
        return await _answer(
            self._client.submit(
                method,
                fields,
                timeout=timeout,
                idempotency_key=idempotency_key,
                correlation_id=correlation_id,
                traceparent=traceparent,
                retry=retry,
                token=token,
            )
        )

    async def call_many(
        self,
        requests: Iterable[tuple[str, Mapping[str, Any]]],
        *,
        window: int = 32,
        timeout: float | None = None,
        errors: Literal["raise", "return"] = "raise",
    ) -> AsyncIterator[Any]:
        """Call each ``(method, fields)``, at most `window` under way at once; answers in their order.

        The first error ends it, or with ``errors="return"`` stands in the place of its answer. Whoever leaves it
        early gives up what is under way.
        """
        waiting: deque[Call] = deque()
        rest = iter(requests)
        try:
            while True:
                while len(waiting) < window and (request := next(rest, None)) is not None:
                    waiting.append(self._client.submit(request[0], request[1], timeout=timeout))
                if not waiting:
                    return
                try:
                    answer = await _answer(waiting.popleft())
                except KundvalError as error:
                    if errors == "raise":
                        raise
                    answer = error
                yield answer
        finally:
            for call in waiting:
                call.give_up()

    async def rows(
        self, method: str, /, *, timeout: float | None = None, **fields: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """All rows of a paged query, page by page: ``client.rows("billing.lines", tenant="nacka")``."""
        name = METHODS[method].rows
        if name is None:
            raise ValueError(f"{method} is not paged")
        while True:
            page = await _answer(self._client.submit(method, fields, timeout=timeout))
            for row in page[name]:
                yield row
            if page["next"] is None:
                return
            fields["after"] = page["next"]

    async def events(
        self,
        sources: Iterable[str] = SERVICES,
        *,
        names: str = "#",
        timeout: float | None = None,
        ready: Callable[[], None] | None = None,
    ) -> AsyncIterator[Event]:
        """Follow what the services publish, from now on, as `Client.events` does.

        It reads ahead no further than it is asked to. `ready` is called, on the event loop, when it listens. Leave it
        with ``contextlib.aclosing`` around it, or cancel the task, and its connection ends within about a second.
        """
        loop = asyncio.get_running_loop()
        over = threading.Event()

        def listening() -> None:
            if ready is not None:
                _tell(loop, ready)

        followed = iter(self._client.events(sources, names=names, timeout=timeout, ready=listening, ended=over.is_set))
        # a thread of its own: the loop's own few are for others
        reader = ThreadPoolExecutor(1, thread_name_prefix="kundval-events")
        try:
            while (event := await loop.run_in_executor(reader, next, followed, None)) is not None:
                yield event
        finally:
            over.set()
            # in its turn, when the thread has come back from where it waits
            reader.submit(followed.close)  # type: ignore[attr-defined]
            reader.shutdown(wait=False)

    async def close(self) -> None:
        """End the connection; calls under way fail with `Unavailable`."""
        await asyncio.to_thread(self._client.close)


async def _answer(call: Call) -> Any:
    """Wait for the answer of `call` without holding the loop."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not arrived.done():
            arrived.set_result(None)

    call.when_done(lambda: _tell(loop, settle))
    # the client's thread may be held up by a broker that says nothing
    late = loop.call_later(max(0.0, call.deadline - time.monotonic()) + _GRACE, call.give_up)
    try:
        await arrived
    finally:
        late.cancel()
        call.give_up()
    return call.result()


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    # a loop that was closed meanwhile waits for nothing any more
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function)
