"""How long something may take in all, whatever the other side does with its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import eventlet


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in a service, whose green threads wait in the hub; nothing interrupts any other program."""
    with eventlet.Timeout(seconds, TimeoutError):
        yield


def fair(connection: Any) -> None:
    """Let others run before each read from a socket.

    A green thread whose reads never have to wait keeps the process to itself, and then `limited` ends nothing either:
    whoever sends faster than it is read, without end, would stop the whole service.
    """
    read = connection.recv_into

    def recv_into(*args: Any, **kwargs: Any) -> int:
        eventlet.sleep(0)
        count: int = read(*args, **kwargs)
        return count

    # a socket that is not green takes no attribute, and its program has no others
    with suppress(AttributeError):
        connection.recv_into = recv_into
