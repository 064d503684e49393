"""RabbitMQ's definitions of the suite: users with their rights, exchanges, policies, in one JSON object.

RabbitMQ loads it at its start (`load_definitions`), and `POST /api/definitions` or `rabbitmqctl import_definitions` at
any time: what is there stays, what is different becomes as it is said here.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from . import rights

Definitions = dict[str, Any]

#: what the services give their queues of replays (`kundval_chassis.amqp`)
_REPLAYS = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000_000}
#: requests of all callers that wait for one service: the broker's memory must not fill with those for one that is down
_REQUESTS = 50_000


def users(passwords: Mapping[str, str]) -> list[dict[str, Any]]:
    """The users; one without a password among `passwords` (by user) cannot log in."""
    return [
        {
            "name": one.name,
            "password_hash": hashed(passwords[one.name]) if one.name in passwords else "",
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ",".join(one.tags),
            "limits": {"max-connections": one.connections, "max-channels": one.channels},
        }
        for one in rights.users()
    ]


def vhost(name: str) -> Definitions:
    """A virtual host, and what the users may do in it."""
    return {
        "vhosts": [{"name": name}],
        "permissions": [
            {"user": one.name, "vhost": name, "configure": one.configure, "write": one.write, "read": one.read}
            for one in rights.users()
        ],
        "topic_permissions": [
            {"user": one.name, "vhost": name, "exchange": exchange, "write": write, "read": read}
            for one in rights.users()
            for exchange, (write, read) in one.topics.items()
        ],
        "exchanges": [
            {
                "name": one,
                "vhost": name,
                "type": "topic",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for one in rights.exchanges()
        ],
        "queues": [
            {"name": one, "vhost": name, "durable": True, "auto_delete": False, "arguments": _REPLAYS}
            for one in rights.replay_queues()
        ],
        "policies": [
            {
                "name": "requests-at-most",
                "vhost": name,
                "pattern": f"^rpc-({'|'.join(rights.SERVICES)})(\\.quorum)?$",
                "apply-to": "queues",
                "priority": 0,
                "definition": {"max-length": _REQUESTS, "overflow": "reject-publish"},
            }
        ],
    }


def definitions(name: str, passwords: Mapping[str, str]) -> Definitions:
    """All of it, for the virtual host `name`."""
    return {"users": users(passwords), **vhost(name)}


def hashed(password: str, salt: bytes | None = None) -> str:
    """A password as RabbitMQ keeps it: salted SHA-256. Passwords are to be long and random, for that is quick."""
    salt = secrets.token_bytes(4) if salt is None else salt
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
