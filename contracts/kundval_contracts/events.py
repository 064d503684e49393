"""Every event that the services publish: name, version, schema of `data`.

A fact in effect is an event of its own kind (`assignment.exited`): routing key = name, one CloudEvents object
(`envelope`). Consumers ignore fields that they do not know; publishers validate what they send. Nothing here
says who a person is: opaque ids, dates, codes. Texts that a fact carries (a reason, who decided, an
agreement) stay in assignment; the event says only whether there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from .codes import (
    AfDispatchState,
    AfMessage,
    AssignmentState,
    CancelReason,
    DeauthorisationGround,
    Direction,
    Document,
    ExitKind,
    FactKind,
    HoldReason,
    LineKind,
    MeetingKind,
    MeetingMeasure,
    MeetingMode,
    MeetingOutcome,
    MeetingParty,
    MoneyState,
    ObligationKind,
    ObligationState,
    OverlapGround,
    Ownership,
    PartyResponse,
    PaymentOutcome,
    Programme,
    ReassessmentCause,
    ReportKind,
    ReviewCause,
    Role,
    RunProblem,
    SubjectKind,
    SupervisionChannel,
)
from .envelope import type_of
from .facts import FACT_SCHEMAS, FREE_TEXT, KEPT_HERE, Fact
from .inputs import StepSchema
from .money import MoneyField
from .text import IDENTIFIER

SERVICES = ("assignment", "scheduling", "billing", "notifications")


@dataclass(frozen=True, slots=True)
class EventType:
    """One published event: `name` is `<service>.<what>`, `schema` describes `data`, `about` is for the catalogue."""

    name: str
    version: int
    schema: Schema
    about: str

    @property
    def type(self) -> str:
        """CloudEvents type, e.g. `se.kundval.assignment.exited.v1`."""
        return type_of(self.name, self.version)


class _Data(Schema):
    class Meta:
        unknown = EXCLUDE


def _code(enum: Any, **kwargs: Any) -> fields.Enum:
    return fields.Enum(enum, by_value=True, **kwargs)


def _id(**kwargs: Any) -> fields.String:
    return fields.String(validate=IDENTIFIER, **kwargs)


class _FactHead(_Data):
    """What every fact event carries. A higher `revision` of the same fact replaces a lower one."""

    assignment = _id(required=True)
    fact_id = _id(required=True)
    ordinal = fields.Integer(required=True)
    on = fields.Date(required=True)
    known_on = fields.Date(required=True)
    revision = fields.Integer(required=True)


class FactWithdrawn(_Data):
    """A fact that had been published no longer counts."""

    assignment = _id(required=True)
    fact_id = _id(required=True)
    fact = _code(FactKind, required=True)
    revision = fields.Integer(required=True)


class EventProvider(_Data):
    id = _id(required=True)
    ownership = _code(Ownership, required=True)
    authorised = fields.Dict(keys=_code(Programme), values=fields.Date(), required=True)
    deauthorised = fields.Dict(keys=_code(Programme), values=fields.Date())


class TenantOpened(_Data):
    """A municipality instance with the readings, tariffs and providers that hold in it."""

    municipality = _id(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    tariffs = fields.List(fields.Dict(keys=fields.String()), required=True)
    providers = fields.List(fields.Nested(EventProvider), required=True)


class EventPlan(_Data):
    extent_pct = fields.Integer(allow_none=True)
    job_search_quota = fields.Integer(allow_none=True)
    step_up = fields.List(fields.Nested(StepSchema), load_default=list)


class Registered(_Data):
    assignment = _id(required=True)
    programme = _code(Programme, required=True)
    delivery_area = fields.String(allow_none=True, load_default=None)
    plan = fields.Nested(EventPlan, required=True)


class DayOpened(_Data):
    """The tenant's business date has moved: everything known up to and including `date` has been told."""

    date = fields.Date(required=True)


class ProtectionChanged(_Data):
    """From now on (and in replays of what was before) whereabouts are for the services of the suite alone, or no
    longer so.
    """

    assignment = _id(required=True)
    restricted = fields.Boolean(required=True)


class PersonErased(_Data):
    """Who the person was is not known here any more; whoever holds anything by this id lets go of it."""

    person = _id(required=True)


