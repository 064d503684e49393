"""Looks at assignments: what is missing before an exit, what wants attention, the self-assessments as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from kundval_chassis import access, chart
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import ConsentScope, FactKind, ReferralSource
from kundval_contracts.errors import FactRefused, Fault, InvalidRequest
from kundval_contracts.events import MASKED
from kundval_contracts.facts import Fact, load_fact
from kundval_contracts.profiles import profiles
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Timeline

from .. import record
from ..domain import Judgement, judge
from ..domain.after import exit_checklist as checklist
from ..domain.attention import attention
from ..domain.work import consent_holds, handoff
from ..people import guard
from ..people.keys import PersonKeys
from ..store import Record
from . import store

_TEXTS = {
    "sv": ("Självskattning över tid", "Varje linje är en skattning. Längre ut är högre."),
    "en": ("Self-assessment over time", "Each outline is one assessment. Farther out is higher."),
}


@rule("LOKA-16")
def eb_application(tx: Tx, tenant: Tenant, request: Mapping[str, Any]) -> bool:
    """Refer an applicant for financial assistance, where the profile has all of them referred; whether it was done.

    Raises as `record.register` and `record.record_facts` do.
    """
    if not profiles()[tenant.municipality].auto_refer_all_eb_applicants:
        return False
    name = request["assignment"]
    row = {"id": name, "plan": None, "delivery_area": None}
    record.register(tx, tenant, [row | {key: request[key] for key in ("programme", "client", "person")}])
    raw = {"on": request["on"].isoformat(), "fact": FactKind.REFERRED, "source": ReferralSource.EB}
    record.record_facts(tx, tenant, [(name, load_fact(raw, -1, "eb-application"))], keep_refused=False)
    return True


def assignments(tx: Tx, keys: PersonKeys, tenant: Tenant, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """A page of assignments. A provider gets its own; of staff only named readers see whereabouts of protected persons.

    A page that was filtered by a provider may be the last although rows of protected persons were left out.
    """
    provider = caller.provider or request["provider"]
    rows = store.assignments(
        tx,
        tenant.id,
        one=request["assignment"],
        after=request["after"],
        limit=request["limit"],
        provider=provider,
        hidden=caller.provider is None,
    )
    for row in rows:
        hidden = row.pop("restricted") and guard.is_masked(tx, keys, tenant, row["assignment"], caller)
        access.showed("assignment", row["assignment"])
        if caller.provider is not None:
            row["provider"] = caller.provider
        elif hidden and row["provider"] is not None:
            row["provider"] = MASKED
    return {
        "assignments": rows,
        "next": rows[-1]["assignment"] if len(rows) == request["limit"] else None,
    }


def exit_checklist(tx: Tx, tenant: Tenant, name: str, planned: Fact) -> dict[str, Any]:
    """The checklist before an exit. Raises NotFound, InvalidRequest for a fact that is no exit."""
    if planned.kind is not FactKind.EXITED:
        raise InvalidRequest(faults=[Fault(path="exit.fact", message="must be exited")])
    verdict = judged(record.one(tx, tenant, name), tenant)
    return {
        "assignment": name,
        "kind": planned["kind"],
        "items": [
            {"what": item.what, "done": item.done, "needed": item.needed, "rules": list(item.rules)}
            for item in checklist(verdict.after, verdict.terms, planned)
        ],
    }


def consent(tenant: Tenant, held: Record, scope: ConsentScope, day: date) -> bool:
    """Whether the client's consent of that scope, to the provider then in charge, holds on `day` (AMI-2.1-a)."""
    case = held.case.having(stated.fact for stated in held.stated.values() if stated.in_effect)
    return consent_holds(case, Timeline(case, tenant.settings), scope, day)


@rule("AMI-2.2-c")
def coordinator_handoff(tx: Tx, tenant: Tenant, name: str) -> dict[str, Any]:
    """The three fields, once `coordinator_informed` has recorded on what they rest. Raises NotFound, FactRefused."""
    held = record.one(tx, tenant, name)
    verdict = judged(held, tenant)
    if verdict.after.latest(FactKind.COORDINATOR_INFORMED) is None:
        message = "Nothing is passed to the coordinator without a recorded legal basis."
        raise FactRefused(message, code="CONSENT_MISSING", rules=["AMI-2.2-c"])
    plan = verdict.after.latest(FactKind.PLAN_DONE)
    return dict(handoff(name, held.case.programme, plan.get("goal") if plan else None))


@rule("LOKA-23")
def bip(tenant: Tenant, name: str, held: Record, lang: str) -> dict[str, Any]:
    """Assessments in effect with the areas that the profile knows, and the diagram of them."""
    known = profiles()[tenant.municipality].bip
    areas = {area.key: area.name for area in known.areas} if known else {}
    found: list[tuple[date, dict[str, int]]] = []
    for stated in sorted(held.stated.values(), key=lambda one: one.fact.order):
        if stated.in_effect and stated.fact.kind is FactKind.BIP_ASSESSED and known is not None:
            scores = stated.fact.get("scores")
            inside = scores if isinstance(scores, Mapping) else {}
            found.append(
                (
                    stated.fact.on,
                    {
                        area: value
                        for area in areas
                        if type(value := inside.get(area)) is int and known.scale_min <= value <= known.scale_max
                    },
                )
            )
    svg = ""
    if found and known is not None:
        title, text = _TEXTS[lang]
        series = [
            chart.Series(
                day.isoformat(),
                tuple(scores.get(area) for area in areas),
                tuple(str(scores.get(area, "–")) for area in areas),
            )
            for day, scores in found
        ]
        svg = chart.spider(
            title, text, tuple(areas.values()), series, low=known.scale_min, high=known.scale_max, lang=lang, key="bip"
        )
    return {
        "assignment": name,
        "areas": areas,
        "assessments": [{"on": day, "scores": scores} for day, scores in found],
        "svg": svg,
    }


def attention_rows(tx: Tx, tenant: Tenant, names: Sequence[str]) -> list[dict[str, Any]]:
    """What wants attention on the business date, for these assignments in order; nothing before a date is open."""
    today = tenant.business_date
    if today is None:
        return []
    rows = []
    for name, held in sorted(record.several(tx, tenant, names).items()):
        verdict = judged(held, tenant)
        for one in attention(verdict.after, verdict.terms, today):
            rows.append({"assignment": name, "kind": one.kind, "since": one.since, "rules": list(one.rules)})
    return rows


def judged(held: Record, tenant: Tenant) -> Judgement:
    return judge(held.case.having(stated.fact for stated in held.stated.values()), held.client, tenant)
