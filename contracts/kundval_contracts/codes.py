"""Code lists of the domain: the words that services say to each other.

Codes are never renamed or reused once published. Sources are named per list; the values of the
exit matrix stand in `exits.py`.
"""

from enum import StrEnum


class Programme(StrEnum):
    """Kinds of intervention (AMI-1.1-b, NACKA-8, AF-SOM-1, AF-RUM-1)."""

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

    @property
    def is_ami(self) -> bool:
        return self in (Programme.AMI_1, Programme.AMI_2)

    @property
    def is_jobbpeng(self) -> bool:
        return self in (Programme.JOBBPENG_BASIC, Programme.JOBBPENG_ENHANCED)


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


class LineKind(StrEnum):
    """Kinds of billing line. Three programmes have three different speed premiums (rulebook section 1)."""

    MONTHLY_FEE = "MONTHLY_FEE"
    SPEED_PREMIUM = "SPEED_PREMIUM"
    RESULT_BONUS = "RESULT_BONUS"
    BASE = "BASE"
    RESULT = "RESULT"
    SOM_SPEED_PREMIUM = "SOM_SPEED_PREMIUM"
    RUM_SPEED_PREMIUM = "RUM_SPEED_PREMIUM"


class LineStatus(StrEnum):
    """What stands between a line and its payment (rulebook 8.4, 8.5)."""

    PLANNED = "PLANNED"
    PAYABLE = "PAYABLE"
    ON_HOLD = "ON_HOLD"
    MANUAL = "MANUAL"
    STOPPED = "STOPPED"
    REFUSED = "REFUSED"


class ObligationKind(StrEnum):
    """Kinds of obligation with a due day (rules tagged DEADLINE)."""

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
