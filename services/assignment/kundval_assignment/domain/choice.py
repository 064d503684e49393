"""What providers have achieved, so that a client can compare them before choosing (NACKA-7).

The order of the providers is drawn by lot: a seed turns the list that is sorted by id, so that over many clients each
provider stands first equally often. The seed is part of the answer. A provider without history has no figures yet; that
is said, and it changes nothing in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.codes import ExitKind, ParticipationGround, Programme, RefusalCode
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings

from .measures import KEPT_BACK, Figure, mean, number, share, whole_may_be_shown
from .outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Window:
    """The days that figures are counted over: from `start` through `day`."""

    start: date
    day: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day <= self.day


def window(day: date, settings: RuleSettings) -> Window:
    """The window of the setting up to and including `day`."""
    return Window(add_days(add_months(day, -settings["figures.window_months"]), 1), day)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the clients of one provider in one programme add up to within a window.

    clients: had in charge on some day. ended: of the interventions that ended with it, days and days_squared: sums of
    its days in charge of these, exits: by kind. over: of those that ended with it the ones whose six months were over
    within the window, self_supporting: of these. contacted: clients with at least one contact, contacts: with the
    clients, in_person: of these.
    """

    provider: str
    clients: int = 0
    ended: int = 0
    days: int = 0
    days_squared: int = 0
    exits: Mapping[ExitKind, int] = field(default_factory=dict)
    over: int = 0
    self_supporting: int = 0
    contacted: int = 0
    contacts: int = 0
    in_person: int = 0

    def __add__(self, other: Tally) -> Tally:
        kinds = [kind for kind in ExitKind if kind in self.exits or kind in other.exits]
        return Tally(
            self.provider,
            self.clients + other.clients,
            self.ended + other.ended,
            self.days + other.days,
            self.days_squared + other.days_squared,
            {kind: self.exits.get(kind, 0) + other.exits.get(kind, 0) for kind in kinds},
            self.over + other.over,
            self.self_supporting + other.self_supporting,
            self.contacted + other.contacted,
            self.contacts + other.contacts,
            self.in_person + other.in_person,
        )


@rule("LOKA-63")
def tally(outcomes: Iterable[Outcome], programme: Programme, span: Window) -> dict[str, Tally]:
    """The sums by provider. The store counts the same in SQL; this says what is meant, and the tests hold both
    together.

    Who takes part on the ground of meaningful occupation is not counted.
    """
    sums: dict[str, Tally] = {}
    for one in outcomes:
        if one.programme is not programme or one.ground is not ParticipationGround.LABOUR_MARKET:
            continue
        for part in one.providers:
            there = part.start <= span.day and (part.until is None or part.until > span.start)
            ended = part.last and one.ended_on is not None and one.ended_on in span
            over = part.last and one.settles_on is not None and one.settles_on in span
            days = part.days or 0
            row = Tally(
                part.provider,
                int(there),
                int(ended),
                days if ended else 0,
                days * days if ended else 0,
                {one.exit_kind: 1} if ended and one.exit_kind is not None else {},
                int(over),
                int(over and one.self_supporting(span.day)),
                int(there and part.contacts > 0),
                part.contacts if there else 0,
                part.in_person if there else 0,
            )
            sums[part.provider] = sums[part.provider] + row if part.provider in sums else row
    return sums


