"""Facts about an assignment: what a case worker, a provider or another system states.

A fact holds from `on` and became known on `known_on`. `place` orders facts of the same day (their
order in the file). The fields of each kind are validated here once, for files, RPC and events alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from .codes import (
    BenefitScope,
    Channel,
    DecisionAbout,
    Document,
    EmploymentForm,
    ExitKind,
    FactKind,
    MeetingKind,
    Offer,
    Party,
    Signatory,
)
from .exits import EXITS
from .money import MoneyField

#: Days outside these are slips of the keyboard, and months could not be added to the last of the calendar.
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)


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


class _Fields(Schema):
    class Meta:
        unknown = RAISE


def _code(enum: Any, **kwargs: Any) -> fields.Enum:
    return fields.Enum(enum, by_value=True, **kwargs)


def _identifier(**kwargs: Any) -> fields.String:
    """An opaque id: short, no spaces, so that free text cannot travel in it."""
    return fields.String(validate=validate.Regexp(r"\A[\w.:@/+-]{1,100}\Z", error="not an identifier"), **kwargs)


def _percent(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, 100), **kwargs)


def _count(low: int = 0, **kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=low), **kwargs)


def _month(**kwargs: Any) -> fields.Integer:
    """Number of a month of the intervention. No intervention runs for a century, and dates end where years do."""
    return fields.Integer(strict=True, validate=validate.Range(1, 1200), **kwargs)


def _hours(**kwargs: Any) -> fields.Decimal:
    return fields.Decimal(as_string=True, allow_nan=False, validate=validate.Range(0, 168), **kwargs)


def _counted_from(**kwargs: Any) -> fields.Date:
    """A day that periods are counted from. A contract may run to 9999-12-31; nothing begins there."""
    return fields.Date(
        validate=validate.Range(EARLIEST, LATEST, error=f"must be from {EARLIEST} to {LATEST}"), **kwargs
    )


class Nothing(_Fields):
    """No fields beyond `on` and `known_on`."""


class DecidedFields(_Fields):
    end_date = _counted_from(allow_none=True)


class ProviderFields(_Fields):
    provider = _identifier(required=True)


class AnswerFields(_Fields):
    provider = _identifier(allow_none=True)


class ContactFields(_Fields):
    channel = _code(Channel, load_default=Channel.OTHER)
    party = _code(Party, load_default=Party.CLIENT)
    minutes = _count(allow_none=True)
    individual = fields.Boolean(allow_none=True)
    place = fields.String(allow_none=True, validate=validate.OneOf(["SUPPLIER_PREMISES", "OTHER"]))
    activity = fields.Boolean(allow_none=True)


class JobsAppliedFields(_Fields):
    count = _count(required=True)
    month = _month(required=True)


class AgreementFields(_Fields):
    schedule = fields.String(allow_none=True)
    tasks = fields.String(allow_none=True)
    follow_up = fields.String(allow_none=True)


class PlacementFields(_Fields):
    workplace = _identifier(allow_none=True)
    hours_per_week = _hours(allow_none=True)
    signatures = fields.List(_code(Signatory), load_default=list)
    agreement = fields.Nested(AgreementFields, allow_none=True)


class HoursFields(_Fields):
    hours_per_week = _hours(required=True)


class OfferDeclinedFields(_Fields):
    offer = _code(Offer, required=True)
    receives_eb = fields.Boolean(required=True)


class MeetingFields(_Fields):
    meeting = _code(MeetingKind, required=True)
    sequence = _count(1, allow_none=True)


class MonthlyReportFields(_Fields):
    month = _month(required=True)
    extent_pct = _percent(allow_none=True)
    deviation_reason = fields.String(allow_none=True)
    attachments = fields.List(fields.String(), load_default=list)


class BipFields(_Fields):
    scores = fields.Raw(allow_none=True)


class SwitchFields(_Fields):
    provider = _identifier(required=True)
    approved = fields.Boolean(required=True)


class ExitedFields(_Fields):
    kind = _code(ExitKind, required=True)
    first_day = _counted_from(allow_none=True)
    workplace = _identifier(allow_none=True)
    extent_pct = _percent(allow_none=True)
    employment_form = _code(EmploymentForm, allow_none=True)
    contract_until = fields.Date(allow_none=True)
    hourly_cover_until = fields.Date(allow_none=True)
    household_support = fields.Boolean(load_default=False)
    household_income_support = fields.Boolean(load_default=False)
    csn_eligible = fields.Boolean(load_default=False)
    study_start_support = fields.Boolean(load_default=False)
    margin_advice = fields.Boolean(load_default=False)
    documents = fields.List(_code(Document), load_default=list)
    next_intervention = _identifier(allow_none=True)

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


class PremiumFollowUpFields(_Fields):
    month = _month(required=True)
    continues = fields.Boolean(required=True)


class WorkplaceChangedFields(_Fields):
    workplace = _identifier(required=True)
    gap_days = _count(required=True)


class EbPaidFields(_Fields):
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    scope = _code(BenefitScope, required=True)

    @validates_schema(skip_on_field_errors=True)
    def _forwards(self, data: dict[str, Any], **_: Any) -> None:
        if data["to"] <= data["from"]:
            raise ValidationError("must be after `from`", "to")


class BonusClaimedFields(_Fields):
    certified = fields.Boolean(required=True)
    documents = fields.List(_code(Document), load_default=list)
    covers_until = fields.Date(allow_none=True)


class ManualDecisionFields(_Fields):
    about = _code(DecisionAbout, required=True)
    approved = fields.Boolean(required=True)
    by = fields.String(allow_none=True, validate=validate.Length(max=100))


class ResultReportedFields(_Fields):
    amount = MoneyField(required=True)
    reason = fields.String(allow_none=True)


#: Schema of the fields of each kind.
FACT_SCHEMAS: dict[FactKind, Schema] = {
    FactKind.DECIDED: DecidedFields(),
    FactKind.RESULTS_SHOWN: Nothing(),
    FactKind.PROVIDER_CHOSEN: ProviderFields(),
    FactKind.ACCEPTED: AnswerFields(),
    FactKind.DECLINED: AnswerFields(),
    FactKind.STARTED: Nothing(),
    FactKind.MAPPING_DONE: Nothing(),
    FactKind.PLAN_DONE: Nothing(),
    FactKind.STUDY_GUIDANCE: Nothing(),
    FactKind.WORK_GUIDANCE: Nothing(),
    FactKind.CONTACT: ContactFields(),
    FactKind.JOBS_APPLIED: JobsAppliedFields(),
    FactKind.PLACEMENT_STARTED: PlacementFields(),
    FactKind.PLACEMENT_ENDED: PlacementFields(),
    FactKind.HOURS_REPORTED: HoursFields(),
    FactKind.OFFER_DECLINED: OfferDeclinedFields(),
    FactKind.GUIDE_NOTIFIED: Nothing(),
    FactKind.MEETING_BOOKED: MeetingFields(),
    FactKind.MEETING_HELD: MeetingFields(),
    FactKind.MEETING_MISSED: MeetingFields(),
    FactKind.MONTHLY_REPORT: MonthlyReportFields(),
    FactKind.BIP_ASSESSED: BipFields(),
    FactKind.PROVIDER_SWITCH: SwitchFields(),
    FactKind.EXITED: ExitedFields(),
    FactKind.PREMIUM_FOLLOW_UP: PremiumFollowUpFields(),
    FactKind.BROKE_OFF: Nothing(),
    FactKind.RESUMED: ProviderFields(),
    FactKind.WORKPLACE_CHANGED: WorkplaceChangedFields(),
    FactKind.EB_PAID: EbPaidFields(),
    FactKind.BONUS_CLAIMED: BonusClaimedFields(),
    FactKind.MANUAL_DECISION: ManualDecisionFields(),
    FactKind.RESULT_REPORTED: ResultReportedFields(),
    FactKind.EXTENDED: Nothing(),
}

#: Fields that say something about a person in words. They stay in the assignment service; events carry
#: in their place whether there was a text (`true`) or not.
FREE_TEXT: dict[FactKind, tuple[str, ...]] = {
    FactKind.MONTHLY_REPORT: ("deviation_reason",),
    FactKind.MANUAL_DECISION: ("by",),
    FactKind.RESULT_REPORTED: ("reason",),
    FactKind.BIP_ASSESSED: ("scores",),
    FactKind.PLACEMENT_STARTED: ("agreement",),
    FactKind.PLACEMENT_ENDED: ("agreement",),
}


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
            head[name] = _counted_from().deserialize(value.isoformat() if _is_date(value) else value)
        except ValidationError as error:
            faults[name] = error.messages
    kind: FactKind | None = None
    try:
        kind = FactKind(rest.pop("fact", None))
    except ValueError:
        faults["fact"] = [f"must be one of: {', '.join(FactKind)}"]
    data: Mapping[str, Any] = {}
    if kind is not None:
        try:
            data = FACT_SCHEMAS[kind].load(_plain(rest))
        except ValidationError as error:
            faults.update(error.messages_dict)
    if "on" in head and head.get("known_on", head["on"]) < head["on"]:
        faults["known_on"] = ["must not be before `on`"]
    if faults or kind is None:
        raise ValidationError(faults)
    return Fact(fact_id or str(place), kind, head["on"], head.get("known_on", head["on"]), place, data)


def dump_fields(fact: Fact) -> dict[str, Any]:
    """The fields of a fact as JSON primitives (dates ISO, decimals as strings)."""
    return FACT_SCHEMAS[fact.kind].dump(fact.data)


def _is_date(value: Any) -> bool:
    return type(value) is date


def _plain(value: Any) -> Any:
    """YAML may give dates; the schemas read ISO strings, as JSON has them."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
