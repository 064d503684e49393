"""State facts about a provider, judge it anew, tell the difference: the same procedure as for assignments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from kundval_chassis.db import Tx
from kundval_contracts import codes
from kundval_contracts.case import Provider, Tenant
from kundval_contracts.codes import (
    DeauthorisationGround,
    Programme,
    ProviderFactKind,
    ProviderState,
)
from kundval_contracts.errors import Conflict, FactRefused, NotFound
from kundval_contracts.provider_facts import ProviderFact

from .. import record, tenants
from ..domain.authorisation import Ground, ProviderJudgement, Standing, day_for, judge_provider
from . import store
from .store import Held, Stated

_K, _S = ProviderFactKind, ProviderState
_IN_FORCE = frozenset({_S.AUTHORISED, _S.UNDER_REVIEW})
_DECISIONS = frozenset({_K.AUTHORISED, _K.DEAUTHORISED})


def record_facts(tx: Tx, tenant: Tenant, provider: str, given: Sequence[ProviderFact]) -> int:
    """Store facts about a provider and publish what follows; how many were new.

    A fact with place -1 gets the next place. Raises NotFound (a provider that nobody knows and that does not apply),
    Conflict (an id or place taken by another fact, an id that was withdrawn) and FactRefused; then nothing is stored.
    """
    store.lock(tx, tenant.id, (), exclusive=[provider])
    held = store.load(tx, tenant.id, [provider]).get(provider, Held(provider))
    if held.given is None and not held.stated and not any(fact.kind is _K.APPLIED for fact in given):
        raise NotFound(f"There is no provider {provider}.")
    seen = _supervised(held)
    new = _add(held, given)
    if not new:
        return 0
    tenant = tenants.get(tx, tenant.id)
    last_choice = _last_choice(tx, tenant, provider, [held.stated[name].fact for name in new])
    judgement = _judge(tenant, held, last_choice, stating=new)
    refused = [judgement.refused[name] for name in new if name in judgement.refused]
    if refused:
        raise FactRefused(refused[0].message, code=refused[0].code.value, rules=refused[0].rules)
    _keep_facts(tx, tenant, held, judgement, new)
    _follow(tx, tenant, held, judgement)
    _tell_supervised(tx, tenant.id, held, seen)
    return len(new)


def withdraw_fact(tx: Tx, tenant: Tenant, provider: str, fact_id: str) -> bool:
    """Take back a fact; False if there is none (any more). Raises NotFound, and Conflict if a decision rests on it."""
    store.lock(tx, tenant.id, (), exclusive=[provider])
    held = store.load(tx, tenant.id, [provider]).get(provider)
    if held is None:
        raise NotFound(f"There is no provider {provider}.")
    seen = _supervised(held)
    if held.stated.pop(fact_id, None) is None:
        return False
    tenant = tenants.get(tx, tenant.id)
    judgement = _judge(tenant, held, None, stating=())
    lost = [one.fact.id for one in held.stated.values() if one.in_effect and one.fact.id in judgement.refused]
    resting = [name for name in lost if held.stated[name].fact.kind in _DECISIONS]
    if resting:
        raise Conflict(f"The decision {resting[0]} rests on that fact: take it back first.")
    store.withdraw(tx, tenant.id, provider, fact_id)
    _keep_facts(tx, tenant, held, judgement, ())
    _follow(tx, tenant, held, judgement)
    _tell_supervised(tx, tenant.id, held, seen)
    return True


def day_has_come(tx: Tx, name: str, day: date) -> None:
    """Judge the providers anew whose standing changes by the business date alone: evidence expires, a notice ends."""
    names = store.changing_by(tx, name, day)
    if not names:
        return
    store.lock(tx, name, (), exclusive=names)
    tenant = replace(tenants.get(tx, name), business_date=day)
    for held in store.load(tx, name, names).values():
        _follow(tx, tenant, held, _judge(tenant, held, None, stating=()))


def terms_have_changed(tx: Tx, name: str) -> None:
    """Judge every provider anew about which facts were stated: the tenant was opened with other settings or providers.

    Who opens a tenant announces it, and judges every assignment anew, afterwards.
    """
    names = store.with_facts(tx, name)
    if not names:
        return
    store.lock(tx, name, (), exclusive=names)
    tenant = tenants.get(tx, name)
    for held in store.load(tx, name, names).values():
        seen = _supervised(held)
        judgement = _judge(tenant, held, None, stating=())
        _keep_facts(tx, tenant, held, judgement, ())
        _follow(tx, tenant, held, judgement, announce=False)
        _tell_supervised(tx, tenant.id, held, seen)


def judged(tenant: Tenant, held: Held) -> ProviderJudgement:
    """What the facts about a provider come to on the business date."""
    return _judge(tenant, held, None, stating=())


def today(tenant: Tenant, held: Held) -> date:
    """The business date, or before there is one the last day that anything stated about the provider is about."""
    return day_for((one.fact for one in held.stated.values()), held.given, tenant.business_date)


# --- inside ------------------------------------------------------------------------------------------


def _add(held: Held, facts: Iterable[ProviderFact]) -> list[str]:
    """Put new facts into what is held; the ids that were new. A fact stated again as it was is no news."""
    taken = {one.fact.place for one in held.stated.values()}
    new: list[str] = []
    for fact in facts:
        if fact.id in held.withdrawn:
            raise Conflict(f"The fact {fact.id} of {held.id} was withdrawn: state it under another id.")
        known = held.stated.get(fact.id)
        if known is not None:
            same = replace(fact, stated_by=known.fact.stated_by, for_provider=known.fact.for_provider)
            if known.fact != (replace(same, place=known.fact.place) if fact.place < 0 else same):
                raise Conflict(f"The fact {fact.id} of {held.id} was stated with other contents.")
            continue
        place = fact.place if fact.place >= 0 else max(taken, default=-1) + 1
        if place in taken:
            raise Conflict(f"Another fact of {held.id} has the ordinal {place}.")
        taken.add(place)
        held.stated[fact.id] = Stated(replace(fact, place=place))
        new.append(fact.id)
    return new


def _last_choice(tx: Tx, tenant: Tenant, provider: str, facts: Iterable[ProviderFact]) -> date | None:
    """The latest choice up to a decision that nobody chooses the provider, if such a decision is stated."""
    days = [
        fact.on for fact in facts if fact.kind is _K.DEAUTHORISED and fact["ground"] is DeauthorisationGround.NO_CLIENTS
    ]
    return store.last_choices(tx, tenant.id, [provider], max(days)).get(provider) if days else None


def _judge(tenant: Tenant, held: Held, last_choice: date | None, *, stating: Iterable[str]) -> ProviderJudgement:
    ground = Ground.of(held.id, tenant.settings, held.given, last_choice)
    facts = [one.fact for one in held.stated.values()]
    return judge_provider(facts, ground, today(tenant, held), frozenset(stating))


def _keep_facts(tx: Tx, tenant: Tenant, held: Held, judgement: ProviderJudgement, new: Iterable[str]) -> None:
    added, changed = [], []
    fresh = set(new)
    for name, one in held.stated.items():
        was = (one.in_effect, one.judgement)
        refusal = judgement.refused.get(name)
        one.in_effect = refusal is None
        one.judgement = None
        if refusal is not None:
            one.judgement = {"code": refusal.code.value, "message": refusal.message, "rules": list(refusal.rules)}
        if name in fresh:
            added.append(one)
        elif was != (one.in_effect, one.judgement):
            changed.append(one)
    store.add_facts(tx, tenant.id, held.id, added)
    store.save_judgements(tx, tenant.id, held.id, changed)


def _follow(tx: Tx, tenant: Tenant, held: Held, judgement: ProviderJudgement, *, announce: bool = True) -> None:
    """Store what now holds of the provider; tell what is another than before, and judge anew whom it concerns."""
    before, states = held.merged, dict(held.states)
    if not held.told and held.given is not None:
        plain = judge_provider([], Ground.of(held.id, tenant.settings, held.given), today(tenant, held))
        before, states = plain.provider, {one.programme: one.state for one in plain.standings}
    now = {one.programme: one for one in judgement.standings}
    store.save(tx, tenant.id, judgement.provider, {name: one.state for name, one in now.items()}, judgement.changes_on)
    ended = _tell(tx, tenant.id, today(tenant, held), judgement, states, now)
    changed = _differs_from(before, judgement.provider)
    if announce and changed is not None:
        tenant = replace(tenants.get(tx, tenant.id), business_date=tenant.business_date)
        tenants.announce(tx, tenant)
        record.judge_again(tx, tenant, store.concerned(tx, tenant.id, held.id, changed))
    for programme, one in ended.items():
        for assignment in store.clients_of(tx, tenant.id, held.id, [programme]):
            data = {"assignment": assignment, "provider": held.id, "on": one.isoformat()}
            tx.publish("assignment.choice_required", subject=assignment, tenant=tenant.id, data=data)


def _tell(
    tx: Tx,
    tenant: str,
    day: date,
    judgement: ProviderJudgement,
    before: Mapping[Programme, ProviderState],
    now: Mapping[Programme, Standing],
) -> dict[Programme, date]:
    """Publish what has changed in each programme (SM-V1 to V4); those that ended, with the first day without."""
    told: dict[tuple[str, date, str | None], list[Programme]] = {}
    ended: dict[Programme, date] = {}
    for programme in sorted({*before, *now}, key=codes.programmes().index):
        was, one = before.get(programme), now.get(programme)
        state = one.state if one is not None else None
        if state is was:
            continue
        if one is not None and state is _S.APPLIED:
            told.setdefault(("applied", one.since, None), []).append(programme)
        if one is not None and state in _IN_FORCE:
            if was not in _IN_FORCE:
                told.setdefault(("authorised", one.authorised or one.since, None), []).append(programme)
            if state is _S.UNDER_REVIEW:
                told.setdefault(("review_opened", one.since, None), []).append(programme)
            elif was is _S.UNDER_REVIEW:
                told.setdefault(("review_closed", day, None), []).append(programme)
        elif was in _IN_FORCE:
            over = one if one is not None and state is _S.DEAUTHORISED else None
            ended[programme] = over.since if over else day
            ground = over.ground.value if over and over.ground else None
            told.setdefault(("deauthorised", ended[programme], ground), []).append(programme)
    for (what, on, ground), programmes in told.items():
        data: dict[str, Any] = {
            "provider": judgement.provider.id,
            "programmes": [programme.value for programme in programmes],
            "on": on.isoformat(),
        }
        if what == "applied":
            data["ownership"] = judgement.provider.ownership.value
        elif what == "review_opened":
            causes = {cause.cause.value for programme in programmes for cause in now[programme].causes}
            data["causes"] = sorted(causes)
        elif what == "deauthorised":
            data["ground"] = ground
        tx.publish(f"assignment.provider_{what}", subject=judgement.provider.id, tenant=tenant, data=data)
    return ended


def _supervised(held: Held) -> dict[str, list[str]]:
    """The days on which the provider was looked at, by channel, of the facts in effect."""
    found: dict[str, set[date]] = {}
    for one in held.stated.values():
        if one.in_effect and one.fact.kind is _K.SUPERVISED:
            found.setdefault(one.fact["channel"].value, set()).add(one.fact.on)
    return {channel: [day.isoformat() for day in sorted(days)] for channel, days in sorted(found.items())}


def _tell_supervised(tx: Tx, tenant: str, held: Held, before: Mapping[str, list[str]]) -> None:
    """Publish the days of supervision if they are others than before: dates and channels, no words."""
    now = _supervised(held)
    if now != before:
        data = {"provider": held.id, "channels": now}
        tx.publish("assignment.provider_supervised", subject=held.id, tenant=tenant, data=data)


def _differs_from(before: Provider | None, now: Provider) -> date | None:
    """The first day on which the provider may be chosen otherwise than before; None if there is none.

    An owner that has become another is told too.
    """
    was, is_now = _days(before), _days(now)
    differ = (was.get(programme, set()) ^ is_now.get(programme, set()) for programme in {*was, *is_now})
    days = [min(one) for one in differ if one]
    if not days and (before is None or before.ownership is not now.ownership) and is_now:
        return date.max
    return min(days, default=None)


def _days(provider: Provider | None) -> dict[Programme, set[date]]:
    """The days on which an authorisation begins or ends, by programme."""
    if provider is None:
        return {}
    return {
        programme: {
            since,
            *([provider.deauthorised[programme]] if programme in provider.deauthorised else []),
            *(day for one in provider.earlier.get(programme, ()) for day in (one.start, one.end)),
        }
        for programme, since in provider.authorised.items()
    }
