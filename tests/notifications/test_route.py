"""Which way a pending message goes, and until when it waits."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts.codes import ByHandReason, DeliveryChannel, Role, Urgency, Wait, WithdrawReason
from kundval_contracts.workdays import is_workday
from kundval_notifications.domain.party import Party
from kundval_notifications.domain.route import (
    SWEDEN,
    ByHand,
    Decision,
    InInbox,
    Later,
    Manners,
    Pending,
    Send,
    Withdraw,
    decide,
    instant,
    is_quiet,
    local_day,
    next_digest,
    quiet_until,
)

EMAIL, SMS, LETTER, WEBHOOK, INBOX = (
    DeliveryChannel.EMAIL,
    DeliveryChannel.SMS,
    DeliveryChannel.DIGITAL_MAIL,
    DeliveryChannel.WEBHOOK,
    DeliveryChannel.INBOX,
)
NIGHT = (time(21), time(7))
MANNERS = Manners(quiet={SMS: NIGHT})
EVERYTHING = frozenset({EMAIL, SMS, LETTER, WEBHOOK})
ADDRESSES = {EMAIL: "a@kundval.invalid", SMS: "+46701740605", LETTER: "x", WEBHOOK: "https://kundval.invalid"}
#: a Thursday in winter
NOON = datetime(2026, 11, 26, 12, tzinfo=SWEDEN)
MIDNIGHT = datetime(2026, 11, 26, 23, 30, tzinfo=SWEDEN)


def client(*channels: DeliveryChannel, **more: object) -> Party:
    return Party(Role.CLIENT, "P-1", addresses={one: ADDRESSES[one] for one in channels}, **more)  # type: ignore[arg-type]


def guide(*channels: DeliveryChannel, **more: object) -> Party:
    return Party(Role.CAREER_GUIDE, "G-1", addresses={one: ADDRESSES[one] for one in channels}, **more)  # type: ignore[arg-type]


def pending(party: Party, urgency: Urgency = Urgency.NORMAL, **more: object) -> Pending:
    channels = (EMAIL, SMS, LETTER) if party.role is Role.CLIENT else (WEBHOOK, EMAIL)
    values: dict[str, object] = {"channels": channels, "set_up": EVERYTHING, "since": NOON, **more}
    return Pending(party=party, urgency=urgency, **values)  # type: ignore[arg-type]


def at(message: Pending, when: datetime = NOON) -> Decision:
    return decide(message, MANNERS, when)


# --- ways ----------------------------------------------------------------------------------------------


def test_the_first_way_that_can_be_used_is_taken() -> None:
    assert at(pending(client(EMAIL, SMS))) == Send(EMAIL)
    assert at(pending(client(SMS, LETTER))) == Send(SMS)
    assert at(pending(client(EMAIL, SMS), set_up=frozenset({SMS}))) == Send(SMS)
    assert at(pending(guide(EMAIL, WEBHOOK))) == Send(WEBHOOK)


def test_the_recipients_own_order_comes_before_that_of_the_notice() -> None:
    assert at(pending(client(EMAIL, SMS, order=(SMS, EMAIL)))) == Send(SMS)
    # a way that the municipality does not use for this notice is none
    assert at(pending(client(EMAIL, SMS, order=(SMS,)), channels=(EMAIL,))) == Send(EMAIL)


def test_what_has_failed_is_not_tried_again_and_then_a_person_or_the_inbox_has_it() -> None:
    assert at(pending(client(EMAIL, SMS), tried=frozenset({EMAIL}))) == Send(SMS)
    assert at(pending(client(EMAIL, SMS), tried=frozenset({EMAIL, SMS}))) == ByHand(ByHandReason.UNDELIVERABLE)
    assert at(pending(guide(EMAIL), tried=frozenset({EMAIL}))) == InInbox(ByHandReason.UNDELIVERABLE)


def test_who_has_no_address_reads_it_in_the_inbox_or_is_told_by_hand() -> None:
    assert at(pending(guide())) == InInbox()
    assert at(pending(client())) == ByHand(ByHandReason.NO_ADDRESS)
    assert at(pending(client(EMAIL), set_up=frozenset())) == ByHand(ByHandReason.NO_ADDRESS)


def test_a_client_who_refuses_every_way_is_told_by_hand() -> None:
    refused = frozenset({EMAIL, SMS, LETTER})
    assert at(pending(client(EMAIL, refused=frozenset({EMAIL})))) == ByHand(ByHandReason.REFUSED_ALL)
    assert at(pending(client(EMAIL, SMS, refused=frozenset({EMAIL})))) == Send(SMS)
    assert at(pending(client(refused=refused))) == ByHand(ByHandReason.REFUSED_ALL)
    assert at(pending(client(refused=frozenset({EMAIL})))) == ByHand(ByHandReason.NO_ADDRESS)


def test_a_protected_client_is_told_by_hand_and_no_other_system_hears_of_the_case() -> None:
    assert at(pending(client(EMAIL, protected=True))) == ByHand(ByHandReason.PROTECTED)
    assert at(pending(client(EMAIL), guarded=True)) == ByHand(ByHandReason.PROTECTED)
    assert at(pending(guide(WEBHOOK, EMAIL), guarded=True)) == Send(EMAIL)
    assert at(pending(guide(WEBHOOK), guarded=True)) == InInbox()


def test_what_has_lost_its_reason_is_withdrawn_whatever_else_holds() -> None:
    gone = pending(client(EMAIL, protected=True), gone=WithdrawReason.OVERTAKEN)
    assert at(gone, MIDNIGHT) == Withdraw(WithdrawReason.OVERTAKEN)


def test_who_has_read_it_in_the_inbox_is_not_told_that_there_is_something_to_read() -> None:
    assert at(pending(guide(EMAIL), read=True)) == InInbox()
    assert at(pending(guide(WEBHOOK), read=True)) == Send(WEBHOOK)


# --- quiet hours ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "quiet"),
    [("20:59", False), ("21:00", True), ("23:59", True), ("00:00", True), ("06:59", True), ("07:00", False)],
)
def test_quiet_hours_begin_and_end_to_the_minute(clock: str, quiet: bool) -> None:
    when = datetime.combine(date(2026, 11, 26), time.fromisoformat(clock), SWEDEN)
    decision = at(pending(client(SMS)), when)
    assert (decision == Send(SMS)) is not quiet
    if quiet:
        assert isinstance(decision, Later) and decision.why is Wait.QUIET_HOURS
        assert decision.until.astimezone(SWEDEN).time() == time(7)


def test_what_is_urgent_goes_by_a_way_that_is_not_quiet_and_to_staff_by_mail_at_any_hour() -> None:
    manners = Manners(quiet={SMS: NIGHT, EMAIL: NIGHT})
    urgent = Urgency.AT_ONCE
    assert at(pending(client(SMS, EMAIL, order=(SMS, EMAIL)), urgent), MIDNIGHT) == Send(EMAIL)
    assert isinstance(at(pending(client(SMS, EMAIL, order=(SMS, EMAIL))), MIDNIGHT), Later)
    assert decide(pending(guide(EMAIL), urgent), manners, MIDNIGHT) == Send(EMAIL)
    assert isinstance(decide(pending(guide(EMAIL)), manners, MIDNIGHT), Later)
    assert isinstance(decide(pending(client(EMAIL), urgent), manners, MIDNIGHT), Later)
    by_sms = pending(guide(SMS), urgent, channels=(SMS,))
    assert isinstance(decide(by_sms, manners, MIDNIGHT), Later)


def test_the_night_on_which_the_clock_goes_forward_is_an_hour_shorter() -> None:
    evening = datetime(2026, 3, 28, 22, tzinfo=SWEDEN)
    end = quiet_until(NIGHT, evening)
    assert end == datetime(2026, 3, 29, 5, tzinfo=UTC)
    assert end - evening == timedelta(hours=8)
    # an end that is left out is the moment of the jump
    assert quiet_until((time(21), time(2, 30)), evening) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_the_night_on_which_the_clock_goes_back_is_an_hour_longer() -> None:
    evening = datetime(2026, 10, 24, 22, tzinfo=SWEDEN)
    assert quiet_until(NIGHT, evening) == datetime(2026, 10, 25, 6, tzinfo=UTC)
    # what ends at a time that comes twice ends twice
    until_half = (time(1), time(2, 30))
    first = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert quiet_until(until_half, first) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert quiet_until(until_half, second) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


times = st.times().map(lambda one: one.replace(microsecond=0))
windows = st.tuples(times, times).filter(lambda one: one[0] != one[1])
# near the changes of the clock more often than elsewhere
instants = st.one_of(
    st.datetimes(datetime(2026, 3, 28), datetime(2026, 3, 30), timezones=st.just(UTC)),
    st.datetimes(datetime(2026, 10, 24), datetime(2026, 10, 26), timezones=st.just(UTC)),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)


@given(windows, instants)
def test_quiet_hours_end_later_and_outside_of_themselves(window: tuple[time, time], when: datetime) -> None:
    end = quiet_until(window, when)
    assert (end is None) is not is_quiet(window, when)
    if end is not None:
        assert end > when and not is_quiet(window, end)
        assert end - when <= timedelta(hours=49)


@given(windows, instants, st.timedeltas(timedelta(0), timedelta(hours=3)))
def test_who_asks_later_does_not_wait_for_less(window: tuple[time, time], when: datetime, more: timedelta) -> None:
    def leaves(at: datetime) -> datetime:
        return quiet_until(window, at) or at

    assert leaves(when) <= leaves(when + more)


# --- digests, and how often ----------------------------------------------------------------------------


def test_what_can_wait_goes_with_the_summary_of_the_next_working_day() -> None:
    friday = datetime(2026, 11, 27, 12, tzinfo=SWEDEN)
    message = pending(guide(EMAIL), Urgency.DIGEST, since=friday)
    monday = datetime(2026, 11, 30, 7, 30, tzinfo=SWEDEN)
    assert at(message, friday) == Later(monday, Wait.DIGEST)
    assert at(message, monday - timedelta(seconds=1)) == Later(monday, Wait.DIGEST)
    assert at(message, monday) == Send(EMAIL, digest=True)
    # on a Saturday it is not made up for: it has waited for its own summary, whenever that is asked about
    assert at(message, monday + timedelta(days=5)) == Send(EMAIL, digest=True)


def test_who_wants_summaries_gets_what_is_urgent_at_once() -> None:
    party = guide(EMAIL, digest=True)
    assert isinstance(at(pending(party)), Later)
    assert at(pending(party, Urgency.AT_ONCE)) == Send(EMAIL)
    assert at(pending(guide(WEBHOOK, digest=True))) == Send(WEBHOOK)


def test_no_summary_goes_out_on_midsummer_eve() -> None:
    assert next_digest(datetime(2026, 6, 18, 12, tzinfo=SWEDEN), Manners()) == datetime(
        2026, 6, 22, 7, 30, tzinfo=SWEDEN
    )


@pytest.mark.parametrize(("sent", "goes"), [(2, True), (3, False), (4, False)])
def test_a_client_is_written_to_so_many_times_a_day(sent: int, goes: bool) -> None:
    decision = at(pending(client(EMAIL), sent_today=sent))
    assert (decision == Send(EMAIL)) is goes
    if not goes:
        assert decision == Later(datetime(2026, 11, 27, 7, 30, tzinfo=SWEDEN), Wait.RATE)
    # neither what is urgent nor what is read after logging in is counted
    assert at(pending(client(EMAIL), Urgency.AT_ONCE, sent_today=sent)) == Send(EMAIL)
    assert at(pending(client(LETTER), sent_today=sent)) == Send(LETTER)


subsets = st.frozensets(st.sampled_from(sorted(EVERYTHING)))
parties = st.builds(
    Party,
    role=st.sampled_from(Role),
    id=st.just("P-1"),
    addresses=st.dictionaries(st.sampled_from(sorted(EVERYTHING)), st.just("x")),
    refused=subsets,
    order=st.none() | st.lists(st.sampled_from(sorted(EVERYTHING)), unique=True).map(tuple),
    digest=st.booleans(),
    protected=st.booleans(),
)
messages = st.builds(
    Pending,
    party=parties,
    urgency=st.sampled_from(Urgency),
    channels=st.lists(st.sampled_from(sorted(EVERYTHING)), unique=True).map(tuple),
    set_up=subsets,
    since=instants,
    tried=subsets,
    guarded=st.booleans(),
    read=st.booleans(),
    gone=st.none(),
    sent_today=st.integers(0, 5),
)
manners = st.builds(
    Manners,
    quiet=st.dictionaries(st.sampled_from(sorted(EVERYTHING)), windows, max_size=3),
    digest_at=times,
    most_per_day=st.integers(1, 4),
)


@given(messages, manners, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_every_message_comes_to_an_end_and_never_goes_where_or_when_it_must_not(
    message: Pending, manners: Manners, after: timedelta
) -> None:
    when = message.since + after
    seen = [when]
    while isinstance(decision := decide(message, manners, when), Later):
        assert decision.until > when
        when = decision.until
        seen.append(when)
        if decision.why is Wait.RATE:
            # a new day has begun
            message = Pending(**{**_fields(message), "sent_today": 0})
        assert len(seen) <= 8, "it waits for ever"
    party = message.party
    if isinstance(decision, Send):
        way = decision.channel
        assert way in message.channels and way in message.set_up and way not in message.tried
        assert way in party.addresses and way not in party.refused
        assert not party.protected and not (message.guarded and (party.role is Role.CLIENT or way is WEBHOOK))
        excused = message.urgency is Urgency.AT_ONCE and party.has_inbox and way is not SMS
        assert excused or way not in manners.quiet or not is_quiet(manners.quiet[way], when)
        if decision.digest:
            assert any(is_workday(local_day(one)) for one in seen)
            assert when >= next_digest(message.since, manners)
    else:
        assert isinstance(decision, InInbox if party.has_inbox else ByHand)


def _fields(message: Pending) -> dict[str, object]:
    return {name: getattr(message, name) for name in Pending.__dataclass_fields__}


def test_a_time_of_day_is_that_of_sweden() -> None:
    assert instant(date(2026, 7, 1), time(7, 30)) == datetime(2026, 7, 1, 5, 30, tzinfo=UTC)
    assert instant(date(2026, 12, 1), time(7, 30)) == datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
    assert local_day(datetime(2026, 7, 1, 22, tzinfo=UTC)) == date(2026, 7, 2)
