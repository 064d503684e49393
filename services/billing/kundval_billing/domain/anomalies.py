"""What stands out in payments: detectors over plain rows, with exact odds and thresholds as data.

A detector says where to look and why, never that anybody did wrong. Two questions are asked of chance: would a provider
like all the others show so many (`hypergeometric`: Fisher's exact test, which counts how little is known of few others
too), and would so many fall on one side of a limit that nobody looks at (`binomial`). Both are whole numbers and
fractions, no floats. A group that is too small is not judged; who stands out must do so by size (`least_odds`) and not
only by certainty. The chance is divided by the number of providers compared, so that a list without anything in it is
flagged as seldom with fifty providers as with two.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

from kundval_contracts.answer import Said
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import AnomalyKind, AnomalySeverity
from kundval_contracts.phrases import say
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings

#: a chance so many times smaller than what is asked for is HIGH
_HIGH = 100
#: what is less than so small a part of a sum changes nothing
_NEGLIGIBLE = 10**9
_SHARE = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When something is flagged.

    smallest_group: numbers below it are not judged. least_cases: fewer are no pattern. chance: of one false flag in a
    comparison of all providers. least_odds: times the odds of the others. limit_days: what is just before or after a
    limit. months_at_once: follow-ups on one day. late_days: after the end of the month.
    """

    smallest_group: int = 10
    least_cases: int = 3
    chance: Fraction = Fraction(1, 1000)
    least_odds: Fraction = Fraction(2)
    limit_days: int = 14
    months_at_once: int = 4
    late_days: int = 31

    @classmethod
    def of(cls, settings: RuleSettings) -> Thresholds:
        """As a municipality has set them (`control.*`)."""
        return cls(
            settings["control.smallest_group"],
            settings["control.least_cases"],
            Fraction(settings["control.chance"]),
            Fraction(settings["control.least_odds"]),
            settings["control.limit_days"],
            settings["control.months_at_once"],
            settings["control.late_days"],
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that was counted. `hit`: it is of the kind that is looked for."""

    provider: str
    assignment: str
    on: date
    hit: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A bonus that was paid and the workplace where the client worked."""

    provider: str
    assignment: str
    on: date
    workplace: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up during the premium: for which month of the intervention, when the month ended, when it came."""

    provider: str
    assignment: str
    month: int
    month_end: date
    on: date


@dataclass(frozen=True, slots=True)
class Pair:
    """Two assignments that have something in common which each should have for itself, and since when it is known."""

    provider: str
    assignment: str
    other: str
    other_provider: str
    on: date


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that stands out. `provider` None: for all of them together.

    about: what of it (a limit, a workplace), never shown but part of the id. observed, expected: shares; None where
    there is nothing to compare. count of n. chance: of as much or more, None for what is not a matter of chance.
    """

    kind: AnomalyKind
    provider: str | None
    about: str
    severity: AnomalySeverity
    count: int
    n: int
    expected: Decimal | None
    chance: Decimal | None
    since: date
    said: Said
    assignments: tuple[str, ...]

    @property
    def id(self) -> str:
        """The same for the same thing, whenever it is looked for."""
        text = "\x1f".join((self.kind.value, self.provider or "", self.about))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def observed(self) -> Decimal:
        return _share(self.count, self.n)


@dataclass(frozen=True, slots=True)
class NotJudged:
    """Of a provider there was too little, or nobody to compare it with."""

    kind: AnomalyKind
    provider: str | None
    n: int


@dataclass(slots=True)
class Found:
    """What the detectors found; anomalies and what was not judged, each in a fixed order once `sorted` is asked."""

    anomalies: list[Anomaly] = field(default_factory=list)
    not_judged: list[NotJudged] = field(default_factory=list)

    def add(self, more: Found) -> None:
        self.anomalies += more.anomalies
        self.not_judged += more.not_judged

    def sorted(self) -> Found:
        """HIGH first, then the least likely, then by kind and provider."""
        return Found(
            sorted(
                self.anomalies,
                key=lambda one: (one.severity is AnomalySeverity.MEDIUM, one.chance or 0, one.kind.value,
                                 one.provider or "", one.about),
            ),
            sorted(self.not_judged, key=lambda one: (one.kind.value, one.provider or "")),
        )  # fmt: skip


# --- chance --------------------------------------------------------------------------------------------


def binomial(least: int, n: int, share: Fraction, enough: Fraction) -> Fraction | None:
    """The chance of `least` or more of `n`, each with chance `share`; None as soon as it is above `enough`."""
    up, down = share.numerator, share.denominator - share.numerator
    if not down:
        return None if enough < 1 else Fraction(1)
    first = math.comb(n, least) * up**least * down ** (n - least)
    ratios = (((n - hits) * up, (hits + 1) * down) for hits in range(least, n))
    return _tail(first, ratios, share.denominator**n, enough)


def hypergeometric(least: int, n: int, hits: int, whole: int, enough: Fraction) -> Fraction | None:
    """The chance of `least` or more of all `hits` among `n` drawn from `whole`; None once it is above `enough`."""
    lowest, most = max(least, n + hits - whole, 0), min(n, hits)
    if lowest > most:
        return Fraction(0)
    first = math.comb(hits, lowest) * math.comb(whole - hits, n - lowest)
    ratios = (((hits - x) * (n - x), (x + 1) * (whole - hits - n + x + 1)) for x in range(lowest, most))
    return _tail(first, ratios, math.comb(whole, n), enough)


def _tail(first: int, ratios: Iterable[tuple[int, int]], whole: int, enough: Fraction) -> Fraction | None:
    """The sum of terms of which each follows from the one before by a ratio, as a part of `whole`.

    All in whole numbers. The ratios only fall: as soon as a term is at most half of the one before, all that are still
    to come are at most as much as that one. When that is less than a billionth of the sum it is added and no more are
    worked out, so that hundred thousands of cases cost milliseconds; the sum is then too large by less than that.
    """
    most = whole * enough.numerator // enough.denominator
    term, total = first, first
    for up, down in ratios:
        if total > most:
            return None
        if 2 * up <= down and term < total // _NEGLIGIBLE:
            total = min(total + term, whole)
            break
        term = term * up // down
        total += term
    return None if total > most else Fraction(total, whole)


def _stands_out(count: int, n: int, other: int, others: int, least_odds: Fraction) -> bool:
    """Whether the odds `count : n - count` are at least so many times those of the others; exact, also for none."""
    return count * (others - other) >= least_odds * other * (n - count)


def _share(count: int, n: int) -> Decimal:
    return (Decimal(count) / n).quantize(_SHARE, ROUND_HALF_EVEN) if n else Decimal(0)


def _rounded(chance: Fraction) -> Decimal:
    """Two digits that count, rounded half to even."""
    if not chance:
        return Decimal(0)
    value = Decimal(chance.numerator) / Decimal(chance.denominator)
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 1), ROUND_HALF_EVEN)


