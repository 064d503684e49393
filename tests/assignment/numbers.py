"""Identity numbers from the Swedish Tax Agency's published lists of test numbers, and the form that each has.

Never invent one: a number with a right check digit may be somebody's.
"""

from __future__ import annotations

from datetime import date

#: twelve digits -> day of birth
PERSONAL = {
    "201701012393": date(2017, 1, 1),
    "201701102384": date(2017, 1, 10),
    "199010102383": date(1990, 10, 10),
    "191212121212": date(1912, 12, 12),
    "189001019802": date(1890, 1, 1),
}
#: the day of birth stands there with 60 added
COORDINATION = {
    "197010632391": date(1970, 10, 3),
    "197010632383": date(1970, 10, 3),
}
ALL = {**PERSONAL, **COORDINATION}
