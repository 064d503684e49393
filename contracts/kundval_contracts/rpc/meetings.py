"""Meetings of the scheduling service: who and what takes part, what is due, booking and what becomes of it.

Times: ISO 8601 with an offset, or local ones in `zone`. Answers hold instants in UTC. Who takes part is named by the
id of a resource; a client by `client/<opaque id of the person>`; somebody of whom nothing is kept by an opaque id.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import (
    CancelReason,
    MeetingKind,
    MeetingMeasure,
    MeetingMode,
    MeetingOutcome,
    MeetingParty,
    MeetingState,
    PartyResponse,
    ResourceKind,
    Role,
)
from .base import (
    CASE,
    MANAGERS,
    MOST,
    PAGE,
    PROVIDER,
    STAFF,
    AssignmentRequest,
    Message,
    PageAnswer,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    identifier,
    rule_ids,
)

_FIRST, _LAST = datetime(1901, 1, 1), datetime(2199, 1, 1)
_ZONE = validate.Length(1, 64)
_LANGUAGE = validate.Regexp(r"\A[a-z]{2,3}\Z", error="not a language code")
_CLOCK = validate.Regexp(r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z", error="not a time of the day (HH:MM)")
#: the most rows of one kind in a request
_MANY = validate.Length(max=MOST)
_FEW = validate.Length(max=50)


def _in_reason(moment: datetime) -> None:
    plain = moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    if not _FIRST <= plain <= _LAST:
        raise ValidationError("is centuries away")


def moment(**kwargs: Any) -> fields.DateTime:
    """A time with or without an offset, loaded as it is given."""
    return _Moment(validate=_in_reason, **kwargs)


class _Moment(fields.DateTime):
    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        try:
            found: datetime = super()._deserialize(value, *args, **kwargs)
            found.astimezone(UTC)
        except (OverflowError, ValueError):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None
        return found


# ---------------------------------------------------------------- who and what


class Hours(Message):
    """Hours that come back every week, in local time: weekday 1 Monday to 7 Sunday, days both included."""

    weekday = fields.Integer(strict=True, required=True, validate=validate.Range(1, 7))
    start = fields.String(required=True, validate=_CLOCK)
    end = fields.String(required=True, validate=_CLOCK)
    place = identifier(load_default=None, allow_none=True)
    first = fields.Date(load_default=None, allow_none=True)
    last = fields.Date(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _forwards(self, data: dict[str, Any], **_: Any) -> None:
        if data["end"] <= data["start"]:
            raise ValidationError("must be after `start`", "end")
        if data["first"] and data["last"] and data["last"] < data["first"]:
            raise ValidationError("must not be before `first`", "last")


def _hours() -> fields.List[Any]:
    return fields.List(fields.Nested(Hours), load_default=list, validate=validate.Length(max=100))


def _languages() -> fields.List[Any]:
    return fields.List(fields.String(validate=_LANGUAGE), load_default=list, validate=_FEW)


class ResourceItem(Message):
    """Staff, a room or an interpreter. `fte`: share of a full time. `active`: false takes it out of use.

    The id of a member of staff is the `sub` of that person's token.
    """

    resource = identifier(required=True)
    kind = code(ResourceKind, required=True)
    team = identifier(load_default=None, allow_none=True)
    place = identifier(load_default=None, allow_none=True)
    fte = fields.Decimal(
        as_string=True,
        places=3,
        allow_nan=False,
        load_default=Decimal(1),
        validate=validate.Range(0, 1, min_inclusive=False),
    )
    languages = _languages()
    seats = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 10_000))
    hours = _hours()
    active = fields.Boolean(load_default=True)


class SetResources(TenantRequest):
    """`provider`: whose they are; the municipality's own without it."""

    provider = identifier(load_default=None, allow_none=True)
    resources = fields.List(fields.Nested(ResourceItem), required=True, validate=validate.Length(1, MOST))


class Kept(Message):
    kept = fields.Integer(required=True)


class Resources(TenantRequest):
    provider = identifier(load_default=None, allow_none=True)
    team = identifier(load_default=None, allow_none=True)
    kind = code(ResourceKind, load_default=None, allow_none=True)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class Resource(ResourceItem):
    provider = identifier(required=True, allow_none=True)


class ResourceList(PageAnswer):
    resources = fields.List(fields.Nested(Resource), required=True)


class PremisesRequest(TenantRequest):
    """Of one provider, or of all."""

    provider = identifier(load_default=None, allow_none=True)


