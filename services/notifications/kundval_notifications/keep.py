"""Keep the notices in step with the core's answer: new ones get a message; those without a reason, and those that hold
no more, are marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from kundval_chassis import agenda, held
from kundval_chassis.db import Tx
from kundval_contracts.answer import Notice
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import FactKind, SubjectKind
from kundval_contracts.envelope import Event

from . import hear, store
from .domain import Told, outlook
from .domain.again import again
from .domain.money import about_payment
from .domain.providers import about_provider
from .hear import Instants

#: A day is looked at when its obligations have come: with yesterday's, a met one would look overdue.
CLOCK = "scheduling.day_opened"
OBLIGATIONS, POSTED = "scheduling.obligations_changed", "billing.posted"
#: every event from which notices follow
NEEDS = held.NEEDS | hear.NEEDS | {OBLIGATIONS, POSTED, CLOCK}

#: days after its day from which a notice is marked as late (found after a downtime, or from a late fact)
LATE_AFTER_DAYS = 1


def follow(tx: Tx, events: Sequence[Event]) -> None:
    """Take in a batch of events, in any order and however often, and keep the notices in step with it."""
    news = hear.take(tx, events)
    cases_told = store.take_obligations(tx, (one for one in events if one.name == OBLIGATIONS))
    cases_told |= store.take_postings(tx, (one for one in events if one.name == POSTED))
    instants = Instants(events, CLOCK)
    for tenant, day, cases in agenda.take_in(tx, events, also=cases_told | news.cases, clock=CLOCK):
        keep(tx, tenant, day, cases, instants)
    moved = {event.tenant for event in events if event.name in (CLOCK, "assignment.tenant_opened")}
    of_providers, of_payments = ({tenant for tenant, _ in some} for some in (news.providers, news.payments))
    for name in sorted(moved | of_providers | of_payments):
        opened = _opened(tx, name)
        if opened is None or opened.business_date is None:
            continue
        if name in moved | of_providers:
            keep_providers(tx, opened, opened.business_date, instants)
        if name in moved | of_payments:
            keep_payments(tx, opened, opened.business_date, instants)


def _opened(tx: Tx, name: str) -> Tenant | None:
    try:
        return held.load_tenant(tx, name)
    except held.NotOpened:
        return None


def keep(tx: Tx, tenant: Tenant, day: date, cases: Sequence[Case], instants: Instants) -> None:
    """Compute the notices of these cases on `day` and store what differs from what was held.

    A case of which scheduling has told a later day is left: that day's opening is on its way, and what stands on it
    says nothing about this one.
    """
    ahead = store.ahead(tx, tenant.id, [case.assignment for case in cases], day)
    cases = [case for case in cases if case.assignment not in ahead]
    names = [case.assignment for case in cases]
    obligations = store.obligations_of(tx, tenant.id, names)
    postings = store.postings_of(tx, tenant.id, names)
    heard = store.heard_of(tx, tenant.id, SubjectKind.ASSIGNMENT, names)
    current: dict[str, Iterable[Told]] = {}
    until: dict[str, date | None] = {}
    units: dict[str, str | None] = {}
    for case in cases:
        name = case.assignment
        known = case.known_by(day)
        current[name], upcoming = outlook(known, obligations[name], postings[name], tenant, day, heard[name])
        days = [fact.known_on for fact in case.facts if fact.known_on > day]
        until[name] = min([*days, upcoming] if upcoming else days, default=None)
        units[name] = next((fact["unit"] for fact in reversed(known.of(FactKind.UNIT_ASSIGNED))), None)
    _store(tx, tenant.id, SubjectKind.ASSIGNMENT, current, day, instants)
    store.keep_units(tx, tenant.id, units)
    agenda.rest(tx, tenant.id, until)


def keep_providers(tx: Tx, tenant: Tenant, day: date, instants: Instants) -> None:
    """The same for the providers of a tenant, of which there are some tens."""
    names = sorted(tenant.providers)
    heard = store.heard_of(tx, tenant.id, SubjectKind.PROVIDER, names)
    chosen = store.choices(tx, tenant.id, names, day)
    found = {
        name: again(about_provider(tenant.providers[name], heard[name], chosen[name], tenant, day), tenant.settings)
        for name in names
    }
    _store(tx, tenant.id, SubjectKind.PROVIDER, found, day, instants)


def keep_payments(tx: Tx, tenant: Tenant, day: date, instants: Instants) -> None:
    """The same for payments of which there is news, and those for which it is time."""
    names = store.due_payments(tx, tenant.id, day)
    if not names:
        return
    heard = store.heard_of(tx, tenant.id, SubjectKind.PAYMENT, names)
    found = {name: tuple(again(about_payment(name, heard[name]), tenant.settings)) for name in names}
    _store(tx, tenant.id, SubjectKind.PAYMENT, found, day, instants)
    days = {
        name: [*(one.notice.on for one in told), *filter(None, (one.ended for one in told))]
        for name, told in found.items()
    }
    until = {name: min((one for one in some if one > day), default=None) for name, some in days.items()}
    store.rest_payments(tx, tenant.id, until)


def _store(
    tx: Tx, tenant: str, about: SubjectKind, found: Mapping[str, Iterable[Told]], day: date, instants: Instants
) -> None:
    """Store the difference to what is held about these on `day`."""
    held = store.standing_of(tx, tenant, about, list(found))
    new: list[store.New] = []
    gone: list[store.NoticeKey] = []
    over: list[store.NoticeKey] = []
    back: list[store.NoticeKey] = []
    lapses: dict[store.NoticeKey, date | None] = {}
    changed: list[Notice] = []
    for subject, told in found.items():
        current = {one.notice.key: one for one in told if one.notice.on <= day}
        before = held[subject]
        for key, one in current.items():
            was = before.get(key)
            if was is None:
                late = (day - one.notice.on).days > LATE_AFTER_DAYS
                caused_at = instants.of(tenant, subject)
                new.append(store.New(one.notice, caused_at, one.lapses_on, late, not one.holds(day)))
                continue
            if was.lapses_on != one.lapses_on:
                lapses[key] = one.lapses_on
            if was.said != store.said(one.notice):
                changed.append(one.notice)
            if was.superseded or (was.overtaken and one.holds(day)):
                back.append(key)
            if not one.holds(day) and (was.superseded or not was.overtaken):
                over.append(key)
        gone += [key for key, was in before.items() if not was.superseded and key not in current]
    store.add(tx, tenant, new)
    store.supersede(tx, tenant, gone)
    store.restore(tx, tenant, back)
    store.overtake(tx, tenant, over)
    store.lapse(tx, tenant, lapses)
    store.say(tx, tenant, changed)
