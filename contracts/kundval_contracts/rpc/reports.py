"""Reports of assignments and the documents that prove what they say (rulebook 8.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from .. import fact_fields as f
from ..codes import (
    DocumentCode,
    DocumentType,
    EmploymentForm,
    ExitKind,
    ReportKind,
    ReportState,
    ScanState,
    Signatory,
)
from .base import (
    CASE,
    PROVIDER,
    STAFF,
    AssignmentRequest,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shield,
    add,
    code,
    count,
    identifier,
    rule_ids,
)

#: Texts of a report, characters.
LONGEST = 10_000
#: Documents that one report may have.
ATTACHED = 50
#: The largest document in base64, characters; what a municipality allows is a setting (`documents.max_bytes`).
LARGEST = 14 * 2**20
_SHA256 = r"\A[0-9a-f]{64}\Z"


def _text() -> fields.String:
    return fields.String(validate=validate.Length(max=LONGEST), allow_none=True)


# ---------------------------------------------------------------- what a report says


class MonthlyContents(Message):
    """AMI-8.1-c,d: the plans are followed up, progression is told, a deviation has its reason."""

    progression = _text()
    implementation_plan = _text()
    step_up_plan = _text()
    extent_pct = f.percent(allow_none=True)
    deviation_reason = _text()


class PremiumContents(Message):
    """AMI-10.1-b,c: do work, studies or business go on?"""

    continues = fields.Boolean(allow_none=True)
    comment = _text()


class FinalContents(Message):
    """AMI-8.2-c, 9.2-b: the exit, on the day `on`. Its evidence are the attachments.

    `self_support_secured`: before studies it was made sure that the household will manage (AMI-9.3.6-b).
    """

    on = f.counted_from(allow_none=True)
    kind = f.code(ExitKind, allow_none=True)
    first_day = f.counted_from(allow_none=True)
    workplace = f.identifier(allow_none=True)
    extent_pct = f.percent(allow_none=True)
    employment_form = f.code(EmploymentForm, allow_none=True)
    contract_until = fields.Date(allow_none=True)
    hourly_cover_until = fields.Date(allow_none=True)
    household_support = fields.Boolean()
    household_income_support = fields.Boolean()
    csn_eligible = fields.Boolean()
    study_start_support = fields.Boolean()
    margin_advice = fields.Boolean()
    next_intervention = f.identifier(allow_none=True)
    self_support_secured = fields.Boolean(allow_none=True)
    summary = _text()


class CertificateContents(Message):
    """AMI-10.2-c: after six months, whether the client has been self-supporting; for hourly work until when proved."""

    certified = fields.Boolean(allow_none=True)
    covers_until = fields.Date(allow_none=True)
    comment = _text()


class ReplyContents(Message):
    """LOKA-5: the answer to the question of the authority that gave the assignment."""

    answer = _text()


class SubsidyContents(Message):
    """LOKA-37: what the follow-up during the employment showed, for the employment service."""

    summary = _text()


#: Schema of the contents by kind. None is required: a draft may lack what is to be filled in.
CONTENTS: Mapping[ReportKind, Schema] = {
    ReportKind.MONTHLY: MonthlyContents(),
    ReportKind.PREMIUM_FOLLOWUP: PremiumContents(),
    ReportKind.FINAL: FinalContents(),
    ReportKind.SIX_MONTH_CERTIFICATE: CertificateContents(),
    ReportKind.COMMISSIONER_REPLY: ReplyContents(),
    ReportKind.SUBSIDY_FOLLOWUP: SubsidyContents(),
}


# ---------------------------------------------------------------- requests and answers


class ReportRequest(AssignmentRequest):
    """Which report: number `sequence` of its kind, and `part` where several are asked for (follow-ups in a month).

    `revision` is that of the report as the caller has seen it; given, another one is a conflict.
    """

    kind = code(ReportKind, required=True)
    sequence = fields.Integer(strict=True, required=True, validate=validate.Range(1, 2**31 - 1))
    part = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 100))


class ChangeReport(ReportRequest):
    revision = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(0))


class SaveReport(ChangeReport):
    """`contents` are loaded by the schema of their kind in `CONTENTS`; it replaces what was saved before."""

    contents = fields.Dict(keys=fields.String(), required=True)
    attachments = fields.List(identifier(), load_default=list, validate=validate.Length(max=ATTACHED))

    @validates_schema(skip_on_field_errors=True)
    def _of_the_kind(self, data: dict[str, Any], **_: Any) -> None:
        """`contents` are those of the kind, and `attachments` name each document once."""
        faults: dict[str, Any] = {}
        try:
            data["contents"] = CONTENTS[data["kind"]].load(data["contents"])
        except ValidationError as error:
            faults["contents"] = error.messages
        if len(set(data["attachments"])) < len(data["attachments"]):
            faults["attachments"] = ["names a document twice"]
        if faults:
            raise ValidationError(faults)


class ReturnReport(ChangeReport):
    reason = fields.String(required=True, validate=[validate.Length(1, 4000), validate.Regexp(r"[\s\S]*\S")])


class ReportKey(Message):
    assignment = identifier(required=True)
    kind = code(ReportKind, required=True)
    sequence = count(1, required=True)
    part = count(1, required=True)


class ReportRow(ReportKey):
    """`due` null: no day is set. `expected` false: the facts ask for it no longer. `overdue`: due and not in.

    `fact`: the fact that the report states, `in_effect`: whether it counts at present. A report whose fact was stated
    without it is SUBMITTED and has version 0.
    """

    state = code(ReportState, required=True)
    provider = identifier(required=True, allow_none=True)
    opens_on = fields.Date(required=True, allow_none=True)
    due = fields.Date(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    expected = fields.Boolean(required=True)
    submitted_on = fields.Date(required=True, allow_none=True)
    version = count(required=True)
    revision = count(required=True)
    fact = identifier(required=True, allow_none=True)
    in_effect = fields.Boolean(required=True)
    rules = rule_ids()


class ReportsRequest(PageRequest):
    kinds = fields.List(code(ReportKind), load_default=None, allow_none=True)
    states = fields.List(code(ReportState), load_default=None, allow_none=True)


class Reports(PageAnswer):
    reports = fields.List(fields.Nested(ReportRow), required=True)


class ReportVersion(Message):
    """A submission, kept as it was. `checksum`: SHA-256 of its contents and attachments in canonical JSON."""

    version = count(1, required=True)
    submitted_on = fields.Date(required=True)
    submitted_at = fields.AwareDateTime(required=True)
    author = fields.String(required=True)
    contents = fields.Dict(keys=fields.String(), required=True)
    attachments = fields.List(identifier(), required=True)
    checksum = fields.String(required=True, validate=validate.Regexp(_SHA256))
    fact = identifier(required=True, allow_none=True)
    returned_on = fields.Date(required=True, allow_none=True)
    return_reason = fields.String(required=True, allow_none=True)


class Lack(Message):
    """What stands between a draft and its submission."""

    path = fields.String(required=True)
    message = fields.String(required=True)
    rules = rule_ids()


class Report(ReportRow):
    contents = fields.Dict(keys=fields.String(), required=True)
    attachments = fields.List(identifier(), required=True)
    author = fields.String(required=True, allow_none=True)
    return_reason = fields.String(required=True, allow_none=True)
    approved_on = fields.Date(required=True, allow_none=True)
    lacks = fields.List(fields.Nested(Lack), required=True)
    versions = fields.List(fields.Nested(ReportVersion), required=True)


class ReportSaved(ReportKey):
    state = code(ReportState, required=True)
    revision = count(required=True)
    lacks = fields.List(fields.Nested(Lack), required=True)


class ReportChanged(ReportKey):
    state = code(ReportState, required=True)
    revision = count(required=True)
    version = count(required=True)


class ReportSubmitted(ReportChanged):
    checksum = fields.String(required=True, validate=validate.Regexp(_SHA256))
    fact = identifier(required=True, allow_none=True)


class AddDocument(AssignmentRequest):
    """`content` is base64 without blanks. `sha256`, if given, must be that of the bytes.

    `file` puts documents together, for example the basis of one application for a benefit, or of one subsidy. Names of
    files are not taken: they say whom they are about.
    """

    document = identifier(required=True)
    code = f.code(DocumentCode, required=True)
    type = f.code(DocumentType, required=True)
    file = identifier(load_default=None, allow_none=True)
    sha256 = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(_SHA256))
    content = fields.String(required=True, validate=validate.Length(max=LARGEST))


class DocumentRow(Message):
    assignment = identifier(required=True)
    document = identifier(required=True)
    code = f.code(DocumentCode, required=True)
    type = f.code(DocumentType, required=True)
    file = identifier(required=True, allow_none=True)
    size = count(1, required=True)
    sha256 = fields.String(required=True, validate=validate.Regexp(_SHA256))
    scan = f.code(ScanState, required=True)
    provider = identifier(required=True, allow_none=True)
    author = fields.String(required=True)
    added_at = fields.AwareDateTime(required=True)


class Document(DocumentRow):
    content = fields.String(required=True)


class DocumentRequest(AssignmentRequest):
    document = identifier(required=True)


class DocumentsRequest(PageRequest):
    assignment = identifier(required=True)
    file = identifier(load_default=None, allow_none=True)


class Documents(PageAnswer):
    documents = fields.List(fields.Nested(DocumentRow), required=True)


class TemplateRequest(AssignmentRequest):
    workplace = identifier(load_default=None, allow_none=True)
    language = fields.String(load_default="sv", validate=validate.OneOf(["sv", "en"]))


class TemplateField(Message):
    name = identifier(required=True)
    label = fields.String(required=True)
    help = fields.String(required=True)
    required = fields.Boolean(required=True)
    value = fields.String(required=True, allow_none=True)


class TemplateSignature(Message):
    who = code(Signatory, required=True)
    label = fields.String(required=True)


class Template(Message):
    """The tripartite agreement to be filled in and signed: as data, and as text. Ids only, no names (AMI-6.3.1-e)."""

    assignment = identifier(required=True)
    language = fields.String(required=True)
    title = fields.String(required=True)
    fields_ = fields.List(fields.Nested(TemplateField), required=True, data_key="fields", attribute="fields")
    signatures = fields.List(fields.Nested(TemplateSignature), required=True)
    text = fields.String(required=True)


# ---------------------------------------------------------------- the methods

add("assignment.reports", "query", ReportsRequest, Reports, STAFF | PROVIDER,
    "list reports with what is expected, overdue, in, returned and approved",
    reach=Reach.OWN_ROWS, shield=Shield.MASKED, personal=True, rows="reports")  # fmt: skip
add("assignment.report", "query", ReportRequest, Report, STAFF | PROVIDER,
    "show one report with every version that was submitted",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.save_report", "command", SaveReport, ReportSaved, CASE | PROVIDER,
    "save the draft of a report",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.submit_report", "command", ChangeReport, ReportSubmitted, CASE | PROVIDER,
    "submit a report: what it says becomes a fact",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.return_report", "command", ReturnReport, ReportChanged, CASE,
    "return a report with a reason: its fact is withdrawn",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.approve_report", "command", ChangeReport, ReportChanged, CASE,
    "approve a report: it changes no more",
    reach=Reach.NOTHING, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.add_document", "command", AddDocument, DocumentRow, CASE | PROVIDER,
    "store a document as evidence",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.OPAQUE)  # fmt: skip
add("assignment.document", "query", DocumentRequest, Document, STAFF | PROVIDER,
    "read a stored document",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.READERS, personal=True)  # fmt: skip
add("assignment.documents", "query", DocumentsRequest, Documents, STAFF | PROVIDER,
    "list the documents of an assignment",
    reach=Reach.OWN_ROWS, shield=Shield.MASKED, personal=True, rows="documents")  # fmt: skip
add("assignment.agreement_template", "query", TemplateRequest, Template, CASE | PROVIDER,
    "get the tripartite agreement to be filled in",
    reach=Reach.OWN_ASSIGNMENT, shield=Shield.MASKED, personal=True)  # fmt: skip
