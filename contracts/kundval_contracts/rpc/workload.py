"""What is due, overdue and not booked for a team or a provider, and whether there is time for it."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import WorkloadPeriod, WorkloadSubject
from .base import (
    PROVIDER,
    STAFF,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
)
from .results import LANGUAGES, Csv, Page

WEEKS, MOST_WEEKS = 12, 52
#: ids of assignments without follow-up that a workload names; the others are on `scheduling.without_follow_up`
FIRST = 100


def _not_both(data: dict[str, Any]) -> None:
    if data["team"] is not None and data["provider"] is not None:
        raise ValidationError("name a team or a provider, not both", "team")


class WorkloadRequest(TenantRequest):
    """Of a team, of a provider, or of everybody. A provider sees itself whatever it asks for, and names no team."""

    team = identifier(load_default=None, allow_none=True)
    provider = identifier(load_default=None, allow_none=True)
    weeks = fields.Integer(strict=True, load_default=WEEKS, validate=validate.Range(1, MOST_WEEKS))

    @validates_schema(skip_on_field_errors=True)
    def _one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        """One of `team` and `provider`, not both."""
        _not_both(data)


class WorkloadPageRequest(WorkloadRequest):
    lang = fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


class WorkloadSums(Message):
    """due: obligations that are open. overdue: late ones. met: of those that are due within the weeks. unbooked:
    meetings that nobody has booked.
    """

    due = count(required=True)
    overdue = count(required=True)
    met = count(required=True)
    unbooked = count(required=True)


class WorkloadWeek(WorkloadSums):
    """`week` as `2026-W53` and its Monday, for a week; null for what is before or after the weeks or has no day."""

    period = code(WorkloadPeriod, required=True)
    week = fields.String(required=True, allow_none=True)
    monday = fields.Date(required=True, allow_none=True)


class WorkloadKind(WorkloadSums):
    """`kind` is one of obligations, or of meetings for the subject MEETING."""

    subject = code(WorkloadSubject, required=True)
    kind = fields.String(required=True)


class WorkloadTeam(WorkloadSums):
    """`team` is null for the assignments that have none."""

    team = identifier(required=True, allow_none=True)


class WorkloadCapacity(Message):
    """Whole minutes of staff in a week; the first week counts from the business date on.

    `booked`: meetings that have a time. `unbooked`: needed meetings without one, in the first week also those that are
    late or have no day. `expected`: obligations that ask for a meeting of which there is no row yet. `contacts`: what
    active assignments need each week. `demand` is the sum of the four, `missing` what it is above the capacity.
    """

    week = fields.String(required=True)
    monday = fields.Date(required=True)
    capacity = count(required=True)
    booked = count(required=True)
    unbooked = count(required=True)
    expected = count(required=True)
    contacts = count(required=True)
    demand = count(required=True)
    missing = count(required=True)
    short = fields.Boolean(required=True)


class WorkloadStaff(Message):
    """`full_time_equivalents` is a number with three decimals, as text. Who has no hours adds no capacity."""

    persons = count(required=True)
    full_time_equivalents = fields.String(required=True)
    without_hours = count(required=True)


class WithoutFollowUpFirst(Message):
    """`assignments` are the first ones; `total` counts all."""

    total = count(required=True)
    assignments = fields.List(identifier(), required=True)


class WorkloadAnswer(Message):
    """The numbers by week, by kind and by team add up to `total`. `teams` is empty unless everybody's is asked for.
    `contacts_counted`: whether the municipality has said how long a contact takes.
    """

    as_of = fields.Date(required=True)
    team = identifier(required=True, allow_none=True)
    provider = identifier(required=True, allow_none=True)
    active = count(required=True)
    total = fields.Nested(WorkloadSums, required=True)
    weeks = fields.List(fields.Nested(WorkloadWeek), required=True)
    kinds = fields.List(fields.Nested(WorkloadKind), required=True)
    teams = fields.List(fields.Nested(WorkloadTeam), required=True)
    staff = fields.Nested(WorkloadStaff, required=True)
    capacity = fields.List(fields.Nested(WorkloadCapacity), required=True)
    contacts_counted = fields.Boolean(required=True)
    without_follow_up = fields.Nested(WithoutFollowUpFirst, required=True)


class WithoutFollowUpRequest(PageRequest):
    team = identifier(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        """One of `team` and `provider`, not both."""
        _not_both(data)


class WithoutFollowUpRow(Message):
    """`since`: the first day of the stretch in which the assignment runs."""

    assignment = identifier(required=True)
    since = fields.Date(required=True)
    provider = identifier(required=True, allow_none=True)
    team = identifier(required=True, allow_none=True)


class WithoutFollowUp(PageAnswer):
    assignments = fields.List(fields.Nested(WithoutFollowUpRow), required=True)


add("scheduling.workload", "query", WorkloadRequest, WorkloadAnswer, STAFF | PROVIDER,
    "count what is due, overdue and not booked by week, and hold demand against capacity",
    reach=Reach.ITSELF, shield=Shield.PAYERS)  # fmt: skip
add("scheduling.workload_csv", "query", WorkloadRequest, Csv, STAFF | PROVIDER,
    "count what is due, overdue and not booked by week, as CSV",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("scheduling.workload_page", "query", WorkloadPageRequest, Page, STAFF | PROVIDER,
    "show what is due, overdue and not booked, as a page to read or print",
    reach=Reach.ITSELF, shield=Shield.PAYERS)  # fmt: skip
add("scheduling.without_follow_up", "query", WithoutFollowUpRequest, WithoutFollowUp, STAFF | PROVIDER,
    "list the active assignments that have no planned follow-up",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="assignments")  # fmt: skip
