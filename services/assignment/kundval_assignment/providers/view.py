"""What is shown of providers: the list, one with its checklist, what is proposed, whose clients must choose anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts.case import Tenant
from kundval_contracts.codes import Programme, ProviderFactKind
from kundval_contracts.errors import NotFound

from ..domain.authorisation import ProviderJudgement, Standing
from ..domain.capacity import places_left
from ..domain.checklist import TermStatus, qualification, staff_needed, staff_on, subcontractors_on
from ..domain.supervision import Proposal, followed_up, penalties, proposals, review
from . import record, store
from .store import Held


def providers(tx: Tx, tenant: Tenant, provider: str | None) -> list[dict[str, Any]]:
    """Every provider, or the one, with its standings and the places left."""
    held = store.load(tx, tenant.id, None if provider is None else [provider])
    taken = store.taken(tx, tenant.id)
    return [_row(tenant, record.judged(tenant, one), taken.get(one.id, {})) for one in held.values()]


def provider(tx: Tx, tenant: Tenant, name: str, *, texts: bool, own: bool) -> dict[str, Any]:
    """One provider. Raises NotFound.

    texts: for whom answers for providers; own: for the provider itself, whose findings are told with their measures,
    while what clients said, and what is proposed, is not.
    """
    held = store.load(tx, tenant.id, [name]).get(name)
    if held is None:
        raise NotFound(f"There is no provider {name}.")
    day, settings = record.today(tenant, held), tenant.settings
    judgement = record.judged(tenant, held)
    told = tuple(fact for fact in judgement.in_effect if fact.on <= day)
    taken = store.taken(tx, tenant.id, [name]).get(name, {})
    staff = staff_on(told, day)
    clients = sum(n for programme, n in taken.items() if programme.is_som or programme.is_rum)
    needed = staff_needed(clients, settings["som.max_per_employee"])
    regular = review(told, judgement.standings, day, settings)
    last_choice = store.last_choices(tx, tenant.id, [name], day).get(name)
    proposed = () if own else proposals(judgement, last_choice, sum(taken.values()), day, settings)
    return {
        **_row(tenant, judgement, taken),
        "checklist": [_term(status, judgement.standings) for status in judgement.checklist],
        "staff": [
            {
                "staff": one["staff"],
                "function": one["function"],
                "qualified": qualification(one, settings),
                "from": one.get("from"),
                "until": one.get("until"),
            }
            for one in staff
        ],
        "staff_ratio": {
            "clients": clients,
            "employees": len(staff),
            "needed": needed,
            "warning": len(staff) < needed,
        },
        "subcontractors": list(subcontractors_on(told, day)),
        "review": {
            "interval_months": regular.interval,
            "last": regular.last,
            "due": regular.due,
            "overdue": regular.overdue,
            "by_channel": regular.by_channel,
        },
        "supervision": [
            {"on": fact.on, "channel": fact["channel"], "text": fact.get("text") if texts else None}
            for fact in told
            if fact.kind is ProviderFactKind.SUPERVISED
        ],
        "findings": [
            {
                "finding": one.fact.id,
                "on": one.fact.on,
                "severity": one.fact["severity"],
                "term": one.fact.get("term"),
                "measure": one.fact.get("measure") if texts or own else None,
                "due": one.fact.get("due"),
                "measure_done_on": one.measure_done_on,
                "closed_on": one.closed_on,
                "overdue": one.overdue,
            }
            for one in followed_up(told, day)
        ],
        "penalties": [
            {
                "case": fact["case"],
                "on": fact.get("decided_on", fact.on),
                "amount": f"{fact['amount']:.2f}",
                "ground": fact["ground"] if texts or own else None,
            }
            for fact in penalties(told)
        ],
        "proposals": [_proposal(one) for one in proposed],
        "facts": _facts(held),
    }


def provider_proposals(tx: Tx, tenant: Tenant, name: str | None) -> list[dict[str, Any]]:
    """What the rules propose, for every provider or the one."""
    held = store.load(tx, tenant.id, None if name is None else [name])
    taken = store.taken(tx, tenant.id)
    found: list[dict[str, Any]] = []
    by_day: dict[date, list[Held]] = {}
    for one in held.values():
        by_day.setdefault(record.today(tenant, one), []).append(one)
    for day, ones in by_day.items():
        chosen = store.last_choices(tx, tenant.id, [one.id for one in ones], day)
        for one in ones:
            clients = sum(taken.get(one.id, {}).values())
            made = proposals(record.judged(tenant, one), chosen.get(one.id), clients, day, tenant.settings)
            found += [_proposal(proposal) for proposal in made]
    return sorted(found, key=lambda row: (row["provider"], row["ground"], row["terms"]))


def ended(tenant: Tenant, name: str | None) -> list[tuple[str, Programme, date]]:
    """(provider, programme, first day without) of every authorisation that is over on the business date."""
    return [
        (one.id, programme, day)
        for one in tenant.providers.values()
        for programme, day in one.deauthorised.items()
        if name in (None, one.id) and (tenant.business_date is None or day <= tenant.business_date)
    ]


def _row(tenant: Tenant, judgement: ProviderJudgement, taken: Mapping[Programme, int]) -> dict[str, Any]:
    one = judgement.provider
    return {
        "provider": one.id,
        "name": one.name,
        "ownership": one.ownership,
        "standings": [_standing(standing) for standing in judgement.standings],
        "capacity": one.capacity,
        "clients": sum(taken.values()),
        "places_left": places_left(one, sum(taken.values())),
    }


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "programme": one.programme,
        "state": one.state,
        "since": one.since,
        "authorised": one.authorised,
        "until": one.until,
        "ground": one.ground,
        "causes": [{"cause": cause.cause, "ref": cause.ref, "since": cause.since} for cause in one.causes],
    }


def _term(status: TermStatus, standings: Iterable[Standing]) -> dict[str, Any]:
    term = status.term
    return {
        "term": term.code,
        "title": term.title,
        "rules": list(term.rules),
        "evidence_kind": term.evidence,
        "mandatory": term.mandatory,
        "programmes": [one.programme for one in standings if term.belongs_to(one.programme)],
        "state": status.state,
        "since": status.since,
        "evidence": status.evidence,
        "valid_until": status.valid_until,
        "offered": status.offered,
        "lacking": list(status.lacking),
    }


def _proposal(one: Proposal) -> dict[str, Any]:
    return {
        "provider": one.provider,
        "ground": one.ground,
        "programmes": list(one.programmes),
        "terms": list(one.terms),
        "rules": list(one.rules),
        "last_choice": one.last_choice,
        "active_clients": one.active_clients,
    }


def _facts(held: Held) -> list[dict[str, Any]]:
    return [
        {
            "id": one.fact.id,
            "fact": one.fact.kind,
            "on": one.fact.on,
            "known_on": one.fact.known_on,
            "in_effect": one.in_effect,
            "code": one.judgement["code"] if one.judgement else None,
            "rules": one.judgement["rules"] if one.judgement else [],
        }
        for one in sorted(held.stated.values(), key=lambda one: one.fact.order)
    ]
