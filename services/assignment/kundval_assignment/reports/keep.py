"""Save, submit, return and approve reports; store documents. What a submission says becomes a fact with it.

Whoever changes a report holds the lock of its assignment, so that of two at once the second finds what the first
has left.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from marshmallow import ValidationError

from kundval_chassis import access
from kundval_chassis.db import Row, Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import DocumentCode, DocumentRefusal, FactKind, ReportKind, ReportState, ScanState
from kundval_contracts.errors import Conflict, Fault, Forbidden, InvalidRequest, NotFound, faults_of
from kundval_contracts.events import MASKED
from kundval_contracts.facts import FACT_SCHEMAS, Fact
from kundval_contracts.rpc.base import CASE
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Timeline

from .. import record
from ..domain import documents, reports
from ..domain.reports import Key, Lack, Standing, Submission, Trigger
from ..people import guard
from ..people.keys import PersonKeys
from ..store import Record, load_records, page
from . import agreement, store, watch
from .scanner import Scanner
from .store import Stored

#: Documents that tell of health: for those who work with the client, and whoever brought them (LOKA-37, LOKA-48).
HEALTH = frozenset({DocumentCode.BENEFIT_BASIS, DocumentCode.SUBSIDY_BASIS})


@dataclass(slots=True)
class _File:
    """An assignment with its reports as they stand on the business date."""

    tx: Tx
    tenant: Tenant
    assignment: str
    record: Record
    day: date
    caller: Caller

    @property
    def case(self) -> Case:
        """With the facts in effect."""
        return _in_effect(self.record)

    def stands(self) -> dict[Key, Standing]:
        saved = store.saved(self.tx, self.tenant.id, [self.assignment]).get(self.assignment, ())
        return _standing(self.case, self.tenant, self.day, [one for one, _ in saved])

    def one(self, key: Key) -> Standing:
        """Where a report stands. Raises NotFound, and Forbidden for one that the caller has no part in."""
        found = self.stands().get(key)
        provider = self.caller.provider
        is_own = found.provider == provider if found is not None else self.is_in_charge
        if provider is not None and not is_own:
            raise Forbidden("The report is another's.", code="NOT_YOUR_REPORT")
        if found is None:
            message = f"No report {key.kind} {key.sequence} is expected."
            raise NotFound(message, code="REPORT_NOT_EXPECTED", rules=("SM-R1",))
        return found

    @property
    def is_in_charge(self) -> bool:
        provider = self.caller.provider
        return provider is not None and record.sees_until(self.record, self.tenant, provider) == date.max

    def stored(self, standing: Standing) -> Stored | None:
        """What is saved of a report, or None; the draft of another whose report it no longer is, is not."""
        return None if standing.saved is None else store.load(self.tx, self.tenant.id, self.assignment, standing.key)


def _open(tx: Tx, tenant: Tenant, assignment: str, caller: Caller, *, lock: bool = False) -> _File:
    """Raises NotFound; Forbidden for a provider that never had the assignment; Conflict without a business date."""
    found = load_records(tx, tenant.id, [assignment], lock=lock).get(assignment)
    if caller.provider is not None and (found is None or record.sees_until(found, tenant, caller.provider) == date.min):
        caller.require(None)
    if found is None:
        raise NotFound(f"There is no assignment {assignment}.")
    return _File(tx, tenant, assignment, found, _day(tenant), caller)


def _day(tenant: Tenant) -> date:
    if tenant.business_date is None:
        raise Conflict("No business date has been opened yet.", code="NO_BUSINESS_DATE")
    return tenant.business_date


def _in_effect(record: Record) -> Case:
    return record.case.having(stated.fact for stated in record.stated.values() if stated.in_effect)


def _standing(case: Case, tenant: Tenant, day: date, saved: Iterable[reports.Saved]) -> dict[Key, Standing]:
    rows = reports.standing(reports.expected(case, tenant.settings, day), saved, day)
    return {row.key: row for row in rows}


# --- reading -----------------------------------------------------------------------------------------


def listed(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller, keys: PersonKeys) -> dict[str, Any]:
    """A page of reports. A provider sees those that are its to write, or that it wrote.

    Where a person is protected nobody else learns which provider that is, nor finds the person by asking for one.
    """
    day, name, after, limit = _day(tenant), request["assignment"], request["after"], request["limit"]
    if caller.provider is None:
        names = page(tx, tenant.id, name, after, limit)
    else:
        names = store.page_of_provider(tx, tenant.id, caller.provider, name, after, limit)
    records, saved = load_records(tx, tenant.id, names), store.saved(tx, tenant.id, names)
    provider = caller.provider or request["provider"]
    hidden = guard.hidden_subjects(tx, keys, tenant, caller) if caller.provider is None else set()
    rows = []
    for one in names:
        masked = f"assignment:{one}" in hidden
        if masked and request["provider"] is not None:
            continue
        here = saved.get(one, ())
        revisions = {stored.key: revision for stored, revision in here}
        found = _standing(_in_effect(records[one]), tenant, day, [stored for stored, _ in here])
        for standing in found.values():
            if (
                (provider is None or standing.provider == provider)
                and (request["kinds"] is None or standing.key.kind in request["kinds"])
                and (request["states"] is None or standing.state in request["states"])
            ):
                row = _row(one, records[one], standing, revisions.get(standing.key, 0))
                rows.append(_without(row, "provider") if masked else row)
                access.showed("assignment", one, masked=masked)
    return {"reports": rows, "next": names[-1] if len(names) == limit else None}


def _without(row: Row, *names: str) -> Row:
    """The row with what tells a provider or its staff left out."""
    return {**row, **{name: MASKED for name in names if row[name] is not None}}


def _row(assignment: str, record: Record, one: Standing, revision: int) -> dict[str, Any]:
    expected, saved = one.expected, one.saved
    is_in = one.state in (ReportState.SUBMITTED, ReportState.APPROVED)
    submitted_on = saved.submitted_on if saved is not None and saved.version else expected and expected.met_on
    fact = saved.fact if saved is not None and saved.version else expected and expected.met_by
    stated = record.stated.get(fact) if fact else None
    return {
        **_key(assignment, one.key),
        "state": one.state,
        "provider": one.provider,
        "opens_on": expected.opens_on if expected else None,
        "due": expected.due if expected else None,
        "overdue": one.overdue,
        "expected": expected is not None,
        "submitted_on": submitted_on if is_in else None,
        "version": saved.version if saved else 0,
        "revision": revision if saved else 0,
        "fact": fact if is_in else None,
        "in_effect": is_in and stated is not None and stated.in_effect,
        "rules": list(expected.rules) if expected else [],
    }


def _key(assignment: str, key: Key) -> dict[str, Any]:
    return {"assignment": assignment, "kind": key.kind, "sequence": key.sequence, "part": key.part}


def report(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller, keys: PersonKeys) -> dict[str, Any]:
    """One report with what was saved, and every version that was submitted. Raises NotFound, Forbidden."""
    file = _open(tx, tenant, request["assignment"], caller)
    _require_reader(file, keys)
    standing = file.one(_key_of(request))
    stored = file.stored(standing)
    missing: tuple[Lack, ...] = ()
    if stored is not None and stored.state is ReportState.DRAFT and standing.expected is not None:
        missing = _lacks(file, standing.expected, stored)
    versions = store.versions(tx, tenant.id, file.assignment, standing.key) if stored is not None else []
    return {
        **_row(file.assignment, file.record, standing, stored.revision if stored else 0),
        "contents": store.contents_json(standing.key.kind, stored.contents) if stored else {},
        "attachments": stored.attachments if stored else [],
        "author": stored.author if stored else None,
        "return_reason": stored.return_reason if stored else None,
        "approved_on": stored.approved_on if stored else None,
        "lacks": [_lack(one) for one in missing],
        "versions": versions,
    }


def _require_reader(file: _File, keys: PersonKeys) -> None:
    """What is said of a protected person in words or on paper is for named readers. Raises NotFound for others."""
    if guard.is_masked(file.tx, keys, file.tenant, file.assignment, file.caller):
        raise NotFound(f"There is no assignment {file.assignment}.")


def _key_of(request: Mapping[str, Any]) -> Key:
    return Key(request["kind"], request["sequence"], request["part"])


def _lack(one: Lack) -> dict[str, Any]:
    return {"path": one.path, "message": one.message, "rules": list(one.rules)}


# --- changing ----------------------------------------------------------------------------------------


def save(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """SM-R2: save the draft, complete or not; what it lacks is in the answer.

    Raises Conflict for a report that is in (or that no facts ask for any more), InvalidRequest for attachments that
    there are not.
    """
    file = _open(tx, tenant, request["assignment"], caller, lock=True)
    standing = file.one(_key_of(request))
    stored = _may(file, standing, Trigger.SAVE, request["revision"])
    assert standing.expected is not None
    attachments: list[str] = request["attachments"]
    _require_documents(file, attachments)
    one = replace(
        stored or Stored(standing.key, ReportState.DRAFT, standing.expected.provider, caller.subject),
        state=ReportState.DRAFT,
        author=caller.subject,
        contents=request["contents"],
        attachments=attachments,
        revision=store.next_revision(tx, tenant.id, file.assignment),
    )
    store.save(tx, tenant.id, file.assignment, one)
    missing = _lacks(file, standing.expected, one)
    return {
        **_key(file.assignment, one.key),
        "state": ReportState.OVERDUE if standing.overdue else one.state,
        "revision": one.revision,
        "lacks": [_lack(lack) for lack in missing],
    }


def _may(file: _File, standing: Standing, trigger: Trigger, revision: int | None) -> Stored | None:
    """What is stored of the report, if `trigger` is allowed as it stands. Raises Conflict."""
    row = reports.ROWS[trigger]
    stored = file.stored(standing)
    if revision is not None and revision != (stored.revision if stored else 0):
        raise Conflict("The report has been changed since it was seen.", code="REPORT_CHANGED")
    if reports.move(standing.state, trigger) is None:
        message = f"A report that is {standing.state} cannot be changed by {trigger}."
        raise Conflict(message, code="REPORT_STATE", rules=(row,))
    is_there = stored is not None and (trigger is Trigger.SUBMIT or stored.state is standing.state)
    if not is_there and trigger is not Trigger.SAVE:
        message = "No report was submitted: its fact was stated without one, or nothing has been saved yet."
        raise Conflict(message, code="REPORT_NOT_SAVED", rules=(row,))
    if standing.expected is None and trigger in (Trigger.SAVE, Trigger.SUBMIT):
        raise Conflict("The report is expected no longer.", code="REPORT_NOT_EXPECTED", rules=("SM-R1",))
    return stored


def submit(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """SM-R3: keep the draft as the next version, and state what it says as a fact.

    Raises InvalidRequest with all that it lacks, Conflict for a report without draft or that is in already, FactRefused
    if the fact does not count; then nothing is changed.
    """
    file = _open(tx, tenant, request["assignment"], caller, lock=True)
    standing = file.one(_key_of(request))
    stored = _may(file, standing, Trigger.SUBMIT, request["revision"])
    expected = standing.expected
    assert stored is not None and expected is not None
    _require_documents(file, stored.attachments)
    missing = _lacks(file, expected, stored)
    if missing:
        raise InvalidRequest(
            "The report is not complete.",
            code="REPORT_INCOMPLETE",
            rules=sorted({rule for lack in missing for rule in lack.rules}),
            faults=[Fault(path=lack.path, message=lack.message) for lack in missing],
        )
    version = stored.version + 1
    fact = _fact(file, expected, stored, version)
    one = replace(
        stored,
        state=ReportState.SUBMITTED,
        author=caller.subject,
        version=version,
        fact=fact.id if fact else None,
        submitted_on=file.day,
        return_reason=None,
        revision=store.next_revision(tx, tenant.id, file.assignment),
    )
    checksum = _checksum(file, one)
    store.save(tx, tenant.id, file.assignment, one)
    store.add_version(tx, tenant.id, file.assignment, one, checksum)
    if fact is not None:
        record.record_facts(tx, tenant, [(file.assignment, fact)], keep_refused=False)
    else:
        watch.look(tx, tenant, {file.assignment: file.case})
    planned = None
    if one.key.kind is ReportKind.MONTHLY and expected.period is not None:
        planned = reports.planned_extent(file.case, expected.period.start)
    deviation = one.key.kind is ReportKind.MONTHLY and reports.deviates(one.contents, planned)
    _tell(file, "report_submitted", one, version=version, deviation=deviation)
    return {**_changed(file.assignment, one), "checksum": checksum, "fact": one.fact}


def send_back(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """SM-R5: return a report, with the reason; its fact counts no more, and its draft lies open again."""
    file = _open(tx, tenant, request["assignment"], caller, lock=True)
    standing = file.one(_key_of(request))
    stored = _may(file, standing, Trigger.RETURN, request["revision"])
    assert stored is not None
    store.mark_returned(tx, tenant.id, file.assignment, stored, file.day, request["reason"])
    one = replace(
        stored,
        state=ReportState.RETURNED,
        fact=None,
        submitted_on=None,
        return_reason=request["reason"],
        revision=store.next_revision(tx, tenant.id, file.assignment),
    )
    store.save(tx, tenant.id, file.assignment, one)
    _tell(file, "report_returned", one)
    if stored.fact is None or not record.withdraw_fact(tx, tenant, file.assignment, stored.fact):
        watch.look(tx, tenant, {file.assignment: file.case})
    return _changed(file.assignment, one)


@rule("AMI-8.1-e")
def approve(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """SM-R6: approve a report; it changes no more. A deviation asks for a decision about an extra meeting before."""
    file = _open(tx, tenant, request["assignment"], caller, lock=True)
    standing = file.one(_key_of(request))
    stored = _may(file, standing, Trigger.APPROVE, request["revision"])
    assert stored is not None
    stated = file.record.stated.get(stored.fact) if stored.fact else None
    if stored.fact is not None and (stated is None or not stated.in_effect):
        raise Conflict("What the report states does not count.", code="FACT_NOT_IN_EFFECT", rules=("SM-R6",))
    if reports.undecided_deviation(stored.key, stored.contents, file.case, tenant.settings):
        message = "It has not been decided whether the deviation asks for an extra meeting."
        raise Conflict(message, code="DEVIATION_UNDECIDED", rules=("AMI-8.1-e", "SM-R6"))
    one = replace(
        stored,
        state=ReportState.APPROVED,
        approved_on=file.day,
        revision=store.next_revision(tx, tenant.id, file.assignment),
    )
    store.save(tx, tenant.id, file.assignment, one)
    _tell(file, "report_approved", one)
    return _changed(file.assignment, one)


def _changed(assignment: str, one: Stored) -> dict[str, Any]:
    return {**_key(assignment, one.key), "state": one.state, "revision": one.revision, "version": one.version}


def _tell(file: _File, what: str, one: Stored, **more: Any) -> None:
    key = {name: value.value if isinstance(value, ReportKind) else value for name, value in one.key._asdict().items()}
    data = {"assignment": file.assignment, **key, "revision": one.revision, "as_of": file.day.isoformat(), **more}
    file.tx.publish(f"assignment.{what}", subject=file.assignment, tenant=file.tenant.id, data=data)


def _lacks(file: _File, expected: reports.Expected, one: Stored) -> tuple[Lack, ...]:
    """What keeps a draft from being submitted: the rules of its kind, then the fields of the fact that it states."""
    what = _submission(file, one)
    missing = reports.lacks(expected, what, file.case, file.tenant.settings, file.day)
    if missing:
        return missing
    try:
        _stated(file, expected, one, what)
    except ValidationError as error:
        faults = faults_of(error.messages, "contents")
        return tuple(Lack(fault["path"], fault["message"], expected.rules) for fault in faults)
    exit_fact = reports.exit_of(file.case, file.tenant.settings, one.key.sequence)
    if one.key.kind is ReportKind.FINAL and exit_fact is not None:
        said = {"on": exit_fact.on, "kind": exit_fact["kind"]}
        return tuple(
            Lack(f"contents.{name}", "contradicts the exit that has been stated", expected.rules)
            for name, value in said.items()
            if one.contents.get(name) != value
        )
    return ()


def _submission(file: _File, one: Stored) -> Submission:
    rows = {row["document"]: row for row in store.documents(file.tx, file.tenant.id, file.assignment)}
    names = {*one.attachments}
    codes = {DocumentCode(rows[name]["code"]) for name in names if name in rows}
    if one.key.kind is ReportKind.SIX_MONTH_CERTIFICATE:
        codes |= _brought_before(file, one.key, rows)
    return Submission(one.contents, frozenset(codes))


def _brought_before(file: _File, key: Key, rows: Mapping[str, Row]) -> set[DocumentCode]:
    """Evidence of the final report, if the exit had been stated before it came: the claim brings it along."""
    final = store.load(file.tx, file.tenant.id, file.assignment, Key(ReportKind.FINAL, key.sequence))
    if final is None or final.fact is not None or final.state not in (ReportState.SUBMITTED, ReportState.APPROVED):
        return set()
    codes = {DocumentCode(rows[name]["code"]) for name in final.attachments if name in rows}
    return codes | {DocumentCode.FINAL_REPORT}


def _stated(
    file: _File, expected: reports.Expected, one: Stored, what: Submission
) -> tuple[FactKind, date, dict[str, Any]] | None:
    """The fact's kind, day and fields as its own schema has them. Raises ValidationError."""
    found = reports.statement(expected, what, file.case, file.tenant.settings, file.day, tuple(one.attachments))
    if found is None:
        return None
    kind, on, fields = found
    schema = FACT_SCHEMAS[kind]
    loaded: dict[str, Any] = schema.load(schema.dump(fields))
    return kind, on, loaded


