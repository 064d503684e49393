"""Finding times for a meeting that suit everybody who has to be there."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import MeetingKind, MeetingMode, MeetingParty, SlotObstacle, SlotReason
from .base import CASE, PROVIDER, Message, Reach, Shield, TenantRequest, add, code, count, identifier
from .meetings import PartyItem
from .results import LANGUAGES

TIMES, MOST_TIMES = 5, 20
#: minutes of a meeting, as for booking
LONGEST = 12 * 60


class FindTimes(TenantRequest):
    """For a meeting that is listed (`meeting`), also for another time of a booked one; or for that of an assignment and
    kind, without `sequence` the one that a rule asks for next.

    `earliest`, `latest`: days; without them around the target day, and later only as far as is of use. `minutes`,
    `mode`: as the meeting has them, else as is usual for its kind. `place`, `room`: only there. `parties` take the
    place of who usually has that role; those that are not `mandatory` are asked along if they can come.
    `on_holidays`: those days too.
    """

    meeting = identifier(load_default=None, allow_none=True)
    assignment = identifier(load_default=None, allow_none=True)
    kind = code(MeetingKind, load_default=None, allow_none=True)
    sequence = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 10_000))
    earliest = fields.Date(load_default=None, allow_none=True)
    latest = fields.Date(load_default=None, allow_none=True)
    minutes = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, LONGEST))
    mode = code(MeetingMode, load_default=None, allow_none=True)
    place = identifier(load_default=None, allow_none=True)
    room = identifier(load_default=None, allow_none=True)
    parties = fields.List(fields.Nested(PartyItem), load_default=list, validate=validate.Length(max=20))
    on_holidays = fields.Boolean(load_default=False)
    limit = fields.Integer(strict=True, load_default=TIMES, validate=validate.Range(1, MOST_TIMES))
    lang = fields.String(load_default="sv", validate=validate.OneOf(LANGUAGES))

    @validates_schema(skip_on_field_errors=True)
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if data["meeting"] is None and (data["assignment"] is None or data["kind"] is None):
            raise ValidationError("is needed, or `assignment` and `kind`", "meeting")
        if data["meeting"] is not None and (data["assignment"], data["kind"], data["sequence"]) != (None, None, None):
            raise ValidationError("says all of it: give neither `assignment` nor `kind` nor `sequence`", "meeting")
        if data["earliest"] and data["latest"] and data["latest"] < data["earliest"]:
            raise ValidationError("must not be before `earliest`", "latest")


class Comer(Message):
    role = code(MeetingParty, required=True)
    resource = identifier(required=True)
    mandatory = fields.Boolean(required=True)


class Booking(Message):
    """What `scheduling.book_meeting` and `scheduling.rebook_meeting` take as it is."""

    starts_at = fields.AwareDateTime(required=True)
    minutes = count(1, required=True)
    mode = code(MeetingMode, required=True)
    place = identifier(required=True, allow_none=True)
    room = identifier(required=True, allow_none=True)
    interpreter = identifier(required=True, allow_none=True)
    parties = fields.List(fields.Nested(Comer), required=True)


class ReasonRow(Message):
    """`number` of what the code counts: days, minutes, persons, seats."""

    code = code(SlotReason, required=True)
    number = fields.Integer(required=True, allow_none=True)
    text = fields.String(required=True)


class TimeRow(Message):
    """`on`: the local day. `cost`: minutes that it is worse than a time which has everything, the least is the best."""

    on = fields.Date(required=True)
    ends_at = fields.AwareDateTime(required=True)
    cost = count(required=True)
    booking = fields.Nested(Booking, required=True)
    reasons = fields.List(fields.Nested(ReasonRow), required=True)


class ObstacleRow(Message):
    """What stands in the way: of `considered` starts it rules out `removed`; without it alone there were `opens`."""

    role = code(MeetingParty, required=True, allow_none=True)
    code = code(SlotObstacle, required=True)
    removed = count(required=True)
    opens = count(required=True)
    text = fields.String(required=True)


class TimesFound(Message):
    """`times`: the best first, each on another day as long as there are days. `obstacles` only if there are none."""

    earliest = fields.Date(required=True)
    latest = fields.Date(required=True)
    considered = count(required=True)
    times = fields.List(fields.Nested(TimeRow), required=True)
    obstacles = fields.List(fields.Nested(ObstacleRow), required=True)


add("scheduling.find_times", "query", FindTimes, TimesFound, CASE | PROVIDER,
    "find times for a meeting that suit everybody, with the reasons",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.PARTIES)  # fmt: skip
