"""The municipality's profile as data: which models, units, activities and terms hold in a tenant."""

from __future__ import annotations

from marshmallow import fields

from ..profiles import PROFILE
from .base import EVERYBODY, Message, Reach, Shield, TenantRequest, add, identifier


class ProfileAnswer(Message):
    """A value that nobody has stated, or of which there is none, is null. `profile.settings` are those of the profile;
    a tenant may have been opened with others.
    """

    tenant = identifier(required=True)
    municipality = identifier(required=True)
    profile = fields.Nested(PROFILE, required=True)


add("assignment.profile", "query", TenantRequest, ProfileAnswer, EVERYBODY,
    "show the profile of a municipality",
    reach=Reach.OPEN, shield=Shield.NONE)  # fmt: skip
