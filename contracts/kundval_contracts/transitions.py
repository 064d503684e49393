"""By which events the transitions of an assignment are told (rulebook 8.1, column "Events published").

The rulebook proposes event names; ours follow one pattern, `assignment.<fact>` for a fact and `assignment.<milestone>`
for what follows from facts. This is the bridge between the two: for who knows the rulebook and looks for the event.
"""

from __future__ import annotations

from dataclasses import dataclass


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
