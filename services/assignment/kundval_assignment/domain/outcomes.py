"""What came of an assignment: one row, from which all figures about providers and the municipality are counted.

A row is made so that time alone changes as little as possible in it: it says on which day the six months are over and
whether the work was broken off before, not whether it holds today. So a figure for any day can be counted from stored
rows. Nothing in it says who somebody is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.case import Case, Client
from kundval_contracts.codes import (
    ActivityCategory,
    BenefitScope,
    Channel,
    ExitKind,
    FactKind,
    ParticipationGround,
    Party,
    Programme,
    ProgressKind,
    ReferralSource,
    SixMonths,
)
from kundval_contracts.exits import counts_as_self_support_loka
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Exit, Timeline

_SUPPORT = frozenset({"WORK", "STUDY", "BUSINESS"})
#: what opens the choice, and what answers it
_OPENS = frozenset({FactKind.DECIDED, FactKind.RESULTS_SHOWN, FactKind.DECLINED})


@dataclass(frozen=True, slots=True)
class InCharge:
    """A provider's part in an assignment.

    start: first day in charge of the running intervention. until: the first day on which it no longer was, None while
    it is. days: how many days it was in charge, None while it is. contacts: with the client, in_person: of these. last:
    the intervention ended with this provider.
    """

    provider: str
    start: date
    until: date | None
    days: int | None
    contacts: int = 0
    in_person: int = 0
    last: bool = False


@dataclass(frozen=True, slots=True)
class Time:
    """Minutes that the client spent in one activity in one year (LOKA-20). `held`: how many times."""

    year: int
    activity: str
    category: ActivityCategory
    held: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps forward of one kind in one year (LOKA-50). They are no exits."""

    year: int
    kind: ProgressKind
    steps: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one assignment.

    source, source_year: where the client came from, and the year in which the assignment began (LOKA-9).
    decided_on, started_on: D and S. ended_on: E, or the end of a period that ran out; until: the first day on which it
    no longer ran. days: days in the intervention, None while it runs. supported: the exit led to work, studies or a
    business, settles_on: the first day on which six months have passed since, broken: it was broken off before that
    day, assisted: financial assistance was paid to whom the exit matrix names within them. self_support_loka,
    bonus_eligible_ami: the two meanings of self-support, never mixed (LOKA-46). supplementary_support: whether a
    newcomer whose establishment period has ended needs financial assistance beside (NACKA-22), None for others.
    awaiting_since: the day since when a choice of provider is awaited.
    """

    assignment: str
    programme: Programme
    ground: ParticipationGround
    source: ReferralSource | None
    source_year: int | None
    decided_on: date | None
    started_on: date | None
    ended_on: date | None
    until: date | None
    days: int | None
    exit_kind: ExitKind | None
    supported: bool
    settles_on: date | None
    broken: bool
    assisted: bool
    self_support_loka: bool
    bonus_eligible_ami: bool
    supplementary_support: bool | None
    awaiting_since: date | None
    contacts: int
    in_person: int
    providers: tuple[InCharge, ...]
    times: tuple[Time, ...]
    steps: tuple[Steps, ...]

    @rule("NACKA-12", "NACKA-22")
    def six_months(self, day: date) -> SixMonths:
        """Whether work, studies or business hold six months after the ended intervention, on `day`."""
        if not self.supported or self.settles_on is None:
            return SixMonths.NOT_APPLICABLE
        if self.broken:
            return SixMonths.BROKEN
        return SixMonths.HELD if self.settles_on <= day else SixMonths.RUNNING

    def self_supporting(self, day: date) -> bool:
        """Work, studies or business have held for the six months, and no financial assistance was paid in them."""
        return self.six_months(day) is SixMonths.HELD and not self.assisted


@rule("NACKA-22", "LOKA-46", "LOKA-63")
def outcome(case: Case, timeline: Timeline, client: Client, business_date: date | None) -> Outcome:
    """The row of one assignment from its facts in effect; `timeline` is the reading of the same case."""
    began = _began(case, timeline)
    ended = _ended(timeline, began, business_date)
    last = ended.exit if ended else None
    source, year, ground = _referral(case, timeline)
    window = _window(timeline, ended)
    supported = last is not None and last.rule.family in _SUPPORT
    kind = None if ended is None else ended.kind
    contacts = [fact for fact in case.of(FactKind.CONTACT) if fact.get("party", Party.CLIENT) is Party.CLIENT]
    providers = _in_charge(timeline, began, ended, [(fact.on, fact.get("channel")) for fact in contacts])
    return Outcome(
        assignment=case.assignment,
        programme=case.programme,
        ground=ground,
        source=source,
        source_year=year,
        decided_on=timeline.decided_on,
        started_on=began,
        ended_on=None if ended is None else ended.on,
        until=None if ended is None else ended.until,
        days=None if ended is None else sum(one.days for one in _active(timeline, began, ended)),
        exit_kind=kind,
        supported=supported,
        settles_on=None if window is None else window.end,
        broken=supported and last is not None and timeline.broke_off_before_settle(last),
        assisted=supported and last is not None and _assisted(timeline, last),
        self_support_loka=kind is not None and counts_as_self_support_loka(kind),
        bonus_eligible_ami=last is not None and timeline.leads_to_money(last),
        supplementary_support=client.receives_eb if client.establishment_period_ended else None,
        awaiting_since=_awaiting_since(case, timeline),
        contacts=len(contacts),
        in_person=sum(fact.get("channel") is Channel.IN_PERSON for fact in contacts),
        providers=providers,
        times=_times(case),
        steps=_steps(case),
    )


# --- when ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the intervention ended: by an exit that nothing has resumed, or because its period ran out."""

    on: date
    kind: ExitKind
    exit: Exit | None = None

    @property
    def until(self) -> date:
        """The first day on which it no longer ran: E itself still counts, the end of a period does not."""
        return self.on if self.exit is None else add_days(self.on, 1)


