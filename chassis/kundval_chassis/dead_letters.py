"""Parked events: list them, look at one, send them to their queue again, drop them.

For the command line and for operators' scripts; needs the broker only. A message is taken from the parking
only after the broker has confirmed it elsewhere (`retry`) or because it was named to be dropped. Whoever is
killed halfway leaves every message in at least one place; one that is then in two places takes effect once,
thanks to the inbox.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from .amqp import BROKER_ERRORS, RETRY_DELAYS, Link, Outgoing, parked_queue, retry_queue
from .consume import ATTEMPTS, CODE, ERROR, FIELD, FIRST_FAILED, PARKED_AT, REASON, RULES
from .relay import NoSuchQueue

#: How many are held and moved at a time.
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked message. `id` is the event's id, or for what has none a fingerprint of its text."""

    id: str
    queue: str
    reason: str | None
    error: str | None
    code: str | None
    rules: tuple[str, ...]
    field: str | None
    attempts: int
    first_failed_at: str | None
    parked_at: str | None
    type: str | None
    tenant: str | None
    subject: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Depths:
    """How many messages wait around a consumer's queue: ready to be handled, for a later attempt, parked."""

    ready: int
    retrying: int
    parked: int


def depths(uri: str, queue: str) -> Depths:
    """The depths of a consumer's queues; 0 for those that do not exist (yet)."""
    with Link(uri, name="kundval dead-letters") as link:
        counts = [
            link.depth(name) or 0
            for name in (queue, parked_queue(queue), *(retry_queue(queue, delay) for delay in RETRY_DELAYS))
        ]
    return Depths(ready=counts[0], retrying=sum(counts[2:]), parked=counts[1])


def list_parked(uri: str, queue: str, limit: int = 100) -> list[Parked]:
    """The first parked messages of a consumer's queue. Raises `NoSuchQueue`."""
    with _Parking(uri, queue) as parking:
        return [_describe(message, queue) for message in parking.walk(limit)]


def show(uri: str, queue: str, id: str, *, with_data: bool = False) -> dict[str, Any]:
    """One parked message: `{"headers": {…}, "envelope": {…}}`, or `"text"` for what is no JSON object.

    Without `with_data` neither the event's data nor unreadable text is shown: it may say something about a person.
    Raises KeyError if there is none with that id, `NoSuchQueue`.
    """
    with _Parking(uri, queue) as parking:
        for message in parking.walk():
            if _id(message) == id:
                return _shown(message, with_data)
    raise KeyError(id)


def retry(uri: str, queue: str, ids: Collection[str] | None = None) -> int:
    """Send parked messages to their queue again, as if they had never failed; how many. None: all of them.

    Raises `NoSuchQueue`, or KeyError naming the ids that are not parked (the others have been sent).
    """
    moved: list[str] = []
    chosen: list[Any] = []
    with _Parking(uri, queue) as parking, Link(uri, name="kundval retry") as publisher:

        def send() -> None:
            if publisher.publish([_again(message, queue) for message in chosen]):
                raise NoSuchQueue(queue)
            for message in chosen:
                parking.remove(message)
                moved.append(_id(message))
            chosen.clear()

        for message in parking.walk():
            publisher.beat()
            if ids is None or _id(message) in ids:
                chosen.append(message)
            if len(chosen) >= _CHUNK:
                send()
        if chosen:
            send()
    _check(ids, moved)
    return len(moved)


def drop(uri: str, queue: str, ids: Collection[str]) -> int:
    """Remove parked messages for good; how many. Only by id: there is no way to drop all unseen.

    Raises `NoSuchQueue`, or KeyError naming the ids that are not parked (the others have been dropped).
    """
    dropped: list[str] = []
    with _Parking(uri, queue) as parking:
        for message in parking.walk():
            if _id(message) in ids:
                parking.remove(message)
                dropped.append(_id(message))
    _check(ids, dropped)
    return len(dropped)


