"""Where clients can be reached, asked of the assignment service."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg

from kundval_chassis import logs
from kundval_chassis.db import Database
from kundval_chassis.rpc import Remote
from kundval_contracts.codes import DeliveryChannel, Role
from kundval_contracts.rpc.contacts import CLIENT_CHANNELS, MOST_CONTACTS

from ..texts import languages
from . import store
from .addresses import Network, mobile_number
from .seal import Seal

#: as the access log shows it
PURPOSE = "deliver a notice"
RETRY_SECONDS = 1.0

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Point:
    """The client of an assignment. person: an opaque id, None if nobody has said or the person was erased.
    language: one in which there are texts, None if the client masters none of them. protected: nothing else is known.
    """

    person: str | None
    protected: bool = False
    language: str | None = None
    addresses: Mapping[DeliveryChannel, str] = field(default_factory=dict, repr=False)


class Source(Protocol):
    """What `resolve` asks."""

    @property
    def seal(self) -> Seal:
        """That of the secrets of webhooks."""

    def points(self, tenant: str, assignments: Collection[str]) -> Mapping[str, Point]:
        """By assignment, each of those asked for."""


@dataclass(frozen=True)
class Asked:
    """Answers that are there already, so that `resolve` waits for nobody."""

    seal: Seal
    known: Mapping[str, Point]

    def points(self, tenant: str, assignments: Collection[str]) -> Mapping[str, Point]:
        return self.known


class Contacts(Remote):
    """In a service class: ``contacts = Contacts()``. In a worker, and for other dependencies: this object itself."""

    seal: Seal
    #: inside, to which webhooks may go
    networks: Sequence[Network]
    _database: Database

    def setup(self) -> None:
        super().setup()
        config = self.container.config
        self.seal = Seal.of(config)
        self.networks = config["KUNDVAL_WEBHOOK_NETWORKS"]
        self._database = next(one for one in self.container.dependencies if isinstance(one, Database))

    def start(self) -> None:
        self.container.spawn_managed_thread(self._reseal, identifier="webhook secrets")

    def get_dependency(self, worker_ctx: Any) -> Contacts:
        return self

    def ask(
        self, tenant: str, rows: Iterable[Mapping[str, Any]], channels: Collection[DeliveryChannel] = CLIENT_CHANNELS
    ) -> Asked:
        """Ask about the clients among the recipients of these notices, in no transaction: it may take seconds.

        channels: by which messages can leave; no other address is asked for. Raises KundvalError if the assignment
        service cannot be asked: then nothing is known of anybody, and the messages wait.
        """
        clients = {row["subject"] for row in rows if row["recipient"] == Role.CLIENT}
        return Asked(self.seal, self.points(tenant, clients, channels))

    def points(
        self, tenant: str, assignments: Collection[str], channels: Collection[DeliveryChannel] = CLIENT_CHANNELS
    ) -> dict[str, Point]:
        """By assignment. Raises as `ask`."""
        found: dict[str, Point] = {}
        usable = [one for one in CLIENT_CHANNELS if one in channels]
        if not usable:
            # whether somebody is protected is asked whatever can be used
            usable = [DeliveryChannel.EMAIL]
        wanted = sorted(assignments)
        for start in range(0, len(wanted), MOST_CONTACTS):
            answer = self.call(
                "assignment.contact_points",
                purpose=PURPOSE,
                tenant=tenant,
                assignments=wanted[start : start + MOST_CONTACTS],
                channels=[one.value for one in usable],
                languages=list(languages()),
            )
            found |= {row["assignment"]: point(row) for row in answer["contacts"]}
        return found

    def _reseal(self) -> None:
        while True:
            try:
                with self._database.pool.tx() as tx:
                    return store.reseal(tx, self.seal)
            except psycopg.Error as error:
                log.warning("webhook_secrets_not_resealed", error=type(error).__name__)
                time.sleep(RETRY_SECONDS)


def point(row: Mapping[str, Any]) -> Point:
    """A row of `assignment.contact_points`. A number that takes no SMS is no address."""
    addresses = {
        DeliveryChannel.EMAIL: row["email"],
        DeliveryChannel.SMS: mobile_number(row["phone"]),
        DeliveryChannel.DIGITAL_MAIL: row["digital_mail"],
    }
    return Point(
        row["person"],
        row["protected"],
        row["language"],
        {channel: address for channel, address in addresses.items() if address is not None},
    )
