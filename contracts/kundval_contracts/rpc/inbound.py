"""The assignment service: what other systems tell, whom they mean, and what it shows of the six months."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from ..codes import DataKind, ExitKind, InboundSource, StudyAid
from ..fact_fields import LATEST, counted_from
from .base import CASE, OPERATIONS, STAFF, Message, Reach, Shield, TenantRequest, add, code, count, identifier
from .grounds import AboutPerson


class Receive(TenantRequest):
    """`event`: the CloudEvents object, as it would come over the bus (`events_in`)."""

    event = fields.Dict(keys=fields.String(), required=True)


class Received(Message):
    """For how many persons it was taken in, and for how many refused for want of a ground (or of anybody linked).
    `repeated`: it had come before.
    """

    taken = count(required=True)
    refused = count(required=True)
    repeated = fields.Boolean(required=True)


class LinkHousehold(AboutPerson):
    """The person belongs to the household from `from` until before `to`, null: still. The same `from` again gives the
    period another end; without a day in it (`to` is `from`) the link is taken away.
    """

    household = identifier(required=True)
    from_ = counted_from(required=True, data_key="from", attribute="from")
    to = fields.Date(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _forwards(self, data: dict[str, Any], **_: Any) -> None:
        if data["to"] is not None and not data["from"] <= data["to"] <= LATEST:
            raise ValidationError(f"must not be before `from`, nor after {LATEST}", "to")


class LinkReference(AboutPerson):
    """`reference`: what a source calls the person. `remove`: it does not mean the person after all."""

    source = code(InboundSource, required=True)
    reference = identifier(required=True)
    remove = fields.Boolean(load_default=False)


class Linked(Message):
    """False if it stood so already."""

    linked = fields.Boolean(required=True)


class HouseholdRow(Message):
    household = identifier(required=True)
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True, allow_none=True)


class ReferenceRow(Message):
    source = code(InboundSource, required=True)
    reference = identifier(required=True)


class Links(Message):
    person = identifier(required=True)
    households = fields.List(fields.Nested(HouseholdRow), required=True)
    references = fields.List(fields.Nested(ReferenceRow), required=True)


class EvidenceRequest(TenantRequest):
    assignment = identifier(required=True)


class StudiesRow(Message):
    """A certificate (`aid` null), or study aid that was granted."""

    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    extent_pct = count(1, required=True)
    aid = code(StudyAid, required=True, allow_none=True)


class MonthRow(Message):
    """`employers`: numbers in the order of their appearance, the same for the same employer; none: not confirmed."""

    month = fields.Date(required=True)
    employers = fields.List(count(1), required=True)


class ExitEvidence(Message):
    """What is known of the six months after an exit. `studies_until`: the first day that certificates, one following on
    the other, do not cover; null: not even the first.
    """

    exit = identifier(required=True)
    kind = code(ExitKind, required=True)
    from_ = fields.Date(required=True, data_key="from", attribute="from")
    to = fields.Date(required=True)
    studies = fields.List(fields.Nested(StudiesRow), required=True)
    studies_until = fields.Date(required=True, allow_none=True)
    months = fields.List(fields.Nested(MonthRow), required=True)


class EvidenceAnswer(Message):
    """`refused`: kinds of data that are not shown because no ground holds for them."""

    assignment = identifier(required=True)
    exits = fields.List(fields.Nested(ExitEvidence), required=True)
    refused = fields.List(code(DataKind), required=True)


add("assignment.receive", "command", Receive, Received, OPERATIONS,
    "take in an event of another system that is not on the bus",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.link_household", "command", LinkHousehold, Linked, CASE,
    "say to which household of the assistance system a person belongs, and when",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.link_reference", "command", LinkReference, Linked, CASE,
    "say what another system calls a person",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.links", "query", AboutPerson, Links, CASE,
    "list what other systems call a person and its household",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.evidence", "query", EvidenceRequest, EvidenceAnswer, STAFF,
    "show what other systems confirm of the six months after an exit",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
