"""What a payment stands at: every act after every road to a state, and who may do it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kundval_billing.domain.payments import Act, Refused, Standing, fold, moves
from kundval_contracts.codes import Direction, PaymentAct, PaymentState

A, S = PaymentAct, PaymentState
PIA = Act(A.PROPOSED, "pia")
CHECKED, ANN, BO = Act(A.CHECKED, "cia"), Act(A.ATTESTED, "ann"), Act(A.ATTESTED, "bo")
YES, NO = Act(A.APPROVED, "alfa"), Act(A.DISPUTED, "alfa")
HELD, FREED = Act(A.HELD, "ann", "7"), Act(A.FREED, "ann", "7")
PARKED, RESUMED = Act(A.PARKED, "pia", "PAYEE_UNKNOWN"), Act(A.RESUMED, "pia")
WITHDRAWN, RELEASED = Act(A.WITHDRAWN, "ann"), Act(A.RELEASED, "ann")
TAKEN, REFUSED, MATCHED = Act(A.ACKNOWLEDGED, "books", "V-1"), Act(A.REJECTED, "books", "E-1"), Act(A.RECONCILED, "ann")
ATTESTED = (CHECKED, ANN, BO)

#: (self-billing, road, state): every state, some of them by several roads
ROADS: list[tuple[bool, tuple[Act, ...], PaymentState]] = [
    (False, (), S.PROPOSED),
    (False, (CHECKED,), S.CHECKED),
    (False, (CHECKED, ANN), S.CHECKED),
    (False, ATTESTED, S.ATTESTED),
    (True, ATTESTED, S.ATTESTED),
    (True, (*ATTESTED, YES), S.APPROVED),
    (True, (NO,), S.DISPUTED),
    (True, (*ATTESTED, YES, NO), S.DISPUTED),
    (True, (*ATTESTED, NO, YES), S.APPROVED),
    (False, (HELD,), S.HELD),
    (False, (*ATTESTED, HELD), S.HELD),
    (False, (*ATTESTED, HELD, FREED), S.ATTESTED),
    (False, (PARKED,), S.PARKED),
    (False, (PARKED, HELD), S.HELD),
    (False, (PARKED, RESUMED, *ATTESTED), S.ATTESTED),
    (False, (*ATTESTED, PARKED), S.PARKED),
    (False, (WITHDRAWN,), S.WITHDRAWN),
    (False, (*ATTESTED, HELD, WITHDRAWN), S.WITHDRAWN),
    (False, (*ATTESTED, RELEASED), S.RELEASED),
    (True, (*ATTESTED, YES, RELEASED), S.RELEASED),
    (False, (*ATTESTED, RELEASED, REFUSED), S.REJECTED),
    (False, (*ATTESTED, RELEASED, REFUSED, TAKEN), S.ACKNOWLEDGED),
    (False, (*ATTESTED, RELEASED, TAKEN), S.ACKNOWLEDGED),
    (False, (*ATTESTED, RELEASED, TAKEN, MATCHED), S.RECONCILED),
]  # fmt: skip

#: what may follow in each state, done by somebody who has done nothing yet; approval and dispute where that is agreed
_BESIDE = {A.HELD, A.PARKED, A.WITHDRAWN}
MAY_FOLLOW: dict[PaymentState, set[PaymentAct]] = {
    S.PROPOSED: {A.CHECKED, *_BESIDE},
    S.CHECKED: {A.ATTESTED, *_BESIDE},
    S.ATTESTED: {A.RELEASED, *_BESIDE},
    S.APPROVED: {A.RELEASED, *_BESIDE},
    S.DISPUTED: {*_BESIDE},
    S.HELD: {A.FREED, *_BESIDE},
    S.PARKED: {A.RESUMED, *_BESIDE},
    S.WITHDRAWN: set(),
    S.RELEASED: {A.ACKNOWLEDGED, A.REJECTED},
    S.REJECTED: {A.ACKNOWLEDGED, A.REJECTED},
    S.ACKNOWLEDGED: {A.RECONCILED},
    S.RECONCILED: set(),
}


def standing(self_billing: bool, road: tuple[Act, ...]) -> Standing:
    return fold("pia", self_billing, (PIA, *road))


def refusal(acts: tuple[Act, ...], then: Act, *, self_billing: bool = False) -> str:
    with pytest.raises(Refused) as raised:
        standing(self_billing, acts).after(then)
    return raised.value.code


def test_every_state_has_a_road_and_is_told_apart() -> None:
    assert {state for _, _, state in ROADS} == set(S)
    for self_billing, road, state in ROADS:
        assert standing(self_billing, road).state is state, road


@pytest.mark.parametrize("kind", sorted(A))
def test_an_act_follows_where_it_may_and_nowhere_else(kind: PaymentAct) -> None:
    tried = 0
    for self_billing, road, state in ROADS:
        now = standing(self_billing, road)
        # a hold of its own, or the one that there is
        reference = {A.HELD: "8", A.FREED: "7", A.PARKED: "VAT_NOT_SET"}.get(kind, "V-2")
        may = kind in MAY_FOLLOW[state]
        if kind is A.APPROVED:
            may = self_billing and state in (S.ATTESTED, S.DISPUTED) and len(now.attested_by) == 2
        elif kind is A.DISPUTED:
            may = self_billing and state in (S.ATTESTED, S.APPROVED)
        elif kind is A.RELEASED and self_billing:
            may = state is S.APPROVED
        elif kind is A.RESUMED:
            may = now.parked is not None and now.is_open
        elif kind is A.CHECKED:
            may = now.checked_by is None and state in (S.PROPOSED, S.DISPUTED)
        act = Act(kind, "eve", reference)
        assert (now.refusal(act) is None) == may, (road, kind)
        tried += may
    assert tried > 0 or kind is A.PROPOSED


def test_a_payment_is_attested_by_two_different_persons_who_did_not_prepare_it() -> None:
    assert refusal((), ANN) == "NOT_CHECKED"
    assert refusal((), Act(A.CHECKED, "pia")) == "PREPARER"
    assert refusal((CHECKED,), Act(A.ATTESTED, "pia")) == "PREPARER"
    assert refusal((CHECKED, ANN), ANN) == "SAME_PERSON"
    assert refusal((CHECKED, ANN), RELEASED) == "NOT_ATTESTED"
    assert refusal(ATTESTED, Act(A.ATTESTED, "cia")) == "ALREADY_ATTESTED"
    # who checked may be one of the two: three persons are enough
    assert standing(False, (CHECKED, ANN, Act(A.ATTESTED, "cia"))).is_ready


def test_self_billing_needs_the_providers_approval_and_nothing_else_does() -> None:
    assert refusal(ATTESTED, RELEASED, self_billing=True) == "NOT_APPROVED"
    assert refusal((CHECKED, ANN), YES, self_billing=True) == "NOT_ATTESTED"
    assert refusal((*ATTESTED, NO), RELEASED, self_billing=True) == "DISPUTED"
    assert refusal(ATTESTED, YES) == refusal(ATTESTED, NO) == "APPROVAL_NOT_AGREED"


def test_a_payment_under_two_holds_is_held_until_both_have_ended() -> None:
    other = Act(A.HELD, "bo", "8")
    assert standing(False, (HELD, other, FREED)).state is S.HELD
    assert standing(False, (HELD, other, FREED, Act(A.FREED, "bo", "8"))).state is S.PROPOSED
    assert refusal((HELD,), HELD) == "ALREADY_HELD"
    assert refusal((HELD, FREED), FREED) == "NOT_HELD"
    assert refusal((*ATTESTED, HELD), RELEASED) == "HELD"
    assert refusal((*ATTESTED, PARKED), RELEASED) == "PARKED"


def test_nothing_follows_a_release_but_what_the_accounting_system_says() -> None:
    out = (*ATTESTED, RELEASED)
    assert {refusal(out, act) for act in (RELEASED, CHECKED, ANN, HELD, PARKED, WITHDRAWN)} == {"ALREADY_RELEASED"}
    assert refusal(ATTESTED, TAKEN) == refusal(ATTESTED, REFUSED) == refusal(ATTESTED, MATCHED) == "NOT_RELEASED"
    assert refusal(out, MATCHED) == "NOT_ACKNOWLEDGED"
    assert refusal((*out, TAKEN), TAKEN) == refusal((*out, TAKEN), REFUSED) == "ALREADY_ACKNOWLEDGED"
    assert refusal((*out, TAKEN, MATCHED), MATCHED) == "ALREADY_RECONCILED"
    assert refusal((WITHDRAWN,), RELEASED) == "WITHDRAWN"


@pytest.mark.parametrize("amount", ["8000.00", "-250.00", "0.00"])
def test_each_stage_moves_the_whole_amount_from_one_account_to_the_next(amount: str) -> None:
    for direction, first, last in (
        (Direction.PAYABLE, "payable:alfa", "settled:alfa"),
        (Direction.RECEIVABLE, "receivable:alfa", "received:alfa"),
    ):
        rows = [
            row for stage in (A.RELEASED, A.ACKNOWLEDGED) for row in moves(direction, "alfa", Decimal(amount), stage)
        ]
        sums: dict[str, Decimal] = {}
        for account, moved in rows:
            sums[account] = sums.get(account, Decimal(0)) + moved
        # what lay in between is empty again
        sign = 1 if direction is Direction.PAYABLE else -1
        assert {key: value for key, value in sums.items() if value} == (
            {first: sign * Decimal(amount), last: -sign * Decimal(amount)} if Decimal(amount) else {}
        )
