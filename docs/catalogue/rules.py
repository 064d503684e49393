"""Which rules an event serves: taken from where code and data say it, for the rest from the table below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from kundval_assignment.domain.state import GATES
from kundval_contracts.events import EVENTS
from kundval_contracts.notices import notice_table
from kundval_contracts.obligations import terms
from kundval_contracts.rules import register
from kundval_contracts.transitions import MONEY_TRANSITIONS, TRANSITIONS

_RUNS = re.compile(r"\b(SM-[A-Z])(\d+)((?:, [A-Z]\d+)*)")

#: Events whose rules no table of the code names.
MORE: Mapping[str, tuple[str, ...]] = {
    "assignment.provider_applied": ("SM-V1", "NACKA-1"),
    "assignment.provider_authorised": ("SM-V2", "NACKA-1"),
    "assignment.provider_review_opened": ("SM-V3",),
    "assignment.provider_review_closed": ("NACKA-15", "NACKA-18"),
    "assignment.provider_deauthorised": ("SM-V4",),
    "assignment.milestone_withdrawn": ("SM-A4", "SM-A14", "SM-A20", "SM-A21", "SM-A22", "SM-A26", "SM-A27"),
    "assignment.af_dispatch_changed": ("AMI-1.3.2-a", "AMI-2.2-b", "AMI-2.2-c", "LOKA-5", "LOKA-37"),
    "billing.posted": ("SM-P3", "SM-P4", "SM-P10", "SM-P11", "SM-B10"),
    "billing.state_withdrawn": ("SM-P4", "SM-P11"),
}

#: Events that serve no rule, and why there are such.
NO_RULE: Mapping[str, str] = {
    "assignment.tenant_opened": "set-up: carries the readings and tariffs by which every rule is computed",
    "assignment.registered": "set-up: an assignment has a number before any rule is asked",
    "assignment.fact_withdrawn": "correction: the rules are those of the fact that it takes back",
    "assignment.state_changed": "summary: the transitions are told by events of their own",
    "assignment.protection_changed": "secrecy (OSL 26:1), which is law and no rule of the rulebook",
    "assignment.person_erased": "retention, which is law and a municipality's own decision",
    "assignment.access_log_sealed": "proof that the access log is whole, which no rule asks for",
    "assignment.day_opened": "clock: the business date has moved",
    "scheduling.day_opened": "clock: the obligations of the business date have been told",
    "scheduling.obligations_changed": "many: each obligation in it names its own rules",
    "billing.payment_proposed": "payment routine of the municipality, outside the rulebook",
    "billing.payment_approved": "self-billing, outside the rulebook",
    "billing.payment_held": "payment routine of the municipality, outside the rulebook",
    "billing.payment_withdrawn": "payment routine of the municipality, outside the rulebook",
    "billing.payment_released": "payment routine of the municipality, outside the rulebook",
    "billing.payment_acknowledged": "accounting, outside the rulebook",
    "billing.period_closed": "accounting, outside the rulebook",
    "notifications.sent": "many: the rules are those of the notice, which its kind names",
    "notifications.delivered": "many: the rules are those of the notice, which its kind names",
    "notifications.by_hand": "many: the rules are those of the notice, which its kind names",
}


def rules_of(event: str) -> list[str]:
    """The ids of rules and transitions, each once, in the order in which they are found."""
    return list(dict.fromkeys([*_found(event), *MORE.get(event, ())]))


def _found(event: str) -> Iterator[str]:
    fact = event.removeprefix("assignment.")
    for row in (*TRANSITIONS, *MONEY_TRANSITIONS):
        if event in row.events:
            yield row.id
    for first, number, others in _RUNS.findall(EVENTS[event].about):
        yield first + number
        yield from (f"SM-{other}" for other in re.findall(r"[A-Z]\d+", others))
    for kind, gate in GATES.items():
        if kind == fact:
            yield from gate.rules
    for obligation in terms().values():
        if fact in obligation.met_by:
            yield from obligation.rules
    for notice in notice_table().values():
        if event in notice.causes or fact in notice.causes:
            yield from notice.rules


def unknown(ids: Iterable[str]) -> list[str]:
    """Those of `ids` that neither the register nor the transitions of the rulebook have."""
    return [one for one in ids if one not in register() and not re.fullmatch(r"SM-[A-Z]\d+", one)]
