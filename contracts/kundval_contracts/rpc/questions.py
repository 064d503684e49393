"""Questions about money: what if a tariff or a reading were another, what will a year cost, and what may it cost.

A question is reckoned in the background, one after the other, over one state of what billing holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from ..codes import Direction, ForecastBasis, LineKind, LineStatus, Programme, QuestionKind, QuestionState
from ..draft import TITLE, VERSION, Draft, DraftFault, read
from ..money import MoneyField
from .base import MONEY, MOST, Message, PageAnswer, Reach, Shield, TenantRequest, add, code, count, identifier
from .billing import Step
from .results import LANGUAGES, Csv, Page, Svg

#: questions on a page
QUESTIONS = 50
FIRST_YEAR, LAST_YEAR = 2000, 2100


class DraftField(fields.Field[Draft]):
    """A draft as `kundval_contracts.draft` reads it; each of its faults is named by its path."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Draft:
        try:
            return read(value)
        except DraftFault as error:
            messages: dict[str, list[str]] = {}
            for path, message in error.faults:
                messages.setdefault(path or "kundval_draft", []).append(message)
            raise ValidationError(messages) from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value.raw if isinstance(value, Draft) else value

    def _jsonschema_type_mapping(self) -> dict[str, Any]:
        maybe = {"type": ["object", "null"]}
        return {
            "type": "object",
            "properties": {
                "kundval_draft": {"const": VERSION},
                "title": {"type": ["string", "null"], "maxLength": TITLE},
                "decided_from": {"type": ["string", "null"], "format": "date"},
                "settings": maybe,
                "tariffs": {"type": ["array", "null"], "items": {"type": "object"}},
                "programmes": maybe,
            },
            "required": ["kundval_draft"],
            "additionalProperties": False,
            "x-also-checked": ["changes something; settings, tariffs and programmes are as those in force"],
        }


def _year(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR), **kwargs)


def _language() -> fields.String:
    return fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))


# ---------------------------------------------------------------- asking


class AskWhatIf(TenantRequest):
    """`as_of`: the business date if it is left out, never later. `assignments`: only these."""

    draft = DraftField(required=True)
    as_of = fields.Date(load_default=None, allow_none=True)
    assignments = fields.List(identifier(), load_default=None, allow_none=True, validate=validate.Length(1, MOST))


class AskForecast(TenantRequest):
    """`new_per_month`: an assumption, so many new assignments of each programme in each month that has not begun."""

    year = _year(required=True)
    as_of = fields.Date(load_default=None, allow_none=True)
    new_per_month = fields.Dict(
        keys=code(Programme),
        values=fields.Integer(strict=True, validate=validate.Range(0, 10_000)),
        load_default=dict,
    )


class Asked(Message):
    """`ahead`: questions that are reckoned before this one."""

    question = identifier(required=True)
    state = code(QuestionState, required=True)
    ahead = count(required=True)


class QuestionRequest(TenantRequest):
    question = identifier(required=True)


class QuestionsRequest(TenantRequest):
    kind = code(QuestionKind, load_default=None, allow_none=True)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=QUESTIONS, validate=validate.Range(1, 500))


class Question(Message):
    """`title` and what else is asked as it was given. `ahead`: questions before it, while it waits.

    `failure`: why nothing came of it.
    """

    question = identifier(required=True)
    kind = code(QuestionKind, required=True)
    title = fields.String(required=True)
    year = fields.Integer(required=True, allow_none=True)
    as_of = fields.Date(required=True)
    state = code(QuestionState, required=True)
    failure = fields.String(required=True, allow_none=True)
    ahead = count(required=True)
    asked_by = fields.String(required=True)
    asked_on = fields.Date(required=True)


class Questions(PageAnswer):
    """The newest first."""

    questions = fields.List(fields.Nested(Question), required=True)


class Snapshot(Message):
    """The state over which a question was reckoned: one moment of what billing held."""

    business_date = fields.Date(required=True)
    assignments = count(required=True)
    facts = count(required=True)


# ---------------------------------------------------------------- what if


class _Sums(Message):
    before = MoneyField(required=True)
    after = MoneyField(required=True)
    difference = MoneyField(required=True)


class _Directed(_Sums):
    direction = code(Direction, required=True)


class ByProvider(_Directed):
    provider = identifier(required=True)


class ByProgramme(_Directed):
    programme = code(Programme, required=True)


class ByMonth(_Directed):
    """`month`: the calendar month of `payable_from`, as YYYY-MM."""

    month = fields.String(required=True)


