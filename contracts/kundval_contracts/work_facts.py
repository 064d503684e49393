"""Fields of the facts on the road to a decision, of the work itself, and of what comes after an exit.

Fields of other kinds stand in `facts`, which joins both. What is said in words, and what tells of health or
circumstances, is named in `WORK_TEXTS` and never leaves the assignment service.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from . import fact_fields as f
from .codes import (
    AbsenceCause,
    ActivityCategory,
    Actor,
    AfCheckResult,
    AfWait,
    Channel,
    CommissionedService,
    ConsentScope,
    DeviationOutcome,
    EmploymentForm,
    FactKind,
    Financier,
    ForumParty,
    LegalBasis,
    Need,
    Obstacle,
    Offer,
    ParticipationGround,
    PlacementStepKind,
    PlanBrokenReason,
    Programme,
    ProgressKind,
    ReassessmentOutcome,
    ReferralSource,
    RejectionReason,
    RepresentationManner,
    RiskGroup,
    SubsidyStepKind,
    WorkplaceKind,
)
from .rules import rule

# --- from referral to decision -------------------------------------------------------------------------


class ReferredFields(f.Fields):
    """SM-A1. `commission_end` and `commission_question` belong to AF's and FK's assignments (LOKA-5)."""

    source = f.code(ReferralSource, required=True)
    financier = f.code(Financier)
    referrer = f.code(Actor)
    commission_end = f.counted_from(allow_none=True)
    commission_question = f.text()
    override_reason = f.text()
    service = f.code(CommissionedService)
    ground = f.code(ParticipationGround, load_default=ParticipationGround.LABOUR_MARKET)
    long_term_sick = fields.Boolean()

    @validates_schema(skip_on_field_errors=True)
    def _financed(self, data: dict[str, Any], **_: Any) -> None:
        if data["source"] is ReferralSource.PROJECT and "financier" not in data:
            raise ValidationError("required for PROJECT", "financier")


class PreparedFields(f.Fields):
    """Both outputs of the preparation (LOKA-13): is the person relevant, and what is the overall purpose."""

    relevant = fields.Boolean(required=True)
    purpose = f.text()
    parties = f.codes(ForumParty, load_default=list)


class ReasonFields(f.Fields):
    reason = f.text()


class AssessedFields(f.Fields):
    channel = f.code(Channel, required=True)
    needs = f.codes(Need, load_default=list)
    obstacles = f.codes(Obstacle, load_default=list)
    risk_groups = f.codes(RiskGroup, load_default=list)


class AfCheckedFields(f.Fields):
    """NACKA-4; `near_labour_market` is AF's own judgement (AF-GEN-3), `manual`: looked up by a person."""

    result = f.code(AfCheckResult, required=True)
    near_labour_market = fields.Boolean()
    manual = fields.Boolean()


class AfRegistrationFields(f.Fields):
    registered = fields.Boolean(required=True)


class CircumstancesFields(f.Fields):
    """What has changed of the client; what is not named stays as it was."""

    resident = fields.Boolean()
    receives_eb = fields.Boolean()
    work_ability_pct = f.percent()
    outside_work_and_studies = fields.Boolean()
    in_kaa = fields.Boolean()
    establishment_period_ended = fields.Boolean()
    language_obstacle = fields.Boolean()
    work_obstacle = fields.Boolean()

    @validates_schema(skip_on_field_errors=True)
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("names nothing that has changed")


class RejectedFields(f.Fields):
    reason = f.code(RejectionReason, required=True)


class DescribedStepFields(f.Fields):
    from_ = f.counted_from(required=True, data_key="from", attribute="from")
    extent_pct = f.percent(required=True)


class DescribedPlanFields(f.Fields):
    extent_pct = f.percent(allow_none=True)
    job_search_quota = f.count(allow_none=True)
    step_up = fields.List(fields.Nested(DescribedStepFields), load_default=list)


class DescribedFields(f.Fields):
    """The assignment description (AMI-8.1-a, 8.1-b, 7.3-a, 6-a). Its plan takes the place of the one registered."""

    plan = fields.Nested(DescribedPlanFields)
    practice_needed = fields.Boolean()
    work_training_stated = fields.Boolean()
    other_actors_checked = fields.Boolean()


class UnitFields(f.Fields):
    unit = f.identifier(required=True)


class OwnerFields(f.Fields):
    """Who holds the case: an opaque id of the person, and the function (LOKA-39, LOKA-40)."""

    owner = f.identifier(required=True)
    function = f.identifier(required=True)
    reason = f.text()


class TrackFields(f.Fields):
    programme = f.code(Programme, required=True)


class SwitchNoticeFields(f.Fields):
    provider = f.identifier(required=True)


# --- the work itself -----------------------------------------------------------------------------------


