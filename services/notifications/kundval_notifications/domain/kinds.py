"""The kinds of notice: to whom each can go, and the values that its text may use.

Values are codes, dates, counts and amounts. A notice to the client carries none: its text says only that
there is something to read after logging in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from kundval_contracts.codes import Role


class NoticeKind(StrEnum):
    """What a notice is about."""

    DECISION = "DECISION"
    CHOICE = "CHOICE"
    CHOICE_OVERDUE = "CHOICE_OVERDUE"
    PROVIDER_CHOSEN = "PROVIDER_CHOSEN"
    PROVIDER_ACCEPTED = "PROVIDER_ACCEPTED"
    PROVIDER_DECLINED = "PROVIDER_DECLINED"
    ANSWER_OVERDUE = "ANSWER_OVERDUE"
    STARTED = "STARTED"
    SWITCH_REQUESTED = "SWITCH_REQUESTED"
    SWITCHED_FROM = "SWITCHED_FROM"
    SWITCHED_TO = "SWITCHED_TO"
    MEETING_BOOKED = "MEETING_BOOKED"
    MEETING_MISSED = "MEETING_MISSED"
    MEETING_TO_BOOK = "MEETING_TO_BOOK"
    MEETING_NOT_BOOKED = "MEETING_NOT_BOOKED"
    PLACEMENT_STARTED = "PLACEMENT_STARTED"
    OFFER_DECLINED = "OFFER_DECLINED"
    ASSISTANCE_AT_RISK = "ASSISTANCE_AT_RISK"
    REASSESSMENT_REQUESTED = "REASSESSMENT_REQUESTED"
    DEVIATION_REPORTED = "DEVIATION_REPORTED"
    OBLIGATION_DUE_SOON = "OBLIGATION_DUE_SOON"
    OBLIGATION_OVERDUE = "OBLIGATION_OVERDUE"
    PERIOD_ENDED = "PERIOD_ENDED"
    EXIT_REPORTED = "EXIT_REPORTED"
    MARGIN_ADVICE_MISSING = "MARGIN_ADVICE_MISSING"
    WORK_GUIDANCE_MISSING = "WORK_GUIDANCE_MISSING"
    STUDY_GUIDANCE_MISSING = "STUDY_GUIDANCE_MISSING"
    PLACEMENT_NOT_OFFERED = "PLACEMENT_NOT_OFFERED"
    TRIAL_CALCULATION_ADVISED = "TRIAL_CALCULATION_ADVISED"
    DOCUMENTS_MISSING = "DOCUMENTS_MISSING"
    BOUNDARY_CASE = "BOUNDARY_CASE"
    DECISION_NEEDED = "DECISION_NEEDED"
    PREMIUM_FOLLOW_UP_NEGATIVE = "PREMIUM_FOLLOW_UP_NEGATIVE"
    WORKPLACE_CHANGED = "WORKPLACE_CHANGED"
    BROKE_OFF = "BROKE_OFF"
    RESUME_OFFER = "RESUME_OFFER"
    RESUMED = "RESUMED"
    ASSISTANCE_PAID = "ASSISTANCE_PAID"
    BONUS_CLAIMABLE = "BONUS_CLAIMABLE"
    BONUS_CLAIMED = "BONUS_CLAIMED"
    SUPPLEMENT_REQUESTED = "SUPPLEMENT_REQUESTED"
    BONUS_DECIDED = "BONUS_DECIDED"
    PAYMENT_CORRECTED = "PAYMENT_CORRECTED"


@dataclass(frozen=True, slots=True)
class Kind:
    """Who can receive it, and the names of its values."""

    to: frozenset[Role]
    values: frozenset[str] = frozenset()


_CLIENT, _PROVIDER, _GUIDE = Role.CLIENT, Role.PROVIDER, Role.CAREER_GUIDE


def _kind(*to: Role, values: str = "") -> Kind:
    return Kind(frozenset(to), frozenset(values.split()))


K = NoticeKind

#: The kinds by code.
KINDS: Mapping[NoticeKind, Kind] = MappingProxyType(
    {
        K.DECISION: _kind(_CLIENT),
        K.CHOICE: _kind(_CLIENT),
        K.CHOICE_OVERDUE: _kind(_GUIDE, values="since"),
        K.PROVIDER_CHOSEN: _kind(_PROVIDER, values="programme"),
        K.PROVIDER_ACCEPTED: _kind(_CLIENT),
        K.PROVIDER_DECLINED: _kind(_CLIENT, _GUIDE),
        K.ANSWER_OVERDUE: _kind(_PROVIDER, _GUIDE, values="since"),
        K.STARTED: _kind(_GUIDE, values="day"),
        K.SWITCH_REQUESTED: _kind(_GUIDE, values="day"),
        K.SWITCHED_FROM: _kind(_PROVIDER, values="day"),
        K.SWITCHED_TO: _kind(_PROVIDER, values="day"),
        K.MEETING_BOOKED: _kind(_CLIENT, _GUIDE, values="meeting"),
        K.MEETING_MISSED: _kind(_GUIDE, _PROVIDER, values="meeting day"),
        K.MEETING_TO_BOOK: _kind(_PROVIDER, _GUIDE, values="obligation number due agenda"),
        K.MEETING_NOT_BOOKED: _kind(_PROVIDER, _GUIDE, values="obligation number due"),
        K.PLACEMENT_STARTED: _kind(_GUIDE, values="day hours"),
        K.OFFER_DECLINED: _kind(_GUIDE, values="day offer agenda booker"),
        K.ASSISTANCE_AT_RISK: _kind(_CLIENT),
        K.REASSESSMENT_REQUESTED: _kind(_GUIDE, values="day hours minimum"),
        K.DEVIATION_REPORTED: _kind(_GUIDE, values="day reported planned"),
        K.OBLIGATION_DUE_SOON: _kind(_PROVIDER, _GUIDE, values="obligation number due"),
        K.OBLIGATION_OVERDUE: _kind(_PROVIDER, _GUIDE, values="obligation number due"),
        K.PERIOD_ENDED: _kind(_GUIDE, _PROVIDER, values="day"),
        K.EXIT_REPORTED: _kind(_GUIDE, values="day exit first_day"),
        K.MARGIN_ADVICE_MISSING: _kind(_GUIDE, _PROVIDER, values="exit"),
        K.WORK_GUIDANCE_MISSING: _kind(_GUIDE),
        K.STUDY_GUIDANCE_MISSING: _kind(_GUIDE),
        K.PLACEMENT_NOT_OFFERED: _kind(_GUIDE),
        K.TRIAL_CALCULATION_ADVISED: _kind(_PROVIDER, values="exit"),
        K.DOCUMENTS_MISSING: _kind(_PROVIDER, values="documents"),
        K.BOUNDARY_CASE: _kind(_GUIDE, values="day"),
        K.DECISION_NEEDED: _kind(_GUIDE, values="cause"),
        K.PREMIUM_FOLLOW_UP_NEGATIVE: _kind(_GUIDE, values="month"),
        K.WORKPLACE_CHANGED: _kind(_GUIDE, values="day gap_days"),
        K.BROKE_OFF: _kind(_GUIDE, values="day"),
        K.RESUME_OFFER: _kind(_CLIENT),
        K.RESUMED: _kind(_GUIDE, _PROVIDER, values="day"),
        K.ASSISTANCE_PAID: _kind(_GUIDE, values="start end"),
        K.BONUS_CLAIMABLE: _kind(_PROVIDER, values="day"),
        K.BONUS_CLAIMED: _kind(_GUIDE, values="day"),
        K.SUPPLEMENT_REQUESTED: _kind(_PROVIDER, values="documents"),
        K.BONUS_DECIDED: _kind(_PROVIDER, values="answer"),
        K.PAYMENT_CORRECTED: _kind(_PROVIDER, values="day amount"),
    }
)
