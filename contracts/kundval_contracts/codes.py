"""Code lists of the domain: the words that services say to each other.

Codes are never renamed or reused once published. Sources are named per list; the values of the
exit matrix stand in `exits.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .rules import rule


class Programme(StrEnum):
    """Kinds of intervention (AMI-1.1-b, NACKA-8, NACKA-9, AF-SOM-1, AF-RUM-1, LOKA-2, LOKA-43).

    PREPARING, LIFE_COORDINATION and LOCAL (the municipality's own process) have no tariff in the sources. A tariff file
    may add a programme: it is one like the others, `programmes()` lists it, and its file says what it is.
    """

    AMI_1 = "AMI_1"
    AMI_2 = "AMI_2"
    JOBBPENG_BASIC = "JOBBPENG_BASIC"
    JOBBPENG_ENHANCED = "JOBBPENG_ENHANCED"
    SOM_1 = "SOM_1"
    SOM_2 = "SOM_2"
    SOM_3 = "SOM_3"
    SOM_4 = "SOM_4"
    RUM_A = "RUM_A"
    RUM_B = "RUM_B"
    RUM_C = "RUM_C"
    PREPARING = "PREPARING"
    LIFE_COORDINATION = "LIFE_COORDINATION"
    LOCAL = "LOCAL"

    @classmethod
    def _missing_(cls, value: object) -> Programme | None:
        """A programme that a tariff file adds; made once, so that it is the same object wherever it is named."""
        return _further().get(value) if isinstance(value, str) else None

    @property
    def is_ami(self) -> bool:
        return self in (Programme.AMI_1, Programme.AMI_2)

    @property
    def is_jobbpeng(self) -> bool:
        return self in (Programme.JOBBPENG_BASIC, Programme.JOBBPENG_ENHANCED)

    @property
    def is_som(self) -> bool:
        return self in (Programme.SOM_1, Programme.SOM_2, Programme.SOM_3, Programme.SOM_4)

    @property
    def is_rum(self) -> bool:
        return self in (Programme.RUM_A, Programme.RUM_B, Programme.RUM_C)

    @property
    @rule("NACKA-9")
    def is_local(self) -> bool:
        """Delivered by the municipality's own units, without tariff: its own process, preparing interventions (also
        those of financial coordination), formal coordination of life.
        """
        return self in (Programme.PREPARING, Programme.LIFE_COORDINATION, Programme.LOCAL)


def _made(code: str) -> Programme:
    """A member beside those of the class, as the flags of the standard library are made."""
    member = str.__new__(Programme, code)
    member._name_ = member._value_ = code
    return member


def _further() -> Mapping[str, Programme]:
    from .tariffs import tariffs  # which reads files, and is written in these codes

    for code in tariffs():
        if code not in Programme.__members__ and code not in _FURTHER:
            _FURTHER[code] = _made(code)
    return {code: member for code, member in _FURTHER.items() if code in tariffs()}


_FURTHER: dict[str, Programme] = {}


def programmes() -> tuple[Programme, ...]:
    """Every programme: those of the code list, then those that tariff files add, by code."""
    return (*Programme, *_further().values())


class Ownership(StrEnum):
    """Who owns a provider (NACKA-2)."""

    MUNICIPAL = "MUNICIPAL"
    PRIVATE = "PRIVATE"
    NON_PROFIT = "NON_PROFIT"


class FactKind(StrEnum):
    """What can be stated about an assignment."""

    DECIDED = "decided"
    RESULTS_SHOWN = "results_shown"
    PROVIDER_CHOSEN = "provider_chosen"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    STARTED = "started"
    MAPPING_DONE = "mapping_done"
    PLAN_DONE = "plan_done"
    STUDY_GUIDANCE = "study_guidance"
    WORK_GUIDANCE = "work_guidance"
    CONTACT = "contact"
    JOBS_APPLIED = "jobs_applied"
    PLACEMENT_STARTED = "placement_started"
    PLACEMENT_ENDED = "placement_ended"
    HOURS_REPORTED = "hours_reported"
    OFFER_DECLINED = "offer_declined"
    GUIDE_NOTIFIED = "guide_notified"
    MEETING_BOOKED = "meeting_booked"
    MEETING_HELD = "meeting_held"
    MEETING_MISSED = "meeting_missed"
    MONTHLY_REPORT = "monthly_report"
    BIP_ASSESSED = "bip_assessed"
    PROVIDER_SWITCH = "provider_switch"
    EXITED = "exited"
    PREMIUM_FOLLOW_UP = "premium_follow_up"
    BROKE_OFF = "broke_off"
    RESUMED = "resumed"
    WORKPLACE_CHANGED = "workplace_changed"
    EB_PAID = "eb_paid"
    BONUS_CLAIMED = "bonus_claimed"
    MANUAL_DECISION = "manual_decision"
    RESULT_REPORTED = "result_reported"
    EXTENDED = "extended"
    # from referral to decision
    REFERRED = "referred"
    PREPARATION_OPENED = "preparation_opened"
    PREPARED = "prepared"
    STEPPED_BACK = "stepped_back"
    ASSESSED = "assessed"
    AF_CHECKED = "af_checked"
    AF_REGISTRATION_CHECKED = "af_registration_checked"
    CIRCUMSTANCES_CHANGED = "circumstances_changed"
    YOUTH_GUARANTEE_INFORMED = "youth_guarantee_informed"
    REJECTED = "rejected"
    REDIRECTED_TO_AF = "redirected_to_af"
    DESCRIBED = "described"
    UNIT_ASSIGNED = "unit_assigned"
    OWNER_ASSIGNED = "owner_assigned"
    TRACK_DECIDED = "track_decided"
    SWITCH_NOTIFIED = "switch_notified"
    # the work itself
    ACTIVITY_PLANNED = "activity_planned"
    ACTIVITY_HELD = "activity_held"
    ACTIVITY_ENDED = "activity_ended"
    GROUP_ATTENDANCE = "group_attendance"
    JOB_SEARCH_RESTRICTED = "job_search_restricted"
    PLACEMENT_STEP = "placement_step"
    ADAPTATION_AGREED = "adaptation_agreed"
    AGREEMENT_SERVED = "agreement_served"
    OFFER_MADE = "offer_made"
    INTEREST_EXPRESSED = "interest_expressed"
    OBSTACLE_FOUND = "obstacle_found"
    REASSESSED = "reassessed"
    DEVIATION_REVIEWED = "deviation_reviewed"
    SUBSIDY_STEP = "subsidy_step"
    REPRESENTED = "represented"
    CHECK_IN = "check_in"
    PROGRESS_STEP = "progress_step"
    OTHER_ACTOR = "other_actor"
    CONSENT_GIVEN = "consent_given"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    COORDINATOR_REQUESTED = "coordinator_requested"
    COORDINATOR_BROKERED = "coordinator_brokered"
    COORDINATOR_INFORMED = "coordinator_informed"
    ABSENCE_REPORTED = "absence_reported"
    PLAN_BROKEN = "plan_broken"
    SIDE_TRACK_CHOSEN = "side_track_chosen"
    BENEFIT_BASIS = "benefit_basis"
    COMMISSIONER_REPLIED = "commissioner_replied"
    WAITING_FOR_AF = "waiting_for_af"
    AF_ANSWERED = "af_answered"
    NOTE = "note"
    # exit and after
    TRIAL_CALCULATED = "trial_calculated"
    NOT_RESUMED = "not_resumed"
    CLOSED = "closed"
    SUPPORT_AFTER_EXIT = "support_after_exit"


class ExitKind(StrEnum):
    """Kinds of exit (rulebook matrix 2.10)."""

    WORK_FULL_TIME = "WORK_FULL_TIME"
    WORK_HOURLY_FULL_TIME = "WORK_HOURLY_FULL_TIME"
    WORK_MIN_HALF_TIME = "WORK_MIN_HALF_TIME"
    WORK_UNDER_HALF_TIME = "WORK_UNDER_HALF_TIME"
    STUDY_FULL_TIME = "STUDY_FULL_TIME"
    STUDY_START_SUPPORT_FULL_TIME = "STUDY_START_SUPPORT_FULL_TIME"
    STUDY_START_SUPPORT_PART_TIME = "STUDY_START_SUPPORT_PART_TIME"
    STUDY_MIN_HALF_TIME = "STUDY_MIN_HALF_TIME"
    STUDY_UNDER_HALF_TIME = "STUDY_UNDER_HALF_TIME"
    OWN_BUSINESS = "OWN_BUSINESS"
    BENEFIT_TEMPORARY = "BENEFIT_TEMPORARY"
    BENEFIT_OTHER_PUBLIC = "BENEFIT_OTHER_PUBLIC"
    OTHER_INTERVENTION = "OTHER_INTERVENTION"
    PERIOD_ENDED = "PERIOD_ENDED"
    DISCONTINUED = "DISCONTINUED"


class Document(StrEnum):
    """Documents that an exit or a claim can carry (format reading 1)."""

    FINAL_REPORT = "FINAL_REPORT"
    EMPLOYMENT_CONTRACT = "EMPLOYMENT_CONTRACT"
    EMPLOYMENT_CERTIFICATE = "EMPLOYMENT_CERTIFICATE"
    STUDY_CERTIFICATE = "STUDY_CERTIFICATE"
    CSN_GRANT = "CSN_GRANT"
    HOUSEHOLD_INCOME_PROOF = "HOUSEHOLD_INCOME_PROOF"
    TRIAL_CALCULATION = "TRIAL_CALCULATION"


class EmploymentForm(StrEnum):
    """Forms of employment, an open list in the source (AMI-9-i); none changes the amount."""

    ORDINARY = "ORDINARY"
    NEW_START_JOB = "NEW_START_JOB"
    INTRODUCTION_JOB = "INTRODUCTION_JOB"
    SHELTERED_PUBLIC = "SHELTERED_PUBLIC"
    OTHER = "OTHER"


class Channel(StrEnum):
    """How a contact took place (AMI-3-b)."""

    IN_PERSON = "IN_PERSON"
    PHONE = "PHONE"
    VIDEO = "VIDEO"
    OTHER = "OTHER"


class Party(StrEnum):
    """With whom a contact was held (AMI-3-a, AMI-7.3-d)."""

    CLIENT = "CLIENT"
    WORKPLACE = "WORKPLACE"


class Signatory(StrEnum):
    """Who signs the tripartite agreement (AMI-6.3.1-a)."""

    CLIENT = "CLIENT"
    PROVIDER = "PROVIDER"
    EMPLOYER = "EMPLOYER"


class Offer(StrEnum):
    """What a client can decline (AMI-3.2.1-c)."""

    WORK = "WORK"
    PRACTICE = "PRACTICE"
    WORK_TRAINING = "WORK_TRAINING"


class BenefitScope(StrEnum):
    """To whom financial assistance was paid (AMB-20)."""

    CLIENT = "CLIENT"
    HOUSEHOLD = "HOUSEHOLD"


class DecisionAbout(StrEnum):
    """What a person decides by `manual_decision`."""

    BONUS = "BONUS"
    BOUNDARY = "BOUNDARY"
    SWITCH = "SWITCH"
    OVERRIDE_AF_REGISTRATION = "OVERRIDE_AF_REGISTRATION"
    OVERRIDE_AF_CHECK = "OVERRIDE_AF_CHECK"
    OVERRIDE_ASSESSMENT = "OVERRIDE_ASSESSMENT"


class MeetingKind(StrEnum):
    """Kinds of meeting (rulebook 8.2)."""

    START_UP = "START_UP"
    FOLLOWUP_AMI1_D45 = "FOLLOWUP_AMI1_D45"
    FOLLOWUP_AMI2_M3 = "FOLLOWUP_AMI2_M3"
    FOLLOWUP_AMI2_M6 = "FOLLOWUP_AMI2_M6"
    FOLLOWUP_AMI2_M9 = "FOLLOWUP_AMI2_M9"
    FOLLOWUP_AMI2_M12 = "FOLLOWUP_AMI2_M12"
    THREE_PARTY_DECLINED_OFFER = "THREE_PARTY_DECLINED_OFFER"
    THREE_PARTY_EXTRA = "THREE_PARTY_EXTRA"
    ASSESSMENT = "ASSESSMENT"
    FORUM = "FORUM"
    WEEKLY_CONTACT = "WEEKLY_CONTACT"
    STUDY_GUIDANCE = "STUDY_GUIDANCE"
    AF_COORDINATOR = "AF_COORDINATOR"
    BIP = "BIP"
    SYV = "SYV"
    GROUP_SESSION = "GROUP_SESSION"


class MeetingState(StrEnum):
    """States of a meeting (rulebook 8.2). REASSIGNED: another provider has taken over, with a meeting of its own."""

    DUE = "DUE"
    DUE_OVERDUE = "DUE_OVERDUE"
    BOOKED = "BOOKED"
    HELD = "HELD"
    MISSED = "MISSED"
    OVERDUE = "OVERDUE"
    CANCELLED = "CANCELLED"
    REASSIGNED = "REASSIGNED"


class MeetingMode(StrEnum):
    """How a meeting is held. Only IN_PERSON needs a place and a room."""

    IN_PERSON = "IN_PERSON"
    VIDEO = "VIDEO"
    PHONE = "PHONE"


class MeetingParty(StrEnum):
    """In which role somebody takes part in a meeting (AMI-7.2-b, AMI-2.2-a, LOKA-14)."""

    CLIENT = "CLIENT"
    CAREER_GUIDE = "CAREER_GUIDE"
    PROVIDER = "PROVIDER"
    EMPLOYER = "EMPLOYER"
    AF_COORDINATOR = "AF_COORDINATOR"
    INTERPRETER = "INTERPRETER"
    OTHER = "OTHER"


class PartyResponse(StrEnum):
    """What a party has answered to an invitation (RFC 5545, PARTSTAT)."""

    NEEDS_ACTION = "NEEDS_ACTION"
    ACCEPTED = "ACCEPTED"
    TENTATIVE = "TENTATIVE"
    DECLINED = "DECLINED"


class MeetingOutcome(StrEnum):
    """What a follow-up came to (AMI-7.2-b)."""

    ON_TRACK = "ON_TRACK"
    NOT_ON_TRACK = "NOT_ON_TRACK"
    OTHER = "OTHER"


class MeetingMeasure(StrEnum):
    """What is to be done if a client is not on track (AMI-7.2-b, AMI-8.1-e)."""

    ADJUST_PLAN = "ADJUST_PLAN"
    EXTRA_MEETING = "EXTRA_MEETING"
    NEW_ASSESSMENT = "NEW_ASSESSMENT"
    MORE_PRACTICE = "MORE_PRACTICE"
    OTHER = "OTHER"


class CancelReason(StrEnum):
    """Why a meeting is not to be (SM-M8, or somebody's decision)."""

    ASSIGNMENT_ENDED = "ASSIGNMENT_ENDED"
    PROVIDER_SWITCHED = "PROVIDER_SWITCHED"
    NO_LONGER_NEEDED = "NO_LONGER_NEEDED"
    CLIENT_CANNOT = "CLIENT_CANNOT"
    STAFF_CANNOT = "STAFF_CANNOT"
    OTHER = "OTHER"


class PlanSolver(StrEnum):
    """How a plan is made. GREEDY: each meeting in turn, by its last day, gets the first time that is left."""

    SOLVER = "SOLVER"
    GREEDY = "GREEDY"


class PlanState(StrEnum):
    """States of a plan of many meetings. EXPIRED: its last day has gone, or a newer one of the team has been made."""

    REQUESTED = "REQUESTED"
    RUNNING = "RUNNING"
    PROPOSED = "PROPOSED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class PlanRowState(StrEnum):
    """What became of a meeting of a plan. REFUSED: no longer possible when it was accepted. REJECTED: not wanted."""

    PROPOSED = "PROPOSED"
    BOOKED = "BOOKED"
    REFUSED = "REFUSED"
    REJECTED = "REJECTED"
    NOT_PLACED = "NOT_PLACED"


class PlanReason(StrEnum):
    """What stands against a meeting that a plan has no time for; the first of these that does."""

    PROTECTED = "PROTECTED"
    WINDOW_PAST = "WINDOW_PAST"
    WINDOW_TOO_SHORT = "WINDOW_TOO_SHORT"
    NO_STAFF = "NO_STAFF"
    NO_COMMON_HOURS = "NO_COMMON_HOURS"
    CLIENT_UNAVAILABLE = "CLIENT_UNAVAILABLE"
    GUIDE_FULL = "GUIDE_FULL"
    NO_INTERPRETER = "NO_INTERPRETER"
    ROOMS_TAKEN = "ROOMS_TAKEN"
    CROWDED_OUT = "CROWDED_OUT"


class PlanFailure(StrEnum):
    """Why a plan could not be made."""

    TIMED_OUT = "TIMED_OUT"
    DIED = "DIED"
    BROKEN_OUTPUT = "BROKEN_OUTPUT"
    UNSOUND = "UNSOUND"
    GAVE_UP = "GAVE_UP"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class CalendarFeed(StrEnum):
    """Whose calendar can be subscribed to: a caller's own, a provider's whole one, a client's."""

    OWN = "OWN"
    PROVIDER = "PROVIDER"
    CLIENT = "CLIENT"


class InvitationMethod(StrEnum):
    """What an invitation asks of a calendar (RFC 5546). A REQUEST with a higher SEQUENCE changes an earlier one."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class WorkloadPeriod(StrEnum):
    """Where something stands in a workload: in one of the weeks looked at, before or after them, or without a day."""

    EARLIER = "EARLIER"
    WEEK = "WEEK"
    LATER = "LATER"
    UNDATED = "UNDATED"


class WorkloadSubject(StrEnum):
    """What a workload counts: obligations by state, meetings that nobody has booked, minutes of staff."""

    OBLIGATION = "OBLIGATION"
    MEETING = "MEETING"
    MINUTES = "MINUTES"


class WorkloadMinutes(StrEnum):
    """Minutes of staff in a week: what there is, and what it is needed for."""

    CAPACITY = "CAPACITY"
    BOOKED = "BOOKED"
    UNBOOKED = "UNBOOKED"
    EXPECTED = "EXPECTED"
    CONTACTS = "CONTACTS"


class BookingRefusal(StrEnum):
    """Why a meeting is not booked, rebooked, held or missed (`code` of the error)."""

    UNKNOWN_ZONE = "UNKNOWN_ZONE"
    NO_SUCH_TIME = "NO_SUCH_TIME"
    AMBIGUOUS_TIME = "AMBIGUOUS_TIME"
    EMPTY = "EMPTY"
    NEGATIVE = "NEGATIVE"
    TOO_LONG = "TOO_LONG"
    IN_THE_PAST = "IN_THE_PAST"
    TOO_FAR_AHEAD = "TOO_FAR_AHEAD"
    PARTY_MISSING = "PARTY_MISSING"
    WRONG_PARTY = "WRONG_PARTY"
    WRONG_PROGRAMME = "WRONG_PROGRAMME"
    UNKNOWN_RESOURCE = "UNKNOWN_RESOURCE"
    PLACE_MISSING = "PLACE_MISSING"
    PLACE_NOT_WANTED = "PLACE_NOT_WANTED"
    NOT_IN_PERSON = "NOT_IN_PERSON"
    NOT_INDIVIDUAL = "NOT_INDIVIDUAL"
    NOT_IN_PREMISES = "NOT_IN_PREMISES"
    LANGUAGE_NOT_MET = "LANGUAGE_NOT_MET"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    NOT_REACHABLE = "NOT_REACHABLE"
    ROOM_TOO_SMALL = "ROOM_TOO_SMALL"
    ALREADY_TAKEN = "ALREADY_TAKEN"
    HOLIDAY = "HOLIDAY"
    MEETING_STATE = "MEETING_STATE"
    NOT_A_GROUP = "NOT_A_GROUP"
    ENDED = "ENDED"
    OTHER_PROVIDERS_CLIENT = "OTHER_PROVIDERS_CLIENT"
    MANDATORY_ABSENT = "MANDATORY_ABSENT"
    NOBODY_ABSENT = "NOBODY_ABSENT"
    OUTCOME_MISSING = "OUTCOME_MISSING"
    MEASURE_MISSING = "MEASURE_MISSING"
    NOT_YET = "NOT_YET"
    NO_BUSINESS_DATE = "NO_BUSINESS_DATE"


class ResourceKind(StrEnum):
    """What can be claimed for an hour. Clients are claimed too, by an opaque id of their own."""

    STAFF = "STAFF"
    ROOM = "ROOM"
    INTERPRETER = "INTERPRETER"


class SlotReason(StrEnum):
    """What speaks for or against a time that is proposed. Some come with a number: of days, minutes, persons, seats."""

    ON_TARGET_DAY = "ON_TARGET_DAY"
    DAYS_BEFORE_TARGET = "DAYS_BEFORE_TARGET"
    DAYS_AFTER_TARGET = "DAYS_AFTER_TARGET"
    LAST_IN_TIME = "LAST_IN_TIME"
    DAYS_LATE = "DAYS_LATE"
    ALL_OPTIONAL = "ALL_OPTIONAL"
    OPTIONAL_MISSING = "OPTIONAL_MISSING"
    NO_TRAVEL = "NO_TRAVEL"
    TRAVEL_MINUTES = "TRAVEL_MINUTES"
    OWN_LANGUAGE = "OWN_LANGUAGE"
    INTERPRETER = "INTERPRETER"
    NO_SPLIT = "NO_SPLIT"
    ROOM_FITS = "ROOM_FITS"
    SPARE_SEATS = "SPARE_SEATS"
    LEAST_LOADED = "LEAST_LOADED"


class SlotObstacle(StrEnum):
    """What stands against every time that was looked at."""

    WINDOW_PAST = "WINDOW_PAST"
    WINDOW_TOO_SHORT = "WINDOW_TOO_SHORT"
    NO_WORKING_DAY = "NO_WORKING_DAY"
    NOBODY = "NOBODY"
    NO_COMMON_HOURS = "NO_COMMON_HOURS"
    NO_COMMON_TIME = "NO_COMMON_TIME"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    TAKEN = "TAKEN"
    TRAVEL = "TRAVEL"
    CAPACITY_REACHED = "CAPACITY_REACHED"
    NO_INTERPRETER = "NO_INTERPRETER"
    ROOM_TOO_SMALL = "ROOM_TOO_SMALL"
    ROOM_TAKEN = "ROOM_TAKEN"


class LineKind(StrEnum):
    """Kinds of billing line. Three programmes have three different speed premiums (rulebook section 1)."""

    MONTHLY_FEE = "MONTHLY_FEE"
    SPEED_PREMIUM = "SPEED_PREMIUM"
    RESULT_BONUS = "RESULT_BONUS"
    BASE = "BASE"
    RESULT = "RESULT"
    SOM_SPEED_PREMIUM = "SOM_SPEED_PREMIUM"
    RUM_SPEED_PREMIUM = "RUM_SPEED_PREMIUM"

    @property
    @rule("NACKA-10")
    def component(self) -> Component:
        """Base or result, which are kept apart: what is paid for time in the intervention, or for how it ended."""
        base = self in (LineKind.MONTHLY_FEE, LineKind.BASE)
        return Component.BASE if base else Component.RESULT


class Component(StrEnum):
    """The two parts of compensation (NACKA-10)."""

    BASE = "BASE"
    RESULT = "RESULT"


class Direction(StrEnum):
    """Who pays whom: the municipality a provider, or the employment service the municipality as its supplier."""

    PAYABLE = "PAYABLE"
    RECEIVABLE = "RECEIVABLE"


class QuestionKind(StrEnum):
    """What is reckoned in the background about money: a draft over the real history, or a year to come."""

    WHAT_IF = "WHAT_IF"
    FORECAST = "FORECAST"


class QuestionState(StrEnum):
    """How far a question has come."""

    REQUESTED = "REQUESTED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class ForecastBasis(StrEnum):
    """Where the expected amount of a forecast comes from: what became of earlier assignments, or, where those are too
    few, half-way between the least and the most.
    """

    HISTORY = "HISTORY"
    MIDPOINT = "MIDPOINT"


class LineStatus(StrEnum):
    """What stands between a line and its payment (rulebook 8.4, 8.5)."""

    PLANNED = "PLANNED"
    PAYABLE = "PAYABLE"
    ON_HOLD = "ON_HOLD"
    MANUAL = "MANUAL"
    STOPPED = "STOPPED"
    REFUSED = "REFUSED"


class PaymentAct(StrEnum):
    """What is done with a payment of ledger entries."""

    PROPOSED = "PROPOSED"
    CHECKED = "CHECKED"
    ATTESTED = "ATTESTED"
    APPROVED = "APPROVED"
    DISPUTED = "DISPUTED"
    HELD = "HELD"
    FREED = "FREED"
    PARKED = "PARKED"
    RESUMED = "RESUMED"
    WITHDRAWN = "WITHDRAWN"
    RELEASED = "RELEASED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    REJECTED = "REJECTED"
    RECONCILED = "RECONCILED"


class PaymentState(StrEnum):
    """What a payment stands at. ATTESTED: by two persons. REJECTED: released, and refused by the accounting system."""

    PROPOSED = "PROPOSED"
    CHECKED = "CHECKED"
    ATTESTED = "ATTESTED"
    APPROVED = "APPROVED"
    HELD = "HELD"
    PARKED = "PARKED"
    DISPUTED = "DISPUTED"
    WITHDRAWN = "WITHDRAWN"
    RELEASED = "RELEASED"
    REJECTED = "REJECTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RECONCILED = "RECONCILED"


class PaymentOutcome(StrEnum):
    """What the accounting system did with a released payment."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"


class HoldReason(StrEnum):
    """Why something is not paid for the time being."""

    FACTS_IN_DOUBT = "FACTS_IN_DOUBT"
    PROVIDER_DISAGREES = "PROVIDER_DISAGREES"
    UNDER_REVIEW = "UNDER_REVIEW"
    LEGAL = "LEGAL"
    DUPLICATE_CLAIM = "DUPLICATE_CLAIM"
    OTHER = "OTHER"


class RunProblem(StrEnum):
    """Why a run could post nothing for an assignment."""

    NO_TARIFF = "NO_TARIFF"
    AMOUNT_OUT_OF_RANGE = "AMOUNT_OUT_OF_RANGE"
    NOT_COMPUTED = "NOT_COMPUTED"
    NOT_POSTED = "NOT_POSTED"


class BalancePart(StrEnum):
    """What a balance of the ledger consists of.

    FREE: entries on no payment. FREE_HELD: those of them that a hold keeps back. The others: what stands on payments,
    by what they stand at. POSTED and TAKEN_BACK: entries of a cost or a revenue. UNEXPLAINED: what ought not to be.
    """

    POSTED = "POSTED"
    TAKEN_BACK = "TAKEN_BACK"
    FREE = "FREE"
    FREE_HELD = "FREE_HELD"
    PROPOSED = "PROPOSED"
    CHECKED = "CHECKED"
    ATTESTED = "ATTESTED"
    APPROVED = "APPROVED"
    HELD = "HELD"
    PARKED = "PARKED"
    DISPUTED = "DISPUTED"
    RELEASED = "RELEASED"
    REJECTED = "REJECTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RECONCILED = "RECONCILED"
    UNEXPLAINED = "UNEXPLAINED"


class MoneyState(StrEnum):
    """Where a month, a premium month or a bonus stands (rulebook 8.4 and 8.5)."""

    # ordinary months: SM-P1..P4
    ACCRUING = "ACCRUING"
    PAYABLE = "PAYABLE"
    PAID = "PAID"
    CORRECTED = "CORRECTED"
    # premium months besides: SM-P5..P11
    PLANNED = "PLANNED"
    ON_HOLD = "ON_HOLD"
    STOPPED = "STOPPED"
    # bonuses: SM-B1..B10
    CLOCK_RUNNING = "CLOCK_RUNNING"
    FORFEITED = "FORFEITED"
    BLOCKED = "BLOCKED"
    CLAIMABLE = "CLAIMABLE"
    SUPPLEMENT_REQUESTED = "SUPPLEMENT_REQUESTED"
    CLAIMED = "CLAIMED"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


class QuestionCode(StrEnum):
    """What a person must decide before money goes out."""

    BOUNDARY = "BOUNDARY"
    HALF_TIME_STUDIES = "HALF_TIME_STUDIES"
    OWN_BUSINESS = "OWN_BUSINESS"
    LATER_START = "LATER_START"
    CHANGED_WORKPLACE = "CHANGED_WORKPLACE"
    OTHER_LENGTH = "OTHER_LENGTH"
    DUPLICATE_CLAIM = "DUPLICATE_CLAIM"


class OverlapGround(StrEnum):
    """Why two bonus claims of one person may be about the same thing."""

    SIX_MONTHS = "SIX_MONTHS"
    WORKPLACE = "WORKPLACE"


class AssistanceScope(StrEnum):
    """Whose financial assistance stands against a bonus; WAIVED: nobody's."""

    CLIENT = "CLIENT"
    HOUSEHOLD = "HOUSEHOLD"
    WAIVED = "WAIVED"


class ObligationKind(StrEnum):
    """Kinds of obligation with a due day (rules tagged DEADLINE). New ones go to the end: notices count by place."""

    MAPPING_AND_PLAN = "MAPPING_AND_PLAN"
    STUDY_GUIDANCE = "STUDY_GUIDANCE"
    WEEKLY_CONTACT = "WEEKLY_CONTACT"
    JOB_SEARCH_QUOTA = "JOB_SEARCH_QUOTA"
    PLACEMENT = "PLACEMENT"
    FOLLOWUP_MEETING = "FOLLOWUP_MEETING"
    THREE_PARTY_MEETING = "THREE_PARTY_MEETING"
    MONTHLY_REPORT = "MONTHLY_REPORT"
    FINAL_REPORT = "FINAL_REPORT"
    BIP_ASSESSMENT = "BIP_ASSESSMENT"
    PREMIUM_FOLLOW_UP = "PREMIUM_FOLLOW_UP"
    BONUS_CLAIM = "BONUS_CLAIM"
    WORKPLACE_FOLLOW_UP = "WORKPLACE_FOLLOW_UP"
    SERVE_TRIPARTITE_AGREEMENT = "SERVE_TRIPARTITE_AGREEMENT"
    PROMPT_NOTICE = "PROMPT_NOTICE"
    WEEKLY_MINIMUM = "WEEKLY_MINIMUM"
    SYV = "SYV"
    BOOK_MEETING = "BOOK_MEETING"
    PERIOD_END = "PERIOD_END"
    PRACTICE_CONTACT = "PRACTICE_CONTACT"
    AGREEMENT_CHANGE = "AGREEMENT_CHANGE"
    PLANNED_HOURS = "PLANNED_HOURS"
    SWITCH_NOTICE = "SWITCH_NOTICE"
    PLACEMENT_FOLLOW_UP = "PLACEMENT_FOLLOW_UP"
    CHECK_IN = "CHECK_IN"
    GROUP_SESSION = "GROUP_SESSION"
    COMMISSION_REPLY = "COMMISSION_REPLY"
    INTEREST_FOLLOW_UP = "INTEREST_FOLLOW_UP"
    SUPERVISION = "SUPERVISION"


class ObligationState(StrEnum):
    """Where an obligation stands (format: `due` plus tolerance)."""

    OPEN = "OPEN"
    MET = "MET"
    OVERDUE = "OVERDUE"
    CANCELLED = "CANCELLED"


class Role(StrEnum):
    """Who answers for an obligation, or receives a notice."""

    CLIENT = "CLIENT"
    PROVIDER = "PROVIDER"
    CAREER_GUIDE = "CAREER_GUIDE"
    CONTROLLER = "CONTROLLER"
    TEAM_MANAGER = "TEAM_MANAGER"


class NoticeKind(StrEnum):
    """What a notice is about; `data/notices.toml` says who is told, how and why."""

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
    # beyond the kinds that the caseload format shows
    OBLIGATION_ESCALATED = "OBLIGATION_ESCALATED"
    CHOOSE_ANEW = "CHOOSE_ANEW"
    MEETING_MOVED = "MEETING_MOVED"
    MEETING_CANCELLED = "MEETING_CANCELLED"
    MEETING_SOON = "MEETING_SOON"
    MEETING_DECLINED = "MEETING_DECLINED"
    MEETING_OVERDUE = "MEETING_OVERDUE"
    COORDINATOR_REQUESTED = "COORDINATOR_REQUESTED"
    COORDINATOR_TO_INFORM = "COORDINATOR_TO_INFORM"
    OBSTACLE_FOUND = "OBSTACLE_FOUND"
    PLAN_BROKEN = "PLAN_BROKEN"
    SUBSIDY_STEP = "SUBSIDY_STEP"
    AGREEMENT_CHANGED = "AGREEMENT_CHANGED"
    ABSENCE_TO_REPORT = "ABSENCE_TO_REPORT"
    REPORT_RETURNED = "REPORT_RETURNED"
    PAYMENT_PARKED = "PAYMENT_PARKED"
    PAYMENT_DISPUTED = "PAYMENT_DISPUTED"
    PAYMENT_TO_APPROVE = "PAYMENT_TO_APPROVE"
    ASSIGNMENT_PARKED = "ASSIGNMENT_PARKED"
    CLAIMS_OVERLAP = "CLAIMS_OVERLAP"
    EVIDENCE_REUSED = "EVIDENCE_REUSED"
    SUPERVISION_DUE_SOON = "SUPERVISION_DUE_SOON"
    SUPERVISION_OVERDUE = "SUPERVISION_OVERDUE"
    PROVIDER_REVIEW = "PROVIDER_REVIEW"
    PROVIDER_IDLE = "PROVIDER_IDLE"
    AUTHORISATION_ENDS = "AUTHORISATION_ENDS"
    FOLLOW_UP_MISSING = "FOLLOW_UP_MISSING"
    AF_REGISTRATION_MISSING = "AF_REGISTRATION_MISSING"
    AF_REPORT_NOT_APPROVED = "AF_REPORT_NOT_APPROVED"
    AF_REPORT_LATE = "AF_REPORT_LATE"


class SubjectKind(StrEnum):
    """What a notice is about: whose id it carries."""

    ASSIGNMENT = "ASSIGNMENT"
    PROVIDER = "PROVIDER"
    PAYMENT = "PAYMENT"


class Urgency(StrEnum):
    """How soon a notice has to be seen. AT_ONCE waits for nothing that a person has not asked for; DIGEST can wait."""

    AT_ONCE = "AT_ONCE"
    NORMAL = "NORMAL"
    DIGEST = "DIGEST"


class DeliveryChannel(StrEnum):
    """By which way a message goes out."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    DIGITAL_MAIL = "DIGITAL_MAIL"
    WEBHOOK = "WEBHOOK"
    INBOX = "INBOX"

    @property
    def is_open(self) -> bool:
        """Others may read along: nothing goes that way that says what it is about."""
        return self in (DeliveryChannel.EMAIL, DeliveryChannel.SMS)


class MessageState(StrEnum):
    """Of the message of a notice. BY_HAND: a person has to tell it, TOLD: has done so; FAILED: by no way."""

    PENDING = "PENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    BY_HAND = "BY_HAND"
    TOLD = "TOLD"
    FAILED = "FAILED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"


class Wait(StrEnum):
    """Why a message that is pending is not on its way."""

    QUIET_HOURS = "QUIET_HOURS"
    DIGEST = "DIGEST"
    RATE = "RATE"
    RETRY = "RETRY"
    AWAY = "AWAY"


class WithdrawReason(StrEnum):
    """Why a message is not sent: its reason was taken back, or what it asks for has come about, or it is too old."""

    SUPERSEDED = "SUPERSEDED"
    OVERTAKEN = "OVERTAKEN"
    LAPSED = "LAPSED"


class ByHandReason(StrEnum):
    """Why a person has to tell somebody."""

    PROTECTED = "PROTECTED"
    NO_ADDRESS = "NO_ADDRESS"
    REFUSED_ALL = "REFUSED_ALL"
    UNDELIVERABLE = "UNDELIVERABLE"


class AttemptOutcome(StrEnum):
    """Of one attempt to hand over. UNKNOWN: the process ended before it could say."""

    BEGUN = "BEGUN"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    NOT_NOW = "NOT_NOW"
    UNREACHABLE = "UNREACHABLE"
    UNKNOWN = "UNKNOWN"


class ReceiptStatus(StrEnum):
    """What the other side says of something handed over."""

    DELIVERED = "DELIVERED"
    DELAYED = "DELAYED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"


class InboxScope(StrEnum):
    """Which notices of an inbox. MINE: of the cases that the reader holds, and of those that nobody holds."""

    MINE = "MINE"
    ALL = "ALL"


class InboxOrder(StrEnum):
    """What comes first in an inbox."""

    NEWEST = "NEWEST"
    MOST_URGENT = "MOST_URGENT"


class NoticeStanding(StrEnum):
    """Whether a notice still says what is so. OVERTAKEN: what it asks for has come about; TAKEN_BACK: it was not so."""

    STANDS = "STANDS"
    OVERTAKEN = "OVERTAKEN"
    TAKEN_BACK = "TAKEN_BACK"


class ToldBy(StrEnum):
    """How a person told somebody what could not be sent."""

    PHONE = "PHONE"
    LETTER = "LETTER"
    MEETING = "MEETING"
    OTHER = "OTHER"


class DispatchState(StrEnum):
    """Of what leaves by a channel. READY and SENDING: still to be taken by it."""

    READY = "READY"
    SENDING = "SENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    BOUNCED = "BOUNCED"
    FAILED = "FAILED"
    WITHDRAWN = "WITHDRAWN"


class MessagesBy(StrEnum):
    """The stretches of time by which messages are counted."""

    DAY = "DAY"
    MONTH = "MONTH"


class AssignmentState(StrEnum):
    """States of an assignment (rulebook 8.1)."""

    REFERRED = "REFERRED"
    IN_PREPARATION = "IN_PREPARATION"
    IN_ASSESSMENT = "IN_ASSESSMENT"
    DECIDED = "DECIDED"
    AWAITING_CHOICE = "AWAITING_CHOICE"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    ACTIVE = "ACTIVE"
    REASSESSMENT = "REASSESSMENT"
    SWITCHING = "SWITCHING"
    EXITED_PENDING_REVIEW = "EXITED_PENDING_REVIEW"
    SUSTAINABILITY = "SUSTAINABILITY"
    BROKEN_OFF = "BROKEN_OFF"
    SETTLED = "SETTLED"
    CLOSED = "CLOSED"
    REJECTED = "REJECTED"
    REDIRECTED_TO_AF = "REDIRECTED_TO_AF"


class TargetGroup(StrEnum):
    """The four target groups of AMI (AMI-1.3-b..e)."""

    RESIDENT_ON_EB = "RESIDENT_ON_EB"
    KAA_YOUTH = "KAA_YOUTH"
    YOUNG_ADULT = "YOUNG_ADULT"
    AFTER_ESTABLISHMENT = "AFTER_ESTABLISHMENT"


class ReferralSource(StrEnum):
    """Where a client comes from (LOKA-4, `REFERRAL_SOURCE`)."""

    EB = "EB"
    AF = "AF"
    AF_JOB = "AF_JOB"
    FK = "FK"
    PROJECT = "PROJECT"
    SELF = "SELF"
    KAA = "KAA"
    OTHER = "OTHER"


class Financier(StrEnum):
    """Who pays for a project that refers clients (LOKA-4)."""

    COORDINATION_ASSOCIATION = "COORDINATION_ASSOCIATION"
    COUNTY_BOARD = "COUNTY_BOARD"
    ESF = "ESF"
    OTHER = "OTHER"


class Actor(StrEnum):
    """Authorities and others around a client (NACKA-25, LOKA-34, LOKA-45, AMI-8.1-a)."""

    AF = "AF"
    FK = "FK"
    MUNICIPALITY = "MUNICIPALITY"
    REGION = "REGION"
    HEALTH_CARE = "HEALTH_CARE"
    SOCIAL_SERVICES = "SOCIAL_SERVICES"
    PROBATION = "PROBATION"
    MIGRATION_AGENCY = "MIGRATION_AGENCY"
    ADULT_EDUCATION = "ADULT_EDUCATION"
    HOUSING_SUPPORT = "HOUSING_SUPPORT"
    ADDICTION_CARE = "ADDICTION_CARE"
    UNEMPLOYMENT_FUND = "UNEMPLOYMENT_FUND"
    EMPLOYER = "EMPLOYER"
    OTHER = "OTHER"


class CommissionedService(StrEnum):
    """Services that another authority commissions by name (LOKA-6)."""

    AF_STRENGTHENED_WORK_TRAINING = "AF_STRENGTHENED_WORK_TRAINING"


class ParticipationGround(StrEnum):
    """On which legal ground somebody takes part (LOKA-63)."""

    LABOUR_MARKET = "LABOUR_MARKET"
    MEANINGFUL_OCCUPATION = "MEANINGFUL_OCCUPATION"


class ForumParty(StrEnum):
    """Who prepares an assignment together (LOKA-14, LOKA-15)."""

    EB = "EB"
    LABOUR_MARKET_UNIT = "LABOUR_MARKET_UNIT"
    PLANNING_AND_FOLLOWUP_UNIT = "PLANNING_AND_FOLLOWUP_UNIT"
    AF = "AF"
    FK = "FK"
    HEALTH_CARE = "HEALTH_CARE"
    SOCIAL_SERVICES = "SOCIAL_SERVICES"


class Need(StrEnum):
    """What a client needs in order to become self-supporting (AMI-1.1-a)."""

    WORK_TRAINING = "WORK_TRAINING"
    GUIDANCE = "GUIDANCE"
    COMPETENCE = "COMPETENCE"
    COORDINATED_INTERVENTIONS = "COORDINATED_INTERVENTIONS"
    LANGUAGE = "LANGUAGE"
    OTHER = "OTHER"


class Obstacle(StrEnum):
    """Complex needs beside unemployment (LOKA-11). Sensitive: stays in the assignment service."""

    MENTAL_HEALTH = "MENTAL_HEALTH"
    PHYSICAL_HEALTH = "PHYSICAL_HEALTH"
    COGNITIVE = "COGNITIVE"
    SOCIAL_NETWORK = "SOCIAL_NETWORK"
    LIMITED_SWEDISH = "LIMITED_SWEDISH"
    LONG_TERM_SICK = "LONG_TERM_SICK"


class RiskGroup(StrEnum):
    """Groups at risk of a weak position on the labour market (AF-GEN-2): flags, not terms."""

    PRE_UPPER_SECONDARY_ONLY = "PRE_UPPER_SECONDARY_ONLY"
    YOUNG_DEFICIENT_EDUCATION = "YOUNG_DEFICIENT_EDUCATION"
    BORN_OUTSIDE_EUROPE = "BORN_OUTSIDE_EUROPE"
    DISABILITY = "DISABILITY"
    AGED_55_64 = "AGED_55_64"


class AfCheckResult(StrEnum):
    """What the check against the employment service's direct interventions showed (NACKA-4)."""

    NONE_SUITABLE = "NONE_SUITABLE"
    SUITABLE = "SUITABLE"


class RejectionReason(StrEnum):
    """Why an assignment ends before a decision (SM-A4)."""

    NOT_RELEVANT = "NOT_RELEVANT"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    LIFE_COORDINATION = "LIFE_COORDINATION"
    CLIENT_WITHDREW = "CLIENT_WITHDREW"
    MOVED_AWAY = "MOVED_AWAY"
    COMMISSION_CANCELLED = "COMMISSION_CANCELLED"


class ActivityCategory(StrEnum):
    """The five categories of intervention (LOKA-17)."""

    MAP_AND_ASSESS = "MAP_AND_ASSESS"
    COACH = "COACH"
    EQUIP = "EQUIP"
    COORDINATE = "COORDINATE"
    REPRESENT = "REPRESENT"


class LabourMarketTopic(StrEnum):
    """Labour-market knowledge: three groups, nine items, an open list in the source (AMI-5-a)."""

    SHORTAGE_OCCUPATIONS_AND_TRAINING = "SHORTAGE_OCCUPATIONS_AND_TRAINING"
    FORMS_OF_EMPLOYMENT = "FORMS_OF_EMPLOYMENT"
    UNEMPLOYMENT_FUND_AND_UNION = "UNEMPLOYMENT_FUND_AND_UNION"
    CV_AND_COVER_LETTER = "CV_AND_COVER_LETTER"
    WAYS_OF_APPLYING = "WAYS_OF_APPLYING"
    FINDING_VACANCIES = "FINDING_VACANCIES"
    INTERVIEW_TRAINING = "INTERVIEW_TRAINING"
    SIGNING_CONTRACTS = "SIGNING_CONTRACTS"
    REFERENCES = "REFERENCES"
    OTHER = "OTHER"


class GuidanceChannel(StrEnum):
    """Who gives the study guidance (AMI-4.2-b)."""

    OWN_COUNSELLOR = "OWN_COUNSELLOR"
    SCHOOL = "SCHOOL"
    MUNICIPAL_COUNSELLOR = "MUNICIPAL_COUNSELLOR"


class PlacementKind(StrEnum):
    """Kinds of placement (glossary)."""

    WORK_TRAINING = "WORK_TRAINING"
    PRACTICE = "PRACTICE"
    WORK_TRIAL = "WORK_TRIAL"


class PlacementStepKind(StrEnum):
    """What comes before a tripartite agreement, in this order (LOKA-35)."""

    IDENTIFIED = "IDENTIFIED"
    EMPLOYER_CONTACTED = "EMPLOYER_CONTACTED"
    VISIT_PLANNED = "VISIT_PLANNED"
    VISIT_HELD = "VISIT_HELD"
    BOTH_ASKED = "BOTH_ASKED"


class WorkplaceKind(StrEnum):
    """Kinds of workplace (LOKA-65, LOKA-66)."""

    ARENA = "ARENA"
    WORK_GROUP = "WORK_GROUP"
    EXTERNAL_MUNICIPAL = "EXTERNAL_MUNICIPAL"
    EXTERNAL_PRIVATE = "EXTERNAL_PRIVATE"
    EXTERNAL_CIVIL_SOCIETY = "EXTERNAL_CIVIL_SOCIETY"

    @property
    @rule("LOKA-66")
    def is_external(self) -> bool:
        """On the ordinary labour market, where employer and participant are both followed up."""
        return self not in (WorkplaceKind.ARENA, WorkplaceKind.WORK_GROUP)


class AttentionKind(StrEnum):
    """What a case worker should look at; each by the rule that its place in the code names."""

    AF_REGISTRATION_MISSING = "AF_REGISTRATION_MISSING"
    NEITHER_PLACEMENT_NOR_ACTIVITY = "NEITHER_PLACEMENT_NOR_ACTIVITY"
    PRACTICE_BEYOND_END = "PRACTICE_BEYOND_END"
    HIRING_NOT_INTENDED = "HIRING_NOT_INTENDED"
    PRACTICE_NOT_FOLLOWED_UP = "PRACTICE_NOT_FOLLOWED_UP"
    PRACTICE_NOT_JUDGED_NEEDED = "PRACTICE_NOT_JUDGED_NEEDED"
    NO_PLACEMENT_AND_NO_REASON = "NO_PLACEMENT_AND_NO_REASON"
    CHECK_IN_DUE = "CHECK_IN_DUE"
    PLACEMENT_FOLLOW_UP_DUE = "PLACEMENT_FOLLOW_UP_DUE"
    DEVIATION_TO_REVIEW = "DEVIATION_TO_REVIEW"
    COMMISSIONER_WAITS = "COMMISSIONER_WAITS"
    ASSISTANCE_WHILE_STUDYING = "ASSISTANCE_WHILE_STUDYING"
    MUST_CHOOSE_ANEW = "MUST_CHOOSE_ANEW"
    NOT_CHOSEN = "NOT_CHOSEN"
    WAITING_FOR_AF = "WAITING_FOR_AF"


class ReassessmentCause(StrEnum):
    """Why a new assessment is asked for (AMI-3.2-a, AMI-7-c)."""

    TOO_FEW_HOURS = "TOO_FEW_HOURS"
    OBSTACLE = "OBSTACLE"


class ReassessmentOutcome(StrEnum):
    """What a new assessment leads to (AMI-3.2-b)."""

    NO_CHANGE = "NO_CHANGE"
    COMPLEMENT = "COMPLEMENT"
    REPLACE = "REPLACE"


class DeviationOutcome(StrEnum):
    """What the career guide decides on a deviation from the step-up plan (AMI-8.1-e)."""

    WAIT_FOR_ORDINARY = "WAIT_FOR_ORDINARY"
    EXTRA_MEETING = "EXTRA_MEETING"


class SubsidyStepKind(StrEnum):
    """A wage-subsidy case, in this order; the code only where needed (LOKA-37)."""

    ENQUIRED = "ENQUIRED"
    BASIS_COLLECTED = "BASIS_COLLECTED"
    CODE_OBTAINED = "CODE_OBTAINED"
    AF_DECIDED = "AF_DECIDED"
    FOLLOWED_UP = "FOLLOWED_UP"
    REPORTED_TO_AF = "REPORTED_TO_AF"


class RepresentationManner(StrEnum):
    """From guiding to speaking for the person, which takes a mandate (LOKA-45)."""

    GUIDE = "GUIDE"
    ACCOMPANY = "ACCOMPANY"
    SPEAK_FOR = "SPEAK_FOR"


class ProgressKind(StrEnum):
    """Steps forward that are no exit (LOKA-50)."""

    CONFIDENCE = "CONFIDENCE"
    TRIES_NEW_THINGS = "TRIES_NEW_THINGS"
    MORE_HOURS = "MORE_HOURS"
    ARENA_TO_EXTERNAL = "ARENA_TO_EXTERNAL"
    TOWARDS_GOAL = "TOWARDS_GOAL"


class ConsentScope(StrEnum):
    """What a client consents to (AMI-2.1-a, LOKA-34, AMB-30)."""

    AF_OFFICER = "AF_OFFICER"
    AF_COORDINATOR = "AF_COORDINATOR"
    OTHER_ACTORS = "OTHER_ACTORS"


class LegalBasis(StrEnum):
    """On what it rests that something about a person is fetched, kept or passed on (AMB-30)."""

    CONSENT = "CONSENT"
    LEGAL_OBLIGATION = "LEGAL_OBLIGATION"
    PUBLIC_TASK = "PUBLIC_TASK"


class AbsenceCause(StrEnum):
    """Whether an absence has a reason that counts (NACKA-JP-3). EXCUSED is sickness as a rule; which reason it was is
    about health, so it is not asked.
    """

    EXCUSED = "EXCUSED"
    UNEXCUSED = "UNEXCUSED"


class PlanBrokenReason(StrEnum):
    """Why planning is recorded as broken (LOKA-30)."""

    JOB_SEARCH_TOO_NARROW = "JOB_SEARCH_TOO_NARROW"
    ABSENT = "ABSENT"
    DECLINED = "DECLINED"
    OTHER = "OTHER"


class ChoiceBy(StrEnum):
    """Who chose the provider: the client, or the employment service by its ranking (AF-SOM-24)."""

    CLIENT = "CLIENT"
    AF_RANKING = "AF_RANKING"


class RefusalCode(StrEnum):
    """Why a fact is not taken into effect (`code` of a rejection)."""

    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    AF_REGISTRATION_MISSING = "AF_REGISTRATION_MISSING"
    YOUTH_GUARANTEE_NOT_INFORMED = "YOUTH_GUARANTEE_NOT_INFORMED"
    BEFORE_RULESET = "BEFORE_RULESET"
    NO_TARIFF = "NO_TARIFF"
    PLAN_INCOMPLETE = "PLAN_INCOMPLETE"
    NOT_DECIDED = "NOT_DECIDED"
    ALREADY_DECIDED = "ALREADY_DECIDED"
    RESULTS_NOT_SHOWN = "RESULTS_NOT_SHOWN"
    PROVIDER_NOT_AUTHORISED = "PROVIDER_NOT_AUTHORISED"
    PROVIDER_NOT_CHOSEN = "PROVIDER_NOT_CHOSEN"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    ALREADY_STARTED = "ALREADY_STARTED"
    NOT_ACTIVE = "NOT_ACTIVE"
    NO_EXIT = "NO_EXIT"
    NO_BREAK_OFF = "NO_BREAK_OFF"
    AFTER_END = "AFTER_END"
    SWITCH_NOT_APPROVED = "SWITCH_NOT_APPROVED"
    AGREEMENT_INCOMPLETE = "AGREEMENT_INCOMPLETE"
    CLAIM_PREMATURE = "CLAIM_PREMATURE"
    ABOVE_MAXIMUM = "ABOVE_MAXIMUM"
    TOO_MANY_EXTENSIONS = "TOO_MANY_EXTENSIONS"
    WRONG_PROGRAMME = "WRONG_PROGRAMME"
    REASON_MISSING = "REASON_MISSING"
    ATTACHMENT_MISSING = "ATTACHMENT_MISSING"
    NOT_REFERRED = "NOT_REFERRED"
    ALREADY_REFERRED = "ALREADY_REFERRED"
    SELF_REFERRAL_NOT_ALLOWED = "SELF_REFERRAL_NOT_ALLOWED"
    COMMISSION_INCOMPLETE = "COMMISSION_INCOMPLETE"
    SERVICE_CLOSED = "SERVICE_CLOSED"
    NOT_PREPARED = "NOT_PREPARED"
    NO_WAY_BACK = "NO_WAY_BACK"
    ASSESSMENT_MISSING = "ASSESSMENT_MISSING"
    AF_CHECK_MISSING = "AF_CHECK_MISSING"
    AREA_UNDEFINED = "AREA_UNDEFINED"
    PROGRAMME_NOT_OFFERED = "PROGRAMME_NOT_OFFERED"
    UNIT_UNKNOWN = "UNIT_UNKNOWN"
    OWNER_CONSTANT = "OWNER_CONSTANT"
    MAPPING_MISSING = "MAPPING_MISSING"
    CONTENTS_MISSING = "CONTENTS_MISSING"
    STEP_OUT_OF_ORDER = "STEP_OUT_OF_ORDER"
    NOT_BOTH_POSITIVE = "NOT_BOTH_POSITIVE"
    NOT_IN_REASSESSMENT = "NOT_IN_REASSESSMENT"
    DECISION_MISSING = "DECISION_MISSING"
    NOT_GO_BETWEEN = "NOT_GO_BETWEEN"
    MANDATE_MISSING = "MANDATE_MISSING"
    CONSENT_MISSING = "CONSENT_MISSING"
    SIDE_TRACK_NOT_OPEN = "SIDE_TRACK_NOT_OPEN"
    MAY_NOT_REFUSE = "MAY_NOT_REFUSE"
    NO_SUPPORT_AFTER_EXIT = "NO_SUPPORT_AFTER_EXIT"
    NOT_SETTLED = "NOT_SETTLED"
    FINISHED = "FINISHED"
    NO_CAPACITY = "NO_CAPACITY"
    NOT_ADMITTED = "NOT_ADMITTED"


# --- results and figures -------------------------------------------------------------------------------


class SixMonths(StrEnum):
    """What became of work, studies or business six months after the ended intervention (NACKA-12, NACKA-22)."""

    HELD = "HELD"
    BROKEN = "BROKEN"
    RUNNING = "RUNNING"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class YearlyValue(StrEnum):
    """Yearly values that come from elsewhere: staff in full-time equivalents, inhabitants (LOKA-20, LOKA-58)."""

    FULL_TIME_EQUIVALENTS = "FULL_TIME_EQUIVALENTS"
    POPULATION = "POPULATION"


class FigureCode(StrEnum):
    """Figures about a municipality's own work (LOKA-9, LOKA-19, LOKA-20, LOKA-46, LOKA-50, LOKA-56, NACKA-22)."""

    PARTICIPANTS = "PARTICIPANTS"
    PARTICIPANTS_SHARE = "PARTICIPANTS_SHARE"
    OTHER_GROUND = "OTHER_GROUND"
    FULL_TIME_EQUIVALENTS = "FULL_TIME_EQUIVALENTS"
    PER_FTE = "PER_FTE"
    POPULATION = "POPULATION"
    PER_THOUSAND_INHABITANTS = "PER_THOUSAND_INHABITANTS"
    DAYS = "DAYS"
    SIX_MONTH_RETENTION = "SIX_MONTH_RETENTION"
    EXITS = "EXITS"
    SELF_SUPPORT_LOKA = "SELF_SUPPORT_LOKA"
    BONUS_ELIGIBLE_AMI = "BONUS_ELIGIBLE_AMI"
    SUPPLEMENTARY_SUPPORT = "SUPPLEMENTARY_SUPPORT"
    MINUTES = "MINUTES"
    KOLADA_MINUTES = "KOLADA_MINUTES"
    PROGRESS_STEPS = "PROGRESS_STEPS"


class FigureUnit(StrEnum):
    """What the value of a figure counts."""

    PERSONS = "PERSONS"
    SHARE = "SHARE"
    DAYS = "DAYS"
    MINUTES = "MINUTES"
    STEPS = "STEPS"
    FTE = "FTE"
    INHABITANTS = "INHABITANTS"
    PER_FTE = "PER_FTE"
    PER_THOUSAND = "PER_THOUSAND"


class Shown(StrEnum):
    """What a stored comparison of providers was made for (NACKA-7, AF-SOM-24)."""

    CHOICE = "CHOICE"
    RANKING = "RANKING"


# --- control of money ------------------------------------------------------------------------------------


class FiguresBy(StrEnum):
    """By what a controller's figures are split; money in the month of its payment run."""

    PROVIDER = "PROVIDER"
    PROGRAMME = "PROGRAMME"
    KIND = "KIND"
    MONTH = "MONTH"


class ControlFigure(StrEnum):
    """A controller's figures (NACKA-10, NACKA-12, NACKA-19), in the order in which they are shown."""

    PAYABLE_POSTED = "PAYABLE_POSTED"
    PAYABLE_CORRECTED = "PAYABLE_CORRECTED"
    PAYABLE_NET = "PAYABLE_NET"
    RECEIVABLE_POSTED = "RECEIVABLE_POSTED"
    RECEIVABLE_CORRECTED = "RECEIVABLE_CORRECTED"
    RECEIVABLE_NET = "RECEIVABLE_NET"
    BASE_SHARE = "BASE_SHARE"
    RESULT_SHARE = "RESULT_SHARE"
    CORRECTED_SHARE = "CORRECTED_SHARE"
    CLIENTS = "CLIENTS"
    EXITS = "EXITS"
    EXITS_WORK = "EXITS_WORK"
    EXITS_STUDY = "EXITS_STUDY"
    EXITS_BUSINESS = "EXITS_BUSINESS"
    EXITS_OTHER = "EXITS_OTHER"
    QUALIFYING_EXITS = "QUALIFYING_EXITS"
    RESULTS_DUE = "RESULTS_DUE"
    RESULTS_HELD = "RESULTS_HELD"
    HELD_SHARE = "HELD_SHARE"
    COST_PER_CLIENT = "COST_PER_CLIENT"
    COST_PER_EXIT = "COST_PER_EXIT"
    COST_PER_QUALIFYING_EXIT = "COST_PER_QUALIFYING_EXIT"
    COST_PER_RESULT = "COST_PER_RESULT"
    DAYS_TO_BONUS = "DAYS_TO_BONUS"


class ControlUnit(StrEnum):
    """What the value of a controller's figure counts."""

    SEK = "SEK"
    SHARE = "SHARE"
    NUMBER = "NUMBER"
    DAYS = "DAYS"


class AnomalyKind(StrEnum):
    """What stands out in payments and is worth a look. It says where to look, not that anybody did wrong."""

    SAME_WORKPLACE = "SAME_WORKPLACE"
    EXIT_BEFORE_LIMIT = "EXIT_BEFORE_LIMIT"
    EXIT_BEFORE_END = "EXIT_BEFORE_END"
    BREAK_OFF_AFTER_SETTLE = "BREAK_OFF_AFTER_SETTLE"
    EVIDENCE_REUSED = "EVIDENCE_REUSED"
    DUPLICATE_CLAIMS = "DUPLICATE_CLAIMS"
    PREMIUM_WITHOUT_FOLLOW_UP = "PREMIUM_WITHOUT_FOLLOW_UP"
    FOLLOW_UPS_AT_ONCE = "FOLLOW_UPS_AT_ONCE"
    FOLLOW_UPS_LATE = "FOLLOW_UPS_LATE"
    MANUAL_DECISIONS = "MANUAL_DECISIONS"
    BOUNDARY_CASES = "BOUNDARY_CASES"
    CORRECTIONS = "CORRECTIONS"


class AnomalySeverity(StrEnum):
    """How much it stands out: HIGH if chance alone would hardly ever give it, or if it should never be."""

    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class AnomalyState(StrEnum):
    """SET_ASIDE: a controller has looked at it and given a reason. It is OPEN again if enough is new."""

    OPEN = "OPEN"
    SET_ASIDE = "SET_ASIDE"


# --- reports and documents -----------------------------------------------------------------------------


class ReportKind(StrEnum):
    """Kinds of report (rulebook 8.3)."""

    MONTHLY = "MONTHLY"
    PREMIUM_FOLLOWUP = "PREMIUM_FOLLOWUP"
    FINAL = "FINAL"
    SIX_MONTH_CERTIFICATE = "SIX_MONTH_CERTIFICATE"
    COMMISSIONER_REPLY = "COMMISSIONER_REPLY"
    SUBSIDY_FOLLOWUP = "SUBSIDY_FOLLOWUP"


class ReportState(StrEnum):
    """Where a report stands (rulebook 8.3). EXPECTED and OVERDUE follow from facts and day and are stored nowhere."""

    EXPECTED = "EXPECTED"
    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    OVERDUE = "OVERDUE"
    RETURNED = "RETURNED"
    APPROVED = "APPROVED"


class DocumentType(StrEnum):
    """Types of file that can be stored as evidence; what a file is must agree with what it is said to be."""

    PDF = "PDF"
    PNG = "PNG"
    JPEG = "JPEG"
    ODT = "ODT"
    DOCX = "DOCX"
    TEXT = "TEXT"


class DocumentCode(StrEnum):
    """What a stored document is evidence of: the codes of `Document`, and what goes with other reports."""

    FINAL_REPORT = "FINAL_REPORT"
    EMPLOYMENT_CONTRACT = "EMPLOYMENT_CONTRACT"
    EMPLOYMENT_CERTIFICATE = "EMPLOYMENT_CERTIFICATE"
    STUDY_CERTIFICATE = "STUDY_CERTIFICATE"
    CSN_GRANT = "CSN_GRANT"
    HOUSEHOLD_INCOME_PROOF = "HOUSEHOLD_INCOME_PROOF"
    TRIAL_CALCULATION = "TRIAL_CALCULATION"
    TRIPARTITE_AGREEMENT = "TRIPARTITE_AGREEMENT"
    SUBSIDY_BASIS = "SUBSIDY_BASIS"
    BENEFIT_BASIS = "BENEFIT_BASIS"
    OTHER = "OTHER"


class DocumentRefusal(StrEnum):
    """Why a document is not stored (in the fault of a `DOCUMENT_REFUSED`)."""

    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    CHECKSUM_DIFFERS = "CHECKSUM_DIFFERS"
    TYPE_NOT_ALLOWED = "TYPE_NOT_ALLOWED"
    TYPE_UNKNOWN = "TYPE_UNKNOWN"
    TYPE_DIFFERS = "TYPE_DIFFERS"
    MALFORMED = "MALFORMED"
    POLYGLOT = "POLYGLOT"
    EXECUTABLE = "EXECUTABLE"
    MARKUP = "MARKUP"
    MACRO = "MACRO"
    ACTIVE_CONTENT = "ACTIVE_CONTENT"
    EMBEDDED_FILE = "EMBEDDED_FILE"
    ENCRYPTED = "ENCRYPTED"
    BOMB = "BOMB"
    VIRUS = "VIRUS"


class ScanState(StrEnum):
    """Whether a virus scanner has looked at a stored document. One in which it finds something is not stored."""

    CLEAN = "CLEAN"
    NOT_SCANNED = "NOT_SCANNED"


# --- municipality profiles ---------------------------------------------------------------------------


class PreparationModel(StrEnum):
    """Who prepares an assignment: a forum with financial assistance, or a unit of its own (LOKA-14, LOKA-15)."""

    FORUM = "FORUM"
    OWN_UNIT = "OWN_UNIT"


class CoordinationModel(StrEnum):
    """One constant owner, or an owner for each step of a predefined process (LOKA-39, LOKA-40)."""

    INDIVIDUAL = "INDIVIDUAL"
    PROCESS = "PROCESS"
    LEANS_PROCESS = "LEANS_PROCESS"


class Orientation(StrEnum):
    """How the research programme's first report described a municipality (LOKA-59)."""

    INDIVIDUAL = "INDIVIDUAL"
    MIXED = "MIXED"
    LABOUR_MARKET_PROCESS = "LABOUR_MARKET_PROCESS"


class OwnWorkplaces(StrEnum):
    """To what extent a municipality has workplaces of its own (LOKA-69)."""

    ALMOST_ONLY = "ALMOST_ONLY"
    YES = "YES"
    NONE = "NONE"


class EbPlacement(StrEnum):
    """Where financial assistance is handled, seen from the labour-market unit (LOKA-60)."""

    SAME_UNIT = "SAME_UNIT"
    SEPARATE_UNIT_SAME_AREA = "SEPARATE_UNIT_SAME_AREA"
    SEPARATE_UNIT_SAME_ADMINISTRATION = "SEPARATE_UNIT_SAME_ADMINISTRATION"
    OTHER_ADMINISTRATION = "OTHER_ADMINISTRATION"


class CareContactOwner(StrEnum):
    """Who is responsible for contacts with health care (LOKA-44)."""

    LABOUR_MARKET_UNIT = "LABOUR_MARKET_UNIT"
    EB = "EB"


class OrganisationSide(StrEnum):
    """Where in the organisation somebody works (LOKA-61); ACROSS: for several units."""

    LEAD = "LEAD"
    OFFICE = "OFFICE"
    PRACTICAL = "PRACTICAL"
    ACROSS = "ACROSS"


class MainGroup(StrEnum):
    """The three main groups of staff (LOKA-55), and those in none of them."""

    MEETS_PARTICIPANTS = "MEETS_PARTICIPANTS"
    PRACTICAL_ACTIVITIES = "PRACTICAL_ACTIVITIES"
    EMPLOYER_CONTACTS = "EMPLOYER_CONTACTS"
    NONE = "NONE"


class MunicipalFunction(StrEnum):
    """What somebody does, whatever the municipality calls it (LOKA-54, LOKA-55)."""

    MANAGER = "MANAGER"
    ADMINISTRATOR = "ADMINISTRATOR"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"
    CAREER_GUIDE = "CAREER_GUIDE"
    CASE_WORKER = "CASE_WORKER"
    COORDINATOR = "COORDINATOR"
    REHABILITATION_COORDINATOR = "REHABILITATION_COORDINATOR"
    BIP_COORDINATOR = "BIP_COORDINATOR"
    KAA_OFFICER = "KAA_OFFICER"
    TREATMENT_OFFICER = "TREATMENT_OFFICER"
    HEALTH_DEVELOPER = "HEALTH_DEVELOPER"
    OCCUPATIONAL_THERAPIST = "OCCUPATIONAL_THERAPIST"
    STUDY_CAREER_GUIDE = "STUDY_CAREER_GUIDE"
    LANGUAGE_TEACHER = "LANGUAGE_TEACHER"
    PROJECT_STAFF = "PROJECT_STAFF"
    FLEXIBLE = "FLEXIBLE"
    WORK_LEADER = "WORK_LEADER"
    SUPERVISOR = "SUPERVISOR"
    EMPLOYER_LIAISON = "EMPLOYER_LIAISON"
    PRACTICE_COORDINATOR = "PRACTICE_COORDINATOR"

    @property
    def group(self) -> MainGroup:
        """The main group that the function belongs to."""
        if self in (MunicipalFunction.MANAGER, MunicipalFunction.ADMINISTRATOR, MunicipalFunction.CUSTOMER_SERVICE):
            return MainGroup.NONE
        if self in (MunicipalFunction.WORK_LEADER, MunicipalFunction.SUPERVISOR):
            return MainGroup.PRACTICAL_ACTIVITIES
        if self in (MunicipalFunction.EMPLOYER_LIAISON, MunicipalFunction.PRACTICE_COORDINATOR):
            return MainGroup.EMPLOYER_CONTACTS
        return MainGroup.MEETS_PARTICIPANTS


class AfShareStatement(StrEnum):
    """What the report says about the share of participants from the employment service (LOKA-9); few numbers."""

    OVER_60_PCT = "OVER_60_PCT"
    MAJORITY = "MAJORITY"
    CONSIDERABLE = "CONSIDERABLE"
    CONSIDERABLY_LOWER = "CONSIDERABLY_LOWER"
    DECREASED = "DECREASED"
    ZERO = "ZERO"


class Relation(StrEnum):
    """How a figure that was imported stands to the real one."""

    EQUAL = "EQUAL"
    ABOUT = "ABOUT"
    OVER = "OVER"
    UNDER = "UNDER"


class SubsidyResponsible(StrEnum):
    """Who sees to a wage-subsidy case (LOKA-37, LOKA-38)."""

    STAFF = "STAFF"
    EMPLOYER = "EMPLOYER"


# --- providers -----------------------------------------------------------------------------------------


class ProviderFactKind(StrEnum):
    """What can be stated about a provider (rulebook 8.6)."""

    APPLIED = "applied"
    APPLICATION_WITHDRAWN = "application_withdrawn"
    TERM_EVIDENCE_OFFERED = "term_evidence_offered"
    TERM_MET = "term_met"
    TERM_UNMET = "term_unmet"
    STAFF_LISTED = "staff_listed"
    SUBCONTRACTOR_DECLARED = "subcontractor_declared"
    CAPACITY_DECLARED = "capacity_declared"
    AUTHORISED = "authorised"
    SUPERVISED = "supervised"
    FINDING = "finding"
    MEASURE_DONE = "measure_done"
    FINDING_CLOSED = "finding_closed"
    DEAUTHORISED = "deauthorised"
    NOTICE_GIVEN = "notice_given"
    PENALTY_RECORDED = "penalty_recorded"


class ProviderState(StrEnum):
    """Where a provider stands with a programme (rulebook 8.6)."""

    APPLIED = "APPLIED"
    AUTHORISED = "AUTHORISED"
    UNDER_REVIEW = "UNDER_REVIEW"
    DEAUTHORISED = "DEAUTHORISED"


class SupervisionChannel(StrEnum):
    """The three channels of supervision (NACKA-15)."""

    REPORT_REVIEW = "REPORT_REVIEW"
    ON_SITE = "ON_SITE"
    CLIENT_DIALOGUE = "CLIENT_DIALOGUE"


class FindingSeverity(StrEnum):
    """How grave a finding of the supervision is. Each opens a review (SM-V3)."""

    MINOR = "MINOR"
    MAJOR = "MAJOR"


class DeauthorisationGround(StrEnum):
    """Why an authorisation ended (NACKA-16, NACKA-17, AF-SOM-27)."""

    TERMS_NOT_MET = "TERMS_NOT_MET"
    NO_CLIENTS = "NO_CLIENTS"
    NOTICE = "NOTICE"


class NoticeBy(StrEnum):
    """Who gives notice of termination; it is mutual (AF-SOM-27)."""

    PROVIDER = "PROVIDER"
    COMMISSIONER = "COMMISSIONER"


class StaffFunction(StrEnum):
    """What staff of a provider do. The qualification paths are asked of case workers (AF-SOM-9, AF-SOM-10)."""

    CASE_WORKER = "CASE_WORKER"
    SUPERVISOR = "SUPERVISOR"
    STUDY_GUIDE = "STUDY_GUIDE"


class TermEvidence(StrEnum):
    """What shows that a term of authorisation is met: a document, a statement, or what the provider has declared."""

    DOCUMENT = "DOCUMENT"
    STATEMENT = "STATEMENT"
    RATING = "RATING"
    STAFF = "STAFF"
    CAPACITY = "CAPACITY"


class TermState(StrEnum):
    """Where a term of the checklist stands on a day."""

    MET = "MET"
    EXPIRING = "EXPIRING"
    EXPIRED = "EXPIRED"
    UNMET = "UNMET"
    MISSING = "MISSING"


class ReviewCause(StrEnum):
    """Why a provider is under review (SM-V3)."""

    FINDING = "FINDING"
    TERM_UNMET = "TERM_UNMET"
    TERM_EXPIRED = "TERM_EXPIRED"
    TERM_MISSING = "TERM_MISSING"


class ProviderRefusal(StrEnum):
    """Why a fact about a provider does not take effect."""

    NOT_APPLIED = "NOT_APPLIED"
    ALREADY_APPLIED = "ALREADY_APPLIED"
    ALREADY_AUTHORISED = "ALREADY_AUTHORISED"
    NOT_AUTHORISED = "NOT_AUTHORISED"
    APPLICATION_BINDING = "APPLICATION_BINDING"
    TERM_UNKNOWN = "TERM_UNKNOWN"
    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    SUBCONTRACTOR_UNKNOWN = "SUBCONTRACTOR_UNKNOWN"
    TERMS_NOT_MET = "TERMS_NOT_MET"
    TERMS_MET = "TERMS_MET"
    HAS_CLIENTS = "HAS_CLIENTS"
    FINDING_UNKNOWN = "FINDING_UNKNOWN"
    ALREADY_ENDING = "ALREADY_ENDING"
    END_MISSING = "END_MISSING"
    TOO_EARLY = "TOO_EARLY"
    ACTED_FOR_PROVIDER = "ACTED_FOR_PROVIDER"


# --- persons -------------------------------------------------------------------------------------------


class ProtectionKind(StrEnum):
    """Kinds of protected identity. The third carries no mark that others could see, and protects as much inside."""

    CONFIDENTIALITY_MARK = "CONFIDENTIALITY_MARK"
    PROTECTED_REGISTRATION = "PROTECTED_REGISTRATION"
    FICTITIOUS = "FICTITIOUS"


class AccessOutcome(StrEnum):
    """What became of a call whose answer is about a person."""

    SHOWN = "SHOWN"
    MASKED = "MASKED"
    REFUSED = "REFUSED"


class RecordKind(StrEnum):
    """What is kept for a time of its own (`retention.*`, GAP-14)."""

    PERSON = "PERSON"
    FACTS_TEXTS = "FACTS_TEXTS"
    DOCUMENTS = "DOCUMENTS"
    SNAPSHOTS = "SNAPSHOTS"
    ACCESS_LOG = "ACCESS_LOG"

    @property
    def setting(self) -> str:
        """The key that says how long."""
        return f"retention.{self.value.lower()}"


class LogFault(StrEnum):
    """What a look through the access log found at an entry."""

    CHANGED = "CHANGED"  #: its own words do not give its seal
    MISSING = "MISSING"  #: the entry that should stand here does not
    MISPLACED = "MISPLACED"  #: it does not follow the entry before it
    NOT_AS_KNOWN = "NOT_AS_KNOWN"  #: it is not what was told of it before
    UNKNOWN_KEY = "UNKNOWN_KEY"  #: it was sealed with a key that is no longer given


# --- what goes out of billing: parties, documents, accounting ------------------------------------------


class VatTreatment(StrEnum):
    """How VAT applies to what a seller is paid for. The sources say nothing of it, so there is no default (GAP-06)."""

    STANDARD_25 = "STANDARD_25"
    EXEMPT = "EXEMPT"
    OUTSIDE_SCOPE = "OUTSIDE_SCOPE"

    @property
    def category(self) -> str:
        """The code of UNCL5305 that a Peppol document carries."""
        return {"STANDARD_25": "S", "EXEMPT": "E", "OUTSIDE_SCOPE": "O"}[self.value]


class PayerRole(StrEnum):
    """The municipality, which pays providers, or the employment service, which pays it as its supplier."""

    MUNICIPALITY = "MUNICIPALITY"
    CUSTOMER = "CUSTOMER"


class DocumentKind(StrEnum):
    """What is written of a payment.

    Self-billing documents are the provider's invoices and credit notes, written by the municipality by agreement. A
    payment basis tells a provider without such an agreement what to invoice. The last two go to the employment service.
    """

    SELF_BILLING_INVOICE = "SELF_BILLING_INVOICE"
    SELF_BILLING_CREDIT_NOTE = "SELF_BILLING_CREDIT_NOTE"
    PAYMENT_BASIS = "PAYMENT_BASIS"
    INVOICE = "INVOICE"
    CREDIT_NOTE = "CREDIT_NOTE"

    @property
    def is_invoice(self) -> bool:
        """Whether it is an invoice or a credit note, and so a Peppol document."""
        return self is not DocumentKind.PAYMENT_BASIS

    @property
    def is_credit(self) -> bool:
        return self in (DocumentKind.SELF_BILLING_CREDIT_NOTE, DocumentKind.CREDIT_NOTE)

    @property
    def is_self_billing(self) -> bool:
        return self in (DocumentKind.SELF_BILLING_INVOICE, DocumentKind.SELF_BILLING_CREDIT_NOTE)


class DocumentForm(StrEnum):
    """In which form a document is asked for. A payment basis has no XML."""

    XML = "XML"
    CSV = "CSV"
    HTML = "HTML"
    PDF = "PDF"


class StatementForm(StrEnum):
    """In which form a provider's statement is asked for."""

    HTML = "HTML"
    PDF = "PDF"


class JournalForm(StrEnum):
    """SIE 4I, or CSV with the municipality's dimensions."""

    SIE = "SIE"
    CSV = "CSV"


class DocumentProblem(StrEnum):
    """Why a document cannot be issued."""

    PAYER_UNKNOWN = "PAYER_UNKNOWN"
    PAYEE_UNKNOWN = "PAYEE_UNKNOWN"
    CUSTOMER_UNKNOWN = "CUSTOMER_UNKNOWN"
    VAT_NOT_SET = "VAT_NOT_SET"
    VAT_NUMBER_MISSING = "VAT_NUMBER_MISSING"
    ACCOUNT_MISSING = "ACCOUNT_MISSING"
    ORIGINAL_NOT_ISSUED = "ORIGINAL_NOT_ISSUED"
    NOTHING_TO_ISSUE = "NOTHING_TO_ISSUE"
    DOCUMENT_WRONG = "DOCUMENT_WRONG"


class DimensionSource(StrEnum):
    """What of a posting decides the object of an accounting dimension."""

    FIXED = "FIXED"
    PROGRAMME = "PROGRAMME"
    KIND = "KIND"
    PROVIDER = "PROVIDER"


class AccountSide(StrEnum):
    """The groups of the ledger's accounts, by the first part of their name."""

    COST = "COST"
    PAYABLE = "PAYABLE"
    RECEIVABLE = "RECEIVABLE"
    REVENUE = "REVENUE"
    VAT = "VAT"


class ExplanationForm(StrEnum):
    """In which form the derivation of a line or an entry is asked for."""

    TREE = "TREE"
    TEXT = "TEXT"
    HTML = "HTML"


class KnownAt(StrEnum):
    """Which moment of a day is looked back at: its end, or the payment run that was made for it."""

    DAY = "DAY"
    RUN = "RUN"


class ConditionMet(StrEnum):
    """How it is with a condition of a line. OPEN: time, a report, a paper or a person can still meet it."""

    MET = "MET"
    NOT_MET = "NOT_MET"
    OPEN = "OPEN"


class Explained(StrEnum):
    """What an explanation is about."""

    LINE = "LINE"
    POSTING = "POSTING"


# --- the purpose gate ----------------------------------------------------------------------------------


class DataKind(StrEnum):
    """What about a person is fetched, kept or passed on only on a recorded ground."""

    AF_STATUS = "AF_STATUS"  #: registration, category and activity reports, from the employment service
    AF_DECISION = "AF_DECISION"  #: its decisions, on subsidies and compensation
    AF_ORDER = "AF_ORDER"  #: its orders, where the municipality is its supplier
    ASSISTANCE = "ASSISTANCE"  #: financial assistance paid to a household
    STUDY = "STUDY"  #: certificates of studies, and study aid
    INCOME = "INCOME"  #: employment confirmed by an income register
    HANDOFF = "HANDOFF"  #: the three fields for the employment service's coordinator (AMI-2.2-c)
    REPORT = "REPORT"  #: reports and plans for the employment service


class Purpose(StrEnum):
    """For what. Each is its own: a ground for one is none for another."""

    FINANCIAL_ASSISTANCE = "FINANCIAL_ASSISTANCE"
    LABOUR_MARKET_INTERVENTION = "LABOUR_MARKET_INTERVENTION"
    BONUS_TEST = "BONUS_TEST"  #: no assistance during the six months (AMI-9-d)
    SIX_MONTH_TEST = "SIX_MONTH_TEST"  #: work or studies went on for six months (AMI-9-c, AMI-9-e)
    COMMISSION = "COMMISSION"  #: the municipality delivers to the employment service


class GateRefusal(StrEnum):
    """Why the purpose gate stayed shut. Of several reasons the one that stands last here is told: it is the nearest to
    being let through.
    """

    NOBODY_LINKED = "NOBODY_LINKED"  #: it is about a household or reference that nobody belongs to here
    NO_CONSENT = "NO_CONSENT"  #: a ground by consent was to be opened without the client's consent
    NO_GROUND = "NO_GROUND"  #: there is no ground for that kind of data
    OTHER_PURPOSE = "OTHER_PURPOSE"  #: there is one for another purpose only
    OTHER_PROVIDER = "OTHER_PROVIDER"  #: there is one for another provider, or for none
    NOT_PERMITTED = "NOT_PERMITTED"  #: the municipality uses such data for no such purpose on that basis
    NOT_BEGUN = "NOT_BEGUN"  #: it begins later
    CONSENT_GONE = "CONSENT_GONE"  #: the consent was withdrawn, or the client has switched provider
    ENDED = "ENDED"  #: somebody has ended it
    EXPIRED = "EXPIRED"  #: its time is over


# --- the employment service's data, as its adapter understands it --------------------------------------


class AfAgency(StrEnum):
    """Who answers through the joint base service for financial assistance (SSBTEK)."""

    AF = "AF"  #: the employment service
    FK = "FK"  #: the Social Insurance Agency
    CSN = "CSN"  #: the study-aid board
    PM = "PM"  #: the Pensions Agency
    SKV = "SKV"  #: the Tax Agency
    SO = "SO"  #: the unemployment funds
    UNKNOWN = "UNKNOWN"  #: an answer that does not say whose it is


class AfErrorSource(StrEnum):
    """Where an agency's answer failed: in the joint service, or in the agency's own."""

    SSBT = "SSBT"
    BT = "BT"
    UNKNOWN = "UNKNOWN"


class CategoryScheme(StrEnum):
    """Two numberings of the same jobseeker categories: the employment service's own, and the JobTech taxonomy."""

    AF = "AF"
    JOBTECH = "JOBTECH"


class JobseekerCategory(StrEnum):
    """What a jobseeker category means here, whatever its number was."""

    OPENLY_UNEMPLOYED = "OPENLY_UNEMPLOYED"
    HINDERED = "HINDERED"
    MUNICIPAL_MEASURE = "MUNICIPAL_MEASURE"
    PART_TIME = "PART_TIME"
    HOURLY = "HOURLY"
    EMPLOYED_SHORT = "EMPLOYED_SHORT"  #: up to three months
    EMPLOYED_LONG = "EMPLOYED_LONG"  #: over three months
    NEW_START_JOB = "NEW_START_JOB"
    ESTABLISHMENT = "ESTABLISHMENT"
    YOUTH_JOB_GUARANTEE = "YOUTH_JOB_GUARANTEE"
    JOB_AND_DEVELOPMENT_GUARANTEE = "JOB_AND_DEVELOPMENT_GUARANTEE"
    LABOUR_MARKET_TRAINING = "LABOUR_MARKET_TRAINING"
    DECISION_STATE = "DECISION_STATE"
    UNKNOWN = "UNKNOWN"


class AfOrderState(StrEnum):
    """States of an order to the municipality as supplier, in the employment service's own words."""

    PRELIMINAR = "PRELIMINAR"
    DEFINITIV = "DEFINITIV"
    LEVERERAD = "LEVERERAD"
    KLAR = "KLAR"
    AVBRUTEN = "AVBRUTEN"
    AVBRUTEN_KLAR = "AVBRUTEN_KLAR"
    MAKULERAD = "MAKULERAD"


class AfOrderOutcome(StrEnum):
    """What came of an order."""

    EXPECTED = "EXPECTED"  #: preliminary: nothing follows yet
    REFERRED = "REFERRED"  #: the assignment that it began, or goes on with, has its facts
    CANCELLED = "CANCELLED"  #: what it had come to has been taken back
    TO_A_PERSON = "TO_A_PERSON"  #: broken off, or cancelled, after the decision: a person states how it ended
    SUPERSEDED = "SUPERSEDED"  #: another version of it counts
    PARKED = "PARKED"  #: it has codes that nobody here knows; `fault` says which


class AfFault(StrEnum):
    """Why something that the employment service sent is not taken in."""

    TOO_LARGE = "TOO_LARGE"
    TOO_DEEP = "TOO_DEEP"
    NOT_XML = "NOT_XML"
    FORBIDDEN_XML = "FORBIDDEN_XML"  #: a document type, an entity, or an encoding that none of them needs
    SOAP_FAULT = "SOAP_FAULT"
    NOT_AN_ANSWER = "NOT_AN_ANSWER"
    NO_AF_PART = "NO_AF_PART"  #: an answer in which the employment service has no part
    AF_FAILED = "AF_FAILED"  #: the employment service's part is an error
    OTHER_PERSON = "OTHER_PERSON"
    FIELD_MISSING = "FIELD_MISSING"
    FIELD_WRONG = "FIELD_WRONG"
    UNKNOWN_SERVICE = "UNKNOWN_SERVICE"
    UNKNOWN_TRACK = "UNKNOWN_TRACK"
    UNKNOWN_STATE = "UNKNOWN_STATE"
    UNREACHABLE = "UNREACHABLE"
    BAD_ANSWER = "BAD_ANSWER"  #: an answer that is none: a wrong status, cut, too large, redirected
    RESTING = "RESTING"  #: it has failed so often that it is left alone for a while


class AfWait(StrEnum):
    """For what the work with a client waits at the employment service (AF-SOM-34)."""

    DECISION = "DECISION"
    TRACK = "TRACK"
    EXTENSION = "EXTENSION"
    SUBSIDY = "SUBSIDY"
    OTHER = "OTHER"


class AfCheckMoment(StrEnum):
    """When the registration as jobseeker is looked up (AMI-1.3.2-a)."""

    DECISION = "DECISION"
    START_UP = "START_UP"
    FOLLOW_UP = "FOLLOW_UP"


# --- what systems outside the suite tell -------------------------------------------------------------------


class InboundSource(StrEnum):
    """A system that tells the suite something; its exchange bears the name in lower case."""

    ASSISTANCE = "ASSISTANCE"  #: the system of financial assistance
    EDUCATION = "EDUCATION"  #: adult education, and what the study-aid board decides
    INCOME = "INCOME"  #: a register of incomes


class StudyForm(StrEnum):
    """Where studies are."""

    ADULT_EDUCATION = "ADULT_EDUCATION"
    FOLK_HIGH_SCHOOL = "FOLK_HIGH_SCHOOL"
    VOCATIONAL_COLLEGE = "VOCATIONAL_COLLEGE"
    UNIVERSITY = "UNIVERSITY"
    OTHER = "OTHER"


class StudyAid(StrEnum):
    """What the study-aid board grants (AMI-9.3.1-a, AMI-9.3.3-a)."""

    GRANT_AND_LOAN = "GRANT_AND_LOAN"
    GRANT = "GRANT"
    STUDY_START_SUPPORT = "STUDY_START_SUPPORT"


# --- what is told to the employment service ------------------------------------------------------------


class AfMessage(StrEnum):
    """What the municipality tells the employment service about a client."""

    COORDINATOR_HANDOFF = "COORDINATOR_HANDOFF"  #: exactly three fields, brokered by the career guide (AMI-2.2-c)
    REGISTRATION_MISMATCH = "REGISTRATION_MISMATCH"  #: the client is not registered as jobseeker (AMI-1.3.2-a)
    SUBSIDY_FOLLOWUP = "SUBSIDY_FOLLOWUP"  #: of a subsidised employment (LOKA-37)
    COMMISSION_REPLY = "COMMISSION_REPLY"  #: the answer to the commissioner's question (LOKA-5)
    # where the municipality is the employment service's supplier
    JOINT_PLANNING = "JOINT_PLANNING"
    DEVIATION = "DEVIATION"
    PERIODIC = "PERIODIC"
    INFORMATIVE = "INFORMATIVE"
    FINAL = "FINAL"


class AfDispatchState(StrEnum):
    """Where a message to the employment service stands."""

    DRAFT = "DRAFT"
    READY = "READY"  #: waits to be sent, or to be sent again
    SENT = "SENT"  #: the other side has taken it
    RECEIVED = "RECEIVED"  #: the employment service says that it has it
    APPROVED = "APPROVED"
    NOT_APPROVED = "NOT_APPROVED"
    RESUBMITTED = "RESUBMITTED"  #: not approved, and another has been submitted in its place
    FAILED = "FAILED"  #: not sent: refused, or tried in vain
    PARKED = "PARKED"  #: somebody has put it aside
    MANUAL = "MANUAL"  #: about a protected person: somebody hands it over by other ways
    EXPIRED = "EXPIRED"  #: not sent in time: its ground holds no more, and its contents are gone


class AfFeedbackKind(StrEnum):
    """What the employment service says of what it was sent."""

    RECEIVED = "RECEIVED"
    APPROVED = "APPROVED"
    NOT_APPROVED = "NOT_APPROVED"


class AfCodeList(StrEnum):
    """Numbers that the employment service uses in reports."""

    ACTIVITY = "ACTIVITY"
    ABSENCE = "ABSENCE"
    DEVIATION = "DEVIATION"


class AfEnvironment(StrEnum):
    """Which of its environments a message is for."""

    U1 = "U1"
    I1 = "I1"
    T1 = "T1"
    T2 = "T2"
    PROD = "PROD"


class AfAttemptOutcome(StrEnum):
    """What came of an attempt to send; of one that was cut off nobody knows."""

    ACCEPTED = "ACCEPTED"
    UNREACHABLE = "UNREACHABLE"
    PERHAPS = "PERHAPS"  #: the other side went away while it had the message
    NOT_NOW = "NOT_NOW"
    REFUSED = "REFUSED"
