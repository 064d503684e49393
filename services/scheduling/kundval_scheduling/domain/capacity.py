"""Hours of a function in a municipality: persons by their share of a full time, not heads."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kundval_contracts.codes import MunicipalFunction
from kundval_contracts.profiles import Profile, study_titles
from kundval_contracts.rules import rule


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
