"""What follows from a municipality's profile: admission, tracks, who is responsible.

Pure functions of the profile; which municipality it is nobody asks here. What a person has to decide is only
proposed: True says that something may be offered.
"""

from __future__ import annotations

from collections.abc import Collection

from kundval_contracts.codes import (
    Actor,
    CareContactOwner,
    ForumParty,
    PreparationModel,
    RefusalCode,
    SubsidyResponsible,
)
from kundval_contracts.profiles import Activity, Profile
from kundval_contracts.rules import rule

from .eligibility import Finding

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
