"""The assignment service: whose the ids are under which a partner knows persons and cases."""

from __future__ import annotations

from marshmallow import fields, validate

from ..identifiers import IdKind
from .base import CASE, MOST, Message, Reach, Shield, TenantRequest, add, code, identifier


class ResolvePseudonyms(TenantRequest):
    """`partner`: to whom the pseudonyms were told. A partner that asks for itself names itself."""

    partner = identifier(required=True)
    pseudonyms = fields.List(identifier(), required=True, validate=validate.Length(1, MOST))


class ResolvedPseudonym(Message):
    """`id`: of an assignment or a person, as `kind` says."""

    pseudonym = identifier(required=True)
    kind = code(IdKind, required=True)
    id = identifier(required=True)


class ResolvedPseudonyms(Message):
    """`unresolved`: what is no pseudonym of this partner in this municipality, or is so no longer."""

    resolved = fields.List(fields.Nested(ResolvedPseudonym), required=True)
    unresolved = fields.List(identifier(), required=True)


add("assignment.resolve_pseudonyms", "query", ResolvePseudonyms, ResolvedPseudonyms, CASE,
    "say whose the pseudonyms are that a partner was told",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