# --- the three comparisons -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """What was counted of one provider: `count` hits of `n`, since when, in which assignments."""

    n: int = 0
    count: int = 0
    since: date = date.max
    assignments: frozenset[str] = frozenset()

    def __add__(self, more: Group) -> Group:
        return Group(
            self.n + more.n, self.count + more.count, min(self.since, more.since), self.assignments | more.assignments
        )


Groups = Mapping[str, Group]


def group(units: Iterable[Unit]) -> Group:
    """Units of one provider, put together."""
    rows = list(units)
    hits = [unit for unit in rows if unit.hit]
    since = min((unit.on for unit in hits), default=date.max)
    return Group(len(rows), len(hits), since, frozenset(unit.assignment for unit in hits))


def groups(units: Iterable[Unit]) -> Groups:
    """Units by provider, in order."""
    rows: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        rows[unit.provider].append(unit)
    return {provider: group(own) for provider, own in sorted(rows.items())}


def against_others(kind: AnomalyKind, rows: Groups, limits: Thresholds, code: str) -> Found:
    """Providers whose share of hits is above that of all the others together.

    The sentence `code` gets provider, count, n, share and expected.
    """
    found, whole = Found(), sum(rows.values(), Group())
    judged = [name for name, own in rows.items() if min(own.n, whole.n - own.n) >= limits.smallest_group]
    enough = limits.chance / max(len(judged), 1)
    for name, own in rows.items():
        if name not in judged:
            found.not_judged.append(NotJudged(kind, name, own.n))
            continue
        chance = _unlike_others(own, whole, limits, enough)
        if chance is not None:
            expected = _share(whole.count - own.count, whole.n - own.n)
            found.anomalies.append(_anomaly(kind, name, "", own, expected, chance, enough, code))
    return found


def _unlike_others(own: Group, whole: Group, limits: Thresholds, enough: Fraction) -> Fraction | None:
    """The chance of so many hits if the provider were like the others; None if it does not stand out."""
    other, others = whole.count - own.count, whole.n - own.n
    if own.count < limits.least_cases or not _stands_out(own.count, own.n, other, others, limits.least_odds):
        return None
    return hypergeometric(own.count, own.n, whole.count, whole.n, enough)


