"""What is to be done with a message that is pending: by which way it goes, until when it waits, or who tells it.

Pure: the instant is passed in. A message waits for one reason at a time, until an instant that lies ahead; then it is
asked about again. Times of day are those of Sweden, through both changes of the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kundval_contracts.codes import ByHandReason, DeliveryChannel, Role, Urgency, Wait, WithdrawReason
from kundval_contracts.workdays import is_workday

from .party import Party

SWEDEN = ZoneInfo("Europe/Stockholm")
_DAY = timedelta(days=1)

#: From a time of day to another one, the end not included; it may go over midnight. The same twice is no window.
Window = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Manners:
    """When a municipality wants people to be disturbed, and how often.

    quiet: channels with the hours in which nothing goes out by them. digest_at: when the day's summaries go out, on
    working days. most_per_day: outgoing messages to one client in a day by open channels, urgent ones aside.
    """

    quiet: Mapping[DeliveryChannel, Window] = field(default_factory=dict)
    digest_at: time = time(7, 30)
    most_per_day: int = 3


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that is pending.

    channels: of its route, in order. set_up: channels that the suite has. tried: those that have failed. since: from
    when on it is pending. guarded: about a protected person. read: in the inbox, by whom it is for. gone: why it is not
    worth sending any more. sent_today: outgoing messages that count towards `most_per_day`.
    """

    party: Party
    urgency: Urgency
    channels: tuple[DeliveryChannel, ...]
    set_up: frozenset[DeliveryChannel]
    since: datetime
    tried: frozenset[DeliveryChannel] = frozenset()
    guarded: bool = False
    read: bool = False
    gone: WithdrawReason | None = None
    sent_today: int = 0


@dataclass(frozen=True, slots=True)
class Send:
    """By this channel, now; `digest`: it has waited for the day's summary."""

    channel: DeliveryChannel
    digest: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """Ask again at this instant."""

    until: datetime
    why: Wait


@dataclass(frozen=True, slots=True)
class InInbox:
    """Nothing goes out: it is read after logging in. why: UNDELIVERABLE if other ways have failed."""

    why: ByHandReason | None = None


@dataclass(frozen=True, slots=True)
class ByHand:
    """A person has to tell it."""

    why: ByHandReason


@dataclass(frozen=True, slots=True)
class Withdraw:
    """It is not sent."""

    why: WithdrawReason


Decision = Send | Later | InInbox | ByHand | Withdraw


def decide(message: Pending, manners: Manners, at: datetime) -> Decision:
    """What is to be done with a message at an instant (aware)."""
    party = message.party
    if message.gone is not None:
        return Withdraw(message.gone)
    if not party.has_inbox and (party.protected or message.guarded):
        return ByHand(ByHandReason.PROTECTED)
    ways = () if party.protected else tuple(_ways(message))
    if not ways:
        return _no_way(message)
    first = ways[0]
    # who has read it in the inbox need not be told that there is something to read
    if first is DeliveryChannel.INBOX or (message.read and first.is_open):
        return InInbox()
    if first.is_open and _is_for_digest(message):
        summary = next_digest(message.since, manners)
        if at < summary:
            return Later(summary, Wait.DIGEST)
    if _is_too_much(message, first, manners):
        return Later(_tomorrow(at, manners), Wait.RATE)
    # what is urgent goes by the first way that is not quiet now, anything else waits for the first way
    urgent = message.urgency is Urgency.AT_ONCE
    held: list[datetime] = []
    for way in ways if urgent else ways[:1]:
        end = held_until(party.role, message.urgency, way, manners, at)
        if end is None:
            return Send(way, digest=first.is_open and _is_for_digest(message))
        held.append(end)
    return Later(min(held), Wait.QUIET_HOURS)


