"""Lines between a service and its servers that can be cut, slowed down and mended: TCP forwarded through this process.

For a machine where network namespaces cannot be made, or where one set of servers is enough. What a network does to
its hosts is done here to the bytes: a line that is `silent` takes connections and carries nothing, as a switch that
has lost its way; one that is `refused` closes what is open and takes nothing, as a host that has gone; one with a
`delay` carries everything later.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

CHUNK = 65536


class Line:
    """One line. The settings may be changed from any thread and hold from the next bytes on."""

    def __init__(self, lines: Lines, host: str, port: int):
        self._lines, self._host, self._port = lines, host, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying = asyncio.Event()
        self._carrying.set()
        self._refused = False
        self._delay = 0.0
        #: where who uses the line connects to
        self.port = 0

    def silence(self) -> None:
        """Carry nothing more, and say so to nobody."""
        self._lines.do(self._carrying.clear)

    def refuse(self) -> None:
        """Close what is open and whatever comes."""

        def close() -> None:
            self._refused = True
            self._abort()

        self._lines.do(close)

    def delay(self, seconds: float) -> None:
        """Carry every piece so much later, in each direction."""
        self._delay = seconds

    def mend(self, *, forget: bool = False) -> None:
        """As good as new. What was kept back is carried now; `forget`: the connections are closed instead."""

        def mend() -> None:
            self._refused = False
            self._delay = 0.0
            if forget:
                self._abort()
            self._carrying.set()

        self._lines.do(mend)

    def _abort(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            if self._refused:
                return
            await self._carrying.wait()
            there, other = await asyncio.open_connection(self._host, self._port)
            self._open.add(other)
            pumps = [asyncio.ensure_future(self._pump(reader, other)), asyncio.ensure_future(self._pump(there, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
        except OSError:
            pass  # the server is away: so is the line
        finally:
            for one in (writer, other):
                if one is not None:
                    self._open.discard(one)
                    one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._carrying.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                writer.write(data)
                await writer.drain()


class Lines:
    """All lines of a campaign, in a thread of their own. Use it in a `with` block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)

    def __enter__(self) -> Lines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self._stop)
        self._thread.join()

    def to(self, host: str, port: int) -> Line:
        """A new line to a server."""
        line = Line(self, host, port)
        asyncio.run_coroutine_threadsafe(line.listen(), self._loop).result(10)
        return line

    def do(self, what: Any) -> None:
        """Have `what` called in the thread of the lines."""
        self._loop.call_soon_threadsafe(what)

    def _stop(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)
