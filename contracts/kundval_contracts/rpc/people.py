"""The assignment service: persons, who may see them, who was shown what, and how long anything is kept.

A person is known by an opaque id that the service makes. Identity number, name and the like stand in the requests and
answers of this module and nowhere else.
"""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from ..codes import (
    AccessOutcome,
    AssignmentState,
    ExitKind,
    LogFault,
    Programme,
    ProtectionKind,
    RecordKind,
)
from ..fact_fields import counted_from
from .base import (
    CASE,
    MANAGERS,
    MOST,
    OPERATIONS,
    PAGE,
    PROVIDER,
    AssignmentRequest,
    CallerRole,
    Message,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
    rule_ids,
)

AUDITORS = MANAGERS | {CallerRole.OPERATIONS}

_LANGUAGE = validate.Regexp(r"\A[a-z]{2,3}\Z", error="must be a language code of ISO 639, such as sv")
_MAC = validate.Regexp(r"\A[0-9a-f]{64}\Z", error="must be 64 hexadecimal digits")


def _words(most: int, **kwargs: Any) -> fields.String:
    return fields.String(validate=validate.Length(1, most), **kwargs)


def _language(**kwargs: Any) -> fields.String:
    return fields.String(validate=_LANGUAGE, **kwargs)


def _entry_number() -> fields.Integer:
    """Number of an entry in the access log; no higher one fits its column."""
    return fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 2**63 - 1))


class Details(Message):
    """What is held of a person beside the number. `languages`: mastered well, by own assessment (AF-SOM-17)."""

    name = _words(200, allow_none=True)
    email = fields.Email(validate=validate.Length(max=200), allow_none=True)
    phone = _words(50, allow_none=True)
    language = _language(allow_none=True)
    swedish_ok = fields.Boolean()
    languages = fields.List(_language(), validate=validate.Length(max=50))


class RegisterPerson(TenantRequest, Details):
    """`identity_number`: 10 digits with - or +, or 12; also a co-ordination number."""

    identity_number = _words(20, load_default=None, allow_none=True)


class PersonRequest(TenantRequest):
    person = identifier(required=True)


class UpdatePerson(PersonRequest, Details):
    """What is not named stays as it was; null takes it away."""

    identity_number = _words(20)

    @validates_schema(skip_on_field_errors=True)
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if not data.keys() - {"tenant", "person"}:
            raise ValidationError("names nothing that has changed")


class PersonId(Message):
    person = identifier(required=True)


class Person(Message):
    """`marked`: has a protection that shows; a protected person can be without one."""

    person = identifier(required=True)
    identity_number = fields.String(required=True, allow_none=True)
    birth_date = fields.Date(required=True, allow_none=True)
    coordination_number = fields.Boolean(required=True)
    name = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    language = fields.String(required=True, allow_none=True)
    swedish_ok = fields.Boolean(required=True)
    languages = fields.List(fields.String(), required=True)
    marked = fields.Boolean(required=True)


class FindPerson(TenantRequest):
    identity_number = _words(20, required=True)


class PersonFound(Message):
    person = identifier(required=True, allow_none=True)


class LinkPerson(AssignmentRequest):
    person = identifier(required=True)


class Linked(Message):
    linked = fields.Boolean(required=True)


class Episode(Message):
    """One assignment of a person. `days`: so far, or in all; `simultaneous`: assignments that ran at the same time."""

    assignment = identifier(required=True)
    programme = code(Programme, required=True)
    state = code(AssignmentState, required=True)
    start = fields.Date(required=True, allow_none=True)
    end = fields.Date(required=True, allow_none=True)
    days = count(required=True, allow_none=True)
    provider = identifier(required=True, allow_none=True)
    exit_kind = code(ExitKind, required=True, allow_none=True)
    simultaneous = fields.List(identifier(), required=True)


class PersonHistory(Message):
    person = identifier(required=True)
    assignments = fields.List(fields.Nested(Episode), required=True)


class LanguageNeeds(AssignmentRequest):
    """`offered`: languages in which the session could be held."""

    offered = fields.List(_language(), load_default=list, validate=validate.Length(max=50))


class Languages(Message):
    """`served`: one of the languages offered will do; if not, an interpreter is needed."""

    assignment = identifier(required=True)
    swedish_ok = fields.Boolean(required=True)
    language = fields.String(required=True, allow_none=True)
    languages = fields.List(fields.String(), required=True)
    served = fields.Boolean(required=True)
    rules = rule_ids()


