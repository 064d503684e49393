"""By which events the transitions of an assignment and of money are told (rulebook 8.1, 8.4, 8.5, "Events published").

The rulebook proposes event names; ours follow one pattern, `assignment.<fact>` for a fact, `assignment.<milestone>` for
what follows from facts, `billing.<machine>_<state>` for money. This is the bridge between the two: for who knows the
rulebook and looks for the event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .codes import MoneyState


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of 8.1: its id, what happens, the rulebook's name for the event, and the events that tell it."""

    id: str
    what: str
    proposed: str
    events: tuple[str, ...]


TRANSITIONS: tuple[Transition, ...] = tuple(
    Transition(id, what, proposed, tuple(f"assignment.{event}" for event in events))
    for id, what, proposed, events in (
        ("SM-A1", "referral registered", "assignment.referral.received", ("referred",)),
        ("SM-A2", "preparation opened", "assignment.preparation.started", ("preparation_opened",)),
        ("SM-A3", "relevant, with a purpose", "assignment.assessment.requested", ("prepared",)),
        ("SM-A4", "not relevant or not eligible", "assignment.rejected", ("ended_before_decision",)),
        ("SM-A5", "AF has a direct intervention", "assignment.redirected.af", ("redirected_to_af",)),
        ("SM-A6", "decision", "assignment.decided", ("decided",)),
        ("SM-A7", "providers' results shown", "choice.opened", ("results_shown",)),
        ("SM-A8", "client chooses", "provider.chosen", ("provider_chosen",)),
        ("SM-A9", "provider accepts", "assignment.accepted", ("accepted",)),
        ("SM-A10", "provider declines", "assignment.declined", ("declined",)),
        ("SM-A11", "start-up meeting held", "assignment.started", ("started",)),
        ("SM-A12", "placement starts", "placement.started, tripartite.served", ("placement_started",)),
        ("SM-A13", "client declines an offer", "offer.declined", ("offer_declined",)),
        ("SM-A14", "new assessment asked for", "reassessment.requested", ("reassessment_requested",)),
        ("SM-A15", "no change, or a complement", "reassessment.decided", ("reassessed",)),
        ("SM-A16", "replaced", "assignment.intervention.changed", ("reassessed", "exit_not_qualified")),
        ("SM-A17", "switch asked for", "provider.switch.requested", ("provider_switch",)),
        ("SM-A18", "switch approved", "provider.switched", ("manual_decision",)),
        ("SM-A19", "exit reported", "exit.reported", ("exited",)),
        ("SM-A20", "provisionally qualifying", "exit.qualified", ("exit_qualified",)),
        ("SM-A21", "not qualifying", "exit.closed.unqualified", ("exit_not_qualified",)),
        ("SM-A22", "period ended", "assignment.period.ended", ("period_ended",)),
        ("SM-A23", "broken off", "support.broken_off", ("broke_off",)),
        ("SM-A24", "resumed", "assignment.resumed", ("resumed",)),
        ("SM-A25", "not resumed", "assignment.not_resumed", ("not_resumed", "settled")),
        ("SM-A26", "assistance in the six months", "sustainability.eb_detected", ("bonus_blocked",)),
        ("SM-A27", "premium and bonus done", "assignment.settled", ("settled",)),
        ("SM-A28", "closed", "assignment.closed", ("closed",)),
        ("SM-A29", "support after the exit", "support.after_exit.logged", ("support_after_exit",)),
        ("SM-A30", "consent given or withdrawn", "consent.changed", ("consent_given",)),
    )
)


#: The three machines of money: ordinary month (8.4.1), premium month (8.4.2), bonus (8.5).
MONTH, PREMIUM, BONUS = "MONTH", "PREMIUM", "BONUS"

_S = MoneyState

#: By which event a state of each machine is told.
STATE_EVENTS: Mapping[tuple[str, MoneyState], str] = {
    (MONTH, _S.ACCRUING): "billing.month_opened",
    (MONTH, _S.PAYABLE): "billing.month_payable",
    (MONTH, _S.PAID): "billing.month_paid",
    (MONTH, _S.CORRECTED): "billing.month_corrected",
    (PREMIUM, _S.PLANNED): "billing.premium_planned",
    (PREMIUM, _S.PAYABLE): "billing.premium_payable",
    (PREMIUM, _S.ON_HOLD): "billing.premium_held",
    (PREMIUM, _S.STOPPED): "billing.premium_stopped",
    (PREMIUM, _S.PAID): "billing.premium_paid",
    (PREMIUM, _S.CORRECTED): "billing.premium_corrected",
    (BONUS, _S.CLOCK_RUNNING): "billing.bonus_clock_started",
    (BONUS, _S.FORFEITED): "billing.bonus_forfeited",
    (BONUS, _S.BLOCKED): "billing.bonus_blocked",
    (BONUS, _S.CLAIMABLE): "billing.bonus_claimable",
    (BONUS, _S.CLAIMED): "billing.bonus_claimed",
    (BONUS, _S.SUPPLEMENT_REQUESTED): "billing.bonus_supplement_requested",
    (BONUS, _S.APPROVED): "billing.bonus_approved",
    (BONUS, _S.REFUSED): "billing.bonus_refused",
    (BONUS, _S.PAID): "billing.bonus_paid",
}