class PremisesItem(Message):
    """A place where a provider has rooms; open when one of them is. `access`: at least four hours between 08 and 17 on
    four days a week (AF-SOM-21). `staffed`: open so many hours a week as the setting says, and always somebody there
    (AF-SOM-20).
    """

    provider = identifier(required=True)
    place = identifier(required=True)
    access = fields.Boolean(required=True)
    staffed = fields.Boolean(required=True)


class PremisesList(Message):
    premises = fields.List(fields.Nested(PremisesItem), required=True)


class TravelItem(Message):
    origin = identifier(required=True)
    destination = identifier(required=True)
    minutes = fields.Integer(strict=True, required=True, validate=validate.Range(0, 24 * 60))


class SetTravel(TenantRequest):
    """Minutes from one place to another; the way back takes as long unless it has a row of its own."""

    travel = fields.List(fields.Nested(TravelItem), required=True, validate=validate.Length(1, MOST))


class ParticipantItem(Message):
    """Who usually takes part for an assignment. `client`: an opaque id of the person, the same for all assignments of
    one person. `languages`: those that the client masters by own assessment, the best first (AF-SOM-17).
    """

    assignment = identifier(required=True)
    client = fields.String(required=True, validate=validate.Regexp(r"\A[\w.:@+-]{1,80}\Z", error="not an identifier"))
    guide = identifier(load_default=None, allow_none=True)
    contact = identifier(load_default=None, allow_none=True)
    team = identifier(load_default=None, allow_none=True)
    place = identifier(load_default=None, allow_none=True)
    swedish_ok = fields.Boolean(load_default=True)
    languages = _languages()
    hours = _hours()


class SetParticipants(TenantRequest):
    participants = fields.List(fields.Nested(ParticipantItem), required=True, validate=validate.Length(1, MOST))


class TimeRequest(TenantRequest):
    """`starts_at` with `ends_at` or `minutes`. Without an offset they are local times in `zone`."""

    starts_at = moment(required=True)
    ends_at = moment(load_default=None, allow_none=True)
    minutes = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(-1_000_000, 1_000_000)
    )
    zone = fields.String(load_default=None, allow_none=True, validate=_ZONE)


class SetAbsence(TenantRequest):
    """`absence`: an id of the caller's choice, so that it can be moved or taken back. `provider`: whose staff it is."""

    provider = identifier(load_default=None, allow_none=True)
    absence = identifier(required=True)
    resource = identifier(required=True)
    starts_at = moment(required=True)
    ends_at = moment(required=True)
    zone = fields.String(load_default=None, allow_none=True, validate=_ZONE)


class RemoveAbsence(TenantRequest):
    provider = identifier(load_default=None, allow_none=True)
    absence = identifier(required=True)


class Removed(Message):
    removed = fields.Boolean(required=True)


# ---------------------------------------------------------------- meetings


class PartyItem(Message):
    role = code(MeetingParty, required=True)
    resource = identifier(required=True)
    mandatory = fields.Boolean(load_default=True)


class Party(PartyItem):
    response = code(PartyResponse, required=True)
    attended = fields.Boolean(required=True, allow_none=True)


class SubjectRow(Message):
    """`waiting`: the place in the waiting list of a group session, null for a place."""

    assignment = identifier(required=True)
    waiting = fields.Integer(required=True, allow_none=True)
    attended = fields.Boolean(required=True, allow_none=True)


