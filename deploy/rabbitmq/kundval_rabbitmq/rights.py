"""What each user may do at the broker, as RabbitMQ asks for it: regular expressions over names of exchanges and queues.

A service declares its own exchanges and queues, so it may configure these and no others. It reads its own queues,
listens to the services from which it takes events, and publishes to its own exchanges, under routing keys that begin
with its own name. Of the RPC exchange everybody may ask for methods, and services answer under a UUID, which only the
caller knows and listens to. Nobody but the service gets what is asked of it, and nobody gets everything (`#`).

A few rights are wider than one would like, since RabbitMQ has no narrower ones:

- Services and operators publish through the default exchange (retries, parking, replays, answers to direct reply-to),
  which leads to every queue. So a service must tell a real sender from a false one: the broker vouches for the property
  `user_id`, and `KUNDVAL_SENDERS_CHECKED` has the services look at it.
- Each service may configure the RPC exchange, since nameko declares it at each start.

What a partner's user may do: `kundval_chassis.partners.broker`, which makes these users.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SERVICES = ("assignment", "scheduling", "billing", "notifications")
#: systems of the municipality that tell the suite something, to an exchange of their own name
INBOUND = ("assistance", "education", "income")
#: from whom a service takes events
SOURCES: Mapping[str, tuple[str, ...]] = {
    "assignment": ("scheduling", *INBOUND),
    "scheduling": ("assignment",),
    "billing": ("assignment",),
    "notifications": ("assignment", "scheduling", "billing"),
}
RPC_EXCHANGE = "nameko-rpc"
DEFAULT_EXCHANGE = r"amq\.default"
NOTHING = "^$"

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_METHOD = rf"({'|'.join(SERVICES)})\.[a-z_]+"
# nameko's own callers name their queue after their service, our client after its program
_PARTNER = r"partner\.[a-z][a-z0-9-]{1,38}"


@dataclass(frozen=True, slots=True)
class User:
    """topics: by exchange, over routing keys: for publishing, and for binding to it. tags: of the management API."""

    name: str
    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING
    topics: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    connections: int = 300
    channels: int = 3000


def user_of(service: str) -> str:
    """The name of a service's user, and of those of the gateway, the monitor and the operator."""
    return f"kundval-{service}"


def users() -> list[User]:
    """Every user of the suite; partners have users of their own."""
    return [*map(service, SERVICES), gateway(), monitor(), operator()]


def service(name: str) -> User:
    """The user of a service."""
    replies = _replies(user_of(name))
    own = [rf"{name}\.events-in(\..+)?", rf"{name}\.replays", rf"rpc-{name}(\.quorum)?", replies]
    exchanges = [rf"{name}\.(events|restricted)", RPC_EXCHANGE]
    sources = rf"({'|'.join(SOURCES[name])})\.(events|restricted)"
    events = rf"^{name}\.[a-z_]+(\.[a-z0-9]+)?$"
    return User(
        user_of(name),
        configure=_any_of(*own, *exchanges, rf"{_PARTNER}(\.events)?"),
        write=_any_of(*own, *exchanges, rf"{_PARTNER}(\.events)?", DEFAULT_EXCHANGE),
        # of a partner it reads the exchange, to bind the partner's queue to it, and not the queue
        read=_any_of(*own, RPC_EXCHANGE, sources, _PARTNER),
        topics={
            f"{name}.events": (events, NOTHING),
            f"{name}.restricted": (events, NOTHING),
            RPC_EXCHANGE: (f"^({_METHOD}|{_UUID})$", rf"^({name}\.\*|{_UUID})$"),
        },
    )


def gateway() -> User:
    """It calls methods, and gets the answers to its own calls."""
    replies = _replies("kundval-gateway")
    return User(
        "kundval-gateway",
        configure=_any_of(replies),
        write=_any_of(replies, RPC_EXCHANGE),
        read=_any_of(replies, RPC_EXCHANGE),
        topics={RPC_EXCHANGE: (f"^{_METHOD}$", f"^{_UUID}$")},
    )


def monitor() -> User:
    """It reads the figures of the management API, and no message."""
    return User("kundval-monitor", tags=("monitoring",), connections=10, channels=300)


def operator() -> User:
    """A person with the command `kundval`: calls methods, follows events (of protected persons: masked copies), looks
    after what is parked, asks for replays. It publishes no event under a service's name.
    """
    replies = r"rpc\.reply-[A-Za-z0-9_.-]*" + _UUID
    listening = r"amq\.gen-.+"
    queues = rf"({'|'.join(SERVICES)})\.events-in(\..+)?"
    events = rf"({'|'.join(SERVICES)})\.events"
    return User(
        "kundval-operator",
        configure=_any_of(replies, listening),
        write=_any_of(replies, listening, RPC_EXCHANGE, DEFAULT_EXCHANGE),
        read=_any_of(replies, listening, RPC_EXCHANGE, queues, events),
        topics={RPC_EXCHANGE: (f"^{_METHOD}$", f"^{_UUID}$")},
    )


def exchanges() -> list[str]:
    """Topic exchanges that have to be there before whoever does not own them listens to them."""
    return [RPC_EXCHANGE, *(f"{one}.{what}" for one in (*SERVICES, *INBOUND) for what in ("events", "restricted"))]


def replay_queues() -> list[str]:
    """Queues that have to be there before another service asks for a replay."""
    return [f"{one}.replays" for one in (*SERVICES, *INBOUND)]


def _replies(name: str) -> str:
    return rf"rpc\.reply-{re.escape(name)}-{_UUID}".replace(r"\-", "-")


def _any_of(*names: str) -> str:
    return f"^({'|'.join(names)})$"
