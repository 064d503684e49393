"""The user of a partner at the broker: what it may do there, and through which calls it comes and goes.

It reads its own queue and may have further ones under names of its own, bound to its own exchange; it may call methods
and get the answers to its own calls. It can neither publish an event, nor hear those of the services or of another
partner, nor answer calls, nor listen to answers: a reply queue is bound under one UUID, which only its caller knows.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import quote as escaped
from urllib.parse import unquote, urlsplit

from kundval_contracts.client import RPC_EXCHANGE, SERVICES
from kundval_contracts.wire import TLS_AUTHORITY

from ..web import trusting
from .outlets import exchange_of, queue_of
from .registry import Partner, Way

SECONDS = 10
#: connections that a partner's user may have at once
CONNECTIONS = 50

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# matches no name and no key
_NOTHING = "^(?!)"


class BrokerRefuses(Exception):
    """The management API cannot be reached, or does not do what it is asked. The message names no secret."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Regular expressions over names of exchanges and queues; topics: by exchange, over routing keys: for publishing,
    and for binding to it.
    """

    configure: str
    write: str
    read: str
    topics: dict[str, tuple[str, str]]


def rights(partner: Partner) -> Rights:
    """What a partner's user may do."""
    own = re.escape(exchange_of(partner.id)).replace(r"\-", "-")
    replies = rf"rpc\.reply-[A-Za-z0-9_.-]*{_UUID}"
    methods = f"^({'|'.join(SERVICES)})\\.[a-z_]+$"
    return Rights(
        configure=rf"^({own}(\..+)?|{replies})$",
        write=rf"^({own}\..+|{replies}|{RPC_EXCHANGE})$",
        read=rf"^({own}(\..+)?|{replies}|{RPC_EXCHANGE})$",
        topics={exchange_of(partner.id): (_NOTHING, _keys(partner)), RPC_EXCHANGE: (methods, f"^{_UUID}$")},
    )


def _keys(partner: Partner) -> str:
    """Binding keys of its exchange: what it gets none of it cannot even ask for."""
    tenants = "|".join(re.escape(one).replace(r"\-", "-") for one in sorted(partner.tenants))
    services = {one.partition(".")[0] for one in partner.names}
    sources = r"[a-z]+" if services & {"#", "*"} else "|".join(sorted(services))
    return rf"^(#|(#|\*|{tenants or '[^*#]+'})(\.(#|\*|{sources})(\..+)?)?)$"


class Broker:
    """RabbitMQ's management API, for one virtual host.

    api: ``http://user:password@host:15672/api``; the user is an administrator. amqp_uri: names the virtual host.
    Everything may be done again and raises BrokerRefuses.
    """

    def __init__(self, api: str, amqp_uri: str):
        parts = urlsplit(api)
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        self._headers = {
            "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
            "Content-Type": "application/json",
        }
        self._base = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._vhost = escaped(vhost_of(amqp_uri), safe="")

    def admit(self, partner: Partner, password: str) -> None:
        """Make a partner's user, or make it what it should be: with this password and its rights and no others."""
        user = exchange_of(partner.id)
        may = rights(partner)
        self._do("PUT", f"users/{user}", {"password": password, "tags": ""})
        self._do("PUT", f"user-limits/{user}/max-connections", {"value": CONNECTIONS})
        # rights before what narrows them would be more than it may, for a moment
        self._do("DELETE", f"permissions/{self._vhost}/{user}")
        for exchange, (write, read) in may.topics.items():
            body = {"exchange": exchange, "write": write, "read": read}
            self._do("PUT", f"topic-permissions/{self._vhost}/{user}", body)
        body = {"configure": may.configure, "write": may.write, "read": may.read}
        self._do("PUT", f"permissions/{self._vhost}/{user}", body)

    def dismiss(self, partner: str) -> None:
        """Remove a partner's user, which ends its connections, its exchange, and every queue under its names."""
        user = exchange_of(partner)
        self._do("DELETE", f"users/{user}")
        for one in self._do("GET", f"queues/{self._vhost}?columns=name") or ():
            if one["name"].startswith(f"{user}."):
                self._do("DELETE", f"queues/{self._vhost}/{escaped(one['name'], safe='')}")
        self._do("DELETE", f"exchanges/{self._vhost}/{user}")

    def _do(self, method: str, path: str, body: Any = None) -> Any:
        """The answer; None for something that there is not."""
        request = urllib.request.Request(
            f"{self._base}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=self._headers,
        )
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self._base.startswith("https:"):
            file = os.environ.get(TLS_AUTHORITY)
            handlers.append(urllib.request.HTTPSHandler(context=trusting(Path(file) if file else None)))
        opener = urllib.request.build_opener(*handlers)
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                text = answer.read()
            return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            if error.code == 404 and method != "PUT":
                return None
            raise BrokerRefuses(f"the broker's management API answers {error.code}") from None
        except (OSError, ValueError) as error:
            raise BrokerRefuses(f"the broker's management API cannot be used ({type(error).__name__})") from None


def vhost_of(amqp_uri: str) -> str:
    return unquote(urlsplit(amqp_uri.partition(";")[0]).path[1:]) or "/"


def by_hand(partner: Partner, amqp_uri: str) -> Iterator[str]:
    """What an operator types where there is no management API, instead of `Broker.admit` and `Broker.dismiss`."""
    user, host = exchange_of(partner.id), quote(vhost_of(amqp_uri))
    if partner.ended is not None or Way.QUEUE not in partner.ways:
        yield f"rabbitmqctl delete_user {user}"
        yield f"rabbitmqctl delete_queue -p {host} {queue_of(partner.id)}"
        return
    may = rights(partner)
    # without an argument it asks for the password, which so stands in no history
    yield f"rabbitmqctl add_user {user}    # it asks for the password, which is on the partner's page"
    yield f"rabbitmqctl change_password {user}    # if there is the user already"
    yield f"rabbitmqctl set_user_limits {user} {quote(json.dumps({'max-connections': CONNECTIONS}))}"
    for exchange, (write, read) in may.topics.items():
        yield f"rabbitmqctl set_topic_permissions -p {host} {user} {exchange} {quote(write)} {quote(read)}"
    yield f"rabbitmqctl set_permissions -p {host} {user} {quote(may.configure)} {quote(may.write)} {quote(may.read)}"