def _began(case: Case, timeline: Timeline) -> date | None:
    """S; what a municipality delivers itself has no start-up meeting, it begins with the first activity or D."""
    if timeline.started_on is not None or not case.programme.is_local:
        return timeline.started_on
    held = case.first(FactKind.ACTIVITY_HELD)
    days = [day for day in (timeline.decided_on, held.on if held else None) if day is not None]
    return min(days, default=None)


def _ended(timeline: Timeline, began: date | None, business_date: date | None) -> _Ended | None:
    """SM-A19, SM-A22. An exit that was resumed from is no end."""
    last = timeline.exits[-1] if timeline.exits else None
    if last is not None and last.resumed is None:
        return _Ended(timeline.basis(last), last.kind, last)
    end = timeline.end
    if began is None or end is None or business_date is None or business_date < end:
        return None
    return _Ended(end, ExitKind.PERIOD_ENDED)


def _window(timeline: Timeline, ended: _Ended | None) -> Period | None:
    """The six months after the end: the exit's own, or as many months from the end of the period."""
    if ended is None:
        return None
    if ended.exit is not None:
        return timeline.window(ended.exit)
    return Period(ended.on, add_months(ended.on, timeline.settings["sustainability.months"]))


def _active(timeline: Timeline, began: date | None, ended: _Ended | None) -> tuple[Period, ...]:
    """The periods in which it ran; what has no start-up meeting ran from its beginning through E."""
    if began is None or timeline.started_on is not None:
        return timeline.active
    return (Period(began, max(began, date.max if ended is None else ended.until)),)


# --- from where, and what after --------------------------------------------------------------------------


