"""What follows from a municipality's profile: admission, tracks, the plan of a process, who is responsible.

Pure functions of the profile; which municipality it is nobody asks here. What a person has to decide is only
proposed: True says that something may be offered.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.codes import (
    Actor,
    CareContactOwner,
    ForumParty,
    MunicipalFunction,
    PreparationModel,
    RefusalCode,
    SubsidyResponsible,
)
from kundval_contracts.profiles import Activity, Profile, study_titles
from kundval_contracts.rules import rule

from .eligibility import Finding

WEEK = 7


# --- who may take part -------------------------------------------------------------------------------


@rule("LOKA-62")
def admission(
    activity: Activity,
    *,
    age: int,
    criteria: Collection[str],
    partners: Collection[Actor],
    referrer: Actor | None = None,
) -> Finding | None:
    """What stands against a client's admission to `activity`, or None.

    age: whole years on the day of the referral. criteria: those that are recorded as met. partners: who is in contact
    with the client. referrer: who referred the client. The message does not say which criterion is not met, for that
    may be about somebody's health.
    """
    terms = activity.admission
    if terms is None:
        return None
    found: list[str] = []
    if (terms.age_min is not None and age < terms.age_min) or (terms.age_max is not None and age > terms.age_max):
        found.append("the age at the referral is outside the limits")
    unmet = len(set(terms.criteria) - set(criteria))
    if unmet:
        found.append(f"{unmet} of {len(set(terms.criteria))} criteria are not recorded as met")
    contacts = len(set(terms.partners) & set(partners))
    if contacts < terms.partners_min:
        found.append(f"contact with {contacts} of at least {terms.partners_min} cooperation partners")
    if terms.referrers and referrer not in terms.referrers:
        found.append("the referral does not come from one of those who may refer")
    if not found:
        return None
    message = f"The terms of admission of the activity are not met: {'; '.join(found)}."
    return Finding(RefusalCode.NOT_ADMITTED, ("LOKA-62",), message)


@rule("LOKA-43")
def life_coordination(profile: Profile, *, work_ability_pct: int, long_term_sick: bool) -> bool:
    """Whether formal life coordination may be offered: long-term sick, or work ability below the profile's limit."""
    limit = profile.life_coordination_below_pct
    if not profile.life_coordination or limit is None:
        return False
    return long_term_sick or work_ability_pct < limit


@rule("LOKA-42")
def side_track(profile: Profile, *, long_term_sick: bool, attempts: int) -> bool:
    """Whether the side track may be offered. `attempts`: times that the main process was tried without success.

    Without a number in the profile ("several times" is not quantified) attempts alone do not open it.
    """
    track = profile.side_track
    if track is None:
        return False
    tried = track.after_attempts is not None and attempts >= track.after_attempts
    return tried or (track.long_term_sick and long_term_sick)


# --- time --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """The plan of a predefined process. `weeks`: seven days each from the start on, the last one cut at the end.

    checkins and group_sessions: how many there must be at least in all; each week has its share of them.
    """

    period: Period
    weeks: tuple[Period, ...]
    checkins: int
    group_sessions: int


@rule("LOKA-41")
def process_plan(profile: Profile, start: date) -> ProcessPlan | None:
    """The plan that begins on `start`, `[start, start + plan_months)`; None where there is no predefined process.

    A week that has begun counts whole: a plan of 61 days has nine.
    """
    process = profile.process
    if process is None:
        return None
    period = Period(start, add_months(start, process.plan_months))
    weeks = tuple(
        Period(first, min(add_days(first, WEEK), period.end))
        for first in (add_days(start, days) for days in range(0, period.days, WEEK))
    )
    return ProcessPlan(
        period, weeks, len(weeks) * process.checkins_per_week, len(weeks) * process.group_sessions_per_week
    )


@rule("LOKA-23")
def bip_due_days(first: date, until: date, interval: int) -> tuple[date, ...]:
    """Days before `until` on which a new self-assessment is due: every `interval` months after the `first` one.

    Counted from the first one, never chained, so that a month's end stays one.
    """
    found: list[date] = []
    while (due := add_months(first, interval * (len(found) + 1))) < until:
        found.append(due)
    return tuple(found)


@rule("LOKA-25")
def next_checkin(profile: Profile, last: date) -> date | None:
    """When the check-in after `last` is due; None where the municipality has set no interval."""
    days = profile.checkin_interval_days
    return None if days is None else add_days(last, days)


# --- who is responsible ------------------------------------------------------------------------------


@rule("LOKA-37", "LOKA-38")
def subsidy_responsible(profile: Profile) -> SubsidyResponsible:
    """Who sees to a wage-subsidy case: staff as go-between, or the employer alone."""
    return SubsidyResponsible.STAFF if profile.subsidy_intermediary else SubsidyResponsible.EMPLOYER


@rule("LOKA-44")
def care_contact_owner(profile: Profile) -> CareContactOwner:
    """Who is responsible for contacts with health care: the labour-market unit, unless the profile says otherwise."""
    return profile.care_contact_owner or CareContactOwner.LABOUR_MARKET_UNIT


@rule("LOKA-14", "LOKA-15")
def forum_parties_missing(profile: Profile, parties: Collection[ForumParty]) -> frozenset[ForumParty]:
    """Who is missing in a joint decision of the cooperation forum; nobody where a unit of its own prepares."""
    if profile.preparation_model is not PreparationModel.FORUM:
        return frozenset()
    return frozenset({ForumParty.EB, ForumParty.LABOUR_MARKET_UNIT}) - frozenset(parties)


@rule("LOKA-55")
def function_of(profile: Profile, title: str) -> MunicipalFunction | None:
    """What a title means in this municipality, else what it means everywhere; None if nobody has said."""
    for one in profile.titles:
        if one.title == title:
            return one.function
    known = study_titles().get(title)
    return known[0] if known else None


@dataclass(frozen=True, slots=True)
class Capacity:
    """Hours a week of a function. `unknown`: how many rows of staff lack a number or a share, and so are not in it."""

    hours: Decimal
    unknown: int


@rule("LOKA-64")
def capacity_hours(profile: Profile, function: MunicipalFunction, weekly_hours: Decimal) -> Capacity:
    """Persons x share of a full time x `weekly_hours`, over everybody with that function; heads are not counted.

    Who has two roles counts in each with the share of that role.
    """
    hours, unknown = Decimal(0), 0
    for row in profile.staff():
        roles = [(row.title, row.fte)]
        if row.also is not None:
            roles.append((row.also.title, row.also.fte))
        for title, share in roles:
            if function_of(profile, title) is not function:
                continue
            if row.number is None or share is None:
                unknown += 1
            else:
                hours += row.number * share * weekly_hours
    return Capacity(hours, unknown)