def _fact(file: _File, expected: reports.Expected, one: Stored, version: int) -> Fact | None:
    found = _stated(file, expected, one, _submission(file, one))
    if found is None:
        return None
    kind, on, fields = found
    key = one.key
    name = f"report:{key.kind}:{key.sequence}.{key.part}:{version}"
    return Fact(name, kind, on, max(on, file.day), -1, fields)


def _checksum(file: _File, one: Stored) -> str:
    """SHA-256 of the contents and of the attachments with their own checksums, in canonical JSON."""
    rows = {row["document"]: row["sha256"] for row in store.documents(file.tx, file.tenant.id, file.assignment)}
    what = {
        "contents": store.contents_json(one.key.kind, one.contents),
        "attachments": [[name, rows[name]] for name in one.attachments],
    }
    text = json.dumps(what, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# --- documents ---------------------------------------------------------------------------------------


def _may_see(row: Row, caller: Caller) -> bool:
    """A provider sees what it brought. What tells of health is for those who work with the client."""
    if caller.provider is not None:
        return bool(row["provider"] == caller.provider)
    return row["code"] not in HEALTH or caller.role in CASE


def _require_documents(file: _File, names: Sequence[str]) -> None:
    """Raises InvalidRequest for attachments that there are not, for this caller."""
    rows = {row["document"]: row for row in store.documents(file.tx, file.tenant.id, file.assignment)}
    faults = [
        Fault(path=f"attachments[{place}]", message="there is no such document")
        for place, name in enumerate(names)
        if name not in rows or not _may_see(rows[name], file.caller)
    ]
    if faults:
        raise InvalidRequest(faults=faults)


def add_document(
    tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller, scanner: Scanner | None
) -> dict[str, Any]:
    """Store a document as evidence. The same one again is no news.

    Raises InvalidRequest (DOCUMENT_REFUSED, with the reason at its field), Conflict for an id that is taken,
    Unavailable if there is a scanner and it does not answer. Then nothing is stored.
    """
    name = request["assignment"]
    found = load_records(tx, tenant.id, [name]).get(name)
    if caller.provider is not None and (found is None or record.sees_until(found, tenant, caller.provider) == date.min):
        caller.require(None)
    if found is None:
        raise NotFound(f"There is no assignment {name}.")
    limits = documents.Limits.of(tenant.settings)
    content = _bytes(request["content"], limits.most)
    digest = hashlib.sha256(content).hexdigest()
    if request["sha256"] is not None and request["sha256"] != digest:
        raise _refused(DocumentRefusal.CHECKSUM_DIFFERS, "sha256")
    reason = documents.examine(content, request["type"], limits)
    if reason is not None:
        raise _refused(reason, "type" if reason in _ABOUT_TYPE else "content")
    if scanner is not None and scanner.infected(content):
        raise _refused(DocumentRefusal.VIRUS, "content")
    row = {
        "assignment": name,
        "document": request["document"],
        "code": request["code"].value,
        "type": request["type"].value,
        "file": request["file"],
        "provider": caller.provider,
        "author": caller.subject,
        "size": len(content),
        "sha256": digest,
        "scan": (ScanState.NOT_SCANNED if scanner is None else ScanState.CLEAN).value,
    }
    added = store.add_document(tx, tenant.id, row, content)
    if added is not None:
        _tell_reuse(tx, tenant, row)
        return added
    known = store.document(tx, tenant.id, name, request["document"])
    same = ("code", "type", "file", "provider", "sha256")
    if known is None or any(known[field] != row[field] for field in same):
        raise Conflict("Another document of the assignment has this id.", code="DOCUMENT_ID_TAKEN")
    return known


@rule("AMI-9-h", "AMI-9.2-b")
def _tell_reuse(tx: Tx, tenant: Tenant, row: Mapping[str, Any]) -> None:
    """Tell who controls payments that other assignments have the same file as evidence, and no more than that."""
    others = store.same_file(tx, tenant.id, row["assignment"], row["sha256"])
    if others:
        day = tenant.business_date
        tx.publish(
            "assignment.evidence_reused",
            subject=row["assignment"],
            tenant=tenant.id,
            data={
                "assignment": row["assignment"],
                "document": row["document"],
                "others": others,
                "on": None if day is None else day.isoformat(),
            },
        )


_ABOUT_TYPE = frozenset({DocumentRefusal.TYPE_NOT_ALLOWED, DocumentRefusal.TYPE_DIFFERS})


def _bytes(text: str, most: int) -> bytes:
    """Strict base64: no blanks, no other letters, whole, and written in the one way. Raises InvalidRequest."""
    if len(text) > (most + 2) // 3 * 4:
        raise _refused(DocumentRefusal.TOO_LARGE, "content")
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidRequest(faults=[Fault(path="content", message="must be base64")]) from None
    if base64.b64encode(content).decode() != text:
        raise InvalidRequest(faults=[Fault(path="content", message="must be base64")])
    return content


def _refused(reason: DocumentRefusal, path: str) -> InvalidRequest:
    return InvalidRequest(
        "The document is not stored.", code="DOCUMENT_REFUSED", faults=[Fault(path=path, message=reason.value)]
    )


def document(tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller, keys: PersonKeys) -> dict[str, Any]:
    """A stored document with its bytes, whose checksum is looked at again. Raises NotFound, Forbidden."""
    _require_reader(_open(tx, tenant, request["assignment"], caller), keys)
    row = store.document(tx, tenant.id, request["assignment"], request["document"])
    if row is None or (caller.provider is not None and not _may_see(row, caller)):
        if caller.provider is not None:
            raise Forbidden("The document is another's.", code="NOT_YOUR_DOCUMENT")
        raise NotFound(f"There is no document {request['document']}.")
    if not _may_see(row, caller):
        raise Forbidden("The document is for those who work with the client.", code="HEALTH_DATA")
    content = store.content(tx, tenant.id, request["assignment"], request["document"])
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise RuntimeError("a stored document is not what it was")
    return {**row, "content": base64.b64encode(content).decode()}


@rule("LOKA-48")
def document_list(
    tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller, keys: PersonKeys
) -> dict[str, Any]:
    """The documents of an assignment that the caller may see; with `file`, those of one file.

    A file holds the evidence of one application for a benefit, whose basis the municipality collects and completes.
    """
    file = _open(tx, tenant, request["assignment"], caller)
    rows = store.documents(tx, tenant.id, file.assignment, request["file"])
    provider = request["provider"]
    seen = [row for row in rows if _may_see(row, caller) and (provider is None or row["provider"] == provider)]
    if guard.is_masked(tx, keys, tenant, file.assignment, caller) and caller.provider is None:
        seen = [] if provider is not None else [_without(row, "provider", "author") for row in seen]
    return {"documents": seen, "next": None}


# --- the tripartite agreement --------------------------------------------------------------------------


def agreement_template(
    tx: Tx, tenant: Tenant, request: Mapping[str, Any], caller: Caller, keys: PersonKeys
) -> dict[str, Any]:
    """The agreement to be filled in, with the ids of assignment, provider and workplace."""
    file = _open(tx, tenant, request["assignment"], caller)
    masked = guard.is_masked(tx, keys, tenant, file.assignment, caller)
    in_charge = None if masked else Timeline(file.case, tenant.settings).provider_on(file.day)
    known = {
        "assignment": file.assignment,
        "provider": caller.provider or in_charge,
        "workplace": request["workplace"],
    }
    made = agreement.template(request["language"], known)
    return {"assignment": file.assignment, "language": request["language"], **made}
