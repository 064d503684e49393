"""The one table of rule settings: key, type, permitted values, default and the rules each reading settles.

Keys of rulebook sections 6 and 10 are both accepted where they name the same thing (reading 17). The
defaults are the recommended readings; a municipality, or a caseload file, chooses others. Amounts and
shares are Decimal. An unknown key or value is a fault, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from . import authorisation
from .codes import DataKind, DeliveryChannel, DocumentType, ExitKind, MeetingKind, ObligationKind, Programme
from .lawful import read_uses

if TYPE_CHECKING:
    from .tariffs import Tariff


class Missing:
    """Marks a setting without default: the service refuses to start without it."""

    def __repr__(self) -> str:
        return "no default"


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table. `read` turns a raw value into the typed one or raises ValueError with the reason.

    whole: a map that is given takes the place of the default; else its keys that are not named keep theirs.
    """

    key: str
    kind: str
    default: Any
    read: Callable[[Any], Any]
    rules: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    note: str = ""
    whole: bool = False


class SettingsFault(ValueError):
    """Every fault of a set of settings: `faults` is a list of (key, message)."""

    def __init__(self, faults: list[tuple[str, str]]):
        super().__init__("; ".join(f"{key}: {message}" for key, message in faults))
        self.faults = faults


#: Exits to support by a benefit: the source rules them out whatever a municipality chooses (AMI-9-j).
_BENEFITS = (ExitKind.BENEFIT_TEMPORARY.value, ExitKind.BENEFIT_OTHER_PUBLIC.value)

#: Delivery areas of Rusta och matcha and the model of each; other areas are undefined (AF-RUM-7).
_AREA_MODEL = MappingProxyType(
    {
        "Lidköping": 1,
        "Blekinge": 1,
        "Västerås": 1,
        "Oskarshamn": 2,
        "Trollhättan": 2,
        "Umeå": 2,
    }
)

# --- readers ---------------------------------------------------------------------------------------


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool | float):
        raise ValueError("must be a decimal number, not a float")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("must be a number") from None
    if not number.is_finite():
        raise ValueError("must be a finite number")
    return number


def read_money(value: Any) -> Decimal:
    """An amount in SEK: not negative, below ten million, at most two decimals, never a float.

    No fee or bonus for one person is larger; and the sum of a payment run must stay within what the ledger holds.
    """
    amount = _decimal(value)
    if amount < 0:
        raise ValueError("must not be negative")
    if amount >= 10_000_000:
        raise ValueError("must be below 10000000")
    if amount != amount.quantize(Decimal("0.01")):
        raise ValueError("must have at most two decimals")
    return amount.quantize(Decimal("0.01"))


def _share(value: Any) -> Decimal:
    share = _decimal(value)
    if not 0 <= share <= 1:
        raise ValueError("must be a share between 0 and 1")
    return share


#: No count of days, months or minutes is longer; beyond it the calendar ends.
MOST = 9999


def _integer(low: int = 0, high: int = MOST) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("must be a whole number")
        if value < low:
            raise ValueError(f"must be at least {low}")
        if value > high:
            raise ValueError(f"must be at most {high}")
        return value

    return read


#: A number of days or months that a tariff file states.
read_number = _integer(1)


