"""py-amqp with fewer system calls.

py-amqp writes every frame at once and reads exactly as many bytes as the next part of a frame has. With small
messages the calls into the system are then most of the cost. Given as `frame_writer` to a connection,
`thrifty` makes it read ahead and gives it a `cork`::

    with connection.cork:       # what is written inside leaves in one call, at the end
        …
"""

from __future__ import annotations

import threading
from typing import Any

from amqp.method_framing import frame_writer

#: bytes that are read ahead at most
_AHEAD = 8192


class Cork:
    """Stands before a transport and holds back what is written while it is in use as a context manager."""

    def __init__(self, transport: Any):
        self._transport = transport
        self._held = bytearray()
        self._depth = 0
        # a write that has to wait for the peer must not be overtaken by another (green) thread's
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._flush()

    def write(self, data: bytes) -> None:
        """Write, or hold back."""
        self._held += data
        if not self._depth:
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            if self._held:
                held, self._held = self._held, bytearray()
                self._transport.write(held)


def thrifty(connection: Any, transport: Any) -> Any:
    """A `frame_writer` for ``amqp.Connection`` (and kombu's ``transport_options``)."""
    connection.cork = cork = Cork(transport)
    receive = getattr(transport, "_quick_recv", None)
    if receive is not None:
        transport._quick_recv = lambda count: receive(count if count > _AHEAD else _AHEAD)
    return frame_writer(connection, cork)


def read_ahead(connection: Any) -> bool:
    """Whether there is something to be read that a `select` on the socket would not see."""
    if getattr(connection.transport, "_read_buffer", None):
        return True
    pending = getattr(connection.sock, "pending", None)
    return bool(pending is not None and pending())
