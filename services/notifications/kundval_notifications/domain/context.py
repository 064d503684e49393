"""What the notices are computed from, and how one is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from kundval_contracts.answer import Notice, Obligation, Posting
from kundval_contracts.case import Case, Tenant
from kundval_contracts.codes import FactKind, Role
from kundval_contracts.facts import Fact
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline

from .kinds import NoticeKind


@dataclass(frozen=True)
class Context:
    """A case as it is known, its obligations and its postings."""

    case: Case
    obligations: tuple[Obligation, ...]
    postings: tuple[Posting, ...]
    tenant: Tenant

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
