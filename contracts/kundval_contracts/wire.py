"""py-amqp with fewer system calls.

py-amqp writes every frame at once and reads exactly as many bytes as the next part of a frame has. With small
messages the calls into the system are then most of the cost. Given as `frame_writer` to a connection,
`thrifty` makes it read ahead and gives it a `cork`::

    with connection.cork:       # what is written inside leaves in one call, at the end
        …
"""

from __future__ import annotations

import os
import ssl
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import amqp
import kombu
from amqp.method_framing import frame_writer

#: names the file (PEM) with the authorities whose certificates are trusted where an address names none
TLS_AUTHORITY = "KUNDVAL_TLS_AUTHORITY"

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


def tls(uri: str) -> dict[str, Any] | None:
    """What py-amqp is told for an ``amqps://`` address: TLS 1.2 or newer, a certificate of a trusted authority that
    bears the host's name. None for ``amqp://``.

    The address may say ``?cafile=…`` (authorities), ``certfile=…&keyfile=…`` (a certificate of one's own); without
    `cafile` the authorities are those of `TLS_AUTHORITY`, or the system's. The host's name is to be added.
    """
    parts = urlsplit(uri.partition(";")[0])
    if parts.scheme != "amqps":
        return None
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    named = {
        "ca_certs": given.get("cafile") or os.environ.get(TLS_AUTHORITY),
        "certfile": given.get("certfile"),
        "keyfile": given.get("keyfile"),
    }
    always = {"cert_reqs": ssl.CERT_REQUIRED, "tls_minimum_version": ssl.TLSVersion.TLSv1_2}
    return {**always, **{name: value for name, value in named.items() if value}}


class _EachHost(dict[str, Any]):
    """kombu asks for the host's name and writes it in here if there is none; a cluster has several hosts, so there
    never is one when it asks.
    """

    def __getitem__(self, name: str) -> Any:
        return None if name == "server_hostname" else super().__getitem__(name)


def broker(uri: str, **options: Any) -> kombu.Connection:
    """A kombu ``Connection`` for addresses of a broker (several separated by ``;``), with `tls`."""
    secure = tls(uri)
    if secure is not None:
        options["ssl"] = _EachHost(secure, server_hostname=None)
    return kombu.Connection(";".join(one.partition("?")[0] for one in uri.split(";")), **options)


def establish(broker: Any) -> Any:
    """A py-amqp connection for a kombu ``Connection``, to the first of its addresses that answers.

    The addresses of a cluster's nodes, separated by ``;``, are one URI. Raises what the last of them raised.
    """
    for left in range(max(1, len(broker.alt or ())), 0, -1):
        try:
            return broker.transport.establish_connection()
        except (amqp.AMQPError, OSError, AttributeError, KeyError):
            # the last two are py-amqp's, of a broker that closes early
            if left == 1:
                raise
            broker.maybe_switch_next()
    raise AssertionError("unreachable")


def read_ahead(connection: Any) -> bool:
    """Whether there is something to be read that a `select` on the socket would not see."""
    if getattr(connection.transport, "_read_buffer", None):
        return True
    pending = getattr(connection.sock, "pending", None)
    return bool(pending is not None and pending())