def _maybe(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _one_of(*values: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in values:
            raise ValueError(f"must be one of: {', '.join(values)}")
        return str(value)

    return read


def _days_or_duration(value: Any) -> str:
    """Days as a number, or ISO 8601 `P28D` / `P1M`; kept as the ISO form."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST:
        return f"P{value}D"
    if isinstance(value, str) and re.fullmatch(r"P[0-9]{1,4}[DM]", value):
        return value
    raise ValueError(f"must be a number of days, or P<n>D, or P<n>M, n at most {MOST}")


def _codes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of codes")
    return tuple(value)


def _not_counting(value: Any) -> tuple[str, ...]:
    codes = _codes(value)
    unknown = [code for code in codes if code not in set(ExitKind)]
    if unknown or not set(codes).issuperset(_BENEFITS):
        raise ValueError(f"must be exit kinds, {' and '.join(_BENEFITS)} among them")
    return codes


_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PARTS_OF_HOUR = (5, 10, 15, 20, 30, 60)

#: The programmes that can have the routine on absence (NACKA-JP-3, GAP-02).
_ABSENCE = ("JOBBPENG_BASIC", "JOBBPENG_ENHANCED", "AMI_1", "AMI_2")

#: In base64 it is a third more, and a message of the broker holds 16 MiB.
_LARGEST_DOCUMENT = 10 * 2**20


def _most_bytes(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST_DOCUMENT:
        raise ValueError(f"must be a whole number of bytes from 1 to {_LARGEST_DOCUMENT}")
    return value


def _document_types(value: Any) -> tuple[str, ...]:
    codes = _codes(value)
    if not codes or not set(codes) <= set(DocumentType):
        raise ValueError(f"must be a list of: {', '.join(DocumentType)}")
    return codes


def _integers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not all(type(item) is int and 0 < item <= MOST for item in value):
        raise ValueError(f"must be a list of whole numbers from 1 to {MOST}")
    return tuple(value)


def _thinning(value: Any) -> tuple[int, ...]:
    """Days from one follow-up to the next: closer at first, then thinned out."""
    days = _integers(value)
    if not days or list(days) != sorted(days):
        raise ValueError("must be a list of whole numbers none of which is less than the one before")
    return days


def _age_range(value: Any) -> tuple[int, int]:
    if isinstance(value, Mapping) and set(value) == {"from", "to"}:
        value = [value["from"], value["to"]]
    if isinstance(value, str) and value.count("-") == 1:
        low, _, high = value.partition("-")
        value = [int(low), int(high)] if low.strip().isdigit() and high.strip().isdigit() else value
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(item) is int for item in value):
        low_age, high_age = value
        if 0 <= low_age <= high_age:
            return (low_age, high_age)
    raise ValueError("must be two ages, from and to, both included")


def _day_times(value: Any) -> tuple[str, str]:
    if isinstance(value, str) and value.count("-") == 1:
        value = [part.strip() for part in value.split("-")]
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    if is_pair and all(isinstance(one, str) and _CLOCK.fullmatch(one) for one in value) and value[0] < value[1]:
        return (value[0], value[1])
    raise ValueError("must be two times of the day as HH:MM, the first before the second")


def _time_of_day(value: Any) -> str:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError("must be a time of the day as HH:MM")
    return value


def _hours(value: Any) -> str:
    """From a time of the day to another, perhaps of the next day."""
    parts = value.split("-") if isinstance(value, str) else []
    if len(parts) != 2 or not all(_CLOCK.fullmatch(one) for one in parts) or parts[0] == parts[1]:
        raise ValueError("must be two times of the day as HH:MM-HH:MM")
    return str(value)


def _notices_table(value: Any) -> Mapping[str, Any]:
    from .notices import read_changes  # which reads obligations, and they the settings

    return read_changes(value)


def _absence_programmes(value: Any) -> tuple[str, ...]:
    codes = _codes(value)
    if not set(codes) <= set(_ABSENCE):
        raise ValueError(f"must be a list of: {', '.join(_ABSENCE)}")
    return codes


def _part_of_hour(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _PARTS_OF_HOUR:
        raise ValueError(f"must be one of: {', '.join(map(str, _PARTS_OF_HOUR))}")
    return value


def _map_of(read: Callable[[Any], Any], keys: tuple[str, ...]) -> Callable[[Any], Mapping[str, Any]]:
    def reader(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise ValueError(f"must be a map with keys of: {', '.join(keys)}")
        unknown = [str(key) for key in value if str(key) not in keys]
        if unknown:
            raise ValueError(f"unknown key {', '.join(unknown)}; permitted: {', '.join(keys)}")
        return MappingProxyType({str(key): read(item) for key, item in value.items()})

    return reader


def read_tiers(value: Any) -> tuple[tuple[int, int, Decimal], ...]:
    """`[{from: 1, to: 6, share: 1}, ...]`: consecutive from month 1 on."""
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list of {from, to, share}")
    rows = []
    for item in value:
        if isinstance(item, Mapping) and set(item) == {"from", "to", "share"}:
            item = (item["from"], item["to"], item["share"])
        if not (isinstance(item, list | tuple) and len(item) == 3 and all(type(n) is int for n in item[:2])):
            raise ValueError("must be a list of {from, to, share}")
        rows.append((item[0], item[1], _share(item[2])))
    expected = 1
    for low, high, _ in rows:
        if low != expected or high < low:
            raise ValueError("the tiers must cover the months from 1 on without gap or overlap")
        expected = high + 1
    return tuple(rows)


def _local_terms(value: Any) -> tuple[Mapping[str, Any], ...]:
    """A municipality's own terms of authorisation: rows as in `data/authorisation_terms.toml`."""
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        raise ValueError("must be a list of terms {code, families, title, evidence}")
    taken = {term.code for term in authorisation.file_terms()}
    for row in value:
        term = authorisation.read_term(row)
        unknown = [one for one in term.families if one not in authorisation.families()]
        if unknown or not term.families:
            raise ValueError(f"{term.code}: families must be of: {', '.join(authorisation.families())}")
        if term.code in taken:
            raise ValueError(f"{term.code} stands twice")
        taken.add(term.code)
    return tuple(MappingProxyType(dict(row)) for row in value)


def _ages(value: Any) -> Mapping[str, int]:
    if not isinstance(value, Mapping) or not all(type(item) is int and 1 <= item <= 1200 for item in value.values()):
        raise ValueError("must be a map from terms to months, from 1 to 1200")
    return MappingProxyType({str(key): item for key, item in value.items()})


# --- the table -------------------------------------------------------------------------------------

_SOM = ("SOM_1", "SOM_2", "SOM_3", "SOM_4")
_RUM = ("RUM_A", "RUM_B", "RUM_C")


def _choice(key: str, *values: str, rules: tuple[str, ...], aliases: tuple[str, ...] = (), note: str = "") -> Setting:
    """A reading: the first value is the recommended one."""
    return Setting(key, "code", values[0], _one_of(*values), rules, values, aliases, note)


def _number(key: str, default: int | None, *rules: str, low: int = 0, aliases: tuple[str, ...] = ()) -> Setting:
    read = _maybe(_integer(low)) if default is None else _integer(low)
    return Setting(key, "integer", default, read, rules, (), aliases)


def _flag(key: str, default: bool, *rules: str) -> Setting:
    return Setting(key, "boolean", default, _boolean, rules, ("true", "false"))


def _amount(key: str, default: Any, *rules: str) -> Setting:
    return Setting(key, "money", default, read_money, rules)


_ROWS: tuple[Setting, ...] = (
    _amount("AMI1_MONTHLY_FEE", MISSING, "AMI-10.1-a"),
    _amount("AMI2_MONTHLY_FEE", MISSING, "AMI-10.1-a"),
    Setting(
        "jobbpeng.fees",
        "map of money",
        MappingProxyType({"JOBBPENG_BASIC": Decimal("3686.00"), "JOBBPENG_ENHANCED": Decimal("4858.00")}),
        _map_of(read_money, ("JOBBPENG_BASIC", "JOBBPENG_ENHANCED")),
        ("NACKA-JP-1", "NACKA-8"),
    ),
    _number("jobbpeng.payable_after_days", 14, "NACKA-JP-2"),
    _choice("ami1.length_unit", "DAYS_90", "MONTHS_3", rules=("AMI-7-b", "AMB-01"), aliases=("ami1.length",)),
    _number("ami2.length", 12, "AMI-8-c", low=1),
    _choice("intervention.anchor", "DECISION_DATE", "START_UP", rules=("AMB-02",)),
    _choice(
        "month.unit",
        "BY_PROGRAMME",
        "ANNIVERSARY",
        "CALENDAR",
        "DAYS_30",
        rules=("AMB-03",),
        note="BY_PROGRAMME: AMI 1 in 30-day blocks, others in anniversary months",
    ),
    _choice(
        "end_date.convention",
        "EXCLUSIVE",
        "INCLUSIVE_BEFORE",
        "INCLUSIVE_COUNTS",
        rules=("AMB-04", "AMI-10.2-a"),
    ),
    _choice("ami2.followup.anchor", "DECISION_DATE", "START_UP", rules=("AMB-05", "AMI-8.2-a")),
    Setting("ami2.followup.months", "list of integers", (3, 6, 9, 12), _integers, ("AMI-8.2-a",)),
    _number("followup.tolerance_days", 14, "AMB-05"),
    _number("booking_lead_days", 14, "AMB-07", "AMI-8.2-b"),
    _choice("ami2.final_meeting.cap", "LAST_COVERED_DAY", "NONE", rules=("AMB-06",)),
    _number("ami1.followup.offset_days", 45, "AMI-7.2-a", "AMB-07"),
    Setting(
        "ami2.placement.deadline",
        "days or ISO duration",
        "P28D",
        _days_or_duration,
        ("AMI-8.3-a", "AMB-08"),
        ("P28D", "P1M"),
        ("ami2.placement.deadline_days",),
    ),
    Setting("placement.min_hours_week", "decimal", Decimal(10), _decimal, ("AMI-8.3-b", "AMI-3.2-a")),
    _number("placement.first_followup_days", 7, "AMI-6.2-b"),
    Setting("placement.followup_schedule_days", "list of integers", (7, 7, 14, 28), _thinning, ("LOKA-67",)),
    _number("tripartite.serve_grace_days", 0, "AMI-6.3.1-b"),
    _number("interest.followup_days", None, "LOKA-29"),
    _choice("plan.anchor", "STARTUP", "DECISION_DATE", "ACCEPTANCE", rules=("AMB-09", "AMI-3-c")),
    _number("plan.due_days", 14, "AMI-3-c"),
    _number("study_guidance.due_days", 14, "AMI-4.2-a"),
    _choice("contact.week_model", "ISO", "ROLLING_7", rules=("AMB-10", "AMI-3-a")),
    _number("contact.min_per_week", 1, "AMI-3-a"),
    _number("ami1.jobsearch.quota", 20, "AMI-1.3.1-b"),
    _choice("jobsearch.month_unit", "FEE_UNIT", "CALENDAR_PRO_RATA", "CALENDAR_WHOLE", rules=("AMB-11",)),
    _choice(
        "premium.started_month",
        "ORDINARY_FULL",
        "PRO_RATA_WITH_PREMIUM",
        "PRO_RATA_ONLY",
        rules=("AMB-12", "AMI-10.1-a"),
    ),
    _choice("premium.breakoff_month", "NONE", "PRO_RATA", "FULL", rules=("AMB-13", "AMI-10.1-f")),
    _choice(
        "premium.clawback",
        "AFTER_BREAKOFF_ONLY",
        "ALL",
        "NONE",
        rules=("AMB-14",),
        note="NONE: months already paid stay paid",
    ),
    _choice("premium.missing_report", "HOLD", "FORFEIT", rules=("AMB-32", "AMI-10.1-c")),
    _flag("premium.hourly_provisional", True, "AMB-45"),
    _number("premium.followups_per_month", 1, "AMI-10.1-b", low=1),
    _choice("sustainability.comparison", "GTE", "GT", rules=("AMB-15", "AMI-9-e")),
    _choice("sustainability.anchor", "MAX_EXIT_WORK", "EXIT", "WORK", rules=("AMB-16",)),
    _number("sustainability.months", 6, "AMI-9-b", low=1),
    _choice("ami1.employer_change", "ALLOW_NO_GAP", "FORFEIT", rules=("AMB-17",)),
    _choice("ami2.employer_change", "FORFEIT", "ALLOW_NO_GAP", rules=("AMB-17", "AMI-10.2-d")),
    Setting(
        "own_business.bonus",
        "map of codes",
        MappingProxyType({"AMI_1": "MANUAL", "AMI_2": "NO"}),
        _map_of(_one_of("MANUAL", "NO", "YES"), ("AMI_1", "AMI_2")),
        ("AMB-18",),
        ("MANUAL", "NO", "YES"),
    ),
    _choice("evidence.work.required", "CONTRACT_AND_CERTIFICATE", "EITHER", rules=("AMB-19", "AMI-9.2-b")),
    _choice("eb_test.work_scope", "HOUSEHOLD_MEMBER", "CLIENT_ONLY", rules=("AMB-20", "AMI-9-d")),
    _flag("studiestartsstod.waive_eb_test", True, "AMB-21", "AMI-9.3.3-a"),
    _choice("study_half_time.approval", "MANUAL", "AUTOMATIC", rules=("AMB-23", "AMI-9.3.4-a")),
    _choice("resume.clock", "ORIGINAL", rules=("AMB-24",), note="other readings: a new assignment"),
    _choice("fee.split", "LAST_PROVIDER", "PRO_RATA", "BOTH", rules=("AMB-25",)),
    _amount("bonus.max", Decimal("20000.00"), "AMI-10.2-a", "AMB-42"),
    _amount("ami1.bonus", Decimal("20000.00"), "AMI-10.2-b"),
    Setting(
        "ami2.tiers",
        "list of {from, to, share}",
        ((1, 6, Decimal(1)), (7, 10, Decimal("0.50")), (11, 12, Decimal("0.25"))),
        read_tiers,
        ("AMI-10.2-e", "AMI-10.2-f", "AMI-10.2-g", "AMB-26"),
    ),
    _choice(
        "age.test",
        "AT_DECISION",
        rules=("AMB-27",),
        note="THROUGHOUT is not offered: facts carry no later check",
    ),
    Setting("age.group1", "two ages", (18, 66), _age_range, ("AMI-1.3-b",)),
    Setting("age.kaa", "two ages", (18, 20), _age_range, ("AMI-1.3-c",)),
    Setting("age.young", "two ages", (18, 24), _age_range, ("AMI-1.3-d",)),
    _number("work_ability.min_pct", 25, "AMI-1.3-a"),
    _choice("ami1.group4", "ONLY_IF_OTHER_GROUP", "NEVER", "ALWAYS", rules=("AMB-28", "AMI-7-a")),
    _choice("declined_offer.booker", "PROVIDER", "CAREER_GUIDE", rules=("AMB-29",)),
    _flag("af.coordinator.legal_basis_required", True, "AMB-30"),
    _choice("hours_trigger", "PROVIDER_JUDGEMENT", "TWO_WEEKS", rules=("AMB-31", "AMI-3.2-a")),
    _number("prompt_notice.workdays", 1, "AMB-39", "AMI-10.1-e", "AMI-3.2.1-b"),
    # how soon "as soon as possible" and "without delay" are; where nothing is said, as `prompt_notice.workdays`
    _number("prompt_notice.as_soon_as_possible_workdays", None, "AMB-39", "AMI-3.2.1-b", "AMI-3.2.1-c"),
    _number("prompt_notice.without_delay_workdays", None, "AMB-39", "AMI-10.1-e"),
    _choice(
        "workdays.calendar",
        "WEEKDAYS",
        "SWEDISH",
        rules=("AMB-39",),
        note="which days `prompt_notice.workdays` and the steps of an escalation count. WEEKDAYS: Monday to Friday; "
        "SWEDISH: without public holidays and the eves of midsummer, Christmas and New Year",
    ),
    Setting(
        "due_day.moves",
        "map of codes",
        MappingProxyType({}),
        _map_of(_one_of("NO", "NEXT_WORKDAY", "PREVIOUS_WORKDAY"), tuple(ObligationKind)),
        (),
        ("NO", "NEXT_WORKDAY", "PREVIOUS_WORKDAY"),
        note="by kind of obligation, NO if it is not named: a due day that is no Swedish working day moves. What must "
        "be done within a week or month must be so all the same",
    ),
    _choice("exit_date.basis", "INTERVENTION_END", "FIRST_DAY", rules=("AMB-40",)),
    _choice("interruption.kinds", "ENDED_ONLY", rules=("AMB-41",), note="other absence goes to a person"),
    _choice("work_extent.sum", "MANUAL", rules=("AMB-46",)),
    _number("extent.half_time_pct", 50, "AMI-9.2.2-a"),
    _number("full_time_hours", 40, "AMI-7.1-a"),
    Setting(
        "employment.forms.counting",
        "list of codes",
        ("ORDINARY", "NEW_START_JOB", "INTRODUCTION_JOB", "SHELTERED_PUBLIC", "OTHER"),
        _codes,
        ("AMI-9-i",),
    ),
    Setting(
        "benefits.not_counting",
        "list of codes",
        _BENEFITS,
        _not_counting,
        ("AMI-9-j",),
        note="may name further exit kinds; the two of benefits never count",
    ),
    _number("monthly_report.due_day", None, "AMI-8.1-c", low=1),
    _number("assignment.accept_days", None, low=1),
    _number("choice.days", None, low=1),
    _number("bonus.claim_deadline_months", None, low=1),
    _number("deauth.window_months", 12, "NACKA-17", "AMB-38", low=1),
    # providers
    _number("supervision.interval_months", None, "NACKA-18", low=1),
    Setting("authorisation.local_terms", "list of terms", (), _local_terms, ("NACKA-1", "AMI-6.3-a")),
    Setting("authorisation.validity_months", "map of integers", MappingProxyType({}), _ages, ("NACKA-18",)),
    _number("authorisation.expiring_days", 30, "NACKA-18"),
    Setting("state_reimbursement_share", "share", None, _maybe(_share), ("NACKA-34",)),
    _number("bip.interval_months", 3, "LOKA-23", low=1),
    # meetings, and whether there is time for them
    Setting(
        "meetings.minutes",
        "map of integers",
        MappingProxyType({kind.value: 60 for kind in MeetingKind}),
        _map_of(_integer(1), tuple(MeetingKind)),
        note="how long a meeting takes, by kind",
    ),
    Setting(
        "meetings.office_hours",
        "two times of the day",
        ("08:00", "17:00"),
        _day_times,
        note="from Monday to Friday, local time; when a client who has named no hours is asked to come",
    ),
    Setting(
        "meetings.grid_minutes",
        "integer",
        15,
        _part_of_hour,
        values=("5", "10", "15", "20", "30", "60"),
        note="meetings that are proposed start every so many minutes",
    ),
    _number("meetings.lead_days", 1),
    _number("meetings.buffer_minutes", 0),
    Setting(
        "meetings.travel_default_minutes",
        "integer",
        0,
        _integer(0),
        note="from one place to another if nobody has said how far it is",
    ),
    _number("workload.contact_minutes", None, "AMI-3-a", low=1),
    # absence: the routine of Jobbpeng; no source gives one for AMI, or says how often within what time is "repeated"
    Setting(
        "absence.programmes",
        "list of codes",
        ("JOBBPENG_BASIC", "JOBBPENG_ENHANCED"),
        _absence_programmes,
        ("NACKA-JP-3",),
        _ABSENCE,
        note="the programmes with the routine on absence; in AMI it is for the municipality to switch on (GAP-02)",
    ),
    _number("absence.certificate_from_day", 8, "NACKA-JP-3", low=1),
    _number("absence.repeated_times", 2, "NACKA-JP-3", low=1),
    _number("absence.repeated_within_days", 180, "NACKA-JP-3", low=1),
    # messages to people
    Setting(
        "notices.table",
        "map of maps",
        MappingProxyType({}),
        _notices_table,
        note="kind of notice -> role -> what differs from the suite: urgency, channels, repeat, escalation, off",
    ),
    Setting(
        "notices.quiet_hours",
        "map of times of the day",
        MappingProxyType({"SMS": "21:00-07:00"}),
        _map_of(_hours, tuple(DeliveryChannel)),
        note="by channel: from when to when nothing goes out, local time, over midnight if the first is the later; an "
        "empty map: at no time",
        whole=True,
    ),
    Setting("notices.digest_at", "time of the day", "07:30", _time_of_day, note="when the day's summaries go out"),
    _number("notices.most_per_day", 3, low=1),
    # reports and their documents
    _number("subsidy_report.due_days", None, "LOKA-37", low=1),
    Setting("documents.max_bytes", "integer", 5 * 2**20, _most_bytes, ("AMI-9.2-b",), note="base64 must fit a message"),
    Setting(
        "documents.types",
        "list of codes",
        tuple(DocumentType),
        _document_types,
        ("AMI-9.2-b",),
        tuple(DocumentType),
    ),
    # what providers have achieved, and figures
    _number("figures.smallest_group", 5, "NACKA-7", low=1),
    _number("figures.window_months", 24, "NACKA-7", low=1),
    _choice(
        "choice.ranking",
        "NEUTRAL",
        "SELF_SUPPORT",
        rules=("AF-SOM-24",),
        note="no formula in the source. NEUTRAL: by lot; SELF_SUPPORT: by the share self-supporting after six months",
    ),
    # what stands out in payments: no source gives a number, so these are proposals
    _number("control.window_months", 24, low=1),
    _number("control.smallest_group", 10, low=2),
    _number("control.least_cases", 3, low=1),
    Setting(
        "control.chance",
        "share",
        Decimal("0.001"),
        _share,
        note="how often chance alone may give one false flag in a comparison of all providers",
    ),
    Setting(
        "control.least_odds",
        "decimal",
        Decimal(2),
        _decimal,
        note="a provider stands out if its odds are at least so many times those of the others",
    ),
    _number("control.limit_days", 14, "AMI-10.2-e", low=1),
    _number("control.months_at_once", 4, "AMI-10.1-c", low=2),
    _number("control.late_days", 31, "AMI-10.1-c", low=0),
    Setting(
        "control.comes_back",
        "share",
        Decimal("0.25"),
        _share,
        note="what was set aside is open again if so large a share of assignments is new in it",
    ),
    # how long is kept what says who somebody is; without a value nothing is erased (GAP-14)
    *(
        Setting(f"retention.{kind}", "days or ISO duration", None, _maybe(_days_or_duration))
        for kind in ("person", "facts_texts", "documents", "snapshots", "access_log")
    ),
    # what may be used for what, on which basis, and the longest that a ground may hold: no ground has a silent end
    Setting(
        "gate.uses",
        "map of uses",
        MappingProxyType({}),
        _map_of(read_uses, tuple(DataKind)),
        ("AMI-2.2-c", "AMB-30"),
        note="kind of data -> purpose -> legal bases, in place of what data/lawful_uses.toml says of that kind",
    ),
    Setting(
        "gate.longest",
        "map of durations",
        MappingProxyType({}),
        _map_of(_days_or_duration, tuple(DataKind)),
        note="by kind of data: how long a ground may hold at most; whoever opens one says until when in any case",
    ),
    Setting("ruleset.valid_from", "date", date(2024, 2, 29), lambda value: _date(value), ("AMI-0-b",)),
    # AF programmes
    _choice("som.base_unit", "PERIOD_65", "MONTH", rules=("AMB-33", "AF-SOM-3")),
    _choice("som.premium", "TOP_UP_65", "ACTUAL_DAYS", rules=("AMB-34", "AF-SOM-6")),
    _choice("som.refusal.basis", "REMAINING", "TOTAL", rules=("AMB-35", "AF-SOM-26")),
    Setting("som.rates", "map of money", None, _maybe(_map_of(read_money, _SOM)), ("AF-SOM-2",)),
    Setting("som.result_max", "map of money", None, _maybe(_map_of(read_money, _SOM)), ("AF-SOM-4",)),
    Setting(
        "som.extensions",
        "map of integers",
        None,
        _maybe(_map_of(_integer(0, 2), _SOM)),
        ("AF-SOM-7",),
        note="further periods that the track can have, at most two; two for a track that is not named",
    ),
    _number("som.period_days", 65, "AF-SOM-3", low=1),
    _number("som.calendar_period", 90, "AF-SOM-6", low=1),
    Setting("som.plan_share", "share", Decimal("0.75"), _share, ("AF-SOM-18",)),
    _number("som.talk_min", 30, "AF-SOM-19"),
    _number("som.activity_min", 240, "AF-SOM-19"),
    _number("som.activity_days", 2, "AF-SOM-19"),
    Setting(
        "som.minimum_tracks",
        "list of codes",
        ("SOM_1",),
        lambda value: _tracks(value),
        ("AF-SOM-19", "AF-SOM-35"),
        _SOM,
        note="tracks with the weekly minimum. The source states it for the basic track; what the other three ask for "
        "besides is not known",
    ),
    _number("som.open_hours_week", 16, "AF-SOM-20"),
    _number("som.syv_min_per_period", 120, "AF-SOM-22"),
    _number("som.capacity_min", 20, "AF-SOM-23"),
    _number("som.max_per_employee", 35, "AF-SOM-29", low=1),
    _choice(
        "som.staff.subject_condition",
        "BOTH",
        "VOCATIONAL_ONLY",
        rules=("AF-SOM-9",),
        note="BOTH: university credits too must be within the subjects",
    ),
    _number("som.staff.vocational_points", 400, "AF-SOM-9"),
    _number("som.switch_notice_days", 14, "AF-SOM-25"),
    _number("som.refusal_below_days", 60, "AF-SOM-26"),
    _number("som.termination_months", 3, "AF-SOM-27"),
    _number("som.application_binding_months", 4, "AF-SOM-28"),
    Setting("rum.rates", "map of money", None, _maybe(lambda value: _by_level(value)), ("AF-RUM-2",)),
    Setting("rum.result_max", "map of money", None, _maybe(lambda value: _by_level(value)), ("AF-RUM-4",)),
    _number("rum.days_per_month", 22, "AF-RUM-2", low=1),
    _number("rum.premium_months", 6, "AF-RUM-5", low=1),
    _flag("rum.premium.enabled", False, "AF-RUM-5", "AMB-36"),
    _choice(
        "rum.premium.reading",
        "REMAINING",
        "ALWAYS_SIX",
        "HELD",
        rules=("AF-RUM-5", "AMB-36"),
        note="where the premium is enabled. HELD: six months, once the work or the studies have lasted six months",
    ),
    Setting("rum.area_model", "map", _AREA_MODEL, lambda value: _area_models(value), ("AF-RUM-6", "AF-RUM-7")),
)


def _tracks(value: Any) -> tuple[str, ...]:
    codes = _codes(value)
    if not set(codes) <= set(_SOM):
        raise ValueError(f"must be a list of: {', '.join(_SOM)}")
    return codes


def _date(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be a date") from None


def _by_level(value: Any) -> Mapping[str, Any]:
    """Amounts of Rusta och matcha: for each level one, or one for each model of delivery area (AF-RUM-1).

    `{RUM_A: 55, RUM_B: {1: 62, 2: 75}, RUM_C: 90}`; a plain number means every model.
    """
    if not isinstance(value, Mapping) or not set(value) <= set(_RUM):
        raise ValueError(f"must be a map with keys of: {', '.join(_RUM)}")
    found: dict[str, Any] = {}
    for level, item in value.items():
        if not isinstance(item, Mapping):
            found[level] = read_money(item)
            continue
        if not item or not all(re.fullmatch(r"[1-9]", str(model)) for model in item):
            raise ValueError(f"{level} must be an amount, or amounts by number of the model")
        if len({str(model) for model in item}) < len(item):  # YAML tells the key 1 from the key "1"
            raise ValueError(f"{level} states a model twice")
        found[level] = MappingProxyType({str(model): read_money(amount) for model, amount in item.items()})
    return MappingProxyType(found)


def _area_models(value: Any) -> Mapping[str, int]:
    """Model of each delivery area by its name."""
    if not isinstance(value, Mapping) or not all(isinstance(area, str) and area for area in value):
        raise ValueError("must be a map from delivery areas to models")
    if not all(type(model) is int and 1 <= model <= 9 for model in value.values()):
        raise ValueError("models are whole numbers from 1 to 9")
    return MappingProxyType(dict(value))


#: The table by key.
SETTINGS: Mapping[str, Setting] = MappingProxyType({row.key: row for row in _ROWS})
_BY_NAME = {name: row for row in _ROWS for name in (row.key, *row.aliases)}
#: Values under which an alternative name of section 10 says the same.
_SAME_VALUE = {
    ("ami1.length", 90): "DAYS_90",
    ("ami1.length", "P90D"): "DAYS_90",
    ("ami1.length", "P3M"): "MONTHS_3",
}


#: The settings that a tariff version may state: every amount.
TARIFF_KEYS = (
    "AMI1_MONTHLY_FEE",
    "AMI2_MONTHLY_FEE",
    "ami1.bonus",
    "bonus.max",
    "jobbpeng.fees",
    "som.rates",
    "som.result_max",
    "rum.rates",
    "rum.result_max",
)


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """Amounts for decisions made from `valid_from` on (NACKA-11), by key of the setting that they take the place of."""

    valid_from: date
    fees: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Settings with every default filled in. `settings["ami1.bonus"]` gives the typed value.

    Raises KeyError for a key that has no value (the AMI fees, when not given). `programmes` are tariffs by code that
    stand here instead of those of the files, so that a draft can be computed.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    tariffs: tuple[TariffVersion, ...] = ()
    programmes: Mapping[str, Tariff] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        if key in self.values:
            return self.values[key]
        default = SETTINGS[key].default
        if default is MISSING:
            raise KeyError(key)
        return default

    def has(self, key: str) -> bool:
        """True if the key has a value, given or default."""
        return key in self.values or SETTINGS[key].default is not MISSING

    def fee(self, programme: Programme, decided_on: date) -> tuple[Decimal, date | None]:
        """Monthly fee and the `valid_from` of its tariff version (None: the settings' own) at the decision date.

        Raises LookupError when nothing is in force then (NACKA-11, reading 18).
        """
        from .tariffs import fee_of, in_force

        found = fee_of(in_force(self, programme, decided_on))
        return found.value, found.version

    def tariff_of(self, programme: Programme) -> Tariff | None:
        """The tariff of a programme: a draft's, else the file's; None for a programme that has none."""
        from .tariffs import tariffs

        return self.programmes.get(programme.value) or tariffs().get(programme.value)

    def stated(self, key: str, decided_on: date) -> Iterator[tuple[Any, date | None]]:
        """What is stated for an amount on the decision date, the best first: (value, `valid_from` of its version).

        Tariff versions go before the setting itself, the newest first (reading 18).
        """
        if self.tariffs:
            for version in sorted(self.tariffs, key=lambda version: version.valid_from, reverse=True):
                if version.valid_from <= decided_on and key in version.fees:
                    yield version.fees[key], version.valid_from
        if self.has(key) and self[key] is not None:
            yield self[key], None


def read_settings(raw: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Typed values of `raw` over `base` (already typed). Raises SettingsFault naming every wrong key."""
    values = dict(base or {})
    faults: list[tuple[str, str]] = []
    seen: dict[str, str] = {}
    for name, value in raw.items():
        row = _BY_NAME.get(name)
        if row is None:
            faults.append((str(name), "unknown setting"))
            continue
        if row.key in seen:
            faults.append((str(name), f"names the same setting as {seen[row.key]}"))
            continue
        seen[row.key] = str(name)
        try:
            same = _SAME_VALUE.get((name, value)) if isinstance(value, str | int) else None
            typed = row.read(value if same is None else same)
            # a map that names some keys leaves the others as recommended
            if isinstance(row.default, Mapping) and not row.whole:
                typed = MappingProxyType({**row.default, **typed})
            values[row.key] = typed
        except ValueError as error:
            faults.append((str(name), str(error)))
    if faults:
        raise SettingsFault(faults)
    return values


def read_tariffs(raw: Any) -> tuple[TariffVersion, ...]:
    """Tariff versions `[{valid_from, AMI1_MONTHLY_FEE, …}]` with keys of `TARIFF_KEYS`. Raises SettingsFault."""
    faults: list[tuple[str, str]] = []
    versions: list[TariffVersion] = []
    if not isinstance(raw, list | tuple):
        raise SettingsFault([("", "must be a list of {valid_from, AMI1_MONTHLY_FEE, …}")])
    for place, row in enumerate(raw):
        if not isinstance(row, Mapping):
            faults.append((f"{place}", "must be a map"))
            continue
        fees: dict[str, Any] = {}
        valid_from: date | None = None
        for key, value in row.items():
            try:
                if key == "valid_from":
                    valid_from = _date(value)
                elif key in TARIFF_KEYS:
                    fees[key] = SETTINGS[key].read(value)
                    if fees[key] is None:
                        raise ValueError("must have a value")
                else:
                    raise ValueError("unknown key")
            except ValueError as error:
                faults.append((f"{place}.{key}", str(error)))
        if valid_from is None:
            faults.append((f"{place}.valid_from", "required"))
        elif any(version.valid_from == valid_from for version in versions):
            faults.append((f"{place}.valid_from", "two versions are valid from the same day"))
        else:
            versions.append(TariffVersion(valid_from, MappingProxyType(fees)))
    if faults:
        raise SettingsFault(faults)
    return tuple(versions)


def dump_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values as JSON primitives that `read_settings` reads back to the same values."""
    return {key: _primitive(value) for key, value in values.items()}


def dump_tariffs(tariffs: tuple[TariffVersion, ...]) -> list[dict[str, Any]]:
    """Tariff versions as JSON primitives that `read_tariffs` reads back."""
    return [{"valid_from": version.valid_from.isoformat(), **dump_settings(version.fees)} for version in tariffs]


def _primitive(value: Any) -> Any:
    if isinstance(value, Decimal | date):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _primitive(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_primitive(item) for item in value]
    return value
