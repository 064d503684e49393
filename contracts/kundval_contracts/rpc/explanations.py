"""Explanations of the billing service: the derivation of a line or an entry, and what was known and owed on a day."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import ConditionMet, Explained, ExplanationForm, FactKind, KnownAt, LineKind, LineStatus, RunProblem
from ..money import MoneyField
from .base import (
    PROVIDER,
    STAFF,
    AssignmentRequest,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shield,
    add,
    identifier,
)
from .base import code as coded
from .billing import Said


def _language() -> fields.String:
    return fields.String(load_default="sv", validate=validate.OneOf(("sv", "en")))


class ExplanationRequest(AssignmentRequest):
    """A line by `kind` and `sequence`, or an `entry` of the ledger. `provider` tells apart lines that several have."""

    provider = identifier(load_default=None, allow_none=True)
    kind = coded(LineKind, load_default=None, allow_none=True)
    sequence = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 9999))
    entry = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(r"\A[1-9][0-9]{0,17}\Z"))
    lang = _language()
    form = coded(ExplanationForm, load_default=ExplanationForm.TREE)

    @validates_schema(skip_on_field_errors=True)
    def _one_thing(self, data: dict[str, Any], **_: Any) -> None:
        line = data["kind"] is not None or data["sequence"] is not None
        if line == (data["entry"] is not None):
            raise ValidationError("name a line by kind and sequence, or an entry", "entry")
        if line and (data["kind"] is None or data["sequence"] is None):
            raise ValidationError("kind and sequence belong together", "kind" if data["kind"] is None else "sequence")


class TreeFact(Message):
    """A fact with the fields that matter for money: codes, days, numbers, opaque ids; `text` says it in words.

    `learned_on`: the first business date on which it could count. `in_effect`: false if it counts no longer.
    `decisive`: whether today's answer would be another without it; null where that was not looked at.
    """

    id = identifier(required=True)
    fact = coded(FactKind, required=True)
    on = fields.Date(required=True)
    known_on = fields.Date(required=True)
    learned_on = fields.Date(required=True, allow_none=True)
    in_effect = fields.Boolean(required=True)
    decisive = fields.Boolean(required=True, allow_none=True)
    fields_ = fields.Dict(keys=fields.String(), required=True, data_key="fields", attribute="fields")
    text = fields.String(required=True)


class TreeRule(Message):
    """A rule with its title and the clause of the source that it stands in."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    source = fields.String(required=True)


class TreeCondition(Message):
    """Something that had to hold, in the order in which it is looked at; the last one decides."""

    code = fields.String(required=True)
    met = coded(ConditionMet, required=True)
    text = fields.String(required=True)
    rules = fields.List(fields.String(), required=True)


class TreeTariff(Message):
    """The tariff that the money comes from and the clause that it stands in. `valid_from` is its version; null: there
    is one without a date.
    """

    programme = fields.String(required=True)
    valid_from = fields.Date(required=True, allow_none=True)
    locked_on = fields.Date(required=True)
    source = fields.String(required=True)
    text = fields.String(required=True)


class TreeStep(Message):
    """A step: `amount` starts or adds, `factor` multiplies what stands so far, `divisor` divides it. `result` is what
    stands after it, exact; only the amount of the whole is rounded, half up to the öre.
    """

    text = fields.String(required=True)
    said = fields.Nested(Said, required=True, allow_none=True)
    amount = fields.String(required=True, allow_none=True)
    factor = fields.String(required=True, allow_none=True)
    divisor = fields.String(required=True, allow_none=True)
    result = fields.String(required=True)
    facts = fields.List(fields.Nested(TreeFact), required=True)


class TreeStart(TreeStep):
    """Of a posting that is taken back there is nothing more before it."""

    posting = fields.Raw(required=True, allow_none=True, validate=validate.Equal(None))


class _Tree(Message):
    about = coded(Explained, required=True)
    assignment = identifier(required=True)
    provider = identifier(required=True)
    kind = coded(LineKind, required=True)
    sequence = fields.Integer(required=True)
    from_ = fields.Date(required=True, allow_none=True, data_key="from", attribute="from")
    to = fields.Date(required=True, allow_none=True)
    amount = MoneyField(required=True)
    status = coded(LineStatus, required=True, allow_none=True)
    payable_from = fields.Date(required=True, allow_none=True)
    entry = fields.String(required=True, allow_none=True)
    run = fields.Date(required=True, allow_none=True)
    reverses = fields.Date(required=True, allow_none=True)
    text = fields.String(required=True)
    said = fields.Nested(Said, required=True, allow_none=True)
    ruleset = fields.String(required=True)
    rules = fields.List(fields.Nested(TreeRule), required=True)
    tariff = fields.Nested(TreeTariff, required=True, allow_none=True)
    conditions = fields.List(fields.Nested(TreeCondition), required=True)
    facts = fields.List(fields.Nested(TreeFact), required=True)
    learned = fields.List(fields.Nested(TreeFact), required=True)


