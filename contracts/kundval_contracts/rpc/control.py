"""A controller's figures, and what stands out in payments."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import (
    AnomalyKind,
    AnomalySeverity,
    AnomalyState,
    ControlFigure,
    ControlUnit,
    FiguresBy,
)
from ..fact_fields import EARLIEST, LATEST
from ..money import MoneyField
from .base import (
    FIGURES,
    MONEY,
    Message,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    identifier,
)
from .billing import Said
from .results import LANGUAGES, Csv, Page

#: days of the longest period
MOST_DAYS = 3660
#: ids of assignments that an anomaly names; `total` counts all
MOST_NAMED = 500


def _day(**kwargs: Any) -> fields.Date:
    return fields.Date(
        load_default=None,
        allow_none=True,
        validate=validate.Range(EARLIEST, LATEST, error=f"must be from {EARLIEST} to {LATEST}"),
        **kwargs,
    )


def _number(least: int = 0, **kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=least), **kwargs)


def _language() -> fields.String:
    return fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


class PeriodRequest(TenantRequest):
    """`from` and `to` (exclusive), or neither."""

    from_ = _day(data_key="from", attribute="from")
    to = _day()

    @validates_schema(skip_on_field_errors=True)
    def _forwards(self, data: dict[str, Any], **_: Any) -> None:
        first, end = data["from"], data["to"]
        if (first is None) != (end is None):
            raise ValidationError("give both or neither", "to" if end is None else "from")
        if first is not None and not 0 < (end - first).days <= MOST_DAYS:
            raise ValidationError(f"must be from 1 to {MOST_DAYS} days after from", "to")


class YearRequest(PeriodRequest):
    """A period or a `year`; without either the year of the business date."""

    year = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(EARLIEST.year, LATEST.year)
    )

    @validates_schema(skip_on_field_errors=True)
    def _one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if data["year"] is not None and data["from"] is not None:
            raise ValidationError("give a year or a period, not both", "year")


class ControlFigures(YearRequest):
    """`by`: split by what. By provider is for staff alone."""

    by = code(FiguresBy, load_default=None, allow_none=True)


class ControlFigureLine(Message):
    """One figure of one part, `ALL` for the whole. `value` is text: kronor with two decimals, a share with four, days
    with one, a whole number. It is null if there is nothing to count (`n` 0), or too little to show (`suppressed`).
    """

    part = fields.String(required=True)
    figure = code(ControlFigure, required=True)
    unit = code(ControlUnit, required=True)
    value = fields.String(required=True, allow_none=True)
    n = _number(required=True, allow_none=True)
    suppressed = fields.Boolean(required=True)


class BothLanguages(Message):
    sv = fields.String(required=True)
    en = fields.String(required=True)


class FigureDefinition(BothLanguages):
    """What a figure counts, and what its `n` is."""

    figure = code(ControlFigure, required=True)


class AgainstBudget(Message):
    """The budget of a calendar year and what was paid in it so far, net. `share` has four decimals."""

    year = fields.Integer(required=True)
    amount = MoneyField(required=True)
    spent = MoneyField(required=True)
    left = MoneyField(required=True)
    share = fields.String(required=True, allow_none=True)


class Reference(BothLanguages):
    """What the source says about costs, to hold figures against. It is no budget."""

    amount = MoneyField(required=True)
    persons = _number(required=True)
    per_person = MoneyField(required=True)
    rule = fields.String(required=True)


class ControlFiguresAnswer(Message):
    """`budget` is null without a budget, and for a period that is not within one calendar year."""

    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    as_of = fields.Date(required=True)
    by = code(FiguresBy, required=True, allow_none=True)
    lines = fields.List(fields.Nested(ControlFigureLine), required=True)
    definitions = fields.List(fields.Nested(FigureDefinition), required=True)
    budget = fields.Nested(AgainstBudget, required=True, allow_none=True)
    reference = fields.Nested(Reference, required=True)


class Anomalies(PeriodRequest):
    """Without a period the `control.window_months` up to the business date."""

    provider = identifier(load_default=None, allow_none=True)


class AnomalySetAside(Message):
    """By whom, when and why. `again`: enough is new since then, so it is open again."""

    by = fields.String(required=True)
    on = fields.Date(required=True)
    reason = fields.String(required=True)
    again = fields.Boolean(required=True)


class Anomaly(Message):
    """Something that stands out: `count` of `n`. `expected` and `chance` are null where it is no matter of chance.

    It says where to look, not that anybody did wrong. `chance` is rounded up to millionths.
    `assignments` are the first ones, `total` counts all.
    """

    anomaly = identifier(required=True)
    kind = code(AnomalyKind, required=True)
    provider = identifier(required=True, allow_none=True)
    severity = code(AnomalySeverity, required=True)
    state = code(AnomalyState, required=True)
    count = _number(required=True)
    n = _number(required=True)
    observed = fields.String(required=True)
    expected = fields.String(required=True, allow_none=True)
    chance = fields.String(required=True, allow_none=True)
    since = fields.Date(required=True)
    said = fields.Nested(Said, required=True)
    text = fields.Nested(BothLanguages, required=True)
    assignments = fields.List(identifier(), required=True)
    total = _number(required=True)
    set_aside = fields.Nested(AnomalySetAside, required=True, allow_none=True)


class NotJudged(Message):
    """Too little of a provider, or nobody to compare it with, so it was not judged."""

    kind = code(AnomalyKind, required=True)
    provider = identifier(required=True, allow_none=True)
    n = _number(required=True)


class AnomaliesAnswer(Message):
    """`smallest_group`: numbers below it are not judged."""

    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    as_of = fields.Date(required=True)
    smallest_group = _number(1, required=True)
    anomalies = fields.List(fields.Nested(Anomaly), required=True)
    not_judged = fields.List(fields.Nested(NotJudged), required=True)


def _not_blank(text: str) -> None:
    if not text.strip():
        raise ValidationError("must say something")


class SetAsideAnomaly(PeriodRequest):
    """`anomaly` as it is listed for the same period. `reason` is free text and stays with staff."""

    anomaly = identifier(required=True)
    reason = fields.String(required=True, validate=[validate.Length(1, 1000), _not_blank])


class AnomalyWasSetAside(Message):
    anomaly = identifier(required=True)
    state = code(AnomalyState, required=True)
    on = fields.Date(required=True)


class ControlPage(YearRequest):
    lang = _language()


add("billing.figures", "query", ControlFigures, ControlFiguresAnswer, FIGURES,
    "say what interventions cost and what came of them",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.figures_csv", "query", ControlFigures, Csv, FIGURES,
    "say what interventions cost and what came of them, as CSV",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.anomalies", "query", Anomalies, AnomaliesAnswer, MONEY,
    "list what stands out in payments and is worth a look",
    reach=Reach.NOTHING, shield=Shield.PAYERS)  # fmt: skip
add("billing.set_aside_anomaly", "command", SetAsideAnomaly, AnomalyWasSetAside, MONEY,
    "say why something that stands out is as it should be",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.control_page", "query", ControlPage, Page, MONEY,
    "show figures and what stands out, as a page to read or print",
    reach=Reach.NOTHING, shield=Shield.PAYERS)  # fmt: skip
