"""Hands messages to the employment service over, one at a time.

Each attempt is entered and committed before it is made, is made outside of any transaction, and what came of it is
entered after. A process that is killed in between leaves an attempt of which nobody knows; the message is handed over
again with the same tracking id, by which the other side can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from kundval_chassis import logs
from kundval_chassis.db import Pool, Row, Tx
from kundval_contracts.af.outgoing import headers, in_transit
from kundval_contracts.case import Tenant
from kundval_contracts.codes import AfAttemptOutcome, AfDispatchState, AfEnvironment, AfMessage
from kundval_contracts.errors import FactRefused, Forbidden

from .. import tenants
from ..domain.to_af import Act, backoff
from ..people import store as people
from ..people.keys import PersonKeys
from . import answers, metrics, store, write
from .port import Accepted, NotNow, Parcel, Port, Refused, SendError, Unreachable

Outcome = Accepted | SendError

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """retry: seconds until the next attempt at what was not taken; after the last it is given up. away: seconds until
    the next look whether somebody answers, the last for all further ones. lease: seconds for which an attempt is its
    maker's alone.
    """

    retry: Sequence[float] = (60, 300, 900, 3600, 4 * 3600)
    away: Sequence[float] = (5, 15, 60, 120, 300)
    lease: float = 180


@dataclass(frozen=True, slots=True)
class Sign:
    """As whom we speak, and to which environment."""

    system: str
    environment: AfEnvironment


class Sender:
    """`mine`: asked before each attempt whether it is still this one that sends."""

    def __init__(
        self,
        pool: Pool,
        keys: PersonKeys,
        port: Port,
        sign: Sign,
        *,
        patience: Patience | None = None,
        mine: Callable[[], bool] = lambda: True,
    ):
        self._pool, self._keys, self._port, self._sign = pool, keys, port, sign
        self._patience = patience or Patience()
        self._mine = mine

    def work(self) -> bool:
        """Take up the next message, if there is one and the other side answers; whether there may be more."""
        if not self._mine():
            return False
        with self._pool.tx(readonly=True) as tx:
            shut = store.circuit(tx)
            found = None if shut and shut["open"] else store.next_ready(tx)
        if found is None:
            return False
        try:
            with self._pool.tx() as tx:
                begun = self._begin(tx, found)
        except psycopg.Error:
            raise
        except Exception as error:
            # whatever is wrong with this one must not hold up the others
            log.error("af_dispatch_not_begun", error=type(error).__name__)
            with self._pool.tx() as tx:
                self._later(tx, store.locked(tx, found["tenant"], found["dispatch"]), type(error).__name__)
            return True
        if begun is None:
            return True
        parcel, number = begun
        outcome = self._hand_over(parcel)
        with self._pool.tx() as tx:
            return self._record(tx, parcel, number, outcome)

    def close(self) -> None:
        self._port.close()

    # --- before --------------------------------------------------------------------------------------

    def _begin(self, tx: Tx, found: Row) -> tuple[Parcel, int] | None:
        """Look once more whether it may leave, and enter the attempt; None if it leaves no more by itself."""
        tenant = tenants.get(tx, found["tenant"])
        row = store.locked(tx, tenant.id, found["dispatch"])
        if row is None or row["state"] != AfDispatchState.READY:
            return None
        day = write.today(tenant)
        if write.is_protected(tx, self._keys, tenant, row["person"], day):
            changed = store.change(tx, row, state=write.moved(row, Act.HAND_OVER).value, trouble="PROTECTED")
            write.tell(tx, changed)
            return None
        try:
            write.passes(tx, tenant, row, row["submitted_by"], day)
        except (Forbidden, FactRefused) as error:
            self._give_up(tx, row, error.code)
            return None
        content = write.contents(tx, self._keys, tenant, row, day).get(row["record"])
        if content is None:
            write.fade(tx, row)
            return None
        if self._never_ends(tx, row):
            self._give_up(tx, row, "UNKNOWN")
            return None
        held = people.load(tx, self._keys, tenant.id, row["person"])
        if held is None or held.number is None:
            self._give_up(tx, row, "NO_IDENTITY_NUMBER")
            return None
        return self._parcel(tenant, row, content, held.number), store.begin(tx, row, self._patience.lease)

    def _never_ends(self, tx: Tx, row: Row) -> bool:
        """What is cut off each time it is tried, perhaps because of what it does to us, is not tried for ever."""
        cut_off = sum(one["outcome"] is None for one in store.attempts(tx, row["tenant"], row["dispatch"]))
        return cut_off > len(self._patience.retry)

    def _parcel(self, tenant: Tenant, row: Row, content: Mapping[str, object], number: str) -> Parcel:
        kind = AfMessage(row["kind"])
        body = in_transit(
            kind,
            client=number,
            content=content,
            number=row["dispatch"],
            late=row["late"],
            window=row["closing_window"],
        )
        sign = headers(str(row["tracking"]), self._sign.system, row["submitted_by"], self._sign.environment)
        return Parcel(tenant.id, row["dispatch"], kind, sign, body)

    def _hand_over(self, parcel: Parcel) -> Outcome:
        try:
            return self._port.send(parcel)
        except SendError as error:
            return error
        except Exception as error:
            log.error("af_port_broken", error=type(error).__name__)
            return Refused(type(error).__name__)

    # --- after ---------------------------------------------------------------------------------------

    def _record(self, tx: Tx, parcel: Parcel, number: int, outcome: Outcome) -> bool:
        """Enter what came of an attempt; False if nobody answers for now."""
        name = _name(outcome)
        code = outcome.code if isinstance(outcome, SendError) else None
        metrics.ATTEMPTS.labels(parcel.kind.value, name.value).inc()
        row = store.locked(tx, parcel.tenant, parcel.dispatch)
        if row is None:
            return True
        store.end_attempt(tx, row, number, name, code)
        away = isinstance(outcome, Unreachable) or (isinstance(outcome, NotNow) and outcome.seconds is not None)
        pause = self._shut(tx, outcome) if away else 0.0
        if not away:
            store.close_circuit(tx)
        if row["state"] != AfDispatchState.READY:
            # a receipt was quicker than the answer, or somebody has put it aside
            return not away
        if isinstance(outcome, Accepted):
            state = write.moved(row, Act.TAKEN)
            changed = store.change(
                tx, row, state=state.value, reference=outcome.reference, next_at=None, trouble=None, failures=0
            )
            write.tell(tx, changed)
            answers.follow(tx, tenants.get(tx, parcel.tenant), changed)
        elif isinstance(outcome, Refused):
            self._give_up(tx, row, outcome.code)
        elif isinstance(outcome, Unreachable) and not outcome.perhaps:
            store.again_in(tx, row, pause, outcome.code, counts=False)
        else:
            self._later(tx, row, outcome.code, pause)
        return not away

    def _later(self, tx: Tx, row: Row | None, code: str, pause: float = 0.0) -> None:
        """Try again after a growing delay, `pause` seconds at least; or give up."""
        if row is None or row["state"] != AfDispatchState.READY:
            return
        if row["failures"] >= len(self._patience.retry):
            self._give_up(tx, row, code)
        else:
            wait = backoff(self._patience.retry, row["failures"] + 1)
            store.again_in(tx, row, max(wait, pause), code, counts=True)

    def _shut(self, tx: Tx, outcome: Outcome) -> float:
        """Let nobody be tried for a while; for how many seconds."""
        assert isinstance(outcome, SendError)
        before = store.circuit(tx)
        failures = (before["failures"] if before else 0) + 1
        wait = backoff(self._patience.away, failures)
        if isinstance(outcome, NotNow) and outcome.seconds is not None:
            wait = float(outcome.seconds)
        store.open_circuit(tx, outcome.code, failures, wait)
        log.warning("af_away", code=outcome.code, seconds=round(wait, 1))
        return wait

    def _give_up(self, tx: Tx, row: Row, code: str) -> None:
        log.warning("af_dispatch_failed", tenant=row["tenant"], kind=row["kind"], code=code)
        changed = store.change(tx, row, state=write.moved(row, Act.GIVE_UP).value, trouble=code, next_at=None)
        write.tell(tx, changed)


def _name(outcome: Outcome) -> AfAttemptOutcome:
    if isinstance(outcome, Accepted):
        return AfAttemptOutcome.ACCEPTED
    if isinstance(outcome, Unreachable):
        return AfAttemptOutcome.PERHAPS if outcome.perhaps else AfAttemptOutcome.UNREACHABLE
    return AfAttemptOutcome.NOT_NOW if isinstance(outcome, NotNow) else AfAttemptOutcome.REFUSED
