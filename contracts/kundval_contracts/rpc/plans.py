"""Plans of many meetings at once: asked for, looked at, accepted or not. Nothing is booked before it is accepted."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import (
    MeetingKind,
    MeetingMode,
    MeetingParty,
    PlanFailure,
    PlanRowState,
    PlanSolver,
    PlanState,
)
from .base import MANAGERS, MOST, Message, PageAnswer, Reach, Shield, TenantRequest, add, code, count, identifier
from .results import LANGUAGES

#: weeks of a plan: as is usual, and at most
WEEKS, MOST_WEEKS = 4, 12
#: plans on a page
PLANS = 50


class RequestPlan(TenantRequest):
    """A plan of all meetings of a team that have no time, for `weeks` from the day `from` on (default: as soon as may
    be). GREEDY gives each meeting in turn the first time that is left: quick, and worse.
    """

    team = identifier(required=True)
    from_ = fields.Date(load_default=None, allow_none=True, data_key="from")
    weeks = fields.Integer(strict=True, load_default=WEEKS, validate=validate.Range(1, MOST_WEEKS))
    solver = code(PlanSolver, load_default=PlanSolver.SOLVER)


class PlanRequested(Message):
    plan = identifier(required=True)
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    until = fields.Date(required=True)
    state = code(PlanState, required=True)


class PlansRequest(TenantRequest):
    team = identifier(load_default=None, allow_none=True)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PLANS, validate=validate.Range(1, 500))


class PlanFigures(Message):
    """What a plan is worth. `overdue`: meetings whose day for booking has passed. `days`: from the target days, in sum.
    `travel`: minutes of everybody's way on the days that have a meeting of the plan. `gini`: how unevenly the staff
    who can be chosen are loaded, by share of a full time, per mille (0: alike). `by_hand`: meetings that are not for a
    plan. `cost`: by the weights of the solver, only to compare plans of the same meetings.
    """

    meetings = count(required=True)
    placed = count(required=True)
    overdue = count(required=True)
    overdue_placed = count(required=True)
    days = count(required=True)
    travel = count(required=True)
    gini = count(required=True)
    cost = count(required=True)
    rounds = count(required=True)
    by_hand = count(required=True)


class PlanRow(Message):
    """`rows`: how many meetings of the plan are in which state."""

    plan = identifier(required=True)
    team = identifier(required=True)
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    until = fields.Date(required=True)
    solver = code(PlanSolver, required=True)
    state = code(PlanState, required=True)
    requested_by = fields.String(required=True)
    requested_on = fields.Date(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_on = fields.Date(required=True, allow_none=True)
    failure = code(PlanFailure, required=True, allow_none=True)
    figures = fields.Nested(PlanFigures, required=True, allow_none=True)
    rows = fields.Dict(keys=code(PlanRowState), values=count(), required=True)


class Plans(PageAnswer):
    """The newest first."""

    plans = fields.List(fields.Nested(PlanRow), required=True)


class PlanRequest(TenantRequest):
    plan = identifier(required=True)


class PlanPage(PlanRequest):
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=500, validate=validate.Range(1, MOST))
    lang = fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


class PlannedParty(Message):
    role = code(MeetingParty, required=True)
    resource = identifier(required=True)


class PlannedMeeting(Message):
    """`code` (a `PlanReason`, or the code of booking that stood against it) and `text`: why it has no time, or could
    not be booked; `others`: with how many meetings of the plan it competes. The client takes part, and is not named.
    Of a protected person neither time nor people nor place.
    """

    meeting = identifier(required=True)
    assignment = identifier(required=True)
    kind = code(MeetingKind, required=True)
    target = fields.Date(required=True, allow_none=True)
    state = code(PlanRowState, required=True)
    on = fields.Date(required=True, allow_none=True)
    starts_at = fields.AwareDateTime(required=True, allow_none=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    mode = code(MeetingMode, required=True, allow_none=True)
    parties = fields.List(fields.Nested(PlannedParty), required=True)
    interpreter = identifier(required=True, allow_none=True)
    place = identifier(required=True, allow_none=True)
    room = identifier(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    others = count(required=True)
    text = fields.String(required=True, allow_none=True)


class PlanDetails(PageAnswer):
    """`meetings`: a page of them, in the order of their ids."""

    plan = fields.Nested(PlanRow, required=True)
    meetings = fields.List(fields.Nested(PlannedMeeting), required=True)


class AcceptPlan(PlanRequest):
    """`meetings`: only these; without it all that are proposed, 500 at a time. The rest can be accepted or rejected
    later.
    """

    meetings = fields.List(identifier(), load_default=None, allow_none=True, validate=validate.Length(1, 500))


class PlanAccepted(Message):
    """`refused`: what could no longer be booked; the plan says why. `left`: how many can still be accepted."""

    booked = fields.List(identifier(), required=True)
    refused = fields.List(identifier(), required=True)
    left = count(required=True)


class PlanRejected(Message):
    rejected = count(required=True)


add("scheduling.request_plan", "command", RequestPlan, PlanRequested, MANAGERS,
    "ask for a plan of all meetings of a team that have no time",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("scheduling.plans", "query", PlansRequest, Plans, MANAGERS, "list plans of meetings",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("scheduling.plan", "query", PlanPage, PlanDetails, MANAGERS,
    "show a plan: the times proposed, and why a meeting has none",
    reach=Reach.NOTHING, shield=Shield.PAYERS, rows="meetings")  # fmt: skip
add("scheduling.accept_plan", "command", AcceptPlan, PlanAccepted, MANAGERS, "book what a plan proposes, or some of it",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("scheduling.reject_plan", "command", PlanRequest, PlanRejected, MANAGERS, "let go of what a plan proposes",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