class AccessLogSealed(_Data):
    """How many entries the access log has and the seal of the last (hexadecimal). Kept elsewhere, it shows a log that
    was shortened or written anew: `assignment.verify_access_log` takes it.
    """

    entries = fields.Integer(required=True)
    head = fields.String(required=True, validate=validate.Regexp(r"\A[0-9a-f]{64}\Z"))


class ProviderStands(_Data):
    """A provider and the programmes that it is about. `on`: the day from which it is so."""

    provider = _id(required=True)
    programmes = fields.List(_code(Programme), required=True)
    on = fields.Date(required=True)


class ProviderApplied(ProviderStands):
    ownership = _code(Ownership, required=True)


class ProviderReviewOpened(ProviderStands):
    causes = fields.List(_code(ReviewCause), required=True)


class ProviderDeauthorised(ProviderStands):
    """`ground` is null if the decision to authorise was taken back."""

    ground = _code(DeauthorisationGround, required=True, allow_none=True)


class ProviderSupervised(_Data):
    """Every day on which a provider was looked at, by channel. What is told later takes the place of all before."""

    provider = _id(required=True)
    channels = fields.Dict(keys=_code(SupervisionChannel), values=fields.List(fields.Date()), required=True)


class ChoiceRequired(_Data):
    """The client must choose anew: from `on` the provider cannot be chosen."""

    assignment = _id(required=True)
    provider = _id(required=True)
    on = fields.Date(required=True)


class StateChanged(_Data):
    assignment = _id(required=True)
    state = _code(AssignmentState, required=True)


class _Milestone(_Data):
    """What follows from the facts. A higher `revision` replaces a lower one of the same milestone (and exit)."""

    assignment = _id(required=True)
    revision = fields.Integer(required=True)


class ReassessmentRequested(_Milestone):
    cause = _code(ReassessmentCause, required=True)
    on = fields.Date(required=True)


class EndedBeforeDecision(_Milestone):
    state = _code(AssignmentState, required=True)


class PeriodEnded(_Milestone):
    on = fields.Date(required=True)


class ExitQualified(_Milestone):
    """`exit`: the fact's id; `on` is E, `first_day` W, `month` that of the intervention, `settle_on` as SM-A20 says."""

    exit = _id(required=True)
    on = fields.Date(required=True)
    first_day = fields.Date(required=True)
    kind = _code(ExitKind, required=True)
    month = fields.Integer(required=True)
    settle_on = fields.Date(required=True)


class ExitNotQualified(_Milestone):
    exit = _id(required=True)
    on = fields.Date(required=True)
    kind = _code(ExitKind, required=True)


class BonusBlocked(_Milestone):
    exit = _id(required=True)


class Settled(_Milestone):
    on = fields.Date(required=True, allow_none=True)


class MilestoneWithdrawn(_Milestone):
    """A milestone that had been told no longer holds: a fact was corrected or taken back."""

    milestone = fields.String(required=True, validate=validate.Regexp(r"\A[a-z_]{1,60}\Z"))
    exit = _id(allow_none=True, load_default=None)


class BonusClaimRejected(_Milestone):
    """A bonus claim that does not count: before the settle date, or when nobody could claim (SM-B5)."""

    fact_id = _id(required=True)
    on = fields.Date(required=True)
    code = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z0-9_]{1,60}\Z"))
    rules = fields.List(fields.String(), required=True)


class ClaimsOverlap(_Milestone):
    """Bonus claims of one person that may be about the same thing. `others`: the other assignments; empty: none now.
    `as_of`: the business date since which it is so.
    """

    others = fields.List(_id(), required=True)
    grounds = fields.List(_code(OverlapGround), required=True)
    as_of = fields.Date(allow_none=True, load_default=None)


class ReportEvent(_Data):
    """A report of rulebook 8.3. `revision` rises with every event about the reports of an assignment. `as_of`: the
    business date on which it came to be as is told.
    """

    assignment = _id(required=True)
    kind = _code(ReportKind, required=True)
    sequence = fields.Integer(required=True)
    part = fields.Integer(load_default=1)
    revision = fields.Integer(required=True)
    as_of = fields.Date(allow_none=True, load_default=None)


class ReportSubmitted(ReportEvent):
    """`deviation`: it tells of one, so the career guide decides about an extra meeting (AMI-8.1-e)."""

    version = fields.Integer(required=True)
    deviation = fields.Boolean(load_default=False)