class Meeting(Message):
    """A meeting as it stands. Of a protected person time, place, provider and parties are told to who takes part."""

    meeting = identifier(required=True)
    kind = code(MeetingKind, required=True)
    state = code(MeetingState, required=True)
    assignment = identifier(required=True, allow_none=True)
    sequence = fields.Integer(required=True)
    attempt = fields.Integer(required=True)
    needed = fields.Boolean(required=True)
    target = fields.Date(required=True, allow_none=True)
    book_from = fields.Date(required=True, allow_none=True)
    book_by = fields.Date(required=True, allow_none=True)
    hold_by = fields.Date(required=True, allow_none=True)
    booker = code(Role, required=True, allow_none=True)
    rules = rule_ids()
    provider = identifier(required=True, allow_none=True)
    team = identifier(required=True, allow_none=True)
    starts_at = fields.AwareDateTime(required=True, allow_none=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    mode = code(MeetingMode, required=True, allow_none=True)
    place = identifier(required=True, allow_none=True)
    room = identifier(required=True, allow_none=True)
    language = fields.String(required=True, allow_none=True)
    series = identifier(required=True, allow_none=True)
    seats = fields.Integer(required=True, allow_none=True)
    places_left = fields.Integer(required=True, allow_none=True)
    activity = identifier(required=True, allow_none=True)
    version = fields.Integer(required=True)
    booked_on = fields.Date(required=True, allow_none=True)
    held_on = fields.Date(required=True, allow_none=True)
    outcome = code(MeetingOutcome, required=True, allow_none=True)
    measures = fields.List(code(MeetingMeasure), required=True)
    cancel_reason = code(CancelReason, required=True, allow_none=True)
    parties = fields.List(fields.Nested(Party), required=True)
    subjects = fields.List(fields.Nested(SubjectRow), required=True)


class Meetings(TenantRequest):
    """Filters are optional. `from`, `to`: instants between which a meeting is at least for a part."""

    assignment = identifier(load_default=None, allow_none=True)
    provider = identifier(load_default=None, allow_none=True)
    team = identifier(load_default=None, allow_none=True)
    resource = identifier(load_default=None, allow_none=True)
    from_ = moment(load_default=None, allow_none=True, data_key="from")
    to = moment(load_default=None, allow_none=True)
    zone = fields.String(load_default=None, allow_none=True, validate=_ZONE)
    states = fields.List(code(MeetingState), load_default=list, validate=_FEW)
    kinds = fields.List(code(MeetingKind), load_default=list, validate=_FEW)
    after = identifier(load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class MeetingList(PageAnswer):
    meetings = fields.List(fields.Nested(Meeting), required=True)


class MeetingAnswer(Message):
    meeting = fields.Nested(Meeting, required=True)


class _Place(TimeRequest):
    """`parties` take the place of who usually has that role; those that are not named and have to be there are filled
    in. `outside_hours`: book it although somebody does not work then.
    """

    mode = code(MeetingMode, load_default=MeetingMode.IN_PERSON)
    place = identifier(load_default=None, allow_none=True)
    room = identifier(load_default=None, allow_none=True)
    interpreter = identifier(load_default=None, allow_none=True)
    parties = fields.List(fields.Nested(PartyItem), load_default=list, validate=_FEW)
    outside_hours = fields.Boolean(load_default=False)


class BookMeeting(_Place):
    """A meeting that is listed (`meeting`), or that of an assignment and kind; without `sequence` the one that a rule
    asks for next, if any does.
    """

    meeting = identifier(load_default=None, allow_none=True)
    assignment = identifier(load_default=None, allow_none=True)
    kind = code(MeetingKind, load_default=None, allow_none=True)
    sequence = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 10_000))

    @validates_schema(skip_on_field_errors=True)
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if data["meeting"] is None and (data["assignment"] is None or data["kind"] is None):
            raise ValidationError("is needed, or `assignment` and `kind`", "meeting")
        if data["meeting"] is not None and (data["assignment"], data["kind"], data["sequence"]) != (None, None, None):
            raise ValidationError("says all of it: give neither `assignment` nor `kind` nor `sequence`", "meeting")


class MeetingRequest(TenantRequest):
    meeting = identifier(required=True)


class RebookMeeting(_Place):
    """Parties that are not named stay as they are."""

    meeting = identifier(required=True)


class CancelMeeting(MeetingRequest):
    reason = code(
        CancelReason,
        required=True,
        validate=validate.NoneOf(
            [CancelReason.ASSIGNMENT_ENDED, CancelReason.PROVIDER_SWITCHED], error="follows from the facts"
        ),
    )


class Absent(Message):
    """Somebody who was not there: a role, and who if several have it."""

    role = code(MeetingParty, required=True)
    resource = identifier(load_default=None, allow_none=True)


class HoldMeeting(MeetingRequest):
    """`absent`: who was not there of the parties, `absent_clients`: the assignments of a group. `outcome` of a
    follow-up: on track, or not and the measures (AMI-7.2-b). Without `held_on`: on the day for which it was booked.
    """

    held_on = fields.Date(load_default=None, allow_none=True)
    absent = fields.List(fields.Nested(Absent), load_default=list, validate=_FEW)
    absent_clients = fields.List(identifier(), load_default=list, validate=_MANY)
    outcome = code(MeetingOutcome, load_default=None, allow_none=True)
    measures = fields.List(code(MeetingMeasure), load_default=list, validate=_FEW)


class MissMeeting(MeetingRequest):
    absent = fields.List(fields.Nested(Absent), required=True, validate=validate.Length(1, 50))


