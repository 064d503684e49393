"""Decides what is to be done with the messages that are pending, and forms what leaves.

Several messages of one recipient that leave by the same open channel at once are one outgoing; one that nobody has
begun to hand over takes in what comes later. Thousands of decisions are a few statements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import psycopg

from kundval_chassis import clock, logs
from kundval_chassis.db import Pool, Row, Tx
from kundval_contracts.codes import DeliveryChannel, MessageState, Role, Urgency, Wait
from kundval_contracts.errors import KundvalError

from ..domain import route
from ..domain.party import Party
from . import metrics, news, store
from .table import Ways, ways

BATCH = 500
#: seconds until the next attempt to learn who recipients are
PATIENCE = 30.0
_INBOX = DeliveryChannel.INBOX.value

log = logs.get(__name__)


class Directory(Protocol):
    """Who the recipients are."""

    def parties(self, pool: Pool, tenant: str, rows: Sequence[Row]) -> Mapping[int, Party]:
        """By notice. May ask another service, in no transaction; raises KundvalError if that does not answer."""

    def mark(self, channel: DeliveryChannel, address: str) -> bytes:
        """By which it can be shown later that an address was the one."""


class Router:
    """Routes. One at a time is enough; two do no harm."""

    def __init__(
        self,
        pool: Pool,
        directory: Directory,
        channels: Iterable[DeliveryChannel],
        now: Callable[[], datetime] = clock.now,
        patience: float = PATIENCE,
    ):
        """patience: seconds until the next attempt to learn who the recipients are."""
        self._pool = pool
        self._directory = directory
        self._channels = frozenset(channels)
        self._now = now
        self._patience = patience

    def work(self) -> int:
        """Route one batch; how many messages it was."""
        with self._pool.tx() as tx:
            rows = store.to_route(tx, BATCH)
            gone = {row["notice"]: row["gone"] for row in rows if row["gone"] is not None}
            store.settle(tx, MessageState.WITHDRAWN, gone)
        _count("WITHDRAWN", len(gone))
        by_tenant: dict[tuple[str, bool], list[Row]] = defaultdict(list)
        for row in rows:
            if row["notice"] not in gone:
                # clients apart: of them another service is asked, which may be away
                by_tenant[row["tenant"], row["recipient"] == Role.CLIENT].append(row)
        for (tenant, _), some in sorted(by_tenant.items()):
            try:
                parties = self._directory.parties(self._pool, tenant, some)
                with self._pool.tx() as tx:
                    self._route(tx, tenant, some, parties)
            except KundvalError as error:
                log.warning("recipients_not_known", code=error.code, messages=len(some))
                self._put_off(some)
            except psycopg.Error:
                raise
            except Exception as error:
                # what is wrong with the messages of one municipality must not hold up those of another
                log.error("messages_not_routed", exc_info=error, messages=len(some))
                self._put_off(some)
        return len(rows)

    def _put_off(self, rows: Sequence[Row]) -> None:
        with self._pool.tx() as tx:
            until = store.in_seconds(tx, self._patience)
            store.postpone(tx, ((row["notice"], until, Wait.RETRY.value) for row in rows))

    def _route(self, tx: Tx, tenant: str, rows: Sequence[Row], parties: Mapping[int, Party]) -> None:
        at = self._now()
        said = ways(tx, tenant)
        fresh = store.still_to_route(tx, [row["notice"] for row in rows])
        rows = [{**row, **fresh[row["notice"]]} for row in rows if row["notice"] in fresh]
        # the recipients of a batch are few kinds of people; whom it is written to often is a question about clients
        clients = {parties[row["notice"]].id for row in rows if row["recipient"] == Role.CLIENT}
        today = route.start_of_day(route.local_day(at))
        often = store.sent_since(tx, tenant, Role.CLIENT, sorted(clients), today) if clients else {}
        inbox: dict[int, str | None] = {}
        by_hand: dict[int, str | None] = {}
        withdrawn: dict[int, str | None] = {}
        later: list[tuple[int, datetime, str]] = []
        leaving: list[tuple[Row, Party, route.Send, Urgency]] = []
        for row in rows:
            notice, party = row["notice"], parties[row["notice"]]
            message = self._pending(row, party, said, often)
            match route.decide(message, said.manners, at):
                case route.Send() as send:
                    leaving.append((row, party, send, message.urgency))
                case route.Later(until, why):
                    later.append((notice, until, why.value))
                case route.InInbox(reason):
                    inbox[notice] = reason
                case route.ByHand(reason):
                    by_hand[notice] = reason
                case route.Withdraw(reason):
                    withdrawn[notice] = reason
        store.settle(tx, MessageState.SENT, inbox, _INBOX)
        store.settle(tx, MessageState.BY_HAND, by_hand)
        store.settle(tx, MessageState.WITHDRAWN, withdrawn)
        store.postpone(tx, later)
        self._dispatch(tx, tenant, leaving)
        news.sent(tx, (row for row in rows if row["notice"] in inbox), _INBOX)
        news.by_hand(tx, (row for row in rows if row["notice"] in by_hand))
        _count("SEND", len(leaving))
        _count("LATER", len(later))
        _count("INBOX", len(inbox))
        _count("BY_HAND", len(by_hand))
        _count("WITHDRAWN", len(withdrawn))

    def _pending(self, row: Row, party: Party, said: Ways, often: Mapping[str, int]) -> route.Pending:
        way = said.route(row)
        return route.Pending(
            party=party,
            urgency=way.urgency,
            channels=way.channels,
            set_up=self._channels,
            since=row["pending_since"],
            tried=frozenset(map(DeliveryChannel, row["tried"])),
            guarded=row["guarded"],
            read=row["read"],
            gone=row["gone"],
            sent_today=often.get(party.id, 0) if party.role is Role.CLIENT else 0,
        )

    def _dispatch(self, tx: Tx, tenant: str, leaving: Iterable[tuple[Row, Party, route.Send, Urgency]]) -> None:
        bundles: dict[Any, store.Bundle] = {}
        for row, party, send, urgency in leaving:
            channel, notice = send.channel, row["notice"]
            whose = (channel, party.role.value, party.id)
            # what a closed channel carries is the notice itself, so it carries one
            key: Any = whose if channel.is_open else notice
            one = bundles.setdefault(
                key,
                store.Bundle(
                    tenant,
                    channel.value,
                    _lane(tenant, *whose),
                    party.role.value,
                    party.id,
                    urgency.value,
                    send.digest,
                    [],
                ),
            )
            one.notices.append(notice)
            one.digest = one.digest and send.digest
            if urgency is Urgency.AT_ONCE:
                one.urgency = urgency.value
        store.add_dispatches(tx, self._not_joined(tx, bundles.values()))

    def _not_joined(self, tx: Tx, bundles: Iterable[store.Bundle]) -> list[store.Bundle]:
        """Put bundles into dispatches that nobody has begun to hand over; those for which there is none."""
        alike: dict[tuple[str, str, str], dict[str, store.Bundle]] = defaultdict(dict)
        left = []
        for one in bundles:
            if DeliveryChannel(one.channel).is_open:
                alike[one.channel, one.tenant, one.role][one.party] = one
            else:
                left.append(one)
        for what, wanted in alike.items():
            there = store.joinable(tx, *what, list(wanted))
            for party, one in wanted.items():
                if party in there:
                    store.join(tx, there[party], one)
                else:
                    left.append(one)
        return left


def _lane(tenant: str, channel: DeliveryChannel, role: str, party: str) -> str:
    """What fails together. Each webhook is a server of its own."""
    return f"{channel} {tenant} {role} {party}" if channel is DeliveryChannel.WEBHOOK else channel.value


def _count(decision: str, number: int) -> None:
    metrics.ROUTED.labels(decision).inc(number)