class ReportOverdue(ReportEvent):
    due = fields.Date(required=True)


class AfDispatchChanged(_Data):
    """Where a message to the employment service stands, without what it says. `number`: of the resubmission, 0 first.
    `message` is the same for all of them; `revision` rises with every event about the same `message` and `number`.
    `provider`: on whose behalf it was written; null: the municipality's own.
    """

    assignment = _id(required=True)
    message = _id(required=True)
    kind = _code(AfMessage, required=True)
    number = fields.Integer(required=True)
    revision = fields.Integer(required=True)
    state = _code(AfDispatchState, required=True)
    provider = _id(required=True, allow_none=True)
    due = fields.Date(required=True, allow_none=True)
    late = fields.Boolean(required=True)
    as_of = fields.Date(required=True)


class AfReportOverdue(_Data):
    """`overdue`: the due day of what is to be told to the employment service has passed and nobody has submitted it;
    false: that is so no longer. `sequence`: which one of its kind. `revision` rises with what is told of an
    assignment's deadlines and registration.
    """

    assignment = _id(required=True)
    kind = _code(AfMessage, required=True)
    sequence = fields.Integer(required=True)
    due = fields.Date(required=True)
    overdue = fields.Boolean(required=True)
    revision = fields.Integer(required=True)
    as_of = fields.Date(required=True)


class AfRegistrationMissing(_Data):
    """`missing`: the client is on financial assistance and by the latest check not registered as jobseeker; false: that
    is so no longer. `since`: the day of the check. `revision` as in `AfReportOverdue`.
    """

    assignment = _id(required=True)
    since = fields.Date(required=True)
    missing = fields.Boolean(required=True)
    revision = fields.Integer(required=True)
    as_of = fields.Date(required=True)


class EventObligation(_Data):
    kind = _code(ObligationKind, required=True)
    sequence = fields.Integer(required=True)
    due = fields.Date(required=True, allow_none=True)
    overdue_after = fields.Date(allow_none=True, load_default=None)
    responsible = _code(Role, required=True)
    provider = _id(allow_none=True, load_default=None)
    state = _code(ObligationState, required=True)
    met_on = fields.Date(required=True, allow_none=True)
    rules = fields.List(fields.String(), required=True)


class ObligationKey(_Data):
    kind = _code(ObligationKind, required=True)
    sequence = fields.Integer(required=True)


class ObligationsChanged(_Data):
    """What differs from what was told before about one assignment. `revision` rises for each assignment.

    `as_of` is the business date on which they stand so; `scheduling.day_opened` follows when all of that date are told.
    """

    assignment = _id(required=True)
    revision = fields.Integer(required=True)
    as_of = fields.Date(required=True)
    changed = fields.List(fields.Nested(EventObligation), required=True)
    removed = fields.List(fields.Nested(ObligationKey), required=True)


class MeetingEvent(_Data):
    """A meeting (rulebook 8.2) as it stands for one assignment. `revision` rises with every event about the meeting.

    `attempt`: the n-th meeting of the same need; `version`: SEQUENCE of the invitation; `needed`: a rule asks for it,
    to be booked by `book_by` and held by `hold_by`. `as_of`: the business date on which what is told came about, of a
    meeting with a time. A meeting about several clients has an event for each.
    """

    meeting = _id(required=True)
    assignment = _id(required=True)
    kind = _code(MeetingKind, required=True)
    sequence = fields.Integer(required=True)
    attempt = fields.Integer(required=True)
    revision = fields.Integer(required=True)
    version = fields.Integer(required=True)
    needed = fields.Boolean(required=True)
    booker = _code(Role, allow_none=True, load_default=None)
    provider = _id(allow_none=True, load_default=None)
    mandatory = fields.List(_code(MeetingParty), required=True)
    target = fields.Date(allow_none=True, load_default=None)
    book_by = fields.Date(allow_none=True, load_default=None)
    hold_by = fields.Date(allow_none=True, load_default=None)
    rules = fields.List(fields.String(), required=True)
    as_of = fields.Date(allow_none=True, load_default=None)


