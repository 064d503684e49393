"""When something is to be looked at next. The services that tell of it and those that plan it count the same way."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date

from .calendar import add_days, add_months
from .case import Provider
from .codes import MeetingKind, Party
from .facts import Fact
from .profiles import Profile
from .rules import rule

#: The AMI 2 series in order: the kind names the place in it when a fact gives no sequence.
AMI2_SERIES = (
    MeetingKind.FOLLOWUP_AMI2_M3,
    MeetingKind.FOLLOWUP_AMI2_M6,
    MeetingKind.FOLLOWUP_AMI2_M9,
    MeetingKind.FOLLOWUP_AMI2_M12,
)


@rule("AMI-7.2-a", "AMI-8.2-a")
def place_in_series(fact: Fact) -> int | None:
    """Which follow-up meeting of the intervention a fact about a meeting is about; None: it is about another one."""
    kind = fact["meeting"]
    if kind is MeetingKind.FOLLOWUP_AMI1_D45:
        return 1
    return int(fact.get("sequence", AMI2_SERIES.index(kind) + 1)) if kind in AMI2_SERIES else None


@rule("LOKA-25")
def next_checkin(profile: Profile, last: date) -> date | None:
    """When the check-in after `last` is due; None where the municipality has set no interval."""
    days = profile.checkin_interval_days
    return None if days is None else add_days(last, days)


@rule("LOKA-67")
def next_contact(started: date, contacts: Sequence[date], schedule: Sequence[int]) -> date:
    """When the next contact with the workplace is due: closer at first, and the last interval goes on.

    contacts: the days of those since the placement started, in order.
    """
    days = schedule[min(len(contacts), len(schedule) - 1)]
    return add_days(contacts[-1] if contacts else started, days)


@rule("AMI-7.3-d", "LOKA-66")
def parties_of(placement: Fact) -> frozenset[Party]:
    """With whom a placement is followed up: the client, and the workplace unless it is the municipality's own."""
    kind = placement.get("workplace_kind")
    return frozenset({Party.CLIENT} if kind is not None and not kind.is_external else Party)


@rule("NACKA-18")
def next_review(last: date, interval: int) -> date:
    """The last day for the next supervision of a provider, so many months after the one before."""
    return add_months(last, interval)


@rule("NACKA-18")
def reviews(
    since: date, visits: Collection[date], interval: int, as_of: date
) -> Iterator[tuple[date, date, date | None]]:
    """The visits to a provider authorised since a day: (known from, due, done on), the last one still to be done.

    Each is due an interval of months after the one before, the first after the authorisation. visits: days on which it
    was looked at, through any channel; those before the authorisation count from it on (as of its application).
    """
    seen = sorted({day for day in visits if day <= as_of})
    before = [day for day in seen if day < since]
    last = before[-1] if before else since
    opens_on = since
    for met_on in [*(day for day in seen if day >= since), None]:
        yield opens_on, next_review(last, interval), met_on
        last = opens_on = met_on or last


def authorised_since(provider: Provider, day: date) -> date | None:
    """The first of the days from which it is authorised, of the authorisations that hold on `day`."""
    held = (
        since
        for programme, since in provider.authorised.items()
        if since <= day < provider.deauthorised.get(programme, date.max)
    )
    return min(held, default=None)