def around_limit(kind: AnomalyKind, about: str, rows: Groups, limits: Thresholds, code: str) -> Found:
    """Too many on one side of a limit: a hit is before it (or after), and chance alone has no preference.

    A provider must also stand out against the others, so that what all do is said once, of all. The sentence gets
    `limit` too; that of all of them together is `<code>.all`.
    """
    found, whole = Found(), sum(rows.values(), Group())
    judged = [name for name, own in rows.items() if own.n >= limits.smallest_group]
    enough = limits.chance / max(len(judged), 1)
    half, rest = _share(1, 2), Group()
    for name, own in rows.items():
        chance = _one_sided(own, limits, enough) if name in judged else None
        if chance is not None and whole.n - own.n >= limits.smallest_group:
            unlike = _unlike_others(own, whole, limits, enough)
            chance = None if unlike is None else max(chance, unlike)
        if chance is not None:
            found.anomalies.append(_anomaly(kind, name, about, own, half, chance, enough, code, limit=about))
            continue
        rest += own
        if name not in judged:
            found.not_judged.append(NotJudged(kind, name, own.n))
    if len(rows) > 1 and rest.n >= limits.smallest_group:
        chance = _one_sided(rest, limits, limits.chance)
        if chance is not None:
            found.anomalies.append(
                _anomaly(kind, None, about, rest, half, chance, limits.chance, f"{code}.all", limit=about)
            )
    return found


def _one_sided(own: Group, limits: Thresholds, enough: Fraction) -> Fraction | None:
    """The chance of so many on one side of a limit that nobody looks at; None if they do not stand out."""
    if own.count < limits.least_cases or not _stands_out(own.count, own.n, 1, 2, limits.least_odds):
        return None
    return binomial(own.count, own.n, Fraction(1, 2), enough)


def _anomaly(
    kind: AnomalyKind,
    provider: str | None,
    about: str,
    own: Group,
    expected: Decimal | None,
    chance: Fraction | None,
    enough: Fraction,
    code: str,
    **values: Any,
) -> Anomaly:
    high = chance is None or chance * _HIGH <= enough
    words = {"count": own.count, "n": own.n, "share": percent(_share(own.count, own.n)), **values}
    if provider is not None:
        words["provider"] = provider
    if expected is not None:
        words["expected"] = percent(expected)
    return Anomaly(
        kind,
        provider,
        about,
        AnomalySeverity.HIGH if high else AnomalySeverity.MEDIUM,
        own.count,
        own.n,
        expected,
        None if chance is None else _rounded(chance),
        own.since,
        say(code, **words),
        tuple(sorted(own.assignments)),
    )