class MeetingTime(MeetingEvent):
    """`on`: the business date of the booking. Without times it was booked elsewhere, as a fact told."""

    on = fields.Date(allow_none=True, load_default=None)
    starts_at = fields.AwareDateTime(allow_none=True, load_default=None)
    ends_at = fields.AwareDateTime(allow_none=True, load_default=None)
    mode = _code(MeetingMode, allow_none=True, load_default=None)


class MeetingHeld(MeetingTime):
    """`on`: the local day on which it was held, `minutes` how long. `attended`: whether the client of this assignment
    was there. `elsewhere`: a fact told of it, so that none follows from this event. `activity`: of a group session.
    """

    minutes = fields.Integer(allow_none=True, load_default=None)
    outcome = _code(MeetingOutcome, allow_none=True, load_default=None)
    measures = fields.List(_code(MeetingMeasure), load_default=list)
    attended = fields.Boolean(allow_none=True, load_default=None)
    activity = _id(allow_none=True, load_default=None)
    elsewhere = fields.Boolean(load_default=False)


class MeetingMissed(MeetingTime):
    """`on`: the local day for which it was booked; `absent`: in which roles somebody who had to be there was not."""

    absent = fields.List(_code(MeetingParty), required=True)


class MeetingCancelled(MeetingTime):
    """`starts_at`, `ends_at`: the time that is free again, if there was one."""

    reason = _code(CancelReason, required=True)


class MeetingAnswered(_Data):
    """Somebody has answered the present `version` of an invitation. A mandatory party that declines is for the `booker`
    to see to. Of a meeting about several clients only a client's own answer has an `assignment`.
    """

    assignment = _id()
    meeting = _id(required=True)
    version = fields.Integer(required=True)
    role = _code(MeetingParty, required=True)
    response = _code(PartyResponse, required=True)
    mandatory = fields.Boolean(required=True)
    booker = _code(Role, required=True, allow_none=True)
    as_of = fields.Date(allow_none=True, load_default=None)


class EvidenceReused(_Data):
    """`document` of `assignment` is byte for byte the same as evidence in `others`. What it is, stays in assignment."""

    assignment = _id(required=True)
    document = _id(required=True)
    others = fields.List(_id(), required=True)
    on = fields.Date(required=True, allow_none=True)


class EventPosting(_Data):
    entry = _id(required=True)
    provider = _id(required=True)
    kind = _code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    amount = MoneyField(required=True)
    reverses = fields.Date(allow_none=True, load_default=None)


class Posted(_Data):
    """New ledger entries of one assignment in a payment run; a negative amount takes an earlier one back."""

    assignment = _id(required=True)
    run = fields.Date(required=True)
    postings = fields.List(fields.Nested(EventPosting), required=True)


class EventMonth(_Data):
    """A month, or the rest of one, with the state told before. The period is half-open."""

    provider = _id(required=True)
    kind = _code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    before = _code(MoneyState, required=True, allow_none=True)
    amount = MoneyField(required=True)
    from_ = fields.Date(required=True, allow_none=True, data_key="from", attribute="from")
    to = fields.Date(required=True, allow_none=True)
    payable_from = fields.Date(required=True, allow_none=True)
    rules = fields.List(fields.String(), required=True)


class MonthsStand(_Data):
    """Months of an assignment that stand at `state` now. `revision` rises for each assignment with whatever is told of
    its money; of one month the highest counts. `amount` is what stands in the ledger, if anything does.
    """

    assignment = _id(required=True)
    revision = fields.Integer(required=True)
    as_of = fields.Date(required=True)
    state = _code(MoneyState, required=True)
    exit = _id(allow_none=True, load_default=None)
    months = fields.List(fields.Nested(EventMonth), required=True)


class BonusStands(_Data):
    """What a bonus stands at; `revision` as for months. `amount` is at stake until it is paid or lost; the first of
    `rules` is the one of its tier. `documents`, `cover`: what is missing of documents and of the proof of hourly work.
    """

    assignment = _id(required=True)
    revision = fields.Integer(required=True)
    as_of = fields.Date(required=True)
    provider = _id(required=True)
    kind = _code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    exit = _id(required=True, allow_none=True)
    state = _code(MoneyState, required=True)
    before = _code(MoneyState, required=True, allow_none=True)
    amount = MoneyField(required=True)
    from_ = fields.Date(required=True, allow_none=True, data_key="from", attribute="from")
    settle_on = fields.Date(required=True, allow_none=True)
    payable_from = fields.Date(required=True, allow_none=True)
    rules = fields.List(fields.String(), required=True)
    documents = fields.List(_code(Document), load_default=list)
    cover = fields.Boolean(load_default=False)