@dataclass(frozen=True, slots=True)
class MoneyTransition(Transition):
    """A row of 8.4 or 8.5: from one of `before` (none: from nothing) to `state` of `machine`."""

    machine: str
    before: tuple[MoneyState, ...]
    state: MoneyState


def _money(
    id: str, what: str, proposed: str, machine: str, before: tuple[MoneyState, ...], state: MoneyState, *more: str
) -> MoneyTransition:
    # a claim that comes too early leaves the bonus as it is: only its rejection is told
    told = () if before == (state,) else (STATE_EVENTS[machine, state],)
    return MoneyTransition(id, what, proposed, (*more, *told), machine, before, state)


MONEY_TRANSITIONS: tuple[MoneyTransition, ...] = (
    _money("SM-P1", "a month of service begins", "payment.month.opened", MONTH, (), _S.ACCRUING),
    _money("SM-P2", "the month has ended, or an exit in it", "payment.payable", MONTH, (_S.ACCRUING,), _S.PAYABLE),
    _money("SM-P3", "payment run", "payment.paid", MONTH, (_S.PAYABLE,), _S.PAID),
    _money("SM-P4", "error found", "payment.corrected", MONTH, (_S.PAID,), _S.CORRECTED),
    _money("SM-P5", "provisionally qualifying exit", "premium.planned", PREMIUM, (), _S.PLANNED),
    _money("SM-P6", "month over, report confirms", "premium.payable", PREMIUM, (_S.PLANNED,), _S.PAYABLE),
    _money("SM-P7", "month over, no report", "premium.held", PREMIUM, (_S.PLANNED,), _S.ON_HOLD),
    _money("SM-P8", "late report confirms", "premium.payable", PREMIUM, (_S.ON_HOLD,), _S.PAYABLE),
    _money("SM-P9", "broken off", "premium.stopped", PREMIUM, (_S.PLANNED, _S.ON_HOLD), _S.STOPPED),
    _money("SM-P10", "payment run", "premium.paid", PREMIUM, (_S.PAYABLE,), _S.PAID),
    _money("SM-P11", "broken off, as found later", "premium.corrected", PREMIUM, (_S.PAID,), _S.CORRECTED),
    _money("SM-B1", "provisionally qualifying exit", "bonus.clock.started", BONUS, (), _S.CLOCK_RUNNING),
    _money("SM-B2", "broken off in the six months", "bonus.forfeited", BONUS, (_S.CLOCK_RUNNING,), _S.FORFEITED),
    _money("SM-B3", "assistance in the six months", "bonus.blocked", BONUS, (_S.CLOCK_RUNNING,), _S.BLOCKED),
    _money("SM-B4", "settle date reached", "bonus.claimable", BONUS, (_S.CLOCK_RUNNING,), _S.CLAIMABLE),
    _money(
        "SM-B5", "claimed too early", "bonus.claim.rejected", BONUS, (_S.CLOCK_RUNNING,), _S.CLOCK_RUNNING,
        "assignment.bonus_claim_rejected",
    ),
    _money(
        "SM-B6", "claim with certificate", "bonus.claimed", BONUS, (_S.CLAIMABLE,), _S.CLAIMED,
        "assignment.bonus_claimed",
    ),
    _money(
        "SM-B7", "evidence missing", "bonus.supplement.requested", BONUS, (_S.CLAIMABLE,), _S.SUPPLEMENT_REQUESTED
    ),
    _money(
        "SM-B8", "approved", "bonus.approved", BONUS, (_S.CLAIMED, _S.SUPPLEMENT_REQUESTED, _S.CLAIMABLE), _S.APPROVED
    ),
    _money("SM-B9", "refused", "bonus.refused", BONUS, (_S.CLAIMED, _S.SUPPLEMENT_REQUESTED), _S.REFUSED),
    _money("SM-B10", "payment run", "bonus.paid", BONUS, (_S.APPROVED,), _S.PAID),
)  # fmt: skip
