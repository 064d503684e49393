"""What becomes of a notice while it holds: told again, and to others. The table of the municipality says when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

from kundval_contracts.answer import Notice
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import NoticeKind, ObligationKind
from kundval_contracts.notices import NoticeTerms, Repeat, Table, table_of
from kundval_contracts.obligations import terms
from kundval_contracts.settings import RuleSettings
from kundval_contracts.workdays import workdays_after

from .standing import first

_OF_DELAYS = frozenset({NoticeKind.OBLIGATION_OVERDUE, NoticeKind.OBLIGATION_ESCALATED})


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, and until when it is of use.

    ended: the day from which it does not hold any more; None: it holds. lapses_on: the first day on which nobody needs
    to be told.
    """

    notice: Notice
    ended: date | None = None
    lapses_on: date | None = None

    def holds(self, day: date) -> bool:
        return self.ended is None or self.ended > day


def terms_of(table: Table, kind: str) -> NoticeTerms:
    """The row of a kind by its word, which a code is as well: to make a code of it each time costs too much."""
    return table[cast(NoticeKind, kind)]


def again(found: Iterable[Told], settings: RuleSettings) -> Iterator[Told]:
    """These notices and what follows from each: its repetitions, and who hears of it besides.

    What a municipality has turned off is left out, with all that would follow. A notice that has been told again gives
    way to the latest.
    """
    table = table_of(settings)
    for told in found:
        notice = told.notice
        routes = terms_of(table, notice.kind).routes
        route = routes[notice.to]
        if route.off:
            continue
        if route.repeat is None and not route.escalation:
            yield told
            continue
        days = list(_days(told, route.repeat, settings))
        for round_, on in enumerate(days):
            after = days[round_ + 1] if round_ + 1 < len(days) else None
            one = notice if round_ == 0 else replace(notice, on=on, round=round_)
            yield Told(one, first(told.ended, after), told.lapses_on)
        for step in route.escalation:
            day = step.on(add_days(notice.on, -1), settings)
            if not routes[step.to].off and _lasts(told, day):
                yield replace(told, notice=replace(notice, to=step.to, on=day, provider=None, round=1))


def newest(found: Iterable[Told]) -> Iterator[Told]:
    """These notices; of what can be met in its own time alone one gives way to the next of its kind to the same reader:
    who has been away hears of the latest week that was missed, not of each.
    """
    rows = list(found)
    days: dict[tuple[Any, ...], list[date]] = defaultdict(list)
    for told in rows:
        if (key := _series(told.notice)) is not None:
            days[key].append(told.notice.on)
    for told in rows:
        key = _series(told.notice)
        after = min((day for day in days[key] if day > told.notice.on), default=None) if key is not None else None
        yield told if after is None else replace(told, ended=first(told.ended, after))


def _series(notice: Notice) -> tuple[Any, ...] | None:
    kind = notice.values.get("obligation") if notice.kind in _OF_DELAYS else None
    if kind is None or not terms()[cast(ObligationKind, kind)].passes:
        return None
    return notice.kind, notice.to, notice.provider, kind


def _days(told: Told, repeat: Repeat | None, settings: RuleSettings) -> Iterator[date]:
    """The days on which it is told: its own and, while it lasts, those of its repetitions."""
    day = told.notice.on
    yield day
    for _ in range(repeat.most if repeat else 0):
        assert repeat is not None
        day = workdays_after(day, repeat.every_workdays, settings)
        if not _lasts(told, day):
            return
        yield day


def _lasts(told: Told, day: date) -> bool:
    """Whether it held at the start of a day, so that it was told again that day."""
    return (told.ended is None or told.ended >= day) and (told.lapses_on is None or told.lapses_on > day)