class WithdrawnState(_Data):
    provider = _id(required=True)
    kind = _code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    before = _code(MoneyState, required=True)


class StateWithdrawn(_Data):
    """Months or bonuses that had been told and of which there is nothing any more: a fact was corrected."""

    assignment = _id(required=True)
    revision = fields.Integer(required=True)
    as_of = fields.Date(required=True)
    items = fields.List(fields.Nested(WithdrawnState), required=True)


class PaymentEvent(_Data):
    """A payment of ledger entries of one provider and direction; it names no assignment. `run`: by which it was put
    together. `as_of`: the business date on which it came to be as is told.
    """

    payment = fields.Integer(required=True)
    run = fields.Date(required=True)
    provider = _id(required=True)
    direction = _code(Direction, required=True)
    as_of = fields.Date(allow_none=True, load_default=None)


class PaymentProposed(PaymentEvent):
    """`self_billing`: the provider has to approve it. The amount is without VAT."""

    amount = MoneyField(required=True)
    entries = fields.Integer(required=True)
    self_billing = fields.Boolean(required=True)


class PaymentAttested(PaymentEvent):
    """`self_billing`: now it waits for the provider's approval."""

    self_billing = fields.Boolean(required=True)


class PaymentReleased(PaymentEvent):
    amount = MoneyField(required=True)
    documents = fields.List(_id(), required=True)


class PaymentAcknowledged(PaymentEvent):
    outcome = _code(PaymentOutcome, required=True)


class PaymentParked(PaymentEvent):
    """`code`: why no document can be issued. It goes on when that is solved and payments are proposed again."""

    code = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z0-9_]{1,60}\Z"))


class PaymentHeld(PaymentEvent):
    reason = _code(HoldReason, required=True)


class AssignmentParked(_Data):
    """A run could post nothing of the assignment, and went on with the others."""

    assignment = _id(required=True)
    run = fields.Date(required=True)
    code = _code(RunProblem, required=True)


class PeriodClosed(_Data):
    """`month` by its first day. `carried`: entries that are held or parked and left to a later run, and their sum."""

    month = fields.Date(required=True)
    carried = fields.Integer(required=True)
    amount = MoneyField(required=True)


class Sent(_Data):
    """A message has been handed over. `assignment` is the id of what `about` says, an assignment as a rule."""

    about = _code(SubjectKind, load_default=SubjectKind.ASSIGNMENT)
    assignment = _id(required=True)
    kind = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z_]{1,60}\Z"))
    to = _code(Role, required=True)
    on = fields.Date(required=True)
    channel = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z_]{1,20}\Z"))


class LeftToAPerson(_Data):
    """A message goes out by no channel. `assignment` as in `Sent`. Not why: a reason would tell who is protected."""

    about = _code(SubjectKind, load_default=SubjectKind.ASSIGNMENT)
    assignment = _id(required=True)
    kind = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z_]{1,60}\Z"))
    to = _code(Role, required=True)
    on = fields.Date(required=True)


def _fact_schema(kind: FactKind) -> Schema:
    """The event of a fact: its own fields, with texts turned into 'there is one'."""
    said = {name: fields.Boolean(load_default=False) for name in FREE_TEXT.get(kind, ())}
    base = type(FACT_SCHEMAS[kind])
    meta = type("Meta", (), {"unknown": EXCLUDE})
    made: type[Schema] = type(f"{base.__name__}Event{kind.name}", (_FactHead, base), {"Meta": meta, **said})
    return made()


_ABOUT = {
    FactKind.DECIDED: "The intervention has been decided (D).",
    FactKind.PROVIDER_CHOSEN: "The client has chosen a provider.",
    FactKind.STARTED: "The start-up meeting has been held (S).",
    FactKind.EXITED: "The intervention has ended (E), with its kind.",
    FactKind.BROKE_OFF: "Work, studies or business after the exit were broken off (B).",
    FactKind.RESUMED: "The client has resumed the intervention.",
}

