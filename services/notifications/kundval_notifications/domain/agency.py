"""Notices about the employment service: a registration that is missing, messages that came back or were not sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kundval_contracts.af.outgoing import messages
from kundval_contracts.answer import Notice
from kundval_contracts.codes import AfDispatchState, AfMessage, NoticeKind, Role
from kundval_contracts.rules import rule

from .context import Context

K, S, M = NoticeKind, AfDispatchState, AfMessage
PROVIDER, GUIDE = Role.PROVIDER, Role.CAREER_GUIDE

STANDS = "assignment.af_dispatch_changed"
OVERDUE = "assignment.af_report_overdue"
UNREGISTERED = "assignment.af_registration_missing"
NAMES = frozenset({STANDS, OVERDUE, UNREGISTERED})

#: where a message goes on only if somebody does something
WAITING = (S.NOT_APPROVED, S.FAILED, S.PARKED, S.MANUAL, S.EXPIRED)
#: what says that a client has no registration, or is the career guide's alone: no provider hears of it
_GUIDE_ONLY = frozenset({M.REGISTRATION_MISMATCH, M.COORDINATOR_HANDOFF})


@rule("AMI-1.3.2-a")
def registration(context: Context) -> Iterator[Notice]:
    """A client on financial assistance who was found not registered as jobseeker: the career guide, and nobody else."""
    for one in context.hear(UNREGISTERED):
        if one.data["missing"]:
            yield context.notice(
                K.AF_REGISTRATION_MISSING, GUIDE, one.on, ("AMI-1.3.2-a",), one.number, day=one.data["since"]
            )


@rule("AMI-1.3.2-a", "AMI-2.2-b", "AMI-2.2-c", "LOKA-5", "LOKA-36", "LOKA-37")
def returned(context: Context) -> Iterator[Notice]:
    """A message that came back, or does not leave by itself: the career guide, and the provider on whose behalf it was
    written of what was not approved. What did not leave is nothing that a provider can see to.
    """
    for one in context.hear(STANDS):
        kind, state = AfMessage(one.data["kind"]), AfDispatchState(one.data["state"])
        if state not in WAITING:
            continue
        provider = one.data["provider"]
        theirs = provider is not None and state is S.NOT_APPROVED and kind not in _GUIDE_ONLY
        for to in (GUIDE, PROVIDER) if theirs else (GUIDE,):
            yield context.notice(
                K.AF_REPORT_NOT_APPROVED,
                to,
                one.on,
                _rules(kind),
                one.number,
                provider,
                message=kind.value,
                stand=state.value,
            )


@rule("LOKA-5")
def overdue(context: Context) -> Iterator[Notice]:
    """What the employment service was to be told by a day that has passed, and nobody has submitted."""
    for one in context.hear(OVERDUE):
        if one.data["overdue"]:
            kind = AfMessage(one.data["kind"])
            yield context.notice(
                K.AF_REPORT_LATE,
                GUIDE,
                # whether the days before were opened one by one or all at once
                min(one.on, date.fromisoformat(one.data["due"]) + timedelta(days=1)),
                _rules(kind),
                one.number,
                message=kind.value,
                due=one.data["due"],
            )


def _rules(kind: AfMessage) -> tuple[str, ...]:
    """What a commission asks for that has no rule of its own answers to the commissioner (LOKA-5)."""
    return messages()[kind].rules or ("LOKA-5",)
