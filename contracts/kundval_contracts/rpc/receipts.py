"""Receipts of what was sent, for systems that ask the other side themselves."""

from __future__ import annotations

from marshmallow import fields, validate

from ..codes import DeliveryChannel, ReceiptStatus
from .base import OPERATIONS, Message, Reach, Shield, TenantRequest, add, code, identifier


class TakeReceipt(TenantRequest):
    """reference: the other side's name for the message, or the id under which it was handed over. at: when it was said;
    now, if it is missing.
    """

    channel = code(DeliveryChannel, required=True)
    reference = fields.String(required=True, validate=validate.Regexp(r"\A[!-~]{1,200}\Z", error="is no reference"))
    status = code(ReceiptStatus, required=True)
    code = identifier(load_default=None, allow_none=True)
    at = fields.AwareDateTime(load_default=None, allow_none=True)


class ReceiptTaken(Message):
    """known: whether the municipality has sent something by this name."""

    known = fields.Boolean(required=True)


add("notifications.take_receipt", "command", TakeReceipt, ReceiptTaken, OPERATIONS,
    "enter what the other side says of a message that was sent",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
