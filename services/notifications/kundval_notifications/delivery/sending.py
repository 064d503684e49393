"""Hands dispatches over, one channel for itself: what is slow holds up nobody else.

Each attempt is entered and committed before it is made, is made outside of any transaction, and what came of it is
entered after. A process that is killed in between leaves an attempt of which nobody knows; the same dispatch is handed
over again under the same id (Message-ID, client reference, webhook id), by which the other side can tell. That is the
window that no protocol without a common transaction can close; it is one message for a channel.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kundval_chassis import clock, logs
from kundval_chassis.db import Pool, Row, Tx
from kundval_contracts.codes import AttemptOutcome, DeliveryChannel, MessageState, Role, Urgency, Wait
from kundval_contracts.errors import KundvalError

from .. import directory
from ..channels.port import Accepted, NotNow, Parcel, Port, Refused, Unreachable
from ..domain import route
from ..domain.party import Party
from . import metrics, news, receipts, store
from .compose import Composer
from .pace import Bucket, backoff
from .routing import Directory
from .table import Ways, ways

#: what an attempt can come to
Outcome = Accepted | Unreachable | NotNow | Refused

_NAMES: Mapping[type, AttemptOutcome] = {
    Accepted: AttemptOutcome.ACCEPTED,
    Unreachable: AttemptOutcome.UNREACHABLE,
    NotNow: AttemptOutcome.NOT_NOW,
    Refused: AttemptOutcome.REFUSED,
}

log = logs.get(__name__)


class Unwritable(Exception):
    """There are no words for what a dispatch carries."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and when.

    retry: seconds until the next attempt at what was not taken; after the last the next channel is tried. away: seconds
    until the next look at a lane on which nobody answers, the last for all further ones. most: seconds that another
    side can make us wait at once. recipients: seconds until the next attempt to learn who they are. known: seconds for
    which that is good: with a slow other side the rest of a batch is asked about anew.
    """

    retry: Sequence[float] = (60, 300, 900, 3600, 4 * 3600)
    away: Sequence[float] = (5, 15, 60, 120, 300)
    most: float = 3600
    recipients: float = 30
    known: float = 20


class Sender:
    """Hands over what leaves by one channel, for one instance; several share the work. token: that of its `Life`."""

    batch = 50

    def __init__(
        self,
        pool: Pool,
        port: Port,
        directory: Directory,
        composer: Composer,
        token: Callable[[], str],
        *,
        per_second: int | None = None,
        patience: Patience | None = None,
        now: Callable[[], datetime] = clock.now,
        stopping: Callable[[], bool] = lambda: False,
    ):
        self._pool = pool
        self._port = port
        self._directory = directory
        self._composer = composer
        self._token = token
        self._bucket = Bucket(per_second)
        self._patience = patience or Patience()
        self._now = now
        self._stopping = stopping
        self.channel = port.channel

    def work(self) -> int:
        """Take up one batch; how many dispatches it was. What is not come to is left to who comes next."""
        token = self._token()
        with self._pool.tx() as tx:
            leased = store.lease(tx, self.channel, token, self.batch)
            if not leased:
                return 0
            rows = self._probes(tx, leased, token)
            rows = self._within_limit(tx, rows)
            enclosed = store.contents(tx, [row["dispatch"] for row in rows])
        left = {row["dispatch"] for row in rows}
        shut: set[str] = set()
        for tenant, some in _by_tenant(rows).items():
            asked = time.monotonic()
            parties = self._parties(tenant, [notice for row in some for notice in enclosed[row["dispatch"]]])
            if parties is None:
                self._put_off(some, token)
                left -= {row["dispatch"] for row in some}
                continue
            with self._pool.tx(readonly=True) as tx:
                said = ways(tx, tenant)
            for place, row in enumerate(some):
                if self._stopping() or (place and time.monotonic() - asked > self._patience.known):
                    break
                if row["lane"] in shut:
                    continue
                left.discard(row["dispatch"])
                if not self._one(row, token, parties, said):
                    shut.add(row["lane"])
        if left:
            with self._pool.tx() as tx:
                store.release(tx, sorted(left), token)
        return len(leased)

    def _probes(self, tx: Tx, rows: Sequence[Row], token: str) -> list[Row]:
        """Of a lane on which nobody answered last time one dispatch is enough to see whether somebody does."""
        doubted: set[str] = set()
        kept: list[Row] = []
        others: list[Row] = []
        for row in rows:
            (others if row["lane"] in doubted else kept).append(row)
            if row["doubted"]:
                doubted.add(row["lane"])
        store.release(tx, [row["dispatch"] for row in others], token)
        return kept

    def _within_limit(self, tx: Tx, rows: Sequence[Row]) -> list[Row]:
        """A dispatch whose attempts have ended without an outcome too often is not tried any more."""
        worn = [row["dispatch"] for row in rows if row["unknown"] and row["failures"] > len(self._patience.retry)]
        if worn:
            store.fail(tx, worn, "FAILED", AttemptOutcome.UNKNOWN)
        return [row for row in rows if row["dispatch"] not in worn]

    def _parties(self, tenant: str, notices: Sequence[Row]) -> Mapping[int, Party] | None:
        try:
            return self._directory.parties(self._pool, tenant, notices)
        except KundvalError as error:
            log.warning("recipients_not_known", code=error.code, channel=self.channel.value)
            return None

    def _put_off(self, rows: Sequence[Row], token: str) -> None:
        with self._pool.tx() as tx:
            until = store.in_seconds(tx, self._patience.recipients)
            for row in rows:
                store.release_until(tx, row["dispatch"], token, until, Wait.RETRY)

    # --- one dispatch --------------------------------------------------------------------------------

    def _one(self, row: Row, token: str, parties: Mapping[int, Party], said: Ways) -> bool:
        """Hand over one dispatch; False if its lane is shut for now."""
        role, urgency = Role(row["role"]), Urgency(row["urgency"])
        quiet = route.held_until(role, urgency, self.channel, said.manners, self._now())
        if quiet is not None:
            with self._pool.tx() as tx:
                store.release_until(tx, row["dispatch"], token, quiet, Wait.QUIET_HOURS)
            return True
        time.sleep(self._bucket.take())
        try:
            with self._pool.tx() as tx:
                begun = self._begin(tx, row, token, parties, said)
        except Unwritable as error:
            # the texts are checked when they are loaded; whatever is wrong with this one must not hold up the others
            log.error("dispatch_not_written", exc_info=error.__cause__)
            with self._pool.tx() as tx:
                store.fail(tx, [row["dispatch"]], "FAILED", "TEXT")
            return True
        if begun is None:
            return True
        parcel, number = begun
        outcome = self._hand_over(parcel)
        with self._pool.tx() as tx:
            return self._record(tx, row, number, outcome, parcel)

    def _begin(
        self, tx: Tx, row: Row, token: str, parties: Mapping[int, Party], said: Ways
    ) -> tuple[Parcel, int] | None:
        """Look once more whether everything that it carries is to be sent, and enter the attempt."""
        dispatch = row["dispatch"]
        notices = store.lock_contents(tx, dispatch, token)
        gone = {one["notice"]: one["gone"] for one in notices if one["gone"] is not None}
        elsewhere = [
            one["notice"]
            for one in notices
            if one["notice"] not in gone and not self._fits(row, one, parties.get(one["notice"]))
        ]
        if gone or elsewhere:
            store.leave(tx, dispatch, [*gone, *elsewhere])
            store.settle(tx, MessageState.WITHDRAWN, gone)
            store.reroute(tx, elsewhere)
        kept = [one for one in notices if one["notice"] not in gone and one["notice"] not in elsewhere]
        if not kept:
            store.drop(tx, dispatch, token)
            return None
        party = parties[kept[0]["notice"]]
        try:
            parcel = self._composer.parcel(row, kept, party, said)
        except Exception as error:
            raise Unwritable from error
        words = (parcel.content.language, parcel.content.template, parcel.content.version)
        mark = self._directory.mark(self.channel, parcel.address)
        number = store.begin(tx, dispatch, token, words, mark)
        return None if number is None else (parcel, number)

    def _fits(self, row: Row, notice: Row, party: Party | None) -> bool:
        """Whether a notice may still go out so: to the same recipient, who can be written to by this channel."""
        if party is None or (party.role.value, party.id) != (row["role"], row["party"]):
            return False
        if party.protected or not party.can_use(self.channel):
            return False
        return not (notice["guarded"] and (party.role is Role.CLIENT or self.channel is DeliveryChannel.WEBHOOK))

    def _hand_over(self, parcel: Parcel) -> Outcome:
        try:
            return self._port.send(parcel)
        except (Unreachable, NotNow, Refused) as error:
            return error
        except Exception as error:
            log.error("channel_broken", channel=self.channel.value, exc_info=error)
            return Refused(type(error).__name__)

    # --- what came of it -----------------------------------------------------------------------------

    def _record(self, tx: Tx, row: Row, number: int, outcome: Outcome, parcel: Parcel) -> bool:
        """Enter what came of an attempt; False if its lane is shut for now."""
        code = None if isinstance(outcome, Accepted) else outcome.code
        name = _NAMES[type(outcome)]
        metrics.ATTEMPTS.labels(self.channel.value, name.value).inc()
        mine = store.end_attempt(tx, row["dispatch"], number, name, code)
        shuts = self._shuts_lane(row, outcome)
        # who may have it each time gets it so often and no more
        perhaps = isinstance(outcome, Unreachable) and outcome.perhaps
        if shuts:
            self._shut(tx, row, outcome)
        elif row["doubted"]:
            store.close_circuit(tx, row["lane"])
        if not mine:
            # it took so long that somebody else has taken the dispatch up, or a receipt was quicker
            if isinstance(outcome, Accepted) and outcome.reference is not None:
                store.refer(tx, row["dispatch"], outcome.reference)
                receipts.catch_up(tx, self.channel, outcome.reference)
            return not shuts
        if isinstance(outcome, Accepted):
            self._accepted(tx, row, outcome)
        elif isinstance(outcome, Refused):
            log.warning("dispatch_refused", channel=self.channel.value, code=code)
            store.fail(tx, [row["dispatch"]], "FAILED", outcome.code)
            if outcome.closed and self.channel is DeliveryChannel.WEBHOOK:
                directory.close_webhooks_to(tx, row["tenant"], parcel.address)
        elif shuts and row["lane"] == self.channel.value and not perhaps:
            # behind the others, in case it is this one that drives the other side away
            wait = store.pause_on(tx, row["lane"]) + 1
            store.try_again(tx, row["dispatch"], wait, outcome.code, Wait.AWAY, counts=False)
        elif row["failures"] >= len(self._patience.retry):
            log.warning("dispatch_given_up", channel=self.channel.value, code=code)
            store.fail(tx, [row["dispatch"]], "FAILED", outcome.code)
        else:
            wait = backoff(self._patience.retry, row["failures"] + 1)
            if isinstance(outcome, NotNow) and outcome.seconds is not None:
                wait = min(max(wait, outcome.seconds), max(wait, self._patience.most))
            store.try_again(tx, row["dispatch"], wait, outcome.code, Wait.RETRY, counts=True)
        return not shuts

    def _shuts_lane(self, row: Row, outcome: Outcome) -> bool:
        if isinstance(outcome, Unreachable):
            return True
        if not isinstance(outcome, NotNow):
            return False
        # whoever has a lane of its own is away by itself; on one for all only a pause for all counts
        return row["lane"] != self.channel.value or (outcome.seconds is not None and not outcome.alone)

    def _shut(self, tx: Tx, row: Row, outcome: Outcome) -> None:
        assert isinstance(outcome, Unreachable | NotNow)
        failures = store.failures_on(tx, row["lane"]) + 1
        wait = backoff(self._patience.away, failures)
        if isinstance(outcome, NotNow) and outcome.seconds is not None:
            wait = min(max(outcome.seconds, 1), self._patience.most)
        store.open_circuit(tx, row["lane"], self.channel, outcome.code, wait)
        log.warning("channel_away", channel=self.channel.value, code=outcome.code, seconds=round(wait, 1))

    def _accepted(self, tx: Tx, row: Row, outcome: Accepted) -> None:
        notices = store.accepted(tx, row["dispatch"], outcome.reference)
        news.sent(tx, notices, self.channel.value)
        for one in notices:
            metrics.SECONDS.labels(self.channel.value).observe(max(0.0, one["seconds"]))
        receipts.catch_up(tx, self.channel, outcome.reference)

    def close(self) -> None:
        """Let go of connections."""
        self._port.close()


def _by_tenant(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["tenant"]].append(row)
    return found
