"""The employment service's decisions on wage subsidies: a subsidised employment starts on one (LOKA-36)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validates_schema

from ..codes import EmploymentForm, FactKind, SubsidyStepKind
from ..fact_fields import code, counted_from
from ..facts import Fact
from ..rules import rule
from ..text import IDENTIFIER
from .orders import Due

#: the contract that `SCHEMA` is
NAME = "af.subsidy_decision.v1"


@dataclass(frozen=True, slots=True)
class SubsidyDecision:
    """valid_to: the first day on which it holds no more. subsidy: the case that it decides, if it names it."""

    decision: str
    decided_on: date
    granted: bool
    form: EmploymentForm | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    subsidy: str | None = None


class SubsidyDecisionSchema(Schema):
    class Meta:
        unknown = RAISE

    decision = fields.String(validate=IDENTIFIER, required=True)
    decided_on = counted_from(required=True)
    granted = fields.Boolean(required=True)
    form = code(EmploymentForm, allow_none=True, load_default=None)
    valid_from = counted_from(allow_none=True, load_default=None)
    valid_to = counted_from(allow_none=True, load_default=None)
    subsidy = fields.String(validate=IDENTIFIER, allow_none=True, load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        if data["granted"] and data["valid_from"] is None:
            raise ValidationError("required for a granted one", "valid_from")
        if data["valid_from"] and data["valid_to"] and data["valid_to"] <= data["valid_from"]:
            raise ValidationError("must be after valid_from", "valid_to")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> SubsidyDecision:
        return SubsidyDecision(**data)


SCHEMA = SubsidyDecisionSchema()


def slot(decision: SubsidyDecision) -> str:
    """A decision as part of an id of ours: short, and its own."""
    return hashlib.sha256(decision.decision.encode()).hexdigest()[:16]


@rule("LOKA-36", "LOKA-37", "AMI-6.1-a")
def fact_of(decision: SubsidyDecision, facts: Iterable[Fact]) -> Due:
    """The step that a decision is in the subsidy case that it decides: the one that it names, else the only one that
    waits for a decision, else one of its own. `facts`: those in effect of the assignment, without what this decision
    has come to before.
    """
    steps: dict[str, set[SubsidyStepKind]] = {}
    for fact in facts:
        if fact.kind is FactKind.SUBSIDY_STEP:
            steps.setdefault(fact["subsidy"], set()).add(fact["step"])
    waiting = [case for case, done in steps.items() if SubsidyStepKind.AF_DECIDED not in done]
    case = decision.subsidy or (waiting[0] if len(waiting) == 1 else decision.decision)
    given = {"form": decision.form, "valid_from": decision.valid_from, "valid_to": decision.valid_to}
    data = {"subsidy": case, "step": SubsidyStepKind.AF_DECIDED, "granted": decision.granted}
    data |= {name: value for name, value in given.items() if value is not None}
    return Due("decided", FactKind.SUBSIDY_STEP, decision.decided_on, data)
