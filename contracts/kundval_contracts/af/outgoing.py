"""What the municipality tells the employment service, in the suite's own neutral form.

The employment service's own schemas are not public. So each kind of message (`AfMessage`) has a schema of ours, a row
of `data/af_messages.toml` (purpose, rules, deadline) and the numbers of `data/af_codes.toml`; how the other side calls
the fields is the business of an adapter at its end. In transit a message is one JSON object with headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from ..codes import AfCodeList, AfEnvironment, AfMessage, DataKind, Purpose
from ..errors import InvalidRequest, faults_of
from ..tables import only, read_table
from ..text import IDENTIFIER

#: characters of a text, and study visits in a final report, at most
LONGEST, MOST_VISITS, MOST_ITEMS = 4000, 7, 50

#: headers of a message: by the tracking id the other side tells what it is sent twice
TRACKING, SYSTEM, END_USER, ENVIRONMENT = "Tracking-Id", "System-Id", "End-User-Id", "Environment"


# --- tables --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageTerms:
    """A row of `data/af_messages.toml`. due_workdays: None if no day is set."""

    what: DataKind
    purpose: Purpose
    rules: tuple[str, ...]
    supplier: bool
    due_workdays: int | None
    windows: tuple[int, ...]


@cache
def messages() -> Mapping[AfMessage, MessageTerms]:
    """The terms of every kind of message. Raises ValueError naming everything that is wrong with the file."""
    return read_table("af_messages.toml", AfMessage, _terms)


def _terms(_: AfMessage, row: Mapping[str, Any]) -> MessageTerms:
    only(row, ("what", "purpose", "rules", "supplier", "due_workdays", "windows"))
    days, windows = row.get("due_workdays"), tuple(row.get("windows", ()))
    if days is not None and (type(days) is not int or days < 1):
        raise ValueError("due_workdays must be a number from 1 up")
    if list(windows) != sorted(set(windows)) or not all(type(one) is int and one >= 1 for one in windows):
        raise ValueError("windows must be rising numbers from 1 up")
    return MessageTerms(
        DataKind(row["what"]),
        Purpose(row["purpose"]),
        tuple(row["rules"]),
        bool(row.get("supplier", False)),
        days,
        windows,
    )


@cache
def code_lists() -> Mapping[AfCodeList, Mapping[int, str | None]]:
    """The numbers of each list with their meanings; None: the message says it in words."""
    return read_table("af_codes.toml", AfCodeList, _numbers)


def _numbers(_: AfCodeList, row: Mapping[str, Any]) -> Mapping[int, str | None]:
    only(row, ("numbers", "meanings"))
    found: dict[int, str | None] = dict.fromkeys(row.get("numbers", ()))
    found |= {int(number): str(meaning) for number, meaning in row.get("meanings", {}).items()}
    if not found:
        raise ValueError("holds no numbers")
    return MappingProxyType(found)


# --- what each message holds ---------------------------------------------------------------------------


class _Content(Schema):
    """A field that is not known is a fault: nothing more than this is told."""

    class Meta:
        unknown = RAISE


def _text(**kwargs: Any) -> fields.String:
    return fields.String(validate=validate.Length(1, LONGEST), **kwargs)


def _number(codes: AfCodeList, **kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=lambda value: _known(codes, value), **kwargs)


def _known(codes: AfCodeList, value: int) -> None:
    if value not in code_lists()[codes]:
        raise ValidationError(f"must be one of: {', '.join(map(str, code_lists()[codes]))}")


def _identifier(**kwargs: Any) -> fields.String:
    return fields.String(validate=IDENTIFIER, **kwargs)


def _items(inner: fields.Field[Any], least: int = 0, most: int = MOST_ITEMS, **kwargs: Any) -> fields.List[Any]:
    return fields.List(inner, validate=validate.Length(least, most), **kwargs)


class CoordinatorHandoff(_Content):
    """Nothing is written: the three fields are the client, the intervention and the goals, from the facts."""


class RegistrationMismatch(_Content):
    """`checked_on`: when it was looked up that the client is not registered."""

    checked_on = fields.Date(required=True)


class SubsidyFollowup(_Content):
    """`subsidy`: the case; `continues`: whether the employment goes on."""

    subsidy = _identifier(required=True)
    followed_up_on = fields.Date(required=True)
    continues = fields.Boolean(required=True)
    text = _text(load_default=None, allow_none=True)


class CommissionReply(_Content):
    reply = _text(required=True)


class _Ordered(_Content):
    """About an order of the employment service."""

    order = _identifier(required=True)


class PlannedActivity(_Content):
    activity = _number(AfCodeList.ACTIVITY, required=True)
    name = fields.String(required=True, validate=validate.Length(1, 200))
    description = _text(load_default=None, allow_none=True)


class JointPlanning(_Ordered):
    """*Gemensam planering*: what client and supplier have agreed on."""

    planned_on = fields.Date(required=True)
    activities = _items(fields.Nested(PlannedActivity), least=1, required=True)


class DeviationReport(_Ordered):
    """An absence with its cause, or another deviation: one of them. `until`: the first day after it."""

    absence = _number(AfCodeList.ABSENCE, load_default=None, allow_none=True)
    deviation = _number(AfCodeList.DEVIATION, load_default=None, allow_none=True)
    since = fields.Date(required=True)
    until = fields.Date(load_default=None, allow_none=True)
    text = _text(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _holds_together(self, data: dict[str, Any], **_: Any) -> None:
        if (data["absence"] is None) == (data["deviation"] is None):
            raise ValidationError("names `absence` or `deviation`, and not both", "absence")
        if data["until"] is not None and data["until"] <= data["since"]:
            raise ValidationError("must be after `since`", "until")


class PeriodicReport(_Ordered):
    """*Periodisk redovisning*: a half-open period, and what was done in it."""

    since = fields.Date(required=True)
    until = fields.Date(required=True)
    text = _text(required=True)

    @validates_schema(skip_on_field_errors=True)
    def _ends_after_it_begins(self, data: dict[str, Any], **_: Any) -> None:
        if data["until"] <= data["since"]:
            raise ValidationError("must be after `since`", "until")


class InformativeReport(_Ordered):
    """*Informativ rapport*: something that the employment service should know."""

    on = fields.Date(required=True)
    text = _text(required=True)


class StudyVisit(_Content):
    on = fields.Date(required=True)
    place = fields.String(required=True, validate=validate.Length(1, 200))


class FinalReport(_Ordered):
    """*Slutredovisning*. `broken_off_on`: the intervention was broken off; `incomplete`: something of it is missing.

    Whether it is late, and in which window it falls, follows from the day on which it is submitted.
    """

    main_goal = _text(required=True)
    alternative_goal = _text(load_default=None, allow_none=True)
    steps = _items(_text(), required=True)
    study_visits = _items(fields.Nested(StudyVisit), most=MOST_VISITS, load_default=list)
    broken_off_on = fields.Date(load_default=None, allow_none=True)
    incomplete = fields.Boolean(load_default=False)


CONTENTS: Mapping[AfMessage, Schema] = MappingProxyType(
    {
        AfMessage.COORDINATOR_HANDOFF: CoordinatorHandoff(),
        AfMessage.REGISTRATION_MISMATCH: RegistrationMismatch(),
        AfMessage.SUBSIDY_FOLLOWUP: SubsidyFollowup(),
        AfMessage.COMMISSION_REPLY: CommissionReply(),
        AfMessage.JOINT_PLANNING: JointPlanning(),
        AfMessage.DEVIATION: DeviationReport(),
        AfMessage.PERIODIC: PeriodicReport(),
        AfMessage.INFORMATIVE: InformativeReport(),
        AfMessage.FINAL: FinalReport(),
    }
)


def read_content(kind: AfMessage, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is written, in JSON types with every field named. Raises InvalidRequest with faults below `content`."""
    schema = CONTENTS[kind]
    try:
        found: dict[str, Any] = schema.dump(schema.load(raw))
    except ValidationError as error:
        raise InvalidRequest(faults=faults_of(error.messages, "content")) from None
    return found


# --- in transit ----------------------------------------------------------------------------------------


def in_transit(
    kind: AfMessage,
    *,
    client: str,
    content: Mapping[str, Any],
    number: str,
    late: bool,
    window: int | None,
) -> dict[str, Any]:
    """The object that is handed over. `client`: twelve digits of the identity number. `number`: with the suffix of the
    resubmission, ``…_0`` first.

    The hand-off to the coordinator is its three fields and nothing else (AMI-2.2-c).
    """
    if kind is AfMessage.COORDINATOR_HANDOFF:
        return {"client": client, "intervention": content["intervention"], "goals": content["goals"]}
    more = {} if window is None else {"window": window}
    return {"kind": kind.value, "number": number, "client": client, "late": late, **more, "content": dict(content)}


def headers(tracking: str, system: str, end_user: str, environment: AfEnvironment) -> dict[str, str]:
    """What goes with a message, whichever way it takes."""
    return {TRACKING: tracking, SYSTEM: system, END_USER: end_user, ENVIRONMENT: environment.value}