@rule("LOKA-9", "LOKA-63")
def _referral(case: Case, timeline: Timeline) -> tuple[ReferralSource | None, int | None, ParticipationGround]:
    """Source, year and ground of the referral. An assignment from a feed without referral has the year of its decision
    and no source.
    """
    referred = case.first(FactKind.REFERRED)
    if referred is None:
        year = timeline.decided_on.year if timeline.decided_on else None
        return None, year, ParticipationGround.LABOUR_MARKET
    return referred["source"], referred.on.year, referred.get("ground", ParticipationGround.LABOUR_MARKET)


@rule("AMI-9-d")
def _assisted(timeline: Timeline, last: Exit) -> bool:
    """Financial assistance within the six months, paid to whom the exit matrix looks at (AMB-20, AMB-21)."""
    settings, scope = timeline.settings, last.rule.eb_scope
    if last.rule.bonus and scope is None and settings["studiestartsstod.waive_eb_test"]:
        return False
    client_only = scope == "CLIENT" and settings["eb_test.work_scope"] == "CLIENT_ONLY"
    window = timeline.window(last)
    return any(
        Period(fact["from"], fact["to"]).overlaps(window)
        for fact in timeline.case.of(FactKind.EB_PAID)
        if not client_only or fact["scope"] is BenefitScope.CLIENT
    )


@rule("NACKA-7")
def _awaiting_since(case: Case, timeline: Timeline) -> date | None:
    """The day since when the client may choose and has not: of the decision, of the results shown, or of the answer of
    a provider that declined, whichever was last. None before the decision and after the start (GAP-20).
    """
    if timeline.started_on is not None or case.programme.is_local:
        return None
    since: date | None = None
    for fact in case.facts:
        if fact.kind in _OPENS:
            since = fact.on
        elif fact.kind is FactKind.PROVIDER_CHOSEN:
            since = None
    return since


# --- who, and what was done ------------------------------------------------------------------------------


def _in_charge(
    timeline: Timeline, began: date | None, ended: _Ended | None, contacts: list[tuple[date, Channel | None]]
) -> tuple[InCharge, ...]:
    """Each provider that was in charge while the intervention ran, in the order of their first days."""
    starts = timeline.charges
    if began is None or not starts:
        return ()
    active = _active(timeline, began, ended)
    until = [start for start, _ in starts[1:]] + [date.max]
    spans: dict[str, list[Period]] = {}
    for (start, provider), end in zip(starts, until, strict=True):
        for one in active:
            first, last = max(start, one.start), min(end, one.end)
            if first < last:
                spans.setdefault(provider, []).append(Period(first, last))
    last_provider = starts[-1][1]
    rows = []
    for provider, periods in spans.items():
        runs = ended is None and provider == last_provider
        mine = [channel for day, channel in contacts if timeline.provider_on(day) == provider]
        rows.append(
            InCharge(
                provider,
                periods[0].start,
                None if runs else periods[-1].end,
                None if runs else sum(one.days for one in periods),
                len(mine),
                sum(channel is Channel.IN_PERSON for channel in mine),
                ended is not None and provider == last_provider,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.start, row.provider)))


@rule("LOKA-20")
def _times(case: Case) -> tuple[Time, ...]:
    """The client's time by year, activity and category; an activity held without minutes counts as held."""
    sums: dict[tuple[int, str, ActivityCategory], list[int]] = {}
    for fact in case.of(FactKind.ACTIVITY_HELD):
        row = sums.setdefault((fact.on.year, fact["activity"], fact["category"]), [0, 0])
        row[0] += 1
        row[1] += fact.get("minutes", 0)
    return tuple(Time(*key, *sums[key]) for key in sorted(sums))


@rule("LOKA-50")
def _steps(case: Case) -> tuple[Steps, ...]:
    """Steps forward by year and kind, apart from exits."""
    sums: dict[tuple[int, ProgressKind], int] = {}
    for fact in case.of(FactKind.PROGRESS_STEP):
        key = (fact.on.year, fact["kind"])
        sums[key] = sums.get(key, 0) + 1
    return tuple(Steps(*key, sums[key]) for key in sorted(sums))


__all__ = ["InCharge", "Outcome", "Steps", "Time", "outcome"]
