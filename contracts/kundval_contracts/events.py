"""Every event that the services publish: name, version, schema of `data`.

A fact in effect is an event of its own kind (`assignment.exited`): routing key = name, one CloudEvents object
(`envelope`). Consumers ignore fields that they do not know; publishers validate what they send. Nothing here
says who a person is: opaque ids, dates, codes. Texts that a fact carries (a reason, who decided, an
agreement) stay in assignment; the event says only whether there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from .codes import (
    AssignmentState,
    FactKind,
    LineKind,
    ObligationKind,
    ObligationState,
    Ownership,
    Programme,
    Role,
)
from .envelope import type_of
from .facts import FACT_SCHEMAS, FREE_TEXT, Fact
from .inputs import IDENTIFIER, StepSchema
from .money import MoneyField

SERVICES = ("assignment", "scheduling", "billing", "notifications")


@dataclass(frozen=True, slots=True)
class EventType:
    """One published event: `name` is `<service>.<what>`, `schema` describes `data`, `about` is for the catalogue."""

    name: str
    version: int
    schema: Schema
    about: str

    @property
    def type(self) -> str:
        """CloudEvents type, e.g. `se.kundval.assignment.exited.v1`."""
        return type_of(self.name, self.version)


class _Data(Schema):
    class Meta:
        unknown = EXCLUDE


def _code(enum: Any, **kwargs: Any) -> fields.Enum:
    return fields.Enum(enum, by_value=True, **kwargs)


def _id(**kwargs: Any) -> fields.String:
    return fields.String(validate=IDENTIFIER, **kwargs)


class _FactHead(_Data):
    """What every fact event carries. A higher `revision` of the same fact replaces a lower one."""

    assignment = _id(required=True)
    fact_id = _id(required=True)
    ordinal = fields.Integer(required=True)
    on = fields.Date(required=True)
    known_on = fields.Date(required=True)
    revision = fields.Integer(required=True)


class FactWithdrawn(_Data):
    """A fact that had been published no longer counts."""

    assignment = _id(required=True)
    fact_id = _id(required=True)
    fact = _code(FactKind, required=True)
    revision = fields.Integer(required=True)


class EventProvider(_Data):
    id = _id(required=True)
    ownership = _code(Ownership, required=True)
    authorised = fields.Dict(keys=_code(Programme), values=fields.Date(), required=True)


class TenantOpened(_Data):
    """A municipality instance with the readings, tariffs and providers that hold in it."""

    municipality = _id(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    tariffs = fields.List(fields.Dict(keys=fields.String()), required=True)
    providers = fields.List(fields.Nested(EventProvider), required=True)


class EventPlan(_Data):
    extent_pct = fields.Integer(allow_none=True)
    job_search_quota = fields.Integer(allow_none=True)
    step_up = fields.List(fields.Nested(StepSchema), load_default=list)


class Registered(_Data):
    assignment = _id(required=True)
    programme = _code(Programme, required=True)
    delivery_area = fields.String(allow_none=True, load_default=None)
    plan = fields.Nested(EventPlan, required=True)


class DayOpened(_Data):
    """The tenant's business date has moved: everything known up to and including `date` has been told."""

    date = fields.Date(required=True)


class StateChanged(_Data):
    assignment = _id(required=True)
    state = _code(AssignmentState, required=True)


class EventObligation(_Data):
    kind = _code(ObligationKind, required=True)
    sequence = fields.Integer(required=True)
    due = fields.Date(required=True, allow_none=True)
    overdue_after = fields.Date(allow_none=True, load_default=None)
    responsible = _code(Role, required=True)
    provider = _id(allow_none=True, load_default=None)
    state = _code(ObligationState, required=True)
    met_on = fields.Date(required=True, allow_none=True)
    rules = fields.List(fields.String(), required=True)


class ObligationKey(_Data):
    kind = _code(ObligationKind, required=True)
    sequence = fields.Integer(required=True)


class ObligationsChanged(_Data):
    """What differs from what was told before about one assignment. `revision` rises for each assignment.

    `as_of` is the business date on which they stand so; `scheduling.day_opened` follows when all of that date are told.
    """

    assignment = _id(required=True)
    revision = fields.Integer(required=True)
    as_of = fields.Date(required=True)
    changed = fields.List(fields.Nested(EventObligation), required=True)
    removed = fields.List(fields.Nested(ObligationKey), required=True)


