"""What the notices are computed from, and how one is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from kundval_contracts.answer import Notice, Obligation, Posting
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import FactKind, NoticeKind, Role
from kundval_contracts.facts import Fact
from kundval_contracts.meeting_facts import fact_id
from kundval_contracts.obligations import terms
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline

from .heard import Heard

MEETING = "scheduling.meeting_"
ANSWERED = "scheduling.meeting_answered"


@dataclass(frozen=True)
class Context:
    """A case as it is known, its obligations, its postings, and what else was told of it, in order."""

    case: Case
    obligations: tuple[Obligation, ...]
    postings: tuple[Posting, ...]
    tenant: Tenant
    heard: tuple[Heard, ...] = ()

    @property
    def settings(self) -> RuleSettings:
        return self.tenant.settings

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline(self.case, self.tenant.settings)

    def known_days(self, kinds: tuple[str, ...]) -> list[tuple[date, date]]:
        """The facts of these kinds as (on, known_on): the same kinds are asked about again and again."""
        if kinds not in self._known:
            self._known[kinds] = [(fact.on, fact.known_on) for fact in self.case.facts if fact.kind in kinds]
        return self._known[kinds]

    @cached_property
    def _known(self) -> dict[tuple[str, ...], list[tuple[date, date]]]:
        return {}

    def of(self, kind: FactKind, since: date = date.min, until: date = date.max) -> Iterator[Fact]:
        """Facts of a kind with `since <= on <= until`, in order."""
        return (fact for fact in self.case.of(kind) if since <= fact.on <= until)

    @cached_property
    def by_number(self) -> dict[int, Fact]:
        """The facts by the sequence that `told` gives a notice of theirs."""
        return {fact.place + 1: fact for fact in self.case.facts}

    @cached_property
    def obligation(self) -> dict[tuple[str, str], Obligation]:
        """The obligations by kind and number, as the values of a notice name them."""
        return {(row.kind.value, str(row.sequence)): row for row in self.obligations}

    @cached_property
    def passed(self) -> dict[tuple[str, str, int], date]:
        """Of obligations that can be met in their own time alone: the day on which a later one of the kind was met."""
        found: dict[tuple[str, str, int], date] = {}
        first: dict[str, date] = {}
        for row in sorted(self.obligations, key=lambda row: row.sequence, reverse=True):
            if terms()[row.kind].passes:
                if row.kind in first:
                    found[row.key] = first[row.kind]
                if row.met_on is not None:
                    first[row.kind] = min(row.met_on, first.get(row.kind, row.met_on))
        return found

    def moot_on(self, row: Obligation) -> date | None:
        """The day on which the exit was known, of an obligation that was late by then and that an exit takes away while
        it is open; else None. What came up after the exit is still asked for.
        """
        exits, last = self.timeline.exits, row.overdue_after or row.due
        after_it = bool(exits) and last is not None and exits[-1].on <= last
        gone = FactKind.EXITED.value in terms()[row.kind].cancelled_by and not after_it
        return self.ended_on if gone else None

    def hear(self, name: str) -> Iterator[Heard]:
        """What was told under a name, in order."""
        return (one for one in self.heard if one.name == name)

    @cached_property
    def heard_by_number(self) -> dict[int, Heard]:
        return {one.number: one for one in self.heard}

    @cached_property
    def meetings(self) -> dict[str, list[Heard]]:
        """What was told of each meeting that has or had a time here, in the order of its revisions."""
        found: dict[str, list[Heard]] = {}
        for one in self.heard:
            if one.name.startswith(MEETING) and one.name != ANSWERED:
                found.setdefault(one.item, []).append(one)
        return {item: sorted(told, key=lambda one: one.revision) for item, told in found.items()}

    @cached_property
    def bookings(self) -> dict[str, Heard]:
        """What was told of meetings, by the id of the fact that stands for a booking."""
        return {fact_id(item, f"booked.{one.revision}"): one for item, told in self.meetings.items() for one in told}

    @cached_property
    def ended_on(self) -> date | None:
        """The day on which it was known that the intervention is over; None while it goes on, or goes on again."""
        ends = [fact.known_on for fact in self.case.of(FactKind.REJECTED, FactKind.REDIRECTED_TO_AF, FactKind.CLOSED)]
        exits = self.timeline.exits
        if exits and exits[-1].resumed is None:
            ends.append(exits[-1].fact.known_on)
        return min(ends, default=None)

    def notice(
        self,
        kind: NoticeKind,
        to: Role,
        on: date,
        rules: tuple[str, ...],
        sequence: int,
        provider: str | None = None,
        **values: object,
    ) -> Notice:
        """A notice; nothing of `values` reaches the client."""
        texts = {} if to is Role.CLIENT else {name: str(value) for name, value in values.items()}
        return Notice(
            self.case.assignment,
            kind.value,
            to,
            on,
            rules,
            sequence,
            provider if to is Role.PROVIDER else None,
            texts,
        )

    def told(
        self, fact: Fact, kind: NoticeKind, to: Role, *rules: str, provider: str | None = None, **values: object
    ) -> Notice:
        """A notice that a fact causes, on the day on which it was known.

        The place of the fact is the sequence: it does not move when other facts arrive. Without `provider`
        it is the one in charge on the day of the fact.
        """
        if to is Role.PROVIDER and provider is None:
            provider = self.timeline.provider_on(fact.on)
        return self.notice(kind, to, fact.known_on, rules, fact.place + 1, provider, **values)