_MONEY: tuple[tuple[str, str], ...] = (
    ("billing.month_opened", "A month of service has begun (SM-P1)."),
    ("billing.month_payable", "A month can be paid (SM-P2)."),
    ("billing.month_paid", "A payment run has posted a month (SM-P3)."),
    ("billing.month_corrected", "A run has taken back what was posted of a month (SM-P4)."),
    ("billing.premium_planned", "An exit promises a speed premium for these months (SM-P5)."),
    ("billing.premium_payable", "A premium month is confirmed and can be paid (SM-P6, P8)."),
    ("billing.premium_held", "A premium month waits for a report, a document or a person (SM-P7)."),
    ("billing.premium_stopped", "A premium month will not be paid (SM-P9)."),
    ("billing.premium_paid", "A payment run has posted a premium month (SM-P10)."),
    ("billing.premium_corrected", "A run has taken back what was posted of a premium month (SM-P11)."),
    ("billing.bonus_clock_started", "The six months of a bonus have begun (SM-B1)."),
    ("billing.bonus_forfeited", "The six months did not hold (SM-B2)."),
    ("billing.bonus_blocked", "The test of the six months stands against the bonus (SM-B3)."),
    ("billing.bonus_claimable", "The six months are over: the bonus can be claimed (SM-B4)."),
    ("billing.bonus_claimed", "A complete claim waits for a person (SM-B6)."),
    ("billing.bonus_supplement_requested", "Evidence is missing from a claim (SM-B7)."),
    ("billing.bonus_approved", "A bonus can be paid (SM-B8)."),
    ("billing.bonus_refused", "A bonus is refused, by these rules (SM-B9)."),
    ("billing.bonus_paid", "A payment run has posted a bonus (SM-B10)."),
)

