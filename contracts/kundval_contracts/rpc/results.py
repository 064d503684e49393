"""What providers have achieved, shown before a choice; figures about the municipality's own work."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import (
    ExitKind,
    FigureCode,
    FigureUnit,
    Programme,
    Relation,
    Shown,
    YearlyValue,
)
from ..fact_fields import EARLIEST, LATEST
from .base import (
    CASE,
    EVERYBODY,
    FIGURES,
    MANAGERS,
    MONEY,
    STAFF,
    AssignmentRequest,
    Message,
    PageAnswer,
    PlainPageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
)

LANGUAGES = ("sv", "en")
#: years that one request may ask for
MOST_YEARS = 30
#: seeds are counted from 0 up to this number
SEEDS = 2**31


def _language() -> fields.String:
    return fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


def _seed(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, SEEDS - 1), **kwargs)


def _year(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(EARLIEST.year, LATEST.year), **kwargs)


def _number() -> fields.Decimal:
    return fields.Decimal(
        as_string=True,
        required=True,
        allow_nan=False,
        validate=validate.Range(0, 10**9, min_inclusive=False, error="must be above 0 and at most 1000000000"),
    )


def _origin() -> fields.String:
    """Where a value was taken from. Every reader of figures sees it: no place for words about people."""
    return fields.String(required=True, validate=validate.Length(1, 200))


# ---------------------------------------------------------------- comparing providers


class Results(TenantRequest):
    """`seed` gives the order of an earlier answer again; without it one is drawn."""

    programme = code(Programme, required=True)
    seed = _seed(load_default=None, allow_none=True)


class ResultsPage(Results):
    lang = _language()


class ShowResults(AssignmentRequest):
    """`on` is the day on which they are shown, the business date if it is not named."""

    on = fields.Date(load_default=None, allow_none=True, validate=validate.Range(EARLIEST, LATEST))


class NamedSnapshot(TenantRequest):
    snapshot = identifier(required=True)


class SnapshotPage(NamedSnapshot):
    lang = _language()


class Figure(Message):
    """`value` with the number behind it and a 95 per cent interval; numbers are strings. Without a value there was
    nothing to count, or too few to show (`suppressed`, then `n` is null too).
    """

    value = fields.String(required=True, allow_none=True)
    n = count(required=True, allow_none=True)
    low = fields.String(required=True, allow_none=True)
    high = fields.String(required=True, allow_none=True)
    suppressed = fields.Boolean(required=True)


class Compared(Message):
    provider = identifier(required=True, allow_none=True)
    name = fields.String(required=True)
    clients = fields.Nested(Figure, required=True)
    days = fields.Nested(Figure, required=True)
    exits = fields.Dict(keys=code(ExitKind), values=fields.Nested(Figure), required=True)
    self_supporting = fields.Nested(Figure, required=True)
    in_person = fields.Nested(Figure, required=True)
    places_left = fields.Integer(required=True, allow_none=True)
    no_figures_yet = fields.Boolean(required=True)


class ComparisonTable(Message):
    """Figures about what happened from `window_start` through `on`. `ranking` only where providers were ranked."""

    programme = code(Programme, required=True)
    on = fields.Date(required=True)
    window_start = fields.Date(required=True)
    seed = _seed(required=True)
    smallest_group = count(1, required=True)
    rows = fields.List(fields.Nested(Compared), required=True)
    together = fields.Nested(Compared, required=True)
    ranking = fields.List(identifier())


class ResultsAnswer(Message):
    comparison = fields.Nested(ComparisonTable, required=True)


class Snapshot(Message):
    """`sha256` is of the content as JSON: keys sorted, no spaces, UTF-8."""

    snapshot = identifier(required=True)
    assignment = identifier(required=True)
    made_for = code(Shown, required=True)
    on = fields.Date(required=True)
    content = fields.Nested(ComparisonTable, required=True)
    sha256 = fields.String(required=True)


class Page(Message):
    html = fields.String(required=True)


class Waiting(Message):
    """`remind_on` is null while `choice.days` is unset; `reminder_due` on the business date."""

    assignment = identifier(required=True)
    programme = code(Programme, required=True)
    since = fields.Date(required=True)
    remind_on = fields.Date(required=True, allow_none=True)
    reminder_due = fields.Boolean(required=True)


class AwaitingChoice(PageAnswer):
    waiting = fields.List(fields.Nested(Waiting), required=True)


# ---------------------------------------------------------------- figures


class YearlyValueGiven(Message):
    """A value from elsewhere with its origin and the day on which it was taken (LOKA-57)."""

    year = _year(required=True)
    value = _number()
    origin = _origin()
    taken_on = fields.Date(required=True, validate=validate.Range(EARLIEST, LATEST))


class RecordYearlyValue(TenantRequest, YearlyValueGiven):
    what = code(YearlyValue, required=True)


class YearlyValueRecorded(Message):
    recorded = fields.Boolean(required=True)


class Figures(TenantRequest):
    """Years from `first_year` through `last_year`. `full_time_equivalents` goes before what is stored for its year; it
    must be one of these years, because a ratio has the same year above and below (LOKA-20).
    """

    first_year = _year(required=True)
    last_year = _year(required=True)
    full_time_equivalents = fields.Nested(YearlyValueGiven, load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        """The years are in order and not too many; what is given is of one of them."""
        first, last, given = data["first_year"], data["last_year"], data["full_time_equivalents"]
        if not first <= last < first + MOST_YEARS:
            raise ValidationError(f"must be from first_year to {MOST_YEARS - 1} years after it", "last_year")
        if given is not None and not first <= given["year"] <= last:
            message = "must be one of the years asked for: both parts of a ratio are of the same year (LOKA-20)"
            raise ValidationError({"full_time_equivalents": {"year": [message]}})


class FiguresChart(Figures):
    figure = code(FigureCode, load_default=FigureCode.PARTICIPANTS_SHARE)
    lang = _language()


class FigureLine(Figure):
    year = fields.Integer(required=True)
    figure = code(FigureCode, required=True)
    part = fields.String(required=True)
    unit = code(FigureUnit, required=True)
    origin = fields.String(required=True, allow_none=True)
    taken_on = fields.Date(required=True, allow_none=True)


class Published(Message):
    """What others have published about the municipality, as its profile has it. Not certain to be comparable."""

    relation = code(Relation, required=True)
    code = fields.String(required=True)
    value = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True)
    year = fields.Integer(required=True, allow_none=True)
    origin = fields.String(required=True)
    taken_on = fields.List(fields.Date(), required=True)


class FiguresAnswer(Message):
    as_of = fields.Date(required=True)
    smallest_group = count(1, required=True)
    lines = fields.List(fields.Nested(FigureLine), required=True)
    published = fields.List(fields.Nested(Published), required=True)


class Csv(Message):
    csv = fields.String(required=True)


class Svg(Message):
    svg = fields.String(required=True)


add("assignment.results", "query", Results, ResultsAnswer, EVERYBODY,
    "compare what the providers of a programme have achieved",
    reach=Reach.OPEN, shield=Shield.NONE)  # fmt: skip
add("assignment.results_page", "query", ResultsPage, Page, EVERYBODY,
    "compare what the providers of a programme have achieved, as a page to read or print",
    reach=Reach.OPEN, shield=Shield.NONE)  # fmt: skip
add("assignment.show_results", "command", ShowResults, Snapshot, CASE,
    "show a client what the providers have achieved, and keep what was shown",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.rank", "command", ShowResults, Snapshot, CASE,
    "propose a provider by ranking for a client of the employment service who has not chosen",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.snapshot", "query", NamedSnapshot, Snapshot, STAFF,
    "show again what was shown before a choice",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.snapshot_page", "query", SnapshotPage, Page, STAFF,
    "show again what was shown before a choice, as a page to read or print",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.awaiting_choice", "query", PlainPageRequest, AwaitingChoice, STAFF,
    "list who has not chosen a provider, since when, and who is to be reminded",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, rows="waiting")  # fmt: skip
add("assignment.record_yearly_value", "command", RecordYearlyValue, YearlyValueRecorded, MONEY | MANAGERS,
    "take over a yearly value from elsewhere, with its origin",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.figures", "query", Figures, FiguresAnswer, FIGURES,
    "count participants, results and interventions by year",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.figures_csv", "query", Figures, Csv, FIGURES,
    "count participants, results and interventions by year, as CSV",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.figures_chart", "query", FiguresChart, Svg, FIGURES,
    "draw one of the figures over the years",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