class ByKind(_Directed):
    kind = code(LineKind, required=True)


class Group(ByProvider):
    programme = code(Programme, required=True)
    month = fields.String(required=True)
    kind = code(LineKind, required=True)


class Move(Message):
    """Lines that stand otherwise. null: there is no such line. Amounts are of the lines, payable or not."""

    from_ = code(LineStatus, required=True, allow_none=True, data_key="from", attribute="from")
    to = code(LineStatus, required=True, allow_none=True)
    lines = count(required=True)
    before = MoneyField(required=True)
    after = MoneyField(required=True)


class Side(Message):
    amount = MoneyField(required=True)
    status = code(LineStatus, required=True)
    payable_from = fields.Date(required=True, allow_none=True)
    because = fields.String(required=True)
    steps = fields.List(fields.Nested(Step), required=True)


class ChangedLine(Message):
    provider = identifier(required=True)
    kind = code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    before = fields.Nested(Side, required=True, allow_none=True)
    after = fields.Nested(Side, required=True, allow_none=True)


class Changed(_Sums):
    assignment = identifier(required=True)
    programme = code(Programme, required=True)
    lines = fields.List(fields.Nested(ChangedLine), required=True)


class Difference(Message):
    """Amounts are of PAYABLE lines. `groups`: those that differ, at most `most_groups` of them, the largest difference
    first; `left_off` says how many are not shown (the CSV has all). `largest`: the assignments that change most, with
    the derivations of the lines that differ.
    """

    as_of = fields.Date(required=True)
    decided_from = fields.Date(required=True, allow_none=True)
    assignments = count(required=True)
    changed = count(required=True)
    totals = fields.List(fields.Nested(_Directed), required=True)
    providers = fields.List(fields.Nested(ByProvider), required=True)
    programmes = fields.List(fields.Nested(ByProgramme), required=True)
    months = fields.List(fields.Nested(ByMonth), required=True)
    kinds = fields.List(fields.Nested(ByKind), required=True)
    groups = fields.List(fields.Nested(Group), required=True)
    left_off = count(required=True)
    moves = fields.List(fields.Nested(Move), required=True)
    largest = fields.List(fields.Nested(Changed), required=True)


class WhatIf(Message):
    """`draft` as it was given. `snapshot` and `result` are null until it is done.

    The facts are taken as the assignment service has judged them under the settings in force.
    """

    question = fields.Nested(Question, required=True)
    draft = fields.Dict(keys=fields.String(), required=True)
    snapshot = fields.Nested(Snapshot, required=True, allow_none=True)
    result = fields.Nested(Difference, required=True, allow_none=True)


#: what a chart of a difference can be drawn by
BY = ("month", "provider", "programme", "kind")


class WhatIfChart(QuestionRequest):
    by = fields.String(load_default="month", validate=validate.OneOf(BY))
    lang = _language()


# ---------------------------------------------------------------- forecast and budget


class _Range(Message):
    """SEK; expected is never outside of low and high."""

    low = MoneyField(required=True)
    expected = MoneyField(required=True)
    high = MoneyField(required=True)


class _Figures(_Range):
    """`earned`: payable on `as_of`. `planned`: becomes payable in the year if nothing changes. `waiting`: lacks
    something, or a person's decision. All three of the year alone. `posted`: what the runs of the year moved.
    """

    direction = code(Direction, required=True)
    assignments = count(required=True)
    going_on = count(required=True)
    posted = MoneyField(required=True)
    earned = MoneyField(required=True)
    planned = MoneyField(required=True)
    waiting = MoneyField(required=True)


class HistoryOf(Message):
    """What became of earlier assignments. `decided`, `started`: of those old enough. `exits`: to self-support.
    `judged`, `sustained`: exits whose six months are over, and those of them with a bonus.
    """

    decided = count(required=True)
    started = count(required=True)
    finished = count(required=True)
    exits = count(required=True)
    judged = count(required=True)
    sustained = count(required=True)


class ForecastProgramme(_Figures):
    programme = code(Programme, required=True)
    basis = code(ForecastBasis, required=True)
    history = fields.Nested(HistoryOf, required=True)


class ForecastMonth(_Range):
    """Sums from the beginning of the year to the end of the month."""

    direction = code(Direction, required=True)
    month = fields.String(required=True)


class ForecastByMonth(ForecastMonth):
    programme = code(Programme, required=True)


class Inflow(_Range):
    programme = code(Programme, required=True)
    direction = code(Direction, required=True)
    basis = code(ForecastBasis, required=True)
    history = fields.Nested(HistoryOf, required=True)
    assignments = count(required=True)


