"""Facts about a provider: its application, the terms that it meets, staff, supervision, authorisation (rulebook 8.6).

The same idea as with facts about an assignment: a fact holds from `on`, became known on `known_on`, and what follows
is computed. Each kind's fields are validated here once. Texts and contacts stay in the assignment service
(`PROVIDER_TEXTS`); no event carries them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from .codes import (
    DeauthorisationGround,
    FindingSeverity,
    NoticeBy,
    Ownership,
    Programme,
    ProviderFactKind,
    StaffFunction,
    SupervisionChannel,
)
from .fact_fields import Fields, code, codes, count, counted_from, identifier, text
from .money import MoneyField


@dataclass(frozen=True, slots=True)
class ProviderFact:
    """One statement about a provider. `data` holds the fields of its kind with native types.

    stated_by: opaque id of who stated it. for_provider: it was stated in the provider's own name.
    """

    id: str
    kind: ProviderFactKind
    on: date
    known_on: date
    place: int
    data: Mapping[str, Any] = field(default_factory=dict)
    stated_by: str | None = None
    for_provider: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The field `name`, or `default` if it is missing or null."""
        value = self.data.get(name)
        return default if value is None else value

    @property
    def order(self) -> tuple[date, int, str]:
        """Facts are told in this order, whatever order they arrived in."""
        return (self.on, self.place, self.id)


def _programmes() -> fields.List[Any]:
    return codes(Programme, required=True, validate=validate.Length(1, len(Programme)))


def _years(most: int, **kwargs: Any) -> fields.Decimal:
    """Years in full-time equivalents, two decimals."""
    return fields.Decimal(places=2, as_string=True, allow_nan=False, validate=validate.Range(0, most), **kwargs)


def _last_day(**kwargs: Any) -> fields.Date:
    """The last day on which a document holds, as it is printed on it."""
    return counted_from(allow_none=True, **kwargs)


class AppliedFields(Fields):
    """`name` of the organisation and `contact` stay in the assignment service."""

    programmes = _programmes()
    ownership = code(Ownership, required=True)
    name = fields.String(allow_none=True, validate=validate.Length(max=200))
    contact = fields.String(allow_none=True, validate=validate.Length(max=500))


class ProgrammesFields(Fields):
    programmes = _programmes()


class EvidenceFields(Fields):
    """`evidence`: id of a stored document, or a reference. `valid_until`: the last day on which it holds."""

    term = identifier(required=True)
    evidence = identifier(required=True)
    valid_until = _last_day()
    rating = identifier(allow_none=True)
    subcontractor = identifier(allow_none=True)


class TermUnmetFields(Fields):
    term = identifier(required=True)
    reason = text()
    subcontractor = identifier(allow_none=True)


class StaffFields(Fields):
    """One person of the staff, by an opaque id, with what the qualification paths ask (AF-SOM-9, AF-SOM-10).

    Points: `credits` of higher education, `old_points` of the system before it, `vocational_points` of a vocational
    college. `subject_ok`: within the subjects. `fte_years_last5`: work in the last five years; `fte_years_in_list`: in
    the selected occupations; `study_years` post-secondary, `passed` with at least a pass. Employed from `from` until
    the day before `until`. Listed again, a person's row is replaced.
    """

    staff = identifier(required=True)
    function = code(StaffFunction, load_default=StaffFunction.CASE_WORKER)
    credits = count(load_default=0)
    old_points = count(load_default=0)
    vocational_points = count(load_default=0)
    subject_ok = fields.Boolean(load_default=False)
    fte_years_last5 = _years(5, load_default=Decimal(0))
    study_years = _years(80, load_default=Decimal(0))
    passed = fields.Boolean(load_default=False)
    fte_years_in_list = _years(80, load_default=Decimal(0))
    from_ = counted_from(allow_none=True, data_key="from", attribute="from")
    until = counted_from(allow_none=True)


class SubcontractorFields(Fields):
    """All that perform parts of the service: consultants, staffing firms, interpreters (AF-SOM-16)."""

    organisation = identifier(required=True)
    part = text(required=True)


class CapacityFields(Fields):
    places = fields.Integer(strict=True, required=True, validate=validate.Range(0, 100_000))


class DecisionFields(Fields):
    """`by`: opaque id of the person who decided."""

    programmes = _programmes()
    by = identifier(required=True)


class DeauthorisedFields(DecisionFields):
    ground = code(
        DeauthorisationGround,
        required=True,
        validate=validate.NoneOf([DeauthorisationGround.NOTICE], error="follows from `notice_given`"),
    )


class SupervisedFields(Fields):
    """What was seen is said without naming a client."""

    channel = code(SupervisionChannel, required=True)
    text = text()