class BookSeries(_Place):
    """The same meeting every `every_days` days at the same local time, `count` times or through `until`.

    What cannot be booked is left out and told; Swedish holidays are left out unless `on_holidays`.
    """

    assignment = identifier(required=True)
    kind = code(MeetingKind, required=True)
    every_days = fields.Integer(strict=True, load_default=7, validate=validate.Range(1, 365))
    count = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 60))
    until = fields.Date(load_default=None, allow_none=True)
    on_holidays = fields.Boolean(load_default=False)

    @validates_schema(skip_on_field_errors=True)
    def _bounded(self, data: dict[str, Any], **_: Any) -> None:
        if (data["count"] is None) == (data["until"] is None):
            raise ValidationError("is needed, or `until`, and not both", "count")


class SeriesRow(Message):
    """`meeting`: null if it could not be booked; then `code` and `message` say why."""

    on = fields.Date(required=True)
    meeting = identifier(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    message = fields.String(required=True, allow_none=True)


class Series(Message):
    series = identifier(required=True)
    rows = fields.List(fields.Nested(SeriesRow), required=True)


class OpenGroupSession(_Place):
    """`provider`: whose session it is, the municipality's own without it. `seats`: places for clients."""

    provider = identifier(load_default=None, allow_none=True)
    team = identifier(load_default=None, allow_none=True)
    activity = identifier(load_default=None, allow_none=True)
    seats = fields.Integer(strict=True, required=True, validate=validate.Range(1, 1000))


class GroupRequest(AssignmentRequest):
    meeting = identifier(required=True)


class Joined(Message):
    """`waiting`: the place in the waiting list, null if there was a place."""

    waiting = fields.Integer(required=True, allow_none=True)


class Left(Message):
    """`moved`: whether somebody who waited has the place now."""

    moved = fields.Boolean(required=True)


class BookForum(_Place):
    """A meeting about several clients, who are not there (LOKA-14)."""

    team = identifier(load_default=None, allow_none=True)
    subjects = fields.List(identifier(), required=True, validate=validate.Length(1, 100))


# ---------------------------------------------------------------- the methods

add("scheduling.set_resources", "command", SetResources, Kept, MANAGERS | PROVIDER,
    "keep staff, rooms and interpreters with their hours",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("scheduling.resources", "query", Resources, ResourceList, STAFF | PROVIDER,
    "list staff, rooms and interpreters",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("scheduling.premises", "query", PremisesRequest, PremisesList, STAFF | PROVIDER,
    "say whether providers' premises are open and staffed as the employment service asks",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("scheduling.set_travel", "command", SetTravel, Kept, MANAGERS, "keep how far it is between places",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("scheduling.set_participants", "command", SetParticipants, Kept, CASE,
    "keep who usually takes part for an assignment",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("scheduling.set_absence", "command", SetAbsence, Kept, CASE | PROVIDER,
    "keep that somebody or something is not there for a time",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("scheduling.remove_absence", "command", RemoveAbsence, Removed, CASE | PROVIDER, "take back an absence",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("scheduling.meetings", "query", Meetings, MeetingList, STAFF | PROVIDER,
    "list meetings: due, booked and past ones",
    reach=Reach.OWN_ROWS, shield=Shield.PAYERS, rows="meetings")  # fmt: skip
add("scheduling.book_meeting", "command", BookMeeting, MeetingAnswer, CASE | PROVIDER, "book a meeting",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.PAYERS)  # fmt: skip
add("scheduling.rebook_meeting", "command", RebookMeeting, MeetingAnswer, CASE | PROVIDER,
    "give a meeting another time, place or parties",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.PAYERS)  # fmt: skip
add("scheduling.cancel_meeting", "command", CancelMeeting, MeetingAnswer, CASE | PROVIDER, "call a meeting off",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.PAYERS)  # fmt: skip
add("scheduling.hold_meeting", "command", HoldMeeting, MeetingAnswer, CASE | PROVIDER,
    "record that a meeting was held, with attendance and outcome",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.PAYERS)  # fmt: skip
add("scheduling.miss_meeting", "command", MissMeeting, MeetingAnswer, CASE | PROVIDER,
    "record that somebody who had to be there was absent",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.PAYERS)  # fmt: skip
add("scheduling.book_series", "command", BookSeries, Series, CASE | PROVIDER,
    "book a meeting that comes back",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE)  # fmt: skip
add("scheduling.open_group_session", "command", OpenGroupSession, MeetingAnswer, CASE | PROVIDER,
    "open a group session with places",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("scheduling.join_group", "command", GroupRequest, Joined, CASE | PROVIDER,
    "give a client a place in a group session, or in its waiting list",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE)  # fmt: skip
add("scheduling.leave_group", "command", GroupRequest, Left, CASE | PROVIDER,
    "take a client out of a group session; who waits moves up",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE)  # fmt: skip
add("scheduling.book_forum", "command", BookForum, MeetingAnswer, CASE,
    "book a forum meeting about several clients",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
