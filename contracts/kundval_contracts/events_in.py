"""Every event that the suite takes in from systems outside it: name, version, schema of `data`.

The envelope, the exchanges (`assistance.events`, …) and the rules are those of the suite's own events (`envelope`,
`events`): the system that publishes is the source, and names itself so. What differs is who is meant: an opaque id of
the household or person in that system, which the municipality has linked to a person. No identity number, name or text
travels here either.

Whatever is told can be told again, late and in any order: of one payment, certificate, decision or confirmation the
highest `revision` counts, also if it says that there is none any more.
"""

from __future__ import annotations

import tomllib
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from .codes import DataKind, InboundSource, Purpose, StudyAid, StudyForm
from .events import EventType
from .fact_fields import EARLIEST, LATEST, counted_from
from .money import MoneyField
from .text import IDENTIFIER

SOURCES = tuple(source.value.lower() for source in InboundSource)


@dataclass(frozen=True, slots=True)
class InboundType(EventType):
    """One event that is taken in. `item`: the field that names the thing told of; `what`, `purpose`: what the purpose
    gate is asked for; `withdraws`: it says that there is none any more; `rules`: of the rulebook.
    """

    item: str
    what: DataKind
    purpose: Purpose
    withdraws: bool
    rules: tuple[str, ...]

    @property
    def source(self) -> InboundSource:
        return InboundSource(self.name.partition(".")[0].upper())


class _Data(Schema):
    class Meta:
        unknown = EXCLUDE

    revision = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))


class _Period(_Data):
    """Half-open: `to` is the first day that is not in it."""

    from_ = counted_from(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)

    @validates_schema(skip_on_field_errors=True)
    def _forwards(self, data: dict[str, Any], **_: Any) -> None:
        if not data["from"] < data["to"] <= LATEST:
            raise ValidationError(f"must be after `from`, and not after {LATEST}", "to")


def _id(**kwargs: Any) -> fields.String:
    return fields.String(validate=IDENTIFIER, **kwargs)


def _percent() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(1, 100))


class AssistancePaid(_Period):
    """Financial assistance for a household and the days of a benefit period. `recipient`: the member of the household,
    by an id of the assistance system, to whom it was paid; null: to the household.
    """

    payment = _id(required=True)
    household = _id(required=True)
    recipient = _id(load_default=None, allow_none=True)
    amount = MoneyField(negative=False, load_default=None, allow_none=True)


class AssistanceWithdrawn(_Data):
    """There was no such payment."""

    payment = _id(required=True)


class AssistanceEnded(_Data):
    """The household has had no assistance from `on`: a benefit period that had begun ended there."""

    ending = _id(required=True)
    household = _id(required=True)
    on = fields.Date(required=True, validate=validate.Range(EARLIEST, LATEST))


class EndingWithdrawn(_Data):
    """The assistance had not ended then."""

    ending = _id(required=True)


class CertificateIssued(_Period):
    """Studies, as adult education certifies them. `school`: an opaque id."""

    certificate = _id(required=True)
    reference = _id(required=True)
    form = fields.Enum(StudyForm, by_value=True, required=True)
    extent_pct = _percent()
    school = _id(load_default=None, allow_none=True)


class CertificateWithdrawn(_Data):
    certificate = _id(required=True)


class StudyAidDecided(_Period):
    """What the study-aid board has decided."""

    decision = _id(required=True)
    reference = _id(required=True)
    aid = fields.Enum(StudyAid, by_value=True, required=True)
    granted = fields.Boolean(required=True)
    extent_pct = _percent()


class StudyAidWithdrawn(_Data):
    decision = _id(required=True)


class EmploymentConfirmed(_Data):
    """Pay from an employer was reported for a month, by its first day. `employer`: an opaque id, the same each time."""

    confirmation = _id(required=True)
    reference = _id(required=True)
    employer = _id(required=True)
    month = fields.Date(required=True, validate=validate.Range(EARLIEST, LATEST))

    @validates_schema(skip_on_field_errors=True)
    def _first(self, data: dict[str, Any], **_: Any) -> None:
        month: date = data["month"]
        if month.day != 1:
            raise ValidationError("must be the first day of a month", "month")


class EmploymentWithdrawn(_Data):
    confirmation = _id(required=True)


_EB = (DataKind.ASSISTANCE, Purpose.BONUS_TEST)
_STUDY = (DataKind.STUDY, Purpose.SIX_MONTH_TEST)
_INCOME = (DataKind.INCOME, Purpose.SIX_MONTH_TEST)
_EB_RULES = ("AMI-9-c", "AMI-9-d")
_STUDY_RULES = ("AMI-9-h",)
_AID_RULES = ("AMI-9.3.1-a", "AMI-9.3.3-a")
_INCOME_RULES = ("AMI-9-c", "AMI-9-e")

_ROWS: tuple[tuple[str, Schema, str, str, tuple[DataKind, Purpose], tuple[str, ...]], ...] = (
    ("assistance.paid", AssistancePaid(), "payment", "Financial assistance was paid to a household.", _EB, _EB_RULES),
    ("assistance.corrected", AssistancePaid(), "payment", "A payment was otherwise than told before.", _EB, _EB_RULES),
    ("assistance.withdrawn", AssistanceWithdrawn(), "payment", "A payment told before was none.", _EB, _EB_RULES),
    ("assistance.ended", AssistanceEnded(), "ending", "The assistance to a household has ended.", _EB, _EB_RULES),
    ("assistance.ending_withdrawn", EndingWithdrawn(), "ending", "The assistance had not ended.", _EB, _EB_RULES),
    ("education.certificate_issued", CertificateIssued(), "certificate", "Adult education certifies studies.",
     _STUDY, _STUDY_RULES),
    ("education.certificate_withdrawn", CertificateWithdrawn(), "certificate", "A certificate of studies is void.",
     _STUDY, _STUDY_RULES),
    ("education.study_aid_decided", StudyAidDecided(), "decision", "The study-aid board has decided.",
     _STUDY, _AID_RULES),
    ("education.study_aid_withdrawn", StudyAidWithdrawn(), "decision", "A decision on study aid is void.",
     _STUDY, _AID_RULES),
    ("income.employment_confirmed", EmploymentConfirmed(), "confirmation", "An employment is confirmed for a month.",
     _INCOME, _INCOME_RULES),
    ("income.employment_withdrawn", EmploymentWithdrawn(), "confirmation", "An employment told before was none.",
     _INCOME, _INCOME_RULES),
)  # fmt: skip

#: Every event that is taken in, by name.
EVENTS_IN: dict[str, InboundType] = {
    name: InboundType(name, 1, schema, about, item, what, purpose, name.endswith("withdrawn"), rules)
    for name, schema, item, about, (what, purpose), rules in _ROWS
}


def example(name: str) -> dict[str, Any]:
    """The `data` of an example of an event. Raises KeyError."""
    return deepcopy(_examples()[name])


@cache
def _examples() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("kundval_contracts").joinpath("data/examples_in.toml").read_text(encoding="utf-8"))
