"""Notices about providers: supervision, reviews, nobody who chooses one, the end of an authorisation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date

from kundval_contracts.answer import Notice
from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.case import Provider, Tenant
from kundval_contracts.codes import DeauthorisationGround, NoticeKind, ObligationKind, Role, SubjectKind
from kundval_contracts.followups import authorised_since, reviews
from kundval_contracts.obligations import terms
from kundval_contracts.rules import rule

from .again import Told
from .heard import Heard, number
from .standing import first

K = NoticeKind
PROVIDER, GUIDE, MANAGER = Role.PROVIDER, Role.CAREER_GUIDE, Role.TEAM_MANAGER

SUPERVISED = "assignment.provider_supervised"
OPENED, CLOSED = "assignment.provider_review_opened", "assignment.provider_review_closed"
ENDED = "assignment.provider_deauthorised"
NAMES = frozenset({SUPERVISED, OPENED, CLOSED, ENDED})
#: how long before the end of an authorisation it is told of: a proposal
AHEAD_DAYS = 30

_GROUND_RULES = {
    DeauthorisationGround.TERMS_NOT_MET: "NACKA-16",
    DeauthorisationGround.NO_CLIENTS: "NACKA-17",
    DeauthorisationGround.NOTICE: "AF-SOM-27",
}


def about_provider(
    provider: Provider, heard: Iterable[Heard], chosen: Collection[date], tenant: Tenant, as_of: date
) -> Iterator[Told]:
    """Every notice about a provider, those to come as well.

    heard: what assignment told of it. chosen: the days on which a client chose it.
    """
    told = sorted(heard, key=lambda one: one.revision)
    yield from _supervision(provider, told, tenant, as_of)
    yield from _reviews(provider.id, told)
    yield from _idle(provider, chosen, tenant)
    yield from _ends(provider, told)


def _notice(
    provider: str, kind: NoticeKind, to: Role, on: date, rules: tuple[str, ...], sequence: int, **values: object
) -> Notice:
    texts = {name: str(value) for name, value in values.items()}
    own = provider if to is PROVIDER else None
    return Notice(provider, kind.value, to, on, rules, sequence, own, texts, SubjectKind.PROVIDER)


@rule("NACKA-18")
def _supervision(provider: Provider, told: list[Heard], tenant: Tenant, as_of: date) -> Iterator[Told]:
    """Where an interval is set: some days before the next visit is due, and when it is late."""
    interval: int | None = tenant.settings["supervision.interval_months"]
    since = authorised_since(provider, as_of)
    if interval is None or since is None:
        return
    row = terms()[ObligationKind.SUPERVISION]
    latest = next((one for one in reversed(told) if one.name == SUPERVISED), None)
    days = [date.fromisoformat(day) for days in latest.data["channels"].values() for day in days] if latest else []
    for place, (opens_on, due, met_on) in enumerate(reviews(since, days, interval, as_of), 1):
        soon = max(add_days(due, -(row.remind_days or 0)), opens_on)
        if soon <= due and (met_on is None or met_on >= soon):
            notice = _notice(provider.id, K.SUPERVISION_DUE_SOON, GUIDE, soon, row.rules, place, due=due)
            yield Told(notice, met_on, add_days(due, 1))
        late = {GUIDE: add_days(due, 1)}
        late |= {step.to: step.on(due, tenant.settings) for step in row.escalation}
        for to, on in late.items():
            if met_on is None or met_on >= on:
                yield Told(_notice(provider.id, K.SUPERVISION_OVERDUE, to, on, row.rules, place, due=due), met_on)


@rule("NACKA-16")
def _reviews(provider: str, told: list[Heard]) -> Iterator[Told]:
    """A review that has been opened (SM-V3), until it is closed or the authorisation ends."""
    for one in told:
        if one.name == OPENED:
            over = (
                other.on
                for other in told
                if other.name in (CLOSED, ENDED)
                and other.revision > one.revision
                and set(one.data["programmes"]) & set(other.data["programmes"])
            )
            notice = _notice(provider, K.PROVIDER_REVIEW, MANAGER, one.on, ("NACKA-16",), one.number, day=one.on)
            yield Told(notice, min(over, default=None))


@rule("NACKA-17")
def _idle(provider: Provider, chosen: Collection[date], tenant: Tenant) -> Iterator[Told]:
    """The first day on which nobody has chosen it for so many months, authorised for so long (AMB-38).

    A person decides what follows. One that is chosen again holds no more.
    """
    months: int = tenant.settings["deauth.window_months"]
    since = min(provider.authorised.values(), default=None)
    if since is None:
        return
    ends = [provider.deauthorised.get(programme) for programme in provider.authorised]
    over = None if None in ends else max(end for end in ends if end is not None)
    days = sorted(chosen)
    for place in range(len(days) + 1):
        before = days[place - 1] if place else None
        after = days[place] if place < len(days) else None
        on = max(add_months(since, months), _window_past(before, months) if before else since)
        if (after is None or after >= on) and (over is None or over > on):
            notice = _notice(
                provider.id, K.PROVIDER_IDLE, MANAGER, on, ("NACKA-17",), number("idle", on), day=before or since
            )
            yield Told(notice, first(after, over))


def _window_past(last: date, months: int) -> date:
    """The first day from which, so many months back, the choice lies before the window."""
    day = add_months(last, months)
    while add_months(day, -months) <= last:
        day = add_days(day, 1)
    return day


@rule("AF-SOM-27", "NACKA-16", "NACKA-17")
def _ends(provider: Provider, told: list[Heard]) -> Iterator[Told]:
    """The end of an authorisation: some time before, after notice of termination, and when it has come (SM-V4)."""
    for one in told:
        if one.name == ENDED:
            ground = one.data.get("ground")
            rules = (_GROUND_RULES[DeauthorisationGround(ground)] if ground else "NACKA-16",)
            for to in (PROVIDER, MANAGER):
                yield Told(_notice(provider.id, K.AUTHORISATION_ENDS, to, one.on, rules, one.number, day=one.on))
    at_once = {one.on for one in told if one.name == ENDED and one.data.get("ground") != DeauthorisationGround.NOTICE}
    for end in sorted(set(provider.deauthorised.values())):
        if end not in at_once:
            on = add_days(end, -AHEAD_DAYS)
            for to in (PROVIDER, MANAGER):
                notice = _notice(
                    provider.id, K.AUTHORISATION_ENDS, to, on, ("AF-SOM-27",), number("ends", end), day=end
                )
                yield Told(notice, end)