class ProtectPerson(PersonRequest):
    """`until` is the first day without. Stated again for the same kind, the new days hold; no `since`: at once."""

    kind = code(ProtectionKind, required=True)
    since = counted_from(load_default=None, allow_none=True)
    until = counted_from(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["since"] is not None and data["until"] is not None and data["until"] < data["since"]:
            raise ValidationError("must not be before `since`", "until")


class AllowReader(PersonRequest):
    """`reader` is the subject of a token, `until` the first day without."""

    reader = _words(100, required=True)
    reason = _words(1000, required=True)
    until = counted_from(required=True)


class RevokeReader(PersonRequest):
    reader = _words(100, required=True)


class Revoked(Message):
    revoked = fields.Boolean(required=True)


class ReaderRow(Message):
    reader = fields.String(required=True)
    reason = fields.String(required=True)
    until = fields.Date(required=True)
    named_by = fields.String(required=True)


class Readers(Message):
    person = identifier(required=True)
    readers = fields.List(fields.Nested(ReaderRow), required=True)


class Export(Message):
    """Everything that the service holds about one person; the keys of `tables` are the names of its tables."""

    person = fields.Nested(Person, required=True)
    protections = fields.List(fields.Dict(keys=fields.String()), required=True)
    history = fields.List(fields.Nested(Episode), required=True)
    tables = fields.Dict(keys=fields.String(), values=fields.List(fields.Dict(keys=fields.String())), required=True)
    access_log = fields.List(fields.Dict(keys=fields.String()), required=True)


class EraseDue(TenantRequest):
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class Due(Message):
    """`expired`: the day since which it should be gone. Of the access log, `count` entries from the oldest on."""

    kind = code(RecordKind, required=True)
    person = identifier(required=True, allow_none=True)
    assignment = identifier(required=True, allow_none=True)
    expired = fields.Date(required=True)
    count = count(required=True)


class DueAnswer(Message):
    """`unset`: the keys that say nothing yet; what they are about is never erased."""

    unset = fields.List(fields.String(), required=True)
    due = fields.List(fields.Nested(Due), required=True)


class Erased(Message):
    """`kept`: what had to stay of the texts, because a judgement rests on it (codes and numbers, no words)."""

    unset = fields.List(fields.String(), required=True)
    erased = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    kept = fields.List(fields.String(), required=True)


class AccessLogRequest(TenantRequest):
    """The newest first; `before` is an entry's number, to go on from."""

    person = identifier(load_default=None, allow_none=True)
    assignment = identifier(load_default=None, allow_none=True)
    actor = _words(200, load_default=None, allow_none=True)
    before = _entry_number()
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class Entry(Message):
    n = count(1, required=True)
    at = fields.AwareDateTime(required=True)
    actor = fields.String(required=True)
    role = code(CallerRole, required=True)
    organisation = fields.String(required=True, allow_none=True)
    purpose = fields.String(required=True, allow_none=True)
    method = fields.String(required=True)
    subjects = fields.List(fields.String(), required=True)
    outcome = code(AccessOutcome, required=True)


class AccessLog(Message):
    entries = fields.List(fields.Nested(Entry), required=True)


class VerifyAccessLog(TenantRequest):
    """`entries` and `head`: how many there were and the seal of the last, as known from outside
    (`assignment.access_log_sealed`).
    """

    entries = _entry_number()
    head = fields.String(load_default=None, allow_none=True, validate=_MAC)

    @validates_schema(skip_on_field_errors=True)
    def _both(self, data: dict[str, Any], **_: Any) -> None:
        if (data["entries"] is None) != (data["head"] is None):
            raise ValidationError("needs the other of `entries` and `head` too", "head")


class LogFinding(Message):
    n = count(required=True)
    fault = code(LogFault, required=True)


class LogVerified(Message):
    """`entries`: the number of the last entry; `first`: of the first that is still kept."""

    intact = fields.Boolean(required=True)
    first = count(1, required=True)
    entries = count(required=True)
    head = fields.String(required=True, allow_none=True)
    faults = fields.List(fields.Nested(LogFinding), required=True)


class Reseal(TenantRequest):
    limit = fields.Integer(strict=True, load_default=PAGE, validate=validate.Range(1, MOST))


class Resealed(Message):
    resealed = count(required=True)
    left = count(required=True)


add("assignment.register_person", "command", RegisterPerson, PersonId, CASE,
    "register a person; a number that is known already gives the id it has",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.update_person", "command", UpdatePerson, PersonId, CASE,
    "change what is held of a person",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.link_person", "command", LinkPerson, Linked, CASE,
    "say whose assignment it is",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.person", "query", PersonRequest, Person, CASE,
    "show who a person is",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.find_person", "query", FindPerson, PersonFound, CASE,
    "find a person's id by the identity number",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.person_history", "query", PersonRequest, PersonHistory, CASE,
    "show all assignments of a person",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.language", "query", LanguageNeeds, Languages, CASE | PROVIDER,
    "say in which languages sessions with the client can be held",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.protect_person", "command", ProtectPerson, PersonId, CASE,
    "protect a person's identity, or say until when",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.allow_reader", "command", AllowReader, PersonId, MANAGERS,
    "name somebody who may see a protected person",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.revoke_reader", "command", RevokeReader, Revoked, MANAGERS,
    "take back that somebody may see a protected person",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.readers", "query", PersonRequest, Readers, MANAGERS,
    "list who may see a protected person, and why",
    reach=Reach.NOTHING, shield=Shield.OPAQUE, personal=True)  # fmt: skip
add("assignment.export_person", "query", PersonRequest, Export, MANAGERS,
    "give out everything that is held about a person",
    reach=Reach.NOTHING, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.erase_due", "query", EraseDue, DueAnswer, AUDITORS,
    "list what has been kept for its time",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.erase", "command", EraseDue, Erased, AUDITORS,
    "erase what has been kept for its time",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.access_log", "query", AccessLogRequest, AccessLog, AUDITORS,
    "show who was shown what about a person, or by whom",
    reach=Reach.NOTHING, shield=Shield.MASKED, personal=True)  # fmt: skip
add("assignment.verify_access_log", "query", VerifyAccessLog, LogVerified, AUDITORS,
    "look whether the access log is as it was written",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.reseal_persons", "command", Reseal, Resealed, OPERATIONS,
    "seal with the first key what another key has sealed",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
