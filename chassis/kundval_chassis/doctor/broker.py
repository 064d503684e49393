"""What can be said of the broker: by its own protocol, and with `KUNDVAL_BROKER_API` by its management API as well."""

from __future__ import annotations

import json
import os
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from amqp.exceptions import AMQPError

from .. import certificates
from ..amqp import BROKER_ERRORS, RETRY_DELAYS, Link, parked_queue, parse_uri, queue_of, replays_queue, retry_queue
from .finding import Finding, bad, ok, warn
from .machine import certificate

#: messages that wait for a consumer at which it is behind
DEEP = 10_000
#: seconds for an answer of the management API
SECONDS = 5


def look(settings: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """The broker as the services reach it, and every queue of theirs."""
    for service, own in settings.items():
        try:
            with Link(own["AMQP_URI"], name="kundval doctor") as link:
                ends = certificates.of_socket(link.connection.transport.sock)
                if ends is not None:
                    yield certificate("broker", f"the broker, as {service} sees it", ends)
                yield from _queues(service, link)
        except BROKER_ERRORS as error:
            yield bad(
                service,
                f"the broker cannot be used with its user ({type(error).__name__})",
                "it takes neither requests nor events; what it has to tell waits in its outbox",
                "see whether a node runs, the address and password are right and the certificate holds",
                "broker-lost",
            )
    if settings:
        yield from _management(next(iter(settings.values()))["AMQP_URI"], settings)


def _queues(service: str, link: Link) -> Iterator[Finding]:
    events = queue_of(service)
    found = {}
    for name in (f"rpc-{service}", events, parked_queue(events), replays_queue(service)):
        found[name] = _declared(link, name)
    absent = sorted(name for name, declared in found.items() if declared is None)
    if absent:
        yield warn(
            service,
            f"it has no queue {absent[0]}" + (f" and {len(absent) - 1} more" if len(absent) > 1 else ""),
            "it has not run against this broker yet; what is sent to it is refused or kept at the sender",
            "start it: it declares its queues and asks for the history",
            "broker-lost",
        )
    for name, declared in found.items():
        if declared is None:
            continue
        waiting, consumers = declared
        if name == parked_queue(events):
            if waiting:
                yield bad(
                    service,
                    f"{waiting} events are parked",
                    "what follows from them has not happened",
                    "kundval dead-letters list; find the cause, then kundval dead-letters retry",
                    "events-parked",
                )
        elif not consumers:
            yield bad(
                service,
                f"nobody reads its queue {name} ({waiting} wait)",
                "what it is asked or told is not answered or handled",
                "look at its log and start it",
                "service-not-ready",
            )
        elif waiting > DEEP:
            yield warn(
                service,
                f"{waiting} messages wait in {name}",
                "it is behind: what follows from them follows later",
                "wait if it catches up; else start one more process of it",
                "service-not-ready",
            )
    retrying = sum(one[0] for delay in RETRY_DELAYS if (one := _declared(link, retry_queue(events, delay))))
    if retrying:
        yield warn(
            service,
            f"{retrying} events wait for another attempt",
            "what they need is away, or there is a fault; after the fifth attempt they are parked",
            "look at its log",
            "events-parked",
        )


def _declared(link: Link, queue: str) -> tuple[int, int] | None:
    """(messages that wait, consumers) of a queue; None if there is none, or one may not look."""
    try:
        found = link.channel.queue_declare(queue, passive=True)
    except AMQPError:
        # the broker closed the channel with its answer; if it closed the connection, this raises
        link.channel = link.connection.channel()
        return None
    return int(found.message_count), int(found.consumer_count)


# --- the management API -------------------------------------------------------------------------------


def _management(uri: str, services: Iterable[str]) -> Iterator[Finding]:
    address = os.environ.get("KUNDVAL_BROKER_API")
    if not address:
        yield ok("broker", "alarms, nodes and queue types were not looked at (KUNDVAL_BROKER_API is not set)")
        return
    vhost = quote(str(parse_uri(uri.split(";")[0])["virtual_host"]), safe="")
    try:
        nodes = _get(address, "nodes")
        queues = _get(address, f"queues/{vhost}")
    except (OSError, ValueError) as error:
        yield warn(
            "broker",
            f"its management API cannot be used ({type(error).__name__})",
            "alarms, nodes and queue types were not looked at",
            "see whether KUNDVAL_BROKER_API is right",
        )
        return
    yield from _nodes(nodes)
    yield from _shapes(queues, set(services))


def _nodes(nodes: list[dict[str, Any]]) -> Iterator[Finding]:
    running = [one for one in nodes if one.get("running")]
    for one in nodes:
        name = one.get("name", "?")
        if not one.get("running"):
            yield bad(
                "broker",
                f"its node {name} is away",
                "with one of three away all goes on, and nothing more may fail; with two away it stands still",
                "start the node; look at its log",
                "broker-node-lost",
            )
            continue
        if one.get("partitions"):
            yield bad(
                "broker",
                f"its node {name} does not see {', '.join(one['partitions'])}",
                "the smaller part stands still until the network is whole",
                "mend the network between the nodes",
                "broker-node-lost",
            )
        for alarm, what, action in (
            ("disk_free_alarm", "too little room on its disk", "make room on the disk"),
            ("mem_alarm", "too little memory", "see which queue grows, and start who reads it"),
        ):
            if one.get(alarm):
                yield bad(
                    "broker",
                    f"its node {name} has {what}, and takes nothing any more",
                    "events wait in the outboxes, calls get no answer; nothing is lost",
                    action,
                    "disk-full",
                )
        free, limit = one.get("disk_free"), one.get("disk_free_limit")
        if isinstance(free, int) and isinstance(limit, int) and limit and limit <= free < 3 * limit:
            yield warn(
                "broker",
                f"its node {name} has {free // 1_000_000} MB left on its disk",
                f"at {limit // 1_000_000} MB it takes nothing any more",
                "make room on the disk",
                "disk-full",
            )
    if len(running) == len(nodes):
        yield ok("broker", f"all its nodes run ({len(nodes)})")


def _shapes(queues: list[dict[str, Any]], services: set[str]) -> Iterator[Finding]:
    """The queues of events: of the kind that survives a node, and with a copy on more than half of the nodes."""
    own = {queue_of(service) for service in services}
    for one in queues:
        name = str(one.get("name"))
        if not any(name == queue or name.startswith(f"{queue}.") for queue in own):
            continue
        if one.get("type") != "quorum":
            yield bad(
                "broker",
                f"the queue {name} is of type {one.get('type')}",
                "what is in it is lost with its node",
                "stop the service, delete the queue, start the service: it asks for the history",
                "broker-lost",
            )
        members, online = one.get("members") or [], one.get("online") or []
        if len(online) < len(members):
            yield warn(
                "broker",
                f"the queue {name} has {len(online)} of {len(members)} copies",
                "one more node away, and it may stand still",
                "start the node that is away",
                "broker-node-lost",
            )


def _get(address: str, path: str) -> Any:
    where = urlsplit(address)
    host = f"[{where.hostname}]" if where.hostname and ":" in where.hostname else where.hostname
    port = f":{where.port}" if where.port else ""
    request = urllib.request.Request(f"{where.scheme}://{host}{port}{where.path.rstrip('/')}/{path}")
    pair = f"{unquote(where.username or '')}:{unquote(where.password or '')}"
    request.add_header("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=SECONDS, context=_trust(where.scheme)) as answer:
        return json.loads(answer.read())


def _trust(scheme: str) -> Any:
    if scheme != "https":
        return None
    import ssl

    context = ssl.create_default_context()
    authority = os.environ.get("KUNDVAL_TLS_AUTHORITY")
    if authority:
        context.load_verify_locations(cafile=authority)
    return context
