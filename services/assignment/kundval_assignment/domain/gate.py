"""The purpose gate: nothing about a person is fetched, kept or passed on without a ground that holds.

A ground says who asks for what about whom, for which purpose, on which legal basis and until when. It holds from
the day on which it was opened until before its expiry, or the day on which somebody ended it. One that rests on the
client's consent holds only as long as that very consent: a new consent takes a new ground. Purposes and providers are
not interchangeable. Pure: days and facts are passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from kundval_contracts.case import Case
from kundval_contracts.codes import ConsentScope, DataKind, FactKind, GateRefusal, LegalBasis, Purpose
from kundval_contracts.facts import Fact
from kundval_contracts.lawful import table
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline

from .people import expires


@dataclass(frozen=True, slots=True)
class Ground:
    """Why something about a person may be fetched, kept or passed on. `provider`: the only one for whom, None: for the
    municipality. With the basis CONSENT `assignment` and `consent` name the fact by which it was given.
    """

    id: str
    person: str
    what: DataKind
    purpose: Purpose
    basis: LegalBasis
    requester: str
    since: date
    expires_on: date
    provider: str | None = None
    reference: str | None = None
    scope: ConsentScope | None = None
    assignment: str | None = None
    consent: str | None = None
    ended_on: date | None = None

    @property
    def until(self) -> date:
        """The first day on which it holds no more, whatever becomes of a consent."""
        return self.expires_on if self.ended_on is None else min(self.expires_on, self.ended_on)


@dataclass(frozen=True, slots=True)
class Need:
    """What somebody is about to do with data about a person, on the day `on`."""

    what: DataKind
    purpose: Purpose
    on: date
    provider: str | None = None


# --- what a municipality permits -----------------------------------------------------------------------


def bases(settings: RuleSettings, what: DataKind, purpose: Purpose) -> tuple[LegalBasis, ...]:
    """On which legal bases that kind of data may be used for that purpose; none: not at all."""
    uses = settings["gate.uses"].get(what)
    return tuple((table()[what].uses if uses is None else uses).get(purpose, ()))


def latest_expiry(settings: RuleSettings, what: DataKind, since: date) -> date:
    """The latest day until before which a ground opened on `since` may hold."""
    longest = settings["gate.longest"].get(what)
    return date.max if longest is None else expires(since, longest)


# --- consent -------------------------------------------------------------------------------------------


@rule("AMI-2.1-a")
def consent_ends(case: Case, settings: RuleSettings, consent: str, provider: str) -> date | None:
    """The first day on which a consent to `provider` holds no more; date.max while nothing has ended it; None if it
    was never given to that provider, or is not counted. `case` holds the facts in effect.

    It ends when it is withdrawn, and when another provider takes charge, also if the first one comes back.
    """
    given = next((fact for fact in case.of(FactKind.CONSENT_GIVEN) if fact.id == consent), None)
    if given is None:
        return None
    timeline = Timeline(case, settings)
    if timeline.provider_on(given.on) != provider:
        return None
    switched = (start for start, other in timeline.charges if start > given.on and other != provider)
    return min([date.max, *switched, *(fact.on for fact in _withdrawn_after(case, given))])


def _withdrawn_after(case: Case, given: Fact) -> Iterable[Fact]:
    return (
        fact
        for fact in case.of(FactKind.CONSENT_WITHDRAWN)
        if fact.get("scope") is given.get("scope") and fact.order > given.order
    )


def find_consent(
    cases: Iterable[Case], settings: RuleSettings, scope: ConsentScope, provider: str, on: date
) -> tuple[str, str] | None:
    """(assignment, fact) of a consent of that scope to `provider` which holds on `on`, in any of a person's cases; the
    latest of several. None without one.
    """
    found: list[tuple[date, str, str]] = []
    for case in cases:
        for fact in case.of(FactKind.CONSENT_GIVEN):
            if fact.get("scope") is not scope or fact.on > on:
                continue
            ends = consent_ends(case, settings, fact.id, provider)
            if ends is not None and on < ends:
                found.append((fact.on, case.assignment, fact.id))
    return max(found)[1:] if found else None


# --- whether the gate opens ----------------------------------------------------------------------------

#: the nearest to being let through comes last
_NEARNESS = tuple(GateRefusal)


@rule("AMI-2.1-a", "AMI-2.2-c")
def decide(
    grounds: Iterable[Ground], cases: Mapping[str, Case], settings: RuleSettings, need: Need
) -> Ground | GateRefusal:
    """The ground on which `need` rests, the one that holds longest; else why there is none.

    `grounds` are all of the person's, `cases` the assignments on whose facts their consents rest.
    """
    reasons = {GateRefusal.NO_GROUND}
    holding: list[tuple[date, str, Ground]] = []
    for ground in grounds:
        reason = why_not(ground, cases, settings, need)
        if reason is None:
            holding.append((ground.until, ground.id, ground))
        else:
            reasons.add(reason)
    if holding:
        return max(holding, key=lambda one: one[:2])[2]
    return max(reasons, key=_NEARNESS.index)


def why_not(ground: Ground, cases: Mapping[str, Case], settings: RuleSettings, need: Need) -> GateRefusal | None:
    """Why this ground does not carry `need`; None if it does."""
    if ground.what is not need.what:
        return GateRefusal.NO_GROUND
    if ground.purpose is not need.purpose:
        return GateRefusal.OTHER_PURPOSE
    if ground.provider != need.provider:
        return GateRefusal.OTHER_PROVIDER
    if ground.basis not in bases(settings, ground.what, ground.purpose):
        return GateRefusal.NOT_PERMITTED
    if need.on < ground.since:
        return GateRefusal.NOT_BEGUN
    if ground.ended_on is not None and need.on >= ground.ended_on:
        return GateRefusal.ENDED
    if need.on >= ground.expires_on:
        return GateRefusal.EXPIRED
    if need.on >= holds_until(ground, cases, settings):
        return GateRefusal.CONSENT_GONE
    return None


def holds_until(ground: Ground, cases: Mapping[str, Case], settings: RuleSettings) -> date:
    """The first day on which it holds no more, the consent that it rests on looked at; date.min if there is none."""
    if ground.basis is not LegalBasis.CONSENT:
        return ground.until
    case = cases.get(ground.assignment or "")
    if case is None or ground.consent is None or ground.provider is None:
        return date.min
    ends = consent_ends(case, settings, ground.consent, ground.provider)
    return date.min if ends is None else min(ground.until, ends)