class EarlierTree(_Tree):
    """The derivation of a posting that another takes back."""

    steps = fields.List(fields.Nested(TreeStart), required=True)


class TreeStepOnPosting(TreeStep):
    """`posting`: where the step starts from a posting that is taken back, that posting's own derivation."""

    posting = fields.Nested(EarlierTree, required=True, allow_none=True)


class Tree(_Tree):
    """The derivation of a line or a posting. Its steps alone lead to its amount (`answer.recompute_tree`).

    `facts` decided where it stands. `conditions` are those of a line. `learned`: what became known between a posting
    and the one that it takes back. A provider is shown nothing of financial assistance, of what a household lives on,
    and of other providers.
    """

    steps = fields.List(fields.Nested(TreeStepOnPosting), required=True)


class DerivationTree(Message):
    """One of `tree`, `text` and `html`, by the form that was asked for. `html` is a page that stands by itself."""

    assignment = identifier(required=True)
    lang = fields.String(required=True)
    form = coded(ExplanationForm, required=True)
    tree = fields.Nested(Tree, required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)
    html = fields.String(required=True, allow_none=True)


class AsKnownRequest(PageRequest):
    """`known_by`: the day that is looked back at, at its end (`at` DAY) or at the payment run of that day (RUN).
    `as_of`: the day that is computed for, if it is another one.
    """

    known_by = fields.Date(required=True)
    at = coded(KnownAt, load_default=KnownAt.DAY)
    as_of = fields.Date(load_default=None, allow_none=True)
    lang = _language()


class LineThen(Message):
    """A line as it was computed by what was known, by the settings of then; null where there was none.

    `due`: payable by it; `posted`: what the ledger held; `owed`: what a run would have posted; `due_today`: what is
    payable by what is known today.
    """

    assignment = identifier(required=True)
    provider = identifier(required=True)
    kind = coded(LineKind, required=True)
    sequence = fields.Integer(required=True)
    from_ = fields.Date(required=True, allow_none=True, data_key="from", attribute="from")
    to = fields.Date(required=True, allow_none=True)
    status = coded(LineStatus, required=True, allow_none=True)
    payable_from = fields.Date(required=True, allow_none=True)
    because = fields.String(required=True, allow_none=True)
    due = MoneyField(required=True)
    posted = MoneyField(required=True)
    owed = MoneyField(required=True)
    due_today = MoneyField(required=True)


class ChangeSince(Message):
    """Why an assignment comes to something else today. The three parts add up to `difference`, exactly."""

    assignment = identifier(required=True)
    difference = MoneyField(required=True)
    by_time = MoneyField(required=True)
    by_facts = MoneyField(required=True)
    by_terms = MoneyField(required=True)
    learned = fields.List(fields.Nested(TreeFact), required=True)


class StuckThen(Message):
    """An assignment of which nothing could be computed, by the terms of then or by those of today."""

    assignment = identifier(required=True)
    code = coded(RunProblem, required=True)


class SumsThen(Message):
    due = MoneyField(required=True)
    posted = MoneyField(required=True)
    owed = MoneyField(required=True)
    due_today = MoneyField(required=True)


class AsKnown(PageAnswer):
    """`sums` are those of the page. Empty before the tenant had been opened."""

    known_by = fields.Date(required=True)
    as_of = fields.Date(required=True)
    today = fields.Date(required=True)
    lines = fields.List(fields.Nested(LineThen), required=True)
    changes = fields.List(fields.Nested(ChangeSince), required=True)
    problems = fields.List(fields.Nested(StuckThen), required=True)
    sums = fields.Nested(SumsThen, required=True)


add("billing.explanation", "query", ExplanationRequest, DerivationTree, STAFF | PROVIDER,
    "derive a line or an entry in words: rules, conditions, facts, arithmetic",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS)  # fmt: skip
add("billing.as_known", "query", AsKnownRequest, AsKnown, STAFF,
    "say what was known and owed on an earlier day, and what has changed since",
    reach=Reach.NOTHING, shield=Shield.PAYERS, rows="lines")  # fmt: skip
