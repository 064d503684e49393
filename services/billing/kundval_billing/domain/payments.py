"""A payment as it stands: a pure fold over what was done with it.

    PROPOSED -> CHECKED -> ATTESTED (by two) -> APPROVED (self-billing) -> RELEASED -> ACKNOWLEDGED -> RECONCILED

Beside the road: HELD and PARKED until that is over, DISPUTED until the provider approves after all, WITHDRAWN for good.
The database holds the same guards (`migrations/0003_payments.sql`), so that no program can go round them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from kundval_contracts.codes import Direction, PaymentAct, PaymentState
from kundval_contracts.errors import Conflict

#: How many different persons attest a payment.
ATTESTERS = 2
#: Acts that take a payment on: not while it is held or parked.
_ONWARD = frozenset({PaymentAct.CHECKED, PaymentAct.ATTESTED, PaymentAct.APPROVED, PaymentAct.RELEASED})
#: Acts of what comes after the release.
_AFTER = frozenset({PaymentAct.ACKNOWLEDGED, PaymentAct.REJECTED, PaymentAct.RECONCILED})


class Refused(Conflict):
    """An act that may not follow what was done before; `code` says why."""

    def __init__(self, code: str, message: str):
        super().__init__(message, code=code)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done with a payment. `reference`: the hold, the code of a problem, or the voucher."""

    act: PaymentAct
    who: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a payment stands at after some acts. `self_billing`: the provider has to approve it."""

    preparer: str
    self_billing: bool
    checked_by: str | None = None
    attested_by: tuple[str, ...] = ()
    approved: bool = False
    disputed: bool = False
    holds: frozenset[str] = frozenset()
    parked: str | None = None
    withdrawn: bool = False
    released: bool = False
    rejected: bool = False
    voucher: str | None = None
    reconciled: bool = False

    @property
    def state(self) -> PaymentState:
        """The one word for it: the furthest that was reached, or what keeps it from going on."""
        reached = (
            (self.reconciled, PaymentState.RECONCILED),
            (self.voucher is not None, PaymentState.ACKNOWLEDGED),
            (self.rejected, PaymentState.REJECTED),
            (self.released, PaymentState.RELEASED),
            (self.withdrawn, PaymentState.WITHDRAWN),
            (bool(self.holds), PaymentState.HELD),
            (self.parked is not None, PaymentState.PARKED),
            (self.disputed, PaymentState.DISPUTED),
            (self.approved, PaymentState.APPROVED),
            (len(self.attested_by) == ATTESTERS, PaymentState.ATTESTED),
            (self.checked_by is not None, PaymentState.CHECKED),
        )
        return next((state for true, state in reached if true), PaymentState.PROPOSED)

    @property
    def is_open(self) -> bool:
        """Whether its entries are on it and not yet on their way."""
        return not (self.released or self.withdrawn)

    @property
    def is_ready(self) -> bool:
        """Whether it can be released."""
        return self.refusal(Act(PaymentAct.RELEASED, "")) is None

    def refusal(self, act: Act) -> Refused | None:
        """Why `act` may not follow; None if it may."""
        kind = act.act
        if kind is PaymentAct.PROPOSED:
            return Refused("ALREADY_PROPOSED", "The payment was proposed.")
        if self.withdrawn:
            return Refused("WITHDRAWN", "The payment was withdrawn.")
        if kind in _AFTER:
            return self._after_release(kind)
        if self.released:
            return Refused("ALREADY_RELEASED", "The payment was released.")
        if kind in _ONWARD and self.holds:
            return Refused("HELD", "The payment is held.")
        if kind in _ONWARD and self.parked is not None:
            return Refused("PARKED", "The payment is parked until its problem is solved: propose it again then.")
        return self._by_whom(act) if kind in (PaymentAct.CHECKED, PaymentAct.ATTESTED) else self._before_release(act)

    def _by_whom(self, act: Act) -> Refused | None:
        if act.who == self.preparer:
            return Refused("PREPARER", "Who prepared a payment neither checks nor attests it.")
        if act.act is PaymentAct.CHECKED:
            return Refused("ALREADY_CHECKED", "The payment was checked.") if self.checked_by is not None else None
        if self.checked_by is None:
            return Refused("NOT_CHECKED", "The payment has not been checked.")
        if act.who in self.attested_by:
            return Refused("SAME_PERSON", "Two different persons attest a payment.")
        if len(self.attested_by) == ATTESTERS:
            return Refused("ALREADY_ATTESTED", "Two persons have attested the payment.")
        return None

    def _before_release(self, act: Act) -> Refused | None:
        kind, attested = act.act, len(self.attested_by) == ATTESTERS
        refusals: dict[PaymentAct, tuple[tuple[bool, str, str], ...]] = {
            PaymentAct.APPROVED: (
                (not self.self_billing, "APPROVAL_NOT_AGREED", "No self-billing is agreed with the provider."),
                (not attested, "NOT_ATTESTED", "Two persons have to attest the payment first."),
                (self.approved, "ALREADY_APPROVED", "The provider has approved the payment."),
            ),
            PaymentAct.DISPUTED: (
                (not self.self_billing, "APPROVAL_NOT_AGREED", "No self-billing is agreed with the provider."),
                (self.disputed, "ALREADY_DISPUTED", "The provider disputes the payment."),
            ),
            PaymentAct.RELEASED: (
                (not attested, "NOT_ATTESTED", "Two persons have to attest the payment first."),
                (self.disputed, "DISPUTED", "The provider disputes the payment."),
                (self.self_billing and not self.approved, "NOT_APPROVED", "The provider has not approved the payment."),
            ),
            PaymentAct.HELD: ((act.reference in self.holds, "ALREADY_HELD", "The payment is held so."),),
            PaymentAct.FREED: ((act.reference not in self.holds, "NOT_HELD", "The payment is not held so."),),
            PaymentAct.PARKED: ((self.parked == act.reference, "ALREADY_PARKED", "The payment is parked so."),),
            PaymentAct.RESUMED: ((self.parked is None, "NOT_PARKED", "The payment is not parked."),),
        }
        return next((Refused(code, message) for true, code, message in refusals.get(kind, ()) if true), None)

    def _after_release(self, kind: PaymentAct) -> Refused | None:
        if not self.released:
            return Refused("NOT_RELEASED", "The payment has not been released.")
        if kind is PaymentAct.RECONCILED:
            if self.voucher is None:
                return Refused("NOT_ACKNOWLEDGED", "The accounting system has not acknowledged the payment.")
            return Refused("ALREADY_RECONCILED", "The payment was reconciled.") if self.reconciled else None
        if self.voucher is not None:
            return Refused("ALREADY_ACKNOWLEDGED", "The accounting system has acknowledged the payment.")
        return None

    def after(self, act: Act) -> Standing:
        """What it stands at after `act`. Raises `Refused`."""
        refusal = self.refusal(act)
        if refusal is not None:
            raise refusal
        match act.act:
            case PaymentAct.CHECKED:
                return replace(self, checked_by=act.who)
            case PaymentAct.ATTESTED:
                return replace(self, attested_by=(*self.attested_by, act.who))
            case PaymentAct.APPROVED:
                return replace(self, approved=True, disputed=False)
            case PaymentAct.DISPUTED:
                return replace(self, approved=False, disputed=True)
            case PaymentAct.HELD:
                return replace(self, holds=self.holds | {str(act.reference)})
            case PaymentAct.FREED:
                return replace(self, holds=self.holds - {str(act.reference)})
            case PaymentAct.PARKED:
                return replace(self, parked=act.reference)
            case PaymentAct.RESUMED:
                return replace(self, parked=None)
            case PaymentAct.WITHDRAWN:
                return replace(self, withdrawn=True)
            case PaymentAct.RELEASED:
                return replace(self, released=True)
            case PaymentAct.ACKNOWLEDGED:
                return replace(self, voucher=act.reference, rejected=False)
            case PaymentAct.REJECTED:
                return replace(self, rejected=True)
            case _:
                return replace(self, reconciled=True)


def fold(preparer: str, self_billing: bool, acts: Iterable[Act]) -> Standing:
    """What a payment stands at; `acts` in order, the first is PROPOSED. Raises `Refused` for an act out of place."""
    standing = Standing(preparer, self_billing)
    for act in list(acts)[1:]:
        standing = standing.after(act)
    return standing


def moves(direction: Direction, provider: str, amount: Decimal, stage: PaymentAct) -> tuple[tuple[str, Decimal], ...]:
    """The ledger rows (account, amount in SEK) of a payment at its release or acknowledgement; they add up to nothing.

    What is payable is released and then settled; what is receivable is invoiced and then received.
    """
    payable = direction is Direction.PAYABLE
    road = ("payable", "released", "settled") if payable else ("receivable", "invoiced", "received")
    place = 0 if stage is PaymentAct.RELEASED else 1
    moved = amount if payable else -amount
    return ((f"{road[place]}:{provider}", moved), (f"{road[place + 1]}:{provider}", -moved))
