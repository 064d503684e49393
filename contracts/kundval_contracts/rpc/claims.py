"""The billing service: bonuses and what they wait for, and the work list of claims."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import (
    AssistanceScope,
    DecisionAbout,
    Document,
    ExitKind,
    LineKind,
    MoneyState,
    OverlapGround,
    QuestionCode,
)
from ..money import MoneyField
from .base import (
    MOST,
    PAGE,
    PROVIDER,
    STAFF,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    identifier,
    rule_ids,
)


class ClaimsRequest(PageRequest):
    """Claims in one state, or all."""

    state = code(MoneyState, load_default=None, allow_none=True)


class Sentence(Message):
    """The same sentence in Swedish and English."""

    sv = fields.String(required=True)
    en = fields.String(required=True)


class ClaimExit(Message):
    """The exit that a claim is about: E, W, and the month of the intervention that its tier goes by."""

    id = identifier(required=True)
    kind = code(ExitKind, required=True)
    on = fields.Date(required=True)
    first_day = fields.Date(required=True)
    month = fields.Integer(required=True)


class ClaimEvidence(Message):
    """A row of matrix 2.10 against what has come in. `either`: one of `required` is enough. `not_needed` has come and
    proves nothing for this kind of exit.
    """

    required = fields.List(code(Document), required=True)
    either = fields.Boolean(required=True)
    have = fields.List(code(Document), required=True)
    missing = fields.List(code(Document), required=True)
    not_needed = fields.List(code(Document), required=True)
    complete_on = fields.Date(required=True, allow_none=True)


class HourlyCover(Message):
    """Whether six months of hourly work must be proved, and the day from which they are."""

    needed = fields.Boolean(required=True)
    on = fields.Date(required=True, allow_none=True)


class ClaimDay(Message):
    """A claim that counts for this exit."""

    on = fields.Date(required=True)
    certified = fields.Boolean(required=True)


class AssistanceTest(Message):
    """Whose financial assistance is looked at. `found` is for staff; a provider is told null."""

    scope = code(AssistanceScope, required=True)
    found = fields.Boolean(required=True, allow_none=True)


class ClaimQuestion(Message):
    """What a person must decide, since when; `about` is what a `manual_decision` has to be about, null if a hold is to
    be ended instead.
    """

    about = code(DecisionAbout, required=True, allow_none=True)
    since = fields.Date(required=True)
    rules = rule_ids()
    said = fields.Nested(Sentence, required=True)
    # last, since it takes the name of the function
    code = code(QuestionCode, required=True)


class ClaimDecision(Message):
    """What a person decided. Who, and the reason, stay with the assignment; `reasoned`: there is one."""

    about = code(DecisionAbout, required=True)
    approved = fields.Boolean(required=True)
    on = fields.Date(required=True)
    reasoned = fields.Boolean(required=True)


class ClaimOverlap(Message):
    """Other assignments of the same person whose claim may be about the same thing. For staff alone."""

    others = fields.List(identifier(), required=True)
    grounds = fields.List(code(OverlapGround), required=True)
    since = fields.Date(required=True, allow_none=True)
    open = fields.Boolean(required=True)


class Claim(Message):
    """A bonus, or a premium month that is on hold. `amount` is the line's, `stake` what the bonus of the exit is about;
    `tier`: the rule of that amount.
    """

    assignment = identifier(required=True)
    provider = identifier(required=True)
    kind = code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    state = code(MoneyState, required=True)
    since = fields.Date(required=True)
    amount = MoneyField(required=True)
    stake = MoneyField(required=True)
    tier = fields.String(required=True, allow_none=True)
    settle_on = fields.Date(required=True)
    payable_from = fields.Date(required=True, allow_none=True)
    rules = rule_ids()
    said = fields.Nested(Sentence, required=True)
    exit = fields.Nested(ClaimExit, required=True)
    evidence = fields.Nested(ClaimEvidence, required=True)
    cover = fields.Nested(HourlyCover, required=True)
    claims = fields.List(fields.Nested(ClaimDay), required=True)
    assistance = fields.Nested(AssistanceTest, required=True)
    questions = fields.List(fields.Nested(ClaimQuestion), required=True)
    decision = fields.Nested(ClaimDecision, required=True, allow_none=True)
    overlap = fields.Nested(ClaimOverlap, required=True, allow_none=True)


class Claims(PageAnswer):
    claims = fields.List(fields.Nested(Claim), required=True)


class QuestionsRequest(TenantRequest):
    """`after`: the `next` of the page before."""

    after = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"\A\d{4}-\d\d-\d\d/[\w.:@/+-]{1,100}\Z")
    )
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class OpenQuestion(ClaimQuestion):
    assignment = identifier(required=True)
    provider = identifier(required=True, allow_none=True)
    exit = identifier(required=True, allow_none=True)


class Questions(Message):
    questions = fields.List(fields.Nested(OpenQuestion), required=True)
    next = fields.String(required=True, allow_none=True)


add("billing.claims", "query", ClaimsRequest, Claims, STAFF | PROVIDER,
    "list bonuses and held premiums with what they wait for",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="claims")  # fmt: skip
add("billing.questions", "query", QuestionsRequest, Questions, STAFF,
    "list what a person must decide before money goes out, oldest first",
    reach=Reach.NOTHING, shield=Shield.PAYERS, rows="questions")  # fmt: skip