_OTHERS: tuple[tuple[str, Schema, str], ...] = (
    ("assignment.tenant_opened", TenantOpened(), "A municipality instance is open, or its settings were replaced."),
    ("assignment.registered", Registered(), "An assignment exists."),
    ("assignment.fact_withdrawn", FactWithdrawn(), "A fact no longer counts: withdrawn, or overruled by another."),
    ("assignment.state_changed", StateChanged(), "The assignment is in another state (rulebook 8.1)."),
    ("assignment.protection_changed", ProtectionChanged(), "Whereabouts are told to the suite alone, or no longer."),
    ("assignment.provider_applied", ProviderApplied(), "A provider has applied for authorisation."),
    ("assignment.provider_authorised", ProviderStands(), "A provider can be chosen for these programmes."),
    ("assignment.provider_review_opened", ProviderReviewOpened(), "An authorised provider is under review."),
    ("assignment.provider_review_closed", ProviderStands(), "The review has ended; the provider stays authorised."),
    ("assignment.provider_deauthorised", ProviderDeauthorised(), "A provider cannot be chosen any more."),
    ("assignment.provider_supervised", ProviderSupervised(), "A provider was looked at, or that was taken back."),
    ("assignment.choice_required", ChoiceRequired(), "A client's provider is authorised no longer: choose anew."),
    ("assignment.day_opened", DayOpened(), "The business date has moved."),
    ("assignment.person_erased", PersonErased(), "A person was erased after the time for which persons are kept."),
    ("assignment.access_log_sealed", AccessLogSealed(), "What the access log came to by the new business date."),
    ("assignment.reassessment_requested", ReassessmentRequested(), "A new assessment is asked for (SM-A14)."),
    ("assignment.ended_before_decision", EndedBeforeDecision(), "Not relevant or not eligible (SM-A4)."),
    ("assignment.period_ended", PeriodEnded(), "The period has run out without an exit (SM-A22)."),
    ("assignment.exit_qualified", ExitQualified(), "The exit provisionally leads to premium and bonus (SM-A20)."),
    ("assignment.exit_not_qualified", ExitNotQualified(), "The exit leads to neither premium nor bonus (SM-A21)."),
    ("assignment.bonus_blocked", BonusBlocked(), "Financial assistance within the six months (SM-A26)."),
    ("assignment.settled", Settled(), "Premium and bonus are done (SM-A27), or nobody resumes (SM-A25)."),
    ("assignment.bonus_claim_rejected", BonusClaimRejected(), "A bonus claim does not count (SM-B5)."),
    ("assignment.claims_overlap", ClaimsOverlap(), "Bonus claims of one person may be about the same thing."),
    ("assignment.milestone_withdrawn", MilestoneWithdrawn(), "Something that followed from facts does so no longer."),
    ("assignment.report_submitted", ReportSubmitted(), "A report is in (SM-R3); its fact is told by itself."),
    ("assignment.report_returned", ReportEvent(), "A report goes back; its fact counts no more (SM-R5)."),
    ("assignment.report_approved", ReportEvent(), "A report is approved and changes no more (SM-R6)."),
    ("assignment.report_overdue", ReportOverdue(), "The due day of a report has passed without it (SM-R4)."),
    (
        "assignment.af_dispatch_changed",
        AfDispatchChanged(),
        "A message to the employment service: sent, received, approved or not.",
    ),
    (
        "assignment.af_report_overdue",
        AfReportOverdue(),
        "What is to be told to the employment service was not submitted in time, or is so no longer.",
    ),
    (
        "assignment.af_registration_missing",
        AfRegistrationMissing(),
        "A client on financial assistance is not registered as jobseeker, or is so no longer.",
    ),
    ("assignment.evidence_reused", EvidenceReused(), "The same file is evidence in several assignments."),
    ("scheduling.day_opened", DayOpened(), "Obligations have been told as they stand on this business date."),
    ("scheduling.obligations_changed", ObligationsChanged(), "Obligations of an assignment: new, changed, gone."),
    ("scheduling.meeting_due", MeetingEvent(), "A rule asks for a meeting; it is to be booked (SM-M1)."),
    ("scheduling.meeting_booked", MeetingTime(), "A meeting has a time (SM-M2)."),
    ("scheduling.meeting_booking_overdue", MeetingEvent(), "A meeting should have been booked by now (SM-M3)."),
    ("scheduling.meeting_rebooked", MeetingTime(), "A meeting has another time, place or party (SM-M4)."),
    ("scheduling.meeting_held", MeetingHeld(), "A meeting was held (SM-M5)."),
    ("scheduling.meeting_missed", MeetingMissed(), "Somebody who had to be at a meeting was not there (SM-M6)."),
    ("scheduling.meeting_overdue", MeetingTime(), "A meeting was not held in time (SM-M7)."),
    ("scheduling.meeting_cancelled", MeetingCancelled(), "A meeting is not to be (SM-M8, or by decision)."),
    ("scheduling.meeting_reassigned", MeetingCancelled(), "A meeting is another provider's now (SM-M8)."),
    ("scheduling.meeting_answered", MeetingAnswered(), "Somebody has answered an invitation to a meeting."),
    ("billing.posted", Posted(), "Entries were posted to the ledger for an assignment."),
    *((name, BonusStands() if ".bonus_" in name else MonthsStand(), about) for name, about in _MONEY),
    ("billing.state_withdrawn", StateWithdrawn(), "Of these months or bonuses there is nothing any more."),
    ("billing.payment_proposed", PaymentProposed(), "What is to be paid to a provider has been put together."),
    ("billing.payment_attested", PaymentAttested(), "Two persons have attested a payment."),
    ("billing.payment_approved", PaymentEvent(), "The provider has approved a payment (self-billing)."),
    ("billing.payment_disputed", PaymentEvent(), "The provider declines a payment (self-billing)."),
    ("billing.payment_held", PaymentHeld(), "A payment is held until somebody ends the hold."),
    ("billing.payment_parked", PaymentParked(), "A payment waits for a problem to be solved; others go on."),
    ("billing.payment_withdrawn", PaymentEvent(), "A payment is not to be; its entries are proposed anew."),
    ("billing.payment_released", PaymentReleased(), "A payment is on its way."),
    ("billing.payment_acknowledged", PaymentAcknowledged(), "The accounting system took a payment, or refused it."),
    ("billing.assignment_parked", AssignmentParked(), "A run could post nothing of an assignment."),
    ("billing.period_closed", PeriodClosed(), "A month is closed: no run is made in it any more."),
    ("notifications.sent", Sent(), "A message was sent."),
    ("notifications.delivered", Sent(), "The receiving side has confirmed a message."),
    ("notifications.by_hand", LeftToAPerson(), "A message goes out by no channel: a person has to tell it."),
)