class ActivityFields(f.Fields):
    """An activity, of the municipality's catalogue or another; each has one category (LOKA-17, LOKA-18).

    criteria: terms of admission that a person states as met, beside what the assessment says (LOKA-62).
    """

    activity = f.identifier(required=True)
    category = f.code(ActivityCategory, required=True)
    group = fields.Boolean()
    minutes = f.count(allow_none=True)
    hours_per_week = f.hours(allow_none=True)
    until = f.counted_from(allow_none=True)
    delivered_by = f.identifier(allow_none=True)
    purchased = fields.Boolean()
    criteria = fields.List(f.identifier())


class ActivityEndedFields(f.Fields):
    activity = f.identifier(required=True)


class AttendanceFields(f.Fields):
    activity = f.identifier(required=True)
    session = f.identifier(required=True)
    attended = fields.Boolean(required=True)
    excused = fields.Boolean()


class JobSearchRestrictedFields(f.Fields):
    """A search in less than the whole country (AMI-1.3.1-a); without `until`, until further notice."""

    until = f.counted_from(allow_none=True)
    reason = f.text()


class PlacementStepFields(f.Fields):
    workplace = f.identifier(required=True)
    step = f.code(PlacementStepKind, required=True)
    workplace_kind = f.code(WorkplaceKind)
    participant_positive = fields.Boolean()
    employer_positive = fields.Boolean()
    accompanied = fields.Boolean()


class AdaptationFields(f.Fields):
    workplace = f.identifier(required=True)
    works = fields.Boolean()
    what = f.text()


class WorkplaceFields(f.Fields):
    workplace = f.identifier(required=True)


class OfferMadeFields(f.Fields):
    offer = f.code(Offer, required=True)
    workplace = f.identifier(allow_none=True)


class InterestFields(f.Fields):
    workplace = f.identifier(allow_none=True)
    occupation = f.identifier(allow_none=True)


class ReassessedFields(f.Fields):
    outcome = f.code(ReassessmentOutcome, required=True)
    next_intervention = f.identifier(allow_none=True)
    reason = f.text()


class DeviationReviewedFields(f.Fields):
    month = f.month(required=True)
    outcome = f.code(DeviationOutcome, required=True)