@dataclass(frozen=True, slots=True)
class Compared:
    """A provider's figures, or those of all together (`provider` None).

    clients: a count. days: mean days in charge until the end. exits: shares by kind, of those that ended.
    self_supporting: share of those whose six months are over. in_person: share of the contacts. places_left: None if
    it has declared no limit. no_figures_yet: it has had no client in the window.
    """

    provider: str | None
    clients: Figure
    days: Figure
    exits: Mapping[ExitKind, Figure]
    self_supporting: Figure
    in_person: Figure
    places_left: int | None
    no_figures_yet: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "clients": self.clients.as_json(),
            "days": self.days.as_json(),
            "exits": {kind.value: figure.as_json() for kind, figure in self.exits.items()},
            "self_supporting": self.self_supporting.as_json(),
            "in_person": self.in_person.as_json(),
            "places_left": self.places_left,
            "no_figures_yet": self.no_figures_yet,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The table: providers in the order of `seed`, all of them together, and what the figures were counted by."""

    rows: tuple[Compared, ...]
    together: Compared
    seed: int
    smallest_group: int

    def as_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "smallest_group": self.smallest_group,
            "rows": [row.as_json() for row in self.rows],
            "together": self.together.as_json(),
        }


@rule("NACKA-7", "NACKA-22")
def comparison(
    rows: Mapping[str, Tally], places_left: Mapping[str, int | None], settings: RuleSettings, seed: int
) -> Comparison:
    """The providers in `places_left` (those that can be chosen), each with what `rows` says of it.

    A figure about fewer persons than `figures.smallest_group` is kept back, and the figure of all together with it
    where it could be got at by taking the others away. Contacts are counted, but it is the clients who make the group.
    """
    smallest = settings["figures.smallest_group"]
    found = {name: rows.get(name, Tally(name)) for name in places_left}
    groups = {
        "clients": {name: row.clients for name, row in found.items()},
        "ended": {name: row.ended for name, row in found.items()},
        "over": {name: row.over for name, row in found.items()},
        "contacted": {name: row.contacted for name, row in found.items()},
    }
    small = {
        group: frozenset(name for name, count in counts.items() if 0 < count < smallest)
        for group, counts in groups.items()
    }
    whole = sum(found.values(), Tally(""))
    secret = {
        group: not whole_may_be_shown(counts, small[group], smallest, insiders=True) for group, counts in groups.items()
    }
    # a kind of exit that only those kept back have had is not even named
    open_ = [row for name, row in found.items() if name not in small["ended"]] + ([] if secret["ended"] else [whole])
    kinds = tuple(kind for kind in ExitKind if any(row.exits.get(kind) for row in open_))
    return Comparison(
        tuple(
            _compared(found[name], name, places_left[name], kinds, {group: name in small[group] for group in groups})
            for name in neutral_order(found, seed)
        ),
        _compared(whole, None, None, kinds, secret),
        seed,
        smallest,
    )


def _compared(
    row: Tally, provider: str | None, places: int | None, kinds: Sequence[ExitKind], hidden: Mapping[str, bool]
) -> Compared:
    def unless(group: str, figure: Figure) -> Figure:
        return KEPT_BACK if hidden[group] else figure

    return Compared(
        provider,
        unless("clients", number(row.clients)),
        unless("ended", mean(row.ended, row.days, row.days_squared)),
        MappingProxyType({kind: unless("ended", share(row.exits.get(kind, 0), row.ended)) for kind in kinds}),
        unless("over", share(row.self_supporting, row.over)),
        unless("contacted", share(row.in_person, row.contacts)),
        places,
        row.clients == 0 and row.ended == 0 and row.over == 0,
    )


@rule("NACKA-7")
def neutral_order(providers: Iterable[str], seed: int) -> tuple[str, ...]:
    """The ids sorted and then turned by the seed: over all seeds each stands in each place equally often."""
    names = sorted(providers)
    if not names:
        return ()
    turn = seed % len(names)
    return (*names[turn:], *names[:turn])


# --- nobody has chosen -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotRanked:
    """Why there is no ranking: a code with its rules and one sentence."""

    code: RefusalCode
    rules: tuple[str, ...]
    message: str


@rule("AF-SOM-24")
def ranking(programme: Programme, table: Comparison, settings: RuleSettings) -> tuple[str, ...] | NotRanked:
    """The providers that have a place, the proposed one first, for a client of the employment service who has not
    chosen.

    The source names ranking and no formula. By `choice.ranking` it is the neutral order of the table, or by the share
    that supports itself after six months; a provider without that figure is put where the mean of the others is, so
    that a new one is not last. In the municipality's own programmes the client chooses, nobody else (NACKA-7).
    """
    if not (programme.is_som or programme.is_rum):
        message = f"In {programme} nobody but the client chooses the provider."
        return NotRanked(RefusalCode.WRONG_PROGRAMME, ("AF-SOM-24", "NACKA-7"), message)
    rows = [row for row in table.rows if row.places_left is None or row.places_left > 0]
    if settings["choice.ranking"] == "SELF_SUPPORT":
        values = [row.self_supporting.value for row in rows if row.self_supporting.value is not None]
        middle = sum(values, Decimal(0)) / len(values) if values else Decimal(0)
        by_share = {
            row.provider: middle if row.self_supporting.value is None else row.self_supporting.value for row in rows
        }
        rows.sort(key=lambda row: -by_share[row.provider])  # stable: equal ones stay in the neutral order
    return tuple(row.provider for row in rows if row.provider is not None)


__all__ = [
    "Compared",
    "Comparison",
    "NotRanked",
    "Tally",
    "Window",
    "comparison",
    "neutral_order",
    "ranking",
    "tally",
    "window",
]