#: Every event by name.
EVENTS: dict[str, EventType] = {
    **{
        f"assignment.{kind}": EventType(
            f"assignment.{kind}", 1, _fact_schema(kind), _ABOUT.get(kind, f"The fact `{kind}` is in effect.")
        )
        for kind in FactKind
        if kind not in KEPT_HERE
    },
    **{name: EventType(name, 1, schema, about) for name, schema, about in _OTHERS},
}

#: Stands in a masked copy in place of a text that says, or helps to find out, where a person is.
MASKED = "MASKED"

#: Texts that stay in a masked copy. Every other text, list of texts and free structure is masked: so is a new field,
#: until somebody has found that it tells no place (a provider, a workplace, a unit, an activity, a person each do).
TELLS_NO_PLACE = frozenset(
    {"assignment", "fact_id", "exit", "entry", "meeting", "message", "kind", "milestone", "channel", "rules", "head"}
)

#: Codes that are masked too. Every other code, and every number, day and yes or no, stays.
PLACE_CODES = frozenset({"place"})

#: Times that are masked: when a person is to be somewhere. Other days and times tell of what has been done.
MEETING_TIMES = frozenset({"starts_at", "ends_at"})

_KEPT = (fields.Enum, fields.Number, fields.Boolean, fields.Date, fields.DateTime, fields.Time, MoneyField)


def masked(name: str, data: Mapping[str, Any], schema: Schema | None = None) -> dict[str, Any]:
    """`data` of an event for those who may not know where the person is: nothing in it says so, and it fits the schema
    (of a former version: the one given).

    Fields that the schema does not have are left out, and of an unknown event all.
    """
    kind = EVENTS.get(name)
    return _masked_object(schema or kind.schema, data) if kind else {}


def _masked_object(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.data_key or name: field for name, field in schema.fields.items()}
    return {key: _masked_value(known[key], key, value) for key, value in data.items() if key in known}


def _masked_value(field: fields.Field[Any], key: str, value: Any) -> Any:
    if value is None:
        return None
    if key in PLACE_CODES or key in MEETING_TIMES:
        return _hidden(field)
    if isinstance(field, fields.Nested) and isinstance(value, dict):
        return _masked_object(field.schema, value)
    if isinstance(field, fields.List) and isinstance(value, list):
        return [_masked_value(field.inner, key, item) for item in value]
    if key in TELLS_NO_PLACE or isinstance(field, _KEPT) or _is_code(field):
        return value
    return _hidden(field)


def _is_code(field: fields.Field[Any]) -> bool:
    return isinstance(field, fields.String) and any(isinstance(one, validate.OneOf) for one in field.validators)


def _hidden(field: fields.Field[Any]) -> Any:
    """What stands for a value that is not told: the code if the field takes it, else null or nothing."""
    if isinstance(field, fields.String):
        with suppress(ValidationError):
            field.deserialize(MASKED)
            return MASKED
    if field.allow_none:
        return None
    return [] if isinstance(field, fields.List) else {}


_HEAD = ("assignment", "fact_id", "ordinal", "on", "known_on", "revision")


def fact_event(assignment: str, fact: Fact, revision: int) -> dict[str, Any]:
    """`data` of the event `assignment.<kind>`: JSON primitives without any text that the fact carries."""
    texts = FREE_TEXT.get(fact.kind, ())
    data = {
        **{name: (bool(value) if name in texts else value) for name, value in fact.data.items()},
        "assignment": assignment,
        "fact_id": fact.id,
        "ordinal": fact.place,
        "on": fact.on,
        "known_on": fact.known_on,
        "revision": revision,
    }
    return EVENTS[f"assignment.{fact.kind}"].schema.dump(data)


def fact_from_event(name: str, data: Mapping[str, Any]) -> Fact:
    """The fact that an event `assignment.<kind>` carries. Raises marshmallow.ValidationError, KeyError."""
    kind = FactKind(name.partition(".")[2])
    loaded = EVENTS[name].schema.load(data)
    rest = {key: value for key, value in loaded.items() if key not in _HEAD}
    on: date = loaded["on"]
    return Fact(loaded["fact_id"], kind, on, loaded["known_on"], loaded["ordinal"], rest)