def percent(share: Decimal) -> str:
    """A share as a whole number of per cent."""
    return str((share * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


# --- detectors -----------------------------------------------------------------------------------------


@rule("NACKA-18", "AMI-10.2-d")
def same_workplace(rows: Sequence[Placed], limits: Thresholds) -> Found:
    """Many of a provider's bonuses are from one workplace, against the most common workplace of the others.

    Each provider has employers of its own, so what is compared is how much its most common one stands for; of the
    others the median. Which workplace it is may be seen from the assignments by who may see it.
    """
    kind, found = AnomalyKind.SAME_WORKPLACE, Found()
    own: dict[str, list[Placed]] = defaultdict(list)
    for row in rows:
        own[row.provider].append(row)
    most = {name: Counter(row.workplace for row in one).most_common() for name, one in sorted(own.items())}
    judged = [name for name, one in sorted(own.items()) if len(one) >= limits.smallest_group]
    for name, places in most.items():
        n = len(own[name])
        others = sorted(Fraction(most[other][0][1], len(own[other])) for other in judged if other != name)
        if name not in judged or not others:
            found.not_judged.append(NotJudged(kind, name, n))
            continue
        usual = others[len(others) // 2]
        enough = limits.chance / len(judged) / len(places)
        for workplace, count in places:
            if count < limits.least_cases or not _stands_out(
                count, n, usual.numerator, usual.denominator, limits.least_odds
            ):
                break
            chance = binomial(count, n, usual, enough)
            if chance is not None:
                there = group(Unit(name, row.assignment, row.on, row.workplace == workplace) for row in own[name])
                expected = _share(usual.numerator, usual.denominator)
                found.anomalies.append(
                    _anomaly(kind, name, workplace, there, expected, chance, enough, "control.same_workplace")
                )
    return found


@rule("AMI-10.2-e", "AMI-10.2-f", "AMI-10.2-g")
def before_limits(by_limit: Mapping[str, Groups], limits: Thresholds) -> Found:
    """Qualifying exits just before a limit of the bonus against those just after it, for each limit."""
    found = Found()
    for limit, rows in sorted(by_limit.items()):
        found.add(around_limit(AnomalyKind.EXIT_BEFORE_LIMIT, limit, rows, limits, "control.exit_before_limit"))
    return found


@rule("AMI-10.2-a")
def before_end(rows: Groups, limits: Thresholds) -> Found:
    """Qualifying exits in the last days before the end against as many days before those: later ones give nothing."""
    return around_limit(AnomalyKind.EXIT_BEFORE_END, "end", rows, limits, "control.exit_before_end")


@rule("AMI-9-e")
def after_settle(rows: Groups, limits: Thresholds) -> Found:
    """Work or studies that broke off just after the six months against those just before."""
    return around_limit(AnomalyKind.BREAK_OFF_AFTER_SETTLE, "settle", rows, limits, "control.break_off_after_settle")


@rule("AMI-9-h", "AMI-9.2-b")
def evidence_reused(rows: Iterable[Pair]) -> Found:
    """The same file is evidence in several assignments."""
    return _in_common(AnomalyKind.EVIDENCE_REUSED, rows, "control.evidence_reused")


@rule("AMI-10.2-a")
def duplicate_claims(rows: Iterable[Pair]) -> Found:
    """Claims of one person in several assignments that may be about the same thing."""
    return _in_common(AnomalyKind.DUPLICATE_CLAIMS, rows, "control.duplicate_claims")


def _in_common(kind: AnomalyKind, rows: Iterable[Pair], code: str) -> Found:
    """No matter of chance, so it is shown of every provider that has to do with it; HIGH between two providers, or in
    more than two assignments.
    """
    found = Found()
    own: dict[str, list[Pair]] = defaultdict(list)
    for row in rows:
        own[row.provider].append(row)
    for provider, pairs in sorted(own.items()):
        names = sorted({name for row in pairs for name in (row.assignment, row.other)})
        high = len(names) > 2 or any(row.provider != row.other_provider for row in pairs)
        found.anomalies.append(
            Anomaly(
                kind,
                provider,
                "",
                AnomalySeverity.HIGH if high else AnomalySeverity.MEDIUM,
                len(names),
                len(names),
                None,
                None,
                min(row.on for row in pairs),
                say(code, provider=provider, count=len(names)),
                tuple(names),
            )
        )
    return found


@rule("AMI-10.1-b", "AMI-10.1-c")
def premium_without_follow_up(rows: Groups) -> Found:
    """Months of the premium that are paid and have no follow-up (a hit): each of them is asked for by rule."""
    kind, code = AnomalyKind.PREMIUM_WITHOUT_FOLLOW_UP, "control.premium_without_follow_up"
    return Found(
        [_anomaly(kind, name, "", own, None, None, Fraction(0), code) for name, own in rows.items() if own.count]
    )


@rule("AMI-10.1-b", "AMI-10.1-c")
def follow_ups(rows: Sequence[FollowUp], limits: Thresholds) -> Found:
    """Follow-ups of many months on one day, and follow-ups long after their month, against the other providers."""
    months: dict[tuple[str, str], dict[date, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        months[row.provider, row.assignment][row.on].add(row.month)
    at_once = []
    for (provider, assignment), days in sorted(months.items()):
        if len(set().union(*days.values())) >= limits.months_at_once:
            day, most = max(days.items(), key=lambda item: (len(item[1]), item[0]))
            at_once.append(Unit(provider, assignment, day, len(most) >= limits.months_at_once))
    late = [
        Unit(row.provider, row.assignment, row.on, row.on > add_days(row.month_end, limits.late_days)) for row in rows
    ]
    found = against_others(AnomalyKind.FOLLOW_UPS_AT_ONCE, groups(at_once), limits, "control.follow_ups_at_once")
    found.add(against_others(AnomalyKind.FOLLOW_UPS_LATE, groups(late), limits, "control.follow_ups_late"))
    return found


@rule("NACKA-18")
def decided_by_hand(manual: Groups, boundary: Groups, limits: Thresholds) -> Found:
    """A provider's share of exits that a person decided about, and of those on the boundary, against the others."""
    found = against_others(AnomalyKind.MANUAL_DECISIONS, manual, limits, "control.manual_decisions")
    found.add(against_others(AnomalyKind.BOUNDARY_CASES, boundary, limits, "control.boundary_cases"))
    return found


@rule("NACKA-18")
def corrections(rows: Groups, limits: Thresholds) -> Found:
    """A provider's share of postings that were taken back, against the others."""
    return against_others(AnomalyKind.CORRECTIONS, rows, limits, "control.corrections")


# --- set aside -----------------------------------------------------------------------------------------


def comes_back(now: Iterable[str], then: Iterable[str], share: Decimal) -> bool:
    """Whether so much is new in what was set aside that it is open again.

    now, then: assignments in it. True if those that are new are more than `share` of those from then.
    """
    known = set(then)
    return len(set(now) - known) > share * len(known)
