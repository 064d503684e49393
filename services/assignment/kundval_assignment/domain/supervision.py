"""Supervision of providers: when the next review is due, findings, penalties, and when the system proposes to
de-authorise. It proposes; a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from kundval_contracts.calendar import add_months
from kundval_contracts.codes import (
    DeauthorisationGround,
    Programme,
    ProviderFactKind,
    SupervisionChannel,
    TermState,
)
from kundval_contracts.followups import next_review
from kundval_contracts.provider_facts import ProviderFact
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings

if TYPE_CHECKING:
    from .authorisation import ProviderJudgement, Standing

_K = ProviderFactKind


# --- supervision -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Review:
    """The regular check of a provider. due: the last day for the next one; None where the municipality has set no
    interval (GAP-22), which `interval` None says. by_channel: the last day of each channel.
    """

    interval: int | None
    last: date | None
    due: date | None
    overdue: bool
    by_channel: Mapping[SupervisionChannel, date | None]


@rule("NACKA-15", "NACKA-18")
def review(facts: Iterable[ProviderFact], standings: Iterable[Standing], day: date, settings: RuleSettings) -> Review:
    """When the provider was looked at, by channel, and when next: an interval after the last time, or after the
    authorisation if it has not been looked at yet.
    """
    seen: dict[SupervisionChannel, date | None] = dict.fromkeys(SupervisionChannel)
    for fact in facts:
        if fact.kind is _K.SUPERVISED and fact.on <= day:
            seen[fact["channel"]] = fact.on
    last = max((one for one in seen.values() if one is not None), default=None)
    in_force = [one.authorised for one in standings if one.authorised is not None]
    interval: int | None = settings["supervision.interval_months"]
    if interval is None or not in_force:
        return Review(interval, last, None, False, seen)
    due = next_review(last or min(in_force), interval)
    return Review(interval, last, due, day > due, seen)


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of the supervision and what became of it."""

    fact: ProviderFact
    measure_done_on: date | None
    closed_on: date | None
    overdue: bool


@rule("NACKA-15")
def followed_up(facts: Iterable[ProviderFact], day: date) -> tuple[Finding, ...]:
    """Every finding with its measure: said to be done by the provider, accepted by the municipality, or overdue."""
    told = tuple(fact for fact in facts if fact.on <= day)
    found = []
    for fact in told:
        if fact.kind is not _K.FINDING:
            continue
        done, closed = (
            next((one.on for one in told if one.kind is kind and one["finding"] == fact.id), None)
            for kind in (_K.MEASURE_DONE, _K.FINDING_CLOSED)
        )
        late = closed is None and fact.get("due", date.max) < day
        found.append(Finding(fact, done, closed, late))
    return tuple(found)


@rule("AF-SOM-32")
def penalties(facts: Iterable[ProviderFact]) -> tuple[ProviderFact, ...]:
    """Penalties as the employment service decided them. The contract names no amounts, so none is computed."""
    return tuple(fact for fact in facts if fact.kind is _K.PENALTY_RECORDED)


# --- proposals ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the system proposes. active_clients: who would have to choose anew; more than none is a warning."""

    provider: str
    ground: DeauthorisationGround
    programmes: tuple[Programme, ...]
    rules: tuple[str, ...]
    terms: tuple[str, ...] = ()
    last_choice: date | None = None
    active_clients: int = 0


@rule("NACKA-17")
def attracted_nobody(since: date, last_choice: date | None, day: date, months: int = 12) -> bool:
    """Nobody has chosen the provider from `months` before `day` on, and it has been authorised for so long (AMB-38).

    Clients that it still has do not count as attracted; a choice made on `day` itself does.
    """
    start = add_months(day, -months)
    chosen = last_choice is not None and last_choice >= start
    return not chosen and add_months(since, months) <= day


@rule("NACKA-16", "NACKA-17")
def proposals(
    judgement: ProviderJudgement, last_choice: date | None, active_clients: int, day: date, settings: RuleSettings
) -> tuple[Proposal, ...]:
    """De-authorisations for a person to decide: for a term recorded as not met, or because nobody chooses the provider.

    last_choice: the latest day up to `day` on which a client chose it. Evidence that has expired opens a review and is
    no proposal: nobody has found yet that the term is not met.
    """
    provider = judgement.provider.id
    in_force = [one for one in judgement.standings if one.authorised is not None]
    found = []
    for status in judgement.checklist:
        concerned = tuple(one.programme for one in in_force if status.term.belongs_to(one.programme))
        if status.state is TermState.UNMET and status.term.mandatory and concerned:
            rules = ("NACKA-16", *status.term.rules)
            found.append(
                Proposal(
                    provider,
                    DeauthorisationGround.TERMS_NOT_MET,
                    concerned,
                    rules,
                    (status.term.code,),
                    last_choice,
                    active_clients,
                )
            )
    months = settings["deauth.window_months"]
    idle = tuple(
        one.programme
        for one in in_force
        if one.authorised is not None and attracted_nobody(one.authorised, last_choice, day, months)
    )
    if idle:
        ground = DeauthorisationGround.NO_CLIENTS
        found.append(Proposal(provider, ground, idle, ("NACKA-17",), (), last_choice, active_clients))
    return tuple(found)
