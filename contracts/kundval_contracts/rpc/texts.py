"""The notifications service: what the texts of notices look like."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import DeliveryChannel, NoticeKind, Role
from .base import STAFF_AND_OPERATIONS, Message, Reach, Shield, TenantRequest, add, code


class PreviewRequest(TenantRequest):
    """`lang`: a language tag. One that there are no texts in is shown as its readers would get it."""

    kind = code(NoticeKind, required=True)
    role = code(Role, required=True)
    lang = fields.String(load_default="sv", validate=validate.Regexp(r"\A[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z"))
    channel = code(DeliveryChannel, load_default=DeliveryChannel.INBOX)
    late = fields.Boolean(load_default=False)


class Preview(Message):
    """`language`: ``sv+en`` for Swedish with English below. `html`: null for an SMS. `proofread`: by somebody who has
    grown up with the language.
    """

    language = fields.String(required=True)
    direction = fields.String(required=True)
    proofread = fields.Boolean(required=True)
    subject = fields.String(required=True)
    text = fields.String(required=True)
    html = fields.String(required=True, allow_none=True)
    template = fields.String(required=True)
    version = fields.String(required=True)


add("notifications.preview", "query", PreviewRequest, Preview, STAFF_AND_OPERATIONS,
    "show what a notice looks like, with sample data",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