class SubsidyStepFields(f.Fields):
    """A step of one wage-subsidy case. `form` is the subsidy; days are those of AF's decision (LOKA-36)."""

    subsidy = f.identifier(required=True)
    step = f.code(SubsidyStepKind, required=True)
    form = f.code(EmploymentForm)
    granted = fields.Boolean()
    valid_from = f.counted_from(allow_none=True)
    valid_to = f.counted_from(allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _decision_has_its_days(self, data: dict[str, Any], **_: Any) -> None:
        """A decision of AF says whether it was granted, and a granted one from which day."""
        if data["step"] is not SubsidyStepKind.AF_DECIDED:
            return
        missing = {name: ["required for AF_DECIDED"] for name in ("granted",) if data.get(name) is None}
        if data.get("granted"):
            missing |= {name: ["required for a granted one"] for name in ("valid_from",) if data.get(name) is None}
        if missing:
            raise ValidationError(missing)


class RepresentedFields(f.Fields):
    towards = f.code(Actor, required=True)
    manner = f.code(RepresentationManner, required=True)
    mandate = f.identifier(allow_none=True)


@rule("LOKA-26")
class CheckInFields(f.Fields):
    """`contributions`: the functions that took part beside the one who holds the process (LOKA-26)."""

    contributions = fields.List(f.identifier(), load_default=list)
    reflection = f.text()


@rule("AMI-1.2-c", "LOKA-50")
class ProgressFields(f.Fields):
    """A step forward that is no exit: towards the goals of the assignment, or as the report of LOKA has them."""

    kind = f.code(ProgressKind, required=True)
    before = f.text()
    after = f.text()


@rule("NACKA-25", "LOKA-34")
class OtherActorFields(f.Fields):
    """Somebody else around the client, and for what: the planned activities or the life situation as a whole."""

    actor = f.code(Actor, required=True)
    involved = fields.Boolean(required=True)
    affects_full_time = fields.Boolean()
    purpose = f.text()


class ConsentFields(f.Fields):
    scope = f.code(ConsentScope, required=True)


class CoordinatorInformedFields(f.Fields):
    legal_basis = f.code(LegalBasis, allow_none=True)


@rule("NACKA-JP-3")
class AbsenceFields(f.Fields):
    """An absence from its first day on: so many days, with a reason that counts or not, with a certificate or not."""

    days = f.count(1, required=True)
    cause = f.code(AbsenceCause, required=True)
    certificate = fields.Boolean(load_default=False)


@rule("LOKA-30")
class PlanBrokenFields(f.Fields):
    """The planning has been recorded as broken: told, never decided here; assistance is another's decision."""

    reason = f.code(PlanBrokenReason, required=True)


class BenefitBasisFields(f.Fields):
    """Work for an application for sickness or activity compensation (LOKA-48): health, so only that there is some."""

    supplemented = fields.Boolean()
    documents = fields.List(f.identifier(), load_default=list)


@rule("AF-SOM-34")
class WaitFields(f.Fields):
    """Waiting for the employment service from the fact's day on, and its answer: so that delays can be explained."""

    what = f.code(AfWait, required=True)


class NoteFields(f.Fields):
    text = f.text(required=True)


class SupportFields(f.Fields):
    activity = f.identifier(allow_none=True)
    text = f.text()


K = FactKind
WORK_SCHEMAS: dict[FactKind, Schema] = {
    K.REFERRED: ReferredFields(),
    K.PREPARATION_OPENED: f.Nothing(),
    K.PREPARED: PreparedFields(),
    K.STEPPED_BACK: ReasonFields(),
    K.ASSESSED: AssessedFields(),
    K.AF_CHECKED: AfCheckedFields(),
    K.AF_REGISTRATION_CHECKED: AfRegistrationFields(),
    K.CIRCUMSTANCES_CHANGED: CircumstancesFields(),
    K.YOUTH_GUARANTEE_INFORMED: f.Nothing(),
    K.REJECTED: RejectedFields(),
    K.REDIRECTED_TO_AF: f.Nothing(),
    K.DESCRIBED: DescribedFields(),
    K.UNIT_ASSIGNED: UnitFields(),
    K.OWNER_ASSIGNED: OwnerFields(),
    K.TRACK_DECIDED: TrackFields(),
    K.SWITCH_NOTIFIED: SwitchNoticeFields(),
    K.ACTIVITY_PLANNED: ActivityFields(),
    K.ACTIVITY_HELD: ActivityFields(),
    K.ACTIVITY_ENDED: ActivityEndedFields(),
    K.GROUP_ATTENDANCE: AttendanceFields(),
    K.JOB_SEARCH_RESTRICTED: JobSearchRestrictedFields(),
    K.PLACEMENT_STEP: PlacementStepFields(),
    K.ADAPTATION_AGREED: AdaptationFields(),
    K.AGREEMENT_SERVED: WorkplaceFields(),
    K.OFFER_MADE: OfferMadeFields(),
    K.INTEREST_EXPRESSED: InterestFields(),
    K.OBSTACLE_FOUND: f.Nothing(),
    K.REASSESSED: ReassessedFields(),
    K.DEVIATION_REVIEWED: DeviationReviewedFields(),
    K.SUBSIDY_STEP: SubsidyStepFields(),
    K.REPRESENTED: RepresentedFields(),
    K.CHECK_IN: CheckInFields(),
    K.PROGRESS_STEP: ProgressFields(),
    K.OTHER_ACTOR: OtherActorFields(),
    K.CONSENT_GIVEN: ConsentFields(),
    K.CONSENT_WITHDRAWN: ConsentFields(),
    K.COORDINATOR_REQUESTED: f.Nothing(),
    K.COORDINATOR_BROKERED: f.Nothing(),
    K.COORDINATOR_INFORMED: CoordinatorInformedFields(),
    K.ABSENCE_REPORTED: AbsenceFields(),
    K.PLAN_BROKEN: PlanBrokenFields(),
    K.SIDE_TRACK_CHOSEN: ReasonFields(),
    K.BENEFIT_BASIS: BenefitBasisFields(),
    K.COMMISSIONER_REPLIED: f.Nothing(),
    K.WAITING_FOR_AF: WaitFields(),
    K.AF_ANSWERED: WaitFields(),
    K.NOTE: NoteFields(),
    K.TRIAL_CALCULATED: f.Nothing(),
    K.NOT_RESUMED: f.Nothing(),
    K.CLOSED: f.Nothing(),
    K.SUPPORT_AFTER_EXIT: SupportFields(),
}

#: Fields that never leave the assignment service; see `facts.FREE_TEXT`.
WORK_TEXTS: dict[FactKind, tuple[str, ...]] = {
    K.REFERRED: ("referrer", "commission_question", "override_reason", "long_term_sick"),
    K.PREPARED: ("purpose",),
    # one of the reasons tells of a low ability to work
    K.REJECTED: ("reason",),
    K.STEPPED_BACK: ("reason",),
    K.ASSESSED: ("needs", "obstacles", "risk_groups"),
    K.CIRCUMSTANCES_CHANGED: tuple(name for name in CircumstancesFields().fields if name != "receives_eb"),
    K.DESCRIBED: ("plan",),
    K.ACTIVITY_PLANNED: ("criteria",),
    K.ACTIVITY_HELD: ("criteria",),
    K.OWNER_ASSIGNED: ("owner", "reason"),
    K.JOB_SEARCH_RESTRICTED: ("reason",),
    K.ADAPTATION_AGREED: ("what",),
    K.REASSESSED: ("reason",),
    # one of the steps says that there is a disability code, one of the forms is sheltered work
    K.SUBSIDY_STEP: ("step", "form"),
    K.CHECK_IN: ("reflection",),
    K.PROGRESS_STEP: ("before", "after"),
    K.OTHER_ACTOR: ("actor", "purpose"),
    K.REPRESENTED: ("towards",),
    K.SIDE_TRACK_CHOSEN: ("reason",),
    K.BENEFIT_BASIS: ("supplemented", "documents"),
    K.NOTE: ("text",),
    K.SUPPORT_AFTER_EXIT: ("text",),
}
