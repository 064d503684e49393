"""When somebody can: hours, what is taken, holidays, and the days on which the clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kundval_scheduling.domain.availability import (
    common,
    free,
    local_days,
    merged,
    office_hours,
    shared,
    shifts,
    week_of,
    without,
)
from kundval_scheduling.domain.instants import Span, day_span
from kundval_scheduling.domain.resources import Busy, Hours

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)


def span(start: int, end: int) -> Span:
    return Span(ORIGIN + timedelta(minutes=start), ORIGIN + timedelta(minutes=end))


def minutes(spans: list[Span]) -> set[int]:
    """Every minute that is covered: the same question asked without interval arithmetic."""
    return {
        minute
        for one in spans
        for minute in range(
            int((one.start - ORIGIN).total_seconds() // 60), int((one.end - ORIGIN).total_seconds() // 60)
        )
    }


anything = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 60)).map(lambda pair: span(pair[0], pair[0] + pair[1])), max_size=12
)


@given(anything)
def test_what_is_merged_covers_the_same_in_order_and_without_touching(spans: list[Span]) -> None:
    found = merged(spans)
    assert minutes(found) == minutes(spans)
    assert all(one.end < other.start for one, other in pairwise(found))


@given(anything, anything)
def test_what_is_cut_out_is_gone_and_nothing_else(spans: list[Span], taken: list[Span]) -> None:
    found = without(merged(spans), merged(taken))
    assert minutes(found) == minutes(spans) - minutes(taken)


@given(anything, anything)
def test_what_is_shared_is_in_both(first: list[Span], second: list[Span]) -> None:
    assert minutes(shared(merged(first), merged(second))) == minutes(first) & minutes(second)


def test_a_holiday_and_a_taken_hour_are_no_free_time() -> None:
    window = Span(day_span(date(2026, 4, 30)).start, day_span(date(2026, 5, 4)).end)
    taken = [Busy(Span(datetime(2026, 5, 4, 7, tzinfo=UTC), datetime(2026, 5, 4, 8, tzinfo=UTC)))]
    found = free(office_hours(time(8), time(17)), taken, window, {date(2026, 5, 1)})
    assert [(one.start.isoformat(), one.minutes) for one in found] == [
        ("2026-04-30T06:00:00+00:00", 540),
        ("2026-05-04T06:00:00+00:00", 60),
        ("2026-05-04T08:00:00+00:00", 420),
    ]


def test_hours_over_a_change_of_the_clock_have_their_real_length() -> None:
    night = [Hours(7, time(1), time(4))]
    spring, autumn = day_span(date(2026, 3, 29)), day_span(date(2026, 10, 25))
    assert (spring.minutes, autumn.minutes) == (23 * 60, 25 * 60)
    assert [one.span.minutes for one in shifts(night, spring)] == [120]
    assert [one.span.minutes for one in shifts(night, autumn)] == [240]


def test_hours_that_end_or_begin_on_a_day_count_on_that_day_and_not_beyond() -> None:
    hours = [Hours(1, time(8), time(9), first=date(2026, 1, 12), last=date(2026, 1, 19))]
    window = Span(day_span(date(2026, 1, 5)).start, day_span(date(2026, 1, 31)).end)
    assert [local_days(one.span)[0].day for one in shifts(hours, window)] == [12, 19]


def test_a_window_that_ends_at_midnight_does_not_touch_the_next_day() -> None:
    assert local_days(day_span(date(2026, 1, 5))) == [date(2026, 1, 5)]
    assert common(day_span(date(2026, 1, 5)), day_span(date(2026, 1, 6))) is None


def test_a_week_has_one_name_also_at_the_turn_of_a_year() -> None:
    assert week_of(date(2026, 12, 31)) == week_of(date(2027, 1, 3)) == date(2026, 12, 28)
    assert week_of(date(2027, 1, 4)) == date(2027, 1, 4)
