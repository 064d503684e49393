"""Notices about what was told of an assignment beside its facts: choose anew, reports, claims, evidence, runs."""

from __future__ import annotations

from collections.abc import Iterator

from kundval_contracts.answer import Notice
from kundval_contracts.codes import NoticeKind, Role
from kundval_contracts.rules import rule

from .context import Context

K = NoticeKind
CLIENT, PROVIDER, GUIDE, CONTROLLER = Role.CLIENT, Role.PROVIDER, Role.CAREER_GUIDE, Role.CONTROLLER

CHOICE = "assignment.choice_required"
RETURNED = "assignment.report_returned"
#: what takes a returned report out of the provider's hands again
ANSWERED = frozenset({"assignment.report_submitted", "assignment.report_approved"})
OVERLAP = "assignment.claims_overlap"
REUSED = "assignment.evidence_reused"
PARKED = "billing.assignment_parked"
NAMES = ANSWERED | {CHOICE, RETURNED, OVERLAP, REUSED, PARKED}


@rule("NACKA-16", "NACKA-17")
def choose_anew(context: Context) -> Iterator[Notice]:
    """The client's provider is authorised no longer: the client is to choose anew."""
    for one in context.hear(CHOICE):
        for to in (CLIENT, GUIDE):
            yield context.notice(K.CHOOSE_ANEW, to, one.on, ("NACKA-16", "NACKA-17"), one.number)


@rule("NACKA-15")
def reports(context: Context) -> Iterator[Notice]:
    """A report that the career guide returned goes back to the provider (SM-R5)."""
    for one in context.hear(RETURNED):
        yield context.notice(
            K.REPORT_RETURNED,
            PROVIDER,
            one.on,
            ("SM-R5",),
            one.number,
            context.timeline.provider_on(one.on),
            report=one.data["kind"],
            number=one.data["sequence"],
        )


@rule("AMI-9-b", "AMI-9.2-b")
def claims(context: Context) -> Iterator[Notice]:
    """Claims of one person that may be about the same thing, and the same file as evidence elsewhere."""
    for one in context.hear(OVERLAP):
        if one.data["others"]:
            for to in (GUIDE, CONTROLLER):
                yield context.notice(K.CLAIMS_OVERLAP, to, one.on, ("AMI-9-b",), one.number)
    for one in context.hear(REUSED):
        yield context.notice(K.EVIDENCE_REUSED, CONTROLLER, one.on, ("AMI-9.2-b",), one.number)


@rule("NACKA-12")
def runs(context: Context) -> Iterator[Notice]:
    """A payment run that could post nothing of the assignment."""
    for one in context.hear(PARKED):
        yield context.notice(
            K.ASSIGNMENT_PARKED,
            CONTROLLER,
            one.on,
            ("NACKA-12",),
            one.number,
            run=one.data["run"],
            code=one.data["code"],
        )
