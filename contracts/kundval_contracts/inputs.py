"""Schemas of what the outside hands in about providers, clients and plans: one for file and RPC."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema

from .calendar import Period
from .case import Client, Plan, Provider, Step
from .codes import Ownership, Programme
from .text import IDENTIFIER


def _percent(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, 100), **kwargs)


class _Input(Schema):
    class Meta:
        unknown = RAISE


class PeriodSchema(_Input):
    """Half-open `{from, to}` -> `Period`."""

    start = fields.Date(required=True, data_key="from")
    end = fields.Date(required=True, data_key="to")

    @validates_schema(skip_on_field_errors=True)
    def _forwards(self, data: dict[str, Any], **_: Any) -> None:
        if data["end"] < data["start"]:
            raise ValidationError("must not be before `from`", "to")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Period:
        return Period(**data)


class ProviderSchema(_Input):
    """`{id, name?, ownership?, authorised: {programme: date}, deauthorised?, earlier?, capacity?}` -> `Provider`."""

    id = fields.String(required=True, validate=IDENTIFIER)
    name = fields.String(load_default="")
    ownership = fields.Enum(Ownership, by_value=True, load_default=Ownership.PRIVATE)
    authorised = fields.Dict(keys=fields.Enum(Programme, by_value=True), values=fields.Date(), load_default=dict)
    deauthorised = fields.Dict(keys=fields.Enum(Programme, by_value=True), values=fields.Date(), load_default=dict)
    earlier = fields.Dict(
        keys=fields.Enum(Programme, by_value=True), values=fields.List(fields.Nested(PeriodSchema)), load_default=dict
    )
    capacity = fields.Integer(strict=True, validate=validate.Range(min=0), allow_none=True, load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def _ends_after_it_began(self, data: dict[str, Any], **_: Any) -> None:
        began = data["authorised"]
        if any(programme not in began or day < began[programme] for programme, day in data["deauthorised"].items()):
            raise ValidationError("must not be before the day in `authorised`", "deauthorised")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Provider:
        data["earlier"] = {programme: tuple(periods) for programme, periods in data["earlier"].items()}
        return Provider(**data)


class ClientSchema(_Input):
    """The client block of the caseload -> `Client`. Only the birth date is required; flags default to false."""

    birth_date = fields.Date(required=True)
    resident = fields.Boolean(load_default=False)
    receives_eb = fields.Boolean(load_default=False)
    af_registered = fields.Boolean(load_default=False)
    work_ability_pct = _percent(load_default=0)
    outside_work_and_studies = fields.Boolean(load_default=False)
    in_kaa = fields.Boolean(load_default=False)
    establishment_period_ended = fields.Boolean(load_default=False)
    language_obstacle = fields.Boolean(load_default=False)
    work_obstacle = fields.Boolean(load_default=False)
    youth_guarantee_informed_on = fields.Date(allow_none=True, load_default=None)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Client:
        return Client(**data)


class StepSchema(_Input):
    start = fields.Date(required=True, data_key="from")
    extent_pct = _percent(required=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Step:
        return Step(**data)


class PlanSchema(_Input):
    """The plan block -> `Plan`. A quota of 0 is a value; a missing one is null (AMI-1.3.1-c)."""

    extent_pct = _percent(allow_none=True, load_default=None)
    job_search_quota = fields.Integer(strict=True, validate=validate.Range(min=0), allow_none=True, load_default=None)
    step_up = fields.List(fields.Nested(StepSchema), load_default=list, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        days = [step.start for step in data["step_up"] or ()]
        if days != sorted(set(days)):
            raise ValidationError("steps must be in order of their days", "step_up")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Plan:
        return Plan(data["extent_pct"], data["job_search_quota"], tuple(data["step_up"] or ()))


PROVIDER = ProviderSchema()
CLIENT = ClientSchema()
PLAN = PlanSchema()