def _ways(message: Pending) -> Iterator[DeliveryChannel]:
    """The channels that are left, the recipient's own order before that of the notice."""
    party, wished = message.party, message.party.order or ()
    own = [way for way in wished if way in message.channels]
    for way in [*own, *(way for way in message.channels if way not in own)]:
        if way is DeliveryChannel.INBOX:
            if party.has_inbox:
                yield way
        elif (
            way in message.set_up
            and way not in message.tried
            and party.can_use(way)
            # the system of a third party is not told of whom there is a protected case
            and not (way is DeliveryChannel.WEBHOOK and message.guarded)
        ):
            yield way


def _no_way(message: Pending) -> Decision:
    failed = ByHandReason.UNDELIVERABLE if message.tried else None
    party = message.party
    if party.has_inbox:
        return InInbox(failed)
    if failed is not None:
        return ByHand(failed)
    there = {way for way in message.channels if way in message.set_up}
    reachable = there & set(party.addresses)
    # every way that there would be is one that the client does not want
    refused = bool(reachable or there) and (reachable or there) <= party.refused
    return ByHand(ByHandReason.REFUSED_ALL if refused else ByHandReason.NO_ADDRESS)


def _is_for_digest(message: Pending) -> bool:
    return message.urgency is Urgency.DIGEST or (message.party.digest and message.urgency is Urgency.NORMAL)


def _is_too_much(message: Pending, way: DeliveryChannel, manners: Manners) -> bool:
    """A client is not written to more often in a day; what is left over is one message on the next."""
    return (
        message.party.role is Role.CLIENT
        and way.is_open
        and message.urgency is not Urgency.AT_ONCE
        and message.sent_today >= manners.most_per_day
    )


def held_until(role: Role, urgency: Urgency, way: DeliveryChannel, manners: Manners, at: datetime) -> datetime | None:
    """The end of the quiet hours, if it is them that hold a message on this way now.

    Staff and providers get what is urgent at any hour, but by SMS, which wakes people.
    """
    at_any_hour = urgency is Urgency.AT_ONCE and role is not Role.CLIENT and way is not DeliveryChannel.SMS
    window = manners.quiet.get(way)
    if window is None or at_any_hour:
        return None
    return quiet_until(window, at)


# --- times of day -----------------------------------------------------------------------------------


def local_day(at: datetime) -> date:
    """The day in Sweden at an instant."""
    return at.astimezone(SWEDEN).date()


def start_of_day(day: date) -> datetime:
    """The instant at which a day begins in Sweden, in UTC."""
    return instant(day, time(0))


def instant(day: date, at: time) -> datetime:
    """A time of day in Sweden, in UTC: the first of two; of a time that is left out the moment when the clock jumps."""
    found = datetime.combine(day, at, SWEDEN).astimezone(UTC)
    if found.astimezone(SWEDEN).time() == at:
        return found
    # the hour that is left out begins at a full hour
    return found.replace(minute=0, second=0, microsecond=0)


def is_quiet(window: Window, at: datetime) -> bool:
    """Whether the clock in Sweden shows a time within the window."""
    start, end = window
    now = at.astimezone(SWEDEN).time()
    return start <= now < end if start <= end else now >= start or now < end


def quiet_until(window: Window, at: datetime) -> datetime | None:
    """The end of the window that `at` lies in: later, and outside of any; None if it lies in none."""
    if not is_quiet(window, at):
        return None
    today = local_day(at)
    # the third day for a window of nearly a day whose end is left out when the clock jumps
    ends = [end for days in range(3) for end in _both(today + days * _DAY, window[1])]
    return min(end for end in ends if end > at and not is_quiet(window, end))


def _both(day: date, at: time) -> tuple[datetime, datetime]:
    """A time of day, and once more on the day on which the hour comes twice."""
    return instant(day, at), datetime.combine(day, at.replace(fold=1), SWEDEN).astimezone(UTC)


def next_digest(since: datetime, manners: Manners) -> datetime:
    """When the first summary after an instant goes out: on a working day, strictly later."""
    day = local_day(since)
    while not is_workday(day) or instant(day, manners.digest_at) <= since:
        day += _DAY
    return instant(day, manners.digest_at)


def _tomorrow(at: datetime, manners: Manners) -> datetime:
    return instant(local_day(at) + _DAY, manners.digest_at)
