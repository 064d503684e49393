"""Claims and questions as they are listed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Row, Tx
from kundval_contracts.answer import Line, Said
from kundval_contracts.case import Tenant
from kundval_contracts.codes import QuestionCode
from kundval_contracts.errors import Fault, InvalidRequest
from kundval_contracts.phrases import LANGUAGES, say, text

from ..domain import lines
from ..domain.claims import Claim, claim_of
from ..domain.view import View
from . import store


def claims(
    tx: Tx, tenant: Tenant, request: Mapping[str, Any], provider: str | None, *, staff: bool, hides: bool = False
) -> dict[str, Any]:
    """A page of claims; a provider (`staff` false) is told less: nothing of assistance, of others' claims. `hides`:
    nothing of protected persons either.
    """
    page, following = store.page(
        tx, tenant.id, request["assignment"], provider, request["state"], request["after"], request["limit"],
        hides=hides,
    )  # fmt: skip
    names = {row["assignment"] for row in page}
    asked = store.questions_of(tx, tenant.id, names)
    overlaps = store.overlaps_of(tx, tenant.id, names) if staff else {}
    views = {
        case.assignment: _view(tenant, case) for case in held.load_cases(tx, [(tenant.id, name) for name in names])
    }
    rows = []
    for row in page:
        view, found = views[row["assignment"]]
        line = found.get((row["provider"], row["kind"], row["sequence"]))
        claim = claim_of(view, line) if line is not None else None
        if line is None or claim is None:
            continue
        overlap = overlaps.get(row["assignment"])
        questions = [_question(one) for one in asked.get(row["assignment"], ()) if one["exit"] == claim.exit.fact.id]
        if overlap is not None and overlap["open"]:
            questions.append(_duplicate(overlap["since"]))
        rows.append(
            {
                **row,
                **_line(line),
                **_claim(claim, staff=staff),
                "questions": questions,
                "overlap": _overlap(overlap),
            }
        )
    return {"claims": rows, "next": following}


def questions(tx: Tx, tenant: Tenant, after: str | None, limit: int) -> dict[str, Any]:
    """A page of open questions, oldest first; all of one assignment stand together. Raises InvalidRequest."""
    page = store.oldest_questions(tx, tenant.id, _place(after), limit)
    names = [name for _, name in page]
    asked, overlaps = store.questions_of(tx, tenant.id, names), store.overlaps_of(tx, tenant.id, names)
    rows: list[dict[str, Any]] = []
    for name in names:
        for one in asked.get(name, ()):
            rows.append({"assignment": name, "provider": one["provider"], "exit": one["exit"], **_question(one)})
        overlap = overlaps.get(name)
        if overlap is not None and overlap["open"]:
            rows.append({"assignment": name, "provider": None, "exit": None, **_duplicate(overlap["since"])})
    following = f"{page[-1][0]}/{page[-1][1]}" if len(page) == limit else None
    return {"questions": rows, "next": following}


def _place(after: str | None) -> tuple[date, str] | None:
    if after is None:
        return None
    day, _, name = after.partition("/")
    try:
        return date.fromisoformat(day), name
    except ValueError:
        raise InvalidRequest(faults=[Fault(path="after", message="is no place in the list")]) from None


def _view(tenant: Tenant, case: Any) -> tuple[View, dict[tuple[str, str, int], Line]]:
    """A case as it stands, and its lines by provider, kind and sequence."""
    day = tenant.business_date or date.min
    known = case.known_by(day)
    found = lines(known, tenant, day)
    return View(known, tenant.settings, day), {(one.provider, one.kind.value, one.sequence): one for one in found}


def _line(line: Line) -> dict[str, Any]:
    return {
        "amount": line.amount,
        "payable_from": line.payable_from,
        "rules": list(line.rules),
        "said": _sentence(line.said or say("posting.not_due")),
    }


def _claim(claim: Claim, *, staff: bool) -> dict[str, Any]:
    one, evidence, decision = claim.exit, claim.evidence, claim.decision
    return {
        "stake": claim.stake,
        "tier": claim.tier,
        "settle_on": claim.settle,
        "exit": {
            "id": one.fact.id,
            "kind": one.kind,
            "on": one.on,
            "first_day": one.first_day,
            "month": claim.month,
        },
        "evidence": {
            "required": list(evidence.required),
            "either": evidence.either,
            "have": list(evidence.have),
            "missing": list(evidence.missing),
            "not_needed": list(evidence.not_needed),
            "complete_on": evidence.complete_on,
        },
        "cover": {"needed": claim.needs_cover, "on": claim.covered_on},
        "claims": [{"on": fact.on, "certified": bool(fact["certified"])} for fact in claim.claims],
        "assistance": {"scope": claim.assistance.scope, "found": claim.assistance.found if staff else None},
        "decision": None
        if decision is None
        else {
            "about": decision["about"],
            "approved": decision["approved"],
            "on": decision.on,
            "reasoned": bool(decision.get("reason")),
        },
    }


def _question(row: Row) -> dict[str, Any]:
    return {
        "code": row["code"],
        "about": row["about"],
        "since": row["since"],
        "rules": row["rules"],
        "said": _sentence(Said.from_json(row["said"])),
    }


def _duplicate(since: date) -> dict[str, Any]:
    """The question of an overlap: no decision about the bonus answers it, a person ends the hold."""
    return {
        "code": QuestionCode.DUPLICATE_CLAIM,
        "about": None,
        "since": since,
        "rules": ["AMI-10.2-a"],
        "said": _sentence(say("claim.overlap")),
    }


def _overlap(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: row[name] for name in ("others", "grounds", "since", "open")}


def _sentence(said: Said) -> dict[str, str]:
    return {lang: text(said, lang) for lang in LANGUAGES}
