"""What is due by week, and whether there is time for it: counted by the pure core."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts.answer import Obligation
from kundval_contracts.case import Case
from kundval_contracts.codes import (
    MeetingKind,
    MeetingState,
    ObligationKind,
    ObligationState,
    ResourceKind,
    Role,
    WorkloadPeriod,
    WorkloadSubject,
)
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline
from kundval_contracts.workdays import holidays_of
from kundval_scheduling.domain.active import Active, stretches
from kundval_scheduling.domain.instants import Span, day_span, hours_span
from kundval_scheduling.domain.meeting import Meeting
from kundval_scheduling.domain.resources import Hours, Resource
from kundval_scheduling.domain.staffing import active_by_week, balances, booked, capacity, staff_needed
from kundval_scheduling.domain.workload import (
    Horizon,
    Scope,
    Sums,
    Tally,
    rows,
    tally,
    week_name,
    without_follow_up,
    workload,
)
from tests.scheduling.builders import ami1, ami2, d, exited, on

TODAY = d("2026-11-26")  # a Thursday
WEEKS = Horizon(TODAY)
_P, _S, _M = WorkloadPeriod, ObligationState, MeetingState


def task(
    due: str | None, state: ObligationState = _S.OPEN, kind: ObligationKind = ObligationKind.PLACEMENT, **more: object
) -> Obligation:
    fields: dict[str, object] = {
        "assignment": "A-1", "sequence": 1, "responsible": Role.PROVIDER, "met_on": None, "rules": (),
        "overdue_after": d(due) if due else None, "provider": "alfa", **more,
    }  # fmt: skip
    return Obligation(kind=kind, due=d(due) if due else None, state=state, **fields)  # type: ignore[arg-type]


def meeting(target: str | None, state: MeetingState = _M.DUE, **more: object) -> Meeting:
    fields: dict[str, object] = {"kind": MeetingKind.START_UP, "assignment": "A-1", "provider": "alfa", **more}
    return Meeting(id="m-1", state=state, target=d(target) if target else None, **fields)  # type: ignore[arg-type]


def person(*hours: Hours, fte: str = "1", name: str = "s-1") -> Resource:
    return Resource(name, ResourceKind.STAFF, hours, fte=Decimal(fte))


def office(start: int = 8, end: int = 16) -> tuple[Hours, ...]:
    return tuple(Hours(weekday, time(start), time(end)) for weekday in range(1, 6))


# --- weeks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("monday", "name"),
    [("2026-12-28", "2026-W53"), ("2027-01-04", "2027-W01"), ("2024-12-30", "2025-W01"), ("2026-11-23", "2026-W48")],
)
def test_a_week_is_named_by_the_year_of_its_thursday(monday: str, name: str) -> None:
    assert week_name(d(monday)) == name


def test_the_weeks_run_on_over_the_turn_of_the_year() -> None:
    names = [week_name(monday) for monday in WEEKS.mondays]
    assert names[:7] == ["2026-W48", "2026-W49", "2026-W50", "2026-W51", "2026-W52", "2026-W53", "2027-W01"]
    assert len(names) == 12 and WEEKS.end == d("2027-02-15")


@pytest.mark.parametrize(
    ("day", "place"),
    [
        ("2026-11-22", _P.EARLIER),
        ("2026-11-23", date(2026, 11, 23)),
        ("2027-01-03", date(2026, 12, 28)),
        ("2027-02-14", date(2027, 2, 8)),
        ("2027-02-15", _P.LATER),
        (None, _P.UNDATED),
    ],
)
def test_a_day_lies_in_its_week_or_before_or_after_them(day: str | None, place: object) -> None:
    assert WEEKS.place(d(day) if day else None) == place


# --- counting --------------------------------------------------------------------------------------------


def test_open_late_and_met_tasks_and_meetings_without_a_time_stand_apart() -> None:
    found = workload(
        tally(
            [task("2026-12-01"), task("2026-11-20", _S.OVERDUE), task("2026-12-02", _S.MET), task(None)],
            [meeting("2026-12-03"), meeting("2026-11-01", _M.DUE_OVERDUE)],
            {},
            WEEKS,
        ).counts,
        WEEKS,
    )
    of = dict(found.periods)
    assert of[d("2026-11-30")] == Sums(due=1, met=1, unbooked=1)
    assert of[_P.EARLIER] == Sums(overdue=1, unbooked=1)
    assert of[_P.UNDATED] == Sums(due=1)
    assert found.total == Sums(2, 1, 1, 2)


def test_what_was_met_before_the_weeks_or_cancelled_is_not_counted() -> None:
    rows = [task("2026-11-01", _S.MET), task("2027-06-01", _S.MET), task("2026-12-01", _S.CANCELLED)]
    assert tally(rows, [], {}, WEEKS).counts == Counter()


def test_a_meeting_that_is_late_counts_as_unbooked_until_it_has_a_time() -> None:
    span = Span(datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC))
    late, given = meeting("2026-11-01", _M.OVERDUE), meeting("2026-11-01", _M.OVERDUE, span=span)
    others = [meeting("2026-12-01", state) for state in (_M.HELD, _M.MISSED, _M.CANCELLED, _M.REASSIGNED)]
    assert workload(tally([], [late, given, *others], {}, WEEKS).counts, WEEKS).total == Sums(unbooked=1)


def test_a_team_and_a_provider_see_their_own_and_cases_without_a_team_a_row_of_their_own() -> None:
    tasks = [task("2026-12-01"), task("2026-12-01", assignment="A-2", provider="beta"),
             task("2026-12-01", assignment="A-3", provider=None)]  # fmt: skip
    teams = {"A-1": "north", "A-2": "south"}
    everybody = workload(tally(tasks, [], teams, WEEKS).counts, WEEKS)
    assert everybody.teams == (("north", Sums(1)), ("south", Sums(1)), (None, Sums(1)))
    assert workload(tally(tasks, [], teams, WEEKS, Scope(team="north")).counts, WEEKS).total == Sums(1)
    of_beta = workload(tally(tasks, [], teams, WEEKS, Scope(provider="beta")).counts, WEEKS)
    # the teams are the municipality's
    assert of_beta.teams == ((None, Sums(1)),)


def test_a_follow_up_is_expected_as_long_as_there_is_no_row_of_its_meeting() -> None:
    later = task("2027-01-20", kind=ObligationKind.FOLLOWUP_MEETING, sequence=2)
    due = meeting("2027-01-20", kind=MeetingKind.FOLLOWUP_AMI2_M6, sequence=2)
    other = meeting("2026-12-20", kind=MeetingKind.FOLLOWUP_AMI2_M3, sequence=1)
    assert tally([later], [other], {}, WEEKS).expected.total() == 1
    assert tally([later], [due], {}, WEEKS).expected.total() == 0
    assert tally([task("2027-01-20")], [], {}, WEEKS).expected.total() == 0


days = st.none() | st.dates(date(2026, 9, 1), date(2027, 6, 1))
tasks = st.builds(
    Obligation,
    assignment=st.sampled_from(["A-1", "A-2", "A-3"]),
    kind=st.sampled_from(ObligationKind),
    sequence=st.integers(1, 4),
    due=days,
    responsible=st.sampled_from(Role),
    state=st.sampled_from(ObligationState),
    met_on=st.none(),
    rules=st.just(()),
    overdue_after=st.none(),
    provider=st.sampled_from([None, "alfa", "beta"]),
)
meetings = st.builds(
    Meeting,
    id=st.just("m"),
    kind=st.sampled_from(MeetingKind),
    state=st.sampled_from(MeetingState),
    assignment=st.sampled_from([None, "A-1", "A-2"]),
    sequence=st.integers(1, 4),
    target=days,
    booker=st.none() | st.sampled_from(Role),
    provider=st.sampled_from([None, "alfa"]),
)
horizons = st.builds(Horizon, st.dates(date(2026, 10, 1), date(2027, 2, 1)), st.integers(1, 52))


@pytest.mark.slow
@given(st.lists(tasks, max_size=30), st.lists(meetings, max_size=20), horizons)
def test_weeks_kinds_and_teams_each_add_up_to_the_total(
    tasks: list[Obligation], meetings: list[Meeting], horizon: Horizon
) -> None:
    counts = tally(tasks, meetings, {"A-1": "north"}, horizon).counts
    found = workload(counts, horizon)
    for parts in (found.periods, found.kinds, found.teams):
        columns = ([getattr(part[-1], name) for part in parts] for name in Sums.__slots__)
        assert Sums(*map(sum, columns)) == found.total
    assert sum(number for _, number in rows(counts, horizon)) == counts.total()


@given(st.lists(tasks, max_size=30), horizons)
def test_every_task_that_is_to_be_done_is_counted_once(tasks: list[Obligation], horizon: Horizon) -> None:
    total = workload(tally(tasks, [], {}, horizon).counts, horizon).total
    assert total.due == sum(one.state is _S.OPEN for one in tasks)
    assert total.overdue == sum(one.state is _S.OVERDUE for one in tasks)


@pytest.mark.slow
@given(st.lists(tasks, max_size=30), st.lists(meetings, max_size=20), horizons)
def test_the_providers_and_who_has_none_share_what_there_is(
    tasks: list[Obligation], meetings: list[Meeting], horizon: Horizon
) -> None:
    def of(scope: Scope) -> int:
        return tally(tasks, meetings, {}, horizon, scope).counts.total()

    nobodys = tally(
        [one for one in tasks if one.provider is None], [one for one in meetings if one.provider is None], {}, horizon
    )
    assert of(Scope()) == of(Scope(provider="alfa")) + of(Scope(provider="beta")) + nobodys.counts.total()


# --- capacity --------------------------------------------------------------------------------------------


def minutes(*staff: Resource, weeks: Horizon = WEEKS, **away: list[Span]) -> list[int]:
    found = capacity(staff, away, weeks, 40)
    return [found[monday] for monday in weeks.mondays]


@pytest.mark.rule("LOKA-64")
def test_capacity_is_the_share_of_a_full_time_and_not_the_number_of_heads() -> None:
    two_halves = minutes(person(*office(), fte="0.5"), person(*office(), fte="0.5", name="s-2"))
    one_whole = minutes(person(*office()))
    assert two_halves[1] == one_whole[1] == 40 * 60
    assert minutes(person(*office(8, 12), fte="0.5"))[1] == 20 * 60


@pytest.mark.rule("LOKA-64")
@pytest.mark.parametrize(("fte", "expected"), [("0.2", 480), ("0.25", 600), ("0.75", 1800), ("0.333", 799)])
def test_shares_give_whole_minutes_rounded_down(fte: str, expected: int) -> None:
    assert minutes(person(*office(), fte=fte))[1] == expected


def test_the_first_week_counts_from_the_business_date() -> None:
    # Thursday and Friday are left; of a half time two fifths
    assert minutes(person(*office()))[0] == 2 * 8 * 60
    assert minutes(person(*office(), fte="0.5"))[0] == 8 * 60


def test_nobody_works_on_a_holiday() -> None:
    days = holidays_of(2026) | holidays_of(2027)
    found = capacity([person(*office())], {}, WEEKS, 40, days)
    # Christmas Eve and Christmas Day 2026 are a Thursday and a Friday; New Year's Eve and Day too; Epiphany: Wednesday
    assert [found[d(day)] // 480 for day in ("2026-12-21", "2026-12-28", "2027-01-04", "2027-01-11")] == [3, 3, 4, 5]


def test_absences_take_away_what_they_cover_of_the_hours_and_no_more() -> None:
    tuesday = day_span(d("2026-12-01"))
    weeks = Span(day_span(d("2026-12-05")).start, day_span(d("2026-12-14")).end)
    evening = hours_span(d("2026-12-03"), time(15), time(20))
    assert evening is not None
    found = minutes(person(*office()), **{"s-1": [tuesday, evening, weeks]})
    assert found[1:4] == [4 * 480 - 60, 0, 4 * 480]


def test_who_keeps_more_hours_open_than_the_share_works_that_part_of_what_is_left() -> None:
    away = [day_span(d("2026-12-01"))]
    assert minutes(person(*office(), fte="0.5"), **{"s-1": away})[1] == 1200 * 4 // 5


def test_a_night_in_which_the_clock_changes_is_as_long_as_it_is() -> None:
    night = Hours(7, time(0), time(8))
    spring, autumn = Horizon(d("2026-03-23"), 1), Horizon(d("2026-10-19"), 1)
    assert minutes(person(night), weeks=spring) == [7 * 60]
    assert minutes(person(night), weeks=autumn) == [9 * 60]
    assert minutes(person(*office()), weeks=spring) == minutes(person(*office()), weeks=autumn) == [2400]


def test_who_has_no_hours_adds_nothing() -> None:
    assert minutes(person()) == [0] * 12


spans = st.builds(
    lambda start, hours: Span(start, start + timedelta(hours=hours)),
    st.datetimes(datetime(2026, 11, 1), datetime(2027, 3, 1), timezones=st.just(UTC)),
    st.integers(1, 900),
)
shifts_of = st.lists(
    st.builds(
        lambda weekday, start, length: Hours(weekday, time(start), time(min(start + length, 23))),
        st.integers(1, 7), st.integers(0, 20), st.integers(1, 12),
    ),
    max_size=8,
).map(tuple)  # fmt: skip
shares = st.integers(1, 1000).map(lambda thousandths: Decimal(thousandths) / 1000)


@pytest.mark.slow
@given(shifts_of, shares, st.lists(spans, max_size=5), horizons)
def test_capacity_is_never_negative_and_never_above_the_share(
    hours: tuple[Hours, ...], fte: Decimal, away: list[Span], horizon: Horizon
) -> None:
    one = Resource("s-1", ResourceKind.STAFF, hours, fte=fte)
    found = capacity([one], {"s-1": away}, horizon, 40)
    whole = capacity([one], {}, horizon, 40)
    assert all(0 <= found[monday] <= whole[monday] <= int(fte * 2400) for monday in horizon.mondays)


# --- demand ----------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-7.2-b")
@pytest.mark.parametrize(
    ("kind", "booker", "scope", "expected"),
    [
        (MeetingKind.FOLLOWUP_AMI2_M3, Role.PROVIDER, Scope(), 2),
        (MeetingKind.FOLLOWUP_AMI2_M3, Role.PROVIDER, Scope(team="north"), 1),
        (MeetingKind.FOLLOWUP_AMI2_M3, Role.PROVIDER, Scope(provider="alfa"), 1),
        (MeetingKind.START_UP, Role.PROVIDER, Scope(team="north"), 0),
        (MeetingKind.ASSESSMENT, Role.CAREER_GUIDE, Scope(provider="alfa"), 0),
        (MeetingKind.STUDY_GUIDANCE, Role.PROVIDER, Scope(), 1),
        (MeetingKind.BIP, Role.CAREER_GUIDE, Scope(team="north"), 1),
        (MeetingKind.FORUM, None, Scope(), 1),
    ],
)
def test_a_meeting_takes_the_staff_that_has_to_be_there(
    kind: MeetingKind, booker: Role | None, scope: Scope, expected: int
) -> None:
    assert staff_needed(kind, booker, scope) == expected


def balance(found: Tally, active: int = 0, contact: int = 0, team: str | None = None) -> list[int]:
    lengths = dict.fromkeys(MeetingKind, 60) | {MeetingKind.FOLLOWUP_AMI2_M6: 90}
    weeks = balances(
        WEEKS, {}, {}, found, dict.fromkeys(WEEKS.mondays, active), Scope(team), minutes=lengths,
        contact_minutes=contact,
    )  # fmt: skip
    return [one.demand for one in weeks]


def test_what_is_late_or_has_no_day_needs_time_in_the_first_week() -> None:
    found = tally([], [meeting("2026-11-01", _M.DUE_OVERDUE), meeting(None), meeting("2026-12-01"),
                       meeting("2027-05-01")], {}, WEEKS)  # fmt: skip
    assert balance(found)[:3] == [120, 60, 0]


def test_meetings_to_come_need_time_before_anybody_is_to_book_them() -> None:
    later = task("2027-01-20", kind=ObligationKind.FOLLOWUP_MEETING, sequence=2)
    # three parties, two of them staff; the longest of the kinds that it can be
    assert balance(tally([later], [], {}, WEEKS))[8] == 180


def test_contacts_need_time_of_the_provider_and_not_of_a_team() -> None:
    assert balance(Tally(), active=3, contact=30) == [90] * 12
    assert balance(Tally(), active=3, contact=30, team="north") == [0] * 12


def test_a_week_is_short_by_what_it_needs_above_its_capacity() -> None:
    weeks = balances(
        WEEKS, {d("2026-11-30"): 100}, {d("2026-11-30"): 100, d("2026-12-07"): 1}, Tally(), {}, Scope(),
        minutes={}, contact_minutes=0,
    )  # fmt: skip
    assert [one.missing for one in weeks][:4] == [0, 0, 1, 0]


def test_booked_time_counts_in_the_week_in_which_it_begins_by_the_local_clock() -> None:
    # Sunday 23:30 in Stockholm, over midnight
    late = Span(datetime(2026, 12, 6, 22, 30, tzinfo=UTC), datetime(2026, 12, 6, 23, 30, tzinfo=UTC))
    early = Span(datetime(2026, 12, 6, 23, 0, tzinfo=UTC), datetime(2026, 12, 7, 0, 0, tzinfo=UTC))
    before = Span(datetime(2026, 11, 25, 9, tzinfo=UTC), datetime(2026, 11, 25, 10, tzinfo=UTC))
    assert booked([late, early, before], WEEKS) == {d("2026-11-30"): 60, d("2026-12-07"): 60}


# --- when assignments run, and follow-ups ----------------------------------------------------------------


def timeline(one: Case) -> Timeline:
    return Timeline(one, RuleSettings())


def test_an_assignment_runs_from_its_start_to_its_exit_or_end() -> None:
    (running,) = stretches(timeline(ami2(decided="2026-03-15", started="2026-03-28")), TODAY)
    assert running == Active("A-001", d("2026-03-28"), d("2027-03-15"), "alfa")
    (over,) = stretches(timeline(ami2(exited("2026-06-20"), decided="2026-03-15", started="2026-03-28")), TODAY)
    assert over.until == d("2026-06-21") and not over.on(TODAY)
    assert stretches(timeline(ami2(started=None)), TODAY) == ()


def test_an_assignment_that_was_resumed_runs_twice_and_with_another_provider() -> None:
    one = ami2(exited("2026-06-20"), on("2026-07-10", "broke_off"), on("2026-08-03", "resumed", provider="beta"),
               decided="2026-03-15", started="2026-03-28")  # fmt: skip
    first, second = stretches(timeline(one), TODAY)
    assert (first.provider, second.provider) == ("alfa", "beta")
    assert second == Active("A-001", d("2026-08-03"), d("2027-03-15"), "beta")


def test_weeks_in_which_an_assignment_begins_or_ends_ask_for_no_contact() -> None:
    found = active_by_week([Active("A-1", d("2026-12-01"), d("2026-12-21"), "alfa")], WEEKS)
    assert [found[monday] for monday in WEEKS.mondays][:5] == [0, 0, 1, 1, 0]


@pytest.mark.rule("NACKA-13")
def test_an_active_assignment_without_a_follow_up_ahead_is_listed() -> None:
    def listed(*tasks: Obligation, meetings: tuple[Meeting, ...] = (), active: str = "2026-03-28") -> list[str]:
        return without_follow_up([Active("A-1", d(active), d("2027-03-15"), "alfa")], tasks, meetings, TODAY)

    ahead = task("2027-01-20", kind=ObligationKind.FOLLOWUP_MEETING)
    late = task("2026-11-01", _S.OVERDUE, ObligationKind.FOLLOWUP_MEETING)
    span = Span(datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC))
    extra = meeting(None, _M.BOOKED, kind=MeetingKind.THREE_PARTY_EXTRA, span=span)
    assert listed(ahead) == [] == listed(late, ahead) == listed(meetings=(extra,))
    assert listed() == listed(late) == listed(task("2027-01-20")) == ["A-1"]
    assert listed(active="2027-01-01") == []


@pytest.mark.rule("NACKA-13")
def test_every_active_assignment_of_a_labour_market_intervention_has_one() -> None:
    from kundval_scheduling.domain import obligations
    from tests.scheduling.builders import tenant

    town = tenant()
    for one in (ami1(decided="2026-03-03", started="2026-03-10"), ami2(decided="2026-03-15", started="2026-03-28")):
        day = d("2026-03-30")
        while day < d("2026-05-20"):
            periods = stretches(Timeline(one, town.settings), day)
            assert without_follow_up(periods, obligations(one, town, day), (), day) == [], day
            day += timedelta(days=1)


def test_subjects_are_in_the_order_of_their_codes() -> None:
    found = workload(
        tally([task("2026-12-01"), task("2026-12-01", kind=ObligationKind.WEEKLY_CONTACT)],
              [meeting("2026-12-01"), meeting("2026-12-01", kind=MeetingKind.BIP)], {}, WEEKS).counts, WEEKS,
    )  # fmt: skip
    assert [(what, kind) for what, kind, _ in found.kinds] == [
        (WorkloadSubject.OBLIGATION, "WEEKLY_CONTACT"), (WorkloadSubject.OBLIGATION, "PLACEMENT"),
        (WorkloadSubject.MEETING, "START_UP"), (WorkloadSubject.MEETING, "BIP"),
    ]  # fmt: skip
