"""Facts about an assignment: what a case worker, a provider or another system states.

A fact holds from `on` and became known on `known_on`. `place` orders facts of the same day (their
order in the file). The fields of each kind are validated here once, for files, RPC and events alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from . import fact_fields as f
from .codes import (
    BenefitScope,
    Channel,
    ChoiceBy,
    DecisionAbout,
    Document,
    EmploymentForm,
    ExitKind,
    FactKind,
    GuidanceChannel,
    LabourMarketTopic,
    MeetingKind,
    Need,
    Offer,
    Party,
    PlacementKind,
    Role,
    Signatory,
    WorkplaceKind,
)
from .exits import EXITS
from .money import MoneyField
from .rules import rule
from .work_facts import WORK_SCHEMAS, WORK_TEXTS


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement. `data` holds the fields of its kind with native types (date, Decimal, str, int, bool)."""

    id: str
    kind: FactKind
    on: date
    known_on: date
    place: int
    data: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The field `name`, or `default` if it is missing or null."""
        value = self.data.get(name)
        return default if value is None else value

    @property
    def order(self) -> tuple[date, int]:
        """Facts are told in this order, whatever order they arrived in."""
        return (self.on, self.place)


class DecidedFields(f.Fields):
    end_date = f.counted_from(allow_none=True)
    needs = f.codes(Need)
    reason = f.text()


class ResultsShownFields(f.Fields):
    snapshot = f.identifier(allow_none=True)


class ProviderFields(f.Fields):
    provider = f.identifier(required=True)


class ProviderChosenFields(ProviderFields):
    by = f.code(ChoiceBy)


class AnswerFields(f.Fields):
    provider = f.identifier(allow_none=True)


class DeclinedFields(AnswerFields):
    proposed_start = f.counted_from(allow_none=True)


class MappingFields(f.Fields):
    """AMI-3.1-a, LOKA-21. Without any contents the fact says only that there is a mapping."""

    experience = f.text()
    competences = f.text()
    strengths = f.text()
    education = f.text()
    earlier_interventions = f.text()
    interests = f.text()


@rule("LOKA-27")
class PlanDoneFields(f.Fields):
    """The wish and the goal that was agreed are kept apart (LOKA-27)."""

    wish = f.text()
    goal = f.text()


class StudyGuidanceFields(f.Fields):
    """AMI-4.2-b, AMI-4.2-c: channel, and what the client knows afterwards."""

    channel = f.code(GuidanceChannel)
    knows_study_aid = fields.Boolean()
    knows_forms_of_study = fields.Boolean()
    knows_courses = fields.Boolean()


@rule("AMI-5-a")
class WorkGuidanceFields(f.Fields):
    """Guidance towards work, with the topics of labour-market knowledge that it covered."""

    topics = f.codes(LabourMarketTopic)


class ContactFields(f.Fields):
    channel = f.code(Channel, load_default=Channel.OTHER)
    party = f.code(Party, load_default=Party.CLIENT)
    minutes = f.count(allow_none=True)
    individual = fields.Boolean(allow_none=True)
    place = fields.String(allow_none=True, validate=validate.OneOf(["SUPPLIER_PREMISES", "OTHER"]))
    activity = fields.Boolean(allow_none=True)


class JobsAppliedFields(f.Fields):
    count = f.count(required=True)
    month = f.month(required=True)


class AgreementFields(f.Fields):
    schedule = fields.String(allow_none=True)
    tasks = fields.String(allow_none=True)
    follow_up = fields.String(allow_none=True)


class PlacementFields(f.Fields):
    workplace = f.identifier(allow_none=True)
    hours_per_week = f.hours(allow_none=True)
    signatures = fields.List(f.code(Signatory), load_default=list)
    agreement = fields.Nested(AgreementFields, allow_none=True)
    kind = f.code(PlacementKind)
    workplace_kind = f.code(WorkplaceKind)
    until = f.counted_from(allow_none=True)
    judged_needed_by = f.code(Role)
    hire_intended = fields.Boolean()


class HoursFields(f.Fields):
    hours_per_week = f.hours(required=True)


class OfferDeclinedFields(f.Fields):
    offer = f.code(Offer, required=True)
    receives_eb = fields.Boolean(required=True)


class MeetingFields(f.Fields):
    meeting = f.code(MeetingKind, required=True)
    sequence = f.count(1, allow_none=True)


class MonthlyReportFields(f.Fields):
    month = f.month(required=True)
    extent_pct = f.percent(allow_none=True)
    deviation_reason = fields.String(allow_none=True)
    attachments = fields.List(f.identifier(), load_default=list)


class BipFields(f.Fields):
    scores = f.JsonValue(allow_none=True)


class SwitchFields(f.Fields):
    provider = f.identifier(required=True)
    approved = fields.Boolean(required=True)


class ExitedFields(f.Fields):
    kind = f.code(ExitKind, required=True)
    first_day = f.counted_from(allow_none=True)
    workplace = f.identifier(allow_none=True)
    extent_pct = f.percent(allow_none=True)
    employment_form = f.code(EmploymentForm, allow_none=True)
    contract_until = fields.Date(allow_none=True)
    hourly_cover_until = fields.Date(allow_none=True)
    household_support = fields.Boolean(load_default=False)
    household_income_support = fields.Boolean(load_default=False)
    csn_eligible = fields.Boolean(load_default=False)
    study_start_support = fields.Boolean(load_default=False)
    margin_advice = fields.Boolean(load_default=False)
    documents = fields.List(f.code(Document), load_default=list)
    next_intervention = f.identifier(allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _fields_of_the_kind(self, data: dict[str, Any], **_: Any) -> None:
        """Reading 21: which fields each family of exits must carry."""
        needed = {
            "WORK": ("first_day", "extent_pct", "workplace"),
            "STUDY": ("first_day", "extent_pct"),
            "BUSINESS": ("first_day",),
            "OTHER": (),
        }[EXITS[data["kind"]].family]
        missing = {name: [f"required for {data['kind']}"] for name in needed if data.get(name) is None}
        if missing:
            raise ValidationError(missing)


class PremiumFollowUpFields(f.Fields):
    month = f.month(required=True)
    continues = fields.Boolean(required=True)


class WorkplaceChangedFields(f.Fields):
    workplace = f.identifier(required=True)
    gap_days = f.count(required=True)


class EbPaidFields(f.Fields):
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    scope = f.code(BenefitScope, required=True)

    @validates_schema(skip_on_field_errors=True)
    def _forwards(self, data: dict[str, Any], **_: Any) -> None:
        if data["to"] <= data["from"]:
            raise ValidationError("must be after `from`", "to")


class BonusClaimedFields(f.Fields):
    certified = fields.Boolean(required=True)
    documents = fields.List(f.code(Document), load_default=list)
    covers_until = fields.Date(allow_none=True)


class ManualDecisionFields(f.Fields):
    about = f.code(DecisionAbout, required=True)
    approved = fields.Boolean(required=True)
    by = fields.String(allow_none=True, validate=validate.Length(max=100))
    reason = f.text()


class ResultReportedFields(f.Fields):
    amount = MoneyField(required=True, negative=False)
    reason = fields.String(allow_none=True)


#: Schema of the fields of each kind.
FACT_SCHEMAS: dict[FactKind, Schema] = {
    FactKind.DECIDED: DecidedFields(),
    FactKind.RESULTS_SHOWN: ResultsShownFields(),
    FactKind.PROVIDER_CHOSEN: ProviderChosenFields(),
    FactKind.ACCEPTED: AnswerFields(),
    FactKind.DECLINED: DeclinedFields(),
    FactKind.STARTED: f.Nothing(),
    FactKind.MAPPING_DONE: MappingFields(),
    FactKind.PLAN_DONE: PlanDoneFields(),
    FactKind.STUDY_GUIDANCE: StudyGuidanceFields(),
    FactKind.WORK_GUIDANCE: WorkGuidanceFields(),
    FactKind.CONTACT: ContactFields(),
    FactKind.JOBS_APPLIED: JobsAppliedFields(),
    FactKind.PLACEMENT_STARTED: PlacementFields(),
    FactKind.PLACEMENT_ENDED: PlacementFields(),
    FactKind.HOURS_REPORTED: HoursFields(),
    FactKind.OFFER_DECLINED: OfferDeclinedFields(),
    FactKind.GUIDE_NOTIFIED: f.Nothing(),
    FactKind.MEETING_BOOKED: MeetingFields(),
    FactKind.MEETING_HELD: MeetingFields(),
    FactKind.MEETING_MISSED: MeetingFields(),
    FactKind.MONTHLY_REPORT: MonthlyReportFields(),
    FactKind.BIP_ASSESSED: BipFields(),
    FactKind.PROVIDER_SWITCH: SwitchFields(),
    FactKind.EXITED: ExitedFields(),
    FactKind.PREMIUM_FOLLOW_UP: PremiumFollowUpFields(),
    FactKind.BROKE_OFF: f.Nothing(),
    FactKind.RESUMED: ProviderFields(),
    FactKind.WORKPLACE_CHANGED: WorkplaceChangedFields(),
    FactKind.EB_PAID: EbPaidFields(),
    FactKind.BONUS_CLAIMED: BonusClaimedFields(),
    FactKind.MANUAL_DECISION: ManualDecisionFields(),
    FactKind.RESULT_REPORTED: ResultReportedFields(),
    FactKind.EXTENDED: f.Nothing(),
    **WORK_SCHEMAS,
}

#: Fields that say something about a person in words, or about health or circumstances. They stay in the assignment
#: service; events carry in their place whether there was something (`true`) or not.
FREE_TEXT: dict[FactKind, tuple[str, ...]] = {
    FactKind.DECIDED: ("reason",),
    FactKind.MAPPING_DONE: tuple(MappingFields().fields),
    FactKind.PLAN_DONE: ("wish", "goal"),
    FactKind.MONTHLY_REPORT: ("deviation_reason",),
    FactKind.MANUAL_DECISION: ("by", "reason"),
    FactKind.RESULT_REPORTED: ("reason",),
    FactKind.BIP_ASSESSED: ("scores",),
    FactKind.PLACEMENT_STARTED: ("agreement",),
    FactKind.PLACEMENT_ENDED: ("agreement",),
    **WORK_TEXTS,
}


#: Kinds that are told to nobody: dialogue, and work for a benefit on grounds of health (LOKA-1, LOKA-48).
KEPT_HERE: frozenset[FactKind] = frozenset({FactKind.NOTE, FactKind.BENEFIT_BASIS})


def load_fact(row: Mapping[str, Any], place: int, fact_id: str | None = None) -> Fact:
    """A fact from its wire or file form `{on, fact, known_on?, ...fields}`.

    Raises marshmallow.ValidationError with messages by field; nothing is guessed.
    """
    rest = dict(row)
    faults: dict[str, Any] = {}
    head = {}
    for name, value in (("on", rest.pop("on", None)), ("known_on", rest.pop("known_on", None))):
        if value is None and name == "known_on":
            continue
        try:
            head[name] = f.counted_from().deserialize(_plain(value))
        except ValidationError as error:
            faults[name] = error.messages
    kind: FactKind | None = None
    try:
        kind = FactKind(str(_plain(rest.pop("fact", None))))
    except (ValueError, ValidationError):
        faults["fact"] = [f"must be one of: {', '.join(FactKind)}"]
    data: Mapping[str, Any] = {}
    if kind is not None:
        plain: dict[str, Any] = {}
        for name, value in rest.items():
            try:
                plain[name] = _plain(value)
            except ValidationError as error:
                faults[name] = error.messages
        try:
            data = FACT_SCHEMAS[kind].load(plain)
        except ValidationError as error:
            faults = error.messages_dict | faults
    if "on" in head and head.get("known_on", head["on"]) < head["on"]:
        faults["known_on"] = ["must not be before `on`"]
    if faults or kind is None:
        raise ValidationError(faults)
    return Fact(fact_id or str(place), kind, head["on"], head.get("known_on", head["on"]), place, data)


def dump_fields(fact: Fact) -> dict[str, Any]:
    """The fields of a fact as JSON primitives (dates ISO, decimals as strings)."""
    return FACT_SCHEMAS[fact.kind].dump(fact.data)


#: No field has lists or maps within each other more often.
_DEEPEST = 20


def _plain(value: Any, depth: int = 0) -> Any:
    """YAML may give dates; the schemas read ISO strings, as JSON has them."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple) and depth == _DEEPEST:
        raise ValidationError("is nested too deeply")
    if isinstance(value, Mapping):
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return value