class Prognosis(Message):
    year = fields.Integer(required=True)
    as_of = fields.Date(required=True)
    totals = fields.List(fields.Nested(_Figures), required=True)
    programmes = fields.List(fields.Nested(ForecastProgramme), required=True)
    months = fields.List(fields.Nested(ForecastMonth), required=True)
    by_month = fields.List(fields.Nested(ForecastByMonth), required=True)
    inflow = fields.List(fields.Nested(Inflow), required=True)


class AgainstBudget(_Range):
    """What is left of a budget in each case (negative: it is exceeded), and the first month in which it is exceeded.

    `programme` null: everything that the municipality pays.
    """

    programme = code(Programme, required=True, allow_none=True)
    amount = MoneyField(required=True)
    low_exceeds_in = fields.String(required=True, allow_none=True)
    expected_exceeds_in = fields.String(required=True, allow_none=True)
    high_exceeds_in = fields.String(required=True, allow_none=True)


class Reimbursement(Message):
    """The state's part of its appropriation (NACKA-34). null while no share or no appropriation is set."""

    appropriation = MoneyField(required=True, allow_none=True)
    share = fields.String(required=True, allow_none=True)
    amount = MoneyField(required=True, allow_none=True)


class ForecastAnswer(Message):
    """Held against the budget that is set now."""

    question = fields.Nested(Question, required=True)
    snapshot = fields.Nested(Snapshot, required=True, allow_none=True)
    result = fields.Nested(Prognosis, required=True, allow_none=True)
    budget = fields.List(fields.Nested(AgainstBudget), required=True)
    reimbursement = fields.Nested(Reimbursement, required=True)


class ForecastView(QuestionRequest):
    lang = _language()


class SetBudget(TenantRequest):
    """`programme`: of one programme; without it of everything. `appropriation`: what the state sets aside for the
    municipality's residents. null takes back what was set; what is left out stays.
    """

    year = _year(required=True)
    programme = code(Programme, load_default=None, allow_none=True)
    amount = MoneyField(negative=False, allow_none=True)
    appropriation = MoneyField(negative=False, allow_none=True)


class BudgetRequest(TenantRequest):
    year = _year(required=True)


class BudgetVersion(Message):
    """One setting of it; the latest holds. `about`: TOTAL, APPROPRIATION or a programme."""

    about = fields.String(required=True)
    version = count(1, required=True)
    amount = MoneyField(required=True, allow_none=True)
    set_by = fields.String(required=True)
    set_on = fields.Date(required=True, allow_none=True)


class BudgetAnswer(Message):
    """`total`: of everything, or the sum of the programmes' own; null: none is set."""

    year = fields.Integer(required=True)
    total = MoneyField(required=True, allow_none=True)
    programmes = fields.Dict(keys=code(Programme), values=MoneyField(), required=True)
    reimbursement = fields.Nested(Reimbursement, required=True)
    versions = fields.List(fields.Nested(BudgetVersion), required=True)


add("billing.ask_what_if", "command", AskWhatIf, Asked, MONEY,
    "ask what a draft of a tariff or another reading would change",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.ask_forecast", "command", AskForecast, Asked, MONEY, "ask what a year will cost",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.what_ifs", "query", QuestionsRequest, Questions, MONEY, "list the questions that were asked about money",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.what_if", "query", QuestionRequest, WhatIf, MONEY,
    "show what a draft would change, by provider, programme, month and kind",
    reach=Reach.NOTHING, shield=Shield.PAYERS)  # fmt: skip
add("billing.what_if_csv", "query", QuestionRequest, Csv, MONEY, "show every group that a draft would change, as CSV",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.what_if_chart", "query", WhatIfChart, Svg, MONEY, "draw what a draft would change",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.forecast", "query", QuestionRequest, ForecastAnswer, MONEY,
    "show what a year will cost, low, expected and high, against its budget",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.forecast_csv", "query", QuestionRequest, Csv, MONEY, "show a forecast by programme and month, as CSV",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.forecast_chart", "query", ForecastView, Svg, MONEY, "draw a forecast against the budget",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.forecast_page", "query", ForecastView, Page, MONEY, "show a forecast as a page to read or print",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.set_budget", "command", SetBudget, BudgetAnswer, MONEY, "set what a year may cost",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("billing.budget", "query", BudgetRequest, BudgetAnswer, MONEY, "show what a year may cost, and what was set when",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
