"""The notifications service: who stands behind a role, and what recipients want and do not want.

Parties are staff, functional mailboxes and other systems: the ids of staff are the subjects of their tokens. Clients
are none: their addresses are assignment's, and only what they refuse and prefer is here, by a person's opaque id.
"""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import DeliveryChannel, Role
from .base import (
    CASE,
    MANAGERS,
    OPERATIONS,
    PROVIDER,
    Message,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    identifier,
)

#: who keeps the directory
DIRECTORY = MANAGERS | OPERATIONS
#: the ways that somebody can refuse; what lies in the inbox is there whatever they want
REFUSABLE = tuple(one for one in DeliveryChannel if one is not DeliveryChannel.INBOX)
_STAFF_ROLES = tuple(one for one in Role if one is not Role.CLIENT)

_LANGUAGE = validate.Regexp(r"\A[a-z]{2,3}\Z", error="must be a language code of ISO 639, such as sv")
_NUMBER = validate.Regexp(
    r"\A\+[1-9][0-9]{6,14}\Z", error="must be a number with + and its country, such as +46701740605"
)


def _each_once(value: list[Any]) -> None:
    if len(set(value)) < len(value):
        raise ValidationError("names a channel twice")


def _channels(**kwargs: Any) -> fields.List[Any]:
    return fields.List(code(DeliveryChannel, validate=validate.OneOf(REFUSABLE)), **kwargs)


# ---------------------------------------------------------------- parties


class PartyRequest(TenantRequest):
    """`party`: a provider's id or a member of staff's; null: whoever holds the role."""

    role = code(Role, required=True, validate=validate.OneOf(_STAFF_ROLES))
    party = identifier(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _provider_by_id(self, data: dict[str, Any], **_: Any) -> None:
        if data["role"] is Role.PROVIDER and data["party"] is None:
            raise ValidationError("each provider has addresses of its own", "party")


class SetParty(PartyRequest):
    """What is not named is not held any more. `unit`: the one that a team manager leads, each has one; or to which
    staff belongs. `webhook`: a system that takes notices in, at an https address. It gets a secret when its address is
    new, and another with `new_secret`.
    """

    unit = identifier(load_default=None, allow_none=True)
    email = fields.Email(load_default=None, allow_none=True, validate=validate.Length(max=200))
    phone = fields.String(load_default=None, allow_none=True, validate=_NUMBER)
    webhook = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 500))
    new_secret = fields.Boolean(load_default=False)
    language = fields.String(load_default="sv", validate=_LANGUAGE)

    @validates_schema(skip_on_field_errors=True)
    def _secret_of_something(self, data: dict[str, Any], **_: Any) -> None:
        if data["new_secret"] and data["webhook"] is None:
            raise ValidationError("there is no webhook", "new_secret")
        if data["unit"] is not None and data["role"] not in (Role.TEAM_MANAGER, Role.CAREER_GUIDE):
            raise ValidationError("is for team managers and career guides", "unit")


class PartySet(Message):
    """`secret`: by which webhooks to it are signed, told this once; null if it has the one that it had."""

    role = code(Role, required=True)
    party = identifier(required=True, allow_none=True)
    secret = fields.String(required=True, allow_none=True)


class PartyRemoved(Message):
    removed = fields.Boolean(required=True)


class WebhookClosed(Message):
    closed = fields.Boolean(required=True)


class PartiesRequest(TenantRequest):
    role = code(Role, load_default=None, allow_none=True, validate=validate.OneOf(_STAFF_ROLES))


class PartyRow(Message):
    """`webhook_closed_at`: since when nothing goes to the webhook, because it said that it is no more."""

    role = code(Role, required=True)
    party = identifier(required=True, allow_none=True)
    unit = identifier(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    webhook = fields.String(required=True, allow_none=True)
    webhook_closed_at = fields.AwareDateTime(required=True, allow_none=True)
    language = fields.String(required=True)
    changed_by = fields.String(required=True)
    changed_at = fields.AwareDateTime(required=True)


class Parties(Message):
    parties = fields.List(fields.Nested(PartyRow), required=True)


# ---------------------------------------------------------------- preferences


class WhoseRequest(TenantRequest):
    """`person`: a client; without, the caller, or the caller's provider."""

    person = identifier(load_default=None, allow_none=True)


class Prefer(WhoseRequest):
    """What is not named is as for everybody. `refused`: never by these. `channels`: tried in this order, before those
    of the notice. `digest`: what is not urgent once a day, for staff and providers.
    """

    refused = _channels(load_default=list, validate=_each_once)
    channels = _channels(load_default=None, allow_none=True, validate=[validate.Length(min=1), _each_once])
    digest = fields.Boolean(load_default=False)
    language = fields.String(load_default=None, allow_none=True, validate=_LANGUAGE)

    @validates_schema(skip_on_field_errors=True)
    def _consistent(self, data: dict[str, Any], **_: Any) -> None:
        both = set(data["refused"]) & set(data["channels"] or ())
        if both:
            raise ValidationError(f"{min(both)} is refused", "channels")
        if data["digest"] and data["person"] is not None:
            raise ValidationError("is for staff and providers", "digest")


class Preferences(Message):
    """`changed_at`: null if nothing has been said."""

    refused = _channels(required=True)
    channels = _channels(required=True, allow_none=True)
    digest = fields.Boolean(required=True)
    language = fields.String(required=True, allow_none=True)
    changed_at = fields.AwareDateTime(required=True, allow_none=True)


add("notifications.set_party", "command", SetParty, PartySet, DIRECTORY,
    "say where staff, a provider or a system gets its messages",
    reach=Reach.NOTHING, shield=Shield.NONE, shown_once=("secret",))  # fmt: skip
add("notifications.remove_party", "command", PartyRequest, PartyRemoved, DIRECTORY,
    "let go of addresses and preferences of staff, a provider or a system",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("notifications.close_webhook", "command", PartyRequest, WebhookClosed, DIRECTORY,
    "send nothing more to a webhook, until its address is stated again",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("notifications.parties", "query", PartiesRequest, Parties, DIRECTORY,
    "list where staff, providers and systems get their messages",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("notifications.prefer", "command", Prefer, Preferences, CASE | PROVIDER,
    "say by which ways one wants messages, or a client does, and by which not",
    reach=Reach.ITSELF, shield=Shield.OPAQUE)  # fmt: skip
add("notifications.preferences", "query", WhoseRequest, Preferences, CASE | PROVIDER,
    "show by which ways one wants messages, or a client does",
    reach=Reach.ITSELF, shield=Shield.OPAQUE)  # fmt: skip