class EventPosting(_Data):
    entry = _id(required=True)
    provider = _id(required=True)
    kind = _code(LineKind, required=True)
    sequence = fields.Integer(required=True)
    amount = MoneyField(required=True)
    reverses = fields.Date(allow_none=True, load_default=None)


class Posted(_Data):
    """New ledger entries of one assignment in a payment run; a negative amount takes an earlier one back."""

    assignment = _id(required=True)
    run = fields.Date(required=True)
    postings = fields.List(fields.Nested(EventPosting), required=True)


class Sent(_Data):
    """A message has been handed to its channel."""

    assignment = _id(required=True)
    kind = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z_]{1,60}\Z"))
    to = _code(Role, required=True)
    on = fields.Date(required=True)
    channel = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z_]{1,20}\Z"))


def _fact_schema(kind: FactKind) -> Schema:
    """The event of a fact: its own fields, with texts turned into 'there is one'."""
    said = {name: fields.Boolean(load_default=False) for name in FREE_TEXT.get(kind, ())}
    base = type(FACT_SCHEMAS[kind])
    meta = type("Meta", (), {"unknown": EXCLUDE})
    made: type[Schema] = type(f"{base.__name__}Event{kind.name}", (_FactHead, base), {"Meta": meta, **said})
    return made()


_ABOUT = {
    FactKind.DECIDED: "The intervention has been decided (D).",
    FactKind.PROVIDER_CHOSEN: "The client has chosen a provider.",
    FactKind.STARTED: "The start-up meeting has been held (S).",
    FactKind.EXITED: "The intervention has ended (E), with its kind.",
    FactKind.BROKE_OFF: "Work, studies or business after the exit were broken off (B).",
    FactKind.RESUMED: "The client has resumed the intervention.",
}

_OTHERS: tuple[tuple[str, Schema, str], ...] = (
    ("assignment.tenant_opened", TenantOpened(), "A municipality instance is open, or its settings were replaced."),
    ("assignment.registered", Registered(), "An assignment exists."),
    ("assignment.fact_withdrawn", FactWithdrawn(), "A fact no longer counts: withdrawn, or overruled by another."),
    ("assignment.state_changed", StateChanged(), "The assignment is in another state (rulebook 8.1)."),
    ("assignment.day_opened", DayOpened(), "The business date has moved."),
    ("scheduling.day_opened", DayOpened(), "Obligations have been told as they stand on this business date."),
    ("scheduling.obligations_changed", ObligationsChanged(), "Obligations of an assignment: new, changed, gone."),
    ("billing.posted", Posted(), "Entries were posted to the ledger for an assignment."),
    ("notifications.sent", Sent(), "A message was sent."),
)

#: Every event by name.
EVENTS: dict[str, EventType] = {
    **{
        f"assignment.{kind}": EventType(
            f"assignment.{kind}", 1, _fact_schema(kind), _ABOUT.get(kind, f"The fact `{kind}` is in effect.")
        )
        for kind in FactKind
    },
    **{name: EventType(name, 1, schema, about) for name, schema, about in _OTHERS},
}

_HEAD = ("assignment", "fact_id", "ordinal", "on", "known_on", "revision")


def fact_event(assignment: str, fact: Fact, revision: int) -> dict[str, Any]:
    """`data` of the event `assignment.<kind>`: JSON primitives without any text that the fact carries."""
    texts = FREE_TEXT.get(fact.kind, ())
    data = {
        **{name: (bool(value) if name in texts else value) for name, value in fact.data.items()},
        "assignment": assignment,
        "fact_id": fact.id,
        "ordinal": fact.place,
        "on": fact.on,
        "known_on": fact.known_on,
        "revision": revision,
    }
    return EVENTS[f"assignment.{fact.kind}"].schema.dump(data)


def fact_from_event(name: str, data: Mapping[str, Any]) -> Fact:
    """The fact that an event `assignment.<kind>` carries. Raises marshmallow.ValidationError, KeyError."""
    kind = FactKind(name.partition(".")[2])
    loaded = EVENTS[name].schema.load(data)
    rest = {key: value for key, value in loaded.items() if key not in _HEAD}
    on: date = loaded["on"]
    return Fact(loaded["fact_id"], kind, on, loaded["known_on"], loaded["ordinal"], rest)
