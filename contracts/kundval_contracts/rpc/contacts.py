"""The assignment service: where clients can be reached, told to the service that tells them something."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import DeliveryChannel
from .base import CallerRole, Message, Reach, Shield, TenantRequest, add, code, identifier

#: assignments that one request may name
MOST_CONTACTS = 500
#: by which clients are reached
CLIENT_CHANNELS = (DeliveryChannel.EMAIL, DeliveryChannel.SMS, DeliveryChannel.DIGITAL_MAIL)

_LANGUAGE = validate.Regexp(r"\A[a-z]{2,3}\Z", error="must be a language code of ISO 639, such as sv")


class ContactPointsRequest(TenantRequest):
    """`channels`: by which the client is to be reached, no address of another is told. `languages`: those in which
    there is something to read.
    """

    assignments = fields.List(identifier(), required=True, validate=validate.Length(1, MOST_CONTACTS))
    channels = fields.List(
        code(DeliveryChannel, validate=validate.OneOf(CLIENT_CHANNELS)), required=True, validate=validate.Length(1, 3)
    )
    languages = fields.List(fields.String(validate=_LANGUAGE), load_default=list, validate=validate.Length(max=50))


class ContactPoint(Message):
    """Of the client of one assignment. `person` is null if it is not known whose assignment it is, or the person has
    been erased. Of a `protected` person there is nothing else. `language`: the one of the request that suits best,
    null if the client masters none of them. `phone` is as somebody wrote it. `digital_mail`: the recipient.
    """

    assignment = identifier(required=True)
    person = identifier(required=True, allow_none=True)
    protected = fields.Boolean(required=True)
    language = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    digital_mail = fields.String(required=True, allow_none=True)


class ContactPoints(Message):
    """In the order of the request."""

    contacts = fields.List(fields.Nested(ContactPoint), required=True)


add("assignment.contact_points", "query", ContactPointsRequest, ContactPoints, {CallerRole.SYSTEM},
    "say where clients can be reached, to tell them something now",
    reach=Reach.NOTHING, shield=Shield.ADDRESSES, personal=True)  # fmt: skip
