"""What the sources name as contents of the five categories of intervention (LOKA-17, 21, 23, 28, 31 to 34, 45).

A municipality's profile has its own activities beside these. The list is open: an activity by another name has the
category that is stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .codes import ActivityCategory

_C = ActivityCategory

#: activity -> category
COMMON_ACTIVITIES: Mapping[str, ActivityCategory] = MappingProxyType(
    {
        "mapping": _C.MAP_AND_ASSESS,
        "bip_assessment": _C.MAP_AND_ASSESS,
        "check_in": _C.MAP_AND_ASSESS,
        "work_trial": _C.MAP_AND_ASSESS,
        "coaching_talk": _C.COACH,
        "motivational_interviewing": _C.COACH,
        "feedback_on_strengths": _C.COACH,
        "trying_new_tasks": _C.COACH,
        "extending_hours": _C.COACH,
        "job_search_support": _C.EQUIP,
        "cv_and_letter": _C.EQUIP,
        "interview_training": _C.EQUIP,
        "study_career_guidance": _C.EQUIP,
        "unemployment_fund_and_union": _C.EQUIP,
        "finding_a_place": _C.EQUIP,
        "study_visit": _C.EQUIP,
        "everyday_structure": _C.EQUIP,
        "public_transport": _C.EQUIP,
        "independent_life": _C.EQUIP,
        "health_group": _C.EQUIP,
        "language_and_orientation": _C.EQUIP,
        "social_strengthening": _C.EQUIP,
        "employer_contact": _C.COORDINATE,
        "placement_follow_up": _C.COORDINATE,
        "subsidy_case": _C.COORDINATE,
        "life_situation": _C.COORDINATE,
        "applying_for_compensation": _C.REPRESENT,
        "contact_with_authorities": _C.REPRESENT,
        "attending_a_meeting": _C.REPRESENT,
    }
)
