"""When the registration as jobseeker is looked up, and what an answer comes to for an assignment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import AfCheckMoment, FactKind, Programme
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Timeline

_K = FactKind


@dataclass(frozen=True, slots=True)
class Check:
    """A look-up that has not been made: for which moment, and from which day on."""

    moment: AfCheckMoment
    due: date


@rule("AMI-1.3.2-a")
def check_due(case: Case, tenant: Tenant, today: date, *, receives_eb: bool) -> Check | None:
    """The look-up that is due on a day, the earliest first; None if there is none. Facts in effect.

    The source names no interval. For clients on financial assistance: before the decision, at the start-up, and the
    lead time before each follow-up meeting of AMI; until the exit. One look-up serves all moments that it comes after.
    """
    if not receives_eb or case.first(_K.EXITED) or case.first(_K.REJECTED) or case.first(_K.REDIRECTED_TO_AF):
        return None
    last = max((fact.on for fact in case.of(_K.AF_REGISTRATION_CHECKED) if fact.on <= today), default=None)
    for check in _moments(case, tenant, today):
        if check.due <= today and (last is None or last < check.due):
            return check
    return None


def _moments(case: Case, tenant: Tenant, today: date) -> Iterator[Check]:
    timeline, lead = Timeline(case, tenant.settings), tenant.settings["booking_lead_days"]
    if timeline.decided_on is None:
        first = case.first(_K.REFERRED) or case.first(_K.ASSESSED)
        yield Check(AfCheckMoment.DECISION, first.on if first else today)
        return
    if timeline.started_on is not None:
        yield Check(AfCheckMoment.START_UP, timeline.started_on)
    for target in _follow_ups(timeline, tenant):
        yield Check(AfCheckMoment.FOLLOW_UP, add_days(target, -lead))


def _follow_ups(timeline: Timeline, tenant: Tenant) -> Iterator[date]:
    """The days for which follow-up meetings are planned, without what a resumption changes: a check may come early."""
    anchor, end = timeline.anchor, timeline.end
    if anchor is None or end is None or not timeline.programme.is_ami:
        return
    if timeline.programme is Programme.AMI_1:
        targets = [add_days(anchor, tenant.settings["ami1.followup.offset_days"])]
    else:
        targets = [add_months(anchor, months) for months in tenant.settings["ami2.followup.months"]]
    yield from (target for target in targets if target <= end)