class _Parking:
    """The parked messages of a queue, held while one looks at them. At the end the broker puts back the rest."""

    def __init__(self, uri: str, queue: str):
        self._queue = parked_queue(queue)
        self._link = Link(uri, name="kundval dead-letters")
        count = self._link.depth(self._queue)
        if count is None:
            self._link.close()
            raise NoSuchQueue(queue)
        self._count = count
        self._held = 0
        self._removed = False

    def walk(self, limit: int | None = None) -> Iterator[Any]:
        """Each message that was there at the beginning, once: not those that are parked again meanwhile."""
        for _ in range(self._count if limit is None else min(self._count, limit)):
            message = self._link.channel.basic_get(self._queue)
            if message is None:
                return
            self._held += 1
            yield message

    def remove(self, message: Any) -> None:
        self._link.channel.basic_ack(message.delivery_tag)
        self._held -= 1
        self._removed = True

    def __enter__(self) -> _Parking:
        return self

    def __exit__(self, *_: object) -> None:
        if self._removed:
            # a quorum queue may forget acknowledgements that came just before the end of their connection;
            # what it answers after them it has taken in
            with suppress(*BROKER_ERRORS):
                self._link.channel.basic_get(self._queue)
        self._link.close()
        if self._held:
            with suppress(*BROKER_ERRORS):
                self._await_return()

    def _await_return(self) -> None:
        """The broker takes a moment to put messages back: wait for it, so that whoever looks next sees them."""
        until = monotonic() + 1.0
        with Link(self._link.uri, name="kundval dead-letters") as link:
            while (link.depth(self._queue) or 0) < self._held and monotonic() < until:
                link.tick(0.02)


def _check(ids: Collection[str] | None, found: list[str]) -> None:
    missing = sorted(set(ids or ()) - set(found))
    if missing:
        raise KeyError(", ".join(missing))


def _body(message: Any) -> bytes:
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)


def _headers(message: Any) -> dict[str, Any]:
    headers = message.properties.get("application_headers")
    return headers if isinstance(headers, dict) else {}


def _id(message: Any) -> str:
    given = message.properties.get("message_id")
    return given or "sha256:" + hashlib.sha256(_body(message)).hexdigest()[:24]


def _envelope(message: Any) -> dict[str, Any] | None:
    try:
        raw = json.loads(_body(message))
    except (ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) else None


def _describe(message: Any, queue: str) -> Parked:
    headers = _headers(message)
    envelope = _envelope(message) or {}

    def text(source: dict[str, Any], key: str) -> str | None:
        value = source.get(key)
        return value if isinstance(value, str) and len(value) <= 200 else None

    attempts = headers.get(ATTEMPTS)
    return Parked(
        id=_id(message),
        queue=queue,
        # without our headers it was the broker that gave it up, after too many deliveries without an answer
        reason=text(headers, REASON) or "DELIVERED_TOO_OFTEN",
        error=text(headers, ERROR),
        code=text(headers, CODE),
        rules=tuple((text(headers, RULES) or "").split(",")) if headers.get(RULES) else (),
        field=text(headers, FIELD),
        attempts=attempts if isinstance(attempts, int) else 0,
        first_failed_at=text(headers, FIRST_FAILED),
        parked_at=text(headers, PARKED_AT),
        type=text(envelope, "type"),
        tenant=text(envelope, "tenant"),
        subject=text(envelope, "subject"),
        bytes=len(_body(message)),
    )


def _shown(message: Any, with_data: bool) -> dict[str, Any]:
    envelope = _envelope(message)
    shown: dict[str, Any] = {"id": _id(message), "headers": _plain(_headers(message))}
    if envelope is None:
        shown["text"] = _body(message).decode("utf-8", "replace") if with_data else None
    else:
        shown["envelope"] = {key: value for key, value in envelope.items() if with_data or key != "data"}
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _again(message: Any, queue: str) -> Outgoing:
    headers = _headers(message)
    return Outgoing(
        exchange="",
        routing_key=queue,
        body=_body(message),
        message_id=message.properties.get("message_id") or "",
        headers={key: value for key, value in headers.items() if not key.startswith("x-")},
        content_type=message.properties.get("content_type") or "",
    )