class FindingFields(Fields):
    """`programmes`: which it concerns, without them all. `measure`: what is to be done, until `due`."""

    severity = code(FindingSeverity, required=True)
    term = identifier(allow_none=True)
    programmes = codes(Programme, load_default=list)
    measure = text()
    due = counted_from(allow_none=True)


class MeasureFields(Fields):
    """`finding`: the id of the fact `finding`."""

    finding = identifier(required=True)
    text = text()


class NoticeFields(Fields):
    """`ends_on`: the first day after the contract, where the rules do not compute it."""

    programmes = _programmes()
    by_whom = code(NoticeBy, required=True)
    ends_on = counted_from(allow_none=True)


class PenaltyFields(Fields):
    """`amount` as the employment service decided it; nothing is computed from it (AF-SOM-32)."""

    case = identifier(required=True)
    ground = text(required=True)
    amount = MoneyField(required=True)
    decided_on = counted_from(allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _has_a_ground(self, data: dict[str, Any], **_: Any) -> None:
        if not (data["ground"] or "").strip():
            raise ValidationError("must say why", "ground")


_K = ProviderFactKind
#: Schema of the fields of each kind.
PROVIDER_FACT_SCHEMAS: dict[ProviderFactKind, Schema] = {
    _K.APPLIED: AppliedFields(),
    _K.APPLICATION_WITHDRAWN: ProgrammesFields(),
    _K.TERM_EVIDENCE_OFFERED: EvidenceFields(),
    _K.TERM_MET: EvidenceFields(),
    _K.TERM_UNMET: TermUnmetFields(),
    _K.STAFF_LISTED: StaffFields(),
    _K.SUBCONTRACTOR_DECLARED: SubcontractorFields(),
    _K.CAPACITY_DECLARED: CapacityFields(),
    _K.AUTHORISED: DecisionFields(),
    _K.SUPERVISED: SupervisedFields(),
    _K.FINDING: FindingFields(),
    _K.MEASURE_DONE: MeasureFields(),
    _K.FINDING_CLOSED: MeasureFields(),
    _K.DEAUTHORISED: DeauthorisedFields(),
    _K.NOTICE_GIVEN: NoticeFields(),
    _K.PENALTY_RECORDED: PenaltyFields(),
}

#: Fields that stay in the assignment service; they are shown to whom answers for providers, or not at all.
PROVIDER_TEXTS: dict[ProviderFactKind, tuple[str, ...]] = {
    _K.APPLIED: ("name", "contact"),
    _K.TERM_UNMET: ("reason",),
    _K.SUBCONTRACTOR_DECLARED: ("part",),
    _K.SUPERVISED: ("text",),
    _K.FINDING: ("measure",),
    _K.MEASURE_DONE: ("text",),
    _K.FINDING_CLOSED: ("text",),
    _K.PENALTY_RECORDED: ("ground",),
}

#: What a provider states itself. Whether a term is met, and what follows, is for the municipality to say.
BY_PROVIDER = frozenset(
    {
        _K.APPLIED,
        _K.APPLICATION_WITHDRAWN,
        _K.TERM_EVIDENCE_OFFERED,
        _K.STAFF_LISTED,
        _K.SUBCONTRACTOR_DECLARED,
        _K.CAPACITY_DECLARED,
        _K.MEASURE_DONE,
        _K.NOTICE_GIVEN,
    }
)


def load_provider_fact(row: Mapping[str, Any], place: int, fact_id: str) -> ProviderFact:
    """A fact from its wire form `{on, fact, known_on?, ...fields}`.

    Raises marshmallow.ValidationError with messages by field; nothing is guessed.
    """
    rest = dict(row)
    faults: dict[str, Any] = {}
    days: dict[str, date] = {}
    for name in ("on", "known_on"):
        value = rest.pop(name, None)
        if value is None and name == "known_on":
            continue
        try:
            days[name] = counted_from().deserialize(value)
        except ValidationError as error:
            faults[name] = error.messages
    kind: ProviderFactKind | None = None
    try:
        kind = ProviderFactKind(rest.pop("fact", None))
    except ValueError:
        faults["fact"] = [f"must be one of: {', '.join(ProviderFactKind)}"]
    data: Mapping[str, Any] = {}
    if kind is not None:
        try:
            data = PROVIDER_FACT_SCHEMAS[kind].load(rest)
        except ValidationError as error:
            faults.update(error.messages_dict)
    if "on" in days and days.get("known_on", days["on"]) < days["on"]:
        faults["known_on"] = ["must not be before `on`"]
    if faults or kind is None:
        raise ValidationError(faults)
    return ProviderFact(fact_id, kind, days["on"], days.get("known_on", days["on"]), place, data)


def dump_provider_fields(fact: ProviderFact) -> dict[str, Any]:
    """The fields of a fact as JSON primitives."""
    dumped: dict[str, Any] = PROVIDER_FACT_SCHEMAS[fact.kind].dump(fact.data)
    return dumped
